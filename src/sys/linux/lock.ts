import type { Region } from "../../engine/memory.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { ITSELF } from "../metadata.ts";
import type { Handle, LockSystem } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { Errno } from "./errno.ts";
import { checked, failure } from "./failure.ts";
import { kernelTypes, localTypes } from "./filesystem-types.ts";
import { lacking } from "./lacking.ts";
import {
	AT_FDCWD,
	F_OFD_GETLK,
	F_OFD_SETLK,
	F_RDLCK,
	F_UNLCK,
	F_WRLCK,
	flock,
	LOCK_EX,
	LOCK_NB,
	LOCK_SH,
	O,
	statfs,
} from "./layouts.ts";
import { metadata } from "./metadata.ts";

const types = { shared: F_RDLCK, exclusive: F_WRLCK, unlocked: F_UNLCK } as const;
type Kind = keyof typeof types;

/** What a descriptor lacks when the kernel says that it is no good for a lock. */
const needs = {
	shared: "a shared lock needs a file that is open for reading",
	exclusive: "an exclusive lock needs a file that is open for writing",
	unlocked: "it is closed",
} as const;

export const lock: LockSystem = {
	*set(scope, handle, kind, offset, length) {
		const mark = scope.mark();
		const { address } = recordOf(scope, kind, offset, length);
		const result = yield sys(nr.fcntl, handle, F_OFD_SETLK, address);
		scope.release(mark);
		if (result === -Errno.EAGAIN) return false;
		yield* check(scope, handle, kind, result);
		return true;
	},

	*isBlocked(scope, handle, kind, offset, length) {
		const mark = scope.mark();
		const record = recordOf(scope, kind, offset, length);
		const result = yield sys(nr.fcntl, handle, F_OFD_GETLK, record.address);
		const found = record.u16(flock.type);
		scope.release(mark);
		yield* check(scope, handle, kind, result);
		return found !== F_UNLCK;
	},

	*claim(_scope, handle, kind) {
		const operation = kind === "shared" ? LOCK_SH : LOCK_EX;
		const result = yield sys(nr.flock, handle, operation | LOCK_NB);
		if (result === -Errno.EAGAIN) return false;
		return result === 0 ? true : undefined;
	},

	*reach(scope, directory) {
		const mark = scope.mark();
		const status = scope.memory.reserve(statfs.size);
		const result = yield sys(nr.fstatfs, directory, status.address);
		const type = status.u32(statfs.type);
		scope.release(mark);
		if (result < 0) return undefined;
		if (seesAllLocks.has(type)) return "";
		boot ??= yield* bootId(scope);
		if (boot === undefined) return undefined;
		// The same files may be mounted twice, and are others then to the kernel.
		const { dev } = yield* metadata.stat(scope, directory, ITSELF);
		return `${boot} ${dev}`;
	},
};

/**
 * Filesystems of this machine alone. On those of servers and of programs, others may reach a file who
 * do not see its locks: those of this kernel do.
 */
const seesAllLocks = new Set<number>(
	[
		kernelTypes.BCACHEFS_SUPER_MAGIC,
		kernelTypes.BTRFS_SUPER_MAGIC,
		kernelTypes.EXFAT_SUPER_MAGIC,
		kernelTypes.EXT4_SUPER_MAGIC,
		kernelTypes.F2FS_SUPER_MAGIC,
		kernelTypes.MSDOS_SUPER_MAGIC,
		kernelTypes.NILFS_SUPER_MAGIC,
		kernelTypes.OVERLAYFS_SUPER_MAGIC,
		kernelTypes.RAMFS_MAGIC,
		kernelTypes.TMPFS_MAGIC,
		kernelTypes.UDF_SUPER_MAGIC,
		kernelTypes.XFS_SUPER_MAGIC,
		localTypes.hfsplus,
		localTypes.jfs,
		localTypes.ntfs3,
		localTypes.zfs,
	].map(([magic]) => magic),
);

/** Of this boot of the kernel, which all its containers have, and no other kernel. */
let boot: string | undefined;

/** Undefined where there is no /proc. */
function* bootId(scope: Scope): Operation<string | undefined> {
	const mark = scope.mark();
	const path = scope.memory.cstring("/proc/sys/kernel/random/boot_id");
	const text = scope.memory.reserve(64);
	try {
		const handle = yield sys(nr.openat, AT_FDCWD, path, O.O_CLOEXEC);
		if (handle < 0) return undefined;
		const length = yield sys(nr.read, handle, text.address, text.size);
		yield sys(nr.close, handle);
		return length > 0 ? Buffer.from(text.bytes(0, length)).toString("latin1") : undefined;
	} finally {
		scope.release(mark);
	}
}

function recordOf(scope: Scope, kind: Kind, offset: number, length: number | undefined): Region {
	const record = scope.memory.reserveZeroed(flock.size);
	// Two fields of 16 bits: the second is 0, which counts the offset from the start of the file.
	record.setU32(flock.type, types[kind]);
	record.setU64(flock.start, offset);
	// 0 stands for all that the file may ever have.
	record.setU64(flock.length, length ?? 0);
	return record;
}

function* check(scope: Scope, handle: Handle, kind: Kind, result: number): Operation<void> {
	if (result === -Errno.EBADF) throw failure(result, "fcntl", { detail: needs[kind] });
	if (result === -Errno.EINVAL || result === -Errno.EOPNOTSUPP || result === -Errno.ENOSYS) {
		throw yield* lacking(scope, handle, "fcntl", "lock open files (F_OFD_SETLK)");
	}
	checked(result, "fcntl");
}
