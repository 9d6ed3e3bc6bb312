/** What becomes of calls whose arguments are changed, given away or closed while they are under way. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import * as fsx from "../../src/index.ts";
import { failureOf } from "../forms.ts";

/** Entries: more than the system gives at once. */
const MANY = 1500;

let directory: string;
const path = (name: string) => join(directory, name);

beforeAll(async () => {
	await fsx.stopEngine();
	directory = fs.mkdtempSync(join(tmpdir(), "fsx-meanwhile-"));
	if (!Bun.spawnSync(["mkfifo", path("fifo")]).success) throw new Error("mkfifo");
	fs.writeFileSync(path("file"), Buffer.alloc(100_000, "0123456789"));
	fs.mkdirSync(path("many"));
	for (let i = 0; i < MANY; i++) fs.writeFileSync(path(`many/${i}`), "");
});

afterEach(async () => {
	await fsx.stopEngine();
	fsx.configureEngine({});
});

afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

describe.if(process.platform === "linux").each(["ring", "worker"] as const)(
	"on lane %s",
	(lane) => {
		const begin = () => fsx.configureEngine({ lanes: [lane] });

		test("a buffer that is given away is not said to have been filled", async () => {
			begin();
			await using fifo = await fsx.open(path("fifo"), "r+");
			const buffer = new Uint8Array(new ArrayBuffer(1000));
			const reading = failureOf(fifo.readAt(buffer));
			const moved = buffer.buffer.transfer();
			fs.writeFileSync(path("fifo"), "too late");
			expect(await reading).toMatchObject({ code: "ERR_INVALID_STATE" });
			expect(moved.byteLength).toBe(1000);
		});

		test("data that is given away is not said to have been written", async () => {
			begin();
			await using fifo = await fsx.open(path("fifo"), "r+");
			const full = new Uint8Array(65_536);
			expect(await fifo.writeAt(full)).toBe(65_536);
			const data = new Uint8Array(new ArrayBuffer(100_000)).fill(1);
			const writing = failureOf(fifo.writeAt(data));
			const moved = data.buffer.transfer();
			const fd = fs.openSync(path("fifo"), fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
			let ended = false;
			void writing.then(() => {
				ended = true;
			});
			while (!ended) {
				try {
					fs.readSync(fd, full);
				} catch (error) {
					expect((error as NodeJS.ErrnoException).code).toBe("EAGAIN");
				}
				await Bun.sleep(1);
			}
			fs.closeSync(fd);
			expect(await writing).toMatchObject({ code: "ERR_INVALID_STATE" });
			expect(moved.byteLength).toBe(100_000);
		});

		test("a list that is changed is read into as it was", async () => {
			begin();
			await using fifo = await fsx.open(path("fifo"), "r+");
			const first = new Uint8Array(3);
			const second = new Uint8Array(3);
			const list: Uint8Array[] = [first, second];
			const reading = fifo.readvAt(list);
			list.splice(0, 2, "no buffer" as never, null as never, {} as never);
			fs.writeFileSync(path("fifo"), "onetwo");
			expect(await reading).toBe(6);
			expect(Buffer.concat([first, second]).toString()).toBe("onetwo");
		});

		test("a name in bytes that is changed is looked up as it was", async () => {
			begin();
			const name = Buffer.from(path("file"));
			const found = fsx.stat(name);
			name.fill(0);
			expect((await found).size).toBe(100_000);
		});

		test("a file that is closed in the middle of everything", async () => {
			begin();
			const open = new Set(fs.readdirSync("/proc/self/fd"));
			const uses: Readonly<Record<string, (file: fsx.File) => Promise<unknown>>> = {
				read: (file) => file.read(1000, 0),
				"read on": (file) => file.read(10),
				write: (file) => file.writeAt("0123456789", 0),
				append: (file) => file.append(""),
				stat: (file) => file.stat(),
				datasync: (file) => file.datasync(),
				truncate: (file) => file.truncate(100_000),
				chmod: (file) => fsx.chmod(file, 0o644),
				copyRange: (file) => fsx.copyRange(file, 0, file, 50_000, 10_000),
				lock: async (file) => (await fsx.lock(file)).release(),
				extents: (file) => Array.fromAsync(fsx.extents(file)),
				close: (file) => file.close(),
				closeSync: async (file) => file.closeSync(),
			};
			await fc.assert(
				fc.asyncProperty(
					fc.array(fc.constantFrom(...Object.keys(uses)), { minLength: 1, maxLength: 12 }),
					async (names) => {
						const file = await fsx.open(path("file"), "r+");
						const { fd } = file;
						const ends = await Promise.allSettled(
							[...names, "close"].map((name) => uses[name]?.(file)),
						);
						for (const end of ends) {
							if (end.status === "rejected") expect(end.reason).toMatchObject({ code: "EBADF" });
						}
						expect(await file.close()).toBeUndefined();
						expect(() => file.fd).toThrow("EBADF");
						if (!open.has(String(fd))) {
							await until(() => !isOpen(fd, path("file")));
						}
					},
				),
				{ numRuns: 100 },
			);
		}, 60_000);

		test("a directory that is closed while it is listed and looked into", async () => {
			begin();
			await fc.assert(
				fc.asyncProperty(fc.nat({ max: MANY }), async (after) => {
					const dir = await fsx.openDir(path("many"), { beneath: true });
					const entries = dir.entries({ metadata: true });
					for (let i = 0; i < after; i++) await entries.next();
					const rest = Array.fromAsync(entries).catch((error) => error.code);
					const found = fsx.stat(dir.at("7")).then(
						({ size }) => size,
						(error) => error.code,
					);
					await dir.close();
					expect([0, "EBADF"]).toContain(await found);
					const left = await rest;
					// What is listed is listed whole, or not at all.
					if (Array.isArray(left)) expect(left.length + after).toBe(MANY);
					else expect(left).toBe("EBADF");
				}),
				{ numRuns: 10 },
			);
		});
	},
);

function isOpen(fd: number, name: string): boolean {
	try {
		return fs.readlinkSync(`/proc/self/fd/${fd}`) === name;
	} catch {
		return false;
	}
}

async function until(is: () => boolean): Promise<void> {
	for (let tries = 0; !is(); tries++) {
		if (tries === 1000) throw new Error("it did not come about");
		await Bun.sleep(2);
	}
}

describe("callbacks", () => {
	const source = () => {
		fs.rmSync(path("tree"), { recursive: true, force: true });
		fs.mkdirSync(path("tree/a/b"), { recursive: true });
		for (const name of ["one", "a/two", "a/b/three"]) fs.writeFileSync(path(`tree/${name}`), name);
		fs.rmSync(path("copy"), { recursive: true, force: true });
	};

	test("may call the library themselves", async () => {
		source();
		const sizes: number[] = [];
		const filter = ({ path: seen }: fsx.TreeEntry) => {
			sizes.push(fsx.statSync(join(path("tree"), seen)).size);
			return true;
		};
		await fsx.copyTree(path("tree"), path("copy"), { filter });
		fs.rmSync(path("copy"), { recursive: true });
		fsx.copyTreeSync(path("tree"), path("copy"), { filter });
		expect(sizes.length).toBeGreaterThan(8);
	});

	test("may take away what is being copied", async () => {
		for (const copy of [
			fsx.copyTree,
			async (...args: [string, string, object]) => fsx.copyTreeSync(...args),
		]) {
			source();
			const filter = () => {
				fs.rmSync(path("tree"), { recursive: true, force: true });
				return true;
			};
			const error = await failureOf(copy(path("tree"), path("copy"), { filter }));
			expect(error).toMatchObject({ code: "ENOENT" });
		}
	});
});
