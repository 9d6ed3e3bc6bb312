/** Where files have data and where holes. Where the blocks are is in extents-physical.test.ts. */
import { expect } from "bun:test";
import fs from "node:fs";
import type { Target } from "../src/index.ts";
import { confines } from "./confined.ts";
import { data, expectCovered, hole, kindsOf, list, map } from "./extents-found.ts";
import { filesystem } from "./filesystems.ts";
import {
	failureOf,
	forms,
	type Given,
	IN_MEMORY,
	lacksUnderWine,
	ON_WINDOWS,
	onLinux,
	onWindows,
	withSymlinks,
} from "./forms.ts";
import { openIn, output, pattern, SEES_OPEN, writeSparse } from "./witnesses.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

const ext4 = filesystem("ext4");
const xfs = filesystem("xfs");
const btrfs = filesystem("btrfs");
const tmpfs = filesystem("tmpfs");

forms("data and holes, against the content", async (given) => {
	const { path } = given;
	const file = path("file");
	const size = 3 * MIB + 17;
	writeSparse(file, size, [
		[0, "begins with data"],
		[MIB + 5, "in the middle"],
		[3 * MIB + 10, "the end"],
	]);
	const found = await list(given, file);
	expectCovered(found, 0, size);
	const bytes = fs.readFileSync(file);
	for (const { kind, offset, length } of found) {
		const zero = bytes.subarray(offset, offset + length).every((byte) => byte === 0);
		// Where a filesystem cannot tell, zeros are data; but never is data a hole.
		if (kind === "hole") expect([offset, zero]).toEqual([offset, true]);
	}
	// Two neighbours of one kind would be one.
	for (let i = 1; i < found.length; i++) expect(found[i]?.kind).not.toBe(found[i - 1]?.kind);
	fs.writeFileSync(path("full"), pattern(100_000));
	expect(await list(given, path("full"))).toEqual([data(0, 100_000)]);
	fs.writeFileSync(path("empty"), "");
	expect(await list(given, path("empty"))).toEqual([]);
});

for (const { forms } of [ext4, xfs, btrfs, tmpfs]) {
	forms("where they begin and end, and parts of them", async (given) => {
		const file = given.path("file");
		const block = "x".repeat(64 * KIB);
		writeSparse(file, 6 * GIB, [
			[64 * KIB, block],
			[5 * GIB, block],
		]);
		const all = [
			hole(0, 64 * KIB),
			data(64 * KIB, 128 * KIB),
			hole(128 * KIB, 5 * GIB),
			data(5 * GIB, 5 * GIB + 64 * KIB),
			hole(5 * GIB + 64 * KIB, 6 * GIB),
		];
		expect(await list(given, file)).toEqual(all);
		const from = { offset: 100 * KIB };
		expect(await list(given, file, from)).toEqual([data(100 * KIB, 128 * KIB), ...all.slice(2)]);
		expect(await list(given, file, { ...from, length: 100 * KIB })).toEqual([
			data(100 * KIB, 128 * KIB),
			hole(128 * KIB, 200 * KIB),
		]);
		const far = { offset: 5 * GIB + 10, length: 20 };
		expect(await list(given, file, far)).toEqual([data(5 * GIB + 10, 5 * GIB + 30)]);
		expect(await list(given, file, { offset: 6 * GIB - 1, length: 100 })).toEqual([
			hole(6 * GIB - 1, 6 * GIB),
		]);
		expect(await list(given, file, { offset: 6 * GIB })).toEqual([]);
		expect(await list(given, file, { offset: Number.MAX_SAFE_INTEGER - 1, length: 1 })).toEqual([]);
	});

	forms("a file in thousands of pieces", async (given) => {
		const file = given.path("file");
		const fd = fs.openSync(file, "w");
		const PIECES = 2000;
		for (let i = 0; i < PIECES; i++) fs.writeSync(fd, "data", i * 16 * KIB);
		fs.ftruncateSync(fd, PIECES * 16 * KIB);
		fs.fsyncSync(fd);
		fs.closeSync(fd);
		const expected = Array.from({ length: PIECES }, (_, i) => [
			data(i * 16 * KIB, i * 16 * KIB + 4 * KIB),
			hole(i * 16 * KIB + 4 * KIB, (i + 1) * 16 * KIB),
		]).flat();
		expect(await list(given, file)).toEqual(expected);
	});
}

forms("every kind of target, and no position is moved", async (given) => {
	const { fsx, path, directory } = given;
	const file = path("file");
	fs.writeFileSync(file, pattern(10_000));
	await using dir = await fsx.openDir(directory);
	await using confined = await fsx.openDir(directory, { beneath: true });
	await using open = await fsx.open(file);
	const fd = fs.openSync(file, "r+");
	const bytes = new TextEncoder().encode(file);
	const url = Bun.pathToFileURL(file);
	expect(await open.read(4)).toEqual(new Uint8Array(pattern(4)));
	expect(fs.readSync(fd, Buffer.alloc(8))).toBe(8);
	// On Windows the numbers that node:fs has for files are its own.
	const numbers = ON_WINDOWS ? [] : [fd];
	for (const target of [file, bytes, url, dir.at("file"), confined.at("file"), open, ...numbers]) {
		expect(await list(given, target)).toEqual([data(0, 10_000)]);
	}
	expect(await open.read(4)).toEqual(new Uint8Array(pattern(8).subarray(4)));
	const rest = Buffer.alloc(4);
	fs.readSync(fd, rest);
	expect(rest.equals(pattern(12).subarray(8))).toBe(true);
	fs.closeSync(fd);
});

lacksUnderWine("metadata of a file that is removed")(
	"a file that has lost its name",
	async (given) => {
		const { fsx, path } = given;
		await using file = await fsx.open(path("file"), "w+");
		await file.writeAt(pattern(100), 0);
		fs.unlinkSync(path("file"));
		expect(await list(given, file)).toEqual([data(0, 100)]);
	},
);

onLinux("fifos, and devices that are files")("extents of fifos and devices", async (given) => {
	const { path } = given;
	output("mkfifo", path("fifo"));
	const fifo = fs.openSync(path("fifo"), "r+");
	const device = fs.openSync("/dev/null", "r");
	for (const physical of [false, true]) {
		const code = async (target: Target) =>
			(await failureOf(list(given, target, { physical }))).code;
		expect(await code(path("fifo"))).toBe("ESPIPE");
		expect(await code(fifo)).toBe("ESPIPE");
		expect(await code("/dev/null")).toBe("ENODEV");
		expect(await code(device)).toBe("ENODEV");
	}
	fs.closeSync(fifo);
	fs.closeSync(device);
});

forms("what has no extents", async (given) => {
	const { fsx, path, directory } = given;
	for (const physical of [false, true]) {
		const code = async (target: Target) =>
			(await failureOf(list(given, target, { physical }))).code;
		expect(await code(directory)).toBe("EISDIR");
		expect(await code(path("nothing"))).toBe("ENOENT");
		expect(await code(1_000_000)).toBe("EBADF");
		using dir = await fsx.openDir(directory);
		expect(await code(dir)).toBe("EISDIR");
	}
	fs.writeFileSync(path("file"), "content");
	const file = await fsx.open(path("file"));
	file.closeSync();
	expect(await failureOf(list(given, file))).toMatchObject({ code: "EBADF" });
	if (SEES_OPEN) expect(openIn(directory)).toBe(0);
});

forms("what is refused before any call", async (given) => {
	const file = given.path("file");
	fs.writeFileSync(file, "");
	const code = async (options: object) => (await failureOf(list(given, file, options))).code;
	expect(await code({ length: 0 })).toBe("ERR_OUT_OF_RANGE");
	expect(await code({ offset: -1 })).toBe("ERR_OUT_OF_RANGE");
	expect(await code({ offset: 1, length: Number.MAX_SAFE_INTEGER })).toBe("ERR_OUT_OF_RANGE");
	expect(await code({ physical: 1 })).toBe("ERR_INVALID_ARG_TYPE");
	expect(await code({ mapped: true })).toBe("ERR_INVALID_ARG_VALUE");
	expect((await failureOf(list(given, {} as never))).code).toBe("ERR_INVALID_ARG_TYPE");
});

withSymlinks()(
	"extents confined",
	async (given) => {
		await confines(given, true, (location) => list(given, location));
	},
	IN_MEMORY,
);

tmpfs.forms("a walk that is given up leaves nothing open", async (given) => {
	const { fsx, path, directory } = given;
	writeSparse(path("file"), MIB, [[512 * KIB, "data"]]);
	await using file = await fsx.open(path("file"));
	for (const target of [path("file"), file]) {
		for await (const { kind } of fsx.extents(target)) {
			expect(kind).toBe("hole");
			break;
		}
	}
	expect(openIn(directory)).toBe(1);
});

/** A sparse file with 64 KiB of data after a hole of a megabyte, and a megabyte of hole after it. */
async function makeSparse({ fsx, path }: Given): Promise<string> {
	const file = path("sparse");
	fs.writeFileSync(file, Buffer.alloc(2 * MIB + 64 * KIB, "x"));
	await fsx.punchHole(file, 0, MIB);
	await fsx.punchHole(file, MIB + 64 * KIB, MIB);
	return file;
}

onWindows(
	"units in which it punches",
	lacksUnderWine("FSCTL_SET_ZERO_DATA, as it does FSCTL_QUERY_ALLOCATED_RANGES"),
)("holes that were punched are holes, and their neighbours are not", async (given) => {
	const file = await makeSparse(given);
	const layout = [
		hole(0, MIB),
		data(MIB, MIB + 64 * KIB),
		hole(MIB + 64 * KIB, 2 * MIB + 64 * KIB),
	];
	expect(await list(given, file)).toEqual(layout);
	expect(await list(given, file, { offset: MIB + 1, length: MIB })).toEqual([
		data(MIB + 1, MIB + 64 * KIB),
		hole(MIB + 64 * KIB, 2 * MIB + 1),
	]);
	const mapped = await map(given, file);
	expect(kindsOf(mapped)).toEqual(layout);
	for (const { kind, physical } of mapped) expect(physical !== undefined).toBe(kind === "data");
});

onWindows("files that are kept with their names")(
	"a file without clusters of its own",
	async (given) => {
		const file = given.path("small");
		fs.writeFileSync(file, "few bytes");
		const [only, ...others] = await map(given, file);
		expect(others).toEqual([]);
		expect(only).toMatchObject({ offset: 0, length: 9 });
	},
);
