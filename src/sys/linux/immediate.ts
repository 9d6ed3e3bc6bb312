/**
 * Calls that are answered on this thread because the kernel has what it takes in memory: it is
 * asked in a way that fails with EAGAIN where it would have to wait for a disk or a server.
 */
import { read } from "bun:ffi";
import { type Call, WOULD_WAIT } from "../../engine/call.ts";
import { Memory } from "../../engine/memory.ts";
import { nr } from "./calls.ts";
import type { Entry } from "./entry.ts";
import { Errno } from "./errno.ts";
import {
	AT_EMPTY_PATH,
	AT_STATX_DONT_SYNC,
	AT_STATX_FORCE_SYNC,
	AT_SYMLINK_NOFOLLOW,
	F_SETFL,
	iovec,
	O,
	openHow,
	RESOLVE_CACHED,
	RWF_NOWAIT,
	S_IFDIR,
	S_IFMT,
	S_IFREG,
	STATX_BASIC_STATS,
	STATX_MNT_ID,
	statx,
} from "./layouts.ts";
import { isLocalMount } from "./mounts.ts";

/** Copying more than this from the page cache would itself hold up the event loop. */
const MOST_BYTES = 256 * 1024;

/** Errors of a path walk that are the answer; all others may come of asking without waiting. */
const answers = new Set<number>([
	Errno.ENOENT,
	Errno.ENOTDIR,
	Errno.EACCES,
	Errno.ELOOP,
	Errno.ENAMETOOLONG,
	Errno.EXDEV,
]);

/** Open flags with which nothing is made, changed or waited for. */
const HARMLESS = O.O_CLOEXEC | O.O_DIRECTORY | O.O_NOFOLLOW | O.O_NONBLOCK | O.O_NOATIME;

export class ImmediateAnswers {
	private readonly memory = new Memory();
	private readonly how = this.memory.reserveZeroed(openHow.size);
	private readonly record = this.memory.reserveZeroed(statx.size);
	private readonly vector = this.memory.reserveZeroed(iovec.size);
	private readonly empty = this.memory.cstring("");
	/** Descriptors opened here for reading on a local filesystem: closing them writes nothing. */
	private readonly quiet = new Set<number>();
	private available = true;

	constructor(private readonly call: Entry) {}

	answer({ fn, a, b, c, d, e }: Call): number {
		if (!this.available) return WOULD_WAIT;
		switch (fn) {
			case nr.statx:
				return (c & AT_EMPTY_PATH) !== 0 ? this.fstat(a, b, c, d, e) : this.stat(a, b, c, d, e);
			case nr.openat2:
				return this.open(a, b, c);
			case nr.pread64:
				return this.pread(a, b, c, d);
			case nr.close:
				return this.close(a);
			default:
				return WOULD_WAIT;
		}
	}

	/** Closes what this holds, if anything; the lane is not used again. */
	end(): void {
		this.memory.free();
		this.memory.discard();
	}

	private stat(dirfd: number, path: number, flags: number, mask: number, record: number): number {
		if ((flags & AT_STATX_FORCE_SYNC) !== 0) return WOULD_WAIT;
		const noFollow = (flags & AT_SYMLINK_NOFOLLOW) !== 0 ? O.O_NOFOLLOW : 0;
		const fd = this.walk(dirfd, path, O.O_PATH | O.O_CLOEXEC | noFollow, 0);
		if (fd < 0) return fd;
		const result = this.fstat(fd, this.empty, AT_EMPTY_PATH, mask, record);
		this.call(nr.close, fd, 0, 0, 0, 0, 0);
		return result;
	}

	private fstat(fd: number, path: number, flags: number, mask: number, record: number): number {
		const cached = flags | AT_STATX_DONT_SYNC;
		if ((flags & AT_STATX_FORCE_SYNC) !== 0) return WOULD_WAIT;
		const result = this.call(nr.statx, fd, path, cached, mask | STATX_MNT_ID, record, 0);
		if (result < 0) return WOULD_WAIT;
		return this.isLocal(record) ? result : WOULD_WAIT;
	}

	/**
	 * What is to be opened is looked at first: opening a fifo or a device may wait and may have
	 * effects, even when it is closed again at once.
	 */
	private open(dirfd: number, path: number, how: number): number {
		const flags = read.u32(how, openHow.flags);
		const resolve = read.u32(how, openHow.resolve);
		if ((flags & ~HARMLESS) !== 0) return WOULD_WAIT;
		const seen = this.walk(dirfd, path, O.O_PATH | (flags & ~O.O_NONBLOCK), resolve);
		if (seen < 0) return seen;
		const kind = this.kindOf(seen);
		this.call(nr.close, seen, 0, 0, 0, 0, 0);
		if (kind !== S_IFREG && kind !== S_IFDIR) return WOULD_WAIT;
		// O_NONBLOCK: it may have become a fifo since, or be under a lease.
		const fd = this.walk(dirfd, path, flags | O.O_NONBLOCK, resolve);
		if (fd < 0) return fd;
		if ((flags & O.O_NONBLOCK) === 0) this.call(nr.fcntl, fd, F_SETFL, flags & O.O_NOATIME, 0, 0, 0);
		this.quiet.add(fd);
		return fd;
	}

	private pread(fd: number, address: number, length: number, position: number): number {
		if (length > MOST_BYTES) return WOULD_WAIT;
		this.vector.setU64(iovec.base, address);
		this.vector.setU64(iovec.length, length);
		const vector = this.vector.address;
		const result = this.call(nr.preadv2, fd, vector, 1, position, 0, RWF_NOWAIT);
		return result >= 0 ? result : WOULD_WAIT;
	}

	private close(fd: number): number {
		return this.quiet.delete(fd) ? this.call(nr.close, fd, 0, 0, 0, 0, 0) : WOULD_WAIT;
	}

	/** Opens from the cache of names; a negative number is the answer or `WOULD_WAIT`. */
	private walk(dirfd: number, path: number, flags: number, resolve: number): number {
		this.how.setU32(openHow.flags, flags);
		this.how.setU32(openHow.resolve, resolve | RESOLVE_CACHED);
		const { address } = this.how;
		const fd = this.call(nr.openat2, dirfd, path, address, openHow.size, 0, 0);
		if (fd >= 0 || answers.has(-fd)) return fd;
		// Kernels before 5.12 know no RESOLVE_CACHED, and some sandboxes no openat2.
		if (fd === -Errno.EINVAL || fd === -Errno.ENOSYS || fd === -Errno.EPERM) this.available = false;
		return WOULD_WAIT;
	}

	/** The type bits of an open file; undefined where only a server could tell. */
	private kindOf(fd: number): number | undefined {
		const { address } = this.record;
		const flags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
		const mask = STATX_BASIC_STATS | STATX_MNT_ID;
		const result = this.call(nr.statx, fd, this.empty, flags, mask, address, 0);
		if (result < 0 || !this.isLocal(address)) return undefined;
		return this.record.u32(statx.mode) & S_IFMT;
	}

	private isLocal(record: number): boolean {
		if ((read.u32(record, statx.mask) & STATX_MNT_ID) === 0) return false;
		return isLocalMount(this.call, read.u32(record, statx.mountId));
	}
}
