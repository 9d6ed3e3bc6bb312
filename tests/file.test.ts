import { expect, test } from "bun:test";
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import { alignedBuffer, type OpenFlags, openSync, stat } from "../src/index.ts";
import { alignsDirectReads, hasFilesWithoutName } from "./facts.ts";
import { methods } from "./file-forms.ts";
import {
	failureOf,
	forms,
	lacksUnderWine,
	notUnderWine,
	ON_WINDOWS,
	onLinux,
	onWindows,
	withSymlinks,
} from "./forms.ts";

const { constants } = fs;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const content = (file: string) => fs.readFileSync(file, "utf8");

/** The flags of an open descriptor, as the kernel shows them: nothing, where it does not. */
function flagsOf(fd: number): number {
	if (ON_WINDOWS) return Number.NaN;
	const line = content(`/proc/self/fdinfo/${fd}`).match(/flags:\s+(\d+)/)?.[1];
	return Number.parseInt(line ?? "", 8);
}

const flagStrings: OpenFlags[] = [
	...(["r", "rs", "sr", "r+", "rs+", "sr+", "w", "wx", "xw", "w+", "wx+", "xw+"] as const),
	...(["a", "ax", "xa", "as", "sa", "a+", "ax+", "xa+", "as+", "sa+"] as const),
];

forms("every flag string opens as in Node", async ({ fsx, path }) => {
	for (const flags of flagStrings) {
		for (const there of [true, false]) {
			const outcomes = [];
			for (const open of [(name: string) => fs.openSync(name, flags), undefined]) {
				const name = path(`${flags}-${there}-${open === undefined}`);
				if (there) fs.writeFileSync(name, "old");
				try {
					const file = open === undefined ? await fsx.open(name, flags) : open(name);
					const fd = typeof file === "number" ? file : file.fd;
					outcomes.push([flagsOf(fd), content(name)]);
					if (typeof file === "number") fs.closeSync(file);
					else await file.close();
				} catch (error) {
					outcomes.push((error as { code: string }).code);
				}
			}
			expect([flags, there, outcomes[1]]).toEqual([flags, there, outcomes[0]]);
		}
	}
});

const numericFlags = [
	constants.O_RDONLY,
	constants.O_RDWR,
	constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC,
	constants.O_RDWR | constants.O_APPEND | constants.O_NONBLOCK,
	constants.O_RDWR | constants.O_DSYNC,
	constants.O_RDWR | constants.O_SYNC | constants.O_NOATIME,
	constants.O_RDONLY | constants.O_NOFOLLOW,
];

onLinux("flags of descriptors")(
	"numeric flags mean what they do in Node",
	async ({ fsx, path, directory }) => {
		for (const flags of numericFlags) {
			fs.writeFileSync(path("file"), "old");
			await using file = await fsx.open(path("file"), flags);
			const fd = fs.openSync(path("file"), flags);
			expect([flags, flagsOf(file.fd)]).toEqual([flags, flagsOf(fd)]);
			fs.closeSync(fd);
		}
		const exclusive = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
		expect(await failureOf(fsx.open(path("file"), exclusive))).toMatchObject({ code: "EEXIST" });
		await using dir = await fsx.open(directory, constants.O_DIRECTORY);
		expect((await dir.stat()).isDirectory()).toBe(true);
		const noDirectory = fsx.open(path("file"), constants.O_DIRECTORY);
		expect(await failureOf(noDirectory)).toMatchObject({ code: "ENOTDIR" });
	},
);

forms("numeric flags, as far as every system has them", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "old");
	const { O_RDWR, O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_TRUNC, O_APPEND } = constants;
	await using both = await fsx.open(path("file"), O_RDWR | O_APPEND);
	expect(await both.writeAt("er", 0)).toBe(2);
	expect(text(await both.read(9, 0))).toBe("older");
	await using only = await fsx.open(path("file"), O_RDONLY);
	expect(await failureOf(only.writeAt("x"))).toMatchObject({ code: "EBADF", syscall: "write" });
	await using write = await fsx.open(path("file"), O_WRONLY | O_CREAT | O_TRUNC);
	expect(await failureOf(write.read(1))).toMatchObject({ code: "EBADF", syscall: "read" });
	expect(fs.statSync(path("file")).size).toBe(0);
	const exclusive = fsx.open(path("file"), O_WRONLY | O_CREAT | O_EXCL);
	expect(await failureOf(exclusive)).toMatchObject({ code: "EEXIST" });
});

forms("flags that Node does not know are refused before any call", async ({ fsx, path }) => {
	const wrong = [
		...["", "x", "rx", "q", "r++", "+r", "ws", "w+x", "r+s", "rw", "toString", "as+x"],
		...[3, -1, 1.5, Number.NaN, 2 ** 31, 2 ** 53, constants.O_RDWR | 0o20000000, 0o4000000],
		...[null, {}, true, 0n],
	];
	for (const flags of wrong) {
		const error = await failureOf(fsx.open(path("file"), flags as OpenFlags));
		expect([flags, error.code?.startsWith("ERR_")]).toEqual([flags, true]);
	}
	expect(fs.existsSync(path("file"))).toBe(false);
});

onWindows("modes say only whether anybody may write")(
	"mode of a file that is created",
	async ({ fsx, path }) => {
		for (const [mode, seen] of [
			[0o666, 0o666],
			[0o640, 0o666],
			[0o444, 0o444],
		] as const) {
			await using file = await fsx.open(path(`${mode}`), "w", { mode });
			// Who made it may write, all the same.
			expect(await file.writeAt("x")).toBe(1);
			expect(fs.statSync(path(`${mode}`)).mode & 0o7777).toBe(seen);
		}
	},
);

onLinux("modes")("mode of a file that is created, and only then", async ({ fsx, path }) => {
	const umask = process.umask();
	await (await fsx.open(path("default"), "w")).close();
	expect(fs.statSync(path("default")).mode & 0o7777).toBe(0o666 & ~umask);
	await (await fsx.open(path("secret"), "w", { mode: 0o640 })).close();
	expect(fs.statSync(path("secret")).mode & 0o7777).toBe(0o640 & ~umask);
	await (await fsx.open(path("secret"), "r", { mode: 0o777 })).close();
	expect(fs.statSync(path("secret")).mode & 0o7777).toBe(0o640 & ~umask);
});

forms("short reads at the end of the file", async ({ fsx, path, form }) => {
	fs.writeFileSync(path("file"), "0123456789");
	await using file = await fsx.open(path("file"));
	const on = methods(file, form);
	const buffer = new Uint8Array(8);
	expect(await on.readAt(buffer, 0)).toBe(8);
	expect(text(buffer)).toBe("01234567");
	expect(await on.readAt(buffer, 6)).toBe(4);
	expect(text(buffer.subarray(0, 4))).toBe("6789");
	expect(await on.readAt(buffer, 10)).toBe(0);
	expect(await on.readAt(buffer, 1_000_000)).toBe(0);
	expect(await on.readAt(new Uint8Array(0), 0)).toBe(0);
	expect(text(await on.read(100, 7))).toBe("789");
	expect((await on.read(100, 10)).length).toBe(0);
	expect((await on.read(0, 0)).length).toBe(0);
});

forms("position null goes on where the last one ended", async ({ fsx, path, form }) => {
	await using file = await fsx.open(path("file"), "w+");
	const on = methods(file, form);
	expect(await on.writeAt("abc")).toBe(3);
	expect(await on.writeAt(new Uint8Array([0x64, 0x65]))).toBe(2);
	expect(await on.writeAt("X", 1)).toBe(1);
	expect(await on.writeAt("f")).toBe(1);
	expect(content(path("file"))).toBe("aXcdef");
	await using again = await fsx.open(path("file"));
	const from = methods(again, form);
	expect(text(await from.read(2))).toBe("aX");
	expect(text(await from.read(1, 5))).toBe("f");
	expect(text(await from.read(100))).toBe("cdef");
	expect((await from.read(100)).length).toBe(0);
});

forms("several buffers, of every kind of view", async ({ fsx, path, form }) => {
	await using file = await fsx.open(path("file"), "w+");
	const on = methods(file, form);
	const words = new Uint16Array([0x4241, 0x4443]);
	const part = new DataView(new TextEncoder().encode("..EF..").buffer, 2, 2);
	expect(await on.writevAt(["é", words, part, new Uint8Array(0), "g"], 1)).toBe(9);
	expect(content(path("file"))).toBe("\0éABCDEFg");
	const [a, b, c] = [new Uint8Array(3), new Uint16Array(2), new Uint8Array(99)];
	expect(await on.readvAt([a, b, new Uint8Array(0), c], 0)).toBe(10);
	expect([text(a), [...b], text(c.subarray(0, 3))]).toEqual(["\0é", [...words], "EFg"]);
	expect(await on.readvAt([], 0)).toBe(0);
	expect(await on.writevAt([])).toBe(0);
	expect(await on.writeAt("", 100)).toBe(0);
	expect(fs.statSync(path("file")).size).toBe(10);
});

forms(
	"reads and writes that do not wait for each other have stretches of their own",
	async (given) => {
		const { fsx, path, form } = given;
		fs.writeFileSync(path("file"), "0123456789");
		await using file = await fsx.open(path("file"), "r+");
		const on = methods(file, form);
		const pieces = await Promise.all([4, 4, 4, 4].map((length) => on.read(length)));
		expect(pieces.map(text).sort()).toEqual(["", "0123", "4567", "89"]);
		await Promise.all(["a", "b", "c"].map((data) => on.writeAt(data)));
		expect([...content(path("file")).slice(10)].sort()).toEqual(["a", "b", "c"]);
	},
);

forms("append writes at the end, whoever else does", async ({ fsx, path, form }) => {
	fs.writeFileSync(path("log"), "");
	const files = await Promise.all([1, 2, 3].map(() => fsx.open(path("log"), "r+")));
	const line = (writer: number, index: number) => `${writer}:${index}`.padEnd(15).concat("\n");
	await Promise.all(
		files.map(async (file, writer) => {
			for (let i = 0; i < 200; i++) {
				expect(await methods(file, form).append(line(writer, i))).toBe(16);
			}
		}),
	);
	await Promise.all(files.map((file) => file.close()));
	const lines = content(path("log")).split("\n");
	expect(lines.length).toBe(601);
	expect(new Set(lines).size).toBe(601);
	for (let writer = 0; writer < 3; writer++) {
		const own = lines.filter((found) => found.startsWith(`${writer}:`));
		expect(own).toEqual(
			Array.from({ length: 200 }, (_, i) => line(writer, i).trimEnd().padEnd(15)),
		);
	}
});

notUnderWine("writes to the end of a file in one step")(
	"append beside another process that appends",
	async ({ fsx, path, form }) => {
		fs.writeFileSync(path("log"), "");
		const script = `
		for (let i = 0; i < 500; i++) require("node:fs").appendFileSync(process.argv.at(-1), "child-line-\\n");`;
		const child = Bun.spawn([process.execPath, "-e", script, path("log")]);
		await using file = await fsx.open(path("log"), "r+");
		for (let i = 0; i < 500; i++) await methods(file, form).append("parent-line\n");
		expect(await child.exited).toBe(0);
		const lines = content(path("log")).trimEnd().split("\n");
		expect(lines.filter((line) => line === "parent-line").length).toBe(500);
		expect(lines.filter((line) => line === "child-line-").length).toBe(500);
	},
);

forms("truncate cuts off and makes holes", async ({ fsx, path, form }) => {
	fs.writeFileSync(path("file"), "0123456789");
	await using file = await fsx.open(path("file"), "r+");
	const on = methods(file, form);
	await on.truncate(4);
	expect(content(path("file"))).toBe("0123");
	// On Windows what is cut on is allocated, unless the file is marked as sparse.
	const far = ON_WINDOWS ? 2 ** 22 : 2 ** 33;
	await on.truncate(far);
	expect(fs.statSync(path("file")).size).toBe(far);
	if (!ON_WINDOWS) expect(fs.statSync(path("file")).blocks).toBeLessThan(64);
	expect(await on.writeAt("far", far - 1)).toBe(3);
	expect(text(await on.read(9, far - 2))).toBe("\0far");
	await on.truncate();
	expect(fs.statSync(path("file")).size).toBe(0);
	await on.sync();
	await on.datasync();
});

onWindows("NUL")("what is no file can be opened to be written anew", async ({ fsx }) => {
	await using nothing = await fsx.open("NUL", "w");
	expect(nothing.appendSync("gone")).toBe(4);
	await fsx.writeFile("NUL", "gone");
});

onLinux("fifos")("pipes and fifos: what is at hand is an answer", async ({ fsx, path, form }) => {
	execFileSync("mkfifo", [path("fifo")]);
	// Open for both ways at first, so that neither side waits for the other.
	await using both = await fsx.open(path("fifo"), "r+");
	await using reader = await fsx.open(path("fifo"), "r");
	await using writer = await fsx.open(path("fifo"), "w");
	await both.close();
	expect(await methods(writer, form).writeAt("through")).toBe(7);
	expect(text(await methods(reader, form).read(100))).toBe("through");
	expect(await failureOf(methods(reader, form).read(1, 0))).toMatchObject({ code: "ESPIPE" });
	await writer.close();
	expect((await methods(reader, form).read(100)).length).toBe(0);
});

forms("a file without a name, and how it gets one", async ({ fsx, path, directory, form }) => {
	if (!hasFilesWithoutName(directory)) {
		const error = await failureOf(fsx.open(directory, "r+", { temporary: true }));
		expect(error).toMatchObject({ code: "ENOTSUP", path: directory });
		expect(error.message).toContain("without a name");
		expect(fs.readdirSync(directory)).toEqual([]);
		return;
	}
	await using file = await fsx.open(directory, "r+", { temporary: true, mode: 0o600 });
	const on = methods(file, form);
	await on.writeAt("content");
	expect(fs.readdirSync(directory)).toEqual([]);
	expect((await on.stat()).nlink).toBe(0);
	using dir = await fsx.openDir(directory, { beneath: true });
	await on.link(dir.at("name"));
	expect(content(path("name"))).toBe("content");
	expect(fs.statSync(path("name")).mode & 0o7777).toBe(0o600);
	expect(await failureOf(on.link(path("name")))).toMatchObject({ code: "EEXIST" });
	expect(await failureOf(on.link(dir.at("../name")))).toMatchObject({ code: "EXDEV" });
	for (const flags of ["r", "w", "a+", "wx+"] as const) {
		const error = await failureOf(fsx.open(directory, flags, { temporary: true }));
		expect(error).toMatchObject({ code: "ERR_INVALID_ARG_VALUE" });
	}
	const nowhere = await failureOf(fsx.open(path("name"), "r+", { temporary: true }));
	expect(nowhere).toMatchObject({ code: "ENOTDIR" });
});

forms("past the page cache, with aligned memory", async ({ fsx, path, directory, form }) => {
	fs.writeFileSync(path("file"), Buffer.alloc(8192, "ab"));
	const { directIo } = await stat(path("file"));
	const { memoryAlign, offsetAlign } = directIo ?? { memoryAlign: 512, offsetAlign: 512 };
	expect(offsetAlign).toBeLessThanOrEqual(4096);
	await using file = await fsx.open(path("file"), "r+", { direct: true });
	if (!ON_WINDOWS) expect(flagsOf(file.fd) & constants.O_DIRECT).toBe(constants.O_DIRECT);
	const on = methods(file, form);
	const buffer = alignedBuffer(4096, Math.max(memoryAlign, ON_WINDOWS ? 4096 : 512));
	expect(await on.readAt(buffer, 4096)).toBe(4096);
	expect(Buffer.compare(buffer, Buffer.alloc(4096, "ab"))).toBe(0);
	buffer.fill(0x63);
	expect(await on.writeAt(buffer, 0)).toBe(4096);
	expect(content(path("file"))).toBe("c".repeat(4096) + "ab".repeat(2048));
	if (alignsDirectReads(directory)) {
		expect(await failureOf(on.readAt(buffer, 1))).toMatchObject({ code: "EINVAL" });
	} else {
		expect(await on.readAt(buffer, 1)).toBe(4096);
		expect(text(buffer)).toBe(content(path("file")).slice(1, 4097));
	}
});

onWindows("names that are no bytes")(
	"bytes that are no name are not taken for another",
	async (given) => {
		const { fsx, path, directory } = given;
		using dir = await fsx.openDir(directory);
		const refused = { code: "ERR_INVALID_ARG_VALUE" };
		for (const byte of [0xff, 0xfe]) {
			const name = Uint8Array.of(0x61, byte);
			const whole = Buffer.concat([Buffer.from(path("")), name]);
			expect(await failureOf(fsx.writeFile(whole, "content"))).toMatchObject(refused);
			expect(() => dir.at(name)).toThrow("bytes that are not UTF-8");
			expect(await failureOf(fsx.setXattr(directory, name, "value"))).toMatchObject(refused);
		}
		expect(fs.readdirSync(directory)).toEqual([]);
	},
);

withSymlinks()("what is not followed is not emptied either", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "content");
	fs.symlinkSync("file", path("link"));
	using confined = await fsx.openDir(directory, { beneath: true });
	for (const location of [path("link"), confined.at("link")]) {
		for (const flags of ["w", "w+"] as const) {
			const error = await failureOf(fsx.open(location, flags, { noFollow: true }));
			expect(error).toMatchObject({ code: "ELOOP", syscall: "open" });
			expect(fs.readlinkSync(path("link"))).toBe("file");
		}
	}
	expect(fs.readFileSync(path("file"), "utf8")).toBe("content");
	await using file = await fsx.open(path("file"), "w", { noFollow: true });
	expect((await file.stat()).size).toBe(0);
});

withSymlinks()("what is made new is not made where a link leads", async (given) => {
	const { fsx, path, directory } = given;
	fs.symlinkSync("nothing", path("link"), "file");
	using confined = await fsx.openDir(directory, { beneath: true });
	for (const location of [path("link"), confined.at("link")]) {
		expect(await failureOf(fsx.open(location, "wx"))).toMatchObject({ code: "EEXIST" });
	}
	expect(fs.readdirSync(directory)).toEqual(["link"]);
});

lacksUnderWine("attributes beside the content")(
	"a file that is emptied keeps its attributes",
	async ({ fsx, path }) => {
		fs.writeFileSync(path("file"), "content");
		await fsx.setXattr(path("file"), "user.note", "kept");
		for (const flags of ["w", "w+"] as const) {
			await (await fsx.open(path("file"), flags)).close();
			expect(await fsx.getXattr(path("file"), "user.note", { encoding: "utf8" })).toBe("kept");
		}
		expect(fs.statSync(path("file")).size).toBe(0);
	},
);

lacksUnderWine("attributes of its own", onWindows("hidden files"))(
	"a hidden file can be emptied",
	async ({ fsx, path }) => {
		fs.writeFileSync(path("file"), "content");
		await fsx.setFlags(path("file"), { hidden: true });
		await fsx.writeFile(path("file"), "new");
		expect(fs.readFileSync(path("file"), "utf8")).toBe("new");
		expect(await fsx.getFlags(path("file"))).toMatchObject({ hidden: true });
	},
);

withSymlinks()("noFollow refuses a link and nothing else", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "content");
	fs.symlinkSync("file", path("link"));
	const error = await failureOf(fsx.open(path("link"), "r", { noFollow: true }));
	expect(error).toMatchObject({ code: "ELOOP", syscall: "open", path: path("link") });
	await using file = await fsx.open(path("file"), "r", { noFollow: true });
	expect(text(await file.read(7))).toBe("content");
});

test("alignedBuffer gives aligned memory that stays where it is", () => {
	for (const alignment of [1, 512, 4096, 65536]) {
		expect(alignedBuffer(100, alignment).length).toBe(100);
	}
	for (const [length, alignment] of [
		[-1, 512],
		[1.5, 512],
		[1, 0],
		[1, 3],
		[1, 131072],
		[Number.NaN, 1],
	] as const) {
		expect(() => alignedBuffer(length, alignment)).toThrow(RangeError);
	}
});

onLinux("/proc", test)("a child process inherits no descriptor", () => {
	using file = openSync("/etc/hostname");
	const { stdout } = spawnSync("ls", ["-l", "/proc/self/fd"], { encoding: "utf8" });
	expect(stdout).toContain("/proc/");
	expect(stdout).not.toContain("/etc/hostname");
	expect(flagsOf(file.fd) & 0o2000000).toBe(0o2000000);
});
