import type { Region } from "../../engine/memory.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Handle, LockSystem } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { Errno } from "./errno.ts";
import { checked, failure } from "./failure.ts";
import { kernelTypes } from "./filesystem-types.ts";
import { lacking } from "./lacking.ts";
import {
	F_OFD_GETLK,
	F_OFD_SETLK,
	F_RDLCK,
	F_UNLCK,
	F_WRLCK,
	flock,
	LOCK_EX,
	LOCK_NB,
	statfs,
} from "./layouts.ts";

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

	*claim(scope, handle) {
		const status = scope.memory.reserve(statfs.size);
		if ((yield sys(nr.fstatfs, handle, status.address)) < 0) return false;
		if (!seesAllLocks.has(status.u32(statfs.type))) return false;
		return (yield sys(nr.flock, handle, LOCK_EX | LOCK_NB)) === 0;
	},
};

/** Filesystems of this machine alone: on those of servers a lock may be seen by some and not by others. */
const seesAllLocks = new Set<number>(
	[
		kernelTypes.BTRFS_SUPER_MAGIC,
		kernelTypes.EXT4_SUPER_MAGIC,
		kernelTypes.F2FS_SUPER_MAGIC,
		kernelTypes.OVERLAYFS_SUPER_MAGIC,
		kernelTypes.TMPFS_MAGIC,
		kernelTypes.XFS_SUPER_MAGIC,
	].map(([magic]) => magic),
);

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
