import { dlopen } from "bun:ffi";
import { expect, test } from "bun:test";
import fs from "node:fs";
import { major, makeDevice, minor } from "../src/index.ts";
import { confines, IN_MEMORY } from "./confined.ts";
import { errno } from "./fault-scenarios.ts";
import { filesystem } from "./filesystems.ts";
import { runScript } from "./fixtures/run.ts";
import { failureOf, forms, type Given, onLinux, onWindows, skipped } from "./forms.ts";
import { interpose } from "./interposed.ts";
import { rootForms } from "./root.ts";
import { output } from "./witnesses.ts";

/** What stat(1) says: kind, permissions, and major and minor in hexadecimal. */
function seen(file: string): string {
	return output("stat", "-c", "%F %a %t:%T", file).trim();
}

/** Runs a body under another mask. */
async function masked(mask: number, body: () => Promise<void>): Promise<void> {
	const before = process.umask(mask);
	try {
		await body();
	} finally {
		process.umask(before);
	}
}

/** Pairs at the edges of each field, with the numbers that glibc's makedev(3) makes of them. */
const pairs: [major: number, minor: number, device: bigint][] = [
	[0, 0, 0n],
	[1, 3, 0x103n],
	[8, 300, 0x10082cn],
	[259, 70000, 0x11110370n],
	[4095, 1048575, 0xffffffffn],
	[4096, 0, 0x100000000000n],
	[0, 1048576, 0x100000000n],
	[0xffffffff, 0, 0xfffff000000fff00n],
	[0, 0xffffffff, 0xffffff000ffn],
	[0xffffffff, 0xffffffff, 0xffffffffffffffffn],
];

test("major and minor numbers go into a device number and come out again", () => {
	for (const [high, low, device] of pairs) {
		expect([high, low, makeDevice(high, low)]).toEqual([high, low, device]);
		expect([device, major(device), minor(device)]).toEqual([device, high, low]);
		if (device > BigInt(Number.MAX_SAFE_INTEGER)) continue;
		expect([major(Number(device)), minor(Number(device))]).toEqual([high, low]);
	}
	for (let bit = 0; bit < 32; bit++) {
		const half = 2 ** bit;
		expect([major(makeDevice(half, 0)), minor(makeDevice(half, 0))]).toEqual([half, 0]);
		expect([major(makeDevice(0, half)), minor(makeDevice(0, half))]).toEqual([0, half]);
	}
});

const libc = (() => {
	try {
		const makedev = { args: ["u32", "u32"], returns: "u64" } as const;
		return dlopen("libc.so.6", { gnu_dev_makedev: makedev }).symbols;
	} catch {
		return undefined;
	}
})();

if (libc === undefined) {
	skipped("device numbers are those of glibc", "there is no glibc here");
} else {
	test("device numbers are those of glibc", () => {
		const theirs = pairs.map(([high, low]) => libc.gnu_dev_makedev(high, low));
		expect(pairs.map(([high, low]) => makeDevice(high, low))).toEqual(theirs);
	});
}

onLinux("/dev", test)("major and minor of what stat gives, here and in node:fs", () => {
	const { rdev } = fs.statSync("/dev/null");
	expect([major(rdev), minor(rdev)]).toEqual([1, 3]);
	const big = fs.statSync("/dev/null", { bigint: true }).rdev;
	expect([major(big), minor(big)]).toEqual([1, 3]);
	const { dev } = fs.statSync("/");
	expect(`${major(dev)}:${minor(dev)}`).toBe(output("mountpoint", "-d", "/").trim());
});

test("device numbers that there are not", () => {
	for (const half of [-1, 2 ** 32, 1.5, Number.NaN]) {
		expect(() => makeDevice(half, 0)).toThrow(RangeError);
		expect(() => makeDevice(0, half)).toThrow(RangeError);
	}
	for (const half of ["1", 1n, undefined, null] as never[]) {
		expect(() => makeDevice(half, 0)).toThrow(TypeError);
	}
	for (const device of [-1n, 2n ** 64n, -1, 2 ** 53, 0.5]) {
		expect(() => major(device)).toThrow(RangeError);
		expect(() => minor(device)).toThrow(RangeError);
	}
	for (const device of ["259", undefined, null, {}] as never[]) {
		expect(() => major(device)).toThrow(TypeError);
		expect(() => minor(device)).toThrow(TypeError);
	}
});

onLinux("fifos")("fifos, sockets and files, less the mask", async ({ fsx, path, directory }) => {
	using dir = await fsx.openDir(directory);
	using confined = await fsx.openDir(directory, { beneath: true });
	await masked(0o027, async () => {
		await fsx.mkfifo(path("fifo"));
		await fsx.mkfifo(dir.at("at"), 0o600);
		await fsx.mkfifo(confined.at("confined"), 0o777);
		await fsx.mknod(Buffer.from(path("bytes")), { type: "fifo", mode: 0 });
		await fsx.mknod(path("socket"), { type: "socket" });
		await fsx.mknod(path("file"), { type: "file", mode: 0o777 });
	});
	expect(seen(path("fifo"))).toBe("fifo 640 0:0");
	expect(seen(path("at"))).toBe("fifo 600 0:0");
	expect(seen(path("confined"))).toBe("fifo 750 0:0");
	expect(seen(path("bytes"))).toBe("fifo 0 0:0");
	expect(seen(path("socket"))).toBe("socket 640 0:0");
	expect(seen(path("file"))).toBe("regular empty file 750 0:0");
	expect((await fsx.stat(path("socket"))).kind).toBe("socket");
});

onLinux("fifos")("what is written to a fifo comes out of it", async ({ fsx, path }) => {
	await fsx.mkfifo(path("fifo"), 0o600);
	const writer = Bun.spawn(["sh", "-c", 'echo through > "$0"', path("fifo")]);
	const reader = Bun.spawn(["cat", path("fifo")], { stdout: "pipe" });
	expect(await reader.stdout.text()).toBe("through\n");
	expect(await writer.exited).toBe(0);
});

onLinux("permissions")("set-user-id, set-group-id and sticky are kept", async ({ fsx, path }) => {
	await masked(0o022, async () => {
		for (const bits of [0o1000, 0o2000, 0o4000, 0o7000]) {
			const mode = (bits | 0o755).toString(8);
			await fsx.mknod(path(`file${mode}`), { type: "file", mode: bits | 0o777 });
			await fsx.mkfifo(path(`fifo${mode}`), bits | 0o777);
			await fsx.mkdir(path(`directory${mode}`), { mode: bits | 0o777 });
			await fsx.mkdir(path(`a/b/${mode}`), { mode: bits | 0o777, recursive: true });
			expect(seen(path(`file${mode}`))).toBe(`regular empty file ${mode} 0:0`);
			expect(seen(path(`fifo${mode}`))).toBe(`fifo ${mode} 0:0`);
			expect(seen(path(`directory${mode}`))).toBe(`directory ${mode} 0:0`);
			expect(seen(path(`a/b/${mode}`))).toBe(`directory ${mode} 0:0`);
			expect(seen(path("a/b"))).toBe("directory 755 0:0");
		}
	});
});

onLinux("its calls")(
	"what takes the place of what was made gets no special bits",
	async ({ fsx, path }) => {
		fs.writeFileSync(path("program"), "", { mode: 0o755 });
		fs.writeFileSync(path("single"), "", { mode: 0o755 });
		for (const [take, make] of [
			[fs.linkSync, () => fsx.mkdir(path("new"), { mode: 0o6755 })],
			[fs.renameSync, () => fsx.mkdir(path("new"), { mode: 0o6755 })],
			[fs.linkSync, () => fsx.mknod(path("new"), { type: "file", mode: 0o4755 })],
		] as const) {
			fs.writeFileSync(path("single"), "", { mode: 0o755 });
			const program = path(take === fs.linkSync ? "program" : "single");
			const fd = fs.openSync(program, "r");
			try {
				await using _ = await interpose((name, _call, make) => {
					const result = make();
					if (name === "mkdirat" || name === "mknodat") {
						fs.rmSync(path("new"), { recursive: true });
						take(program, path("new"));
					}
					return result;
				});
				expect(await failureOf(make())).toMatchObject({ code: "EAGAIN", path: path("new") });
				expect((fs.fstatSync(fd).mode & 0o7777).toString(8)).toBe("755");
			} finally {
				fs.closeSync(fd);
				fs.rmSync(path("new"), { force: true });
			}
		}
	},
);

onLinux("its calls")("special bits where the kernel has no fchmodat2", async ({ fsx, path }) => {
	await using _ = await interpose((name, _call, make) =>
		name === "fchmodat2" ? errno("ENOSYS") : make(),
	);
	await fsx.mkdir(path("new"), { mode: 0o5700 });
	expect(seen(path("new"))).toBe("directory 5700 0:0");
	const fd = fs.openSync(path("new"), "r");
	fs.closeSync(fd);
	expect(await failureOf(fsx.chmod(fd, 0o700))).toMatchObject({ code: "EBADF", syscall: "fchmod" });
});

onLinux("permissions")(
	"a directory hands set-group-id down, whatever mode is asked for",
	async ({ fsx, path }) => {
		fs.mkdirSync(path("shared"));
		fs.chmodSync(path("shared"), 0o2755);
		// A filesystem in user space may not do so.
		fs.mkdirSync(path("shared/node"), 0o700);
		const handed = fs.statSync(path("shared/node")).mode & 0o2000;
		await fsx.mkdir(path("shared/one"), { mode: 0o700 });
		await fsx.mkdir(path("shared/two"), { mode: 0o5700 });
		expect(seen(path("shared/one"))).toBe(`directory ${(handed | 0o700).toString(8)} 0:0`);
		expect(seen(path("shared/two"))).toBe(`directory ${(handed | 0o5700).toString(8)} 0:0`);
	},
);

async function makesDevice({ fsx, path }: Given, device: bigint): Promise<void> {
	for (const [type, kind] of [
		["char", "character"],
		["block", "block"],
	] as const) {
		const file = path(`${type}${device}`);
		await fsx.mknod(file, { type, device, mode: 0o600 });
		const numbers = `${major(device).toString(16)}:${minor(device).toString(16)}`;
		expect(seen(file)).toBe(`${kind} special file 600 ${numbers}`);
		expect((await fsx.stat(file)).rdev).toBe(device);
		expect(fs.statSync(file, { bigint: true }).rdev).toBe(device);
	}
}

rootForms("devices", async (given) => {
	for (const [high, low] of [
		[1, 3],
		[8, 300],
		[259, 70000],
	] as const) {
		await makesDevice(given, makeDevice(high, low));
	}
	const { fsx, path } = given;
	await fsx.mknod(path("null"), { type: "char", device: fs.statSync("/dev/null").rdev });
	expect(seen(path("null"))).toEndWith("1:3");
});

// Others keep fewer bits (xfs), or have a meaning of their own for 0:0 (overlay).
for (const name of ["ext4", "btrfs", "tmpfs"] as const) {
	filesystem(name).forms("devices up to the largest that Linux has", async (given) => {
		for (const [high, low, device] of pairs) {
			if (device <= 0xffffffffn) {
				await makesDevice(given, device);
				continue;
			}
			const file = given.path("larger");
			const error = await failureOf(given.fsx.mknod(file, { type: "char", device }));
			expect(error).toBeInstanceOf(RangeError);
			expect(error.code).toBe("ERR_OUT_OF_RANGE");
			expect(error.message).toContain(`${high}:${low}`);
			expect(fs.existsSync(file)).toBe(false);
		}
	});
}

/** What a user without privileges gets: the codes of the calls, one after the other. */
async function asNobody({ directory, form }: Given, calls: string): Promise<unknown> {
	fs.chmodSync(directory, 0o777);
	const script = `
		import * as library from "library";
		const [form, path] = process.argv.slice(-2);
		process.setgid(65534);
		process.setuid(65534);
		const fsx = (name) => async (...args) => library[form === "sync" ? name + "Sync" : name](...args);
		const code = (promise) => promise.then(() => "done", (error) => error.code);
		console.log(JSON.stringify(await (async () => ${calls})()));`;
	return JSON.parse(await runScript(script, form, `${directory}/`));
}

rootForms("without privileges there are fifos and no devices", async (given) => {
	const calls = `[
		await code(fsx("mkfifo")(path + "fifo", 0o4644)),
		await code(fsx("mknod")(path + "device", { type: "char", device: 259n })),
		await code(fsx("mkdir")(path + "directory", { mode: 0o7755 })),
	]`;
	expect(await asNobody(given, calls)).toEqual(["done", "EPERM", "done"]);
	expect(seen(given.path("fifo"))).toBe("fifo 4644 0:0");
	expect(seen(given.path("directory"))).toBe("directory 7755 0:0");
	expect(fs.readdirSync(given.directory).sort()).toEqual(["directory", "fifo"]);
});

rootForms("a filesystem without fifos says so", async ({ fsx }) => {
	const error = await failureOf(fsx.mkfifo("/sys/fsx-test-fifo"));
	expect(error).toMatchObject({ code: "EPERM", syscall: "mknod", path: "/sys/fsx-test-fifo" });
	expect(error.message).toContain("the filesystem has no such file as a fifo");
});

onWindows("what it has no files for")("mknod makes files, and names pipes", async (given) => {
	const { fsx, path, directory } = given;
	using dir = await fsx.openDir(directory);
	using confined = await fsx.openDir(directory, { beneath: true });
	await fsx.mknod(path("file"), { type: "file" });
	await fsx.mknod(dir.at("at"), { type: "file", mode: 0o444 });
	await fsx.mknod(confined.at("confined"), { type: "file", mode: 0o600 });
	expect(fs.readdirSync(directory).sort()).toEqual(["at", "confined", "file"]);
	expect(fs.statSync(path("file")).size).toBe(0);
	expect((await fsx.stat(path("at"))).permissions).toBe(0o444);
	fs.chmodSync(path("at"), 0o666);
	for (const location of [path("file"), confined.at("file")]) {
		const taken = await failureOf(fsx.mknod(location, { type: "file" }));
		expect(taken).toMatchObject({ code: "EEXIST", syscall: "mknod" });
	}
	const out = fsx.mknod(confined.at("../out"), { type: "file" });
	expect((await failureOf(out)).code).toBe("EXDEV");
	const made = [
		fsx.mkfifo(path("new")),
		fsx.mknod(path("new"), { type: "socket" }),
		fsx.mknod(path("new"), { type: "char", device: makeDevice(1, 3) }),
		fsx.mknod(path("new"), { type: "block", device: 0 }),
	];
	for (const promise of made) {
		const error = await failureOf(promise);
		expect(error).toMatchObject({ code: "ENOTSUP", syscall: "mknod", path: path("new") });
		expect(error.message).toContain(String.raw`\\.\pipe\name`);
	}
	expect(fs.existsSync(path("new"))).toBe(false);
});

onLinux("fifos")("what the system refuses", async ({ fsx, path }) => {
	await fsx.mkfifo(path("there"));
	for (const [name, code] of [
		["there", "EEXIST"],
		["no/fifo", "ENOENT"],
		["there/fifo", "ENOTDIR"],
	] as const) {
		const error = await failureOf(fsx.mkfifo(path(name), 0o4600));
		expect(error).toMatchObject({ code, syscall: "mknod", path: path(name) });
		expect(error.constructor.name).toBe("FsError");
	}
});

forms("what is refused before any call", async ({ fsx, path, directory }) => {
	const code = async (promise: Promise<unknown>) => (await failureOf(promise)).code;
	const location = path("fifo");
	for (const mode of [-1, 0o10000, 1.5]) {
		expect(await code(fsx.mkfifo(location, mode))).toBe("ERR_OUT_OF_RANGE");
	}
	for (const mode of ["600", null, 6n] as never[]) {
		expect(await code(fsx.mkfifo(location, mode))).toBe("ERR_INVALID_ARG_TYPE");
	}
	for (const options of [
		undefined,
		{},
		{ type: "pipe" },
		{ type: "char" },
		{ type: "block", mode: 0o600 },
		{ type: "fifo", device: 1n },
		{ type: "file", device: 0 },
		{ type: "char", device: "1" },
		{ type: "fifo", rdev: 1 },
	] as never[]) {
		expect([options, await code(fsx.mknod(location, options))]).toEqual([
			options,
			"ERR_INVALID_ARG_VALUE",
		]);
	}
	for (const options of [null, "fifo", { type: "fifo", mode: "600" }] as never[]) {
		expect(await code(fsx.mknod(location, options))).toBe("ERR_INVALID_ARG_TYPE");
	}
	for (const device of [-1, -1n, 2n ** 64n, 0.5, 2 ** 53]) {
		expect(await code(fsx.mknod(location, { type: "char", device }))).toBe("ERR_OUT_OF_RANGE");
	}
	expect(await code(fsx.mkfifo(undefined as never))).toBe("ERR_INVALID_ARG_TYPE");
	expect(await code(fsx.mkfifo("a\0b"))).toBe("ERR_INVALID_ARG_VALUE");
	expect(fs.readdirSync(directory)).toEqual([]);
});

onLinux("fifos")(
	"fifos confined",
	async (given) => {
		await confines(given, false, (location) => given.fsx.mkfifo(location, 0o4600));
	},
	IN_MEMORY,
);
