/** The shim: that it builds, what it exports, and what its functions answer. */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nr } from "../src/sys/linux/calls.ts";
import { shimFile } from "../src/sys/linux/entry.ts";
import { runProgram } from "./fixtures/run.ts";
import { onLinux, skipped } from "./forms.ts";

const folder = join(import.meta.dir, "../native-shims");
const build = join(folder, "build.ts");
const name = `linux-${process.arch}.so`;
const compiler = ["cc", "gcc", "clang"].find((command) => Bun.which(command) !== null);
const { i32, i64_fast, u32 } = FFIType;
const pointer = FFIType.ptr;

let scratch: string;
beforeAll(() => {
	scratch = mkdtempSync(join(tmpdir(), "fsx-shim-test-"));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function bind(file: string) {
	return dlopen(file, {
		fsx_syscall: {
			args: [i32, i64_fast, i64_fast, i64_fast, i64_fast, i64_fast, i64_fast],
			returns: i64_fast,
		},
		fsx_ring_setup: { args: [u32, pointer, pointer], returns: i32 },
		fsx_ring_close: { args: [pointer], returns: i32 },
	}).symbols;
}

/** The names that a shared library defines for others, out of its table of dynamic symbols. */
function exportsOf(file: string): string[] {
	const elf = readFileSync(file);
	const u64 = (at: number) => Number(elf.readBigUInt64LE(at));
	const sections = Array.from({ length: elf.readUInt16LE(60) }, (_, i) => u64(40) + i * 64);
	const DYNSYM = 11;
	const table = sections.find((at) => elf.readUInt32LE(at + 4) === DYNSYM);
	if (table === undefined) throw new Error("no dynamic symbols");
	const strings = u64((sections[elf.readUInt32LE(table + 40)] as number) + 24);
	const names: string[] = [];
	for (let at = u64(table + 24); at < u64(table + 24) + u64(table + 32); at += 24) {
		const start = strings + elf.readUInt32LE(at);
		const defined = elf.readUInt16LE(at + 6) !== 0;
		if (defined) names.push(elf.toString("latin1", start, elf.indexOf(0, start)));
	}
	return names.sort();
}

const EXPORTS = ["fsx_ring_close", "fsx_ring_setup", "fsx_syscall"];

test.each(["linux-x64.so", "linux-arm64.so"])(
	"what ships for %s exports three functions",
	(file) => {
		expect(exportsOf(join(folder, "prebuilt", file))).toEqual(EXPORTS);
		// For its machine, and small: a page or two.
		const elf = readFileSync(join(folder, "prebuilt", file));
		expect(elf.readUInt16LE(18)).toBe(file.includes("arm64") ? 183 : 62);
		expect(elf.length).toBeLessThan(16_384);
	},
);

if (process.platform !== "linux") {
	skipped("the shim builds", "it rests on Linux: the shim");
} else if (compiler === undefined) {
	skipped("the shim builds", "no C compiler is installed");
} else {
	test("it builds for this machine, beside what ships", async () => {
		const shipped = readFileSync(join(folder, "prebuilt", name));
		await runProgram([process.execPath, build, "--out", scratch]);
		expect(exportsOf(join(scratch, name))).toEqual(EXPORTS);
		expect(bind(join(scratch, name)).fsx_syscall(nr.gettid, 0, 0, 0, 0, 0, 0)).toBeGreaterThan(0);
		expect(readFileSync(join(folder, "prebuilt", name)).equals(shipped)).toBe(true);
	});

	test("without a folder it builds into one that the library prefers", async () => {
		const had = existsSync(join(folder, "build", name));
		try {
			const printed = await runProgram([process.execPath, build]);
			expect(printed).toContain(`native-shims/build/${name}`);
			expect(shimFile()).toBe(join(folder, "build", name));
		} finally {
			if (!had) rmSync(join(folder, "build"), { recursive: true });
		}
	});
}

onLinux("the shim", describe)("its functions", () => {
	const shim = bind(shimFile() ?? "");
	const syscall = (fn: number, a = 0, b = 0, c = 0, d = 0) =>
		shim.fsx_syscall(fn, a, b, c, d, 0, 0);

	function ringDescriptors(): string[] {
		return readdirSync("/proc/self/fd").filter((fd) => {
			try {
				return readlinkSync(`/proc/self/fd/${fd}`) === "anon_inode:[io_uring]";
			} catch {
				return false;
			}
		});
	}

	test("answer with what the kernel returns, or -errno", () => {
		expect(syscall(nr.close, -1)).toBe(-9);
		expect(syscall(9999)).toBe(-38);
		expect(syscall(nr.openat, -100, ptr(Buffer.from("/no/such/file\0")), 0)).toBe(-2);
		const fd = Number(syscall(nr.openat, -100, ptr(Buffer.from("/proc/self/stat\0")), 0o2000000));
		expect(readlinkSync(`/proc/self/fd/${fd}`)).toEndWith("/stat");
		// A negative position, and one beyond 32 bits, arrive whole.
		expect(syscall(nr.lseek, fd, -1, 0)).toBe(-22);
		expect(syscall(nr.close, fd)).toBe(0);
		expect(syscall(nr.close, fd)).toBe(-9);
	});

	test("set a ring up and take it away, more than once if asked", () => {
		const before = ringDescriptors();
		const params = new Uint32Array(new ArrayBuffer(120));
		const ring = new BigInt64Array(new ArrayBuffer(40));
		expect(shim.fsx_ring_setup(8, ptr(params), ptr(ring))).toBe(0);
		const [fd, memory, size, entries, bytes] = ring;
		expect(ringDescriptors().sort()).toEqual([...before, String(fd)].sort());
		expect([memory, size, entries].every((value) => value !== 0n)).toBe(true);
		expect(bytes).toBe(8n * 64n);
		expect(shim.fsx_ring_close(ptr(ring))).toBe(0);
		expect(ringDescriptors()).toEqual(before);
		expect([...ring]).toEqual([-1n, 0n, 0n, 0n, 0n]);
		expect(shim.fsx_ring_close(ptr(ring))).toBe(0);
	});

	test("leave nothing behind when a ring is refused", () => {
		const before = ringDescriptors();
		const params = new Uint32Array(new ArrayBuffer(120));
		const ring = new BigInt64Array(new ArrayBuffer(40)).fill(5n);
		expect(shim.fsx_ring_setup(0, ptr(params), ptr(ring))).toBe(-22);
		// A flag of the future, and rings without a mapping.
		for (const flags of [0x80000000, 1 << 14]) {
			params.fill(0);
			params[2] = flags;
			expect(shim.fsx_ring_setup(8, ptr(params), ptr(ring))).toBe(-22);
			expect([...ring]).toEqual([-1n, 0n, 0n, 0n, 0n]);
		}
		expect(shim.fsx_ring_close(ptr(ring))).toBe(0);
		expect(ringDescriptors()).toEqual(before);
	});
});
