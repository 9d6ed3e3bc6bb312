import { expect, test } from "bun:test";
import fs from "node:fs";
import type { Advice } from "../src/index.ts";
import { nr, sys } from "../src/sys/linux/calls.ts";
import { encode, fits } from "../src/sys/linux/ring/opcodes.ts";
import { confines, IN_MEMORY } from "./confined.ts";
import { filesystem } from "./filesystems.ts";
import { failureOf, forms, onLinux, onWindows, UNDER_WINE, withSymlinks } from "./forms.ts";
import { interpose } from "./interposed.ts";
import { openIn, output, pattern, SEES_OPEN } from "./witnesses.ts";

const KIB = 1024;
const ADVICE: readonly Advice[] = [
	"normal",
	"sequential",
	"random",
	"willneed",
	"dontneed",
	"noreuse",
];
/** What ends with the open file that it is about. */
const ABOUT_OPEN_FILES: readonly Advice[] = ["normal", "sequential", "random", "noreuse"];

/** Bytes of a file that are in memory, by fincore(1). */
function inMemory(file: string): number {
	return Number(output("fincore", "--noheadings", "--bytes", "--output", "RES", file));
}

/** In small pieces: what is written at once the page cache may keep, and forget, as one. */
function writeSynced(file: string, size: number): void {
	const PIECE = 16 * KIB;
	const fd = fs.openSync(file, "w");
	const bytes = pattern(size);
	for (let at = 0; at < size; at += PIECE) fs.writeSync(fd, bytes, at, PIECE, at);
	fs.fsyncSync(fd);
	fs.closeSync(fd);
}

for (const name of ["ext4", "xfs", "btrfs"] as const) {
	filesystem(name).forms("dontneed forgets, willneed reads ahead", async ({ fsx, path }) => {
		const file = path("file");
		writeSynced(file, 1024 * KIB);
		expect(inMemory(file)).toBe(1024 * KIB);
		expect(await fsx.advise(file, "dontneed", { offset: 512 * KIB, length: 128 * KIB })).toBe(true);
		expect(inMemory(file)).toBe(896 * KIB);
		expect(await fsx.advise(file, "dontneed")).toBe(true);
		expect(inMemory(file)).toBe(0);
		expect(await fsx.advise(file, "willneed", { length: 256 * KIB })).toBe(true);
		// Reading goes on after the call.
		for (let tries = 0; tries < 500 && inMemory(file) < 256 * KIB; tries++) await Bun.sleep(10);
		expect(inMemory(file)).toBeGreaterThanOrEqual(256 * KIB);
		expect(fs.readFileSync(file).equals(pattern(1024 * KIB))).toBe(true);
	});

	filesystem(name).forms("lengths of more than 32 bits are not cut", async ({ fsx, path }) => {
		const file = path("file");
		writeSynced(file, 1024 * KIB);
		await using open = await fsx.open(file);
		expect(await fsx.advise(open, "dontneed", { length: 2 ** 32 + 4 * KIB })).toBe(true);
		expect(inMemory(file)).toBe(0);
		writeSynced(file, 1024 * KIB);
		// At an offset of as many bits there is nothing to forget.
		const far = { offset: 2 ** 32, length: 2 ** 33 };
		expect(await fsx.advise(open, "dontneed", far)).toBe(true);
		expect(inMemory(file)).toBe(1024 * KIB);
	});
}

test("what does not fit an entry of the ring does not go there", () => {
	const advice = (length: number) => sys(nr.fadvise64, 3, 2 ** 40, length, 4);
	for (const length of [0, 1, 2 ** 32 - 1]) {
		expect(fits(advice(length))).toBe(true);
		expect(encode(advice(length))).toMatchObject({ fd: 3, off: 2 ** 40, address: 0, length });
	}
	for (const length of [2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]) {
		expect(fits(advice(length))).toBe(false);
	}
});

onLinux("all advice")("an open file takes all, and a name what is about content", async (given) => {
	const { fsx, path } = given;
	fs.writeFileSync(path("file"), "content");
	await using file = await fsx.open(path("file"));
	const fd = fs.openSync(path("file"), "r");
	for (const advice of ADVICE) {
		expect([advice, await fsx.advise(file, advice)]).toEqual([advice, true]);
		expect(await fsx.advise(fd, advice, { offset: 3, length: 2 })).toBe(true);
		expect([advice, await fsx.advise(path("file"), advice)]).toEqual([
			advice,
			!ABOUT_OPEN_FILES.includes(advice),
		]);
	}
	fs.closeSync(fd);
	expect(fs.readFileSync(path("file"), "utf8")).toBe("content");
});

onLinux("fifos, and devices that are files")("advice about fifos and devices", async (given) => {
	const { fsx, path } = given;
	output("mkfifo", path("fifo"));
	const fifo = fs.openSync(path("fifo"), "r+");
	const code = async (promise: Promise<boolean>) => (await failureOf(promise)).code;
	for (const advice of ADVICE) {
		expect(await code(fsx.advise(fifo, advice))).toBe("ESPIPE");
		expect(await code(fsx.advise(path("fifo"), advice))).toBe("ESPIPE");
		expect(await code(fsx.advise("/dev/null", advice))).toBe("ENODEV");
	}
	fs.closeSync(fifo);
	const message = "ESPIPE: invalid seek (it is a fifo), fadvise";
	expect((await failureOf(fsx.advise(path("fifo"), "normal"))).message).toStartWith(message);
});

onWindows("what can be said of an open file")("advice that Windows takes", async (given) => {
	const { fsx, path } = given;
	fs.writeFileSync(path("file"), "content");
	await using file = await fsx.open(path("file"));
	// Wine lacks the mode of open files.
	expect(await fsx.advise(file, "sequential")).toBe(!UNDER_WINE);
	expect(await fsx.advise(file, "normal")).toBe(!UNDER_WINE);
	expect(await fsx.advise(file, "sequential", { offset: 1 })).toBe(false);
	for (const advice of ["random", "willneed", "dontneed", "noreuse"] as const) {
		expect([advice, await fsx.advise(file, advice)]).toEqual([advice, false]);
	}
	expect(await fsx.advise(path("file"), "sequential")).toBe(false);
	expect(fs.readFileSync(path("file"), "utf8")).toBe("content");
});

forms("what cannot be advised about", async ({ fsx, path, directory }) => {
	const code = async (promise: Promise<boolean>) => (await failureOf(promise)).code;
	for (const advice of ADVICE) {
		expect(await code(fsx.advise(directory, advice))).toBe("EISDIR");
		expect(await code(fsx.advise(1_000_000, advice))).toBe("EBADF");
		const nothing = await failureOf(fsx.advise(path("nothing"), advice));
		expect(nothing).toMatchObject({ code: "ENOENT", syscall: "open", path: path("nothing") });
	}
	using dir = await fsx.openDir(directory);
	expect(await code(fsx.advise(dir, "dontneed"))).toBe("EISDIR");
	if (SEES_OPEN) expect(openIn(directory)).toBe(1);
});

forms("what is refused before any call", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	const { advise } = fsx;
	const code = async (promise: Promise<boolean>) => (await failureOf(promise)).code;
	for (const wrong of ["willNeed", "", "toString", undefined, 3] as never[]) {
		expect(await code(advise(path("file"), wrong))).toBe("ERR_INVALID_ARG_VALUE");
	}
	for (const options of [{ length: 0 }, { offset: -1 }, { length: 2 ** 53 }]) {
		expect(await code(advise(path("file"), "normal", options))).toBe("ERR_OUT_OF_RANGE");
	}
	const beyond = { offset: 1, length: Number.MAX_SAFE_INTEGER };
	expect(await code(advise(path("file"), "normal", beyond))).toBe("ERR_OUT_OF_RANGE");
	const unknown = { size: 1 } as never;
	expect(await code(advise(path("file"), "normal", unknown))).toBe("ERR_INVALID_ARG_VALUE");
});

withSymlinks()(
	"advise confined",
	async (given) => {
		await confines(given, true, (location) => given.fsx.advise(location, "willneed"));
	},
	IN_MEMORY,
);

onLinux("its calls")("a kernel without advice takes none", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	const ENOSYS = 38;
	await using file = await fsx.open(path("file"));
	await using _ = await interpose((name, _call, make) => (name === "fadvise64" ? -ENOSYS : make()));
	expect(await fsx.advise(file, "sequential")).toBe(false);
	expect(await fsx.advise(path("file"), "dontneed")).toBe(false);
});
