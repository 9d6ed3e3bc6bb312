/** How long an open file lives, and what is refused before any call is made on it. */
import { expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { devNull, tmpdir } from "node:os";
import { join } from "node:path";
import { open, openDir, openSync } from "../src/index.ts";
import { methods } from "./file-forms.ts";
import { failureOf, forms, onLinux } from "./forms.ts";

function isOpen(fd: number): boolean {
	try {
		fs.fstatSync(fd);
		return true;
	} catch {
		return false;
	}
}

forms("close, twice, and use after it", async ({ fsx, path, form }) => {
	fs.writeFileSync(path("file"), "content");
	const file = await fsx.open(path("file"), "r+");
	const on = methods(file, form);
	const { fd } = file;
	expect(isOpen(fd)).toBe(true);
	await on.close();
	expect(isOpen(fd)).toBe(false);
	await on.close();
	const uses = [
		() => on.readAt(new Uint8Array(1), 0),
		() => on.read(1),
		() => on.readvAt([]),
		() => on.writeAt("x", 0),
		() => on.writevAt([]),
		() => on.append("x"),
		() => on.sync(),
		() => on.datasync(),
		() => on.truncate(0),
		() => on.link(path("other")),
		() => on.stat(),
		() => fsx.chmod(file, 0o600),
		() => fsx.stat(file),
		() => fsx.copyRange(file, 0, file, 4, 1),
		async () => file.fd,
	];
	for (const use of uses) {
		const error = await failureOf((async () => use())());
		expect([String(use), error.code]).toEqual([String(use), "EBADF"]);
	}
	expect(fs.readFileSync(path("file"), "utf8")).toBe("content");
});

test("a descriptor is not closed while calls on it are in flight", async () => {
	const name = join(tmpdir(), `fsx-flight-${process.pid}`);
	const pattern = Buffer.alloc(1 << 20, "0123456789abcdef");
	fs.writeFileSync(name, pattern);
	try {
		for (let round = 0; round < 20; round++) {
			const file = await open(name, "r+");
			const reads = Array.from({ length: 8 }, () => file.read(1 << 20, 0));
			const writes = [file.writeAt(pattern, 0), file.writeAt(pattern, 1 << 20)];
			const closed = file.close();
			// Whoever opens something now must not be given the number that the reads still use.
			const other = fs.openSync(devNull, "r");
			expect(await failureOf(file.read(1, 0))).toMatchObject({ code: "EBADF" });
			for (const bytes of await Promise.all(reads)) {
				expect(Buffer.compare(bytes, pattern)).toBe(0);
			}
			expect(await Promise.all(writes)).toEqual([1 << 20, 1 << 20]);
			await closed;
			fs.closeSync(other);
		}
	} finally {
		fs.rmSync(name);
	}
});

onLinux("fifos", test)(
	"closeSync while a read waits for a pipe closes when the read has ended",
	async () => {
		const folder = fs.mkdtempSync(join(tmpdir(), "fsx-pipe-"));
		try {
			execFileSync("mkfifo", [`${folder}/fifo`]);
			const file = openSync(`${folder}/fifo`, "r+");
			const { fd } = file;
			const read = file.read(10);
			file.closeSync();
			expect(isOpen(fd)).toBe(true);
			fs.writeFileSync(`${folder}/fifo`, "late");
			expect(new TextDecoder().decode(await read)).toBe("late");
			for (let i = 0; i < 100 && isOpen(fd); i++) await Bun.sleep(5);
			expect(isOpen(fd)).toBe(false);
		} finally {
			fs.rmSync(folder, { recursive: true });
		}
	},
);

test("using and await using close", async () => {
	const numbers: number[] = [];
	{
		using file = openSync(import.meta.path);
		await using other = await open(import.meta.path);
		await using dir = await openDir(import.meta.dir);
		numbers.push(file.fd, other.fd, dir.fd);
		expect(numbers.map(isOpen)).toEqual([true, true, true]);
	}
	expect(numbers.map(isOpen)).toEqual([false, false, false]);
});

/** Values that are no position, length or descriptor. */
const notNumbers = [-1, 1.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY, "1", 1n, {}];

forms("numbers out of range are refused before any call", async ({ fsx, path, form }) => {
	fs.writeFileSync(path("file"), "content");
	await using file = await fsx.open(path("file"), "r+");
	const on = methods(file, form);
	for (const wrong of [...notNumbers, true] as unknown as number[]) {
		const uses = [
			on.readAt.bind(on, new Uint8Array(1), wrong),
			on.read.bind(on, wrong, 0),
			on.read.bind(on, 1, wrong),
			on.writeAt.bind(on, "x", wrong),
			on.writevAt.bind(on, ["x"], wrong),
			on.truncate.bind(on, wrong),
			() => fsx.open(path("new"), "w", { mode: wrong }),
			() => fsx.mkdir(path("new"), { mode: wrong }),
			() => fsx.writeFile(path("new"), "", { mode: wrong }),
			() => fsx.copyRange(file, wrong, file, 4, 1),
			() => fsx.copyRange(file, 0, file, wrong, 1),
			() => fsx.cloneRange(file, 0, file, 4, wrong),
		];
		for (const [index, use] of uses.entries()) {
			const error = await failureOf((async () => use())());
			expect([wrong, index, error.code]).toEqual([
				wrong,
				index,
				expect.stringMatching(/^ERR_(OUT_OF_RANGE|INVALID_ARG_TYPE)$/),
			]);
		}
	}
	expect(fs.readFileSync(path("file"), "utf8")).toBe("content");
	expect(fs.existsSync(path("new"))).toBe(false);
});

forms("data and buffers of a wrong kind are refused", async ({ fsx, path, form }) => {
	fs.writeFileSync(path("file"), "content");
	await using file = await fsx.open(path("file"), "r+");
	const on = methods(file, form);
	const wrongs = [null, 5, {}, [], new ArrayBuffer(4), Symbol.iterator] as unknown[];
	for (const wrong of wrongs as Uint8Array[]) {
		const uses = [
			() => on.readAt(wrong, 0),
			() => on.readvAt([new Uint8Array(1), wrong], 0),
			() => on.writeAt(wrong, 0),
			() => on.append(wrong),
			() => on.writevAt(["x", wrong], 0),
			() => fsx.writeFile(path("new"), wrong),
			() => fsx.writeFile(path("new"), wrong, { atomic: true }),
		];
		for (const use of uses) {
			expect(await failureOf(use())).toMatchObject({ code: "ERR_INVALID_ARG_TYPE" });
		}
	}
	const list = "abc" as unknown as Uint8Array[];
	expect(await failureOf(on.writevAt(list, 0))).toMatchObject({ code: "ERR_INVALID_ARG_TYPE" });
	expect(fs.readFileSync(path("file"), "utf8")).toBe("content");
	expect(fs.readdirSync(path("."))).toEqual(["file"]);
});

forms("names with NUL and of a wrong kind are refused", async ({ fsx, path, directory }) => {
	const nul = [
		path("a\0b"),
		Buffer.from(path("a\0b")),
		new URL(`${Bun.pathToFileURL(path("a"))}%00b`),
	];
	const others = [null, undefined, 5.5, {}, new URL("http://localhost/a")];
	for (const wrong of [...nul, ...others] as string[]) {
		const uses = [
			() => fsx.open(wrong, "w"),
			() => fsx.openDir(wrong),
			() => fsx.readFile(wrong),
			() => fsx.writeFile(wrong, ""),
			() => fsx.mkdir(wrong, { recursive: true }),
			() => fsx.rmdir(wrong),
			() => fsx.unlink(wrong),
			() => fsx.remove(wrong),
			() => fsx.copyFile(wrong, path("to")),
			() => fsx.copyFile(import.meta.path, wrong),
			() => fsx.copyTree(wrong, path("to")),
			() => fsx.copyTree(directory, wrong),
		];
		for (const use of uses) {
			const error = await failureOf((async () => use())());
			expect([String(use), error.code?.startsWith("ERR_")]).toEqual([String(use), true]);
		}
	}
	expect(await failureOf(fsx.mkdtemp(path("a\0b")))).toMatchObject({
		code: "ERR_INVALID_ARG_VALUE",
	});
	using dir = await fsx.openDir(directory);
	expect(() => dir.at("a\0b")).toThrow("NUL");
	expect(() => dir.at(Uint8Array.of(0x61, 0))).toThrow("NUL");
	expect(fs.readdirSync(directory)).toEqual([]);
});

forms("an unknown option is named, and the known ones listed", async ({ fsx, path }) => {
	const wrong = { atomik: true, recursive: 1 } as object;
	const uses: [() => Promise<unknown>, string][] = [
		[() => fsx.open(path("a"), "w", wrong), "temporary"],
		[() => fsx.writeFile(path("a"), "", wrong), "atomic"],
		[() => fsx.readFile(path("a"), wrong), "encoding"],
		[() => fsx.openDir(path("a"), wrong), "beneath"],
		[() => fsx.mkdir(path("a"), { recursiv: true } as object), "recursive"],
		[() => fsx.copyFile(path("a"), path("b"), wrong), "reflink"],
		[() => fsx.copyTree(path("a"), path("b"), wrong), "hardlinks"],
	];
	for (const [use, known] of uses) {
		const error = await failureOf((async () => use())());
		expect(error).toMatchObject({ code: "ERR_INVALID_ARG_VALUE" });
		expect(error.message).toContain("unknown option");
		expect(error.message).toContain(known);
	}
	expect(fs.existsSync(path("a"))).toBe(false);
});

forms("what is written may be changed once the promise is settled", async ({ fsx, path }) => {
	const file = await fsx.open(path("file"), "w+");
	const bytes = new Uint8Array(100_000).fill(1);
	await file.writeAt(bytes, 0);
	bytes.fill(2);
	expect((await file.read(100_000, 0)).every((byte) => byte === 1)).toBe(true);
	await file.close();
});
