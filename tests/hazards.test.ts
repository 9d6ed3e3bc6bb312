/** What could go wrong between two calls, in the ring and in immediate answers on Linux. */
import {
	afterAll,
	afterEach,
	beforeAll,
	describe,
	expect,
	setDefaultTimeout,
	spyOn,
	test,
} from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Call, WOULD_WAIT } from "../src/engine/call.ts";
import { queue } from "../src/engine/engine.ts";
import { Memory } from "../src/engine/memory.ts";
import * as fsx from "../src/index.ts";
import { system } from "../src/sys/index.ts";
import { nr, sys } from "../src/sys/linux/calls.ts";
import { type Entry, entry } from "../src/sys/linux/entry.ts";
import { ImmediateAnswers } from "../src/sys/linux/immediate.ts";
import { AT_FDCWD, O } from "../src/sys/linux/layouts.ts";
import { MountKinds, readMounts } from "../src/sys/linux/mounts.ts";
import { Queue } from "../src/sys/linux/ring/queue.ts";
import { runScript } from "./fixtures/run.ts";
import { PATIENCE_MILLISECONDS, skipped } from "./forms.ts";

setDefaultTimeout(PATIENCE_MILLISECONDS);

const KIB = 1024;
const suite = describe.if(process.platform === "linux");

let directory: string;
const path = (name: string) => join(directory, name);

function mkfifo(name: string): string {
	if (!Bun.spawnSync(["mkfifo", path(name)]).success) throw new Error("mkfifo");
	return path(name);
}

/** The ring of this thread, and nothing before it. */
function ring() {
	fsx.configureEngine({ lanes: ["ring"] });
	const lane = queue();
	if (typeof lane === "string") throw new Error(`no ring: ${lane}`);
	return lane;
}

beforeAll(async () => {
	await fsx.stopEngine();
	directory = fs.mkdtempSync(join(tmpdir(), "fsx-hazards-"));
});

afterEach(async () => {
	await fsx.stopEngine();
	fsx.configureEngine({});
});

afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

suite("the ring", () => {
	test("leaves a file's own position to the call that locks it", async () => {
		const lane = ring();
		await using file = await fsx.open(path("positions"), "w+");
		await using pipe = await fsx.open(mkfifo("no positions"), "r+");
		const taken = (fd: number) =>
			(["read", "write", "pread64", "pwrite64"] as const).filter((name) =>
				lane.accepts(sys(nr[name], fd)),
			);
		expect(taken(file.fd)).toEqual(["pread64", "pwrite64"]);
		expect(taken(pipe.fd)).toEqual(["read", "write"]);
	});

	test("writes at the position, all at once, each get a place of their own", async () => {
		ring();
		await using file = await fsx.open(path("direct"), "w", { direct: true });
		const count = 64;
		const blocks = Array.from({ length: count }, (_, i) => {
			const memory = new Uint8Array(8 * KIB);
			const { ptr } = require("bun:ffi") as typeof import("bun:ffi");
			return memory
				.subarray((4096 - (ptr(memory) % 4096)) % 4096)
				.subarray(0, 4096)
				.fill(i + 1);
		});
		await Promise.all(blocks.map((block) => file.writeAt(block, null)));
		const written = fs.readFileSync(path("direct"));
		expect(written.length).toBe(count * 4096);
		expect(new Set(written).size).toBe(count);
	});

	test("long transfers go to a thread of the kernel's, short ones do not", async () => {
		ring();
		await using file = await fsx.open(path("long"), "w+");
		const flags: number[] = [];
		const push = spyOn(Queue.prototype, "push");
		try {
			for (const length of [4 * KIB, 300 * KIB]) {
				await file.writeAt(new Uint8Array(length), 0);
				await file.readAt(new Uint8Array(length), 0);
			}
			for (const [{ opcode }, , given = 0] of push.mock.calls) {
				if (opcode === 22 || opcode === 23) flags.push(given);
			}
		} finally {
			push.mockRestore();
		}
		expect(flags).toEqual([0, 0, 16, 16]);
	});

	test("does not free a large file without a name on this thread", async () => {
		const lane = ring();
		const fd = fs.openSync(path("large"), "w+");
		fs.writeSync(fd, Buffer.alloc(8 * KIB * KIB));
		expect(lane.accepts(sys(nr.close, fd))).toBe(true);
		fs.unlinkSync(path("large"));
		expect(lane.accepts(sys(nr.close, fd))).toBe(false);
		fs.ftruncateSync(fd, 0);
		expect(lane.accepts(sys(nr.close, fd))).toBe(true);
		fs.closeSync(fd);
	});

	test("what a stopped process was waiting for is asked for again", async () => {
		const fifo = mkfifo("stopped");
		const printed = runScript(
			`const { open, configureEngine } = require("library");
			configureEngine({ lanes: ["ring"] });
			const opening = open(process.argv[1]);
			setTimeout(() => Bun.spawn(["sh", "-c",
				"kill -STOP " + process.pid + "; sleep 0.1; kill -CONT " + process.pid + "; sleep 0.2;" +
				"timeout 5 sh -c 'echo > \\"$0\\"' " + JSON.stringify(process.argv[1])]), 100);
			const file = await opening;
			console.log("opened");
			await file.close();`,
			fifo,
		);
		expect(await printed).toBe("opened\n");
	});

	test("a call that must be made again is told from one that must not", () => {
		const { kernel } = system;
		for (const result of [-4, -512, -513, -514, -516]) {
			expect(kernel.interrupted(sys(nr.openat), result)).toBe(true);
			expect(kernel.interrupted(sys(nr.close), result)).toBe(false);
		}
		for (const result of [0, 512, -2, -11]) {
			expect(kernel.interrupted(sys(nr.openat), result)).toBe(false);
		}
	});

	test("without a socket to wake the loop its calls end all the same, and others go elsewhere", async () => {
		const connect = spyOn(Bun, "connect").mockImplementation((() =>
			Promise.reject(new Error("no socket"))) as never);
		try {
			const lane = ring();
			expect((await fsx.stat(directory)).kind).toBe("directory");
			expect(lane.accepts(sys(nr.fsync))).toBe(false);
			expect((await fsx.stat(directory)).kind).toBe("directory");
			await fsx.stopEngine();
		} finally {
			const open = connect.mock.calls.map(([options]) => (options as unknown as { fd: number }).fd);
			connect.mockRestore();
			for (const fd of open) fs.closeSync(fd);
		}
	});
});

suite("a close that nobody waits for", () => {
	test("may fail without anybody's being told", async () => {
		const fifo = mkfifo("closed");
		const printed = await runScript(
			`const fs = require("node:fs");
			const { open } = require("library");
			const file = await open(process.argv[1], "r+");
			const { fd } = file;
			const other = fs.openSync(process.argv[1], "r+");
			const reading = file.read(1);
			await Bun.sleep(20);
			file.closeSync();
			fs.closeSync(fd);
			fs.writeSync(other, "x");
			await reading;
			await Bun.sleep(50);
			console.log("fine");`,
			fifo,
		);
		expect(printed).toBe("fine\n");
	});
});

/** Immediate answers whose calls first pass through `around`. */
function answering(around: (made: readonly number[]) => void) {
	const { call } = entry();
	const made: number[] = [];
	const answers = new ImmediateAnswers(((fn, ...args) => {
		made.push(fn);
		around(made);
		return call(fn, ...args);
	}) as Entry);
	const memory = new Memory();
	return {
		open: (name: string) =>
			answers.answer(sys(nr.openat, AT_FDCWD, memory.cstring(name), O.O_CLOEXEC) as Call),
		close: (fd: number) => answers.answer(sys(nr.close, fd)),
		[Symbol.dispose]() {
			answers.end();
			memory.free();
			memory.discard();
		},
	};
}

suite("immediate answers", () => {
	test("give up an open that found another file than the one that was looked at", () => {
		fs.writeFileSync(path("looked at"), "content");
		fs.statSync(mkfifo("swapped in"));
		const before = fs.readdirSync("/proc/self/fd").length;
		using answers = answering((made) => {
			const walks = made.filter((fn) => fn === nr.openat2).length;
			if (walks !== 2 || made.at(-1) !== nr.openat2) return;
			fs.renameSync(path("swapped in"), path("looked at"));
			// The walk is answered from the cache of names, which has to know it.
			fs.statSync(path("looked at"));
		});
		expect(answers.open(path("looked at"))).toBe(WOULD_WAIT);
		expect(fs.statSync(path("looked at")).isFIFO()).toBe(true);
		// The list of mounts is kept open.
		expect(fs.readdirSync("/proc/self/fd").length).toBe(before + 1);
	});

	test("leave the close of a large file to others", () => {
		fs.writeFileSync(path("small"), "content");
		fs.writeFileSync(path("vast"), "");
		fs.truncateSync(path("vast"), 64 * KIB * KIB);
		using answers = answering(() => {});
		expect(answers.close(answers.open(path("small")))).toBe(0);
		const vast = answers.open(path("vast"));
		expect(answers.close(vast)).toBe(WOULD_WAIT);
		fs.closeSync(vast);
	});
});

const mountable = process.platform === "linux" && process.getuid?.() === 0;
if (!mountable) skipped("mounts", "it takes Linux and root");

describe.if(mountable)("mounts", () => {
	function withTmpfs(point: string, body: () => void): void {
		fs.mkdirSync(point, { recursive: true });
		const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "tmpfs", point]);
		if (!mounted.success) throw new Error(String(mounted.stderr));
		try {
			body();
		} finally {
			expect(Bun.spawnSync(["umount", point]).success).toBe(true);
		}
	}

	const numberOf = (point: string) =>
		readMounts(entry().call).find((mount) => mount.point === point)?.id ?? -1;

	test("have names of any characters", () => {
		const point = path("Gräßlich\t名前 \\ é");
		withTmpfs(point, () => {
			const mount = readMounts(entry().call).find(({ point: found }) => found === point);
			expect(mount?.type).toBe("tmpfs");
		});
	});

	test("are read again only when they have changed", () => {
		const { call } = entry();
		let reads = 0;
		const kinds = new MountKinds(((fn, ...args) => {
			if (fn === nr.read) reads++;
			return call(fn, ...args);
		}) as Entry);
		let now = Bun.nanoseconds();
		const clock = spyOn(Bun, "nanoseconds").mockImplementation(() => now);
		const later = (id: number) => {
			now += 2e9;
			reads = 0;
			return kinds.of(id);
		};
		try {
			const root = numberOf("/");
			const kind = kinds.of(root);
			expect(reads).toBeGreaterThan(0);
			expect(later(root)).toBe(kind);
			expect(reads).toBe(0);
			withTmpfs(path("new mount"), () => {
				expect(later(numberOf(path("new mount")))).toBe("memory");
				expect(reads).toBeGreaterThan(0);
				expect(later(root)).toBe(kind);
				expect(reads).toBe(0);
			});
		} finally {
			clock.mockRestore();
			kinds.end();
		}
	});

	test("capabilities of a confined file are those of where it is, not of where its name leads", () => {
		fs.mkdirSync(path("box/sub"), { recursive: true });
		fs.writeFileSync(path("box/sub/file"), "");
		using box = fsx.openDirSync(path("box"), { beneath: true });
		const { filesystem } = fsx.capabilitiesSync(path("box/sub"));
		const inside = box.at("sub/file");
		withTmpfs(path("box"), () => {
			fs.mkdirSync(path("box/sub"));
			expect(fsx.capabilitiesSync(inside).filesystem.type).toBe(filesystem.type);
		});
		withTmpfs(path("box/mounted"), () => {
			fs.writeFileSync(path("box/mounted/file"), "");
			fs.symlinkSync("../mounted/file", path("box/sub/link"));
			expect(fsx.capabilitiesSync(box.at("mounted/file")).filesystem.type).toBe("tmpfs");
			expect(() => fsx.capabilitiesSync(box.at("sub/link"))).toThrow("ENOTDIR");
		});
	});
});
