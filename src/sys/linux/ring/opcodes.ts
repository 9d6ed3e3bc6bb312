/**
 * Which system calls the ring can make, and how their arguments are laid into an entry of its
 * submission queue. Opcodes and offsets are the same on every architecture.
 */
import { nr } from "../calls.ts";

/** One entry of 64 bytes, as the ring's memory shows it. */
export interface Entry {
	readonly opcode: number;
	/** The descriptor; for calls on a path, of the directory. */
	readonly fd: number;
	/** Offset, or the second address, or the length of a struct: what the opcode wants in `off`. */
	readonly off: number;
	readonly address: number;
	readonly length: number;
	/** The flags of the call itself. */
	readonly flags: number;
	/** `splice_fd_in`, which some opcodes use for a second descriptor or flags. */
	readonly extra?: number;
}

export const Opcode = {
	NOP: 0,
	FSYNC: 3,
	POLL_ADD: 6,
	FALLOCATE: 17,
	CLOSE: 19,
	STATX: 21,
	READ: 22,
	WRITE: 23,
	SEND: 26,
	OPENAT2: 28,
	RENAMEAT: 35,
	UNLINKAT: 36,
	MKDIRAT: 37,
	SYMLINKAT: 38,
	LINKAT: 39,
	FSETXATTR: 41,
	SETXATTR: 42,
	FGETXATTR: 43,
	GETXATTR: 44,
	FTRUNCATE: 55,
} as const;

type Encode = (args: readonly number[]) => Entry;

/** Reads and writes without a position go on from the file's own: -1 says so. */
const CURRENT = -1;
const FSYNC_DATASYNC = 1;
/** The ring takes at most this many bytes at once; the operation sees a short read and goes on. */
const MOST_BYTES = 0x7ffff000;

const entry = (
	opcode: number,
	fd: number,
	address = 0,
	length = 0,
	off = 0,
	flags = 0,
	extra = 0,
): Entry => ({ opcode, fd, off, address, length, flags, extra });

const transfer =
	(opcode: number, current: boolean): Encode =>
	([fd = 0, address = 0, length = 0, position = 0]) =>
		entry(opcode, fd, address, Math.min(length, MOST_BYTES), current ? CURRENT : position);

/** By system call number; a call that is not here goes to another lane. */
const encoders: Readonly<Record<number, readonly [opcode: number, encode: Encode]>> = {
	[nr.close]: [Opcode.CLOSE, ([fd = 0]) => entry(Opcode.CLOSE, fd)],
	[nr.read]: [Opcode.READ, transfer(Opcode.READ, true)],
	[nr.write]: [Opcode.WRITE, transfer(Opcode.WRITE, true)],
	[nr.pread64]: [Opcode.READ, transfer(Opcode.READ, false)],
	[nr.pwrite64]: [Opcode.WRITE, transfer(Opcode.WRITE, false)],
	[nr.fsync]: [Opcode.FSYNC, ([fd = 0]) => entry(Opcode.FSYNC, fd)],
	[nr.fdatasync]: [
		Opcode.FSYNC,
		([fd = 0]) => entry(Opcode.FSYNC, fd, 0, 0, 0, FSYNC_DATASYNC),
	],
	[nr.ftruncate]: [
		Opcode.FTRUNCATE,
		([fd = 0, length = 0]) => entry(Opcode.FTRUNCATE, fd, 0, 0, length),
	],
	[nr.openat2]: [
		Opcode.OPENAT2,
		([dirfd = 0, path = 0, how = 0, size = 0]) => entry(Opcode.OPENAT2, dirfd, path, size, how),
	],
	[nr.statx]: [
		Opcode.STATX,
		([dirfd = 0, path = 0, flags = 0, mask = 0, record = 0]) =>
			entry(Opcode.STATX, dirfd, path, mask, record, flags),
	],
	[nr.mkdirat]: [
		Opcode.MKDIRAT,
		([dirfd = 0, path = 0, mode = 0]) => entry(Opcode.MKDIRAT, dirfd, path, mode),
	],
	[nr.unlinkat]: [
		Opcode.UNLINKAT,
		([dirfd = 0, path = 0, flags = 0]) => entry(Opcode.UNLINKAT, dirfd, path, 0, 0, flags),
	],
	[nr.renameat2]: [
		Opcode.RENAMEAT,
		([from = 0, path = 0, to = 0, newPath = 0, flags = 0]) =>
			entry(Opcode.RENAMEAT, from, path, to, newPath, flags),
	],
	[nr.linkat]: [
		Opcode.LINKAT,
		([from = 0, path = 0, to = 0, newPath = 0, flags = 0]) =>
			entry(Opcode.LINKAT, from, path, to, newPath, flags),
	],
	[nr.symlinkat]: [
		Opcode.SYMLINKAT,
		([target = 0, dirfd = 0, path = 0]) => entry(Opcode.SYMLINKAT, dirfd, target, 0, path),
	],
	[nr.fgetxattr]: [
		Opcode.FGETXATTR,
		([fd = 0, name = 0, value = 0, size = 0]) => entry(Opcode.FGETXATTR, fd, name, size, value),
	],
	[nr.fsetxattr]: [
		Opcode.FSETXATTR,
		([fd = 0, name = 0, value = 0, size = 0, flags = 0]) =>
			entry(Opcode.FSETXATTR, fd, name, size, value, flags),
	],
};

/** The opcode that makes a system call, if there is one. */
export function opcodeOf(fn: number): number | undefined {
	return encoders[fn]?.[0];
}

export function encode(fn: number, args: readonly number[]): Entry | undefined {
	return encoders[fn]?.[1](args);
}
