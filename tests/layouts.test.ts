/**
 * Numbers and offsets against the kernel's own headers, for both architectures: the C compiler is
 * asked to find each of them wrong. It need not be able to build for the other architecture, as the
 * headers say all and both have the same types.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { callNumbers } from "../src/sys/linux/calls.ts";
import { Errno, errnoTable } from "../src/sys/linux/errno.ts";
import { kernelTypes } from "../src/sys/linux/filesystem-types.ts";
import * as layouts from "../src/sys/linux/layouts.ts";
import { Opcode } from "../src/sys/linux/ring/opcodes.ts";
import { params } from "../src/sys/linux/ring/setup.ts";
import { skipped } from "./forms.ts";

/** One thing to check: a constant expression of C, and what it should be. */
type Claim = readonly [name: string, expression: string, value: number];

const compiler = ["cc", "gcc", "clang"].find((command) => Bun.which(command) !== null);

const arches = {
	x64: { column: 0, triple: "x86_64-linux-gnu", macros: ["-D__x86_64__=1", "-D__LP64__=1"] },
	arm64: { column: 1, triple: "aarch64-linux-gnu", macros: ["-D__aarch64__=1", "-D__LP64__=1"] },
} as const;
type Arch = keyof typeof arches;

/** Where the headers for an architecture are, as the system's packages put them. */
function includesOf(arch: Arch): string[] | undefined {
	const { triple } = arches[arch];
	const folders = [
		[`/usr/include/${triple}`, "/usr/include"],
		[`/usr/${triple}/include`],
		...(arch === process.arch ? [["/usr/include"]] : []),
	];
	return folders.find(([first]) => existsSync(`${first}/asm/unistd.h`));
}

/** What came after 6.0, with its version: older headers do not have it. */
const since: Readonly<Record<string, readonly [major: number, minor: number]>> = {
	fchmodat2: [6, 6],
	"Opcode.FTRUNCATE": [6, 9],
	STATX_DIOALIGN: [6, 1],
	"statx.dioMemoryAlign": [6, 1],
	"statx.dioOffsetAlign": [6, 1],
	BCACHEFS_SUPER_MAGIC: [6, 7],
	PID_FS_MAGIC: [6, 10],
	STATX_SUBVOL: [6, 10],
	"statx.subvolume": [6, 10],
	STATX_WRITE_ATOMIC: [6, 11],
	STATX_ATTR_WRITE_ATOMIC: [6, 11],
	"statx.atomicWriteUnitMin": [6, 11],
	"statx.atomicWriteUnitMax": [6, 11],
	"statx.atomicWriteSegmentsMax": [6, 11],
};

/** The C names of our fields, where they are not simply `prefix + name`. */
const structs: Readonly<Record<string, readonly [type: string, fields: Record<string, string>]>> = {
	statx: [
		"struct statx",
		{
			...Object.fromEntries(
				["mask", "blksize", "attributes", "nlink", "uid", "gid", "mode", "ino", "blocks"]
					.concat("atime", "btime", "ctime", "mtime")
					.map((name) => [name, `stx_${name}`]),
			),
			sizeOfFile: "stx_size",
			rdevMajor: "stx_rdev_major",
			rdevMinor: "stx_rdev_minor",
			devMajor: "stx_dev_major",
			devMinor: "stx_dev_minor",
			attributesMask: "stx_attributes_mask",
			subvolume: "stx_subvol",
			atomicWriteUnitMin: "stx_atomic_write_unit_min",
			atomicWriteUnitMax: "stx_atomic_write_unit_max",
			atomicWriteSegmentsMax: "stx_atomic_write_segments_max",
			mountId: "stx_mnt_id",
			dioMemoryAlign: "stx_dio_mem_align",
			dioOffsetAlign: "stx_dio_offset_align",
		},
	],
	timespec: ["struct __kernel_timespec", { seconds: "tv_sec", nanoseconds: "tv_nsec" }],
	openHow: ["struct open_how", { flags: "flags", mode: "mode", resolve: "resolve" }],
	iovec: ["struct iovec", { base: "iov_base", length: "iov_len" }],
	fileCloneRange: [
		"struct file_clone_range",
		{
			sourceHandle: "src_fd",
			sourceOffset: "src_offset",
			sourceLength: "src_length",
			destinationOffset: "dest_offset",
		},
	],
	flock: [
		"struct flock",
		{ type: "l_type", whence: "l_whence", start: "l_start", length: "l_len", pid: "l_pid" },
	],
	fiemap: [
		"struct fiemap",
		{
			start: "fm_start",
			length: "fm_length",
			flags: "fm_flags",
			mapped: "fm_mapped_extents",
			count: "fm_extent_count",
		},
	],
	fiemapExtent: [
		"struct fiemap_extent",
		{ logical: "fe_logical", physical: "fe_physical", length: "fe_length", flags: "fe_flags" },
	],
	statfs: [
		"struct statfs",
		{
			type: "f_type",
			blockSize: "f_bsize",
			blocks: "f_blocks",
			freeBlocks: "f_bfree",
			availableBlocks: "f_bavail",
			files: "f_files",
			freeFiles: "f_ffree",
			id: "f_fsid",
			nameLength: "f_namelen",
			fragmentSize: "f_frsize",
			flags: "f_flags",
		},
	],
	inotifyEvent: [
		"struct inotify_event",
		{ wd: "wd", mask: "mask", cookie: "cookie", length: "len", name: "name" },
	],
	pollfd: ["struct pollfd", { fd: "fd", events: "events", returned: "revents" }],
	params: [
		"struct io_uring_params",
		{
			sqEntries: "sq_entries",
			cqEntries: "cq_entries",
			flags: "flags",
			features: "features",
			sqHead: "sq_off.head",
			sqTail: "sq_off.tail",
			sqMask: "sq_off.ring_mask",
			sqArray: "sq_off.array",
			cqHead: "cq_off.head",
			cqTail: "cq_off.tail",
			cqMask: "cq_off.ring_mask",
			cqes: "cq_off.cqes",
		},
	],
};
/** In no header of the kernel's for programs, but in libc's. */
const libcStructs: typeof structs = {
	dirent: [
		"struct dirent64",
		{ inode: "d_ino", recordLength: "d_reclen", type: "d_type", name: "d_name" },
	],
};
const libcConstants = new Set(["ST_RDONLY", "UTIME_NOW", "UTIME_OMIT"]);

const KERNEL_HEADERS = [
	...["asm/errno.h", "asm/poll.h", "asm/statfs.h", "asm/unistd.h", "linux/fadvise.h"],
	...["linux/falloc.h", "linux/fcntl.h", "linux/fiemap.h", "linux/fs.h", "linux/inotify.h"],
	...["linux/io_uring.h"],
	...[
		"linux/limits.h",
		"linux/magic.h",
		"linux/openat2.h",
		"linux/stat.h",
		"linux/time_types.h",
		"linux/types.h",
	],
	...["linux/uio.h", "linux/version.h", "linux/xattr.h"],
];
const LIBC_HEADERS = ["sys/stat.h", "sys/statvfs.h", "dirent.h"];

function structClaims(
	name: string,
	layout: Readonly<Record<string, number>>,
	[type, fields]: readonly [string, Record<string, string>],
): Claim[] {
	return Object.entries(layout).map(([field, value]) => {
		if (field === "size") return [`${name}.size`, `sizeof(${type})`, value];
		const member = fields[field];
		if (member === undefined) throw new Error(`no C name is known for ${name}.${field}`);
		return [`${name}.${field}`, `__builtin_offsetof(${type}, ${member})`, value];
	});
}

/** Everything that layouts.ts says, except what is only in the headers of libc, or only that. */
function layoutClaims(inLibc: boolean): Claim[] {
	return Object.entries(layouts).flatMap(([name, value]): Claim[] => {
		// The open flags come for both architectures, as openFlags.
		if (name === "openFlags" || name === "O") return [];
		if (typeof value === "number") {
			return libcConstants.has(name) === inLibc ? [[name, name, value]] : [];
		}
		const struct = (inLibc ? libcStructs : structs)[name];
		if (struct !== undefined) return structClaims(name, value as Record<string, number>, struct);
		if (name in structs || name in libcStructs) return [];
		throw new Error(`layouts.ts has ${name}, and this test does not know what that is in C`);
	});
}

function kernelClaims(column: 0 | 1): Claim[] {
	const codes = [...errnoTable].map(([value, [code]]): Claim => {
		return [code, code === "ENOTSUP" ? "EOPNOTSUPP" : code, value];
	});
	return [
		...layoutClaims(false),
		...structClaims("params", params, structs.params as (typeof structs)[string]),
		...codes,
		...Object.entries(kernelTypes).map(([name, [magic]]): Claim => [name, name, magic]),
		...Object.entries(Errno).map(([name, value]): Claim => [`Errno.${name}`, name, value]),
		...Object.entries(Opcode).map(([name, value]): Claim => {
			return [`Opcode.${name}`, `IORING_OP_${name}`, value];
		}),
		...Object.entries(layouts.openFlags).map(([name, values]): Claim => {
			return [name, name, values[column]];
		}),
		...Object.entries(callNumbers).map(([name, numbers]): Claim => {
			return [name, `__NR_${name}`, numbers[column]];
		}),
	];
}

let scratch: string;
beforeAll(() => {
	scratch = mkdtempSync(join(tmpdir(), "fsx-layouts-"));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The names of the claims that the compiler finds wrong. */
function wrong(headers: string[], claims: Claim[], flags: string[]): string[] {
	const lines = headers.map((header) => ["", `#include <${header}>`]);
	for (const [name, expression, value] of claims) {
		const claim = `_Static_assert((long long)(${expression}) == (${value}LL), "");`;
		const version = since[name];
		if (version === undefined) {
			lines.push([name, claim]);
		} else {
			const code = (version[0] << 16) + (version[1] << 8);
			lines.push(["", `#if LINUX_VERSION_CODE >= ${code}`], [name, claim], ["", "#endif"]);
		}
	}
	const source = join(scratch, "claims.c");
	writeFileSync(source, lines.map(([, text]) => `${text}\n`).join(""));
	const command = [compiler ?? "", "-fsyntax-only", "-fmax-errors=0", "-w", ...flags, source];
	const { exitCode, stderr } = Bun.spawnSync(command);
	// By line, because a name that the headers do not have is another error than a wrong number.
	const found = [...stderr.toString().matchAll(/claims\.c:(\d+):\d+: error: /g)];
	const names = new Set(found.map(([, line]) => lines[Number(line) - 1]?.[0] ?? ""));
	if ((exitCode !== 0) !== names.size > 0 || names.has("")) throw new Error(stderr.toString());
	return [...names];
}

function kernelFlags(arch: Arch, includes: string[]): string[] {
	return ["-nostdinc", "-undef", ...arches[arch].macros, ...includes.map((path) => `-I${path}`)];
}

describe.each(["x64", "arm64"] as const)("for %s", (arch) => {
	const includes = includesOf(arch);
	if (compiler === undefined || includes === undefined) {
		const reason =
			compiler === undefined
				? "no C compiler is installed"
				: `no kernel headers for it (Debian: linux-libc-dev-${arch === "x64" ? "amd64" : arch}-cross)`;
		skipped(`the headers of ${arch}`, reason);
		return;
	}
	const { column } = arches[arch];
	const flags = kernelFlags(arch, includes);

	test("numbers, flags and offsets are those of the kernel's headers", () => {
		expect(wrong(KERNEL_HEADERS, kernelClaims(column), flags)).toEqual([]);
	});

	test("a wrong one would be named, and no other", () => {
		const claims = kernelClaims(column).map(([name, expression, value]): Claim => {
			const off = ["statx.mtime", "O_DIRECT", "readlinkat", "EXDEV"].includes(name) ? 1 : 0;
			return [name, expression, value + off];
		});
		expect(wrong(KERNEL_HEADERS, claims, flags).sort()).toEqual([
			"EXDEV",
			"O_DIRECT",
			"readlinkat",
			"statx.mtime",
		]);
	});
});

if (compiler === undefined || !existsSync("/usr/include/dirent.h")) {
	skipped("the headers of libc", "no C compiler or no headers are installed");
} else {
	test("what only libc's headers have is as they have it", () => {
		expect(wrong(LIBC_HEADERS, layoutClaims(true), ["-D_GNU_SOURCE"])).toEqual([]);
	});
}

describe.if(process.platform === "linux")("where there are no headers", () => {
	test("the arm64 column of the new system calls is that of x64", () => {
		// From 424 on all architectures have the same numbers.
		for (const [name, pair] of Object.entries(callNumbers)) {
			const [x64, arm64]: readonly number[] = pair;
			if (Math.max(...pair) >= 424) expect([name, arm64]).toEqual([name, x64]);
		}
	});

	test("no two calls have the same number, on either", () => {
		for (const column of [0, 1] as const) {
			const numbers = Object.values(callNumbers).map((pair): number => pair[column]);
			expect(new Set(numbers).size).toBe(numbers.length);
		}
	});

	test("the C of the shim has the numbers of the table", () => {
		const source = readFileSync(join(import.meta.dir, "../native-shims/kernel.c"), "latin1");
		const [x64, arm64] = [...source.matchAll(/enum \{ (NR_close[^}]*)\}/g)].map(([, list]) =>
			Object.fromEntries(
				(list ?? "").split(",").map((pair) => {
					const [name = "", value = ""] = pair.trim().replace("NR_", "").split(" = ");
					return [name, value];
				}),
			),
		);
		for (const [column, found] of [x64, arm64].entries()) {
			for (const name of ["close", "mmap", "munmap"] as const) {
				expect([column, name, Number(found?.[name])]).toEqual([
					column,
					name,
					callNumbers[name][column as 0 | 1],
				]);
			}
		}
	});
});
