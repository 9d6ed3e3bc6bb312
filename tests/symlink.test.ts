import { expect, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type At, readlink, readlinkSync } from "../src/index.ts";
import { confines, IN_MEMORY } from "./confined.ts";
import {
	failureOf,
	forms,
	HERE_AND_IN_MEMORY,
	lacksUnderWine,
	MAKES_SYMLINKS,
	onLinux,
	onWindows,
	skipped,
	withSymlinks,
} from "./forms.ts";
import { failsAsNode } from "./node-errors.ts";

const odd = Uint8Array.of(0x61, 0xff, 0xfe, 0x2f, 0xc3, 0x28);

onLinux("readlink(1)")(
	"symlink makes what node:fs and readlink(1) read",
	async ({ fsx, path, directory }) => {
		using dir = await fsx.openDir(directory);
		using confined = await fsx.openDir(directory, { beneath: true });
		const targets = ["file", "../elsewhere", "/no/such", "a//b/", ".", "ümlaut", "\ufeffmark"];
		for (const [index, target] of targets.entries()) {
			const ways = {
				path: path(`path${index}`),
				bytes: Buffer.from(path(`bytes${index}`)),
				at: dir.at(`at${index}`),
				confined: confined.at(Buffer.from(`confined${index}`)),
			};
			for (const [way, location] of Object.entries(ways)) {
				await fsx.symlink(target, location);
				expect(fs.readlinkSync(path(`${way}${index}`))).toBe(target);
				const { stdout } = Bun.spawnSync(["readlink", "-n", path(`${way}${index}`)]);
				expect(stdout.toString()).toBe(target);
				expect(await fsx.readlink(location)).toBe(target);
				expect(await fsx.readlink(location, { encoding: "buffer" })).toEqual(
					new TextEncoder().encode(target),
				);
			}
		}
		await fsx.symlink(Bun.pathToFileURL("/tmp/a b"), Bun.pathToFileURL(path("url")));
		expect(fs.readlinkSync(path("url"))).toBe("/tmp/a b");
		for (const type of ["auto", "file", "dir", "junction"] as const) {
			await fsx.symlink("t", path(type), { type });
			expect(fs.readlinkSync(path(type))).toBe("t");
		}
	},
);

onLinux("names that are any bytes")(
	"targets and names that are not UTF-8",
	async ({ fsx, directory }) => {
		const name = Buffer.concat([Buffer.from(`${directory}/`), Uint8Array.of(0xff, 0xfe)]);
		await fsx.symlink(odd, name);
		expect(await fsx.readlink(name, { encoding: "buffer" })).toEqual(odd);
		expect(fs.readlinkSync(name, { encoding: "buffer" }).equals(odd)).toBe(true);
		expect(await fsx.readlink(name)).toBe("a\ufffd\ufffd/\ufffd(");
		using dir = await fsx.openDir(directory, { beneath: true });
		const inside = dir.at(Uint8Array.of(0xff, 0xfe));
		expect(await fsx.readlink(inside, { encoding: "buffer" })).toEqual(odd);
		expect(
			fs.readdirSync(directory, { encoding: "buffer" })[0]?.equals(Uint8Array.of(0xff, 0xfe)),
		).toBe(true);
	},
);

/** Whether the filesystem has links of that length, as ln(1) says: those of XFS are short. */
function takesTarget(link: string, target: string): boolean {
	const { success } = Bun.spawnSync(["ln", "-s", target, link]);
	fs.rmSync(link, { force: true });
	return success;
}

for (const [where, root] of HERE_AND_IN_MEMORY) {
	onLinux("the lengths that it takes")(
		`readlink of links of any length ${where}`,
		async ({ fsx, path }) => {
			for (const length of [1, 1023, 1024, 1025, 2047, 2048, 4095]) {
				const target = "x".repeat(length);
				if (!takesTarget(path("asked"), target)) {
					const error = await failureOf(fsx.symlink(target, path(`l${length}`)));
					expect(error).toMatchObject({ code: "ENAMETOOLONG" });
					continue;
				}
				await fsx.symlink(target, path(`l${length}`));
				expect(fs.readlinkSync(path(`l${length}`))).toBe(target);
				expect(await fsx.readlink(path(`l${length}`))).toBe(target);
			}
			const long = "x".repeat(4096);
			expect(await failureOf(fsx.symlink(long, path("long")))).toMatchObject({
				code: "ENAMETOOLONG",
				errno: -36,
				message: `ENAMETOOLONG: name too long, symlink '${long}' -> '${path("long")}'`,
			});
		},
		root,
	);
}

forms("symlink and readlink refuse", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "");
	fs.mkdirSync(path("dir"));
	using confined = await fsx.openDir(directory, { beneath: true });
	for (const [location, code] of [
		[path("nothing/link"), "ENOENT"],
		[confined.at("nothing/link"), "ENOENT"],
		[path("new/"), "ENOENT"],
		[confined.at("."), "EEXIST"],
	] as const) {
		const made = await failureOf(fsx.symlink("t", location));
		expect(made).toMatchObject({ code, syscall: "symlink" });
	}
	expect((await failureOf(fsx.symlink("t", confined.at("../new")))).code).toBe("EXDEV");
	expect((await failureOf(fsx.symlink("t", confined.at("dir/../../new")))).code).toBe("EXDEV");
	expect((await failureOf(fsx.symlink("", path("empty")))).code).toBe("ENOENT");
	for (const [name, code] of [
		["file", "EINVAL"],
		["dir", "EINVAL"],
		["nothing", "ENOENT"],
	] as const) {
		const read = await failureOf(fsx.readlink(path(name)));
		expect(read).toMatchObject({ code, syscall: "readlink", path: path(name) });
		expect((await failureOf(fsx.readlink(confined.at(name)))).code).toBe(code);
	}
	expect(fs.readdirSync(directory).sort()).toEqual(["dir", "file"]);
});

withSymlinks()("symlink refuses a name that is taken", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "");
	using confined = await fsx.openDir(directory, { beneath: true });
	for (const location of [path("file"), confined.at("file")]) {
		const error = await failureOf(fsx.symlink("t", location));
		expect(error).toMatchObject({ code: "EEXIST", syscall: "symlink" });
	}
});

withSymlinks(onWindows("two kinds of links"))(
	"the kind of a link is that of what it leads to",
	async ({ fsx, path, directory }) => {
		fs.mkdirSync(path("dir/sub"), { recursive: true });
		fs.writeFileSync(path("dir/file"), "content");
		using dir = await fsx.openDir(directory);
		using confined = await fsx.openDir(directory, { beneath: true });
		const places = [path("dir/link"), dir.at("dir/link"), confined.at("dir/link")];
		for (const location of places) {
			// Relative to where the link is, and not to where this process is.
			for (const [target, said] of [
				["sub", "sub"],
				["../dir/sub", "..\\dir\\sub"],
				[path("dir/sub"), path("dir/sub")],
			] as const) {
				await fsx.symlink(target, location);
				expect(fs.readdirSync(path("dir/link"))).toEqual([]);
				expect(await fsx.readlink(location)).toBe(said);
				expect(fs.readlinkSync(path("dir/link"))).toBe(said);
				await fsx.rmdir(location);
			}
			await fsx.symlink("./file", location);
			expect(fs.readFileSync(path("dir/link"), "utf8")).toBe("content");
			await fsx.unlink(location);
			await fsx.symlink("later", location, { type: "dir" });
			fs.mkdirSync(path("dir/later"));
			expect(fs.readdirSync(path("dir/link"))).toEqual([]);
			await fsx.rmdir(location);
			fs.rmdirSync(path("dir/later"));
		}
	},
);

lacksUnderWine("junctions", onWindows("junctions"))(
	"junctions are made and read",
	async ({ fsx, path, directory }) => {
		fs.mkdirSync(path("dir/sub"), { recursive: true });
		fs.writeFileSync(path("dir/sub/file"), "content");
		using dir = await fsx.openDir(directory);
		using confined = await fsx.openDir(directory, { beneath: true });
		for (const location of [path("dir/link"), dir.at("dir/link"), confined.at("dir/link")]) {
			for (const target of ["sub", "../dir/./sub", path("dir/sub")]) {
				await fsx.symlink(target, location, { type: "junction" });
				expect(fs.readFileSync(path("dir/link/file"), "utf8")).toBe("content");
				expect(await fsx.readlink(location)).toBe(path("dir/sub"));
				expect(fs.readlinkSync(path("dir/link")).replace(/\\$/, "")).toBe(path("dir/sub"));
				expect((await fsx.stat(location, { follow: false })).kind).toBe("symlink");
				await fsx.rmdir(location);
			}
			const taken = fsx.symlink(path("dir"), path("dir/sub"), { type: "junction" });
			expect((await failureOf(taken)).code).toBe("EEXIST");
			const server = String.raw`\\localhost\share`;
			const remote = fsx.symlink(server, location, { type: "junction" });
			expect((await failureOf(remote)).code).toBe("EINVAL");
			expect(fs.readdirSync(path("dir"))).toEqual(["sub"]);
		}
	},
);

const withoutPrivilege = MAKES_SYMLINKS
	? (title: string) => skipped(title, "symbolic links can be made here")
	: lacksUnderWine("privileges", onWindows("privileges"));

withoutPrivilege(
	"symlink without the privilege says what to do",
	async ({ fsx, path, directory }) => {
		const error = await failureOf(fsx.symlink("target", path("link")));
		expect(error).toMatchObject({ code: "EPERM", osCode: 1314, dest: path("link") });
		expect(error.message).toContain("developer mode");
		expect(error.message).toContain("junction");
		expect(fs.readdirSync(directory)).toEqual([]);
	},
);

onWindows("a failure half-way")("a junction that cannot be made leaves nothing", async (given) => {
	const { fsx, path, directory } = given;
	// Longer than a reparse point has room for; Wine has no junctions of any length.
	const target = `C:\\${"n".repeat(200)}\\`.padEnd(9000, "long\\");
	const error = await failureOf(fsx.symlink(target, path("link"), { type: "junction" }));
	expect(error).toMatchObject({ syscall: "symlink", dest: path("link") });
	expect(fs.readdirSync(directory)).toEqual([]);
});

onLinux("its errors")("symlink and readlink fail as in Node", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	const { symlink, readlink } = fsx;
	for (const location of ["file", "nothing/link", "file/link", "file/", "new/"].map(path)) {
		await failsAsNode(symlink("t", location), () => fs.symlinkSync("t", location));
	}
	for (const location of ["file", "nothing", "file/below", "."].map(path)) {
		await failsAsNode(readlink(location), () => fs.readlinkSync(location));
	}
	// Node names an empty path, and Bun leaves it out.
	expect(await failureOf(readlink(""))).toMatchObject({
		code: "ENOENT",
		path: "",
		message: "ENOENT: no such file or directory, readlink ''",
	});
	expect(await failureOf(symlink("", path("empty")))).toMatchObject({
		code: "ENOENT",
		message: `ENOENT: no such file or directory, symlink '' -> '${path("empty")}'`,
	});
	const name = path("n".repeat(256));
	await failsAsNode(readlink(name), () => fs.readlinkSync(name));
});

forms("what symlink and readlink refuse before any call", async ({ fsx, path }) => {
	const code = async (promise: Promise<unknown>) => (await failureOf(promise)).code;
	for (const [target, expected] of [
		["a\0b", "ERR_INVALID_ARG_VALUE"],
		[Uint8Array.of(0), "ERR_INVALID_ARG_VALUE"],
		[new URL("http://localhost/"), "ERR_INVALID_URL_SCHEME"],
	] as const) {
		expect(await code(fsx.symlink(target, path("l")))).toBe(expected);
	}
	for (const wrong of [undefined, null, 1, {}] as never[]) {
		expect(await code(fsx.symlink(wrong, path("l")))).toBe("ERR_INVALID_ARG_TYPE");
		expect(await code(fsx.symlink("t", wrong))).toBe("ERR_INVALID_ARG_TYPE");
		expect(await code(fsx.readlink(wrong))).toBe("ERR_INVALID_ARG_TYPE");
	}
	expect(await code(fsx.readlink("a\0"))).toBe("ERR_INVALID_ARG_VALUE");
	expect(await code(fsx.symlink("t", path("l"), { type: "hard" as never }))).toMatch(/^ERR_INV/);
	expect(await code(fsx.symlink("t", path("l"), { kind: "dir" } as never))).toMatch(/^ERR_INV/);
	expect(await code(fsx.readlink(path("l"), { encoding: "hex" as never }))).toMatch(/^ERR_INV/);
	expect(fs.existsSync(path("l"))).toBe(false);
});

withSymlinks()(
	"readlink confined",
	async (given) => {
		await confines(given, false, (location) => given.fsx.readlink(location));
	},
	IN_MEMORY,
);

withSymlinks()(
	"symlink confined: the location is, the target is not",
	async (given) => {
		await confines(given, false, (location) => given.fsx.symlink("../outside", location));
		// Names that do not exist yet: those above are refused because they do.
		await confines({ ...given, path: (name) => given.path(`new-${name}`) }, false, (location) => {
			const at = location as At;
			const name = Buffer.from(at.name);
			const fresh = name.equals(Buffer.from("/"))
				? name
				: Buffer.concat([name, Buffer.from("New")]);
			return given.fsx.symlink("/", withName(at, fresh));
		});
	},
	IN_MEMORY,
);

/** The same directory with another name. */
function withName(at: At, name: Uint8Array): At {
	return Object.assign(Object.create(Object.getPrototypeOf(at)), at, { name });
}

withSymlinks(test)("the types say what comes back", async () => {
	const directory = fs.mkdtempSync(join(tmpdir(), "fsx-test-"));
	try {
		fs.symlinkSync("target", `${directory}/link`);
		const text: string = await readlink(`${directory}/link`);
		const bytes: Uint8Array = readlinkSync(`${directory}/link`, { encoding: "buffer" });
		expect(text).toBe(new TextDecoder().decode(bytes));
	} finally {
		fs.rmSync(directory, { recursive: true });
	}
});
