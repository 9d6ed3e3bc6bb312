import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FileSystem, Handle, OpenHow } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { Errno } from "./errno.ts";
import { extent } from "./extents.ts";
import { checked, unsupported } from "./failure.ts";
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_FOLLOW, iovec, O, RWF_APPEND } from "./layouts.ts";
import { at, openat, opened, procPath, resolveFlags } from "./path.ts";

/** The open flags of this machine for what is asked. */
function flagsOf(how: OpenHow): number {
	let flags = O.O_CLOEXEC;
	if (how.write) flags |= how.read ? O.O_RDWR : O.O_WRONLY;
	if (how.append) flags |= O.O_APPEND;
	if (how.create) flags |= O.O_CREAT;
	if (how.exclusive) flags |= O.O_EXCL;
	if (how.truncate) flags |= O.O_TRUNC;
	if (how.directory) flags |= O.O_DIRECTORY;
	if (how.path) flags |= O.O_PATH;
	if (how.noFollow) flags |= O.O_NOFOLLOW;
	if (how.direct) flags |= O.O_DIRECT;
	if (how.temporary) flags |= O.O_TMPFILE;
	if (how.synchronous === "data") flags |= O.O_DSYNC;
	if (how.synchronous === "full") flags |= O.O_SYNC;
	if (how.nonBlocking) flags |= O.O_NONBLOCK;
	if (how.noAtime) flags |= O.O_NOATIME;
	return flags;
}

export const file: FileSystem = {
	*open(scope, place, how) {
		const { directory = AT_FDCWD, path } = place;
		// The kernel refuses a mode that nothing is created with.
		const mode = how.create || how.temporary ? (how.mode ?? 0o666) : 0;
		const flags = flagsOf(how);
		const result = yield* openat(scope, directory, path, flags, mode, resolveFlags(place));
		if (how.temporary && (result === -Errno.EISDIR || result === -Errno.EOPNOTSUPP)) {
			throw unsupported("open", "this filesystem has no files without a name", { path });
		}
		if (how.direct && result === -Errno.EINVAL) {
			throw unsupported("open", "this filesystem has no direct I/O", { path });
		}
		return opened(result, "open", place);
	},

	*close(_scope, handle) {
		const result = yield sys(nr.close, handle);
		// Interrupted or not, it is closed.
		if (result !== -Errno.EINTR) checked(result, "close");
	},

	*read(_scope, handle, address, length, position) {
		const result =
			position === null
				? yield sys(nr.read, handle, address, length)
				: yield sys(nr.pread64, handle, address, length, position);
		return checked(result, "read");
	},

	*write(scope, handle, address, length, position) {
		if (position === "end") return yield* append(scope, handle, address, length);
		const result =
			position === null
				? yield sys(nr.write, handle, address, length)
				: yield sys(nr.pwrite64, handle, address, length, position);
		return checked(result, "write");
	},

	*sync(_scope, handle) {
		checked(yield sys(nr.fsync, handle), "fsync");
	},

	*datasync(_scope, handle) {
		checked(yield sys(nr.fdatasync, handle), "fdatasync");
	},

	*truncate(_scope, handle, length) {
		checked(yield sys(nr.ftruncate, handle, length), "ftruncate");
	},

	extent,

	*publish(scope, handle, place) {
		// By descriptor alone it needs a privilege (ENOENT without it); by its name in /proc, none.
		let result = yield* at(scope, place, "entry", "link", (dirfd, path) =>
			sys(nr.linkat, handle, scope.memory.cstring(""), dirfd, path, AT_EMPTY_PATH),
		);
		if (result === -Errno.ENOENT) {
			const self = scope.memory.cstring(procPath(handle));
			result = yield* at(scope, place, "entry", "link", (dirfd, path) =>
				sys(nr.linkat, AT_FDCWD, self, dirfd, path, AT_SYMLINK_FOLLOW),
			);
			if (result === -Errno.ENOENT && (yield sys(nr.faccessat, AT_FDCWD, self)) < 0) {
				throw unsupported("link", "naming a file that has no name takes /proc", place);
			}
		}
		checked(result, "link", place);
	},
};

/** Appends by RWF_APPEND, whatever the flags that the descriptor was opened with. */
function* append(scope: Scope, handle: Handle, address: number, length: number): Operation<number> {
	const vector = scope.memory.reserve(iovec.size);
	vector.setU64(iovec.base, address);
	vector.setU64(iovec.length, length);
	const call = sys(nr.pwritev2, handle, vector.address, 1, 0, 0, RWF_APPEND);
	const result = yield call;
	// What has no positions, such as a pipe, has no other place to write to.
	if (result === -Errno.ESPIPE)
		return checked(yield sys(nr.write, handle, address, length), "write");
	return checked(result, "write");
}
