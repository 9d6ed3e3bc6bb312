/** Who of those who wait for locks comes first, and whose waits come to nothing. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lock, lock, openSync, tryLock, tryLockSync } from "../src/index.ts";
import { lines } from "../src/lock-line.ts";
import { failureOf } from "./forms.ts";
import { lockElsewhere, methods, until, waits } from "./lock-witnesses.ts";
import { openIn } from "./witnesses.ts";

const shared = { mode: "shared" } as const;
const range = (offset: number, length?: number) => ({ range: { offset, length } });

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

/** Waits on one file, by name, in the order in which they got their locks. */
class Queue {
	readonly got: string[] = [];
	private readonly locks = new Map<string, Lock>();

	/** Goes on once the one that was begun here stands in line. */
	async begin(name: string, options = {}): Promise<void> {
		const before = waits();
		lock(file, options).then((held) => {
			this.got.push(name);
			this.locks.set(name, held);
		});
		await until(() => waits() === before + 1);
	}

	async release(name: string): Promise<void> {
		await this.locks.get(name)?.release();
		this.locks.delete(name);
	}

	async has(...names: string[]): Promise<void> {
		await until(() => this.got.length >= names.length);
		expect(this.got).toEqual(names);
	}
}

test("an exclusive wait is not passed by shared ones that come later", async () => {
	const queue = new Queue();
	const held = await lock(file, shared);
	await queue.begin("writer");
	await queue.begin("reader 1", shared);
	await queue.begin("reader 2", shared);
	expect(await tryLock(file, shared)).toBeUndefined();
	expect(tryLockSync(file, shared)).toBeUndefined();
	await held.release();
	await queue.has("writer");
	await queue.release("writer");
	await queue.has("writer", "reader 1", "reader 2");
	await queue.release("reader 1");
	await queue.release("reader 2");
});

test("disjoint ranges do not wait for each other", async () => {
	const queue = new Queue();
	await using low = await lock(file, range(0, 10));
	const high = await lock(file, range(20, 10));
	await queue.begin("low", range(5, 1));
	await queue.begin("both", range(0, 30));
	await queue.begin("high", range(25, 1));
	await queue.begin("high, read", { ...shared, ...range(21, 1) });
	using apart = await tryLock(file, range(40, 1));
	expect(apart?.mode).toBe("exclusive");
	await high.release();
	await Bun.sleep(30);
	// "both" came before those of the high range, and still waits for the low one.
	expect([queue.got, low.mode]).toEqual([[], "exclusive"]);
	await low.release();
	await queue.has("low");
	await queue.release("low");
	await queue.has("low", "both");
	await queue.release("both");
	await queue.has("low", "both", "high", "high, read");
	await queue.release("high");
	await queue.release("high, read");
});

test("a shared wait for more does not hold up one for less", async () => {
	await using theirs = await lockElsewhere(file, range(50, 1));
	const controller = new AbortController();
	const more = failureOf(lock(file, { ...shared, signal: controller.signal }));
	await until(() => waits() === 1);
	const less = await lock(file, { ...shared, ...range(0, 10) });
	await less.release();
	controller.abort();
	expect([(await more).name, theirs.said]).toEqual(["AbortError", "locked"]);
});

test("who upgrades goes before those who wait for the lock", async () => {
	const queue = new Queue();
	const held = await lock(file, shared);
	const other = await lock(file, shared);
	await queue.begin("writer");
	const upgrade = held.upgrade();
	await until(() => waits() === 2);
	const second = await failureOf(other.upgrade());
	expect(second).toMatchObject({ code: "EDEADLK", path: file, operation: "upgrade" });
	expect(other.mode).toBe("shared");
	await other.release();
	await upgrade;
	expect([held.mode, queue.got]).toEqual(["exclusive", []]);
	await held.downgrade();
	await held.release();
	await queue.has("writer");
	await queue.release("writer");
});

test("downgrading lets the readers in that wait, and a release the writer", async () => {
	const queue = new Queue();
	const held = await lock(file);
	await queue.begin("reader 1", shared);
	await queue.begin("reader 2", shared);
	await queue.begin("writer");
	await held.downgrade();
	await queue.has("reader 1", "reader 2");
	await held.release();
	await queue.release("reader 1");
	await queue.release("reader 2");
	await queue.has("reader 1", "reader 2", "writer");
	await queue.release("writer");
});

test("a second lock of an open file does not wait for those who wait for its first", async () => {
	const queue = new Queue();
	await using open = openSync(file, "r+");
	const first = await lock(open, shared);
	const other = await lock(file, shared);
	await queue.begin("writer");
	const second = lock(open, range(0, 10));
	await until(() => waits() === 2);
	await other.release();
	await (await second).release();
	expect(queue.got).toEqual([]);
	await first.release();
	await queue.has("writer");
	await queue.release("writer");
});

test("closing a file lets those in who wait for its lock", async () => {
	const queue = new Queue();
	const open = openSync(file, "r+");
	await lock(open);
	await queue.begin("writer");
	open.closeSync();
	await queue.has("writer");
	await queue.release("writer");
});

test("closing a file ends the waits for its locks", async () => {
	const held = await lock(file);
	const open = openSync(file, "r+");
	const waiting = failureOf(lock(open));
	await until(() => waits() === 1);
	await open.close();
	expect(await waiting).toMatchObject({ code: "EBADF" });
	expect(openIn(directory)).toBe(1);
	await held.release();
});

test("releasing a lock ends the wait for its upgrade", async () => {
	for (const form of ["async", "sync"] as const) {
		const held = await lock(file, shared);
		const other = await lock(file, shared);
		const upgrade = failureOf(held.upgrade());
		await until(() => waits() === 1);
		await methods(held, form).release();
		expect(await upgrade).toMatchObject({ code: "EBADF", path: file });
		using alone = await other.upgrade().then(() => other);
		expect(alone.mode).toBe("exclusive");
	}
});
