import { type Pointer, toArrayBuffer } from "bun:ffi";
import { expect } from "bun:test";
import fs from "node:fs";
import type { FileFlags } from "../src/index.ts";
import { FS_IOC_GETFLAGS, FS_NODUMP_FL, O } from "../src/sys/linux/layouts.ts";
import { confines, IN_MEMORY } from "./confined.ts";
import { errno } from "./fault-scenarios.ts";
import { filesystem } from "./filesystems.ts";
import { runScript } from "./fixtures/run.ts";
import {
	failureOf,
	forms,
	type Given,
	lacksUnderWine,
	ON_WINDOWS,
	onLinux,
	onWindows,
	UNDER_WINE,
	withSymlinks,
} from "./forms.ts";
import { interpose } from "./interposed.ts";
import { output } from "./witnesses.ts";

const ext4 = filesystem("ext4");
const xfs = filesystem("xfs");
const btrfs = filesystem("btrfs");
const tmpfs = filesystem("tmpfs");

/** The letters that lsattr(1) and chattr(1) have for them. */
const letters = {
	immutable: "i",
	append: "a",
	nodump: "d",
	noatime: "A",
	sync: "S",
	dirsync: "D",
	compressed: "c",
	nocompress: "m",
	nocow: "C",
	journalData: "j",
	dax: "x",
	projectInherit: "P",
	casefold: "F",
} as const satisfies Partial<Record<keyof FileFlags, string>>;
type Name = keyof typeof letters;

/** The flags as lsattr sees them, those alone that this library knows. */
function seen(file: string): string {
	const [shown = ""] = output("lsattr", "-d", file).split(" ");
	const known = new Set<string>(Object.values(letters));
	return [...shown].filter((letter) => known.has(letter)).join("");
}

function chattr(change: string, ...files: string[]): void {
	output("chattr", change, ...files);
}

/** The flags that are set, by their letters and in the order of lsattr. */
function shown(flags: FileFlags): string {
	const set = (Object.keys(letters) as Name[]).filter((name) => flags[name]);
	return set
		.map((name) => letters[name])
		.sort()
		.join("");
}

const sorted = (text: string) => [...text].sort().join("");

/** The word at an address. */
const view = (address: number) => new DataView(toArrayBuffer(address as Pointer, 0, 8));

/** What is immutable must not stay: it could not be removed. */
async function thawing(files: readonly string[], body: () => Promise<void>): Promise<void> {
	try {
		await body();
	} finally {
		for (const file of files) if (fs.existsSync(file)) chattr("-ia", file);
	}
}

/** Which flags each filesystem takes for an empty file and for a directory. */
const known: [place: typeof ext4, file: Name[], directory: Name[]][] = [
	[
		ext4,
		["immutable", "append", "nodump", "noatime", "sync", "compressed"],
		["immutable", "append", "nodump", "noatime", "sync", "dirsync", "projectInherit"],
	],
	[
		xfs,
		["immutable", "append", "nodump", "noatime", "sync"],
		["immutable", "append", "nodump", "noatime", "sync", "projectInherit"],
	],
	[
		btrfs,
		["immutable", "append", "nodump", "noatime", "sync", "compressed", "nocompress", "nocow"],
		["immutable", "append", "nodump", "noatime", "sync", "dirsync", "compressed", "nocow"],
	],
	[
		tmpfs,
		["immutable", "append", "nodump", "noatime"],
		["immutable", "append", "nodump", "noatime"],
	],
];

for (const [place, ofFile, ofDirectory] of known) {
	place.forms("flags are those that lsattr and chattr see", async ({ fsx, path }) => {
		fs.writeFileSync(path("file"), "");
		fs.mkdirSync(path("directory"));
		await thawing([path("file"), path("directory")], async () => {
			for (const [file, names] of [
				[path("file"), ofFile],
				[path("directory"), ofDirectory],
			] as const) {
				const before = seen(file);
				for (const name of names) {
					await fsx.setFlags(file, { [name]: true });
					expect([name, sorted(seen(file))]).toEqual([name, sorted(before + letters[name])]);
					expect(shown(await fsx.getFlags(file))).toBe(sorted(before + letters[name]));
					await fsx.setFlags(file, { [name]: false });
					expect([name, seen(file)]).toEqual([name, before]);
					chattr(`+${letters[name]}`, file);
					expect([name, (await fsx.getFlags(file))[name]]).toEqual([name, true]);
					chattr(`-${letters[name]}`, file);
					expect([name, (await fsx.getFlags(file))[name]]).toEqual([name, false]);
				}
			}
		});
	});
}

ext4.forms("by path, name, handle and descriptor", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "");
	fs.symlinkSync("file", path("link"));
	using dir = await fsx.openDir(directory);
	using confined = await fsx.openDir(directory, { beneath: true });
	await using file = await fsx.open(path("file"), "r");
	const fd = fs.openSync(path("file"), "r");
	try {
		for (const target of [
			path("file"),
			Buffer.from(path("file")),
			Bun.pathToFileURL(path("file")),
			dir.at("file"),
			confined.at("file"),
			path("link"),
			confined.at("link"),
			file,
			fd,
		]) {
			await fsx.setFlags(target, { nodump: true, noatime: true });
			expect(sorted(seen(path("file")))).toBe("Ad");
			expect(shown(await fsx.getFlags(target))).toBe("Ad");
			await fsx.setFlags(target, { nodump: false, noatime: false, immutable: undefined });
			expect(seen(path("file"))).toBe("");
		}
	} finally {
		fs.closeSync(fd);
	}
	await fsx.setFlags(dir, { dirsync: true });
	expect(seen(directory)).toBe("D");
	await fsx.setFlags(confined.at("."), { dirsync: false });
	expect(shown(await fsx.getFlags(dir))).toBe("");
});

for (const place of [ext4, xfs, btrfs, tmpfs]) {
	place.forms(
		"immutable files stay as they are until they are so no more",
		async ({ fsx, path }) => {
			fs.writeFileSync(path("file"), "content");
			await thawing([path("file")], async () => {
				await fsx.setFlags(path("file"), { immutable: true });
				expect(() => fs.appendFileSync(path("file"), "more")).toThrow("EPERM");
				expect((await failureOf(fsx.unlink(path("file")))).code).toBe("EPERM");
				expect((await fsx.stat(path("file"))).attributes.immutable).toBe(true);
				await fsx.setFlags(path("file"), { immutable: false, append: true });
				fs.appendFileSync(path("file"), " and more");
				expect(() => fs.writeFileSync(path("file"), "other")).toThrow("EPERM");
				expect((await fsx.stat(path("file"))).attributes.append).toBe(true);
				await fsx.setFlags(path("file"), { append: false });
			});
			expect(fs.readFileSync(path("file"), "latin1")).toBe("content and more");
		},
	);
}

ext4.forms("what is not named stays, also what has no name here", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "content");
	chattr("+dAtsu", path("file"));
	const before = output("lsattr", path("file"));
	expect(before).toMatch(/^[^ ]*e/);
	await fsx.setFlags(path("file"), {});
	expect(output("lsattr", path("file"))).toBe(before);
	await fsx.setFlags(path("file"), { nodump: false, sync: true, hidden: false });
	chattr("+d", path("file"));
	chattr("-S", path("file"));
	expect(output("lsattr", path("file"))).toBe(before);
});

ext4.forms("a flag that the filesystem lacks changes nothing", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	for (const [name, changes] of [
		["nocow", { nocow: true }],
		["nocow", { nodump: true, nocow: true }],
		// These the filesystem ignores without a word.
		["dirsync", { dirsync: true }],
		["dirsync", { nodump: true, dirsync: true }],
	] as const) {
		const error = await failureOf(fsx.setFlags(path("file"), changes));
		expect(error).toMatchObject({ code: "ENOTSUP", syscall: "setflags", path: path("file") });
		expect(error.message).toContain("ext4");
		expect(error.message).toContain(name);
		expect(seen(path("file"))).toBe("");
	}
	await fsx.setFlags(path("file"), { nocow: false, dirsync: false });
});

btrfs.forms("flags that exclude each other, and one that comes too late", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	const both = await failureOf(fsx.setFlags(path("file"), { nocow: true, compressed: true }));
	expect(both).toMatchObject({ code: "EINVAL", path: path("file") });
	expect(seen(path("file"))).toBe("");
	fs.writeFileSync(path("file"), "content");
	const late = await failureOf(fsx.setFlags(path("file"), { nodump: true, nocow: true }));
	expect(late).toMatchObject({ code: "ENOTSUP", path: path("file") });
	expect(late.message).toContain("btrfs has no flag nocow for this file");
	expect(seen(path("file"))).toBe("");
});

onLinux("its flags")("flags that Linux does not have", async ({ fsx, path }) => {
	for (const name of ["hidden", "system", "archive", "readonly"] as const) {
		// Refused before the file is looked for.
		const error = await failureOf(fsx.setFlags(path("nothing"), { [name]: true, nodump: true }));
		expect(error).toMatchObject({ code: "ENOTSUP", syscall: "setflags", path: path("nothing") });
		expect(error.message).toContain(`Linux has no flag ${name}`);
	}
	expect(await failureOf(fsx.setFlags(path("nothing"), {}))).toMatchObject({
		code: "ENOENT",
		errno: -2,
		syscall: "setflags",
		path: path("nothing"),
	});
});

onLinux("proc and sysfs")("a filesystem without flags says which it is", async ({ fsx }) => {
	for (const [target, where] of [
		["/proc/version", "proc"],
		["/sys/kernel", "sysfs"],
	] as const) {
		const error = await failureOf(fsx.getFlags(target));
		expect(error).toMatchObject({ code: "ENOTSUP", syscall: "getflags", path: target });
		expect(error.message).toContain(`${where} keeps no flags of files`);
		expect((await failureOf(fsx.setFlags(target, { nodump: true }))).code).toBe("ENOTSUP");
	}
});

onLinux("fifos")("what is neither file nor directory is not opened", async ({ fsx, path }) => {
	await fsx.mkfifo(path("fifo"));
	await fsx.mknod(path("socket"), { type: "socket" });
	fs.symlinkSync("nothing", path("link"));
	const writer = Bun.spawn(["sh", "-c", 'echo through > "$0"', path("fifo")]);
	for (const [target, kind] of [
		[path("fifo"), "fifo"],
		[path("socket"), "socket"],
		[path("link"), "symlink"],
		["/dev/tty", "character-device"],
	] as const) {
		for (const act of [
			() => fsx.getFlags(target, { follow: false }),
			() => fsx.setFlags(target, { nodump: true }, { follow: false }),
		]) {
			const error = await failureOf(act());
			expect(error).toMatchObject({ code: "ENOTSUP", path: target });
			expect(error.message).toContain(`and not a ${kind}`);
		}
	}
	// Had the fifo been opened, what is written to it would be lost.
	expect(output("cat", path("fifo"))).toBe("through\n");
	expect(await writer.exited).toBe(0);
	const fd = fs.openSync("/dev/null", "r");
	try {
		expect((await failureOf(fsx.getFlags(fd))).code).toBe("ENOTSUP");
	} finally {
		fs.closeSync(fd);
	}
});

onWindows("its flags")("flags that Windows does not have", async ({ fsx, path }) => {
	for (const name of ["immutable", "append", "nodump", "nocow", "casefold"] as const) {
		// Refused before the file is looked for.
		const error = await failureOf(fsx.setFlags(path("nothing"), { [name]: true, hidden: true }));
		expect(error).toMatchObject({ code: "ENOTSUP", syscall: "setflags", path: path("nothing") });
		expect(error.message).toContain(`Windows has no flag ${name}`);
	}
	expect(await failureOf(fsx.setFlags(path("nothing"), {}))).toMatchObject({
		code: "ENOENT",
		syscall: "setflags",
		path: path("nothing"),
	});
	// To be without what cannot be had changes nothing.
	fs.writeFileSync(path("file"), "");
	await fsx.setFlags(path("file"), { immutable: false, nodump: false });
});

onWindows("attributes")("readonly is what keeps Node from writing", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	await using file = await fsx.open(path("file"), "r+");
	for (const readonly of [true, false]) {
		await fsx.setFlags(file, { readonly });
		expect((fs.statSync(path("file")).mode & 0o200) === 0).toBe(readonly);
		expect(await fsx.getFlags(path("file"))).toMatchObject({ readonly, immutable: false });
	}
});

lacksUnderWine("attributes that Unix has not")("attributes set and taken away", async (given) => {
	if (!ON_WINDOWS) return;
	const { fsx, path, directory } = given;
	fs.writeFileSync(path("file"), "");
	using dir = await fsx.openDir(directory);
	await using file = await fsx.open(path("file"));
	for (const target of [path("file"), dir.at("file"), file]) {
		await fsx.setFlags(target, { hidden: true, system: true, archive: false });
		const set = { hidden: true, system: true, archive: false, readonly: false };
		expect(await fsx.getFlags(target)).toMatchObject(set);
		// The stand-in is in this process alone.
		if (!UNDER_WINE) {
			expect(Bun.spawnSync(["attrib", path("file")]).stdout.toString()).toMatch(/^\s+SH\s/);
		}
		await fsx.setFlags(target, { hidden: false, system: false, archive: true, readonly: true });
		const other = { hidden: false, system: false, archive: true, readonly: true };
		expect(await fsx.getFlags(target)).toMatchObject(other);
		await fsx.setFlags(target, { readonly: false });
	}
	await fsx.setFlags(directory, { hidden: true });
	expect(await fsx.getFlags(dir)).toMatchObject({ hidden: true });
	await fsx.setFlags(dir, { hidden: false });
});

lacksUnderWine("FSCTL_SET_COMPRESSION")("compressed content reads as before", async (given) => {
	if (!ON_WINDOWS || (await given.fsx.statfs(given.directory)).type !== "NTFS") return;
	const { fsx, path } = given;
	const bytes = Buffer.alloc(1024 * 1024, "the same over and over ");
	fs.writeFileSync(path("file"), bytes);
	await fsx.setFlags(path("file"), { compressed: true });
	expect((await fsx.stat(path("file"))).attributes.compressed).toBe(true);
	expect((await fsx.stat(path("file"))).blocks * 512).toBeLessThan(bytes.length / 2);
	expect(fs.readFileSync(path("file")).equals(bytes)).toBe(true);
	await fsx.setFlags(path("file"), { compressed: false });
	expect(await fsx.getFlags(path("file"))).toMatchObject({ compressed: false });
});

onLinux("its calls")("without /proc", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	let looked = false;
	await using _ = await interpose((name, call, make) => {
		const missing = looked && name === "openat" && (call.c & O.O_PATH) === 0;
		looked ||= name === "openat";
		return missing ? errno("ENOENT") : make();
	});
	const error = await failureOf(fsx.getFlags(path("file")));
	expect(error).toMatchObject({ code: "ENOTSUP", syscall: "getflags", path: path("file") });
	expect(error.message).toContain("/proc");
});

onLinux("its calls")(
	"what was not to be put back is told, and so is what it cannot be called",
	async (given) => {
		const { fsx, path } = given;
		fs.writeFileSync(path("file"), "");
		for (const [putsBack, statfs] of [
			[true, true],
			[false, true],
			[true, false],
		]) {
			let [set, now] = [0, 0];
			await using _ = await interpose((name, { b, c }, make) => {
				if (name === "fstatfs" && !statfs) return errno("EIO");
				if (name !== "ioctl") return make();
				// Of the flags that are set only some are kept.
				if (b === FS_IOC_GETFLAGS) view(c).setUint32(0, now, true);
				else if (set++ === 0) now = FS_NODUMP_FL;
				else if (putsBack) now = view(c).getUint32(0, true);
				return 0;
			});
			const change = fsx.setFlags(path("file"), { nodump: true, noatime: true });
			const error = await failureOf(change);
			expect(error).toMatchObject({ code: "ENOTSUP", syscall: "setflags", path: path("file") });
			expect(error.message).toContain("has no flag noatime for this file");
			expect(error.message.includes("could not be put back")).toBe(!putsBack);
			expect(error.message.includes("the filesystem has")).toBe(!statfs);
		}
	},
);

forms("what the system refuses", async ({ fsx, path }) => {
	expect((await failureOf(fsx.getFlags(path("nothing")))).code).toBe("ENOENT");
	expect(await failureOf(fsx.getFlags(1_000_000))).toMatchObject({ code: "EBADF" });
	expect((await failureOf(fsx.getFlags(path("nothing/below")))).code).toBe("ENOENT");
});

withSymlinks()("a link that leads nowhere has no flags", async ({ fsx, path }) => {
	fs.symlinkSync("nothing", path("dangling"));
	expect((await failureOf(fsx.getFlags(path("dangling")))).code).toBe("ENOENT");
	expect((await failureOf(fsx.getFlags(path("dangling/below")))).code).toBe("ENOENT");
});

/** What a user without privileges gets, in files that are there for it. */
async function asNobody({ directory, path, form }: Given): Promise<unknown> {
	fs.chmodSync(directory, 0o777);
	fs.writeFileSync(path("other"), "", { mode: 0o644 });
	fs.writeFileSync(path("secret"), "", { mode: 0o600 });
	fs.writeFileSync(path("frozen"), "", { mode: 0o644 });
	chattr("+i", path("frozen"));
	const script = `
		import * as library from "library";
		import fs from "node:fs";
		const [form, path] = process.argv.slice(-2);
		process.setgid(65534);
		process.setuid(65534);
		const fsx = (name) => async (...args) => library[form === "sync" ? name + "Sync" : name](...args);
		const say = (promise) => promise.then(() => "done", (error) => error.code + " " + error.message);
		fs.writeFileSync(path + "own", "");
		console.log(JSON.stringify({
			own: await say(fsx("setFlags")(path + "own", { nodump: true })),
			immutable: await say(fsx("setFlags")(path + "own", { nodump: false, immutable: true })),
			other: await say(fsx("setFlags")(path + "other", { nodump: true })),
			secret: await say(fsx("getFlags")(path + "secret")),
			frozen: await say(fsx("setFlags")(path + "frozen", { immutable: true })),
			left: (await fsx("getFlags")(path + "own")).nodump,
		}));`;
	return JSON.parse(await runScript(script, form, `${directory}/`));
}

tmpfs.forms("without privileges", async (given) => {
	const { path } = given;
	await thawing([path("frozen")], async () => {
		expect(await asNobody(given)).toEqual({
			own: "done",
			immutable: expect.stringMatching(/^EPERM .*CAP_LINUX_IMMUTABLE/),
			other: expect.stringMatching(/^EPERM /),
			secret: expect.stringMatching(/^EACCES /),
			// It is so already: there is nothing to change.
			frozen: "done",
			left: true,
		});
		expect(seen(path("own"))).toBe("d");
	});
});

forms("what is refused before any call", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	const code = async (promise: Promise<unknown>) => (await failureOf(promise)).code;
	for (const changes of [undefined, null, 1, "immutable", ["immutable"]] as never[]) {
		expect(await code(fsx.setFlags(path("file"), changes))).toBe("ERR_INVALID_ARG_TYPE");
	}
	expect(await code(fsx.setFlags(path("file"), { imutable: true } as never))).toBe(
		"ERR_INVALID_ARG_VALUE",
	);
	for (const value of [1, "yes", null]) {
		const changes = { nodump: true, noatime: value } as never;
		expect(await code(fsx.setFlags(path("file"), changes))).toBe("ERR_INVALID_ARG_TYPE");
	}
	const options = { nofollow: true } as never;
	expect(await code(fsx.getFlags(path("file"), options))).toBe("ERR_INVALID_ARG_VALUE");
	expect(await code(fsx.setFlags(path("file"), {}, options))).toBe("ERR_INVALID_ARG_VALUE");
	expect(await code(fsx.getFlags("a\0b"))).toBe("ERR_INVALID_ARG_VALUE");
	expect(await code(fsx.getFlags(-1))).toBe("ERR_OUT_OF_RANGE");
});

for (const follow of [true, false]) {
	withSymlinks()(
		`flags confined, follow: ${follow}`,
		async (given) => {
			const { fsx } = given;
			await confines(given, follow, (location) => fsx.getFlags(location, { follow }));
			await confines({ ...given, path: (name) => given.path(`set-${name}`) }, follow, (location) =>
				fsx.setFlags(location, ON_WINDOWS ? { hidden: true } : { nodump: true }, { follow }),
			);
		},
		IN_MEMORY,
	);
}
