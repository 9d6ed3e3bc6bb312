/**
 * The known faults of the Rust crate compio-fs-extended, one test for each: none of them is here.
 *
 * Not yet, because the capability comes with a later version: its faults of fallocate (holes that
 * are never punched, modes that are ignored), of fadvise, and of making devices by themselves.
 * Those of macOS need that system.
 */
import { expect } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { FsError } from "../src/index.ts";
import { plant, seen, tool } from "./attr.ts";
import { clones, does, knowsBirth, tellsHoles } from "./facts.ts";
import { filesystem } from "./filesystems.ts";
import { runProgram } from "./fixtures/run.ts";
import {
	failureOf,
	forms,
	IN_MEMORY,
	lacksUnderWine,
	ON_WINDOWS,
	onLinux,
	onWindows,
	skipped,
	withSymlinks,
} from "./forms.ts";
import { rootForms } from "./root.ts";
import { allocated, holesOf, pattern, same, writeSparse } from "./witnesses.ts";

const tiny = filesystem("tiny");
const program = join(import.meta.dir, "fixtures/copy-once.ts");
const straceForms: typeof forms =
	Bun.which("strace") === null ? (title) => skipped(title, "strace is not installed") : forms;

onLinux("its calls")(
	"copy: a short copy is gone on with, not returned",
	async ({ path, directory }) => {
		fs.writeFileSync(path("from"), pattern(1_000_000));
		const args = ["sync", path("from"), path("to"), "{}", "65000"];
		const report = JSON.parse(await runProgram([process.execPath, program, ...args]));
		const method = clones(directory) ? "reflink" : "copy_file_range";
		expect(report).toEqual({ bytes: 1_000_000, method });
		expect(same(path("from"), path("to"))).toBe(true);
	},
);

straceForms("copy: ENOSPC and EIO end it, and start no fallback", async (given) => {
	const { path, directory, form } = given;
	fs.writeFileSync(path("from"), pattern(600_000));
	// What makes the copy: FICLONE or copy_file_range.
	const call = clones(directory) ? "ioctl" : "copy_file_range";
	for (const error of ["ENOSPC", "EIO"]) {
		const inject = ["-e", `inject=${call}:error=${error}`];
		const strace = ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", `trace=${call}`];
		const run = [process.execPath, program, form, path("from"), path("to")];
		const outcome = JSON.parse(await runProgram([...strace, ...inject, ...run]));
		expect(outcome.code).toBe(error);
		expect(fs.readdirSync(path(""))).toEqual(["from"]);
	}
});

onLinux("its calls")(
	"copy: the fallback writes everything, however short the writes",
	async ({ path }) => {
		fs.writeFileSync(path("from"), pattern(100_000));
		const args = ["sync", path("from"), path("to"), '{"reflink":"never"}', "333"];
		const report = JSON.parse(await runProgram([process.execPath, program, ...args]));
		expect(report).toEqual({ bytes: 100_000, method: "read-write" });
		expect(same(path("from"), path("to"))).toBe(true);
	},
);

tiny.forms(
	"copy: a full disk is an error, and no truncated copy",
	async ({ fsx, path, directory }) => {
		writeSparse(path("from"), 16 << 20, [[0, "x"]]);
		const error = await failureOf(fsx.copyFile(path("from"), path("to"), { holes: "fill" }));
		expect(error).toMatchObject({ code: "ENOSPC" });
		expect(fs.readdirSync(directory)).toEqual(["from"]);
	},
);

onLinux("its tools")("copy: holes and metadata are kept", async ({ fsx, path, directory }) => {
	writeSparse(path("from"), 100 << 20, [[50 << 20, "middle"]]);
	tool("setfattr", "-n", "user.a", "-v", "b", path("from"));
	fs.chmodSync(path("from"), 0o751);
	fs.utimesSync(path("from"), 1, 2);
	await fsx.copyFile(path("from"), path("to"), { preserve: "all" });
	expect(holesOf(path("to"))).toBe(holesOf(path("from")));
	expect(allocated(path("to")) < 1 << 20).toBe(tellsHoles(directory));
	expect(seen(path("to"), "user.a")).toBe("b");
	const { mode, mtimeMs } = fs.statSync(path("to"));
	expect([mode & 0o7777, mtimeMs]).toEqual([0o751, 2000]);
});

forms("xattr: a value that grows meanwhile is asked for again", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	for (const size of [0, 1, 100, 3000]) {
		const value = "v".repeat(size);
		plant(path("file"), "user.grows", value);
		expect(await fsx.getXattr(path("file"), "user.grows", { encoding: "utf8" })).toBe(value);
	}
});

onLinux("names that are any bytes")(
	"xattr: names, values and paths are bytes",
	async ({ fsx, directory }) => {
		const file = Buffer.concat([Buffer.from(`${directory}/`), Uint8Array.of(0xff, 0xfe)]);
		const name = Buffer.concat([Buffer.from("user."), Uint8Array.of(0xfd, 0xfc)]);
		const value = Uint8Array.of(0, 0xff, 0);
		fs.writeFileSync(file, "");
		await fsx.setXattr(file, name, value);
		expect((await fsx.listXattrs(file, { encoding: "buffer" })).map((n) => [...n])).toEqual([
			[...name],
		]);
		expect([...(await fsx.getXattr(file, name))]).toEqual([...value]);
	},
);

forms("xattr: create, replace, and by descriptor", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	await using file = await fsx.open(path("file"), "r+");
	const missing = fsx.setXattr(file, "user.a", "1", { replace: true });
	expect(await failureOf(missing)).toMatchObject({ code: "ENODATA" });
	await fsx.setXattr(file, "user.a", "1", { create: true });
	const taken = fsx.setXattr(file, "user.a", "2", { create: true });
	expect(await failureOf(taken)).toMatchObject({ code: "EEXIST" });
	await fsx.removeXattr(file, "user.a");
	expect(await failureOf(fsx.getXattr(file, "user.a"))).toMatchObject({ code: "ENODATA" });
});

forms("xattr: asking what is supported writes nothing to the file", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	const before = fs.statSync(path("file"), { bigint: true }).ctimeNs;
	await fsx.capabilities(path("file"));
	expect(fs.statSync(path("file"), { bigint: true }).ctimeNs).toBe(before);
	expect(fs.readdirSync(path(""))).toEqual(["file"]);
});

onLinux("stat(1), mounts and devices")(
	"metadata: birth, change, blocks, mount, and dev is st_dev",
	async ({ fsx, path, directory }) => {
		fs.writeFileSync(path("file"), pattern(10_000));
		const found = await fsx.stat(path("file"));
		const theirs = fs.statSync(path("file"), { bigint: true });
		expect([found.dev, found.ctimeNs]).toEqual([theirs.dev, theirs.ctimeNs]);
		expect([found.blocks, found.blockSize]).toEqual([
			Number(theirs.blocks),
			Number(theirs.blksize),
		]);
		expect(found.birthtimeNs).toBe(knowsBirth(directory) ? theirs.birthtimeNs : undefined);
		expect(found.mountId).toBeDefined();
		expect((await fsx.stat("/dev/null")).rdev).toBe(0x103n);
	},
);

onLinux("times by the nanosecond")(
	"metadata: times before 1970, kept ones and now",
	async ({ fsx, path }) => {
		fs.writeFileSync(path("file"), "");
		await fsx.utimes(path("file"), { atime: 5n, mtime: -1_500_000_000n });
		await fsx.utimes(path("file"), { mtime: undefined });
		const kept = fs.statSync(path("file"), { bigint: true });
		expect([kept.atimeNs, kept.mtimeNs]).toEqual([5n, -1_500_000_000n]);
		expect((await fsx.stat(path("file"))).mtimeNs).toBe(-1_500_000_000n);
		await fsx.utimes(path("file"), { atime: "now" });
		const now = fs.statSync(path("file"), { bigint: true });
		expect(now.mtimeNs).toBe(-1_500_000_000n);
		expect(now.atimeMs).toBeGreaterThan(BigInt(Date.now() - 60_000));
	},
);

forms("directory: only directories are opened as such", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	expect(await failureOf(fsx.openDir(path("file")))).toMatchObject({ code: "ENOTDIR" });
});

onLinux("links without permissions")(
	"directory: chmod that does not follow is no silent success",
	async ({ fsx, path }) => {
		fs.writeFileSync(path("file"), "", { mode: 0o644 });
		fs.symlinkSync("file", path("link"));
		const error = await failureOf(fsx.chmod(path("link"), 0o600, { follow: false }));
		expect(error).toMatchObject({ code: "ENOTSUP" });
		expect(fs.statSync(path("file")).mode & 0o777).toBe(0o644);
	},
);

forms("directory: entries are those of the open directory", async ({ fsx, path, form }) => {
	fs.mkdirSync(path("old"));
	fs.writeFileSync(path("old/inside"), "");
	using dir = await fsx.openDir(path("old"));
	fs.renameSync(path("old"), path("new"));
	fs.mkdirSync(path("old"));
	fs.writeFileSync(path("old/impostor"), "");
	const entries = form === "sync" ? [...dir.entriesSync()] : await Array.fromAsync(dir.entries());
	expect(entries.map(({ name }) => name)).toEqual(["inside"]);
});

forms("directory: unlink, rename, link and open at a directory, and beneath it", async (given) => {
	const { fsx, path, directory } = given;
	fs.writeFileSync(path("file"), "content");
	using dir = await fsx.openDir(directory, { beneath: true });
	await fsx.link(dir.at("file"), dir.at("second"));
	await fsx.rename(dir.at("second"), dir.at("third"));
	await fsx.unlink(dir.at("file"));
	expect(fs.readdirSync(directory)).toEqual(["third"]);
	expect(await failureOf(fsx.open(dir.at("../x"), "w"))).toMatchObject({ code: "EXDEV" });
});

withSymlinks()("symlink: it does what it says", async ({ fsx, path }) => {
	await fsx.symlink("target", path("link"));
	expect(fs.readlinkSync(path("link"))).toBe("target");
});

lacksUnderWine("junctions", onWindows("junctions"))(
	"symlink: junctions lead where they are to, from where they are",
	async ({ fsx, path }) => {
		fs.mkdirSync(path("dir/sub"), { recursive: true });
		await fsx.symlink("sub", path("dir/link"), { type: "junction" });
		expect(await fsx.readlink(path("dir/link"))).toBe(path("dir/sub"));
		expect(fs.readdirSync(path("dir/link"))).toEqual([]);
	},
);

forms("hardlink: it does what it says", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	await fsx.link(path("file"), path("other"));
	expect(fs.statSync(path("file")).nlink).toBe(2);
});

rootForms("ownership: one id can be left as it is", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	await fsx.chown(path("file"), { uid: 11 });
	await fsx.chown(path("file"), { gid: 12 });
	const { uid, gid } = fs.statSync(path("file"));
	expect([uid, gid]).toEqual([11, 12]);
});

rootForms("device: large minor numbers and all permissions survive a copy", async (given) => {
	const { fsx, path } = given;
	fs.mkdirSync(path("from"));
	for (const [name, major, minor] of [
		["a", 8, 300],
		["b", 259, 70_000],
		// The largest that XFS can keep, and the largest of Linux.
		["c", 511, 262_143],
		["d", 4095, 1_048_575],
	] as const) {
		const node = ["mknod", path(`from/${name}`), "c", String(major), String(minor)];
		if (!does(/Invalid argument/, ...node)) continue;
		fs.chmodSync(path(`from/${name}`), 0o4755);
	}
	const devices = fs.readdirSync(path("from"));
	expect(devices.length).toBeGreaterThanOrEqual(3);
	await fsx.copyTree(path("from"), path("to"), { preserve: "all" });
	for (const name of devices) {
		const [from, to] = ["from", "to"].map((root) => fs.statSync(path(`${root}/${name}`)));
		expect([to?.rdev, to?.mode]).toEqual([from?.rdev, from?.mode]);
	}
});

forms("errors: the number and the code, and ENOTSUP is recognisable", async ({ fsx, path }) => {
	const error = await failureOf(fsx.readFile(path("none")));
	expect(error).toBeInstanceOf(FsError);
	expect(error).toMatchObject({ code: "ENOENT", syscall: "open", path: path("none") });
	expect(error).toMatchObject({ errno: ON_WINDOWS ? -4058 : -2 });
	fs.writeFileSync(path("file"), "");
	const lacking = await failureOf(
		fsx.copyFile(path("file"), join(IN_MEMORY, "fsx-never"), { reflink: "always" }),
	);
	expect(lacking).toMatchObject({ code: "ENOTSUP" });
	expect(lacking.message).toMatch(/share/);
});
