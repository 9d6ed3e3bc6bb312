import { Records, type Region } from "../../engine/memory.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FsError } from "../../errors.ts";
import { type FileAttributes, type FileKind, Metadata } from "../metadata.ts";
import type { Handle, MetadataSystem, Place, TimeToSet } from "../system.ts";
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
	statx,
	timespec,
	UTIME_NOW,
	UTIME_OMIT,
} from "./layouts.ts";
import { at, openat, procPath, resolveFlags } from "./path.ts";

const WANTED = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID | STATX_DIOALIGN;
/** For the one call that has to be as quick as the runtime's own. */
const STATX = nr.statx;
const BILLION = 1_000_000_000n;

/** File types by the four high bits of the mode, which getdents64 also uses. */
const kinds: Readonly<Record<number, FileKind>> = {
	1: "fifo",
	2: "character-device",
	4: "directory",
	6: "block-device",
	8: "file",
	10: "symlink",
	12: "socket",
};

export function kindOf(type: number): FileKind {
	return kinds[type] ?? "unknown";
}

/** What a `struct statx` says, read from where the kernel wrote it. */
class StatxMetadata extends Metadata {
	constructor(
		private readonly words: Uint32Array,
		private readonly start: number,
	) {
		super();
	}

	get kind(): FileKind {
		return kindOf(this.mode >> 12);
	}

	get mode(): number {
		return this.u32(statx.mode) & 0xffff;
	}

	get size(): number {
		return this.u64(statx.sizeOfFile);
	}

	get blocks(): number {
		return this.u64(statx.blocks);
	}

	get blockSize(): number {
		return this.u32(statx.blksize);
	}

	get nlink(): number {
		return this.u32(statx.nlink);
	}

	get uid(): number {
		return this.u32(statx.uid);
	}

	get gid(): number {
		return this.u32(statx.gid);
	}

	get ino(): bigint {
		return (BigInt(this.u32(statx.ino + 4)) << 32n) | BigInt(this.u32(statx.ino));
	}

	get dev(): bigint {
		return deviceNumber(this.u32(statx.devMajor), this.u32(statx.devMinor));
	}

	get rdev(): bigint {
		return deviceNumber(this.u32(statx.rdevMajor), this.u32(statx.rdevMinor));
	}

	get atimeNs(): bigint {
		return this.nanoseconds(statx.atime);
	}

	get mtimeNs(): bigint {
		return this.nanoseconds(statx.mtime);
	}

	get ctimeNs(): bigint {
		return this.nanoseconds(statx.ctime);
	}

	get birthtimeNs(): bigint | undefined {
		return this.has(STATX_BTIME) ? this.nanoseconds(statx.btime) : undefined;
	}

	get mountId(): bigint | undefined {
		return this.has(STATX_MNT_ID) ? BigInt(this.u64(statx.mountId)) : undefined;
	}

	get attributes(): FileAttributes {
		const bits = this.u32(statx.attributes);
		const has = (bit: number) => (bits & bit) !== 0;
		return {
			compressed: has(0x4),
			immutable: has(0x10),
			append: has(0x20),
			nodump: has(0x40),
			encrypted: has(0x800),
			verity: has(0x100000),
			dax: has(0x200000),
			mountRoot: has(0x2000),
		};
	}

	get directIo(): Metadata["directIo"] {
		const memoryAlign = this.u32(statx.dioMemoryAlign);
		const offsetAlign = this.u32(statx.dioOffsetAlign);
		if (!this.has(STATX_DIOALIGN) || memoryAlign === 0) return undefined;
		return { memoryAlign, offsetAlign };
	}

	/** Whether the kernel has filled this in. */
	private has(field: number): boolean {
		return (this.u32(statx.mask) & field) !== 0;
	}

	private u32(offset: number): number {
		return this.words[this.start + (offset >> 2)] as number;
	}

	private u64(offset: number): number {
		return this.u32(offset) + this.u32(offset + 4) * 0x100000000;
	}

	private nanoseconds(offset: number): bigint {
		const seconds = offset + timespec.seconds;
		const whole = this.u32(seconds) + (this.u32(seconds + 4) | 0) * 0x100000000;
		return BigInt(whole) * BILLION + BigInt(this.u32(offset + timespec.nanoseconds));
	}
}

/** The number that `stat` gives for a device: 12 bits of major and 20 of minor, as glibc mixes them. */
function deviceNumber(major: number, minor: number): bigint {
	const high = BigInt(major);
	const low = BigInt(minor);
	return (
		(low & 0xffn) | ((high & 0xfffn) << 8n) | ((low & ~0xffn) << 12n) | ((high & ~0xfffn) << 32n)
	);
}

const records = new Records(statx.size);

const syncFlags = { auto: 0, force: AT_STATX_FORCE_SYNC, never: AT_STATX_DONT_SYNC } as const;

// Apart, because the generator that most calls of `stat` run does nothing else: it is quicker so.
function* statPath(scope: Scope, place: Place, flags: number): Operation<Metadata> {
	const record = records.next();
	const { words, start } = records;
	const path = scope.memory.cstring(place.path);
	const result = yield sys(STATX, place.directory ?? AT_FDCWD, path, flags, WANTED, record);
	if (result < 0) throw statFailure(result, flags, place);
	return new StatxMetadata(words, start);
}

function* statConfined(scope: Scope, place: Place, flags: number): Operation<Metadata> {
	const record = records.next();
	const { words, start } = records;
	const reach = (flags & AT_SYMLINK_NOFOLLOW) === 0 ? "follow" : "link";
	const result = yield* at(scope, place, reach, "stat", (dirfd, path) =>
		sys(nr.statx, dirfd, path, flags, WANTED, record),
	);
	if (result < 0) throw statFailure(result, flags, place);
	return new StatxMetadata(words, start);
}

function* statHandle(scope: Scope, handle: Handle, flags: number): Operation<Metadata> {
	const record = records.next();
	const { words, start } = records;
	const empty = scope.memory.cstring("");
	const call = sys(nr.statx, handle, empty, flags | AT_EMPTY_PATH, WANTED, record);
	checked(yield call, "fstat");
	return new StatxMetadata(words, start);
}

function statFailure(result: number, flags: number, place: Place): FsError {
	return failure(result, (flags & AT_SYMLINK_NOFOLLOW) === 0 ? "stat" : "lstat", place);
}

export const metadata: MetadataSystem = {
	stat(scope, subject, { follow, sync }) {
		const flags = syncFlags[sync] | (follow ? 0 : AT_SYMLINK_NOFOLLOW);
		if (typeof subject === "number") return statHandle(scope, subject, flags);
		return subject.beneath ? statConfined(scope, subject, flags) : statPath(scope, subject, flags);
	},

	*chmod(scope, subject, mode, follow) {
		if (typeof subject === "number") {
			checked(yield sys(nr.fchmod, subject, mode), "fchmod");
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
	const fd = checked(
		yield* openat(scope, directory, path, flags, 0, resolveFlags(place)),
		"lchmod",
		{ path },
	);
	try {
		const found = yield* metadata.stat(scope, fd, { follow: false, sync: "auto" });
		if ((found.mode & S_IFMT) === S_IFLNK) throw noModeOfLinks(path);
		const name = scope.memory.cstring(procPath(fd));
		checked(yield sys(nr.fchmodat, AT_FDCWD, name, mode), "lchmod", { path });
	} finally {
		yield sys(nr.close, fd);
	}
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
