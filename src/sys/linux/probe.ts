/**
 * What a filesystem can do, found out by doing it: on files without a name where there are such,
 * and, for what needs names, in a directory of its own that is removed again.
 */
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { FsError, isCode } from "../../errors.ts";
import type { Metadata } from "../metadata.ts";
import type { Capability, Handle, Place } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { directory } from "./directory.ts";
import { Errno } from "./errno.ts";
import { extent } from "./extents.ts";
import { checked, failure, unsupported } from "./failure.ts";
import { file } from "./file.ts";
import { hardlink } from "./hardlink.ts";
import { FICLONE, iovec, RWF_NOWAIT } from "./layouts.ts";
import { metadata } from "./metadata.ts";
import { procPath } from "./path.ts";
import { rename } from "./rename.ts";
import { symlink } from "./symlink.ts";
import { xattr } from "./xattr.ts";

/** The largest block that Linux filesystems have, so that whole blocks are shared and punched. */
const BLOCK = 64 * 1024;
const SIZE = 16 * BLOCK;

const PUNCH_HOLE = 2 | 1;
const COLLAPSE_RANGE = 8;
const ZERO_RANGE = 16;
const INSERT_RANGE = 32;
const UNSHARE_RANGE = 64;
const FS_IOC_GETFLAGS = 0x80086601;
const S_IFIFO = 0o010000;

/** What a probe works with. */
interface Bench {
	readonly scope: Scope;
	/** The first holds a block of data. */
	readonly first: Handle;
	readonly second: Handle;
}

/** A probe throws when it cannot be done; what it returns is a note. */
type Probe<B> = readonly [
	name: string,
	by: string,
	attempt: (bench: B) => Operation<string | undefined>,
];

/** Failures that say something about this process or moment, not about the filesystem. */
const CIRCUMSTANCES = ["EACCES", "EDQUOT", "EMFILE", "ENFILE", "ENOSPC", "EPERM", "EROFS"];

/** A name that nobody else has. */
const freshName = () => `.fsx-probe-${crypto.randomUUID()}`;

const inside = (handle: Handle, path: string | Uint8Array): Place => ({
	directory: handle,
	path,
	beneath: false,
});

const fallocate = (mode: number) =>
	function* ({ first }: Bench): Operation<undefined> {
		checked(yield sys(nr.fallocate, first, mode, 0, BLOCK), "fallocate");
	};

const onFiles: readonly Probe<Bench>[] = [
	[
		"copyFile reflink",
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
	["preallocate", "fallocate", fallocate(0)],
	["zeroRange", "FALLOC_FL_ZERO_RANGE", fallocate(ZERO_RANGE)],
	["punchHole", "FALLOC_FL_PUNCH_HOLE", fallocate(PUNCH_HOLE)],
	["collapseRange", "FALLOC_FL_COLLAPSE_RANGE", fallocate(COLLAPSE_RANGE)],
	["insertRange", "FALLOC_FL_INSERT_RANGE", fallocate(INSERT_RANGE)],
	["unshareRange", "FALLOC_FL_UNSHARE_RANGE", fallocate(UNSHARE_RANGE)],
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
		"getFlags",
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
interface Names {
	readonly scope: Scope;
	readonly at: (name: string | Uint8Array) => Place;
}

const onNames: readonly Probe<Names>[] = [
	[
		"link",
		"linkat",
		function* ({ scope, at }) {
			yield* hardlink.link(scope, at("a"), at("link"), false);
			return undefined;
		},
	],
	[
		"symlink",
		"symlinkat",
		function* ({ scope, at }) {
			yield* symlink.symlink(scope, "a", at("symlink"), "auto");
			return undefined;
		},
	],
	[
		"mkfifo",
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

function* makeFile(scope: Scope, place: Place): Operation<void> {
	const how = { write: true, create: true, exclusive: true, mode: 0o600 };
	yield* file.close(scope, yield* file.open(scope, place, how));
}

function* attempt<B extends { readonly scope: Scope }>(
	bench: B,
	[name, by, probe]: Probe<B>,
): Operation<Capability> {
	const mark = bench.scope.memory.mark();
	try {
		const note = yield* probe(bench);
		return { name, of: "filesystem", supported: true, by, ...(note !== undefined && { note }) };
	} catch (error) {
		if (!(error instanceof FsError)) throw error;
		if (CIRCUMSTANCES.includes(error.code)) return notProbed(error)([name, by, probe]);
		return { name, of: "filesystem", supported: false, by, note: reasonOf(error) };
	} finally {
		bench.scope.memory.release(mark);
	}
}

/** The message without the names, which are the probe's own. */
function reasonOf({ message, syscall }: FsError): string {
	const end = message.lastIndexOf(`, ${syscall}`);
	return end < 0 ? message : message.slice(0, end);
}

const notProbed =
	(error: FsError) =>
	([name, by]: readonly [string, string, unknown]): Capability => ({
		name,
		of: "filesystem",
		supported: undefined,
		by,
		note: `not probed: ${reasonOf(error)}`,
	});

/** A file that is gone when it is closed; where none can be without a name, its name goes at once. */
function* openTemporary(scope: Scope, handle: Handle): Operation<Handle> {
	const how = { read: true, write: true, mode: 0o600 };
	try {
		return yield* file.open(scope, inside(handle, "."), { ...how, temporary: true });
	} catch (error) {
		if (!isCode(error, "ENOTSUP")) throw error;
	}
	const place = inside(handle, freshName());
	const opened = yield* file.open(scope, place, { ...how, create: true, exclusive: true });
	yield* directory.unlink(scope, place);
	return opened;
}

function* probeFiles(scope: Scope, handle: Handle): Operation<Capability[]> {
	const opened: Handle[] = [];
	const results: Capability[] = [];
	try {
		const first = yield* openTemporary(scope, handle);
		opened.push(first);
		const second = yield* openTemporary(scope, handle);
		opened.push(second);
		const block = scope.memory.reserve(BLOCK);
		block.bytes().fill(1);
		for (let done = 0; done < BLOCK; ) {
			done += yield* file.write(scope, first, block.address + done, BLOCK - done, done);
		}
		for (const probe of onFiles) results.push(yield* attempt({ scope, first, second }, probe));
	} catch (error) {
		if (!(error instanceof FsError)) throw error;
		results.push(...onFiles.slice(results.length).map(notProbed(error)));
	} finally {
		for (const one of opened) yield* file.close(scope, one);
	}
	return results;
}

function* probeNames(scope: Scope, parent: Handle): Operation<Capability[]> {
	const place = inside(parent, freshName());
	const results: Capability[] = [];
	try {
		yield* directory.mkdir(scope, place, 0o700);
	} catch (error) {
		if (!(error instanceof FsError)) throw error;
		return onNames.map(notProbed(error));
	}
	try {
		const handle = yield* file.open(scope, place, { directory: true, noFollow: true });
		try {
			const at = (name: string | Uint8Array) => inside(handle, name);
			yield* makeFile(scope, at("a"));
			yield* makeFile(scope, at("b"));
			for (const probe of onNames) results.push(yield* attempt({ scope, at }, probe));
		} finally {
			yield* file.close(scope, handle);
			yield* empty(scope, place);
		}
	} catch (error) {
		if (!(error instanceof FsError)) throw error;
		results.push(...onNames.slice(results.length).map(notProbed(error)));
	} finally {
		yield* directory.rmdir(scope, place);
	}
	return results;
}

/** Removes what is in a directory. Opened anew: btrfs lists what was there when it was opened. */
function* empty(scope: Scope, place: Place): Operation<void> {
	const handle = yield* file.open(scope, place, { directory: true, noFollow: true });
	try {
		for (;;) {
			const records = yield* directory.read(scope, handle);
			if (records.length === 0) break;
			for (const { name } of records) yield* directory.unlink(scope, inside(handle, name));
		}
	} finally {
		yield* file.close(scope, handle);
	}
}

/** Whether there are files without a name, for which the only way to know is to make one. */
const temporary: Probe<{ readonly scope: Scope; readonly handle: Handle }> = [
	"open temporary",
	"O_TMPFILE",
	function* ({ scope, handle }) {
		const how = { write: true, temporary: true, mode: 0o600 };
		yield* file.close(scope, yield* file.open(scope, inside(handle, "."), how));
		return undefined;
	},
];

export function* probeFilesystem(
	scope: Scope,
	handle: Handle,
	found: Metadata,
): Operation<Capability[]> {
	const birth: Capability = {
		name: "birth time",
		of: "filesystem",
		supported: found.birthtimeNs !== undefined,
		by: "statx",
	};
	return [
		birth,
		yield* attempt({ scope, handle }, temporary),
		...(yield* probeFiles(scope, handle)),
		...(yield* probeNames(scope, handle)),
	];
}
