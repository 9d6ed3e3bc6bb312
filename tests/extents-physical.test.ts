/** Where the blocks of files are, as other tools have it. */
import { expect, test } from "bun:test";
import fs from "node:fs";
import { Walk } from "../src/extent-walk.ts";
import type { MappedExtent } from "../src/index.ts";
import { data, expectCovered, hole, kindsOf, list, map } from "./extents-found.ts";
import { filesystem } from "./filesystems.ts";
import { failureOf } from "./forms.ts";
import { output, pattern, writeSparse } from "./witnesses.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

const ext4 = filesystem("ext4");
const xfs = filesystem("xfs");
const btrfs = filesystem("btrfs");
const tmpfs = filesystem("tmpfs");

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
