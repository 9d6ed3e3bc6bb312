/**
 * The functions of libSystem that this system uses, as data: what each takes and what it answers with.
 * Tests hold this against Apple's headers, and each name against what libSystem has, for both
 * architectures. The names are the same on both: those of `stat64` and its like have 64-bit inode
 * numbers everywhere, where plain `stat` would take a suffix on x86-64.
 */
import { tableOf } from "../functions.ts";

/** What a parameter is: an address, or an integer of 16 bits (mode_t), 32 or 64. */
export type Parameter = "pointer" | "u16" | "i32" | "u32" | "i64" | "u64";

/**
 * What a function gives: an `int` or a `long` that is -1 when it has failed, and then the thread's
 * errno says why; or an address.
 */
export type Result = "int" | "long" | "pointer";

export interface Declaration {
	readonly takes: readonly Parameter[];
	readonly gives: Result;
}

const P = "pointer";
const M = "u16";
const I = "i32";
const U = "u32";
const L = "i64";
const Q = "u64";

function int(...takes: Parameter[]): Declaration {
	return { gives: "int", takes };
}

function long(...takes: Parameter[]): Declaration {
	return { gives: "long", takes };
}

function pointer(...takes: Parameter[]): Declaration {
	return { gives: "pointer", takes };
}

export const functions = {
	__error: pointer(),
	// openat and fcntl are variadic, and arm64 passes on the stack what comes after the dots; these are
	// what they call, and take all in registers.
	__openat: int(I, P, I, M),
	__fcntl: int(I, I, P),
	close: int(I),
	read: long(I, P, Q),
	write: long(I, P, Q),
	pread: long(I, P, Q, L),
	pwrite: long(I, P, Q, L),
	lseek: long(I, L, I),
	ftruncate: int(I, L),
	fsync: int(I),
	fstat64: int(I, P),
	fstatat64: int(I, P, P, I),
	faccessat: int(I, P, I, I),
	fchmod: int(I, M),
	fchmodat: int(I, P, M, I),
	fchown: int(I, U, U),
	fchownat: int(I, P, U, U, I),
	fchflags: int(I, U),
	setattrlistat: int(I, P, P, P, Q, U),
	fsetattrlist: int(I, P, P, Q, U),
	fgetattrlist: int(I, P, P, Q, U),
	clock_gettime: int(U, P),
	statfs64: int(P, P),
	fstatfs64: int(I, P),
	__getdirentries64: long(I, P, Q, P),
	mkdirat: int(I, P, M),
	unlinkat: int(I, P, I),
	linkat: int(I, P, I, P, I),
	symlinkat: int(P, I, P),
	readlinkat: long(I, P, P, Q),
	renameatx_np: int(I, P, I, P, U),
	mknodat: int(I, P, M, I),
	mkfifoat: int(I, P, M),
	getxattr: long(P, P, P, Q, U, I),
	fgetxattr: long(I, P, P, Q, U, I),
	setxattr: int(P, P, P, Q, U, I),
	fsetxattr: int(I, P, P, Q, U, I),
	listxattr: long(P, P, Q, I),
	flistxattr: long(I, P, Q, I),
	removexattr: int(P, P, I),
	fremovexattr: int(I, P, I),
	flock: int(I, I),
	fclonefileat: int(I, I, P, U),
	fcopyfile: int(I, I, P, U),
	copyfile_state_alloc: pointer(),
	copyfile_state_free: int(P),
	copyfile_state_get: int(P, U, P),
	copyfile_state_set: int(P, U, P),
	kqueue: int(),
	kevent: int(I, P, I, P, I, P),
} as const satisfies Record<string, Declaration>;

export type Name = keyof typeof functions;

/** Their names, the index of each, and how a call of one is made. */
export const { names, fn, call } = tableOf<Name>(functions);
