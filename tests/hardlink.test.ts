import { expect } from "bun:test";
import fs from "node:fs";
import { confines, IN_MEMORY } from "./confined.ts";
import { failureOf, forms, lacksUnderWine, onLinux, withSymlinks } from "./forms.ts";
import { failsAsNode } from "./node-errors.ts";

const inode = (file: fs.PathLike) => fs.lstatSync(file, { bigint: true }).ino;

forms("link gives a file one more name", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "content");
	using dir = await fsx.openDir(directory);
	using confined = await fsx.openDir(directory, { beneath: true });
	const ways = [
		[path("file"), path("1"), "1"],
		[Buffer.from(path("file")), Bun.pathToFileURL(path("2")), "2"],
		[dir.at("file"), path("3"), "3"],
		[path("file"), dir.at("4"), "4"],
		[confined.at("./file"), confined.at("5"), "5"],
		[dir.at("file"), confined.at("6"), "6"],
	] as const;
	for (const [existing, location, name] of ways) {
		for (const follow of [false, true]) {
			await fsx.link(existing, location, { follow });
			expect(inode(path(name))).toBe(inode(path("file")));
			expect(fs.statSync(path("file")).nlink).toBe(2);
			fs.unlinkSync(path(name));
		}
	}
});

onLinux("names that are any bytes")("link gives a name that is not UTF-8", async (given) => {
	const { fsx, path, directory } = given;
	fs.writeFileSync(path("file"), "");
	const odd = Buffer.concat([Buffer.from(`${directory}/`), Uint8Array.of(0xff)]);
	await fsx.link(path("file"), odd);
	expect(inode(odd)).toBe(inode(path("file")));
});

lacksUnderWine("links to read-only files")("link of a read-only file", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "content", { mode: 0o444 });
	await fsx.link(path("file"), path("other"));
	expect(fs.statSync(path("other")).nlink).toBe(2);
	fs.chmodSync(path("file"), 0o644);
});

forms("link into other directories, by their handles", async ({ fsx, path }) => {
	fs.mkdirSync(path("x/y"), { recursive: true });
	fs.writeFileSync(path("file"), "content");
	using x = await fsx.openDir(path("x"), { beneath: true });
	await fsx.link(path("file"), x.at("y/one"));
	await fsx.link(x.at("y/../y/one"), x.at("two"));
	expect(fs.statSync(path("x/two")).nlink).toBe(3);
	for (const name of ["../out", "y/../../out", path("out")]) {
		expect(await failureOf(fsx.link(x.at("two"), x.at(name)))).toMatchObject({ code: "EXDEV" });
		expect(await failureOf(fsx.link(x.at(name), x.at("new")))).toMatchObject({ code: "EXDEV" });
	}
});

forms("link refuses what there is, and directories", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "");
	fs.mkdirSync(path("dir"));
	using confined = await fsx.openDir(directory, { beneath: true });
	for (const [existing, location, code] of [
		[path("nothing"), path("new"), "ENOENT"],
		[path("file"), path("file"), "EEXIST"],
		[path("file"), path("dir"), "EEXIST"],
		[path("file"), confined.at("."), "EEXIST"],
		[path("file"), path("nothing/new"), "ENOENT"],
		[path("dir"), path("new"), "EPERM"],
		[path("file"), path("new/"), "ENOENT"],
	] as const) {
		expect(await failureOf(fsx.link(existing, location))).toMatchObject({ code, syscall: "link" });
	}
	expect(fs.readdirSync(directory).sort()).toEqual(["dir", "file"]);
});

withSymlinks()(
	"link of a symbolic link: the link itself unless told to follow",
	async ({ fsx, path, directory }) => {
		fs.writeFileSync(path("file"), "");
		fs.symlinkSync("file", path("link"));
		fs.symlinkSync("nothing", path("dangling"));
		await fsx.link(path("link"), path("a"));
		expect(inode(path("a"))).toBe(inode(path("link")));
		await fsx.link(path("link"), path("b"), { follow: true });
		expect(inode(path("b"))).toBe(inode(path("file")));
		using dir = await fsx.openDir(directory, { beneath: true });
		await fsx.link(dir.at("link"), dir.at("c"));
		expect(inode(path("c"))).toBe(inode(path("link")));
		await fsx.link(dir.at("link"), dir.at("d"), { follow: true });
		expect(inode(path("d"))).toBe(inode(path("file")));
		await fsx.link(path("dangling"), path("e"));
		expect(fs.readlinkSync(path("e"))).toBe("nothing");
		expect(await failureOf(fsx.link(path("dangling"), path("f"), { follow: true }))).toMatchObject({
			code: "ENOENT",
		});
	},
);

onLinux("its errors")("link fails as in Node", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "");
	fs.mkdirSync(path("dir"));
	for (const [existing, location] of [
		[path("nothing"), path("new")],
		[path("file"), path("file")],
		[path("file"), path("nothing/new")],
		[path("file"), path("file/new")],
		[path("dir"), path("new")],
		[path("file"), path("new/")],
		[path("file"), `/dev/shm/${directory.replaceAll("/", "-")}`],
	] as const) {
		await failsAsNode(fsx.link(existing, location), () => fs.linkSync(existing, location));
	}
	expect(fs.readdirSync(directory).sort()).toEqual(["dir", "file"]);
});

forms("what link refuses before any call", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	const code = async (promise: Promise<unknown>) => (await failureOf(promise)).code;
	for (const wrong of [undefined, null, 1, {}] as never[]) {
		expect(await code(fsx.link(wrong, path("new")))).toBe("ERR_INVALID_ARG_TYPE");
		expect(await code(fsx.link(path("file"), wrong))).toBe("ERR_INVALID_ARG_TYPE");
	}
	expect(await code(fsx.link(path("file"), "a\0"))).toBe("ERR_INVALID_ARG_VALUE");
	expect(await code(fsx.link(path("file"), path("new"), { follow: "yes" } as never))).toMatch(
		/^ERR_/,
	);
	expect(await code(fsx.link(path("file"), path("new"), { force: true } as never))).toBe(
		"ERR_INVALID_ARG_VALUE",
	);
	expect(fs.statSync(path("file")).nlink).toBe(1);
});

for (const follow of [true, false]) {
	withSymlinks()(
		`link confined at its source, follow: ${follow}`,
		async (given) => {
			let count = 0;
			await confines(given, follow, (location) =>
				given.fsx.link(location, given.path(`link-${count++}`), { follow }),
			);
		},
		IN_MEMORY,
	);
}

withSymlinks()(
	"link confined at its destination",
	async (given) => {
		fs.writeFileSync(given.path("source"), "");
		await confines(given, false, (location) => given.fsx.link(given.path("source"), location));
		expect(fs.statSync(given.path("source")).nlink).toBeGreaterThan(1);
	},
	IN_MEMORY,
);
