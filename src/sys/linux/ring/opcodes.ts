/**
 * Which system calls the ring can make, and how their arguments are laid into an entry of its
 * submission queue. Opcodes and offsets are the same on every architecture.
 */
import { type Pointer, read } from "bun:ffi";
import type { Call } from "../../../engine/call.ts";
import { nr } from "../calls.ts";
import { pollfd } from "../layouts.ts";

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
}

/** An entry that does nothing. */
export const idleEntry: Entry = { opcode: 0, fd: -1, off: 0, address: 0, length: 0, flags: 0 };

export const Opcode = {
	NOP: 0,
	FSYNC: 3,
	POLL_ADD: 6,
	FALLOCATE: 17,
	OPENAT: 18,
	CLOSE: 19,
	STATX: 21,
	READ: 22,
	WRITE: 23,
	FADVISE: 24,
	SEND: 26,
	OPENAT2: 28,
	RENAMEAT: 35,
	UNLINKAT: 36,
	MKDIRAT: 37,
	SYMLINKAT: 38,
	LINKAT: 39,
	FSETXATTR: 41,
	FGETXATTR: 43,
	FTRUNCATE: 55,
} as const;

type Encode = (call: Call) => Entry;

/** Reads and writes without a position go on from the file's own: -1 says so. */
const CURRENT = -1;
const FSYNC_DATASYNC = 1;
/** The ring takes at most this many bytes at once; the operation sees a short read and goes on. */
const MOST_BYTES = 0x7ffff000;

const entry = (opcode: number, fd: number, address = 0, length = 0, off = 0, flags = 0): Entry => ({
	opcode,
	fd,
	off,
	address,
	length,
	flags,
});

const transfer =
	(opcode: number, current: boolean): Encode =>
	({ a: fd, b: address, c: length, d: position }) =>
		entry(opcode, fd, address, Math.min(length, MOST_BYTES), current ? CURRENT : position);

/** By system call number; a call that is not here goes to another lane. */
const encoders: Readonly<Record<number, readonly [opcode: number, encode: Encode]>> = {
	[nr.close]: [Opcode.CLOSE, ({ a: fd }) => entry(Opcode.CLOSE, fd)],
	[nr.read]: [Opcode.READ, transfer(Opcode.READ, true)],
	[nr.write]: [Opcode.WRITE, transfer(Opcode.WRITE, true)],
	[nr.pread64]: [Opcode.READ, transfer(Opcode.READ, false)],
	[nr.pwrite64]: [Opcode.WRITE, transfer(Opcode.WRITE, false)],
	[nr.fsync]: [Opcode.FSYNC, ({ a: fd }) => entry(Opcode.FSYNC, fd)],
	[nr.fdatasync]: [Opcode.FSYNC, ({ a: fd }) => entry(Opcode.FSYNC, fd, 0, 0, 0, FSYNC_DATASYNC)],
	[nr.ftruncate]: [
		Opcode.FTRUNCATE,
		({ a: fd, b: length }) => entry(Opcode.FTRUNCATE, fd, 0, 0, length),
	],
	[nr.fallocate]: [
		Opcode.FALLOCATE,
		({ a: fd, b: mode, c: offset, d: length }) => entry(Opcode.FALLOCATE, fd, length, mode, offset),
	],
	[nr.fadvise64]: [
		Opcode.FADVISE,
		({ a: fd, b: offset, c: length, d: advice }) =>
			entry(Opcode.FADVISE, fd, 0, length, offset, advice),
	],
	// The ring's result is what the descriptor is ready for, where the call's is how many are.
	[nr.ppoll]: [
		Opcode.POLL_ADD,
		({ a: record }) => {
			const fd = read.u32(record as Pointer, pollfd.fd);
			const events = read.u16(record as Pointer, pollfd.events);
			return entry(Opcode.POLL_ADD, fd, 0, 0, 0, events);
		},
	],
	[nr.openat]: [
		Opcode.OPENAT,
		({ a: dirfd, b: path, c: flags, d: mode }) => entry(Opcode.OPENAT, dirfd, path, mode, 0, flags),
	],
	[nr.openat2]: [
		Opcode.OPENAT2,
		({ a: dirfd, b: path, c: how, d: size }) => entry(Opcode.OPENAT2, dirfd, path, size, how),
	],
	[nr.statx]: [
		Opcode.STATX,
		({ a: dirfd, b: path, c: flags, d: mask, e: record }) =>
			entry(Opcode.STATX, dirfd, path, mask, record, flags),
	],
	[nr.mkdirat]: [
		Opcode.MKDIRAT,
		({ a: dirfd, b: path, c: mode }) => entry(Opcode.MKDIRAT, dirfd, path, mode),
	],
	[nr.unlinkat]: [
		Opcode.UNLINKAT,
		({ a: dirfd, b: path, c: flags }) => entry(Opcode.UNLINKAT, dirfd, path, 0, 0, flags),
	],
	[nr.renameat2]: [
		Opcode.RENAMEAT,
		({ a: from, b: path, c: to, d: newPath, e: flags }) =>
			entry(Opcode.RENAMEAT, from, path, to, newPath, flags),
	],
	[nr.linkat]: [
		Opcode.LINKAT,
		({ a: from, b: path, c: to, d: newPath, e: flags }) =>
			entry(Opcode.LINKAT, from, path, to, newPath, flags),
	],
	[nr.symlinkat]: [
		Opcode.SYMLINKAT,
		({ a: target, b: dirfd, c: path }) => entry(Opcode.SYMLINKAT, dirfd, target, 0, path),
	],
	[nr.fgetxattr]: [
		Opcode.FGETXATTR,
		({ a: fd, b: name, c: value, d: size }) => entry(Opcode.FGETXATTR, fd, name, size, value),
	],
	[nr.fsetxattr]: [
		Opcode.FSETXATTR,
		({ a: fd, b: name, c: value, d: size, e: flags }) =>
			entry(Opcode.FSETXATTR, fd, name, size, value, flags),
	],
};

/** The opcode that makes a system call, if there is one. */
export function opcodeOf(fn: number): number | undefined {
	return encoders[fn]?.[0];
}

/**
 * Whether an entry can say what the call says. The length of an advice has 32 bits in it; kernels
 * that would take a longer one elsewhere in the entry do not say that they do. A wait is for one
 * descriptor, for as long as it takes.
 */
export function fits({ fn, b: count, c }: Call): boolean {
	if (fn === nr.ppoll) return count === 1 && c === 0;
	return fn !== nr.fadvise64 || c <= 0xffffffff;
}

export function encode(call: Call): Entry | undefined {
	return encoders[call.fn]?.[1](call);
}
