/** What is tried out on a filesystem, one after the other, and by what. */
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { isCode } from "../../errors.ts";
import type { Handle, Place } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { Errno } from "./errno.ts";
import { extent, extents } from "./extents.ts";
import { checked, failure, unsupported } from "./failure.ts";
import { file } from "./file.ts";
import { hardlink } from "./hardlink.ts";
import {
	FALLOC_FL_COLLAPSE_RANGE,
	FALLOC_FL_INSERT_RANGE,
	FALLOC_FL_KEEP_SIZE,
	FALLOC_FL_PUNCH_HOLE,
	FALLOC_FL_UNSHARE_RANGE,
	FALLOC_FL_ZERO_RANGE,
	FICLONE,
	FS_IOC_GETFLAGS,
	iovec,
	RWF_NOWAIT,
	S_IFIFO,
} from "./layouts.ts";
import { metadata } from "./metadata.ts";
import { procPath } from "./path.ts";
import { rename } from "./rename.ts";
import { symlink } from "./symlink.ts";
import { xattr } from "./xattr.ts";

/** The largest block that Linux filesystems have, so that whole blocks are shared and punched. */
export const BLOCK = 64 * 1024;
const SIZE = 16 * BLOCK;

/** What a probe works with. */
export interface Bench {
	readonly scope: Scope;
	/** The first holds a block of data. */
	readonly first: Handle;
	readonly second: Handle;
}

/** A probe throws when it cannot be done; what it returns is a note. */
export type Probe<B> = readonly [
	name: string,
	by: string,
	attempt: (bench: B) => Operation<string | undefined>,
];

export const inside = (handle: Handle, path: string | Uint8Array): Place => ({
	directory: handle,
	path,
	beneath: false,
});

const fallocate = (mode: number) =>
	function* ({ first }: Bench): Operation<undefined> {
		const result = yield sys(nr.fallocate, first, mode, 0, BLOCK);
		if (result === -Errno.EINVAL) throw failure(result, "fallocate", { detail: LARGER_UNITS });
		checked(result, "fallocate");
	};

/** The change is known there, and the range is not of whole units (clusters, realtime extents). */
const LARGER_UNITS = `the filesystem allocates more than ${BLOCK} bytes at once`;

export const onFiles: readonly Probe<Bench>[] = [
	[
		"reflinks",
		"FICLONE",
		function* ({ first, second }) {
			const result = yield sys(nr.ioctl, second, FICLONE, first);
			if (result === 0) return undefined;
			const refused = result === -Errno.EOPNOTSUPP || result === -Errno.ENOTTY;
			if (refused) throw unsupported("ioctl", "its files do not share blocks");
			throw failure(result, "ioctl");
		},
	],
	[
		"holes",
		"SEEK_HOLE",
		function* ({ scope, first }) {
			yield* file.truncate(scope, first, SIZE);
			const { kind } = yield* extent(scope, first, BLOCK, SIZE);
			if (kind === "hole") return undefined;
			throw unsupported("lseek", "it does not tell where holes are");
		},
	],
	[
		"places of extents",
		"FS_IOC_FIEMAP",
		function* ({ scope, first }) {
			yield* extents.map(scope, first, 0, BLOCK);
			return undefined;
		},
	],
	["preallocation", "fallocate", fallocate(0)],
	["zeroing of ranges", "FALLOC_FL_ZERO_RANGE", fallocate(FALLOC_FL_ZERO_RANGE)],
	[
		"punching of holes",
		"FALLOC_FL_PUNCH_HOLE",
		fallocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE),
	],
	["collapsing of ranges", "FALLOC_FL_COLLAPSE_RANGE", fallocate(FALLOC_FL_COLLAPSE_RANGE)],
	["insertion of ranges", "FALLOC_FL_INSERT_RANGE", fallocate(FALLOC_FL_INSERT_RANGE)],
	["unsharing of ranges", "FALLOC_FL_UNSHARE_RANGE", fallocate(FALLOC_FL_UNSHARE_RANGE)],
	[
		"xattrs user.*",
		"fsetxattr",
		function* ({ scope, first }) {
			const value = new Uint8Array([1]);
			yield* xattr.set(scope, first, "user.fsx-probe", value, "create", false);
			return undefined;
		},
	],
	[
		"access control lists",
		"system.posix_acl_access",
		function* ({ scope, first }) {
			try {
				yield* xattr.get(scope, first, "system.posix_acl_access", false);
			} catch (error) {
				if (!isCode(error, "ENODATA")) throw error;
			}
			return undefined;
		},
	],
	[
		"inode flags",
		"FS_IOC_GETFLAGS",
		function* ({ scope, first }) {
			const flags = scope.memory.reserveZeroed(8);
			checked(yield sys(nr.ioctl, first, FS_IOC_GETFLAGS, flags.address), "ioctl");
			return undefined;
		},
	],
	["nanosecond times", "utimensat", (bench) => keepsTime(bench, 1_234_567_890_123_456_789n)],
	["times before 1970", "utimensat", (bench) => keepsTime(bench, -86_400_000_000_000n)],
	["times after 2038", "utimensat", (bench) => keepsTime(bench, 4_102_444_800_000_000_000n)],
	[
		"direct I/O",
		"O_DIRECT",
		function* ({ scope, first }) {
			const self = { directory: undefined, path: procPath(first), beneath: false };
			yield* file.close(scope, yield* file.open(scope, self, { direct: true }));
			const { directIo } = yield* metadata.stat(scope, first, { follow: true, sync: "auto" });
			if (directIo === undefined) return undefined;
			const { memoryAlign, offsetAlign } = directIo;
			return `memory aligned to ${memoryAlign} bytes, offsets to ${offsetAlign}`;
		},
	],
	[
		"reads answered from the cache",
		"RWF_NOWAIT",
		function* ({ scope, first }) {
			const vector = scope.memory.reserve(iovec.size);
			vector.setU64(iovec.base, scope.memory.reserve(8).address);
			vector.setU64(iovec.length, 8);
			const call = sys(nr.preadv2, first, vector.address, 1, 0, 0, RWF_NOWAIT);
			const result = yield call;
			if (result !== -Errno.EAGAIN) checked(result, "preadv2");
			return undefined;
		},
	],
];

/** Sets a time and sees whether it is the one that is kept. */
function* keepsTime({ scope, second }: Bench, mtime: bigint): Operation<undefined> {
	const times = { atime: "keep", mtime, birthtime: "keep" } as const;
	yield* metadata.utimes(scope, second, times, true);
	const { mtimeNs } = yield* metadata.stat(scope, second, { follow: true, sync: "auto" });
	if (mtimeNs !== mtime) {
		throw unsupported("utimensat", `${mtime} ns since 1970 becomes ${mtimeNs}`);
	}
}

/** A directory of the probe's own, with a file `a` and a file `b` in it. */
export interface Names {
	readonly scope: Scope;
	readonly at: (name: string | Uint8Array) => Place;
}

export const onNames: readonly Probe<Names>[] = [
	[
		"hard links",
		"linkat",
		function* ({ scope, at }) {
			yield* hardlink.link(scope, at("a"), at("link"), false);
			return undefined;
		},
	],
	[
		"symbolic links",
		"symlinkat",
		function* ({ scope, at }) {
			yield* symlink.symlink(scope, "a", at("symlink"), "auto");
			return undefined;
		},
	],
	[
		"fifos",
		"mknodat",
		function* ({ scope, at }) {
			const { directory: handle = -1, path } = at("fifo");
			const name = scope.memory.cstring(path);
			checked(yield sys(nr.mknodat, handle, name, S_IFIFO | 0o600, 0), "mknod");
			return undefined;
		},
	],
	[
		"names that are not UTF-8",
		"openat2",
		function* ({ scope, at }) {
			yield* makeFile(scope, at(new Uint8Array([0x6e, 0xff])));
			return undefined;
		},
	],
	[
		"rename exchange",
		"RENAME_EXCHANGE",
		function* ({ scope, at }) {
			yield* rename.rename(scope, at("a"), at("b"), "exchange");
			return undefined;
		},
	],
	[
		"rename noReplace",
		"RENAME_NOREPLACE",
		function* ({ scope, at }) {
			yield* rename.rename(scope, at("a"), at("c"), "noReplace");
			return undefined;
		},
	],
	[
		"rename whiteout",
		"RENAME_WHITEOUT",
		function* ({ scope, at }) {
			yield* rename.rename(scope, at("b"), at("d"), "whiteout");
			return undefined;
		},
	],
];

export function* makeFile(scope: Scope, place: Place): Operation<void> {
	const how = { write: true, create: true, exclusive: true, mode: 0o600 };
	yield* file.close(scope, yield* file.open(scope, place, how));
}
