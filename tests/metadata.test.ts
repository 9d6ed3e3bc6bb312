import { type Pointer, read } from "bun:ffi";
import { expect, spyOn, test } from "bun:test";
import fs from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { alignedBuffer, type Times, utimesSync } from "../src/index.ts";
import { system } from "../src/sys/index.ts";
import { statx } from "../src/sys/linux/layouts.ts";
import { confines } from "./confined.ts";
import { methods } from "./file-forms.ts";
import { filesystem } from "./filesystems.ts";
import {
	failureOf,
	forms,
	HERE_AND_IN_MEMORY,
	IN_MEMORY,
	lacksUnderWine,
	MAKES_SYMLINKS,
	notUnderWine,
	ON_WINDOWS,
	onLinux,
	onWindows,
	UNDER_WINE,
	withSymlinks,
} from "./forms.ts";
import { interpose } from "./interposed.ts";
import { errnoOf, failsAsNode } from "./node-errors.ts";
import { output } from "./witnesses.ts";

/** What stat(1) prints for a format, of a link itself if it is one. */
function printed(format: string, file: string): string {
	return Bun.spawnSync(["stat", "-c", format, file]).stdout.toString().trim();
}

/** Whether looking at a file, as node:fs does it, leaves alone when it was read: not so under Wine. */
const LOOKS_ONLY = !UNDER_WINE;
if (!LOOKS_ONLY) console.log("left out: the time of reading, which node:fs changes under Wine");

const permissions = (file: string) => fs.statSync(file).mode & 0o7777;

forms("stat agrees with node:fs", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "content");
	const named = [
		["file", true],
		[".", true],
	] as [string, boolean][];
	if (MAKES_SYMLINKS) {
		fs.symlinkSync("file", path("link"));
		named.push(["link", true], ["link", false]);
	}
	for (const [name, follow] of named) {
		const ours = await fsx.stat(path(name), { follow });
		const theirs = (follow ? fs.statSync : fs.lstatSync)(path(name), { bigint: true });
		for (const field of ["ino", "dev", "rdev", "mtimeNs", "ctimeNs", "atimeNs"] as const) {
			if (field === "atimeNs" && !LOOKS_ONLY) continue;
			expect([name, field, ours[field]]).toEqual([name, field, theirs[field]]);
		}
		for (const field of ["mode", "nlink", "uid", "gid", "size", "blocks"] as const) {
			expect([name, field, BigInt(ours[field])]).toEqual([name, field, theirs[field]]);
		}
	}
});

forms("stat fails as in Node", async ({ fsx, path }) => {
	const { stat } = fsx;
	await failsAsNode(stat(path("nothing")), () => fs.statSync(path("nothing")));
	await failsAsNode(stat(path("no"), { follow: false }), () => fs.lstatSync(path("no")));
	await failsAsNode(stat(1_000_000), () => fs.fstatSync(1_000_000));
	const error = await failureOf(stat(path("nothing")));
	expect(error).toMatchObject({ code: "ENOENT", errno: errnoOf("ENOENT"), syscall: "stat" });
	expect(error.message).toBe(`ENOENT: no such file or directory, stat '${path("nothing")}'`);
});

onLinux("stat(1)")("the time of birth, as stat(1) has it", async ({ fsx, path, directory }) => {
	const before = BigInt(Date.now() - 1000) * 1_000_000n;
	fs.writeFileSync(path("file"), "");
	await fsx.utimes(path("file"), { atime: 0, mtime: 0 });
	using dir = await fsx.openDir(directory);
	for (const target of [path("file"), dir.at("file")]) {
		const { birthtimeNs, birthtime } = await fsx.stat(target);
		if (printed("%w", path("file")) === "-") {
			expect([birthtimeNs, birthtime]).toEqual([undefined, undefined]);
			continue;
		}
		if (birthtimeNs === undefined) throw new Error("this filesystem keeps the time of birth");
		expect(birthtimeNs).toBeGreaterThan(before);
		const seconds = birthtimeNs / 1_000_000_000n;
		expect(printed("%W", path("file"))).toBe(String(seconds));
		expect(birthtime?.getTime()).toBe(Number(birthtimeNs / 1_000_000n));
	}
	const error = await failureOf(fsx.utimes(path("file"), { birthtime: "now", mtime: 1 }));
	expect(error).toMatchObject({ code: "ENOTSUP", path: path("file") });
	expect((await fsx.stat(path("file"))).mtimeNs).toBe(0n);
});

forms("the time of birth, as node:fs has it", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "");
	const { birthtimeNs } = fs.statSync(path("file"), { bigint: true });
	using dir = await fsx.openDir(directory);
	for (const target of [path("file"), dir.at("file")]) {
		const found = await fsx.stat(target);
		// Where the filesystem does not keep it, node:fs has another time or 0.
		if (found.birthtimeNs !== undefined) expect(found.birthtimeNs).toBe(birthtimeNs);
	}
});

onWindows("the time of birth can be set", lacksUnderWine("setting the time of birth"))(
	"the time of birth is set",
	async ({ fsx, path }) => {
		fs.writeFileSync(path("file"), "");
		const { mtimeNs } = await fsx.stat(path("file"));
		await fsx.utimes(path("file"), { birthtime: 1_234_567_800n });
		expect(await fsx.stat(path("file"))).toMatchObject({ birthtimeNs: 1_234_567_800n, mtimeNs });
		expect(fs.statSync(path("file"), { bigint: true }).birthtimeNs).toBe(1_234_567_800n);
	},
);

onWindows("modes say only whether anybody may write")(
	"chmod makes a file read-only, or not",
	async ({ fsx, path, directory }) => {
		fs.writeFileSync(path("file"), "content");
		fs.mkdirSync(path("folder"));
		const fd = fs.openSync(path("file"), "r");
		using dir = await fsx.openDir(directory, { beneath: true });
		try {
			const targets = [path("file"), dir.at("file"), fd];
			// Wine takes away the right to change a directory, but does not show it as read-only.
			if (!UNDER_WINE) targets.push(path("folder"));
			for (const target of targets) {
				for (const [mode, seen] of [
					[0, 0o444],
					[0o7777, 0o666],
					[0o555, 0o444],
					[0o200, 0o666],
				] as const) {
					const name = target === path("folder") ? target : path("file");
					// Wine opens no read-only file to change its attributes.
					if (UNDER_WINE) fs.chmodSync(name, 0o666);
					await fsx.chmod(target, mode);
					expect((await fsx.stat(target)).permissions).toBe(seen);
					expect(permissions(name)).toBe(seen);
				}
			}
			await fsx.chmod(path("file"), 0o444);
			const error = await failureOf(fsx.open(path("file"), "r+"));
			expect(error).toMatchObject({ code: "EPERM", osCode: expect.any(Number) });
		} finally {
			fs.closeSync(fd);
		}
	},
);

onLinux("modes")(
	"chmod, with set-user-id, set-group-id and sticky",
	async ({ fsx, path, directory }) => {
		fs.writeFileSync(path("file"), "");
		const fd = fs.openSync(path("file"), "r");
		using dir = await fsx.openDir(directory);
		using confined = await fsx.openDir(directory, { beneath: true });
		try {
			const targets = [
				path("file"),
				Buffer.from(path("file")),
				dir.at("file"),
				confined.at("file"),
				fd,
			];
			for (const target of targets) {
				for (const mode of [0, 0o7777, 0o4711, 0o2755, 0o1777, 0o600]) {
					await fsx.chmod(target, mode);
					expect(permissions(path("file"))).toBe(mode);
					expect(printed("%a", path("file"))).toBe(mode.toString(8));
					expect((await fsx.stat(target)).permissions).toBe(mode);
				}
			}
			await fsx.chmod(dir, 0o1700);
			expect(permissions(directory)).toBe(0o1700);
		} finally {
			fs.closeSync(fd);
		}
	},
);

onLinux("modes")("chmod that does not follow", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "", { mode: 0o644 });
	fs.symlinkSync("file", path("link"));
	fs.symlinkSync("nothing", path("dangling"));
	using dir = await fsx.openDir(directory, { beneath: true });
	for (const link of [path("link"), path("dangling"), dir.at("link")]) {
		const error = await failureOf(fsx.chmod(link, 0o600, { follow: false }));
		expect(error).toMatchObject({ code: "ENOTSUP", errno: -95, syscall: "lchmod" });
		expect(error.message).toContain("no mode of its own");
	}
	expect(permissions(path("file"))).toBe(0o644);
	await fsx.chmod(path("file"), 0o4600, { follow: false });
	expect(permissions(path("file"))).toBe(0o4600);
	await fsx.chmod(path("link"), 0o640);
	expect(permissions(path("file"))).toBe(0o640);
	await failsAsNode(fsx.chmod(path("dangling"), 0o600), () =>
		fs.chmodSync(path("dangling"), 0o600),
	);
});

/** What a system keeps of a time: Windows 100 ns, cut towards the past. */
function kept(time: bigint): bigint {
	if (!ON_WINDOWS) return time;
	return time - (((time % 100n) + 100n) % 100n);
}

const times: [given: Times["mtime"], set: bigint][] = [
	[0, 0n],
	[0n, 0n],
	[-1n, -1n],
	[1n, 1n],
	[-1_000_000_000n, -1_000_000_000n],
	[-1_000_000_001n, -1_000_000_001n],
	[1_234_567_890_123_456_789n, 1_234_567_890_123_456_789n],
	[1.5, 1_500_000n],
	[-0.5, -500_000n],
	[0.000001, 1n],
	[-0.000001, -1n],
	[1700000000000.25, 1_700_000_000_000_250_000n],
	[new Date(1234), 1_234_000_000n],
	[new Date(-1), -1_000_000n],
	[new Date("1969-07-20T20:17:40.123Z"), -14_182_939_877_000_000n],
];

for (const [where, root] of HERE_AND_IN_MEMORY) {
	forms(
		`utimes to the nanosecond, before 1970 too, ${where}`,
		async ({ fsx, path, directory }) => {
			fs.writeFileSync(path("file"), "");
			const fd = fs.openSync(path("file"), "r");
			using dir = await fsx.openDir(directory, { beneath: true });
			try {
				for (const [given, exact] of times) {
					const set = kept(exact);
					for (const target of [path("file"), dir.at("file"), fd]) {
						await fsx.utimes(target, { atime: 77n, mtime: 88n });
						await fsx.utimes(target, { mtime: given });
						expect((await fsx.stat(target)).mtimeNs).toBe(set);
						await fsx.utimes(target, { atime: given, mtime: undefined });
						// What node:fs says of times before 1970 is wrong there.
						if (ON_WINDOWS && set < 0n) continue;
						const { atimeNs, mtimeNs } = fs.statSync(path("file"), { bigint: true });
						expect(mtimeNs).toBe(set);
						if (!LOOKS_ONLY) continue;
						expect(atimeNs).toBe(set);
						expect((await fsx.stat(target)).atimeNs).toBe(set);
					}
					if (ON_WINDOWS) continue;
					const seconds =
						(set - (((set % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n)) / 1_000_000_000n;
					expect(printed("%Y", path("file"))).toBe(String(seconds));
				}
			} finally {
				fs.closeSync(fd);
			}
		},
		root,
	);
}

forms("utimes: now, and nothing at all", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	await fsx.utimes(path("file"), { atime: 500n, mtime: 600n });
	const { ctimeNs } = await fsx.stat(path("file"));
	await fsx.utimes(path("file"), {});
	expect(await fsx.stat(path("file"))).toMatchObject({ atimeNs: 500n, mtimeNs: 600n, ctimeNs });
	const before = Date.now();
	await fsx.utimes(path("file"), { mtime: "now" });
	const found = await fsx.stat(path("file"));
	expect(found.atimeNs).toBe(500n);
	// The kernel's clock for files goes in ticks, which may lie a little behind.
	expect(Math.abs(Number(found.mtimeNs / 1_000_000n) - before)).toBeLessThan(5000);
	await fsx.utimes(path("file"), { atime: "now", mtime: 900n });
	expect((await fsx.stat(path("file"))).mtimeNs).toBe(900n);
	expect((await fsx.stat(path("file"))).atimeNs).toBeGreaterThan(500n);
});

withSymlinks()("utimes of a link itself", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	fs.symlinkSync("file", path("link"));
	await fsx.utimes(path("file"), { mtime: 100n });
	await fsx.utimes(path("link"), { mtime: 200n }, { follow: false });
	expect(fs.lstatSync(path("link"), { bigint: true }).mtimeNs).toBe(200n);
	expect(fs.statSync(path("file"), { bigint: true }).mtimeNs).toBe(100n);
	await fsx.utimes(path("link"), { mtime: 300n });
	expect((await fsx.stat(path("link"), { follow: false })).mtimeNs).toBe(200n);
	expect((await fsx.stat(path("link"))).mtimeNs).toBe(300n);
});

forms("access of what is there, and of what is not", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "");
	using dir = await fsx.openDir(directory, { beneath: true });
	for (const location of [path("file"), dir.at("file"), Buffer.from(path("file")), directory]) {
		await fsx.access(location);
		await fsx.access(location, { read: true, write: true });
	}
	fs.chmodSync(path("file"), 0o444);
	if (process.getuid?.() !== 0) {
		const error = await failureOf(fsx.access(path("file"), { write: true }));
		expect(error).toMatchObject({ code: "EACCES", errno: errnoOf("EACCES"), syscall: "access" });
	}
	await fsx.access(path("file"), { read: true });
	expect((await failureOf(fsx.access(dir.at("../x")))).code).toBe("EXDEV");
	await failsAsNode(fsx.access(path("nothing")), () => fs.accessSync(path("nothing")));
	fs.chmodSync(path("file"), 0o666);
});

onLinux("modes")("access", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "", { mode: 0o644 });
	fs.symlinkSync("file", path("link"));
	fs.symlinkSync("nothing", path("dangling"));
	using dir = await fsx.openDir(directory, { beneath: true });
	for (const location of [path("file"), path("link"), dir.at("link"), Buffer.from(path("file"))]) {
		await fsx.access(location);
		await fsx.access(location, { read: true, write: true, execute: false });
		// Also root may not run what nobody may.
		const error = await failureOf(fsx.access(location, { read: true, execute: true }));
		expect(error).toMatchObject({ code: "EACCES", errno: -13, syscall: "access" });
	}
	fs.chmodSync(path("file"), 0o100);
	await fsx.access(path("file"), { execute: true });
	await fsx.access(directory, { execute: true, read: true });
	await fsx.access(path("dangling"), { follow: false });
	expect((await failureOf(fsx.access(path("dangling")))).code).toBe("ENOENT");
	expect((await failureOf(fsx.access(dir.at("../x")))).code).toBe("EXDEV");
	await failsAsNode(fsx.access(path("nothing")), () => fs.accessSync(path("nothing")));
	await failsAsNode(fsx.access(path("file/below")), () => fs.accessSync(path("file/below")));
	await failsAsNode(fsx.access("/proc/version", { write: true, execute: true }), () =>
		fs.accessSync("/proc/version", fs.constants.X_OK | fs.constants.W_OK),
	);
});

forms("chmod and utimes fail as in Node", async ({ fsx, path }) => {
	const missing = path("nothing");
	const zero = { atime: 0, mtime: 0 };
	await failsAsNode(fsx.chmod(missing, 0o600), () => fs.chmodSync(missing, 0o600));
	await failsAsNode(fsx.chmod(1_000_000, 0o600), () => fs.fchmodSync(1_000_000, 0o600));
	await failsAsNode(fsx.utimes(missing, zero), () => fs.utimesSync(missing, 0, 0));
	await failsAsNode(fsx.utimes(missing, zero, { follow: false }), () =>
		fs.lutimesSync(missing, 0, 0),
	);
	await failsAsNode(fsx.utimes(1_000_000, zero), () => fs.futimesSync(1_000_000, 0, 0));
});

forms("what is refused before any call", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "", { mode: 0o644 });
	await fsx.utimes(path("file"), { atime: 100n, mtime: 100n });
	const before = permissions(path("file"));
	const file = path("file");
	const code = async (promise: Promise<unknown>) => (await failureOf(promise)).code;
	for (const mode of [-1, 0o10000, 1.5, Number.NaN]) {
		expect([mode, await code(fsx.chmod(file, mode))]).toEqual([mode, "ERR_OUT_OF_RANGE"]);
	}
	for (const mode of ["600", undefined, null, 6n] as never[]) {
		expect(await code(fsx.chmod(file, mode))).toBe("ERR_INVALID_ARG_TYPE");
	}
	for (const time of [
		Number.NaN,
		Number.POSITIVE_INFINITY,
		new Date(Number.NaN),
		"yesterday",
		null,
		(1n << 63n) * 1_000_000_000n,
		-(1n << 63n) * 1_000_000_000n - 1n,
		Number.MAX_VALUE,
	]) {
		const setting = fsx.utimes(file, { atime: 2n, mtime: time as never });
		expect([time, await code(setting)]).toEqual([time, expect.stringMatching(/^ERR_/)]);
	}
	for (const wrong of [undefined, null, 0, "now"] as never[]) {
		expect(await code(fsx.utimes(file, wrong))).toBe("ERR_INVALID_ARG_TYPE");
	}
	expect(await code(fsx.utimes(file, { ctime: 0 } as never))).toBe("ERR_INVALID_ARG_VALUE");
	for (const options of [{ follow: 0 }, { folow: true }, null, true] as never[]) {
		expect(await code(fsx.stat(file, options))).toMatch(/^ERR_INVALID_ARG/);
		expect(await code(fsx.chmod(file, 0, options))).toMatch(/^ERR_INVALID_ARG/);
		expect(await code(fsx.utimes(file, { mtime: 2n }, options))).toMatch(/^ERR_INVALID_ARG/);
		expect(await code(fsx.access(file, options))).toMatch(/^ERR_INVALID_ARG/);
	}
	expect(await code(fsx.stat(file, { sync: "yes" as never }))).toMatch(/^ERR_INVALID_ARG/);
	for (const [target, expected] of [
		["a\0b", "ERR_INVALID_ARG_VALUE"],
		[Uint8Array.of(97, 0), "ERR_INVALID_ARG_VALUE"],
		[new URL("http://localhost/"), "ERR_INVALID_URL_SCHEME"],
	] as const) {
		expect(await code(fsx.stat(target))).toBe(expected);
		expect(await code(fsx.access(target))).toBe(expected);
	}
	for (const fd of [-1, 2 ** 31, 0.5]) {
		expect(await code(fsx.stat(fd))).toBe("ERR_OUT_OF_RANGE");
	}
	if (LOOKS_ONLY) expect((await fsx.stat(file)).atimeNs).toBe(100n);
	expect(await fsx.stat(file)).toMatchObject({ mtimeNs: 100n, permissions: before });
});

for (const follow of [true, false]) {
	forms(
		`stat and access confined, follow: ${follow}`,
		async (given) => {
			await confines(given, follow, async (location) => {
				const { kind } = await given.fsx.stat(location, { follow });
				if (!follow && kind === "symlink") await given.fsx.access(location, { follow });
				await given.fsx.stat(location, { follow, sync: "force" });
			});
			const path = (name: string) => given.path(`access-${name}`);
			await confines({ ...given, path }, follow, (location) =>
				given.fsx.access(location, { follow, read: true }),
			);
		},
		IN_MEMORY,
	);

	forms(
		`chmod and utimes confined, follow: ${follow}`,
		async (given) => {
			await confines(given, follow, (location) => given.fsx.chmod(location, 0o700, { follow }));
			const path = (name: string) => given.path(`utimes-${name}`);
			await confines({ ...given, path }, follow, (location) =>
				given.fsx.utimes(location, { mtime: 1n }, { follow }),
			);
		},
		IN_MEMORY,
	);
}

onWindows("times since 1601", notUnderWine("times before 1901"))(
	"times before 1601 are cut to it",
	async ({ fsx, path }) => {
		fs.writeFileSync(path("file"), "");
		const first = -11_644_473_600_000_000_000n;
		await fsx.utimes(path("file"), { mtime: first - 1n });
		expect((await fsx.stat(path("file"))).mtimeNs).toBe(first + 100n);
	},
);

onLinux("touch(1)", test)(
	"a time past what the filesystem keeps is cut to its range, as touch(1) has it",
	() => {
		const directory = fs.mkdtempSync(join(tmpdir(), "fsx-test-"));
		try {
			const seconds = 1n << 40n;
			const made = Bun.spawnSync(["touch", "-m", "-d", `@${seconds}`, directory]);
			expect(made.stderr.toString()).toBe("");
			const kept = printed("%Y", directory);
			utimesSync(directory, { mtime: 0 });
			utimesSync(directory, { mtime: seconds * 1_000_000_000n });
			expect(printed("%Y", directory)).toBe(kept);
			expect(Number(kept)).toBeGreaterThan(Date.now() / 1000);
		} finally {
			fs.rmSync(directory, { recursive: true });
		}
	},
);

const ext4 = filesystem("ext4");
const btrfs = filesystem("btrfs");

for (const place of [ext4, btrfs]) {
	place.forms("attributes that chattr sets, and no others", async ({ fsx, path }) => {
		fs.writeFileSync(path("file"), "content");
		const set = async () => {
			const { attributes } = await fsx.stat(path("file"));
			const names = Object.entries(attributes).filter(([, value]) => value);
			return names.map(([name]) => name);
		};
		expect(await set()).toEqual([]);
		for (const [letter, name] of [
			["d", "nodump"],
			["a", "append"],
			["i", "immutable"],
			["c", "compressed"],
		] as const) {
			output("chattr", `+${letter}`, path("file"));
			try {
				expect(await set()).toEqual([name]);
			} finally {
				output("chattr", `-${letter}`, path("file"));
			}
		}
	});
}

onLinux("/proc")("the root of a mount is one", async ({ fsx, path }) => {
	expect((await fsx.stat("/proc")).attributes.mountRoot).toBe(true);
	expect((await fsx.stat(path("."))).attributes.mountRoot).toBe(false);
});

btrfs.forms("subvolumes, as btrfs numbers them", async ({ fsx, path }) => {
	output("btrfs", "subvolume", "create", path("inner"));
	fs.writeFileSync(path("inner/file"), "");
	for (const name of [".", "inner", "inner/file"]) {
		const id = output("btrfs", "inspect-internal", "rootid", path(name)).trim();
		expect([name, String((await fsx.stat(path(name))).subvolume)]).toEqual([name, id]);
	}
	expect((await fsx.stat("/proc")).subvolume).toBeUndefined();
	output("btrfs", "subvolume", "delete", path("inner"));
});

onLinux("statx", test)("an attribute counts only if the filesystem knows of it", () => {
	const words = new Uint32Array(system.metadata.recordSize / 4);
	const { attributes, attributesMask } = statx;
	const bits = {
		compressed: 0x4,
		immutable: 0x10,
		append: 0x20,
		nodump: 0x40,
		encrypted: 0x800,
		automount: 0x1000,
		mountRoot: 0x2000,
		verity: 0x100000,
		dax: 0x200000,
		writeAtomic: 0x400000,
	};
	const found = (mask: number) => {
		words[attributes / 4] = 0xffffffff;
		words[attributesMask / 4] = mask;
		return system.metadata.recorded(words, 0).attributes;
	};
	const none = found(0);
	expect(Object.keys(none).sort()).toEqual(Object.keys(bits).sort());
	expect(Object.values(none)).not.toContain(true);
	for (const [name, bit] of Object.entries(bits))
		expect(found(bit)).toEqual({ ...none, [name]: true });
});

ext4.forms("whether a file takes atomic writes is asked for", async ({ fsx, path }) => {
	const [major = 0, minor = 0] = release().split(".").map(Number);
	if (major < 6 || (major === 6 && minor < 13)) return; // There ext4 knows of none.
	fs.writeFileSync(path("file"), "");
	const told: boolean[] = [];
	await using _ = await interpose((name, call, make) => {
		const result = make();
		if (name === "statx") told.push((read.u32(call.e as Pointer, statx.mask) & 0x10000) !== 0);
		return result;
	});
	const { atomicWrite, attributes } = await fsx.stat(path("file"));
	expect(told).toEqual([true]);
	expect(attributes.writeAtomic).toBe(atomicWrite !== undefined);
});

onLinux("statx(2)", test)("atomic writes as the record has them", () => {
	const words = new Uint32Array(system.metadata.recordSize / 4);
	const of = (mask: number, unitMin: number) => {
		words[statx.mask / 4] = mask;
		words.set([unitMin, 65536, 1], statx.atomicWriteUnitMin / 4);
		return system.metadata.recorded(words, 0).atomicWrite;
	};
	expect(of(0x10000, 4096)).toEqual({ unitMin: 4096, unitMax: 65536, segmentsMax: 1 });
	expect(of(0x10000, 0)).toBeUndefined();
	expect(of(0xffff, 4096)).toBeUndefined();
});

forms("now is what the clock says, and not how long the process has run", async (given) => {
	const { fsx, path } = given;
	fs.writeFileSync(path("file"), "");
	const running = spyOn(performance, "now").mockReturnValue(-3_600_000);
	try {
		const before = Date.now();
		await fsx.utimes(path("file"), { atime: "now", mtime: "now" });
		const { mtimeMs } = fs.statSync(path("file"));
		// Clocks of filesystems tick a few times in a hundredth of a second.
		expect(mtimeMs).toBeGreaterThan(before - 100);
		expect(mtimeMs).toBeLessThanOrEqual(Date.now() + 1);
	} finally {
		running.mockRestore();
	}
});

notUnderWine("directories that are read-only", onWindows("what is read-only"))(
	"a read-only directory can be written to, and a read-only file cannot",
	async ({ fsx, path }) => {
		fs.mkdirSync(path("dir"));
		fs.writeFileSync(path("file"), "");
		for (const name of ["dir", "file"]) await fsx.setFlags(path(name), { readonly: true });
		await fsx.access(path("dir"), { write: true });
		fs.writeFileSync(path("dir/file"), "");
		const error = await failureOf(fsx.access(path("file"), { write: true }));
		expect(error).toMatchObject({ code: "EACCES", syscall: "access" });
		for (const name of ["dir", "file"]) await fsx.setFlags(path(name), { readonly: false });
	},
);

ext4.forms("direct I/O, as aligned as stat demands and no more", async ({ fsx, path, form }) => {
	fs.writeFileSync(path("file"), Buffer.alloc(64 * 1024, "ab"));
	const { directIo } = await fsx.stat(path("file"));
	if (directIo === undefined) throw new Error("ext4 says what it demands since Linux 6.1");
	const { memoryAlign, offsetAlign } = directIo;
	await using file = await fsx.open(path("file"), "r+", { direct: true });
	const on = methods(file, form);
	const memory = alignedBuffer(4 * offsetAlign, 4096);
	// Aligned to what is asked for, and not by chance to more.
	const buffer = memory.subarray(memoryAlign, memoryAlign + offsetAlign);
	expect(await on.readAt(buffer, 3 * offsetAlign)).toBe(offsetAlign);
	expect(Buffer.compare(buffer, Buffer.alloc(offsetAlign, "ab"))).toBe(0);
	buffer.fill(0x63);
	expect(await on.writeAt(buffer, 5 * offsetAlign)).toBe(offsetAlign);
	const expected = Buffer.alloc(64 * 1024, "ab").fill("c", 5 * offsetAlign, 6 * offsetAlign);
	expect(Buffer.compare(fs.readFileSync(path("file")), expected)).toBe(0);
	const short = failureOf(on.writeAt(buffer.subarray(0, offsetAlign / 2), 0));
	expect(await short).toMatchObject({ code: "EINVAL" });
	const odd = failureOf(on.readAt(buffer, offsetAlign / 2));
	expect(await odd).toMatchObject({ code: "EINVAL" });
});
