/** Copying and sharing ranges between open files. */
import { expect } from "bun:test";
import fs from "node:fs";
import type { File } from "../src/index.ts";
import { filesystem } from "./filesystems.ts";
import { runScript } from "./fixtures/run.ts";
import { failureOf, forms, ON_WINDOWS, onLinux, onWindows } from "./forms.ts";
import { pattern, sharesBlocks } from "./witnesses.ts";

const xfs = filesystem("xfs");
const btrfs = filesystem("btrfs");
const ext4 = filesystem("ext4");
const block = 4096;

for (const place of ON_WINDOWS ? [{ forms }] : [ext4, xfs, btrfs]) {
	place.forms("ranges between files, at any offset", async ({ fsx, path }) => {
		const bytes = pattern(200_000);
		fs.writeFileSync(path("from"), bytes);
		await using from = await fsx.open(path("from"));
		for (const [at, to, length] of [
			[0, 0, 200_000],
			[1, 0, 199_999],
			[4096, 8192, 65_536],
			[777, 333, 100_001],
			[199_999, 70_000, 1],
			[5, 5, 0],
		] as const) {
			fs.writeFileSync(path("to"), Buffer.alloc(150_000, "."));
			await using file = await fsx.open(path("to"), "r+");
			expect(await fsx.copyRange(from, at, file.fd, to, length)).toBe(length);
			const expected = Buffer.alloc(Math.max(150_000, length === 0 ? 0 : to + length), ".");
			bytes.copy(expected, to, at, at + length);
			expect(Buffer.compare(fs.readFileSync(path("to")), expected)).toBe(0);
		}
	});

	// Without being asked for them Windows makes no holes: this would take 5 GiB.
	const { forms: sparseForms } = ON_WINDOWS ? { forms: onLinux("holes made in passing") } : place;
	sparseForms("the end of the source, and holes past the end", async ({ fsx, path }) => {
		fs.writeFileSync(path("from"), "0123456789");
		await using from = await fsx.open(path("from"));
		await using to = await fsx.open(path("to"), "w+");
		expect(await fsx.copyRange(from, 4, to, 3, 1_000_000_000)).toBe(6);
		expect(fs.readFileSync(path("to"), "latin1")).toBe("\0\0\x00456789");
		for (const at of [10, 11, 2 ** 40]) expect(await fsx.copyRange(from, at, to, 0, 5)).toBe(0);
		expect(await fsx.copyRange(from, 0, to, 5 * 2 ** 30, 2)).toBe(2);
		expect(fs.statSync(path("to")).size).toBe(5 * 2 ** 30 + 2);
		expect(fs.statSync(path("to")).blocks).toBeLessThan(100);
	});

	place.forms("within one file, unless the ranges overlap", async ({ fsx, path }) => {
		const bytes = pattern(16 * block);
		fs.writeFileSync(path("file"), bytes);
		await using one = await fsx.open(path("file"), "r+");
		await using two = await fsx.open(path("file"), "r+");
		expect(await fsx.copyRange(one, 0, two, 8 * block, 8 * block)).toBe(8 * block);
		bytes.copy(bytes, 8 * block, 0, 8 * block);
		expect(Buffer.compare(fs.readFileSync(path("file")), bytes)).toBe(0);
		for (const [at, to, length] of [
			[0, 0, 1],
			[0, 5, 6],
			[9, 4, 6],
			[0, block, block + 1],
		] as const) {
			for (const act of [fsx.copyRange, fsx.cloneRange]) {
				const error = await failureOf(act(one, at, two, to, length));
				expect(error).toMatchObject({ code: "EINVAL" });
				expect(error.message).toContain("overlap");
			}
		}
		expect(Buffer.compare(fs.readFileSync(path("file")), bytes)).toBe(0);
	});
}

for (const place of [xfs, btrfs]) {
	place.forms("cloneRange shares blocks and keeps the files apart", async ({ fsx, path }) => {
		const bytes = pattern(16 * block + 100);
		fs.writeFileSync(path("from"), bytes);
		await using from = await fsx.open(path("from"), "r+");
		await using to = await fsx.open(path("to"), "w+");
		await fsx.cloneRange(from, 4 * block, to, 2 * block, 8 * block);
		expect(sharesBlocks(path("to"))).toBe(true);
		const expected = Buffer.alloc(10 * block);
		bytes.copy(expected, 2 * block, 4 * block, 12 * block);
		expect(Buffer.compare(fs.readFileSync(path("to")), expected)).toBe(0);
		// Up to the end of the source the length need not be aligned.
		await fsx.cloneRange(from, 12 * block, to, 10 * block, 4 * block + 100);
		expect(fs.statSync(path("to")).size).toBe(14 * block + 100);
		await from.writeAt("changed", 4 * block);
		const kept = fs.readFileSync(path("to")).subarray(2 * block, 2 * block + 7);
		expect(Buffer.compare(kept, bytes.subarray(4 * block, 4 * block + 7))).toBe(0);
		for (const [at, there, length] of [
			[1, 0, block],
			[0, 1, block],
			[0, 0, block + 1],
			[16 * block, 0, 2 * block],
		] as const) {
			const error = await failureOf(fsx.cloneRange(from, at, to, there, length));
			expect(error).toMatchObject({ code: "EINVAL" });
			expect(error.message).toContain(`${block} bytes`);
		}
	});
}

ext4.forms("cloneRange where blocks are not shared", async ({ fsx, path }) => {
	fs.writeFileSync(path("from"), pattern(2 * block));
	const other = `${xfs.root}/fsx-clone`;
	await using from = await fsx.open(path("from"));
	await using to = await fsx.open(path("to"), "w+");
	await using far = await fsx.open(other, "w+");
	try {
		for (const [file, says] of [
			[to, "does not share"],
			[far, "different filesystems"],
		] as const) {
			const error = await failureOf(fsx.cloneRange(from, 0, file, 0, block));
			expect(error).toMatchObject({ code: "ENOTSUP" });
			expect(error.message).toContain(says);
		}
		expect(fs.statSync(path("to")).size).toBe(0);
		// Copying goes from one to the other all the same.
		expect(await fsx.copyRange(from, 1, far, 0, block)).toBe(block);
	} finally {
		fs.rmSync(other);
	}
});

onLinux("/proc")("from files of /proc", async ({ fsx, path }) => {
	await using version = await fsx.open("/proc/version");
	await using to = await fsx.open(path("to"), "w+");
	const expected = fs.readFileSync("/proc/version", "utf8");
	expect(await fsx.copyRange(version, 0, to, 0, 10_000)).toBe(expected.length);
	expect(fs.readFileSync(path("to"), "utf8")).toBe(expected);
});

forms("from and to what is not open for it", async ({ fsx, path }) => {
	const expected = "content that stays as it is";
	fs.writeFileSync(path("to"), expected.repeat(30));
	await using to = await fsx.open(path("to"), "r+");
	await using reader = await fsx.open(path("to"), "r");
	await using writer = await fsx.open(path("to"), "a");
	for (const [from, there] of [
		[reader, reader],
		[writer, to],
		[9_999_999, to],
	] as const) {
		const error = await failureOf(fsx.copyRange(from, 0, there, 500, 5));
		expect(error).toMatchObject({ code: "EBADF" });
	}
	for (const wrong of [null, "1", {}, path("to"), -1, 1.5] as unknown as File[]) {
		for (const given of [
			[wrong, 0, to, 0, 1],
			[to, 0, wrong, 0, 1],
		] as const) {
			const error = await failureOf((async () => fsx.copyRange(...given))());
			expect(error.code).toMatch(/^ERR_/);
		}
	}
	expect(fs.readFileSync(path("to"), "utf8")).toBe(expected.repeat(30));
});

onLinux("its calls")("short copies are gone on with", async ({ path }) => {
	const bytes = pattern(50_000);
	fs.writeFileSync(path("from"), bytes);
	const script = `
		import { copyRangeSync, openSync } from "library";
		const [system, calls, from, to] = process.argv.slice(-4);
		const { kernel } = (await import(system)).system;
		const { nr } = await import(calls);
		const direct = kernel.direct.bind(kernel);
		let short = 0;
		kernel.direct = (call) => {
			if (call.fn !== nr.copy_file_range) return direct(call);
			short++;
			return direct({ ...call, e: Math.min(call.e, 999) });
		};
		using source = openSync(from);
		using destination = openSync(to, "w");
		console.log(copyRangeSync(source, 10, destination, 0, 40_000), short);`;
	const modules = ["index.ts", "linux/calls.ts"].map(
		(file) => `${import.meta.dir}/../src/sys/${file}`,
	);
	const printed = await runScript(script, ...modules, path("from"), path("to"));
	expect(printed.trim()).toBe(`40000 ${Math.ceil(40_000 / 999)}`);
	expect(Buffer.compare(fs.readFileSync(path("to")), bytes.subarray(10, 40_010))).toBe(0);
});

xfs.forms("a range of nothing changes nothing", async ({ fsx, path }) => {
	fs.writeFileSync(path("from"), pattern(2 * block));
	fs.writeFileSync(path("to"), "precious");
	await using from = await fsx.open(path("from"));
	await using to = await fsx.open(path("to"), "r+");
	await fsx.cloneRange(from, 0, to, 0, 0);
	expect(await fsx.copyRange(from, 0, to, 0, 0)).toBe(0);
	expect(fs.readFileSync(path("to"), "utf8")).toBe("precious");
	// What is asked for past the end of the file overlaps nothing.
	expect(await fsx.copyRange(to, 0, to, 8, 100)).toBe(8);
	expect(fs.readFileSync(path("to"), "utf8")).toBe("preciousprecious");
	// What the copy itself has put behind the end is not copied in its turn.
	expect(await fsx.copyRange(to, 12, to, 20, 8)).toBe(4);
	expect(fs.readFileSync(path("to"), "latin1")).toBe("preciousprecious\0\0\0\0ious");
});

/** Sharing needs a ReFS volume, such as a Dev Drive: the one that temporary files are on, if it is. */
onWindows("volumes")(
	"cloneRange on ReFS, and what NTFS says to it",
	async ({ fsx, path, directory }) => {
		const { type, blockSize } = await fsx.statfs(directory);
		const bytes = pattern(16 * blockSize + 100);
		fs.writeFileSync(path("from"), bytes);
		await using from = await fsx.open(path("from"), "r+");
		await using to = await fsx.open(path("to"), "w+");
		if (type !== "ReFS") {
			console.log(`skipped: sharing clusters: temporary files are on ${type}, and not on ReFS`);
			const error = await failureOf(fsx.cloneRange(from, 0, to, 0, blockSize));
			expect(error).toMatchObject({ code: "ENOTSUP", syscall: "cloneRange" });
			expect(error.message).toContain(`${type} does not share clusters between files`);
			expect(fs.statSync(path("to")).size).toBe(0);
			return;
		}
		await fsx.cloneRange(from, 4 * blockSize, to, 2 * blockSize, 8 * blockSize);
		const expected = Buffer.alloc(10 * blockSize);
		bytes.copy(expected, 2 * blockSize, 4 * blockSize, 12 * blockSize);
		expect(fs.readFileSync(path("to")).equals(expected)).toBe(true);
		await fsx.cloneRange(from, 12 * blockSize, to, 10 * blockSize, 4 * blockSize + 100);
		expect(fs.statSync(path("to")).size).toBe(14 * blockSize + 100);
		const misfit = await failureOf(fsx.cloneRange(from, 1, to, 0, blockSize));
		expect(misfit).toMatchObject({ code: "EINVAL" });
		const { method } = await fsx.copyFile(path("from"), path("whole"), { reflink: "always" });
		expect(method).toBe("block-clone");
		expect(fs.readFileSync(path("whole")).equals(bytes)).toBe(true);
		const mapped = await Array.fromAsync(fsx.extents(path("whole"), { physical: true }));
		expect(mapped.every(({ shared }) => shared)).toBe(true);
	},
);
