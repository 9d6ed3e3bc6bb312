/** Real disks that are full, that a user may have no more of, that turn read-only or break down. */
import { expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { writeFileSync } from "../src/index.ts";
import { filesystem } from "./filesystems.ts";
import { type Forms, failureOf, type Given } from "./forms.ts";
import { generation, generationOf } from "./generations.ts";
import { type Loop, startLoop } from "./kill-stage.ts";
import { mount } from "./mounts.ts";
import { output, pattern } from "./witnesses.ts";

const KiB = 1024;
const BLOCK = 4096;
const content = pattern(100 * KiB);

/** Ways to give `to` the content of `from`, and whether a failure leaves what was there. */
const ways: [title: string, (fsx: Forms, from: string, to: string) => Promise<unknown>][] = [
	["copyFile", (fsx, from, to) => fsx.copyFile(from, to)],
	["copyFile, reading", (fsx, from, to) => fsx.copyFile(from, to, { reflink: "never" })],
	[
		"copyFile, all kept",
		(fsx, from, to) => fsx.copyFile(from, to, { preserve: "all", sync: true }),
	],
	["writeFile", (fsx, from, to) => fsx.writeFile(to, fs.readFileSync(from), { atomic: true })],
];

/** Takes up all room but so many blocks, and gives it back. */
function fill(directory: string, left: number): Disposable {
	const filler = join(directory, "filler");
	const fd = fs.openSync(filler, "w");
	try {
		for (let blocks = 256; blocks >= 1; ) {
			try {
				// A short write is followed by one that fails.
				fs.writeSync(fd, Buffer.alloc(blocks * BLOCK));
			} catch (error) {
				if ((error as { code?: string }).code !== "ENOSPC") throw error;
				blocks /= 4;
			}
		}
		fs.fsyncSync(fd);
		fs.ftruncateSync(fd, fs.fstatSync(fd).size - left * BLOCK);
		fs.fsyncSync(fd);
	} finally {
		fs.closeSync(fd);
	}
	return { [Symbol.dispose]: () => fs.rmSync(filler) };
}

/** What must hold after an attempt that may have failed for want of room; true if it has. */
function failed(
	{ path, directory }: Given,
	what: unknown,
	error: (Error & { code?: string }) | undefined,
	code: string,
	old: string | undefined,
): boolean {
	const names = fs.readdirSync(directory).filter((name) => name !== "filler");
	if (error === undefined) {
		expect([what, fs.readFileSync(path("to")).equals(content)]).toEqual([what, true]);
		expect([what, names.sort()]).toEqual([what, ["from", "to"]]);
		return false;
	}
	expect([what, error.code]).toEqual([what, code]);
	expect([what, names.sort()]).toEqual([what, old === undefined ? ["from"] : ["from", "to"]]);
	if (old !== undefined) expect([what, fs.readFileSync(path("to"), "utf8")]).toEqual([what, old]);
	return true;
}

const attempt = (act: Promise<unknown>) =>
	act.then(
		() => undefined,
		(error: Error & { code?: string }) => error,
	);

const tiny = filesystem("tiny");

for (const [title, act] of ways) {
	tiny.forms(`${title}: however little room there is`, async (given) => {
		const { fsx, path, directory } = given;
		fs.writeFileSync(path("from"), content);
		const outcomes = new Set<boolean>();
		for (const old of [undefined, "old"]) {
			for (const left of [0, 1, 2, 3, 5, 8, 13, 20, 24, 25, 26, 27, 30, 60]) {
				if (old !== undefined) fs.writeFileSync(path("to"), old);
				using _ = fill(directory, left);
				const free = fs.statfsSync(directory).bfree;
				const error = await attempt(act(fsx, path("from"), path("to")));
				const what = [left, old];
				const full = failed(given, what, error, "ENOSPC", old);
				outcomes.add(full);
				if (full) expect([what, fs.statfsSync(directory).bfree]).toEqual([what, free]);
				fs.rmSync(path("to"), { force: true });
			}
		}
		expect([...outcomes].sort()).toEqual([false, true]);
	});
}

tiny.forms("no room for one more name in the directory", async ({ fsx, path, directory }) => {
	fs.mkdirSync(path("names"));
	// Beside `.` and `..` a block has room for 15 entries of 256 bytes, one of 216, and no other.
	const names = Array.from({ length: 16 }, (_, i) => `${i}`.padEnd(i < 15 ? 245 : 208, "-"));
	for (const name of names) fs.writeFileSync(path(`names/${name}`), "old");
	expect(fs.statSync(path("names")).size).toBe(BLOCK);
	const file = path(`names/${names[7]}`);
	using _ = fill(directory, 1);
	const error = await failureOf(fsx.writeFile(file, "new", { atomic: true }));
	expect(error).toMatchObject({ code: "ENOSPC", syscall: "link", path: file });
	expect(fs.readFileSync(file, "utf8")).toBe("old");
	expect(fs.readdirSync(path("names")).length).toBe(16);
});

tiny.forms("no inode is left", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("from"), content);
	fs.writeFileSync(path("to"), "old");
	fs.mkdirSync(path("many"));
	for (let i = fs.statfsSync(directory).ffree; i > 0; i--) {
		fs.symlinkSync("short", path(`many/${i}`));
	}
	for (const [title, act] of ways) {
		const error = await failureOf(act(fsx, path("from"), path("to")));
		expect([title, error]).toMatchObject([title, { code: "ENOSPC", syscall: "open" }]);
		expect(fs.readFileSync(path("to"), "utf8")).toBe("old");
	}
	expect(fs.readdirSync(directory).sort()).toEqual(["from", "many", "to"]);
});

const btrfs = filesystem("btrfs");

btrfs.forms("a quota that is used up", async (given) => {
	const { fsx, path } = given;
	output("btrfs", "quota", "enable", btrfs.root);
	output("btrfs", "subvolume", "create", path("limited"));
	output("btrfs", "qgroup", "limit", "512K", path("limited"));
	const inside = (name: string) => path(`limited/${name}`);
	fs.writeFileSync(inside("from"), pattern(300 * KiB));
	output("sync", "-f", path("limited"));
	for (const old of [undefined, "old"]) {
		for (const [title, act] of ways) {
			// A copy in the kernel shares what the quota counts once.
			if (title.startsWith("copyFile") && !title.includes("reading")) continue;
			if (old !== undefined) fs.writeFileSync(inside("to"), old);
			const error = await attempt(act(fsx, inside("from"), inside("to")));
			const there = { ...given, path: inside, directory: path("limited") };
			expect(failed(there, [title, old], error, "EDQUOT", old)).toBe(true);
		}
	}
});

/** Starts a process that replaces `written` in a directory again and again. */
async function replacing(directory: string, ...how: "sync"[]): Promise<Loop> {
	fs.writeFileSync(join(directory, "written"), generation(0), { flush: true });
	const loop = await startLoop(directory, directory, "sync", "writeFile", ...how);
	await loop.go();
	return loop;
}

const written = (directory: string) => generationOf(fs.readFileSync(join(directory, "written")));

/** A case about a whole filesystem, which it may ruin. */
function ruin(
	title: string,
	name: "ext4" | "xfs",
	body: (root: string, directory: string) => Promise<void>,
): void {
	const mountable = process.getuid?.() === 0;
	if (!mountable) console.log(`skipped: ${title}: ${name}: mounting needs root`);
	test.if(mountable)(
		`${title}: ${name}`,
		async () => {
			using mounted = mount(name);
			const directory = join(mounted.root, "directory");
			fs.mkdirSync(directory);
			await body(mounted.root, directory);
		},
		30_000,
	);
}

for (const name of ["ext4", "xfs"] as const) {
	ruin("a filesystem turns read-only", name, async (root, directory) => {
		await using loop = await replacing(directory);
		// Refused for as long as a file is open for writing.
		while (!Bun.spawnSync(["mount", "-o", "remount,ro", root]).success);
		expect(await loop.failure()).toMatchObject({ code: "EROFS" });
		expect(written(directory)).toBeGreaterThanOrEqual(0);
		output("mount", "-o", "remount,rw", root);
		writeFileSync(join(directory, "written"), generation(5), { atomic: true });
		expect(written(directory)).toBe(5);
		expect(fs.readdirSync(directory)).toEqual(["written"]);
	});

	ruin("a disk breaks down, as if without power", name, async (root, directory) => {
		const device = fs
			.readFileSync("/proc/self/mounts", "utf8")
			.split("\n")
			.find((line) => line.split(" ")[1] === root)
			?.split(" ")[0];
		// Kept open, so that it outlives its mount.
		const kept = fs.openSync(device ?? "", "r");
		try {
			for (let round = 0; round < 6; round++) {
				const sync = round % 2 === 1;
				await using loop = await replacing(directory, ...(sync ? (["sync"] as const) : []));
				await Bun.sleep(5 + Math.random() * 30);
				const broken = Date.now();
				// Nothing more reaches the disk, not even the journal.
				output("xfs_io", "-x", "-c", "shutdown", root);
				const { code, done } = await loop.failure();
				expect(code).toBe("EIO");
				output("umount", root);
				output("mount", device ?? "", root);
				// Whole in any case, and with `sync` no older than what was said to be done by then. (XFS
				// says so even of what is synced as it breaks down.)
				const least = sync ? done.findLastIndex((time) => time < broken) : 0;
				expect(written(directory)).toBeGreaterThanOrEqual(least);
				writeFileSync(join(directory, "written"), generation(5), { atomic: true });
				expect(fs.readdirSync(directory)).toEqual(["written"]);
			}
		} finally {
			fs.closeSync(kept);
		}
	});
}
