/** Waiting for locks by each lane: a thousand beside all else, and aborts at any moment. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WOULD_WAIT } from "../src/engine/call.ts";
import type { EngineOptions } from "../src/engine/settings.ts";
import {
	configureEngine,
	type FsError,
	lock,
	openSync,
	readFile,
	stat,
	stopEngine,
	tryLockSync,
} from "../src/index.ts";
import { lines } from "../src/lock-line.ts";
import { system } from "../src/sys/index.ts";
import { failureOf, onLinux, PATIENCE_MILLISECONDS } from "./forms.ts";
import { lockCall, lockElsewhere, until, waits } from "./lock-witnesses.ts";
import { Random } from "./model/random.ts";
import { openIn } from "./witnesses.ts";

setDefaultTimeout(PATIENCE_MILLISECONDS);

const shared = { mode: "shared" } as const;

let directory: string;
let file: string;

beforeEach(() => {
	directory = fs.mkdtempSync(join(tmpdir(), "fsx-test-"));
	file = join(directory, "file");
	fs.writeFileSync(file, "content");
});

afterEach(() => {
	const left = [openIn(directory), ...lines.keys()];
	lines.clear();
	fs.rmSync(directory, { recursive: true });
	expect(left).toEqual([0]);
});

/** Lanes on which a call to the kernel takes its time, so that something can happen meanwhile. */
const lanes: [name: string, options: EngineOptions][] = [
	["the defaults", {}],
	["the ring", { lanes: ["ring"] }],
	["workers", { lanes: ["worker"] }],
];

describe.each(lanes)("by %s", (_, options) => {
	beforeEach(async () => {
		await stopEngine();
		configureEngine(options);
	});

	afterEach(async () => {
		await stopEngine();
		configureEngine({});
	});

	test("a lock that is got when it is not wanted any more is released", async () => {
		let usual = Number.POSITIVE_INFINITY;
		for (let round = 0; round < 10; round++) {
			const started = performance.now();
			await (await lock(file)).release();
			usual = Math.min(usual, performance.now() - started);
		}
		let [aborted, locked] = [0, 0];
		// At any time from the first call to the last, and after it.
		for (let round = 0; round < 300; round++) {
			const controller = new AbortController();
			const open = openSync(file, "r+");
			const target = round % 2 === 0 ? file : open;
			const wanted = lock(target, { signal: controller.signal });
			let settled = false;
			wanted.then(
				() => (settled = true),
				() => {},
			);
			const abortAt = performance.now() + (usual * (round % 30)) / 25;
			while (performance.now() < abortAt) await new Promise(setImmediate);
			if (round % 30 === 29) await wanted;
			controller.abort();
			if (settled) {
				locked++;
				await (await wanted).release();
			} else {
				aborted++;
				expect(await failureOf(wanted)).toMatchObject({ name: "AbortError" });
			}
			const after = tryLockSync(file);
			expect(after?.mode).toBe("exclusive");
			after?.releaseSync();
			open.closeSync();
			expect([openIn(directory), lines.size]).toEqual([0, 0]);
		}
		expect([aborted > 0, locked > 0]).toEqual([true, true]);
	}, 60_000);

	test("an upgrade that is not wanted any more is undone", async () => {
		const outcomes = new Set<string>();
		for (let round = 0; round < 100; round++) {
			const held = await lock(file, shared);
			const controller = new AbortController();
			const wanted = held.upgrade({ signal: controller.signal });
			for (let turn = 0; turn < round % 20; turn++) await new Promise(setImmediate);
			if (round % 20 === 19) await wanted;
			controller.abort();
			const error = await wanted.then(
				() => undefined,
				(reason) => reason,
			);
			outcomes.add(String(error?.name));
			expect(held.mode).toBe(error === undefined ? "exclusive" : "shared");
			const beside = tryLockSync(file, shared);
			expect(beside?.mode).toBe(error === undefined ? undefined : "shared");
			beside?.releaseSync();
			await held.release();
		}
		expect(outcomes).toContain("undefined");
		if (options.lanes !== undefined) expect(outcomes).toContain("AbortError");
	}, 60_000);

	test("1,000 wait for one file, beside all else, and get it in order", async () => {
		const first = await lock(file);
		const order: number[] = [];
		let inside = 0;
		const waiters = Array.from({ length: 1000 }, async (_, index) => {
			const held = await lock(file);
			expect(++inside).toBe(1);
			order.push(index);
			if (index % 10 === 0) await new Promise(setImmediate);
			inside--;
			await held.release();
		});
		await until(() => waits() === 1000);
		expect(openIn(directory)).toBe(1001);

		const ticks: number[] = [];
		const timer = setInterval(() => ticks.push(performance.now()), 5);
		const start = performance.now();
		for (let round = 0; round < 50; round++) {
			expect((await stat(file)).size).toBe(7);
			expect(await readFile(file, "utf8")).toBe("content");
		}
		await Bun.sleep(50);
		expect([order.length, waits()]).toEqual([0, 1000]);
		await first.release();
		const others = Array.from({ length: 50 }, () => readFile(file, "utf8"));
		expect(new Set(await Promise.all(others))).toEqual(new Set(["content"]));
		await Promise.all(waiters);
		clearInterval(timer);
		expect(order).toEqual([...order.keys()]);
		expect(order.length).toBe(1000);
		const gaps = [start, ...ticks].map((at, index) => (ticks[index] ?? performance.now()) - at);
		expect(ticks.length).toBeGreaterThan(5);
		expect(Math.max(...gaps)).toBeLessThan(250);
	}, 60_000);

	test("1,000 wait for as many ranges of one file, and hold up nothing when they get them", async () => {
		const first = await lock(file);
		const waiters = Array.from({ length: 1000 }, (_, index) =>
			lock(file, { range: { offset: 10 * index, length: 5 } }),
		);
		await until(() => waits() === 1000);
		const start = performance.now();
		let latest = start;
		let longest = 0;
		const tick = () => {
			const now = performance.now();
			longest = Math.max(longest, now - latest);
			latest = now;
		};
		const timer = setInterval(tick, 5);
		await first.release();
		const held = await Promise.all(waiters);
		await Promise.all(held.map((one) => one.release()));
		tick();
		clearInterval(timer);
		expect(longest).toBeLessThan(1000);
		expect(latest - start).toBeLessThan(3000);
	}, 60_000);
});

test("1,000 who each ask the kernel about a range of their own ask seldom", async () => {
	const { kernel } = system;
	const { immediate, handedOver } = kernel;
	let asked = 0;
	try {
		await using theirs = await lockElsewhere(file);
		const controller = new AbortController();
		const waiters = Array.from({ length: 1000 }, (_, index) => {
			const range = { offset: 10 * index, length: 5 };
			return failureOf(lock(file, { range, signal: controller.signal }));
		});
		await until(() => waits() === 1000);
		await Bun.sleep(500);
		kernel.immediate = (call) => {
			const result = immediate.call(kernel, call);
			if (call.fn === lockCall.fn && result !== WOULD_WAIT) asked++;
			return result;
		};
		kernel.handedOver = (call) => {
			if (call.fn === lockCall.fn) asked++;
			handedOver.call(kernel, call);
		};
		await Bun.sleep(1000);
		expect(asked).toBeGreaterThan(1000);
		expect(asked / lockCall.each).toBeLessThan(8000);
		controller.abort();
		await Promise.all(waiters);
		expect(theirs.said).toBe("locked");
	} finally {
		Object.assign(kernel, { immediate, handedOver });
	}
});

test("of 1,000 who wait for another process, only the first asks the kernel", async () => {
	await stopEngine();
	configureEngine({ lanes: ["worker"] });
	const { kernel } = system;
	const { handedOver } = kernel;
	let asked = 0;
	try {
		await using theirs = await lockElsewhere(file);
		const controller = new AbortController();
		const { signal } = controller;
		const waiters = Array.from({ length: 1000 }, () => failureOf(lock(file, { signal })));
		await until(() => waits() === 1000);
		kernel.handedOver = (call) => {
			if (call.fn === lockCall.fn) asked++;
			handedOver.call(kernel, call);
		};
		await Bun.sleep(400);
		expect(asked).toBeGreaterThan(2);
		expect(asked / lockCall.each).toBeLessThan(50);
		controller.abort();
		const errors = await Promise.all(waiters);
		expect(new Set(errors.map(({ name }) => name))).toEqual(new Set(["AbortError"]));
		expect(theirs.said).toBe("locked");
	} finally {
		kernel.handedOver = handedOver;
		await stopEngine();
		configureEngine({});
	}
}, 30_000);

test("who waits for a lock of this thread does not ask the kernel at all", async () => {
	const { kernel } = system;
	const { immediate, handedOver } = kernel;
	let asked = 0;
	const count = (fn: number) => {
		if (fn === lockCall.fn) asked++;
	};
	const held = await lock(file);
	const waiting = lock(file);
	await until(() => waits() === 1);
	try {
		kernel.immediate = (call) => {
			count(call.fn);
			return immediate.call(kernel, call);
		};
		kernel.handedOver = (call) => {
			count(call.fn);
			handedOver.call(kernel, call);
		};
		await Bun.sleep(100);
		expect(asked).toBe(0);
		await held.release();
		await (await waiting).release();
		expect(asked).toBeGreaterThan(0);
	} finally {
		Object.assign(kernel, { immediate, handedOver });
	}
});

test("changing and releasing a lock all at once leaves nothing behind", async () => {
	await stopEngine();
	configureEngine({ lanes: ["worker"] });
	for (let round = 0; round < 60; round++) {
		const open = openSync(file, "r+");
		const held = await lock(round % 2 === 0 ? file : open, round % 3 === 0 ? shared : {});
		const changes = Promise.allSettled([held.upgrade(), held.downgrade()]);
		for (let turn = 0; turn < round % 7; turn++) await new Promise(setImmediate);
		if (round % 5 === 0) await open.close();
		held.releaseSync();
		await changes;
		await open.close();
		await until(() => openIn(directory) === 0);
		const after = tryLockSync(file);
		expect(after?.mode).toBe("exclusive");
		after?.releaseSync();
	}
	await stopEngine();
	configureEngine({});
});

const allButWindows = onLinux(
	"on Windows it runs out of open files, which is not mended yet",
	test,
);
allButWindows(
	"nobody is forgotten, whatever ranges change through open files that are shared",
	async () => {
		const random = new Random(1);
		const below = (limit: number) => random.below(limit);
		const files = Array.from({ length: 4 }, () => openSync(file, "r+"));
		let got = 0;
		const client = async () => {
			for (let round = 0; round < 40; round++) {
				const at = below(5);
				const range = { offset: below(20), length: below(5) > 0 ? 1 + below(8) : undefined };
				const mode = below(2) > 0 ? "shared" : "exclusive";
				try {
					const held = await lock(files[at] ?? file, { range, mode });
					got++;
					await Bun.sleep(below(2));
					if (below(6) === 0) await held.downgrade();
					if (below(6) === 0) await held.upgrade({ timeoutMs: 20 }).catch(() => {});
					await held.release();
					if (below(60) > 0 || at === 4) continue;
					const old = files[at];
					files[at] = openSync(file, "r+");
					await old?.close();
				} catch (error) {
					// Its file was closed meanwhile, or it would change what another waits for and has.
					expect(["EBADF", "EDEADLK"]).toContain((error as FsError).code);
				}
			}
		};
		await Promise.all(Array.from({ length: 60 }, client));
		expect(got).toBeGreaterThan(1000);
		for (const one of files) one.closeSync();
	},
	30_000,
);
