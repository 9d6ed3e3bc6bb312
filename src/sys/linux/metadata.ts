import type { Call } from "../../engine/call.ts";
import { Records, type Region } from "../../engine/memory.ts";
import { once } from "../../engine/once.ts";
import { type Operation, SingleCall } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FsError } from "../../errors.ts";
import type { Metadata } from "../metadata.ts";
import type { Handle, MetadataSystem, Place, StatHow, TimeToSet } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { Errno } from "./errno.ts";
import { checked, failure, unsupported } from "./failure.ts";
import {
	AT_EMPTY_PATH,
	AT_FDCWD,
	AT_STATX_DONT_SYNC,
	AT_STATX_FORCE_SYNC,
	AT_SYMLINK_NOFOLLOW,
	O,
	S_IFLNK,
	S_IFMT,
	STATX_BASIC_STATS,
	STATX_BTIME,
	STATX_DIOALIGN,
	STATX_MNT_ID,
	STATX_SUBVOL,
	STATX_WRITE_ATOMIC,
	statx,
	timespec,
	UTIME_NOW,
	UTIME_OMIT,
} from "./layouts.ts";
import { at, openat, opened, procPath, resolveFlags } from "./path.ts";
import { StatxMetadata } from "./statx.ts";

/** Whether a file takes atomic writes is told, among the attributes too, only if it is asked for. */
const WANTED =
	STATX_BASIC_STATS |
	STATX_BTIME |
	STATX_MNT_ID |
	STATX_DIOALIGN |
	STATX_SUBVOL |
	STATX_WRITE_ATOMIC;
/** For the one call that has to be as quick as the runtime's own. */
const STATX = nr.statx;
const BILLION = 1_000_000_000n;

const records = new Records(statx.size);

const syncFlags = { auto: 0, force: AT_STATX_FORCE_SYNC, never: AT_STATX_DONT_SYNC } as const;

export function flagsOf({ follow, sync }: StatHow): number {
	return syncFlags[sync] | (follow ? 0 : AT_SYMLINK_NOFOLLOW);
}

/** `stat` of a path, which nearly every call of it is, and which is to be as quick as the runtime's own. */
class StatPath extends SingleCall<Metadata> {
	private readonly words: Uint32Array;
	private readonly start: number;

	constructor(
		scope: Scope,
		private readonly place: Place,
		private readonly flags: number,
	) {
		super(statxOf(scope, place, flags, records.next()));
		this.words = records.words;
		this.start = records.start;
	}

	finish(result: number): Metadata {
		if (result < 0) throw statFailure(result, this.flags, this.place);
		return new StatxMetadata(this.words, this.start);
	}
}

export function statxOf(scope: Scope, place: Place, flags: number, record: number): Call {
	const path = scope.memory.cstring(place.path);
	return sys(STATX, place.directory ?? AT_FDCWD, path, flags, WANTED, record);
}

function* statConfined(scope: Scope, place: Place, flags: number): Operation<Metadata> {
	const record = records.next();
	const { words, start } = records;
	const result = yield* statxConfined(scope, place, flags, record);
	if (result < 0) throw statFailure(result, flags, place);
	return new StatxMetadata(words, start);
}

export function statxConfined(
	scope: Scope,
	place: Place,
	flags: number,
	record: number,
): Operation<number> {
	const reach = (flags & AT_SYMLINK_NOFOLLOW) === 0 ? "follow" : "link";
	return at(scope, place, reach, "stat", (dirfd, path) =>
		sys(STATX, dirfd, path, flags, WANTED, record),
	);
}

function* statHandle(scope: Scope, handle: Handle, flags: number): Operation<Metadata> {
	const record = records.next();
	const { words, start } = records;
	const empty = scope.memory.cstring("");
	const call = sys(nr.statx, handle, empty, flags | AT_EMPTY_PATH, WANTED, record);
	checked(yield call, "fstat");
	return new StatxMetadata(words, start);
}

export function statFailure(result: number, flags: number, place: Place): FsError {
	return failure(result, (flags & AT_SYMLINK_NOFOLLOW) === 0 ? "stat" : "lstat", place);
}

const many = once(() => require("./stat-many.ts") as typeof import("./stat-many.ts"));

export const metadata: MetadataSystem = {
	stat(scope, subject, how) {
		const flags = flagsOf(how);
		if (typeof subject === "number") return statHandle(scope, subject, flags);
		return subject.beneath
			? statConfined(scope, subject, flags)
			: new StatPath(scope, subject, flags);
	},

	modeHides: true,
	recordSize: statx.size,
	recorded: (words, start) => new StatxMetadata(words, start),

	statMany: (...given) => many().statMany(...given),

	*chmod(scope, subject, mode, follow) {
		if (typeof subject === "number") {
			const result = yield sys(nr.fchmod, subject, mode);
			if (result === -Errno.EBADF) return yield* chmodLookedAt(scope, subject, mode);
			checked(result, "fchmod");
			return;
		}
		const { path } = subject;
		if (follow) {
			const call = (dirfd: number, name: number) => sys(nr.fchmodat, dirfd, name, mode);
			checked(yield* at(scope, subject, "follow", "chmod", call), "chmod", { path });
			return;
		}
		const result = yield* at(scope, subject, "link", "lchmod", (dirfd, name) =>
			sys(nr.fchmodat2, dirfd, name, mode, AT_SYMLINK_NOFOLLOW),
		);
		if (result === -Errno.ENOSYS) return yield* chmodThroughProc(scope, subject, mode);
		if (result === -Errno.EOPNOTSUPP) throw noModeOfLinks(path);
		checked(result, "lchmod", { path });
	},

	*utimes(scope, subject, { atime, mtime, birthtime }, follow) {
		if (birthtime !== "keep") {
			const details = typeof subject === "number" ? {} : { path: subject.path };
			throw unsupported("utime", "Linux cannot set when a file was made", details);
		}
		if (atime === "keep" && mtime === "keep") {
			// The kernel would not even look whether there is such a file.
			yield* metadata.stat(scope, subject, { follow, sync: "auto" });
			return;
		}
		const times = scope.memory.reserve(2 * timespec.size);
		putTime(times, 0, atime);
		putTime(times, timespec.size, mtime);
		if (typeof subject === "number") {
			checked(yield sys(nr.utimensat, subject, 0, times.address, 0), "futime");
			return;
		}
		const syscall = follow ? "utime" : "lutime";
		const flags = follow ? 0 : AT_SYMLINK_NOFOLLOW;
		const result = yield* at(scope, subject, follow ? "follow" : "link", syscall, (dirfd, path) =>
			sys(nr.utimensat, dirfd, path, times.address, flags),
		);
		checked(result, syscall, { path: subject.path });
	},

	*access(scope, place, { read, write, execute }, follow) {
		const mode = (read ? 4 : 0) | (write ? 2 : 0) | (execute ? 1 : 0);
		const flags = follow ? 0 : AT_SYMLINK_NOFOLLOW;
		let result = yield* at(scope, place, follow ? "follow" : "link", "access", (dirfd, path) =>
			sys(nr.faccessat2, dirfd, path, mode, flags),
		);
		if (result === -Errno.ENOSYS && follow) {
			// Before Linux 5.8, without flags.
			result = yield* at(scope, place, "follow", "access", (dirfd, path) =>
				sys(nr.faccessat, dirfd, path, mode),
			);
		}
		checked(result, "access", { path: place.path });
	},
};

function noModeOfLinks(path: string | Uint8Array): Error {
	return unsupported("lchmod", "a symbolic link has no mode of its own on Linux", { path });
}

/** Before Linux 6.6: through an O_PATH descriptor, which keeps a link from being followed. */
function* chmodThroughProc(scope: Scope, place: Place, mode: number): Operation<void> {
	const { directory = AT_FDCWD, path } = place;
	const flags = O.O_PATH | O.O_NOFOLLOW | O.O_CLOEXEC;
	const found = yield* openat(scope, directory, path, flags, 0, resolveFlags(place));
	const fd = opened(found, "lchmod", place);
	try {
		const found = yield* metadata.stat(scope, fd, { follow: false, sync: "auto" });
		if ((found.mode & S_IFMT) === S_IFLNK) throw noModeOfLinks(path);
		const name = scope.memory.cstring(procPath(fd));
		checked(yield sys(nr.fchmodat, AT_FDCWD, name, mode), "lchmod", { path });
	} finally {
		yield sys(nr.close, fd);
	}
}

/** Of what is open only to be looked at, if it is open at all: there fchmod says that it is not. */
function* chmodLookedAt(scope: Scope, handle: Handle, mode: number): Operation<void> {
	const { memory } = scope;
	const empty = memory.cstring("");
	let result = yield sys(nr.fchmodat2, handle, empty, mode, AT_EMPTY_PATH);
	// Before Linux 6.6, and in sandboxes that do not know it.
	if (result === -Errno.ENOSYS || result === -Errno.EPERM) {
		result = yield sys(nr.fchmodat, AT_FDCWD, memory.cstring(procPath(handle)), mode);
		if (result === -Errno.ENOENT) result = -Errno.EBADF;
	}
	checked(result, "fchmod");
}

function putTime(times: Region, offset: number, time: TimeToSet): void {
	if (typeof time === "bigint") {
		// Floor division: before 1970 the seconds are negative and the nanoseconds still are not.
		const rest = ((time % BILLION) + BILLION) % BILLION;
		times.setBigU64(offset + timespec.seconds, (time - rest) / BILLION);
		times.setU64(offset + timespec.nanoseconds, Number(rest));
		return;
	}
	times.setU64(offset + timespec.seconds, 0);
	times.setU64(offset + timespec.nanoseconds, time === "now" ? UTIME_NOW : UTIME_OMIT);
}
