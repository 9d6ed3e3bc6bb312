import type { Region } from "../../engine/memory.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { type FileAttributes, type FileKind, Metadata } from "../metadata.ts";
import type { MetadataSystem, Place, TimeToSet } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { Errno } from "./errno.ts";
import { checked, unsupported } from "./failure.ts";
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
import { at, openat2, procPath, resolveFlags } from "./path.ts";

const WANTED = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID | STATX_DIOALIGN;
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

/** A `struct statx`, read field by field as it is asked for. */
class StatxMetadata extends Metadata {
	readonly #words: Uint32Array;

	constructor(words: Uint32Array) {
		super();
		this.#words = words;
	}

	get kind(): FileKind {
		return kindOf(this.mode >> 12);
	}

	get mode(): number {
		return this.#u32(statx.mode) & 0xffff;
	}

	get size(): number {
		return this.#u64(statx.sizeOfFile);
	}

	get blocks(): number {
		return this.#u64(statx.blocks);
	}

	get blockSize(): number {
		return this.#u32(statx.blksize);
	}

	get ino(): bigint {
		return this.#big(statx.ino);
	}

	get dev(): bigint {
		return deviceNumber(this.#u32(statx.devMajor), this.#u32(statx.devMinor));
	}

	get rdev(): bigint {
		return deviceNumber(this.#u32(statx.rdevMajor), this.#u32(statx.rdevMinor));
	}

	get nlink(): number {
		return this.#u32(statx.nlink);
	}

	get uid(): number {
		return this.#u32(statx.uid);
	}

	get gid(): number {
		return this.#u32(statx.gid);
	}

	get atimeNs(): bigint {
		return this.#time(statx.atime);
	}

	get mtimeNs(): bigint {
		return this.#time(statx.mtime);
	}

	get ctimeNs(): bigint {
		return this.#time(statx.ctime);
	}

	get birthtimeNs(): bigint | undefined {
		return this.#has(STATX_BTIME) ? this.#time(statx.btime) : undefined;
	}

	get mountId(): bigint | undefined {
		return this.#has(STATX_MNT_ID) ? this.#big(statx.mountId) : undefined;
	}

	get attributes(): FileAttributes {
		const bits = this.#u32(statx.attributes);
		return {
			compressed: (bits & 0x4) !== 0,
			immutable: (bits & 0x10) !== 0,
			append: (bits & 0x20) !== 0,
			nodump: (bits & 0x40) !== 0,
			encrypted: (bits & 0x800) !== 0,
			verity: (bits & 0x100000) !== 0,
			dax: (bits & 0x200000) !== 0,
			mountRoot: (bits & 0x2000) !== 0,
		};
	}

	get directIo(): Metadata["directIo"] {
		const memoryAlign = this.#u32(statx.dioMemoryAlign);
		if (!this.#has(STATX_DIOALIGN) || memoryAlign === 0) return undefined;
		return { memoryAlign, offsetAlign: this.#u32(statx.dioOffsetAlign) };
	}

	#has(bit: number): boolean {
		return (this.#u32(statx.mask) & bit) !== 0;
	}

	#u32(offset: number): number {
		return this.#words[offset >> 2] as number;
	}

	#u64(offset: number): number {
		return this.#u32(offset) + this.#u32(offset + 4) * 0x100000000;
	}

	#big(offset: number): bigint {
		return BigInt(this.#u32(offset)) | (BigInt(this.#u32(offset + 4)) << 32n);
	}

	#time(offset: number): bigint {
		const seconds = BigInt.asIntN(64, this.#big(offset + timespec.seconds));
		return seconds * BILLION + BigInt(this.#u32(offset + timespec.nanoseconds));
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

const syncFlags = { auto: 0, force: AT_STATX_FORCE_SYNC, never: AT_STATX_DONT_SYNC } as const;

export const metadata: MetadataSystem = {
	*stat(scope, subject, { follow, sync }) {
		const record = scope.memory.reserve(statx.size);
		const flags = syncFlags[sync] | (follow ? 0 : AT_SYMLINK_NOFOLLOW);
		if (typeof subject === "number") {
			const empty = scope.memory.cstring("");
			const call = sys(nr.statx, subject, empty, flags | AT_EMPTY_PATH, WANTED, record.address);
			checked(yield call, "fstat");
			return new StatxMetadata(record.copyWords());
		}
		const syscall = follow ? "stat" : "lstat";
		const result = yield* at(scope, subject, follow ? "follow" : "link", syscall, (dirfd, path) =>
			sys(nr.statx, dirfd, path, flags, WANTED, record.address),
		);
		checked(result, syscall, subject);
		return new StatxMetadata(record.copyWords());
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
			throw unsupported("utimes", "Linux cannot set when a file was made");
		}
		const times = scope.memory.reserve(2 * timespec.size);
		putTime(times, 0, atime);
		putTime(times, timespec.size, mtime);
		if (typeof subject === "number") {
			checked(yield sys(nr.utimensat, subject, 0, times.address, 0), "futimes");
			return;
		}
		const syscall = follow ? "utimes" : "lutimes";
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
		yield* openat2(scope, directory, path, flags, 0, resolveFlags(place)),
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

function putTime(
	times: Region,
	offset: number,
	time: TimeToSet,
): void {
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
