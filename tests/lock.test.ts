/** What locks keep out, and when they end. What can be locked is in lock-target.test.ts. */
import { afterEach, expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { lock, lockSync, tryLock, tryLockSync } from "../src/index.ts";
import { lines } from "../src/lock-line.ts";
import { IN_MEMORY } from "./confined.ts";
import { failureOf, forms, onLinux } from "./forms.ts";
import { listed, lockElsewhere, methods } from "./lock-witnesses.ts";
import { openIn } from "./witnesses.ts";

afterEach(() => expect([...lines.keys()]).toEqual([]));

const shared = { mode: "shared" } as const;
const range = (offset: number, length?: number) => ({ range: { offset, length } });

forms("an exclusive lock keeps out all others", async ({ fsx, path, directory, form }) => {
	fs.writeFileSync(path("file"), "content");
	using dir = await fsx.openDir(directory);
	const bytes = new TextEncoder().encode(path("file"));
	const targets = [path("file"), bytes, Bun.pathToFileURL(path("file")), dir.at("file")];
	for (const target of targets) {
		const held = await fsx.lock(target);
		expect(held.mode).toBe("exclusive");
		for (const other of targets) {
			expect(await fsx.tryLock(other)).toBeUndefined();
			expect(await fsx.tryLock(other, shared)).toBeUndefined();
			const busy = await failureOf(fsx.lock(other, { wait: false }));
			expect(busy).toMatchObject({ code: "EAGAIN", operation: "lock" });
		}
		await methods(held, form).release();
		const again = await fsx.tryLock(target);
		expect(again?.mode).toBe("exclusive");
		again?.releaseSync();
	}
	expect(openIn(directory)).toBe(1);
	expect(fs.readFileSync(path("file"), "utf8")).toBe("content");
});

forms("shared locks stand beside each other", async ({ fsx, path, form }) => {
	fs.writeFileSync(path("file"), "");
	const first = await fsx.lock(path("file"), shared);
	const second = await fsx.lock(path("file"), shared);
	const third = await fsx.tryLock(path("file"), shared);
	expect([first.mode, second.mode, third?.mode]).toEqual(["shared", "shared", "shared"]);
	expect(await fsx.tryLock(path("file"))).toBeUndefined();
	await methods(second, form).release();
	third?.releaseSync();
	expect(await fsx.tryLock(path("file"))).toBeUndefined();
	await methods(first, form).release();
	using alone = await fsx.tryLock(path("file"));
	expect(alone?.mode).toBe("exclusive");
	expect(await fsx.tryLock(path("file"), shared)).toBeUndefined();
});

onLinux("/proc/locks")(
	"the kernel has the locks that were asked for",
	async ({ fsx, path, form }) => {
		fs.writeFileSync(path("file"), "0123456789");
		const whole = await fsx.lock(path("file"), shared);
		const part = await fsx.lock(path("file"), { ...shared, ...range(3, 4) });
		const far = await fsx.lock(path("file"), { ...shared, ...range(2 ** 52, 1) });
		const rest = await fsx.lock(path("file"), { ...shared, ...range(5) });
		expect(listed(path("file"))).toEqual([
			"READ 0 EOF",
			"READ 3 6",
			`READ ${2 ** 52} ${2 ** 52}`,
			"READ 5 EOF",
		]);
		for (const held of [part, far, rest]) await methods(held, form).release();
		expect(listed(path("file"))).toEqual(["READ 0 EOF"]);
		await methods(whole, form).upgrade();
		expect([whole.mode, ...listed(path("file"))]).toEqual(["exclusive", "WRITE 0 EOF"]);
		await methods(whole, form).upgrade();
		await methods(whole, form).downgrade();
		await methods(whole, form).downgrade();
		expect([whole.mode, ...listed(path("file"))]).toEqual(["shared", "READ 0 EOF"]);
		await methods(whole, form).release();
		expect(listed(path("file"))).toEqual([]);
	},
	IN_MEMORY,
);

forms("ranges exclude each other where they overlap", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	using _ = await fsx.lock(path("file"), range(10, 10));
	for (const [offset, length] of [[0], [0, 11], [10, 1], [19, 1], [12, 2], [19], [5, 100]]) {
		const found = await fsx.tryLock(path("file"), range(offset as number, length));
		expect([offset, length, found]).toEqual([offset, length, undefined]);
	}
	expect(await fsx.tryLock(path("file"))).toBeUndefined();
	for (const [offset, length] of [[0, 10], [20], [9, 1], [20, 1], [2 ** 53 - 2, 1]]) {
		const found = await fsx.tryLock(path("file"), range(offset as number, length));
		expect([offset, length, found?.mode]).toEqual([offset, length, "exclusive"]);
		found?.releaseSync();
	}
	using whole = await fsx.lock(path("file"), range(20));
	expect(await fsx.tryLock(path("file"), range(2 ** 52, 1))).toBeUndefined();
	expect(whole.mode).toBe("exclusive");
});

forms("locks keep out other processes, and theirs this one", async ({ fsx, path, form }) => {
	fs.writeFileSync(path("file"), "");
	const ours = await fsx.lock(path("file"), range(0, 10));
	await using refused = await lockElsewhere(path("file"), { wait: false });
	expect(refused.said).toBe("EAGAIN");
	await using beside = await lockElsewhere(path("file"), { ...range(10), wait: false });
	expect(beside.said).toBe("locked");
	expect(await fsx.tryLock(path("file"), range(15, 1))).toBeUndefined();
	await methods(ours, form).release();
	await beside.release();
	await using theirs = await lockElsewhere(path("file"), shared);
	expect(await fsx.tryLock(path("file"))).toBeUndefined();
	using both = await fsx.lock(path("file"), shared);
	expect([theirs.said, both.mode]).toEqual(["locked", "shared"]);
});

forms("a lock ends with its process, however that ends", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	const theirs = await lockElsewhere(path("file"));
	expect(await fsx.tryLock(path("file"))).toBeUndefined();
	await theirs.kill();
	using ours = await fsx.lock(path("file"));
	expect(ours.mode).toBe("exclusive");
});

forms("upgrade and downgrade, beside another process", async ({ fsx, path, form }) => {
	fs.writeFileSync(path("file"), "");
	const held = await fsx.lock(path("file"), shared);
	const on = methods(held, form);
	const theirs = await lockElsewhere(path("file"), shared);
	const late = await failureOf(on.upgrade({ timeoutMs: 30 }));
	expect(late).toMatchObject({ code: "ETIMEDOUT", path: path("file"), operation: "upgrade" });
	// It has stayed shared.
	expect(held.mode).toBe("shared");
	expect((await lockElsewhere(path("file"), { wait: false })).said).toBe("EAGAIN");
	await theirs.release();
	await on.upgrade();
	expect(held.mode).toBe("exclusive");
	expect((await lockElsewhere(path("file"), { ...shared, wait: false })).said).toBe("EAGAIN");
	await on.downgrade();
	await using reader = await lockElsewhere(path("file"), { ...shared, wait: false });
	expect(reader.said).toBe("locked");
	await on.release();
});

forms("using, await using, and releasing twice", async ({ fsx, path, form, directory }) => {
	fs.writeFileSync(path("file"), "");
	{
		using _ = await fsx.lock(path("file"));
	}
	{
		await using _ = await fsx.lock(path("file"));
	}
	const held = await fsx.lock(path("file"));
	const on = methods(held, form);
	await on.release();
	using other = await fsx.lock(path("file"));
	await on.release();
	held.releaseSync();
	expect(await fsx.tryLock(path("file"))).toBeUndefined();
	for (const change of [on.upgrade, on.downgrade]) {
		expect(await failureOf(change.call(held))).toMatchObject({ code: "EBADF", path: path("file") });
	}
	expect([held.mode, other.mode, openIn(directory)]).toEqual(["exclusive", "exclusive", 1]);
});

onLinux("/proc/self/fd", test)(
	"the descriptor of a lock is not given to programs that are started",
	async () => {
		const directory = fs.mkdtempSync(join(IN_MEMORY, "fsx-test-"));
		fs.writeFileSync(join(directory, "file"), "");
		using _ = await lock(join(directory, "file"));
		const child = Bun.spawnSync(["ls", "-l", "/proc/self/fd"]);
		expect(child.stdout.toString()).not.toContain(directory);
		expect(openIn(directory)).toBe(1);
		fs.rmSync(directory, { recursive: true });
	},
);

test("the types say what comes back", async () => {
	const directory = fs.mkdtempSync(join(IN_MEMORY, "fsx-test-"));
	const file = join(directory, "file");
	fs.writeFileSync(file, "");
	using held = tryLockSync(file);
	const mode: "shared" | "exclusive" | undefined = held?.mode;
	expect([mode, await tryLock(file)]).toEqual(["exclusive", undefined]);
	expect(() => lockSync(file)).toThrow("EDEADLK");
	held?.releaseSync();
	fs.rmSync(directory, { recursive: true });
});
