/** At the limits of what there is: depths, sizes and lengths, and objects that are not what they seem. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fs from "node:fs";
import { type Dir, type File, openDirSync, openSync } from "../../src/index.ts";
import { runScript } from "../fixtures/run.ts";
import { failureOf, forms, PATIENCE_MILLISECONDS } from "../forms.ts";

setDefaultTimeout(PATIENCE_MILLISECONDS);

const GIB = 2 ** 30;

forms("directories as deep as a path can be", async ({ fsx, directory }) => {
	await using dir = await fsx.openDir(directory);
	// Of 4,096 bytes, with the NUL at its end.
	const deep = `${"d/".repeat(2047)}d`;
	await fsx.mkdir(dir.at(deep), { recursive: true });
	await fsx.mkdir(dir.at(deep), { recursive: true });
	expect((await fsx.stat(dir.at(deep))).isDirectory()).toBe(true);
	const error = await failureOf(fsx.mkdir(dir.at(`${deep}/d`), { recursive: true }));
	expect(error).toMatchObject({ code: "ENAMETOOLONG" });
	// Nothing else can remove what is so deep.
	expect(Bun.spawnSync(["rm", "-rf", `${directory}/d`]).success).toBe(true);
});

forms("mkdir where nothing can be made ends", async ({ fsx, path }) => {
	const none = await failureOf(fsx.mkdir("/proc/none/below", { recursive: true }));
	expect(none.code).toMatch(/^(ENOENT|EACCES|EPERM)$/);
	fs.mkdirSync(path("gone"));
	const dir = await fsx.openDir(path("gone"));
	fs.rmdirSync(path("gone"));
	const gone = await failureOf(fsx.mkdir(dir.at("./a/b"), { recursive: true }));
	expect(gone).toMatchObject({ code: "ENOENT" });
	await dir.close();
});

forms("a file that no array or text can hold", async ({ fsx, path }) => {
	fs.writeFileSync(path("huge"), "");
	fs.truncateSync(path("huge"), 3 * GIB);
	const text = await failureOf(fsx.readFile(path("huge"), "utf8"));
	expect(text).toMatchObject({ code: "EFBIG", path: path("huge") });
	fs.truncateSync(path("huge"), 5 * GIB);
	const bytes = await failureOf(fsx.readFile(path("huge")));
	expect(bytes).toMatchObject({ code: "EFBIG", path: path("huge"), syscall: "read" });
	await using file = await fsx.open(path("huge"));
	for (const length of [4 * GIB + 1, 2 ** 53 - 1]) {
		const error = await failureOf(file.read(length, 0));
		expect(error).toMatchObject({ code: "ERR_OUT_OF_RANGE" });
	}
});

forms("more is asked for than there is", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "content");
	await using file = await fsx.open(path("file"));
	for (const length of [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32]) {
		expect(Buffer.from(await file.read(length, 0)).toString()).toBe("content");
		expect((await file.read(length, 2 ** 53 - 1)).length).toBe(0);
	}
});

forms("a URL of a name that is not UTF-8", async ({ fsx, path, directory }) => {
	fs.writeFileSync(Buffer.from(path("caf\xe9"), "latin1"), "by its bytes");
	const url = new URL(`${Bun.pathToFileURL(directory)}/caf%E9`);
	expect(await fsx.readFile(url, "utf8")).toBe("by its bytes");
});

forms("a path of megabytes is too long, and the next one is not", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "content");
	for (const length of [5000, 524_287, 524_288, 700_001, 20_000_003]) {
		for (const unit of ["x", "\u20ac"]) {
			const error = await failureOf(fsx.stat(unit.repeat(length)));
			expect(error).toMatchObject({ code: "ENAMETOOLONG" });
		}
		expect((await fsx.stat(path("file"))).size).toBe(7);
	}
});

forms("an array that claims more than it has", async ({ fsx, path }) => {
	class Claims extends Uint8Array {
		override get byteLength() {
			return 1 << 20;
		}
	}
	fs.writeFileSync(path("file"), Buffer.alloc(1 << 20, "x"));
	await using file = await fsx.open(path("file"), "r+");
	expect(await file.readAt(new Claims(16), 0)).toBe(16);
	expect(await file.writeAt(new Claims(16), 0)).toBe(16);
	for (const atomic of [false, true]) {
		await fsx.writeFile(path("written"), new Claims(16), { atomic });
		expect(fs.readFileSync(path("written")).length).toBe(16);
	}
	await fsx.setXattr(path("file"), "user.claims", new Claims(16));
	expect((await fsx.getXattr(path("file"), "user.claims")).length).toBe(16);
});

describe("methods without their object", () => {
	const strangers = [undefined, null, {}, 5, "file", Object.create(null)];
	type Method = (this: unknown, ...args: unknown[]) => unknown;
	const args: Readonly<Record<string, unknown[]>> = {
		at: ["name"],
		read: [1],
		readAt: [new Uint8Array(1)],
		readvAt: [[new Uint8Array(1)]],
		writeAt: ["x"],
		writevAt: [["x"]],
		append: ["x"],
		link: ["nothing"],
	};
	const opened: [string, () => File | Dir][] = [
		["File", () => openSync(import.meta.path)],
		["Dir", () => openDirSync(import.meta.dir)],
	];
	test.each(opened)("of a %s are refused", async (_, open) => {
		using one = open();
		const own = Object.getPrototypeOf(one) as Record<string, Method>;
		const names = [own, Object.getPrototypeOf(own)].flatMap(Object.getOwnPropertyNames);
		for (const name of names.filter((name) => name !== "constructor" && name !== "fd")) {
			const method = own[name] as Method;
			for (const stranger of [...strangers, own]) {
				const called = async () => {
					const given = args[name.replace(/Sync$/, "")] ?? [];
					const result = method.apply(stranger, given);
					await (/^entries/.test(name) ? (result as Iterator<unknown>).next() : result);
				};
				expect([name, (await failureOf(called())).code]).toEqual([name, "ERR_INVALID_THIS"]);
			}
		}
	});
});

/** In a process of its own: what goes wrong here ends it. */
test("memory beside a buffer is left alone", async () => {
	const printed = await runScript(`
		import fs from "node:fs";
		const fsx = await import("library");
		const file = fsx.openSync("/dev/zero");
		const memory = new Uint8Array(new ArrayBuffer(1 << 20)).fill(7);
		const untouched = (from, to) => memory.every((byte, at) => byte === (at >= from && at < to ? 0 : 7));
		const views = [
			[100, new DataView(memory.buffer, 100, 13)],
			[4096, new Float64Array(memory.buffer, 4096, 512)],
			[9, memory.subarray(9, 10)],
			[77, Object.defineProperty(memory.subarray(77, 99), "byteLength", { value: 1 << 24 })],
			[1000, Object.setPrototypeOf(memory.subarray(1000, 1003), DataView.prototype)],
			[50, Object.setPrototypeOf(memory.subarray(50, 90), null)],
		];
		const length = { 100: 13, 4096: 4096, 9: 1, 77: 22, 1000: 3, 50: 40 };
		for (const lanes of [["immediate"], ["ring"], ["worker"]]) {
			await fsx.stopEngine();
			fsx.configureEngine({ lanes });
			for (const [from, view] of views) {
				for (const read of [file.readAtSync, file.readAt]) {
					const count = await read.call(file, view, 0);
					if (count !== length[from] || !untouched(from, from + count)) {
						console.log(lanes, from, count);
					}
					memory.fill(7);
				}
			}
		}
		console.log("done");
	`);
	expect(printed).toBe("done\n");
});
