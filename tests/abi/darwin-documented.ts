/**
 * What Apple's headers lack, as xnu has it (bsd/sys, bsd/kern/syscalls.master): sys/xattr.h comes with
 * no cross compiler, and what libc itself calls is in no header.
 */
import type { Kind } from "./signatures.ts";

export const numbers: Readonly<Record<string, number>> = {
	XATTR_NOFOLLOW: 0x1,
	XATTR_CREATE: 0x2,
	XATTR_REPLACE: 0x4,
	XATTR_SHOWCOMPRESSION: 0x20,
	XATTR_MAXNAMELEN: 127,
};

/** Of those with 64-bit inode numbers, which have other names in headers: see `struct stat`. */
const stat: readonly [gives: Kind, ...takes: Kind[]] = ["i32", "i32", "pointer"];

export const prototypes: Readonly<Record<string, readonly [gives: Kind, ...takes: Kind[]]>> = {
	__openat: ["i32", "i32", "pointer", "i32", "u16"],
	__fcntl: ["i32", "i32", "i32", "pointer"],
	fstat64: stat,
	fstatat64: ["i32", "i32", "pointer", "pointer", "i32"],
	statfs64: ["i32", "pointer", "pointer"],
	fstatfs64: stat,
	__getdirentries64: ["i64", "i32", "pointer", "u64", "pointer"],
	getxattr: ["i64", "pointer", "pointer", "pointer", "u64", "u32", "i32"],
	fgetxattr: ["i64", "i32", "pointer", "pointer", "u64", "u32", "i32"],
	setxattr: ["i32", "pointer", "pointer", "pointer", "u64", "u32", "i32"],
	fsetxattr: ["i32", "i32", "pointer", "pointer", "u64", "u32", "i32"],
	listxattr: ["i64", "pointer", "pointer", "u64", "i32"],
	flistxattr: ["i64", "i32", "pointer", "u64", "i32"],
	removexattr: ["i32", "pointer", "pointer", "i32"],
	fremovexattr: ["i32", "i32", "pointer", "i32"],
};
