/** Extents of files that are changed or closed on the way, and of systems that cannot tell. */
import { expect, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configureEngine, extents, openSync, stopEngine } from "../src/index.ts";
import { SEEK_DATA, SEEK_HOLE } from "../src/sys/linux/layouts.ts";
import { data, expectCovered, hole, list } from "./extents-found.ts";
import { filesystem } from "./filesystems.ts";
import { failureOf, IN_MEMORY, ON_WINDOWS, onLinux } from "./forms.ts";
import { interpose } from "./interposed.ts";
import { output, pattern, writeSparse } from "./witnesses.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

const tmpfs = filesystem("tmpfs");

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
