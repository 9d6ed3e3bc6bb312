import { expect, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Walk } from "../src/extent-walk.ts";
import {
	configureEngine,
	type Extent,
	type ExtentsOptions,
	extents,
	type MappedExtent,
	openSync,
	stopEngine,
	type Target,
} from "../src/index.ts";
import { SEEK_DATA, SEEK_HOLE } from "../src/sys/linux/layouts.ts";
import { confines } from "./confined.ts";
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
import { interpose } from "./interposed.ts";
import { openIn, output, pattern, SEES_OPEN, writeSparse } from "./witnesses.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

const ext4 = filesystem("ext4");
const xfs = filesystem("xfs");
const btrfs = filesystem("btrfs");
const tmpfs = filesystem("tmpfs");

const list = (given: Given, target: Target, options?: ExtentsOptions): Promise<Extent[]> =>
	Array.fromAsync(given.fsx.extents(target, options));

const map = (given: Given, target: Target, options: ExtentsOptions = {}): Promise<MappedExtent[]> =>
	Array.fromAsync(given.fsx.extents(target, { ...options, physical: true }));

const data = (offset: number, end: number): Extent => ({
	kind: "data",
	offset,
	length: end - offset,
});
const hole = (offset: number, end: number): Extent => ({
	kind: "hole",
	offset,
	length: end - offset,
});

/** Extents without what says where they are, those of a kind put together. */
function kindsOf(found: readonly Extent[]): Extent[] {
	const kinds: Extent[] = [];
	for (const { kind, offset, length } of found) {
		const last = kinds.at(-1);
		const goesOn = last?.kind === kind;
		if (goesOn) kinds.pop();
		const from = goesOn ? last.offset : offset;
		kinds.push({ kind, offset: from, length: offset + length - from });
	}
	return kinds;
}

/** Holds extents to what they promise: all of the range, in order, nothing twice, none empty. */
function expectCovered(found: readonly Extent[], offset: number, end: number): void {
	let at = offset;
	for (const extent of found) {
		expect(extent.offset).toBe(at);
		expect(extent.length).toBeGreaterThan(0);
		at += extent.length;
	}
	expect(at).toBe(end);
}

/** One line of filefrag(8), in bytes. */
interface Line {
	readonly offset: number;
	readonly length: number;
	readonly physical: bigint;
	readonly flags: string[];
}

/** Where filefrag(8) finds a file. */
function filefrag(file: string): Line[] {
	const lines = output("filefrag", "-s", "-v", "-b1", file).split("\n");
	return lines.flatMap((line) => {
		const [, offset, end, physical, flags] =
			/^\s*\d+:\s*(\d+)\.\.\s*(\d+):\s*(\d+)\.\.\s*\d+:\s*\d+:(?:\s*\d+:)?\s*(.*)$/.exec(line) ??
			[];
		if (offset === undefined || physical === undefined) return [];
		const length = Number(end) + 1 - Number(offset);
		const words = (flags ?? "").split(",").map((word) => word.trim());
		return [{ offset: Number(offset), length, physical: BigInt(physical), flags: words }];
	});
}

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

for (const [name, { forms }] of Object.entries({ ext4, xfs, btrfs })) {
	forms("where the blocks are, as filefrag has it", async (given) => {
		const { path, fsx } = given;
		const file = path("file");
		const fd = fs.openSync(file, "w");
		// Backwards, so that they do not lie one after the other.
		for (let i = 40; i-- > 0; ) {
			fs.writeSync(fd, pattern(8 * KIB), 0, 8 * KIB, i * 32 * KIB);
			fs.fsyncSync(fd);
		}
		fs.closeSync(fd);
		await fsx.preallocate(file, 39 * 32 * KIB + 8 * KIB, 100 * KIB);
		const size = 39 * 32 * KIB + 108 * KIB;
		const found = await map(given, file);
		expectCovered(found, 0, size);
		const lines = filefrag(file);
		expect(lines.length).toBeGreaterThan(40);
		for (const { offset, length, physical, flags } of lines) {
			const inside = found.find((one) => one.offset <= offset && offset < one.offset + one.length);
			if (inside?.physical === undefined) throw new Error(`nothing at ${offset}`);
			expect(inside.physical + BigInt(offset - inside.offset)).toBe(physical);
			expect(inside.offset + inside.length).toBeGreaterThanOrEqual(Math.min(offset + length, size));
			expect(inside.unwritten).toBe(flags.includes("unwritten"));
			expect([inside.shared, inside.encoded]).toEqual([false, false]);
			expect(inside.kind).toBe(inside.unwritten ? "hole" : "data");
		}
		const mapped = found.filter((one) => one.physical !== undefined);
		expect(mapped.at(-1)).toMatchObject({ unwritten: true, length: 100 * KIB });
		for (const one of found.filter(({ physical }) => physical === undefined)) {
			expect(one).toMatchObject({ kind: "hole", unwritten: false, shared: false });
		}
		// The kind of an extent is the same whether its place is asked for or not.
		expect(kindsOf(found)).toEqual(await list(given, file));
		const part = await map(given, file, { offset: 32 * KIB + 100, length: 40 * KIB });
		expectCovered(part, 32 * KIB + 100, 72 * KIB + 100);
		const whole = found.find((one) => one.offset === 32 * KIB);
		expect(part[0]).toEqual({
			...(whole as MappedExtent),
			offset: 32 * KIB + 100,
			length: 8 * KIB - 100,
			physical: (whole?.physical ?? 0n) + 100n,
		});
		if (name === "ext4") {
			// What lies on the device there is what is in the file.
			const [device = ""] = output("findmnt", "-no", "SOURCE", "-T", file).trim().split("\n");
			const block = Buffer.alloc(8 * KIB);
			const raw = fs.openSync(device, "r");
			output("sync", "-f", file);
			output("blockdev", "--flushbufs", device);
			fs.readSync(raw, block, 0, block.length, Number(whole?.physical));
			fs.closeSync(raw);
			expect(block.equals(pattern(8 * KIB))).toBe(true);
		}
	});

	forms("what is reserved past the end", async (given) => {
		const { path, fsx } = given;
		const file = path("file");
		fs.writeFileSync(file, pattern(100));
		await fsx.preallocate(file, 256 * KIB, 64 * KIB, { keepSize: true });
		expect(await list(given, file, { length: MIB })).toEqual([data(0, 100)]);
		expectCovered(await map(given, file), 0, 100);
		const found = await map(given, file, { length: MIB });
		expectCovered(found, 0, 320 * KIB);
		expect(found.at(-1)).toMatchObject({
			kind: "hole",
			offset: 256 * KIB,
			length: 64 * KIB,
			unwritten: true,
			physical: expect.any(BigInt),
		});
		expect(await map(given, file, { offset: MIB })).toEqual([]);
		const most = { offset: Number.MAX_SAFE_INTEGER - 1, length: 1 };
		expect(await map(given, file, most)).toEqual([]);
	});

	forms("holes alone, and holes at the end", async (given) => {
		writeSparse(given.path("hole"), MIB, []);
		writeSparse(given.path("file"), MIB, [[0, "x".repeat(64 * KIB)]]);
		const nothing = { physical: undefined, shared: false, unwritten: false, encoded: false };
		expect(await map(given, given.path("hole"))).toEqual([{ ...hole(0, MIB), ...nothing }]);
		const found = await map(given, given.path("file"));
		expect(found.length).toBe(2);
		expect(found[0]).toMatchObject(data(0, 64 * KIB));
		expect(found[1]).toEqual({ ...hole(64 * KIB, MIB), ...nothing });
	});
}

for (const { forms } of [xfs, btrfs]) {
	forms("shared blocks", async (given) => {
		const { path } = given;
		fs.writeFileSync(path("original"), pattern(256 * KIB));
		output("sync", path("original"));
		output("cp", "--reflink=always", path("original"), path("copy"));
		for (const file of [path("original"), path("copy")]) {
			expect((await map(given, file)).map(({ shared }) => shared)).toEqual([true]);
		}
		const places = async (name: string) => (await map(given, path(name)))[0]?.physical;
		expect(await places("copy")).toBe(await places("original"));
		// Written to, the middle is the copy's own, and no longer one with what is beside it.
		const fd = fs.openSync(path("copy"), "r+");
		fs.writeSync(fd, pattern(64 * KIB), 0, 64 * KIB, 64 * KIB);
		fs.closeSync(fd);
		const found = await map(given, path("copy"));
		expect(found.map(({ offset, shared }) => [offset, shared])).toEqual([
			[0, true],
			[64 * KIB, false],
			[128 * KIB, true],
		]);
		expect(await list(given, path("copy"))).toEqual([data(0, 256 * KIB)]);
	});
}

xfs.forms("blocks of which a part is shared", async (given) => {
	const { path } = given;
	fs.writeFileSync(path("original"), pattern(256 * KIB));
	output("sync", path("original"));
	output("xfs_io", "-f", "-c", `reflink ${path("original")} 0 0 ${64 * KIB}`, path("other"));
	const [first, second, ...more] = await map(given, path("original"));
	expect([first?.length, first?.shared, second?.length, second?.shared, more]).toEqual([
		64 * KIB,
		true,
		192 * KIB,
		false,
		[],
	]);
	expect(second?.physical).toBe((first?.physical ?? 0n) + BigInt(64 * KIB));
});

test("extents are one only where they lie one after the other", () => {
	const place = { shared: false, unwritten: false, encoded: false };
	const one = (offset: number, physical: bigint | undefined, more = {}): MappedExtent => {
		return { kind: "data", offset, length: 10, physical, ...place, ...more };
	};
	const taken = (...found: MappedExtent[]) => {
		const end = found.length * 10;
		const course = { target: 0, own: undefined, path: undefined, from: 0, end, size: end };
		return new Walk({ ...course, physical: true }).take(found).map(({ length }) => length);
	};
	expect(taken(one(0, 5n), one(10, 15n), one(20, 25n))).toEqual([30]);
	expect(taken(one(0, undefined), one(10, undefined))).toEqual([20]);
	expect(taken(one(0, 5n), one(10, 16n))).toEqual([10, 10]);
	expect(taken(one(0, 5n), one(10, undefined))).toEqual([10, 10]);
	expect(taken(one(0, undefined), one(10, 5n))).toEqual([10, 10]);
	expect(taken(one(0, 5n), one(10, 15n, { encoded: true }))).toEqual([10, 10]);
	expect(taken(one(0, 5n), one(10, 15n, { kind: "hole", unwritten: true }))).toEqual([10, 10]);
});

xfs.forms("shared no more after unshareRange", async (given) => {
	const { path, fsx } = given;
	fs.writeFileSync(path("original"), pattern(256 * KIB));
	output("sync", path("original"));
	output("cp", "--reflink=always", path("original"), path("copy"));
	await fsx.unshareRange(path("copy"), 0, 256 * KIB);
	for (const file of [path("original"), path("copy")]) {
		expect((await map(given, file)).some(({ shared }) => shared)).toBe(false);
	}
});

btrfs.forms("what is compressed or kept inside of metadata", async (given) => {
	const { path } = given;
	fs.writeFileSync(path("inline"), "a few bytes");
	expect(await map(given, path("inline"))).toMatchObject([
		{ ...data(0, 11), physical: undefined, shared: false, encoded: false },
	]);
	fs.writeFileSync(path("file"), "");
	output("chattr", "+c", path("file"));
	fs.writeFileSync(path("file"), "compressible ".repeat(40_000), { flag: "r+" });
	const found = await map(given, path("file"));
	expectCovered(found, 0, 520_000);
	const lines = filefrag(path("file")).filter(({ flags }) => flags.includes("encoded"));
	expect(lines.length).toBeGreaterThan(1);
	expect(found.filter(({ encoded }) => encoded).map(({ physical }) => physical)).toEqual(
		lines.map(({ physical }) => physical),
	);
	// A part of one piece has no place of its own.
	const [part] = await map(given, path("file"), { offset: 5000, length: 10 });
	expect(part).toMatchObject({ offset: 5000, length: 10, physical: lines[0]?.physical });
});

tmpfs.forms("a filesystem that does not tell where its blocks are", async (given) => {
	const file = given.path("file");
	fs.writeFileSync(file, "content");
	await using open = await given.fsx.open(file);
	for (const target of [file, open]) {
		const error = await failureOf(map(given, target));
		expect(error).toMatchObject({ code: "ENOTSUP", errno: -95, syscall: "fiemap" });
		expect(error.message).toContain("(tmpfs cannot tell where the blocks of a file are)");
	}
});

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

test("a file that is closed on the way ends a walk over its blocks", async () => {
	const directory = fs.mkdtempSync(join(tmpdir(), "fsx-test-"));
	try {
		fs.writeFileSync(`${directory}/file`, pattern(MIB));
		const file = openSync(`${directory}/file`);
		const walk = extents(file, { physical: true });
		file.closeSync();
		expect(await failureOf(walk.next())).toMatchObject({ code: "EBADF" });
	} finally {
		fs.rmSync(directory, { recursive: true });
	}
});

tmpfs.forms("punched between two questions, it is asked again", async (given) => {
	const file = given.path("file");
	writeSparse(file, 3 * 64 * KIB, [[0, "x".repeat(3 * 64 * KIB)]]);
	let punched = false;
	await using _ = await interpose((name, { c: whence }, make) => {
		if (name === "lseek" && whence === SEEK_HOLE && !punched) {
			punched = true;
			output("fallocate", "--punch-hole", "--offset", "0", "--length", `${64 * KIB}`, file);
		}
		return make();
	});
	expect(await list(given, file)).toEqual([hole(0, 64 * KIB), data(64 * KIB, 192 * KIB)]);
	expect(punched).toBe(true);
});

tmpfs.forms("written, cut and made longer on the way", async (given) => {
	const file = given.path("file");
	const SIZE = 1024 * KIB;
	/** Changes the file at the nth question, and gives what is found. */
	const changedAt = async (nth: number, change: () => void) => {
		writeSparse(file, SIZE, [
			[0, "x".repeat(64 * KIB)],
			[512 * KIB, "x".repeat(64 * KIB)],
		]);
		let asked = 0;
		await using _ = await interpose((name, _call, make) => {
			if (name === "lseek" && ++asked === nth) change();
			return make();
		});
		const found = await list(given, file);
		expectCovered(found, 0, SIZE);
		for (let i = 1; i < found.length; i++) expect(found[i]?.kind).not.toBe(found[i - 1]?.kind);
		return found;
	};
	const all = [
		data(0, 64 * KIB),
		hole(64 * KIB, 512 * KIB),
		data(512 * KIB, 576 * KIB),
		hole(576 * KIB, SIZE),
	];
	expect(await changedAt(1000, () => {})).toEqual(all);
	for (let nth = 1; nth <= 8; nth++) {
		await changedAt(nth, () => fs.truncateSync(file, 0));
		await changedAt(nth, () => fs.truncateSync(file, 100_000));
		expect(await changedAt(nth, () => fs.truncateSync(file, 10 * SIZE))).toEqual(all);
		await changedAt(nth, () => fs.writeFileSync(file, Buffer.alloc(SIZE, "y"), { flag: "r+" }));
	}
	// Data where the last answer ended: what was found goes on.
	const joined = await changedAt(3, () => {
		const fd = fs.openSync(file, "r+");
		fs.writeSync(fd, Buffer.alloc(64 * KIB, "y"), 0, 64 * KIB, 64 * KIB);
		fs.closeSync(fd);
	});
	expect(joined).toEqual([data(0, 128 * KIB), hole(128 * KIB, 512 * KIB), ...all.slice(2)]);
});

const onCalls = onLinux("its calls");

onCalls("a file that changes with every question has an end all the same", async (given) => {
	const file = given.path("file");
	fs.writeFileSync(file, pattern(64 * KIB));
	let asked = 0;
	await using _ = await interpose((name, { b: offset, c: whence }, make) => {
		if (name !== "lseek" || (whence !== SEEK_DATA && whence !== SEEK_HOLE)) return make();
		asked++;
		return offset;
	});
	// Data to who looks for data, and a hole to who looks for a hole: data loses nothing.
	expect(await list(given, file)).toEqual([data(0, 64 * KIB)]);
	expect(asked).toBeGreaterThan(10);
});

onCalls("a filesystem that cannot tell data from holes", async (given) => {
	const file = given.path("file");
	writeSparse(file, 64 * KIB, [[0, "data"]]);
	const EINVAL = 22;
	await using _ = await interpose((name, _call, make) => (name === "lseek" ? -EINVAL : make()));
	expect(await list(given, file)).toEqual([data(0, 64 * KIB)]);
});

onCalls("where there is no /proc a descriptor is not asked, and a name is", async (given) => {
	const file = given.path("file");
	fs.writeFileSync(file, "content");
	const ENOENT = 2;
	await using open = await given.fsx.open(file);
	let opened = 0;
	await using _ = await interpose((name, { e: unused }, make) => {
		if (name !== "openat" || unused !== 0) return make();
		return opened++ === 0 ? -ENOENT : make();
	});
	const error = await failureOf(list(given, open));
	expect(error).toMatchObject({ code: "ENOTSUP" });
	expect(error.message).toContain("/proc");
	expect(await list(given, file)).toEqual([data(0, 7)]);
});

test.each([
	[{}],
	[{ lanes: ["worker"] }],
	[{ lanes: ["worker"], offload: false }],
	...(ON_WINDOWS
		? []
		: [[{ lanes: ["ring"] }] as const, [{ kernel: "libc", ring: "none" }] as const]),
] as const)("the same extents by %j", async (options) => {
	const directory = fs.mkdtempSync(join(IN_MEMORY, "fsx-test-"));
	try {
		await stopEngine();
		configureEngine(options as never);
		const pieces: [number, string][] = Array.from({ length: 100 }, (_, i) => [i * 8 * KIB, "x"]);
		writeSparse(`${directory}/file`, 100 * 8 * KIB, pieces);
		const found = await Array.fromAsync(extents(`${directory}/file`));
		// What is written so has no holes where a file is sparse only if that is asked for.
		expect(found.length).toBe(ON_WINDOWS ? 1 : 200);
		expectCovered(found, 0, 100 * 8 * KIB);
		const missing = extents(`${directory}/nothing`).next();
		expect(await failureOf(missing)).toMatchObject({ code: "ENOENT", syscall: "open" });
	} finally {
		await stopEngine();
		configureEngine({});
		fs.rmSync(directory, { recursive: true });
	}
});

/** A sparse file with 64 KiB of data after a hole of a megabyte, and a megabyte of hole after it. */
async function makeSparse({ fsx, path }: Given): Promise<string> {
	const file = path("sparse");
	fs.writeFileSync(file, Buffer.alloc(2 * MIB + 64 * KIB, "x"));
	await fsx.punchHole(file, 0, MIB);
	await fsx.punchHole(file, MIB + 64 * KIB, MIB);
	return file;
}

lacksUnderWine("FSCTL_SET_ZERO_DATA, as it does FSCTL_QUERY_ALLOCATED_RANGES")(
	"holes that were punched are holes, and their neighbours are not",
	async (given) => {
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
	},
);

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
