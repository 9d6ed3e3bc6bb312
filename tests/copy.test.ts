/** Copying a file: its content, its holes, and what is refused. */
import { expect } from "bun:test";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import type { CopyFileOptions } from "../src/index.ts";
import { filesystem } from "./filesystems.ts";
import {
	failureOf,
	forms,
	IN_MEMORY,
	lacksUnderWine,
	MAKES_SYMLINKS,
	ON_WINDOWS,
	onLinux,
	UNDER_WINE,
	withSymlinks,
} from "./forms.ts";
import { allocated, holesOf, pattern, same, sharesBlocks, writeSparse } from "./witnesses.ts";

const MiB = 1024 * 1024;
const sizes = [0, 1, 4095, 4096, 4097, 262143, 262144, 262145, 16 * MiB - 1, 16 * MiB + 1];
const xfs = filesystem("xfs");
const btrfs = filesystem("btrfs");
const ext4 = filesystem("ext4");
const inMemory = {
	root: IN_MEMORY,
	forms: (title: string, body: Parameters<typeof forms>[1]) =>
		forms(ON_WINDOWS ? title : `${title} on tmpfs`, body, IN_MEMORY),
};

for (const place of [inMemory, ext4, xfs, btrfs]) {
	place.forms("copies of every size", async ({ fsx, path }) => {
		for (const size of sizes) {
			fs.writeFileSync(path("from"), pattern(size));
			const ways: CopyFileOptions[] = [
				{},
				{ reflink: "never" },
				{ holes: "fill" },
				{ holes: "detect", atomic: false },
				{ verify: true, sync: true },
			];
			for (const [index, options] of (size > 4097 ? ways.slice(0, 3) : ways).entries()) {
				const report = await fsx.copyFile(path("from"), path("to"), options);
				expect([size, index, same(path("from"), path("to"))]).toEqual([size, index, true]);
				expect([size, report.bytes, report.holes]).toEqual([size, size, 0]);
				expect(report.durationNs).toBeGreaterThan(0);
			}
		}
		expect(fs.readdirSync(path("")).sort()).toEqual(["from", "to"]);
	});

	if (ON_WINDOWS) continue;

	place.forms("holes are kept where they are", async ({ fsx, path }) => {
		const GiB = 1024 * MiB;
		const data: [number, string][] = [
			[1, "a"],
			[64 * 1024 + 17, "b".repeat(5000)],
			[300 * MiB + 4095, "cc"],
			[GiB - 3, "end"],
		];
		writeSparse(path("from"), GiB, data);
		const { bytes, holes, method } = await fsx.copyFile(path("from"), path("to"), {
			reflink: "never",
		});
		expect([bytes, method === "reflink"]).toEqual([GiB, false]);
		expect(holesOf(path("to"))).toBe(holesOf(path("from")));
		expect(holes).toBe(3);
		expect(allocated(path("to"))).toBeLessThan(MiB);
		const read = fs.openSync(path("to"), "r");
		for (const [at, text] of data) {
			const found = Buffer.alloc(text.length + 1);
			const length = fs.readSync(read, found, 0, text.length + 1, at);
			expect(found.subarray(0, length).toString().replace("\0", "")).toBe(text);
		}
		fs.closeSync(read);
		writeSparse(path("all"), GiB, []);
		expect((await fsx.copyFile(path("all"), path("to"))).bytes).toBe(GiB);
		expect([fs.statSync(path("to")).size, allocated(path("to"))]).toEqual([GiB, 0]);
	});

	place.forms("holes are filled, or found", async ({ fsx, path }) => {
		writeSparse(path("sparse"), 8 * MiB + 5, [[MiB + 1, "data"]]);
		await fsx.copyFile(path("sparse"), path("filled"), { holes: "fill", sync: true });
		expect(same(path("sparse"), path("filled"))).toBe(true);
		expect(allocated(path("filled"))).toBeGreaterThanOrEqual(8 * MiB);
		// And back: what was zeros becomes holes, at its end too.
		const detected = await fsx.copyFile(path("filled"), path("found"), { holes: "detect" });
		expect(same(path("filled"), path("found"))).toBe(true);
		expect(allocated(path("found"))).toBeLessThan(MiB);
		expect([detected.bytes, detected.holes]).toEqual([8 * MiB + 5, 2]);
	});
}

lacksUnderWine("sparse files")("holes are kept, filled or found on NTFS", async (given) => {
	if (!ON_WINDOWS || (await given.fsx.statfs(given.directory)).type !== "NTFS") return;
	const { fsx, path } = given;
	/** Where fsutil finds data; Wine's has no word for it. */
	const ranges = async (name: string) => {
		if (UNDER_WINE) return Array.fromAsync(given.fsx.extents(path(name)));
		const command = ["sparse", "queryrange", path(name)];
		return execFileSync("fsutil", command, { encoding: "latin1" });
	};
	fs.writeFileSync(path("from"), pattern(8 * MiB + 5));
	await fsx.punchHole(path("from"), MiB, 6 * MiB);
	const kept = await fsx.copyFile(path("from"), path("kept"));
	expect([kept.bytes, kept.holes]).toEqual([8 * MiB + 5, 1]);
	expect(await ranges("kept")).toEqual(await ranges("from"));
	expect((await fsx.stat(path("kept"))).blocks * 512).toBeLessThan(3 * MiB);
	const filled = await fsx.copyFile(path("from"), path("filled"), { holes: "fill" });
	expect(filled.holes).toBe(0);
	expect((await fsx.stat(path("filled"))).blocks * 512).toBeGreaterThanOrEqual(8 * MiB);
	const found = await fsx.copyFile(path("filled"), path("found"), { holes: "detect" });
	expect(found.holes).toBe(1);
	expect((await fsx.stat(path("found"))).blocks * 512).toBeLessThan(3 * MiB);
	for (const name of ["kept", "filled", "found"]) {
		expect([name, same(path("from"), path(name))]).toEqual([name, true]);
	}
});

for (const place of [xfs, btrfs]) {
	place.forms("reflink always shares blocks, never does not", async ({ fsx, path }) => {
		fs.writeFileSync(path("from"), pattern(4 * MiB));
		for (const options of [{ reflink: "always" }, { reflink: "auto" }] as const) {
			const { method, bytes } = await fsx.copyFile(path("from"), path("to"), options);
			expect([method, bytes]).toEqual(["reflink", 4 * MiB]);
			expect(same(path("from"), path("to"))).toBe(true);
			expect(sharesBlocks(path("to"))).toBe(true);
		}
		fs.rmSync(path("to"));
		const { method } = await fsx.copyFile(path("from"), path("to"), { reflink: "never" });
		expect(method).not.toBe("reflink");
		expect(same(path("from"), path("to"))).toBe(true);
		expect(sharesBlocks(path("to"))).toBe(false);
	});
}

for (const place of [ext4, inMemory]) {
	place.forms("reflink always where it cannot be", async ({ fsx, path, directory }) => {
		fs.writeFileSync(path("from"), "content");
		fs.writeFileSync(path("to"), "old");
		for (const [to, atomic] of [
			["new", true],
			["new", false],
			["to", true],
		] as const) {
			const copy = fsx.copyFile(path("from"), path(to), { reflink: "always", atomic });
			const error = await failureOf(copy);
			expect(error).toMatchObject({ code: "ENOTSUP" });
			expect(error.message).toContain("share");
		}
		expect(fs.readdirSync(directory).sort()).toEqual(["from", "to"]);
		expect(fs.readFileSync(path("to"), "utf8")).toBe("old");
	});
}

forms("reflink always and holes that a reflink cannot make are refused", async ({ fsx, path }) => {
	fs.writeFileSync(path("from"), "content");
	for (const holes of ["fill", "detect"] as const) {
		const error = await failureOf(
			fsx.copyFile(path("from"), path("to"), { reflink: "always", holes }),
		);
		expect(error).toMatchObject({ code: "ERR_INVALID_ARG_VALUE" });
	}
	expect(fs.existsSync(path("to"))).toBe(false);
});

ext4.forms("from one filesystem to another", async ({ fsx, path }) => {
	for (const { root } of [inMemory, xfs, btrfs]) {
		const there = `${root}/fsx-crossing`;
		try {
			fs.writeFileSync(path("from"), pattern(3 * MiB + 1));
			await fsx.copyFile(path("from"), there);
			expect(same(path("from"), there)).toBe(true);
			await fsx.copyFile(there, path("back"), { verify: true });
			expect(same(path("from"), path("back"))).toBe(true);
			writeSparse(path("sparse"), 64 * MiB, [[32 * MiB, "middle"]]);
			await fsx.copyFile(path("sparse"), there);
			expect(holesOf(there)).toBe(holesOf(path("sparse")));
		} finally {
			fs.rmSync(there, { force: true });
		}
	}
});

onLinux("/proc")("files of /proc and /sys, which do not tell their size", async ({ fsx, path }) => {
	const names = ["/proc/version", "/proc/sys/fs/pipe-max-size", "/proc/kallsyms", "/proc/cmdline"];
	for (const name of [...names, "/sys/kernel/mm/transparent_hugepage/enabled"]) {
		const { bytes } = await fsx.copyFile(name, path("to"));
		expect([name, fs.readFileSync(path("to"), "latin1")]).toEqual([
			name,
			fs.readFileSync(name, "latin1"),
		]);
		expect(bytes).toBe(fs.statSync(path("to")).size);
	}
});

forms("a file onto itself is refused and stays as it is", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "content");
	fs.linkSync(path("file"), path("hard"));
	if (MAKES_SYMLINKS) fs.symlinkSync("file", path("soft"));
	else fs.linkSync(path("file"), path("soft"));
	using dir = await fsx.openDir(directory);
	const before = fs.statSync(path("file"), { bigint: true });
	for (const [from, to] of [
		[path("file"), path("file")],
		[path("file"), path("hard")],
		[path("file"), path("soft")],
		[path("soft"), path("file")],
		[path("soft"), path("soft")],
		[dir.at("file"), `${directory}/./file`],
	] as const) {
		for (const atomic of [true, false]) {
			for (const overwrite of [true, false, "newer"] as const) {
				const error = await failureOf(fsx.copyFile(from, to, { atomic, overwrite }));
				expect(error).toMatchObject({ code: "EINVAL", syscall: "copyfile" });
			}
		}
	}
	const after = fs.statSync(path("file"), { bigint: true });
	expect([after.ino, after.ctimeNs]).toEqual([before.ino, before.ctimeNs]);
	expect(fs.readFileSync(path("file"), "utf8")).toBe("content");
	expect(fs.readdirSync(directory).sort()).toEqual(["file", "hard", "soft"]);
});

forms("overwrite true, false and newer", async ({ fsx, path, directory }) => {
	for (const atomic of [true, false]) {
		fs.writeFileSync(path("from"), "new");
		fs.writeFileSync(path("to"), "old and longer");
		const no = await failureOf(
			fsx.copyFile(path("from"), path("to"), { overwrite: false, atomic }),
		);
		expect(no).toMatchObject({ code: "EEXIST", path: path("from"), dest: path("to") });
		if (MAKES_SYMLINKS) fs.symlinkSync("nothing", path("dangling"));
		fs.utimesSync(path("from"), 1000, 1000);
		const older = await fsx.copyFile(path("from"), path("to"), { overwrite: "newer", atomic });
		expect([older.method, older.bytes]).toEqual(["skipped", 0]);
		expect(fs.readFileSync(path("to"), "utf8")).toBe("old and longer");
		fs.utimesSync(path("to"), 1000, 1000);
		const equal = await fsx.copyFile(path("from"), path("to"), { overwrite: "newer", atomic });
		expect(equal.method).toBe("skipped");
		fs.utimesSync(path("to"), 1000, 999);
		await fsx.copyFile(path("from"), path("to"), { overwrite: "newer", atomic });
		expect(fs.readFileSync(path("to"), "utf8")).toBe("new");
		await fsx.copyFile(path("from"), path("made"), { overwrite: false, atomic });
		expect(fs.readFileSync(path("made"), "utf8")).toBe("new");
		for (const name of ["made", "dangling", "to"]) fs.rmSync(path(name), { force: true });
		expect(fs.readdirSync(directory)).toEqual(["from"]);
	}
});

withSymlinks()("into a symbolic link: what it leads to is replaced", async ({ fsx, path }) => {
	fs.mkdirSync(path("sub"));
	fs.writeFileSync(path("from"), "new");
	fs.writeFileSync(path("sub/file"), "old");
	fs.symlinkSync("sub/link", path("chain"));
	fs.symlinkSync("file", path("sub/link"));
	fs.symlinkSync("sub/made", path("dangling"));
	fs.symlinkSync("loop", path("loop"));
	for (const atomic of [true, false]) {
		fs.writeFileSync(path("sub/file"), "old");
		await fsx.copyFile(path("from"), path("chain"), { atomic });
		expect(fs.readFileSync(path("sub/file"), "utf8")).toBe("new");
		expect(fs.readlinkSync(path("chain"))).toBe(join("sub", "link"));
		await fsx.copyFile(path("from"), path("dangling"), { atomic });
		expect(fs.readFileSync(path("sub/made"), "utf8")).toBe("new");
		fs.rmSync(path("sub/made"));
		const error = await failureOf(fsx.copyFile(path("from"), path("loop"), { atomic }));
		expect(error).toMatchObject({ code: "ELOOP" });
		expect(fs.readlinkSync(path("loop"))).toBe("loop");
	}
});

forms("what is no file is refused and stays", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("from"), "content");
	fs.mkdirSync(path("dir"));
	const specials = ON_WINDOWS
		? []
		: ([
				["from", "fifo", "EINVAL"],
				["from", "null", "EINVAL"],
				["fifo", "new", "EINVAL"],
				["null", "new", "EINVAL"],
			] as const);
	if (!ON_WINDOWS) {
		execFileSync("mkfifo", [path("fifo")]);
		fs.symlinkSync("/dev/null", path("null"));
	}
	const before = fs.readdirSync(directory);
	for (const [from, to, code] of [
		...specials,
		["from", "dir", "EISDIR"],
		["from", "dir/", "EISDIR"],
		["from", "dir/..", "EISDIR"],
		["dir", "new", "EISDIR"],
		["none", "new", "ENOENT"],
		["from", "none/new", "ENOENT"],
		["from", "from/new", "ENOTDIR"],
		["from", "new/", "ENOENT"],
	] as const) {
		for (const atomic of [true, false]) {
			const [source, destination] = [`${directory}/${from}`, `${directory}/${to}`];
			const error = await failureOf(fsx.copyFile(source, destination, { atomic }));
			expect([from, to, error.code]).toEqual([from, to, code]);
			expect(error).toMatchObject({ path: source, dest: destination });
		}
	}
	expect(fs.readdirSync(directory)).toEqual(before);
	if (ON_WINDOWS) return;
	expect(fs.statSync(path("fifo")).isFIFO()).toBe(true);
	expect(fs.statSync("/dev/null").rdev).toBe(0x103);
});

forms("atomic false keeps the file, with its names", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("from"), "new");
	fs.writeFileSync(path("to"), "old and longer");
	fs.linkSync(path("to"), path("other"));
	const { ino } = fs.statSync(path("to"));
	await fsx.copyFile(path("from"), path("to"), { atomic: false });
	expect(fs.statSync(path("to")).ino).toBe(ino);
	expect(fs.readFileSync(path("other"), "utf8")).toBe("new");
	await fsx.copyFile(path("from"), path("to"));
	expect(fs.statSync(path("to")).ino).not.toBe(ino);
	expect(fs.readdirSync(directory).sort()).toEqual(["from", "other", "to"]);
});
