import { expect } from "bun:test";
import fs from "node:fs";
import { confines, IN_MEMORY } from "./confined.ts";
import { whiteoutLeaves } from "./facts.ts";
import {
	failureOf,
	forms,
	HERE_AND_IN_MEMORY,
	lacksUnderWine,
	ON_WINDOWS,
	onLinux,
	onWindows,
	withSymlinks,
} from "./forms.ts";
import { failsAsNode } from "./node-errors.ts";
import { rootForms } from "./root.ts";

const read = (file: string) => fs.readFileSync(file, "utf8");

forms("rename replaces, by path, bytes, URL and name", async ({ fsx, path, directory }) => {
	using dir = await fsx.openDir(directory);
	using confined = await fsx.openDir(directory, { beneath: true });
	const ways = [
		[path("a"), path("b")],
		[Buffer.from(path("a")), Bun.pathToFileURL(path("b"))],
		[dir.at("a"), path("b")],
		[path("a"), dir.at("b")],
		[confined.at("./a"), confined.at("b")],
		[confined.at(Buffer.from("a")), dir.at(Buffer.from("b"))],
	] as const;
	for (const [from, to] of ways) {
		fs.writeFileSync(path("a"), "new");
		fs.writeFileSync(path("b"), "old");
		await fsx.rename(from, to);
		expect(fs.readdirSync(directory)).toEqual(["b"]);
		expect(read(path("b"))).toBe("new");
	}
	fs.mkdirSync(path("one/inside"), { recursive: true });
	await fsx.rename(path("one"), path("two/"));
	expect(fs.readdirSync(path("two"))).toEqual(["inside"]);
	await fsx.rename(path("b"), path("b"));
	expect(read(path("b"))).toBe("new");
});

lacksUnderWine("directories that are replaced")(
	"rename puts a directory in the place of an empty one",
	async ({ fsx, path }) => {
		fs.mkdirSync(path("one/inside"), { recursive: true });
		fs.mkdirSync(path("two"));
		await fsx.rename(path("one"), path("two/"));
		expect(fs.readdirSync(path("two"))).toEqual(["inside"]);
	},
);

withSymlinks()("rename moves a link, and not what it leads to", async ({ fsx, path }) => {
	fs.writeFileSync(path("b"), "");
	fs.symlinkSync("b", path("link"));
	await fsx.rename(path("link"), path("moved"));
	expect(fs.readlinkSync(path("moved"))).toBe("b");
});

forms("rename of what is read-only, and onto it", async ({ fsx, path, directory }) => {
	for (const name of ["a", "b"]) fs.writeFileSync(path(name), name, { mode: 0o444 });
	await fsx.rename(path("a"), path("b"));
	expect(fs.readdirSync(directory)).toEqual(["b"]);
	expect(read(path("b"))).toBe("a");
	fs.chmodSync(path("b"), 0o644);
});

lacksUnderWine("files that are replaced while they are open")(
	"rename of what is open, and onto it",
	async ({ fsx, path, directory }) => {
		for (const name of ["a", "b"]) fs.writeFileSync(path(name), name);
		await using a = await fsx.open(path("a"));
		await using b = await fsx.open(path("b"));
		await fsx.rename(path("a"), path("b"));
		expect(fs.readdirSync(directory)).toEqual(["b"]);
		expect(Buffer.from(await a.read(1, 0)).toString()).toBe("a");
		expect(Buffer.from(await b.read(1, 0)).toString()).toBe("b");
	},
);

forms("rename into other directories, by their handles", async ({ fsx, path, directory }) => {
	fs.mkdirSync(path("x/y"), { recursive: true });
	fs.writeFileSync(path("file"), "content");
	using plain = await fsx.openDir(directory);
	using confined = await fsx.openDir(directory, { beneath: true });
	await fsx.rename(plain.at("file"), confined.at("x/y/file"));
	await fsx.rename(confined.at("x/y/file"), plain.at("x/../x/moved"));
	expect(read(path("x/moved"))).toBe("content");
	using x = await fsx.openDir(path("x"), { beneath: true });
	for (const name of ["../out", "y/../../out", path("out")]) {
		expect(await failureOf(fsx.rename(x.at("moved"), x.at(name)))).toMatchObject({ code: "EXDEV" });
		expect(await failureOf(fsx.rename(x.at(name), x.at("moved")))).toMatchObject({ code: "EXDEV" });
	}
	expect(fs.readdirSync(path("x")).sort()).toEqual(["moved", "y"]);
});

forms("rename refuses what cannot be replaced", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "");
	fs.mkdirSync(path("dir/full"), { recursive: true });
	fs.mkdirSync(path("empty"));
	const code = async (from: string, to: string) =>
		(await failureOf(fsx.rename(path(from), path(to)))).code;
	expect(await code("file", "dir")).toBe("EISDIR");
	expect(await code("file", "empty")).toBe("EISDIR");
	expect(await code("dir", "dir/full/new")).toBe("EINVAL");
	expect(await code("file", "new/")).toBe("ENOTDIR");
	expect(await code("nothing", "new")).toBe("ENOENT");
	expect(await code("file", "nothing/new")).toBe("ENOENT");
	expect(fs.readdirSync(directory).sort()).toEqual(["dir", "empty", "file"]);
});

lacksUnderWine("refusal to put a directory in the place of a file")(
	"rename refuses a directory in the place of a file, or of a full one",
	async ({ fsx, path, directory }) => {
		fs.writeFileSync(path("file"), "");
		fs.mkdirSync(path("dir/full"), { recursive: true });
		fs.mkdirSync(path("empty"));
		const code = async (from: string, to: string) =>
			(await failureOf(fsx.rename(path(from), path(to)))).code;
		expect(await code("dir", "file")).toBe("ENOTDIR");
		expect(await code("empty", "dir")).toMatch(/^(ENOTEMPTY|EEXIST)$/);
		expect(fs.readdirSync(directory).sort()).toEqual(["dir", "empty", "file"]);
	},
);

const whereCaseIsKept = lacksUnderWine("a change of case alone", onWindows("names of any case"));

whereCaseIsKept("rename changes the case of a name", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("name"), "content");
	await fsx.rename(path("name"), path("NAME"), { noReplace: true });
	expect(fs.readdirSync(directory)).toEqual(["NAME"]);
});

onWindows("what it has no call for")("exchange and whiteout are not pretended", async (given) => {
	const { fsx, path, directory } = given;
	for (const name of ["a", "b"]) fs.writeFileSync(path(name), name);
	for (const how of ["exchange", "whiteout"] as const) {
		const error = await failureOf(fsx.rename(path("a"), path("b"), { [how]: true }));
		expect(error).toMatchObject({ code: "ENOTSUP", syscall: "rename", dest: path("b") });
		expect(error.message).toContain("Windows has no");
	}
	expect(["a", "b"].map((name) => read(path(name)))).toEqual(["a", "b"]);
	expect(fs.readdirSync(directory).sort()).toEqual(["a", "b"]);
});

for (const [where, root] of HERE_AND_IN_MEMORY) {
	forms(
		`noReplace ${where}`,
		async ({ fsx, path, directory }) => {
			fs.writeFileSync(path("a"), "a");
			fs.writeFileSync(path("b"), "b");
			using dir = await fsx.openDir(directory, { beneath: true });
			for (const [from, to] of [
				[path("a"), path("b")],
				[dir.at("a"), dir.at("b")],
			] as const) {
				const error = await failureOf(fsx.rename(from, to, { noReplace: true }));
				const errno = ON_WINDOWS ? -4075 : -17;
				expect(error).toMatchObject({ code: "EEXIST", errno, syscall: "rename" });
				expect([read(path("a")), read(path("b"))]).toEqual(["a", "b"]);
			}
			await fsx.rename(path("a"), path("c"), { noReplace: true });
			expect(fs.readdirSync(directory).sort()).toEqual(["b", "c"]);
		},
		root,
	);

	withSymlinks()(
		`noReplace spares links that lead nowhere ${where}`,
		async ({ fsx, path }) => {
			fs.writeFileSync(path("a"), "a");
			fs.symlinkSync("nothing", path("dangling"));
			const dangling = fsx.rename(path("a"), path("dangling"), { noReplace: true });
			expect(await failureOf(dangling)).toMatchObject({
				code: "EEXIST",
				message: `EEXIST: file already exists, rename '${path("a")}' -> '${path("dangling")}'`,
			});
			expect(fs.readlinkSync(path("dangling"))).toBe("nothing");
		},
		root,
	);

	onLinux("names that are exchanged")(
		`exchange ${where}`,
		async ({ fsx, path, directory }) => {
			fs.writeFileSync(path("file"), "content");
			fs.mkdirSync(path("dir"));
			fs.writeFileSync(path("dir/entry"), "");
			const inodes = () => ["file", "dir"].map((name) => fs.lstatSync(path(name)).ino);
			const [file, dir] = inodes();
			await fsx.rename(path("file"), path("dir"), { exchange: true });
			expect(inodes()).toEqual([dir ?? 0, file ?? 0]);
			expect(fs.readdirSync(path("file"))).toEqual(["entry"]);
			expect(read(path("dir"))).toBe("content");
			using at = await fsx.openDir(directory, { beneath: true });
			await fsx.rename(at.at("file"), at.at("dir"), { exchange: true });
			expect(inodes()).toEqual([file ?? 0, dir ?? 0]);
			fs.symlinkSync("file", path("link"));
			await fsx.rename(path("link"), path("file"), { exchange: true });
			expect(fs.readlinkSync(path("file"))).toBe("file");
			expect(read(path("link"))).toBe("content");
			const missing = fsx.rename(path("link"), path("nothing"), { exchange: true });
			expect(await failureOf(missing)).toMatchObject({ code: "ENOENT" });
		},
		root,
	);

	rootForms(
		`whiteout ${where}`,
		async ({ fsx, path, directory }) => {
			fs.writeFileSync(path("a"), "content");
			const renaming = fsx.rename(path("a"), path("b"), { whiteout: true });
			const leaves = whiteoutLeaves(directory);
			if (leaves === "an error") {
				expect(await failureOf(renaming)).toMatchObject({ code: "ENOTSUP", path: path("a") });
				expect(fs.readdirSync(directory)).toEqual(["a"]);
				return;
			}
			await renaming;
			expect(read(path("b"))).toBe("content");
			const left = fs.statSync(path("a"), { throwIfNoEntry: false });
			const device = left && [left.isCharacterDevice(), left.rdev];
			expect(device).toEqual(leaves === "a device" ? [true, 0] : undefined);
		},
		root,
	);
}

rootForms(
	"a filesystem that lacks the option, and a directory in itself",
	async ({ fsx, path }) => {
		fs.mkdirSync(path("ramfs"));
		const mounted = Bun.spawnSync(["mount", "-t", "ramfs", "none", path("ramfs")]);
		expect(String(mounted.stderr)).toBe("");
		try {
			fs.writeFileSync(path("ramfs/a"), "a");
			const error = await failureOf(
				fsx.rename(path("ramfs/a"), path("ramfs/b"), { whiteout: true }),
			);
			expect(error).toMatchObject({ code: "ENOTSUP", errno: -95, path: path("ramfs/a") });
			expect(error.message).toContain("whiteout");
			expect(fs.readdirSync(path("ramfs"))).toEqual(["a"]);
		} finally {
			expect(Bun.spawnSync(["umount", path("ramfs")]).success).toBe(true);
		}
		fs.mkdirSync(path("dir/sub"), { recursive: true });
		for (const options of [{}, { noReplace: true }]) {
			const error = await failureOf(fsx.rename(path("dir"), path("dir/sub/new"), options));
			expect(error).toMatchObject({ code: "EINVAL", dest: path("dir/sub/new") });
		}
		expect(
			await failureOf(fsx.rename(path("dir"), path("dir/sub"), { exchange: true })),
		).toMatchObject({ code: "EINVAL" });
	},
);

onLinux("its errors")("rename fails as in Node", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "");
	fs.mkdirSync(path("dir/full"), { recursive: true });
	fs.mkdirSync(path("empty"));
	for (const [from, to] of [
		["nothing", "new"],
		["file", "dir"],
		["dir", "file"],
		["empty", "dir"],
		["dir", "dir/full/new"],
		["file", "nothing/new"],
		["file", "new/"],
		["file/", "new"],
		["file", "/dev/shm/fsx-other-filesystem"],
		[".", "new"],
	].map((pair) => pair.map((name) => (name.startsWith("/") ? name : path(name)))) as [
		string,
		string,
	][]) {
		await failsAsNode(fsx.rename(from, to), () => fs.renameSync(from, to));
	}
	expect(fs.readdirSync(directory).sort()).toEqual(["dir", "empty", "file"]);
});

forms("what rename refuses before any call", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("a"), "");
	const code = async (promise: Promise<unknown>) => (await failureOf(promise)).code;
	for (const wrong of [undefined, null, 1, {}] as never[]) {
		expect(await code(fsx.rename(wrong, path("b")))).toBe("ERR_INVALID_ARG_TYPE");
		expect(await code(fsx.rename(path("a"), wrong))).toBe("ERR_INVALID_ARG_TYPE");
	}
	for (const options of [
		{ noReplace: true, exchange: true },
		{ exchange: true, whiteout: true },
		{ noReplace: true, exchange: true, whiteout: true },
		{ overwrite: true },
	]) {
		expect(await code(fsx.rename(path("a"), path("b"), options))).toBe("ERR_INVALID_ARG_VALUE");
	}
	expect(await code(fsx.rename(path("a"), path("b"), { exchange: 1 as never }))).toMatch(/^ERR_/);
	expect(await code(fsx.rename(path("a"), "b\0"))).toBe("ERR_INVALID_ARG_VALUE");
	expect(fs.readdirSync(directory)).toEqual(["a"]);
	await fsx.rename(path("a"), path("b"), { noReplace: true, exchange: false });
	expect(fs.readdirSync(directory)).toEqual(["b"]);
});

withSymlinks()(
	"rename confined at its source",
	async (given) => {
		let count = 0;
		await confines(given, false, (location) =>
			given.fsx.rename(location, given.path(`moved-${count++}`)),
		);
	},
	IN_MEMORY,
);

withSymlinks()(
	"rename confined at its destination",
	async (given) => {
		await confines(given, false, async (location) => {
			fs.writeFileSync(given.path("source"), "");
			await given.fsx.rename(given.path("source"), location);
		});
	},
	IN_MEMORY,
);

onLinux("names that are exchanged")(
	"exchange confined",
	async (given) => {
		await confines(given, false, async (location) => {
			fs.rmSync(given.path("other"), { recursive: true, force: true });
			fs.mkdirSync(given.path("other"));
			await given.fsx.rename(given.path("other"), location, { exchange: true });
		});
	},
	IN_MEMORY,
);
