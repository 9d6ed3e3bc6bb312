/** What can be locked: paths, open files and descriptors, beside the locks of other programs. */
import { afterEach, expect } from "bun:test";
import fs from "node:fs";
import { lines } from "../src/lock-line.ts";
import { confines, IN_MEMORY } from "./confined.ts";
import {
	failureOf,
	forms,
	ON_WINDOWS,
	onLinux,
	onWindows,
	skipped,
	withSymlinks,
} from "./forms.ts";
import { methods } from "./lock-witnesses.ts";
import { openIn, output } from "./witnesses.ts";

afterEach(() => expect([...lines.keys()]).toEqual([]));

const NUMBERS = "links in /proc to what descriptors are";

const shared = { mode: "shared" } as const;
const range = (offset: number, length?: number) => ({ range: { offset, length } });

forms("a lock of a File ends when that is closed", async ({ fsx, path, form, directory }) => {
	fs.writeFileSync(path("file"), "");
	const file = await fsx.open(path("file"), "r+");
	const held = await fsx.lock(file);
	expect(await fsx.tryLock(path("file"))).toBeUndefined();
	if (form === "async") await file.close();
	else file.closeSync();
	using after = await fsx.tryLock(path("file"));
	expect(after?.mode).toBe("exclusive");
	await methods(held, form).release();
	expect(await fsx.tryLock(path("file"))).toBeUndefined();
	expect(openIn(directory)).toBe(1);
});

forms("locks of one open file change each other", async ({ fsx, path, form }) => {
	fs.writeFileSync(path("file"), "");
	await using file = await fsx.open(path("file"), "r+");
	await using other = await fsx.open(path("file"), "r+");
	const first = await fsx.lock(file);
	const second = await fsx.lock(file, { ...shared, ...range(10, 10) });
	// On Windows the number is that of another open file.
	const again = ON_WINDOWS ? file : file.fd;
	const byNumber = await fsx.lock(again, { ...shared, ...range(30, 10) });
	expect(await fsx.tryLock(other, { ...shared, ...range(9, 1) })).toBeUndefined();
	for (const offset of [10, 30]) {
		const beside = await fsx.lock(other, { ...shared, ...range(offset, 10) });
		await methods(beside, form).release();
	}
	await methods(second, form).release();
	using part = await fsx.tryLock(other, range(10, 10));
	expect(part?.mode).toBe("exclusive");
	await methods(first, form).release();
	// With the first, all went that was in its range.
	using whole = await fsx.tryLock(other);
	expect(whole?.mode).toBe("exclusive");
	byNumber.releaseSync();
});

onLinux(NUMBERS)("a lock of a descriptor from elsewhere", async ({ fsx, path, form }) => {
	fs.writeFileSync(path("file"), "");
	const fd = fs.openSync(path("file"), "r+");
	const held = await fsx.lock(fd, range(0, 5));
	expect(await fsx.tryLock(path("file"))).toBeUndefined();
	await methods(held, form).release();
	(await fsx.lock(path("file"))).releaseSync();
	expect(fs.fstatSync(fd).isFile()).toBe(true);
	const again = await fsx.lock(fd);
	fs.closeSync(fd);
	// Closing it has released it, and what has its number now is none of its business.
	using other = await fsx.tryLock(path("file"));
	expect(other?.mode).toBe("exclusive");
	expect(fs.readlinkSync(`/proc/self/fd/${fd}`)).toBe(path("file"));
	expect(await failureOf(methods(again, form).downgrade())).toMatchObject({ code: "EBADF" });
	await methods(again, form).release();
	expect(await fsx.tryLock(path("file"))).toBeUndefined();
});

onLinux(NUMBERS)("a descriptor from elsewhere that is no more", async ({ fsx, path, form }) => {
	fs.writeFileSync(path("file"), "");
	fs.writeFileSync(path("other"), "");
	const [kept, lost, gone] = [0, 1, 2].map(() => fs.openSync(path("file"), "r+")) as number[];
	const locks = [];
	for (const [index, fd] of [kept, lost, gone].entries()) {
		locks.push(await fsx.lock(fd as number, range(index, 1)));
	}
	fs.closeSync(lost as number);
	const fd = fs.openSync(path("other"), "r+");
	expect(fd).toBe(lost as number);
	using other = await fsx.lock(fd);
	fs.closeSync(gone as number);
	for (const held of locks) await methods(held, form).release();
	expect([other.mode, await fsx.tryLock(path("other"))]).toEqual(["exclusive", undefined]);
	fs.closeSync(kept as number);
	(await fsx.lock(path("file"))).releaseSync();
	other.releaseSync();
	fs.closeSync(fd);
});

onLinux("locks that need access of their kind")(
	"a file must be open for what the lock is",
	async ({ fsx, path, form }) => {
		fs.writeFileSync(path("file"), "");
		await using reader = await fsx.open(path("file"), "r");
		await using writer = await fsx.open(path("file"), "a");
		const refused = await failureOf(fsx.lock(reader));
		expect(refused).toMatchObject({ code: "EBADF", errno: -9, syscall: "fcntl" });
		expect(refused.message).toContain("open for writing");
		const other = await failureOf(fsx.tryLock(writer, shared));
		expect(other).toMatchObject({ code: "EBADF" });
		expect(other.message).toContain("open for reading");
		using held = await fsx.lock(reader, shared);
		expect(await failureOf(methods(held, form).upgrade())).toMatchObject({ code: "EBADF" });
		expect(held.mode).toBe("shared");
		expect(await failureOf(fsx.lock(1_000_000))).toMatchObject({ code: "EBADF" });
	},
);

onLinux("ETXTBSY")(
	"a program that runs can be locked shared alone",
	async ({ fsx, path, form }) => {
		fs.copyFileSync(Bun.which("sleep") ?? "", path("program"));
		fs.chmodSync(path("program"), 0o755);
		const child = Bun.spawn([path("program"), "60"]);
		try {
			const writing = await failureOf(fsx.lock(path("program")));
			expect(writing).toMatchObject({ code: "ETXTBSY", syscall: "open", path: path("program") });
			using held = await fsx.lock(path("program"), shared);
			const refused = await failureOf(methods(held, form).upgrade());
			expect(refused).toMatchObject({ code: "EBADF", path: path("program") });
		} finally {
			child.kill();
			await child.exited;
		}
	},
);

onLinux("fifos")("what is no file is refused and left alone", async ({ fsx, path, directory }) => {
	fs.mkdirSync(path("sub"));
	output("mkfifo", path("fifo"));
	fs.symlinkSync("fifo", path("link"));
	using dir = await fsx.openDir(path("sub"));
	for (const mode of ["shared", "exclusive"] as const) {
		for (const target of [path("sub"), dir.at("."), dir]) {
			expect(await failureOf(fsx.lock(target, { mode }))).toMatchObject({ code: "EISDIR" });
		}
		for (const target of [path("fifo"), path("link"), "/dev/null"]) {
			const error = await failureOf(fsx.tryLock(target, { mode }));
			expect(error).toMatchObject({ code: "EINVAL", path: target });
			expect(error.message).toMatch(/it is a (fifo|character device), not a file/);
		}
		expect(await failureOf(fsx.lock(path("none"), { mode }))).toMatchObject({ code: "ENOENT" });
	}
	// A writer that waits for a reader of the fifo has not been let in.
	const writer = Bun.spawn(["sh", "-c", 'echo waiting; echo text > "$0"', path("fifo")]);
	try {
		await writer.stdout.getReader().read();
		expect(await failureOf(fsx.lock(path("fifo"), shared))).toMatchObject({ code: "EINVAL" });
		const reader = fs.createReadStream(path("fifo"), "utf8");
		expect((await reader.toArray()).join("")).toBe("text\n");
	} finally {
		writer.kill();
	}
	expect(fs.readdirSync(directory).sort()).toEqual(["fifo", "link", "sub"]);
});

withSymlinks()(
	"locks of confined names",
	(given) =>
		confines(given, true, async (location) => {
			using held = await given.fsx.lock(location, { wait: false });
			expect(held.mode).toBe("exclusive");
		}),
	IN_MEMORY,
);

onLinux("names of any bytes")("names that are not UTF-8", async ({ fsx, path, directory }) => {
	const name = Buffer.concat([Buffer.from(`${directory}/`), Buffer.of(0xff, 0xc3)]);
	try {
		fs.writeFileSync(name, "");
	} catch {
		return skipped("names that are not UTF-8", `this filesystem does not take ${path("")}\\xff`);
	}
	using _ = await fsx.lock(name);
	expect(await fsx.tryLock(name)).toBeUndefined();
});

forms("what is refused before any call", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "");
	const refused: [options: object, code: RegExp][] = [
		[{ mode: "upgradable" }, /VALUE$/],
		[{ mode: 1 }, /VALUE$/],
		[{ range: 5 }, /TYPE$/],
		[{ range: {} }, /TYPE$/],
		[{ range: { offset: -1 } }, /RANGE$/],
		[{ range: { offset: 0.5 } }, /TYPE$|RANGE$/],
		[{ range: { offset: 0, length: 0 } }, /RANGE$/],
		[{ range: { offset: 2 ** 53 } }, /RANGE$|TYPE$/],
		[{ range: { offset: 2 ** 53 - 1, length: 1 } }, /RANGE$/],
		[{ range: { offset: 0, start: 1 } }, /VALUE$/],
		[{ mod: "shared" }, /VALUE$/],
	];
	const waits: [options: object, code: RegExp][] = [
		[{ wait: 1 }, /TYPE$/],
		[{ timeoutMs: -1 }, /RANGE$/],
		[{ timeoutMs: "5" }, /TYPE$/],
		[{ timeoutMs: Number.POSITIVE_INFINITY }, /TYPE$|RANGE$/],
		[{ signal: {} }, /TYPE$|VALUE$/],
	];
	for (const [options, code] of [...refused, ...waits]) {
		const error = await failureOf(fsx.lock(path("file"), options));
		expect([options, error.code]).toEqual([options, expect.stringMatching(code)]);
	}
	for (const [options, code] of refused) {
		expect((await failureOf(fsx.tryLock(path("file"), options))).code).toMatch(code);
	}
	expect((await failureOf(fsx.tryLock(path("file"), { wait: true } as object))).message).toContain(
		"known options: mode, range",
	);
	for (const wrong of [null, undefined, {}, path("a\0b"), 1.5, -1] as never[]) {
		expect((await failureOf(fsx.lock(wrong))).code).toStartWith("ERR_");
	}
	using held = await fsx.lock(path("file"), shared);
	for (const options of [{ timeoutMs: 0.5 }, { wait: false }] as object[]) {
		expect(() => held.upgradeSync(options)).toThrow("upgrade: ");
		expect(await failureOf(held.upgrade(options))).toMatchObject({
			code: expect.stringMatching(/^ERR_/),
		});
	}
	expect([openIn(directory), held.mode]).toEqual([1, "shared"]);
});

const LOCKF = `
import fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
try:
    fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, int(sys.argv[3]), int(sys.argv[2]))
    print("locked", flush=True)
    sys.stdin.read()
except OSError as error:
    print(error.errno == 11)
`;

/** A program in another language that locks a range by lockf(3) until its standard input ends. */
async function byLockf(path: string, offset: number, length: number) {
	const words = ["python3", "-c", LOCKF, path, String(offset), String(length)];
	const child = Bun.spawn(words, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
	const { value } = await child.stdout.getReader().read();
	return {
		said: new TextDecoder().decode(value).trim(),
		async [Symbol.asyncDispose]() {
			await child.stdin.end();
			await child.exited;
		},
	};
}

if (Bun.which("python3") === null || !Bun.spawnSync(["python3", "-c", "import fcntl"]).success) {
	skipped("lockf(3) of other programs", "there is no python3");
} else {
	forms("lockf(3) of other programs sees our locks, and we see theirs", async ({ fsx, path }) => {
		fs.writeFileSync(path("file"), "");
		{
			using _ = await fsx.lock(path("file"), range(10, 10));
			await using refused = await byLockf(path("file"), 19, 5);
			expect(refused.said).toBe("True");
			await using taken = await byLockf(path("file"), 20, 0);
			expect(taken.said).toBe("locked");
			expect(await fsx.tryLock(path("file"), range(100, 1))).toBeUndefined();
		}
		using whole = await fsx.lock(path("file"));
		await using refused = await byLockf(path("file"), 0, 1);
		expect([refused.said, whole.mode]).toEqual(["True", "exclusive"]);
	});
}

if (Bun.which("flock") === null) skipped("flock(1)", "it is not installed");
else {
	forms("flock(2) is another kind of lock", async ({ fsx, path }) => {
		fs.writeFileSync(path("file"), "");
		using _ = await fsx.lock(path("file"));
		expect(Bun.spawnSync(["flock", "-n", path("file"), "true"]).exitCode).toBe(0);
	});
}

onWindows("locks whatever a file is open for")(
	"any open file can be locked, but for one to look names up from",
	async ({ fsx, path, form }) => {
		fs.writeFileSync(path("file"), "");
		for (const flags of ["r", "a"] as const) {
			await using file = await fsx.open(path("file"), flags);
			const held = await fsx.lock(file);
			expect(await fsx.tryLock(path("file"), shared)).toBeUndefined();
			await methods(held, form).downgrade();
			(await fsx.lock(path("file"), shared)).releaseSync();
			await methods(held, form).upgrade();
			expect(held.mode).toBe("exclusive");
			await methods(held, form).release();
		}
		fs.mkdirSync(path("sub"));
		expect(await failureOf(fsx.lock(path("sub")))).toMatchObject({ code: "EISDIR" });
	},
);

onWindows("locks that keep others from reading and writing")(
	"content can be read and written beside a lock",
	async ({ fsx, path, form }) => {
		fs.writeFileSync(path("file"), "before");
		const held = await fsx.lock(path("file"));
		await fsx.writeFile(path("file"), "written");
		expect(fs.readFileSync(path("file"), "utf8")).toBe("written");
		await methods(held, form).release();
	},
);

onWindows("locks that can only be ended as they were made")(
	"a part of a lock is changed and released",
	async ({ fsx, path, form }) => {
		fs.writeFileSync(path("file"), "");
		await using file = await fsx.open(path("file"), "r+");
		await using other = await fsx.open(path("file"), "r+");
		const low = await fsx.lock(file, range(0, 100));
		const high = await fsx.lock(file, { ...shared, ...range(50, 100) });
		const free = async (offset: number, mode: "shared" | "exclusive") => {
			const found = await fsx.tryLock(other, { mode, ...range(offset, 1) });
			found?.releaseSync();
			return found !== undefined;
		};
		const seen = [];
		for (const at of [0, 49, 50, 99, 149, 150]) {
			seen.push([at, await free(at, "shared"), await free(at, "exclusive")]);
		}
		expect(seen).toEqual([
			[0, false, false],
			[49, false, false],
			[50, true, false],
			[99, true, false],
			[149, true, false],
			[150, true, true],
		]);
		// The other has what is in the way of the second; all stays as it was.
		const beside = await fsx.lock(other, { ...shared, ...range(60, 1) });
		const refused = await failureOf(methods(high, form).upgrade({ timeoutMs: 20 }));
		expect(refused).toMatchObject({ code: "ETIMEDOUT" });
		expect([await free(149, "shared"), await free(149, "exclusive")]).toEqual([true, false]);
		await methods(beside, form).release();
		await methods(high, form).upgrade();
		expect([await free(50, "shared"), await free(49, "shared")]).toEqual([false, false]);
		await methods(high, form).release();
		expect([await free(50, "exclusive"), await free(49, "shared")]).toEqual([true, false]);
		await methods(low, form).release();
		expect(await free(0, "exclusive")).toBe(true);
	},
);

onWindows("descriptors that are not the numbers of the system")(
	"a lock of a descriptor from node:fs",
	async ({ fsx, path, form }) => {
		fs.writeFileSync(path("file"), "");
		for (const isClosed of [false, true]) {
			const fd = fs.openSync(path("file"), "r+");
			const held = await fsx.lock(fd, range(0, 5));
			expect(await fsx.tryLock(path("file"))).toBeUndefined();
			if (isClosed) fs.closeSync(fd);
			await methods(held, form).release();
			(await fsx.lock(path("file"))).releaseSync();
			if (!isClosed) fs.closeSync(fd);
		}
	},
);
