import { expect, test } from "bun:test";
import fs from "node:fs";
import {
	capabilities,
	configureEngine,
	type File,
	type Location,
	stopEngine,
} from "../src/index.ts";
import { confines, IN_MEMORY } from "./confined.ts";
import { filesystem } from "./filesystems.ts";
import {
	type Forms,
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
import { allocated, holesOf, openIn, output, pattern, sharesBlocks } from "./witnesses.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

const ext4 = filesystem("ext4");
const xfs = filesystem("xfs");
const btrfs = filesystem("btrfs");
const tmpfs = filesystem("tmpfs");
const tiny = filesystem("tiny");

/** Every operation on a range, and whether it leaves a file alone that it is refused for. */
const changes = [
	"preallocate",
	"punchHole",
	"zeroRange",
	"unshareRange",
	"collapseRange",
	"insertRange",
] as const;

/** Writes bytes and has them on the disk, so that blocks are counted. */
function writeSynced(file: string, bytes: Uint8Array): void {
	const fd = fs.openSync(file, "w");
	fs.writeSync(fd, bytes);
	fs.fsyncSync(fd);
	fs.closeSync(fd);
}

/** Where data and holes begin. */
const layout = (file: string) => holesOf(file).replaceAll("\t", " ");

/** Bytes that a file takes up, once what was asked for is on the disk. */
function allocatedNow(file: string): number {
	output("sync", file);
	return allocated(file);
}

for (const { forms } of [ext4, xfs, btrfs, tmpfs]) {
	forms("preallocate reserves blocks and grows the file", async ({ fsx, path }) => {
		const file = path("file");
		writeSynced(file, Buffer.from("what is there stays"));
		await fsx.preallocate(file, 0, MIB);
		expect(fs.statSync(file).size).toBe(MIB);
		expect(allocatedNow(file)).toBeGreaterThanOrEqual(MIB);
		const content = fs.readFileSync(file);
		expect(content.subarray(0, 19).toString()).toBe("what is there stays");
		expect(content.subarray(19).every((byte) => byte === 0)).toBe(true);
		await fsx.preallocate(file, 2 * MIB, 4 * KIB, {});
		expect(fs.statSync(file).size).toBe(2 * MIB + 4 * KIB);
		expect(allocatedNow(file)).toBeLessThan(1.5 * MIB);
	});

	forms("preallocate that keeps the size, and truncate takes it back", async ({ fsx, path }) => {
		const file = path("file");
		writeSynced(file, Buffer.alloc(10, "x"));
		await fsx.preallocate(file, 0, MIB, { keepSize: true });
		expect(fs.statSync(file).size).toBe(10);
		expect(allocatedNow(file)).toBeGreaterThanOrEqual(MIB);
		expect(fs.readFileSync(file, "latin1")).toBe("x".repeat(10));
		await fsx.truncate(file, 10);
		expect(allocatedNow(file)).toBeLessThanOrEqual(4 * KIB);
		expect(fs.readFileSync(file, "latin1")).toBe("x".repeat(10));
	});

	forms("punchHole gives blocks back, and the rest stays", async ({ fsx, path }) => {
		const file = path("file");
		const expected = pattern(MIB);
		writeSynced(file, expected);
		const before = allocatedNow(file);
		await fsx.punchHole(file, 64 * KIB, 512 * KIB);
		expected.fill(0, 64 * KIB, 576 * KIB);
		expect(allocatedNow(file)).toBe(before - 512 * KIB);
		expect(fs.readFileSync(file).equals(expected)).toBe(true);
		// Where it does not fit the blocks what is left of them is zeroed; past the end nothing changes.
		await fsx.punchHole(file, 700_001, 9);
		await fsx.punchHole(file, MIB - 5, MIB);
		expected.fill(0, 700_001, 700_010).fill(0, MIB - 5);
		expect(fs.readFileSync(file).equals(expected)).toBe(true);
		expect(fs.statSync(file).size).toBe(MIB);
	});

	forms("offsets and lengths of more than 32 bits", async ({ fsx, path }) => {
		const file = path("file");
		const bytes = pattern(64 * KIB);
		const fd = fs.openSync(file, "w");
		for (const at of [0, 5 * GIB, 10 * GIB]) fs.writeSync(fd, bytes, 0, bytes.length, at);
		fs.fsyncSync(fd);
		fs.closeSync(fd);
		const before = allocatedNow(file);
		// Cut to 32 bits it would be 64 KiB at 64 KiB, and would free nothing.
		await fsx.punchHole(file, 64 * KIB, 8 * GIB + 64 * KIB);
		expect(allocatedNow(file)).toBe(before - 64 * KIB);
		expect(layout(file)).toBe(`DATA 0 HOLE ${64 * KIB} DATA ${10 * GIB} HOLE ${10 * GIB + 65536}`);
		await fsx.preallocate(file, 6 * GIB, 64 * KIB);
		expect(allocatedNow(file)).toBe(before);
		expect(fs.statSync(file).size).toBe(10 * GIB + 64 * KIB);
		await fsx.truncate(file, 5 * GIB + 1);
		expect(fs.statSync(file).size).toBe(5 * GIB + 1);
		expect(allocatedNow(file)).toBe(before - 2 * 64 * KIB);
	});
}

for (const { forms } of [ext4, xfs, btrfs]) {
	forms("zeroRange: zeros, blocks, and the size as it is wanted", async ({ fsx, path }) => {
		const file = path("file");
		const expected = pattern(256 * KIB);
		writeSynced(file, expected);
		await fsx.zeroRange(file, 100, 128 * KIB);
		expected.fill(0, 100, 100 + 128 * KIB);
		expect(fs.readFileSync(file).equals(expected)).toBe(true);
		expect(allocatedNow(file)).toBeGreaterThanOrEqual(256 * KIB);
		await fsx.zeroRange(file, 200 * KIB, 312 * KIB, { keepSize: true });
		expected.fill(0, 200 * KIB);
		expect(fs.readFileSync(file).equals(expected)).toBe(true);
		expect(allocatedNow(file)).toBeGreaterThanOrEqual(512 * KIB);
		await fsx.zeroRange(file, 256 * KIB, 256 * KIB);
		expect(fs.statSync(file).size).toBe(512 * KIB);
	});
}

for (const { forms } of [ext4, xfs]) {
	forms("collapseRange and insertRange move what comes after", async ({ fsx, path }) => {
		const file = path("file");
		const bytes = pattern(256 * KIB + 10);
		writeSynced(file, bytes);
		await fsx.collapseRange(file, 64 * KIB, 128 * KIB);
		const shorter = [bytes.subarray(0, 64 * KIB), bytes.subarray(192 * KIB)];
		expect(fs.readFileSync(file).equals(Buffer.concat(shorter))).toBe(true);
		await fsx.insertRange(file, 64 * KIB, 32 * KIB);
		shorter.splice(1, 0, Buffer.alloc(32 * KIB));
		expect(fs.readFileSync(file).equals(Buffer.concat(shorter))).toBe(true);
		expect(layout(file)).toContain(`HOLE ${64 * KIB} DATA ${96 * KIB}`);
	});

	forms("ranges of more than 32 bits are put in and taken out", async ({ fsx, path }) => {
		const file = path("file");
		writeSynced(file, pattern(128 * KIB));
		await fsx.insertRange(file, 64 * KIB, 5 * GIB);
		expect(fs.statSync(file).size).toBe(5 * GIB + 128 * KIB);
		expect(layout(file)).toContain(`HOLE ${64 * KIB} DATA ${5 * GIB + 64 * KIB}`);
		await fsx.collapseRange(file, 64 * KIB, 5 * GIB);
		expect(fs.readFileSync(file).equals(pattern(128 * KIB))).toBe(true);
	});

	forms("what is demanded of a range to be taken out or put in", async ({ fsx, path }) => {
		const file = path("file");
		const bytes = pattern(32 * KIB);
		writeSynced(file, bytes);
		const block = Number(output("stat", "-f", "-c", "%S", file));
		for (const [change, offset, length, demand] of [
			["collapseRange", 1, 4 * KIB, "the range must end before the end of the file, at 32768"],
			["collapseRange", 0, 5, "the range must end before"],
			["collapseRange", 28 * KIB, 4 * KIB, "the range must end before"],
			["insertRange", 1, 4 * KIB, "the offset must be before the end of the file, at 32768"],
			["insertRange", 32 * KIB, 4 * KIB, "the offset must be before"],
		] as const) {
			const error = await failureOf(fsx[change](file, offset, length));
			expect(error).toMatchObject({ code: "EINVAL", errno: -22, syscall: "fallocate", path: file });
			expect(error.message).toContain(`multiples of the block size, ${block} bytes`);
			expect(error.message).toContain(demand);
		}
		expect(fs.readFileSync(file).equals(bytes)).toBe(true);
	});
}

xfs.forms("unshareRange ends the sharing of blocks", async ({ fsx, path }) => {
	const bytes = pattern(256 * KIB);
	writeSynced(path("original"), bytes);
	output("cp", "--reflink=always", path("original"), path("copy"));
	expect(sharesBlocks(path("copy"))).toBe(true);
	await fsx.unshareRange(path("copy"), 0, 128 * KIB);
	expect(sharesBlocks(path("copy"))).toBe(true);
	await fsx.unshareRange(path("copy"), 128 * KIB, MIB);
	output("sync", path("copy"));
	expect(sharesBlocks(path("copy"))).toBe(false);
	expect(fs.readFileSync(path("copy")).equals(bytes)).toBe(true);
	expect(fs.readFileSync(path("original")).equals(bytes)).toBe(true);
});

for (const [{ forms }, type, lacks] of [
	[ext4, "ext4", ["unshareRange"]],
	[btrfs, "btrfs", ["collapseRange", "insertRange", "unshareRange"]],
	[tmpfs, "tmpfs", ["zeroRange", "collapseRange", "insertRange", "unshareRange"]],
] as const) {
	forms("what the filesystem lacks", async ({ fsx, path }) => {
		const file = path("file");
		const bytes = pattern(32 * KIB);
		writeSynced(file, bytes);
		for (const change of lacks) {
			const error = await failureOf(fsx[change](file, 0, 4 * KIB));
			expect(error).toMatchObject({ code: "ENOTSUP", errno: -95, syscall: "fallocate" });
			expect(error.message).toStartWith(`ENOTSUP: operation not supported (${type} cannot `);
			expect(error.message).toEndWith(`, fallocate '${file}'`);
		}
		expect(fs.readFileSync(file).equals(bytes)).toBe(true);
		expect(allocatedNow(file)).toBe(32 * KIB);
	});
}

tiny.forms("a filesystem that has no room left", async ({ fsx, path }) => {
	const file = path("file");
	writeSynced(file, Buffer.from("kept"));
	for (const options of [{}, { keepSize: true }]) {
		const error = await failureOf(fsx.preallocate(file, 0, 64 * MIB, options));
		expect(error).toMatchObject({
			code: "ENOSPC",
			errno: -28,
			message: `ENOSPC: no space left on device, fallocate '${file}'`,
		});
		expect(fs.readFileSync(file).subarray(0, 4).toString()).toBe("kept");
		await fsx.truncate(file, 4);
	}
	const error = await failureOf(fsx.preallocate(file, 0, Number.MAX_SAFE_INTEGER));
	expect(error).toMatchObject({ code: "EFBIG", errno: -27 });
});

/** A file of 64 KiB, reached in each of the ways that a target can be given. */
async function everyTarget(
	{ fsx, path, directory }: Given,
	act: (target: Location | File | number) => Promise<void>,
): Promise<void> {
	const file = path("file");
	await using dir = await fsx.openDir(directory);
	await using confined = await fsx.openDir(directory, { beneath: true });
	await using open = await fsx.open(file, "w+");
	const fd = fs.openSync(file, "r+");
	try {
		const bytes = new TextEncoder().encode(file);
		const url = Bun.pathToFileURL(file);
		// On Windows the numbers that node:fs has for files are its own.
		const numbers = ON_WINDOWS ? [] : [fd];
		for (const target of [
			file,
			bytes,
			url,
			dir.at("file"),
			confined.at("file"),
			open,
			...numbers,
		]) {
			writeSynced(file, pattern(64 * KIB));
			await act(target);
		}
	} finally {
		fs.closeSync(fd);
	}
}

tmpfs.forms("every kind of target", async (given) => {
	const { fsx, path } = given;
	await everyTarget(given, async (target) => {
		await fsx.preallocate(target, 0, 96 * KIB);
		expect(fs.statSync(path("file")).size).toBe(96 * KIB);
		await fsx.punchHole(target, 0, 32 * KIB);
		expect(allocated(path("file"))).toBe(64 * KIB);
	});
});

forms("truncate every kind of target", async (given) => {
	const { fsx, path } = given;
	await everyTarget(given, async (target) => {
		await fsx.truncate(target, 100);
		expect(fs.readFileSync(path("file")).equals(pattern(100))).toBe(true);
		await fsx.truncate(target, 1000);
		expect(fs.readFileSync(path("file")).subarray(100).equals(Buffer.alloc(900))).toBe(true);
		await fsx.truncate(target);
		expect(fs.statSync(path("file")).size).toBe(0);
	});
});

type Act = (fsx: Forms, target: Location | File | number) => Promise<void>;
const acts: Readonly<Record<string, Act>> = {
	...Object.fromEntries(
		changes.map((change): [string, Act] => [change, (fsx, target) => fsx[change](target, 0, 4096)]),
	),
	truncate: (fsx, target) => fsx.truncate(target, 5),
};

for (const [name, act] of Object.entries(acts)) {
	const truncates = name === "truncate";

	onLinux("fifos, and devices that are files")(`${name} of a fifo or a device`, async (given) => {
		const { fsx, path } = given;
		output("mkfifo", path("fifo"));
		fs.symlinkSync("fifo", path("link"));
		const code = async (target: Location | number) => (await failureOf(act(fsx, target))).code;
		expect(await code(path("fifo"))).toBe(truncates ? "EINVAL" : "ESPIPE");
		expect(await code(path("link"))).toBe(truncates ? "EINVAL" : "ESPIPE");
		expect(await code("/dev/null")).toBe(truncates ? "EINVAL" : "ENODEV");
		const fifo = fs.openSync(path("fifo"), "r+");
		expect(await code(fifo)).toBe(truncates ? "EINVAL" : "ESPIPE");
		fs.closeSync(fifo);
		const fd = fs.openSync(given.directory, "r");
		expect(await code(fd)).toBe("EISDIR");
		fs.closeSync(fd);
	});

	forms(`${name} of what is no regular file`, async ({ fsx, path, directory }) => {
		const code = async (target: Location | number) => (await failureOf(act(fsx, target))).code;
		expect(await code(path("nothing"))).toBe("ENOENT");
		expect(fs.existsSync(path("nothing"))).toBe(false);
		expect(await code("")).toBe("ENOENT");
		const error = await failureOf(act(fsx, directory));
		expect(error).toMatchObject({ code: "EISDIR", path: directory });
		if (!ON_WINDOWS) expect(error).toMatchObject({ errno: -21 });
		using dir = await fsx.openDir(directory);
		expect(await failureOf(act(fsx, dir as never))).toMatchObject({ code: "EISDIR" });
	});

	forms(`${name} of a file that is not open for writing`, async ({ fsx, path }) => {
		fs.writeFileSync(path("file"), pattern(64 * KIB));
		const fd = fs.openSync(path("file"), "r");
		const file = await fsx.open(path("file"));
		// Windows has the access of a handle for its rights, and Wine for a mistake.
		const refusal = ON_WINDOWS && !UNDER_WINE ? "EPERM" : "EINVAL";
		const code = truncates ? refusal : "EBADF";
		if (!ON_WINDOWS) {
			expect(await failureOf(act(fsx, fd))).toMatchObject({ code, path: undefined });
		}
		expect(await failureOf(act(fsx, file))).toMatchObject({ code });
		fs.closeSync(fd);
		file.closeSync();
		expect(await failureOf(act(fsx, file))).toMatchObject({ code: "EBADF" });
		expect(await failureOf(act(fsx, 1_000_000))).toMatchObject({ code: "EBADF" });
		expect(fs.readFileSync(path("file")).equals(pattern(64 * KIB))).toBe(true);
	});

	withSymlinks()(
		`${name} confined`,
		async (given) => {
			await confines(given, true, (location) => act(given.fsx, location));
		},
		IN_MEMORY,
	);

	onLinux("/proc")(`${name} leaves nothing open`, async ({ fsx, path, directory }) => {
		fs.writeFileSync(path("file"), "");
		for (const target of [path("file"), path("nothing"), directory]) {
			await act(fsx, target).catch(() => {});
		}
		expect(openIn(directory)).toBe(0);
	});
}

onLinux("its calls")(
	"a name that comes to mean something else when it has been looked at",
	async (given) => {
		const { fsx, path } = given;
		/** What comes of an operation on a name that is given to something else before it is opened. */
		const swapped = async (swap: () => void, act: (file: string) => Promise<unknown>) => {
			const file = path("file");
			fs.rmSync(file, { force: true });
			fs.writeFileSync(file, "content");
			await using _ = await interpose((name, _call, make) => {
				if (name === "openat") {
					fs.rmSync(file);
					swap();
				}
				return make();
			});
			return (await failureOf(act(file))).code;
		};
		const fifo = () => output("mkfifo", path("file"));
		const device = () => fs.symlinkSync("/dev/null", path("file"));
		const folder = () => fs.mkdirSync(path("folder")) ?? fs.symlinkSync("folder", path("file"));
		// Nobody reads from the fifo, and nobody is waited for.
		expect(await swapped(fifo, (file) => fsx.punchHole(file, 0, 1))).toBe("ENXIO");
		expect(await swapped(fifo, (file) => fsx.truncate(file))).toBe("ENXIO");
		expect(await swapped(fifo, (file) => fsx.advise(file, "willneed"))).toBe("ESPIPE");
		expect(await swapped(device, (file) => fsx.punchHole(file, 0, 1))).toBe("ENODEV");
		expect(await swapped(device, (file) => fsx.truncate(file))).toBe("EINVAL");
		expect(await swapped(device, (file) => fsx.advise(file, "willneed"))).toBe("ENODEV");
		expect(await swapped(folder, (file) => fsx.advise(file, "willneed"))).toBe("EISDIR");
		expect(openIn(given.directory)).toBe(0);
	},
);

forms("ranges that are refused before any call", async ({ fsx, path }) => {
	const file = path("file");
	fs.writeFileSync(file, "content");
	const MOST = Number.MAX_SAFE_INTEGER;
	for (const change of changes) {
		for (const [offset, length] of [
			[0, 0],
			[0, -1],
			[-1, 1],
			[0.5, 1],
			[0, 1.5],
			[Number.NaN, 1],
			[0, Number.POSITIVE_INFINITY],
			[0, MOST + 1],
			[1, MOST],
			[MOST, 1],
		] as const) {
			const error = await failureOf(fsx[change](file, offset, length));
			expect([offset, length, error.code]).toEqual([offset, length, "ERR_OUT_OF_RANGE"]);
			expect(error).toBeInstanceOf(RangeError);
		}
		for (const wrong of [undefined, null, "1", 1n] as never[]) {
			const code = async (promise: Promise<void>) => (await failureOf(promise)).code;
			expect(await code(fsx[change](file, wrong, 1))).toBe("ERR_INVALID_ARG_TYPE");
			expect(await code(fsx[change](file, 0, wrong))).toBe("ERR_INVALID_ARG_TYPE");
			expect(await code(fsx[change](wrong === "1" ? ({} as never) : (null as never), 0, 1))).toBe(
				"ERR_INVALID_ARG_TYPE",
			);
		}
	}
	const option = await failureOf(fsx.preallocate(file, 0, 1, { keepsize: true } as never));
	expect(option).toMatchObject({ code: "ERR_INVALID_ARG_VALUE" });
	expect(option.message).toContain("preallocate: unknown option");
	expect(await failureOf(fsx.zeroRange(file, 0, 1, { keepSize: 1 } as never))).toMatchObject({
		code: "ERR_INVALID_ARG_TYPE",
	});
	for (const length of [-1, 0.5, MOST + 1]) {
		expect(await failureOf(fsx.truncate(file, length))).toMatchObject({ code: "ERR_OUT_OF_RANGE" });
	}
	expect(fs.readFileSync(file, "utf8")).toBe("content");
});

onLinux("the ring", test)("by which opcode the ring does it", async () => {
	await stopEngine();
	configureEngine({});
	const found = await capabilities();
	const opcodes = found.operations
		.filter(({ name, of }) => of === "system" && (changes as readonly string[]).includes(name))
		.map(({ name, by, opcode }) => [name, by, opcode]);
	expect(opcodes).toEqual(
		expect.arrayContaining(changes.map((name) => [name, "fallocate", "FALLOCATE"])),
	);
	expect(opcodes.length).toBe(changes.length);
});

onWindows("what it lacks")("changes that Windows has no call for", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), pattern(64 * KIB));
	for (const change of ["collapseRange", "insertRange", "unshareRange"] as const) {
		const error = await failureOf(fsx[change](path("file"), 0, 4 * KIB));
		expect(error).toMatchObject({ code: "ENOTSUP", syscall: "fallocate", path: path("file") });
		expect(error.message).toContain("Windows has no call to");
	}
	const reserved = await failureOf(fsx.preallocate(path("file"), 0, MIB, { keepSize: true }));
	expect(reserved.message).toContain("given back when the file is closed: give the File");
	expect(fs.readFileSync(path("file")).equals(pattern(64 * KIB))).toBe(true);
});

const onNtfs = (title: string, body: Parameters<typeof forms>[1]) =>
	lacksUnderWine("FileAllocationInformation and FSCTL_SET_ZERO_DATA")(title, async (given) => {
		if (ON_WINDOWS && (await given.fsx.statfs(given.directory)).type === "NTFS") await body(given);
	});

onNtfs("a sparse file whose range has no holes, by its name", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), pattern(256 * KIB));
	await fsx.punchHole(path("file"), 128 * KIB, 64 * KIB);
	await fsx.preallocate(path("file"), 0, 128 * KIB);
	const refused = await failureOf(fsx.preallocate(path("file"), 64 * KIB, 128 * KIB));
	expect(refused).toMatchObject({ code: "ENOTSUP" });
	expect(refused.message).toContain("the holes of a sparse file");
});

onNtfs("NTFS reserves clusters, and takes none away", async ({ fsx, path }) => {
	const file = path("file");
	fs.writeFileSync(file, pattern(64 * KIB));
	await using open = await fsx.open(file, "r+");
	await fsx.preallocate(open, 0, MIB, { keepSize: true });
	expect(await open.stat()).toMatchObject({ size: 64 * KIB, blocks: MIB / 512 });
	// What is there already is not given back, and the content not cut off.
	await fsx.preallocate(open, 0, 4 * KIB);
	await fsx.preallocate(open, 0, 4 * KIB, { keepSize: true });
	expect(await open.stat()).toMatchObject({ size: 64 * KIB, blocks: MIB / 512 });
	await fsx.preallocate(file, 32 * KIB, 2 * MIB);
	expect(fs.statSync(file).size).toBe(2 * MIB + 32 * KIB);
	const bytes = fs.readFileSync(file);
	expect(bytes.subarray(0, 64 * KIB).equals(pattern(64 * KIB))).toBe(true);
	expect(bytes.subarray(64 * KIB).every((byte) => byte === 0)).toBe(true);
});

onNtfs("NTFS punches holes, and has zeros without any", async ({ fsx, path }) => {
	const [holey, full] = [path("holey"), path("full")];
	for (const file of [holey, full]) fs.writeFileSync(file, pattern(MIB));
	await fsx.punchHole(holey, 64 * KIB, 2 * MIB);
	await fsx.zeroRange(full, 64 * KIB, 512 * KIB);
	expect(fs.statSync(holey).size).toBe(MIB);
	expect((await fsx.stat(holey)).blocks * 512).toBe(64 * KIB);
	expect((await fsx.stat(full)).blocks * 512).toBe(MIB);
	for (const [file, end] of [
		[holey, MIB],
		[full, 576 * KIB],
	] as const) {
		const expected = pattern(MIB);
		expected.fill(0, 64 * KIB, end);
		expect(fs.readFileSync(file).equals(expected)).toBe(true);
	}
	await fsx.zeroRange(full, MIB - 4 * KIB, 8 * KIB);
	expect(fs.statSync(full).size).toBe(MIB + 4 * KIB);
	// Only writing gives clusters to a hole.
	for (const change of ["preallocate", "zeroRange"] as const) {
		expect(await failureOf(fsx[change](holey, 0, MIB))).toMatchObject({ code: "ENOTSUP" });
	}
});
