/** Waiting for changes by each lane: what it holds up, how it ends, and what is left of it. */
import {
	afterAll,
	afterEach,
	beforeEach,
	describe,
	expect,
	setDefaultTimeout,
	test,
} from "bun:test";
import { getEventListeners } from "node:events";
import fs from "node:fs";
import { join } from "node:path";
import type { EngineOptions } from "../src/engine/settings.ts";
import * as library from "../src/index.ts";
import {
	configureEngine,
	openSync,
	stat,
	stopEngine,
	type Watcher,
	type WatchOptions,
} from "../src/index.ts";
import { IN_MEMORY } from "./confined.ts";
import { runScript } from "./fixtures/run.ts";
import { failureOf, ON_WINDOWS, onLinux, PATIENCE_MILLISECONDS, skipped } from "./forms.ts";
import { changesIn, queues, touch } from "./watched.ts";
import { openIn } from "./witnesses.ts";

setDefaultTimeout(PATIENCE_MILLISECONDS);

let directory: string;
const path = (name: string) => join(directory, name);

const before = queues().length;

beforeEach(() => {
	directory = fs.mkdtempSync(join(IN_MEMORY, "fsx-test-"));
});

afterEach(async () => {
	for (const watcher of begun.splice(0)) await watcher.close();
	fs.rmSync(directory, { recursive: true });
	expect(queues().length).toBe(before);
});

const lanes: [name: string, options: EngineOptions][] = [
	["the defaults", {}],
	["the ring", { lanes: ["ring"] }],
	["workers", { lanes: ["worker"] }],
	["no ring", { ring: "none" }],
];

/** More than there are workers. */
const MANY = 20;

/** Longer than any end may take: without a ring the queue is looked at every 20 ms. */
const SOON_MILLISECONDS = ON_WINDOWS ? 5000 : 500;

const begun: Watcher[] = [];

/** A watcher that the end of the test closes if nobody else does: one that waits holds up the engine. */
function watch(options?: WatchOptions & { encoding?: "utf8" }): Watcher {
	const watcher = library.watch(directory, options);
	begun.push(watcher);
	return watcher;
}

async function soon<T>(promise: Promise<T>): Promise<T> {
	const late = Bun.sleep(SOON_MILLISECONDS).then(() => {
		throw new Error("not soon");
	});
	return Promise.race([promise, late]);
}

describe.each(lanes)("by %s", (_, options) => {
	beforeEach(async () => {
		await stopEngine();
		configureEngine(options);
	});

	afterEach(async () => {
		for (const watcher of begun.splice(0)) await watcher.close();
		await stopEngine();
		configureEngine({});
	});

	test("many wait, and hold up nothing", async () => {
		const watchers = Array.from({ length: MANY }, () => watch());
		await Promise.all(watchers.map(({ ready }) => ready));
		const waiting = watchers.map((watcher) => watcher.next());
		let ticks = 0;
		const timer = setInterval(() => ticks++, 1);
		for (let i = 0; i < 20; i++) {
			expect((await soon(stat(directory, { sync: "force" }))).isDirectory()).toBe(true);
		}
		await Bun.sleep(50);
		expect(ticks).toBeGreaterThan(20);
		clearInterval(timer);
		fs.mkdirSync(path("new"));
		for (const one of await soon(Promise.all(waiting))) {
			expect(one).toEqual({ done: false, value: { kind: "create", path: "new" } });
		}
		await Promise.all(watchers.map((watcher) => watcher.close()));
	});

	test("a change after a while", async () => {
		await using watcher = watch({ recursive: true });
		await watcher.ready;
		for (const name of ["a", "a/b", "a/b/c"]) {
			const waiting = watcher.next();
			await Bun.sleep(60);
			fs.mkdirSync(path(name));
			expect((await soon(waiting)).value).toEqual({ kind: "create", path: name });
		}
	});

	test("those who ask at once are answered in turn", async () => {
		await using watcher = watch();
		const waiting = Array.from({ length: 5 }, () => watcher.next());
		await watcher.ready;
		for (const name of "abcde") fs.mkdirSync(path(name));
		const all = await soon(Promise.all(waiting));
		expect(all.map(({ value }) => value?.path).join("")).toBe("abcde");
	});

	for (const how of ["close", "return", Symbol.asyncDispose] as const) {
		test(`ends by ${String(how)}, also for who waits`, async () => {
			const watcher = watch({ recursive: true });
			await watcher.ready;
			const waiting = [watcher.next(), watcher.next()];
			await Bun.sleep(30);
			await soon<unknown>(watcher[how]());
			expect(queues().length).toBe(before);
			for (const one of waiting) expect(await soon(one)).toEqual({ done: true, value: undefined });
			expect(await watcher.next()).toEqual({ done: true, value: undefined });
			await watcher.close();
		});
	}

	test("ends before it has begun", async () => {
		const watcher = watch({ recursive: true });
		const waiting = watcher.next();
		await soon(watcher.close());
		expect(await waiting).toEqual({ done: true, value: undefined });
	});

	test("closing one that has ended by itself leaves those alone that came after it", async () => {
		for (const name of ["gone", "new"]) fs.mkdirSync(path(name));
		const ended = library.watch(path("gone"));
		await ended.ready;
		fs.rmdirSync(path("gone"));
		expect((await ended.next()).value).toEqual({ kind: "delete", path: "" });
		expect((await ended.next()).done).toBe(true);
		// It may have the same number in the system.
		await using next = library.watch(path("new"));
		await next.ready;
		await ended.close();
		touch(path("new/file"));
		expect((await next.next()).value).toEqual({ kind: "create", path: "file" });
	});

	test("ends with the loop", async () => {
		const watcher = watch();
		await watcher.ready;
		fs.mkdirSync(path("a"));
		fs.mkdirSync(path("b"));
		for await (const { path } of watcher) {
			expect(path).toBe("a");
			break;
		}
		expect(queues().length).toBe(before);
		expect(await watcher.next()).toEqual({ done: true, value: undefined });
	});

	test("an abort while somebody waits", async () => {
		const abort = new AbortController();
		const watcher = watch({ signal: abort.signal });
		await watcher.ready;
		const waiting = failureOf(watcher.next());
		await Bun.sleep(30);
		abort.abort("enough");
		const expected = { name: "AbortError", code: "ABORT_ERR", cause: "enough" };
		expect(await soon(waiting)).toMatchObject(expected);
		expect(await watcher.next()).toEqual({ done: true, value: undefined });
		expect(queues().length).toBe(before);
	});

	test("an abort while nobody waits, with changes at hand", async () => {
		const abort = new AbortController();
		const watcher = watch({ signal: abort.signal });
		await watcher.ready;
		fs.mkdirSync(path("a"));
		fs.mkdirSync(path("b"));
		expect((await watcher.next()).value?.path).toBe("a");
		abort.abort();
		for (let turns = 0; turns < 100 && queues().length > before; turns++) await Bun.sleep(5);
		expect(queues().length).toBe(before);
		expect(await failureOf(watcher.next())).toMatchObject({ name: "AbortError" });
		expect(await watcher.next()).toEqual({ done: true, value: undefined });
		await watcher.close();
	});

	test("an abort before it begins, and one when it has ended", async () => {
		const watcher = watch({ signal: AbortSignal.abort("before") });
		expect(await failureOf(watcher.ready)).toMatchObject({ name: "AbortError", cause: "before" });
		expect(await failureOf(watcher.next())).toMatchObject({ name: "AbortError", cause: "before" });
		const abort = new AbortController();
		const ended = watch({ signal: abort.signal });
		await ended.close();
		abort.abort();
		expect(await ended.next()).toEqual({ done: true, value: undefined });
	});

	test("what cannot be watched does not stay with a signal that lasts", async () => {
		const { signal } = new AbortController();
		const { ready } = library.watch(path("none"), { signal });
		expect(await failureOf(ready)).toMatchObject({ code: "ENOENT" });
		expect(getEventListeners(signal, "abort")).toEqual([]);
	});

	test("aborts at any moment leave nothing behind", async () => {
		for (let i = 0; i < 10; i++) fs.mkdirSync(path(`${i}/${i}`), { recursive: true });
		for (let moment = 0; moment < 40; moment++) {
			const abort = new AbortController();
			const watcher = watch({ recursive: true, signal: abort.signal });
			const waiting = watcher.next().catch((error) => error.name);
			for (let turns = 0; turns < moment; turns++) await Promise.resolve();
			if (moment % 4 === 3) await Bun.sleep(moment / 8);
			if (moment % 2 === 0) fs.mkdirSync(path(`new ${moment}`));
			abort.abort();
			await soon(waiting);
			await soon(watcher.close());
		}
		expect(openIn(directory)).toBe(0);
	});

	test("the engine stops when the last waiter is gone", async () => {
		const watcher = watch();
		await watcher.ready;
		const waiting = watcher.next();
		let stopped = false;
		const stopping = stopEngine().then(() => {
			stopped = true;
		});
		await Bun.sleep(30);
		expect(stopped).toBe(false);
		await watcher.close();
		await waiting;
		await soon(stopping);
	});

	test("a storm of which nothing is lost", async () => {
		const count = ON_WINDOWS ? 2000 : 20_000;
		const watcher = watch({ kinds: ["create", "overflow"] });
		await watcher.ready;
		const fixture = join(import.meta.dir, "fixtures/watch-storm.ts");
		const child = Bun.spawn([process.execPath, fixture, directory, `${count}`]);
		let next = 0;
		for await (const { kind, path } of watcher) {
			if (kind === "overflow" || path !== `${next}`)
				throw new Error(`${kind} ${path}, not ${next}`);
			if (++next === count) break;
		}
		expect(await child.exited).toBe(0);
	}, 30_000);

	test("a process stays alive while somebody waits, and not otherwise", async () => {
		const start = `
			const { configureEngine, watch } = await import("library");
			const { mkdirSync } = await import("node:fs");
			configureEngine(${JSON.stringify(options)});
			const watcher = watch(process.argv[1], { recursive: true });
			await watcher.ready;
		`;
		const waits = `
			${start}
			setTimeout(() => mkdirSync(process.argv[1] + "/new"), 200).unref();
			const started = performance.now();
			const { spawn } = await import("node:child_process");
			const make = "setTimeout(() => require('node:fs').mkdirSync(process.argv[1] + '/new'), 200)";
			spawn(process.execPath, ["-e", make, process.argv[1]], { stdio: "ignore" }).unref();
			watcher.next().then(({ value }) => console.log(value.path, performance.now() - started > 150));
		`;
		expect(await runScript(waits, directory)).toBe("new true\n");
		const idle = `${start} mkdirSync(process.argv[1] + "/another"); console.log("idle");`;
		expect(await runScript(idle, directory)).toBe("idle\n");
	}, 60_000);
});

const QUEUE = "/proc/sys/fs/inotify/max_queued_events";
const COUNT = 100_000;
const limit = process.platform === "linux" ? fs.readFileSync(QUEUE, "latin1") : "";

/** Runs with a queue that holds so many events and some more. */
async function withRoom(body: () => Promise<void>): Promise<void> {
	if (Number(limit) < 2 * COUNT) fs.writeFileSync(QUEUE, `${2 * COUNT}`);
	try {
		await body();
	} finally {
		fs.writeFileSync(QUEUE, limit);
	}
}

if (process.getuid?.() !== 0) skipped("a storm of 100,000 changes", "it needs root");
else {
	afterAll(() => fs.writeFileSync(QUEUE, limit));

	test("a storm of 100,000 changes, of which nobody reads one until it is over", async () => {
		await withRoom(async () => {
			const watcher = watch({ recursive: true, kinds: ["create"] });
			await watcher.ready;
			for (let made = 0; made < COUNT; made++) touch(path(`${made}`));
			// Others have their turn while they are looked at.
			let ticks = 0;
			const timer = setInterval(() => ticks++, 1);
			let next = 0;
			for await (const { kind, path } of watcher) {
				if (path !== `${next}`) throw new Error(`${kind} ${path}, not ${next}`);
				if (++next === COUNT) break;
			}
			clearInterval(timer);
			expect(ticks).toBeGreaterThan(5);
		});
	}, 60_000);

	test("a storm of 100,000 changes, one after the other", async () => {
		await withRoom(async () => {
			const watcher = watch({ recursive: true });
			await watcher.ready;
			const fixture = join(import.meta.dir, "fixtures/watch-storm.ts");
			const child = Bun.spawn([process.execPath, fixture, directory, `${COUNT}`]);
			let next = 0;
			for await (const { kind, path } of watcher) {
				if (kind !== "create" || path !== `${next}`)
					throw new Error(`${kind} ${path}, not ${next}`);
				if (++next === COUNT) break;
			}
			expect(await child.exited).toBe(0);
		});
	}, 60_000);
}

onLinux("an order of events and listings", test)(
	"a file that is written while its directory is listed",
	async () => {
		fs.mkdirSync(path("a"));
		await using watcher = watch({ recursive: true });
		await watcher.ready;
		fs.mkdirSync(path("b"));
		using file = openSync(path("b/file"), "w");
		file.writeAtSync("content");
		expect(await changesIn(watcher, directory)).toEqual(["create b", "create b/file"]);
		file.writeAtSync("content");
		expect((await watcher.next()).value).toEqual({ kind: "modify", path: "b/file" });
	},
);
