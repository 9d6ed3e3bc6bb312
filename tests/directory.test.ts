/** Open directories and their entries; making and removing directories. */
import { expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { type Dir, type DirEntry, openDir, openDirSync } from "../src/index.ts";
import { confines } from "./confined.ts";
import {
	BELOW_A_FILE,
	failureOf,
	forms,
	IN_MEMORY,
	MAKES_SYMLINKS,
	notUnderWine,
	ON_WINDOWS,
	onLinux,
	onWindows,
	UNDER_WINE,
	withSymlinks,
} from "./forms.ts";
import { failsAsNode } from "./node-errors.ts";
import { rootForms } from "./root.ts";
import { openIn } from "./witnesses.ts";

/** All entries of a directory, by one of the two forms. */
async function listed(
	dir: Dir,
	form: "async" | "sync",
	options?: { metadata?: boolean },
): Promise<DirEntry[]> {
	return form === "sync" ? [...dir.entriesSync(options)] : Array.fromAsync(dir.entries(options));
}

/** The same with the names as bytes. */
async function listedAsBytes(dir: Dir, form: "async" | "sync") {
	const options = { encoding: "buffer" } as const;
	return form === "sync" ? [...dir.entriesSync(options)] : Array.fromAsync(dir.entries(options));
}

forms("entries of every kind, as node:fs has them", async ({ fsx, path, directory, form }) => {
	fs.writeFileSync(path("file"), "content");
	fs.mkdirSync(path("dir"));
	if (MAKES_SYMLINKS) {
		fs.symlinkSync("file", path("link"), "file");
		fs.symlinkSync("nothing", path("dangling"), "file");
	}
	if (!ON_WINDOWS) Bun.spawnSync(["mkfifo", path("fifo")]);
	using dir = await fsx.openDir(directory);
	const entries = await listed(dir, form);
	const theirs = fs.readdirSync(directory, { withFileTypes: true });
	const shape = (entry: DirEntry | fs.Dirent) =>
		[entry.name, entry.isFile(), entry.isDirectory(), entry.isSymbolicLink()].join();
	expect(entries.map(shape).sort()).toEqual(theirs.map(shape).sort());
	for (const { name, kind, ino, location, metadata } of entries) {
		expect(metadata).toBeUndefined();
		expect(ino).toBe(fs.lstatSync(path(name), { bigint: true }).ino);
		const found = await fsx.stat(location, { follow: false });
		expect([name, found.kind, found.ino]).toEqual([name, kind, ino]);
	}
	if (!ON_WINDOWS) expect(entries.find(({ name }) => name === "fifo")?.kind).toBe("fifo");
	expect(await listed(dir, form)).toHaveLength(2 + (MAKES_SYMLINKS ? 2 : 0) + (ON_WINDOWS ? 0 : 1));
	expect(await listed(await fsx.openDir(path("dir")).then(closing), form)).toEqual([]);
});

/** Closes a directory when the test has ended. */
const opened: Dir[] = [];
function closing(dir: Dir): Dir {
	opened.push(dir);
	return dir;
}
test("nothing of these stays open", () => {
	for (const dir of opened.splice(0)) dir.closeSync();
});

forms("entries with metadata", async ({ fsx, path, directory, form }) => {
	fs.writeFileSync(path("file"), "content");
	if (MAKES_SYMLINKS) fs.symlinkSync("file", path("link"), "file");
	using dir = await fsx.openDir(directory, { beneath: true });
	const entries = await listed(dir, form, { metadata: true });
	for (const { name, kind, metadata } of entries) {
		const theirs = fs.lstatSync(path(name), { bigint: true });
		expect([metadata?.mtimeNs, metadata?.ino]).toEqual([theirs.mtimeNs, theirs.ino]);
		expect(metadata?.kind).toBe(kind);
		expect(metadata?.size).toBe(Number(theirs.size));
	}
	expect(entries.length).toBe(MAKES_SYMLINKS ? 2 : 1);
});

forms(
	"names with a byte order mark, and of every plane",
	async ({ fsx, path, directory, form }) => {
		const names = ["\ufeffmarked", "grüße", "世界 🎉"];
		using dir = await fsx.openDir(directory);
		for (const name of names) await fsx.writeFile(dir.at(name), name);
		expect((await listed(dir, form)).map(({ name }) => name).sort()).toEqual([...names].sort());
		expect(fs.readdirSync(directory).sort()).toEqual([...names].sort());
		for (const { name, location } of await listedAsBytes(dir, form)) {
			expect(await fsx.readFile(location, "utf8")).toBe(Buffer.from(name).toString());
			expect(await fsx.readFile(path(Buffer.from(name).toString()), "utf8")).toBe(
				Buffer.from(name).toString(),
			);
		}
	},
);

const surrogates = "names are units of 16 bits";
onWindows(surrogates, notUnderWine("names with half of a surrogate pair"))(
	"names that are no text keep their units",
	async ({ fsx, path, directory, form }) => {
		const names = ["a\ud83db", "\udc00", "\udc00\ud800"];
		for (const name of names) await fsx.writeFile(path(name), "x");
		using dir = await fsx.openDir(directory);
		const found = (await listed(dir, form)).map(({ name }) => name);
		expect(found.sort()).toEqual([...names].sort());
		for (const name of found) expect((await fsx.stat(path(name))).size).toBe(1);
		for (const { name, location } of await listedAsBytes(dir, form)) {
			expect((await fsx.stat(location)).size).toBe(1);
			const bytes = Buffer.concat([Buffer.from(`${directory}\\`), name]);
			expect((await fsx.stat(bytes)).size).toBe(1);
			await fsx.unlink(bytes);
		}
		expect(fs.readdirSync(directory)).toEqual([]);
	},
);

onWindows("\\\\?\\, dots at the end, devices")(
	"names mean what they mean to any program",
	async ({ fsx, path, directory, form }) => {
		await fsx.writeFile(path("dot."), "x");
		await fsx.writeFile(path("space "), "x");
		await fsx.writeFile(`\\\\?\\${path("exact.")}`, "x");
		expect(fs.readdirSync(directory).sort()).toEqual(["dot", "exact.", "space"]);
		using dir = await fsx.openDir(directory, { beneath: true });
		expect((await listed(dir, form)).map(({ name }) => name).sort()).toEqual(
			fs.readdirSync(directory).sort(),
		);
		// Inside an open directory a name is what it is.
		expect(await fsx.readFile(dir.at("exact."), "utf8")).toBe("x");
		expect((await fsx.stat("NUL")).kind).toBe("character-device");
		await fsx.writeFile("NUL", "nowhere");
		await fsx.unlink(dir.at("exact."));
		expect(fs.readdirSync(directory).sort()).toEqual(["dot", "space"]);
	},
);

forms("paths longer than 260 characters", async ({ fsx, path }) => {
	const deep = path(Array.from({ length: 30 }, () => "n".repeat(50)).join("/"));
	await fsx.mkdir(deep, { recursive: true });
	const file = `${deep}/file`;
	await fsx.writeFile(file, "deep", { atomic: true });
	expect(await fsx.readFile(file, "utf8")).toBe("deep");
	using dir = await fsx.openDir(deep);
	expect(await fsx.readFile(dir.at("file"), "utf8")).toBe("deep");
	await fsx.unlink(file);
	await fsx.rmdir(deep);
	expect(fs.existsSync(deep)).toBe(false);
});

onLinux("names of bytes")(
	"names that are not UTF-8, and ones with a byte order mark",
	async (given) => {
		const { fsx, directory, form } = given;
		const names = [[0xff], [0x61, 0xfe, 0x62], [0xef, 0xbb, 0xbf, 0x63], [0xc3], [0x0a]];
		const expected = names.map((name) => Buffer.from(name).toString("hex")).sort();
		const full = (name: Uint8Array) => Buffer.concat([Buffer.from(`${directory}/`), name]);
		for (const name of names) fs.writeFileSync(full(Buffer.from(name)), String(name));
		using dir = await fsx.openDir(directory);
		const entries = await listedAsBytes(dir, form);
		expect(entries.map(({ name }) => Buffer.from(name).toString("hex")).sort()).toEqual(expected);
		for (const { name, location } of entries) {
			expect(await fsx.readFile(location, "utf8")).toBe(String([...name]));
		}
		// As text they cannot be told apart, but the location still means the file.
		for (const { name, location } of await listed(dir, form)) {
			const bytes = await fsx.readFile(location, "utf8");
			expect(name).toBe(
				new TextDecoder("utf-8", { ignoreBOM: true }).decode(
					Uint8Array.from(bytes.split(","), Number),
				),
			);
		}
	},
);

forms(
	"thousands of entries, each once",
	async ({ fsx, path, directory, form }) => {
		const length = UNDER_WINE ? 1500 : 5000;
		const names = Array.from({ length }, (_, i) => `entry-${i}-${"x".repeat(i % 40)}`);
		for (const name of names) fs.writeFileSync(path(name), "");
		using dir = await fsx.openDir(directory);
		const found = (await listed(dir, form)).map(({ name }) => name);
		expect(found.sort()).toEqual(names.sort());
		const full = await listed(dir, form, { metadata: true });
		expect(new Set(full.map(({ metadata }) => metadata?.ino)).size).toBe(length);
	},
	IN_MEMORY,
);

forms(
	"leaving the loop early closes what was opened for it",
	async ({ fsx, path, directory, form }) => {
		for (let i = 0; i < 2000; i++) fs.writeFileSync(path(`entry-${i}`), "");
		using dir = await fsx.openDir(directory);
		await listed(dir, form);
		for (let round = 0; round < 10; round++) {
			if (form === "sync") {
				for (const { name } of dir.entriesSync()) if (name !== "") break;
			} else {
				for await (const { name } of dir.entries()) if (name !== "") break;
			}
			const thrown = failureOf(
				(async () => {
					if (form === "sync") for (const entry of dir.entriesSync()) throw entry;
					else for await (const entry of dir.entries()) throw entry;
				})(),
			);
			expect(await thrown).toHaveProperty("location");
			// Never begun, nothing opened.
			if (form === "sync") dir.entriesSync();
			else dir.entries();
		}
		expect(openIn(directory)).toBe(1);
	},
	IN_MEMORY,
);

forms(
	"entries that are removed or made meanwhile",
	async ({ fsx, path, directory, form }) => {
		// Wine looks through all names for one that is gone.
		const count = UNDER_WINE ? 1000 : 3000;
		for (let i = 0; i < count; i++) fs.writeFileSync(path(`entry-${i}`), "");
		using dir = await fsx.openDir(directory);
		const seen = new Set<string>();
		const visit = (name: string) => {
			expect(seen.has(name)).toBe(false);
			seen.add(name);
			// Its neighbours go, some of which have been listed but not looked at yet.
			const index = Number(name.slice(6));
			for (const gone of [index - 1, index + 1]) fs.rmSync(path(`entry-${gone}`), { force: true });
		};
		const options = { metadata: true } as const;
		if (form === "sync") for (const { name } of dir.entriesSync(options)) visit(name);
		else for await (const { name } of dir.entries(options)) visit(name);
		expect(seen.size).toBeGreaterThan(count / 6);
		const left = fs.readdirSync(directory);
		for (const name of left) expect(seen.has(name)).toBe(true);
	},
	IN_MEMORY,
);

forms("a directory that is open means itself", async ({ fsx, path, form }) => {
	fs.mkdirSync(path("old/sub"), { recursive: true });
	fs.writeFileSync(path("old/sub/file"), "content");
	for (const beneath of [false, true]) {
		using dir = await fsx.openDir(path("old"), { beneath });
		fs.renameSync(path("old"), path("new"));
		fs.mkdirSync(path("old"));
		expect(await fsx.readFile(dir.at("sub/file"), "utf8")).toBe("content");
		// Wine renames into a directory by the name that it had when it was opened.
		await fsx.writeFile(dir.at("made"), "here", { atomic: !UNDER_WINE });
		expect(fs.readFileSync(path("new/made"), "utf8")).toBe("here");
		expect((await listed(dir, form)).map(({ name }) => name).sort()).toEqual(["made", "sub"]);
		expect((await dir.stat()).ino).toBe(fs.statSync(path("new"), { bigint: true }).ino);
		fs.rmdirSync(path("old"));
		fs.renameSync(path("new"), path("old"));
	}
	const dir = await fsx.openDir(path("old"));
	const there = dir.at("sub/file");
	dir.closeSync();
	for (const use of [
		() => fsx.readFile(there),
		() => fsx.copyFile(there, path("x")),
		() => fsx.mkdir(there),
		() => listed(dir, form),
	]) {
		expect(await failureOf((async () => use())())).toMatchObject({ code: "EBADF" });
	}
});

forms("openDir opens directories and nothing else", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	if (MAKES_SYMLINKS) {
		fs.symlinkSync(".", path("link"), "dir");
		await (await fsx.openDir(path("link"))).close();
	}
	expect(await failureOf(fsx.openDir(path("file")))).toMatchObject({ code: "ENOTDIR" });
	expect(await failureOf(fsx.openDir(path("no")))).toMatchObject({ code: "ENOENT" });
});

test("what is opened through a confined directory is confined", async () => {
	using outer = openDirSync(join(import.meta.dir, ".."), { beneath: true });
	using inner = await openDir(outer.at("tests"));
	expect(inner.beneath).toBe(true);
	expect(await failureOf(openDir(inner.at("..")))).toMatchObject({ code: "EXDEV" });
	using still = await openDir(outer.at("tests"), { beneath: false });
	expect(still.beneath).toBe(true);
});

forms("mkdir, as in Node", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	const there = ["a", "file", "no/below", "file/below"];
	if (MAKES_SYMLINKS) {
		fs.symlinkSync("nothing", path("dangling"), "file");
		there.push("dangling");
	}
	const umask = process.umask();
	const seen = (mode: number) => (ON_WINDOWS ? 0o666 : mode & ~umask);
	await fsx.mkdir(path("a"));
	expect(fs.statSync(path("a")).mode & 0o7777).toBe(seen(0o777));
	await fsx.mkdir(path("b"), { mode: 0o710 });
	expect(fs.statSync(path("b")).mode & 0o7777).toBe(seen(0o710));
	for (const name of there) {
		await failsAsNode(fsx.mkdir(path(name)), () => fs.mkdirSync(path(name)));
	}
});

forms("mkdir of all directories above", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "");
	fs.mkdirSync(path("real"));
	const good = ["a/b/c", "a/b/c/", "a//b//d//", "a/./e/../f", "."];
	const bad = [
		["file", "EEXIST"],
		["file/a", "ENOTDIR"],
		["file/a/b", "ENOTDIR"],
	];
	if (MAKES_SYMLINKS) {
		fs.symlinkSync("nothing", path("dangling"), "file");
		fs.symlinkSync("real", path("link"), "dir");
		good.push("link", "link/g");
		bad.push(["dangling", "EEXIST"]);
	}
	const umask = process.umask();
	const seen = (mode: number) => (ON_WINDOWS ? 0o666 : mode & ~umask);
	const recursive = true;
	await fsx.mkdir(path("a/b/c"), { recursive, mode: 0o700 });
	expect(fs.statSync(path("a/b/c")).mode & 0o777).toBe(seen(0o700));
	expect(fs.statSync(path("a/b")).mode & 0o777).toBe(seen(0o777));
	for (const name of good) {
		await fsx.mkdir(`${directory}/${name}`, { recursive });
		expect(fs.statSync(`${directory}/${name}`).isDirectory()).toBe(true);
	}
	if (MAKES_SYMLINKS) expect(fs.readdirSync(path("real"))).toEqual(["g"]);
	for (const [name = "", code] of bad) {
		const error = await failureOf(fsx.mkdir(path(name), { recursive }));
		expect([name, error.code]).toEqual([name, code]);
		expect(error).toMatchObject({ syscall: "mkdir", path: path(name) });
	}
	if (MAKES_SYMLINKS)
		expect(await failureOf(fsx.mkdir(path("dangling/a"), { recursive }))).toHaveProperty("code");
	using dir = await fsx.openDir(directory, { beneath: true });
	await fsx.mkdir(dir.at("x/y/z"), { recursive });
	expect(fs.existsSync(path("x/y/z"))).toBe(true);
	if (ON_WINDOWS) return;
	await fsx.mkdir(dir.at(Uint8Array.of(0xff, 0x2f, 0xfe)), { recursive });
	const odd = Buffer.concat([Buffer.from(`${directory}/`), Uint8Array.of(0xff, 0x2f, 0xfe)]);
	expect(fs.statSync(odd).isDirectory()).toBe(true);
});

rootForms("mkdir of what is there on a read-only filesystem", async ({ fsx, path }) => {
	fs.mkdirSync(path("mnt"));
	expect(Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", path("mnt")]).success).toBe(
		true,
	);
	try {
		await fsx.mkdir(path("mnt"), { recursive: true });
		const error = await failureOf(fsx.mkdir(path("mnt/new"), { recursive: true }));
		expect(error).toMatchObject({ code: "EROFS", path: path("mnt/new") });
		expect(await failureOf(fsx.rmdir(path("mnt")))).toMatchObject({ code: "EBUSY" });
	} finally {
		Bun.spawnSync(["umount", path("mnt")]);
	}
});

forms("mkdtemp", async ({ fsx, path, directory }) => {
	const made = [await fsx.mkdtemp(path("work-")), await fsx.mkdtemp(path("work-"))];
	expect(new Set(made).size).toBe(2);
	for (const name of made) {
		expect(name).toMatch(/[\\/]work-[a-z0-9]{6}$/);
		expect(name.startsWith(path("work-"))).toBe(true);
		expect(fs.statSync(name).mode & 0o7777).toBe(ON_WINDOWS ? 0o666 : 0o700);
	}
	expect(await failureOf(fsx.mkdtemp(path("no/x")))).toMatchObject({ code: "ENOENT" });
	expect(fs.readdirSync(directory).length).toBe(2);
});

forms("unlink, rmdir and remove", async ({ fsx, path, directory }) => {
	fs.mkdirSync(path("full/inside"), { recursive: true });
	fs.writeFileSync(path("file"), "");
	await failsAsNode(fsx.unlink(path("no")), () => fs.unlinkSync(path("no")));
	await failsAsNode(fsx.rmdir(path("full")), () => fs.rmdirSync(path("full")));
	if (!ON_WINDOWS) {
		await failsAsNode(fsx.unlink(path("full")), () => fs.unlinkSync(path("full")));
		await failsAsNode(fsx.rmdir(path("file")), () => fs.rmdirSync(path("file")));
	}
	// Node has other codes for these on Windows.
	expect(await failureOf(fsx.unlink(path("full")))).toMatchObject({ code: "EISDIR" });
	expect(await failureOf(fsx.rmdir(path("file")))).toMatchObject({ code: "ENOTDIR" });
	await failsAsNode(fsx.rmdir(path("no")), () => fs.rmdirSync(path("no")));
	const full = await failureOf(fsx.remove(path("full")));
	expect(full).toMatchObject({ code: "ENOTEMPTY", path: path("full") });
	expect(await failureOf(fsx.remove(path("no")))).toMatchObject({ code: "ENOENT" });
	expect(await failureOf(fsx.remove(path("file/x")))).toMatchObject({ code: BELOW_A_FILE });
	await fsx.remove(path("file"));
	await fsx.remove(path("full/inside"));
	await fsx.rmdir(path("full"));
	expect(fs.readdirSync(directory)).toEqual([]);
	if (ON_WINDOWS) return;
	const odd = Buffer.concat([Buffer.from(`${directory}/`), Uint8Array.of(0xff)]);
	for (const act of [fsx.remove, fsx.unlink]) {
		fs.writeFileSync(odd, "");
		await act(odd);
	}
	fs.mkdirSync(odd);
	await fsx.rmdir(odd);
	expect(fs.readdirSync(directory)).toEqual([]);
});

withSymlinks()("links are removed, and not what they lead to", async ({ fsx, path }) => {
	fs.mkdirSync(path("full/inside"), { recursive: true });
	for (const type of ["file", "dir"] as const) fs.symlinkSync("full", path(type), type);
	if (!ON_WINDOWS) {
		await failsAsNode(fsx.rmdir(path("dir")), () => fs.rmdirSync(path("dir")));
	}
	await fsx.remove(path("file"));
	await fsx.remove(path("dir"));
	expect(fs.readdirSync(path("."))).toEqual(["full"]);
	expect(fs.readdirSync(path("full"))).toEqual(["inside"]);
});

withSymlinks()("unlink removes a link to a directory", async ({ fsx, path, directory }) => {
	fs.mkdirSync(path("full/inside"), { recursive: true });
	using confined = await fsx.openDir(directory, { beneath: true });
	for (const location of [path("link"), confined.at("link")]) {
		for (const type of ["dir", "junction"] as const) {
			fs.symlinkSync(path("full"), path("link"), type);
			await fsx.unlink(location);
			expect(fs.readdirSync(directory)).toEqual(["full"]);
		}
	}
	expect(fs.readdirSync(path("full"))).toEqual(["inside"]);
});

forms("a directory is neither removed nor renamed by its own handle", async (given) => {
	const { fsx, path, directory } = given;
	fs.mkdirSync(path("base/sub"), { recursive: true });
	for (const beneath of [false, true]) {
		using base = await fsx.openDir(path("base"), { beneath });
		using sub = await fsx.openDir(path("base/sub"), { beneath });
		for (const name of [".", "./"]) {
			for (const act of [fsx.rmdir, fsx.unlink, fsx.remove]) await failureOf(act(sub.at(name)));
			const moved = await failureOf(fsx.rename(sub.at(name), path("moved")));
			expect(moved).toMatchObject({ code: "EBUSY", syscall: "rename" });
		}
		for (const act of [fsx.rmdir, fsx.unlink, fsx.remove]) await failureOf(act(base.at("sub/..")));
		expect(fs.readdirSync(directory)).toEqual(["base"]);
		expect(fs.readdirSync(path("base"))).toEqual(["sub"]);
	}
});

onWindows("open files")("what is open, or read-only, can be removed", async ({ fsx, path }) => {
	for (const name of ["open", "read-only"]) fs.writeFileSync(path(name), "content");
	await using file = await fsx.open(path("open"), "r+");
	await fsx.unlink(path("open"));
	// Where the system has it so, the name is free at once.
	expect(await file.read(7)).toEqual(new TextEncoder().encode("content"));
	fs.chmodSync(path("read-only"), 0o444);
	await fsx.unlink(path("read-only"));
	expect(fs.existsSync(path("read-only"))).toBe(false);
});

forms("mkdir is confined", (given) => confines(given, false, given.fsx.mkdir), IN_MEMORY);
forms("rmdir is confined", (given) => confines(given, false, given.fsx.rmdir), IN_MEMORY);
forms("unlink is confined", (given) => confines(given, false, given.fsx.unlink), IN_MEMORY);
forms("remove is confined", (given) => confines(given, false, given.fsx.remove), IN_MEMORY);
