/** The engine under load and in trouble: lanes, budget, aborts, memory, and what lanes answer. */
import {
	afterAll,
	afterEach,
	beforeAll,
	beforeEach,
	describe,
	expect,
	setDefaultTimeout,
	test,
} from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { queue } from "../src/engine/engine.ts";
import type { Operation } from "../src/engine/operation.ts";
import { run, runSync } from "../src/engine/run.ts";
import type { Scope } from "../src/engine/scope.ts";
import type { EngineOptions } from "../src/engine/settings.ts";
import * as fsx from "../src/index.ts";
import { nr, sys } from "../src/sys/linux/calls.ts";
import {
	failureOf,
	ON_WINDOWS,
	onLinux,
	PATIENCE_MILLISECONDS,
	skipped,
	testElsewhere,
} from "./forms.ts";
import { mount } from "./mounts.ts";
import { openIn } from "./witnesses.ts";

setDefaultTimeout(PATIENCE_MILLISECONDS);

const everywhere: [name: string, options: EngineOptions][] = [
	["the defaults", {}],
	[ON_WINDOWS ? "the port" : "the ring", { lanes: ["ring"] }],
	["workers", { lanes: ["worker"] }],
];
const lanes: typeof everywhere = ON_WINDOWS
	? everywhere
	: [...everywhere, ["immediate answers", { lanes: ["immediate"] }]];

let directory: string;
const path = (name: string) => join(directory, name);

function mkfifo(name: string): string {
	if (!Bun.spawnSync(["mkfifo", path(name)]).success) throw new Error("mkfifo");
	return path(name);
}

/** Runs `body` beside a timer of 1 ms: how often it fired, and the longest it was kept waiting. */
async function besideTimer(body: () => Promise<void>) {
	let ticks = 0;
	let gap = 0;
	const start = performance.now();
	let last = start;
	const timer = setInterval(() => {
		const now = performance.now();
		gap = Math.max(gap, now - last);
		last = now;
		ticks++;
	}, 1);
	await body();
	clearInterval(timer);
	const elapsed = performance.now() - start;
	return { ticks, gap: Math.max(gap, performance.now() - last), elapsed };
}

beforeAll(async () => {
	await fsx.stopEngine();
	directory = fs.mkdtempSync(join(tmpdir(), "fsx-engine-"));
	fs.writeFileSync(path("file"), "0123456789".repeat(1000));
});

beforeEach(() => expect(openIn(directory)).toBe(0));

afterEach(async () => {
	await fsx.stopEngine();
	fsx.configureEngine({});
	expect(openIn(directory)).toBe(0);
});

afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

const onFifos = onLinux("fifos", test);

describe.each(lanes)("by %s", (lane, options) => {
	beforeEach(() => fsx.configureEngine(options));

	test("5,000 operations at once", async () => {
		const sizes = await Promise.all(
			Array.from({ length: 5000 }, async (_, i) => {
				if (i % 5 !== 0) return (await fsx.stat(path("file"))).size;
				const error = await failureOf(fsx.stat(path(`nothing ${i}`)));
				return error.message;
			}),
		);
		const expected = sizes.map((_, i) =>
			i % 5 !== 0 ? 10_000 : `ENOENT: no such file or directory, stat '${path(`nothing ${i}`)}'`,
		);
		expect(sizes).toEqual(expected);
	});

	onFifos("a fifo's open waits for the other end, and timers do not wait for it", async () => {
		const fifo = mkfifo(`fifo of ${lane}`);
		let opened = false;
		const { ticks } = await besideTimer(async () => {
			const opening = fsx.open(fifo).then((file) => {
				opened = true;
				return file;
			});
			await Bun.sleep(100);
			expect(opened).toBe(false);
			await using writer = await fsx.open(fifo, "w");
			await using reader = await opening;
			const reading = reader.read(100);
			await Bun.sleep(20);
			await writer.writeAt("through the fifo");
			expect(Buffer.from(await reading).toString()).toBe("through the fifo");
		});
		expect(ticks).toBeGreaterThan(40);
	});

	onFifos("a buffer that only a call in flight knows is not collected", async () => {
		const fifo = mkfifo(`pipe of ${lane}`);
		await using both = await fsx.open(fifo, "r+");
		const reads = Array.from({ length: 3 }, () => both.read(64));
		for (let i = 0; i < 20; i++) {
			Bun.gc(true);
			// Whoever was given the memory of a buffer that is gone would see it change.
			Array.from({ length: 100 }, () => new Uint8Array(64));
			await Bun.sleep(1);
		}
		for (const letter of "abc") {
			fs.writeSync(both.fd, letter.repeat(64));
			await Bun.sleep(5);
		}
		const texts = (await Promise.all(reads)).map((bytes) => Buffer.from(bytes).toString());
		expect(texts.sort()).toEqual(["a", "b", "c"].map((letter) => letter.repeat(64)));
	});

	onFifos("stopEngine waits for what is under way, and nothing is left of it", async () => {
		const fifo = mkfifo(`end of ${lane}`);
		// A call that waits, and others after it, in one operation.
		const text = fsx.readFile(fifo, "utf8");
		await Bun.sleep(20);
		expect(() => fsx.configureEngine({})).toThrow("EBUSY");
		let stopped = 0;
		const stops = [1, 2].map(() => fsx.stopEngine().then(() => stopped++));
		await Bun.sleep(20);
		expect(stopped).toBe(0);
		fs.writeFileSync(fifo, "at last");
		expect(await text).toBe("at last");
		await Promise.all(stops);
		const rings = fs.readdirSync("/proc/self/fd").filter((fd) => {
			const name = fs.existsSync(`/proc/self/fd/${fd}`) || fd;
			return name !== fd && fs.readlinkSync(`/proc/self/fd/${fd}`).includes("[io_uring]");
		});
		expect(rings).toEqual([]);
		expect((await fsx.stat(fifo)).kind).toBe("fifo");
	});

	onFifos(
		"an abort ends an operation after the call in flight, and what it opened is closed",
		async () => {
			const fifo = mkfifo(`abort of ${lane}`);
			const abort = new AbortController();
			const failing = failureOf(fsx.readFile(fifo, { signal: abort.signal }));
			const writer = await fsx.open(fifo, "w");
			await writer.writeAt("read before");
			await Bun.sleep(20);
			abort.abort("enough");
			// EPIPE if the reader has seen the abort already.
			await Promise.allSettled([writer.writeAt("read after")]);
			await writer.close();
			const error = await failing;
			expect(error).toMatchObject({ name: "AbortError", code: "ABORT_ERR", cause: "enough" });
		},
	);

	onLinux("system calls by number", test)(
		"an abort does not keep an operation from closing what it opened",
		async () => {
			const fd = fs.openSync(path("file"), "r");
			const abort = new AbortController();
			function* closing(scope: Scope): Operation<number> {
				scope.interrupt = abort.signal;
				try {
					return yield sys(nr.fsync, fd);
				} finally {
					yield sys(nr.close, fd);
				}
			}
			const ending = run(closing);
			abort.abort();
			expect(await ending.catch((error) => error.code)).toBe(0);
		},
	);

	test("a loop of awaits lets timers fire", async () => {
		await using file = await fsx.open(path("file"));
		const buffer = new Uint8Array(100);
		const count = lane === "workers" || ON_WINDOWS ? 2000 : 20_000;
		const { ticks, gap, elapsed } = await besideTimer(async () => {
			// Two of them, because one may be held back while another has the thread to itself.
			const loop = async () => {
				for (let i = 0; i < count / 2; i++) await file.readAt(buffer, i % 1000);
			};
			await Promise.all([loop(), loop()]);
		});
		expect(ticks).toBeGreaterThan(elapsed * 0.1);
		expect(gap).toBeLessThan(200);
	});
});

describe("the engine", () => {
	test("awaits in a row let a timer of 1 ms fire all the while", async () => {
		// Where no call is answered at once each takes its turn.
		const count = ON_WINDOWS ? 2000 : 200_000;
		const { ticks, gap, elapsed } = await besideTimer(async () => {
			for (let i = 0; i < count; i++) await fsx.stat(path("file"));
		});
		expect(ticks).toBeGreaterThan(elapsed * 0.1);
		expect(gap).toBeLessThan(200);
	});

	onFifos("takes more calls than the ring has completions", async () => {
		fsx.configureEngine({ lanes: ["ring"] });
		await using pipe = await fsx.open(mkfifo("full"), "r+");
		const reads = Array.from({ length: 9000 }, () => pipe.read(1));
		// With the ring full of reads that wait, the loop goes on.
		for (let turns = 0; turns < 20; turns++) await Bun.sleep(1);
		for (let done = 0; done < 9000; done += 3000) fs.writeSync(pipe.fd, "x".repeat(3000));
		const lengths = await Promise.all(reads);
		expect(lengths.filter(({ length }) => length === 1).length).toBe(9000);
	});

	onFifos("numbers calls beyond 32 bits without mistaking one for another", async () => {
		fsx.configureEngine({ lanes: ["ring"] });
		await using pipe = await fsx.open(mkfifo("numbers"), "r+");
		const ring = queue() as unknown as { nextId: number };
		const pending = pipe.read(5);
		await Bun.sleep(5);
		// The next numbers are 4294967295, 0, and those up to the one that is taken by the read.
		const taken = ring.nextId;
		ring.nextId = 0xfffffffe;
		for (let i = 0; i < taken + 10; i++) {
			expect((await fsx.stat(path("file"))).size).toBe(10_000);
		}
		fs.writeSync(pipe.fd, "still");
		expect(Buffer.from(await pending).toString()).toBe("still");
	});

	onLinux("system calls by number", test)(
		"settles an operation that throws, and goes on",
		async () => {
			const boom = new Error("boom");
			const before = (): Operation<number> => {
				throw boom;
			};
			function* first(): Operation<undefined> {
				if (boom.message !== "") throw boom;
				yield sys(nr.fsync, -1);
			}
			function* later(): Operation<undefined> {
				yield sys(nr.fsync, -1);
				throw boom;
			}
			for (const operation of [before, first, later]) {
				expect(await failureOf(run(operation))).toBe(boom);
				expect(() => runSync(operation)).toThrow(boom);
			}
			expect((await fsx.stat(path("file"))).size).toBe(10_000);
		},
	);

	test("a worker that dies fails its call, and the next gets another worker", async () => {
		fsx.configureEngine({ lanes: ["worker"] });
		const { Worker } = globalThis;
		const dying = `data:text/javascript,onmessage = () => (onmessage = () => process.exit(1));`;
		globalThis.Worker = class extends Worker {
			constructor() {
				super(dying);
			}
		} as unknown as typeof Worker;
		try {
			const errors = await Promise.all(
				Array.from({ length: 20 }, () => failureOf(fsx.stat(path("file")))),
			);
			expect(new Set(errors.map(({ message }) => message))).toEqual(
				new Set(["the worker ended before the operation did"]),
			);
		} finally {
			globalThis.Worker = Worker;
		}
		expect((await fsx.stat(path("file"))).size).toBe(10_000);
	});

	test("no worker can be started", async () => {
		fsx.configureEngine({ lanes: ["worker"] });
		const { Worker } = globalThis;
		globalThis.Worker = class {
			constructor() {
				throw new Error("no threads");
			}
		} as unknown as typeof Worker;
		try {
			expect(await failureOf(fsx.stat(path("file")))).toMatchObject({ message: "no threads" });
		} finally {
			globalThis.Worker = Worker;
		}
		expect((await fsx.stat(path("file"))).size).toBe(10_000);
	});
});

/** The process that has this in its command line. */
function processOf(word: string): number {
	const found = fs.readdirSync("/proc").find((name) => {
		if (!/^\d+$/.test(name)) return false;
		try {
			return fs.readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").includes(word);
		} catch {
			return false; // It has ended.
		}
	});
	if (found === undefined) throw new Error(`no process has ${word} in its command line`);
	return Number(found);
}

const SILENT = "a direct read from a server that does not answer holds up nothing but itself";
if (process.getuid?.() !== 0 || Bun.which("bindfs") === null) skipped(SILENT, "bindfs and root");
else {
	testElsewhere(SILENT, async () => {
		using mounted = mount("bindfs");
		const name = join(mounted.root, "file");
		fs.writeFileSync(name, "x".repeat(4096));
		const file = await fsx.open(name, "r", { direct: true });
		const server = processOf(mounted.root);
		// Not by a timer of this process, which may be what is held up.
		const waker = Bun.spawn(["sh", "-c", `sleep 1; kill -CONT ${server}`]);
		process.kill(server, "SIGSTOP");
		try {
			const { gap, elapsed } = await besideTimer(async () => {
				expect((await file.read(4096, 0)).length).toBe(4096);
			});
			expect(elapsed).toBeGreaterThan(600);
			expect(gap).toBeLessThan(500);
		} finally {
			await waker.exited;
			await file.close();
		}
	});
}
