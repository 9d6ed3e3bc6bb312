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
	F_GETFL,
	F_OFD_SETLK,
	F_SETFL,
	IN_NONBLOCK,
	iovec,
	O,
	openHow,
	RESOLVE_CACHED,
	RWF_NOWAIT,
	S_IFDIR,
	S_IFMT,
	S_IFREG,
	SEEK_SET,
	STATX_BASIC_STATS,
	STATX_MNT_ID,
	statx,
} from "./layouts.ts";
import { type MountKind, MountKinds } from "./mounts.ts";

/** Copying more than this from the page cache would itself hold up the event loop. */
const MOST_BYTES = 256 * 1024;

/** Freeing the blocks of a larger file would, too. */
const MOST_FREED = 4 * 1024 * 1024;

/** What was found at the end of a path. */
interface Content {
	readonly mount: MountKind;
	readonly size: number;
}

/** Errors of a path walk that are the answer; all others may come of asking without waiting. */
const answers = new Set<number>([
	Errno.ENOENT,
	Errno.ENOTDIR,
	Errno.EACCES,
	Errno.ELOOP,
	Errno.ENAMETOOLONG,
	Errno.EXDEV,
]);

/** Errors of looking at a path that say that it cannot be asked for without waiting at all. */
const neverAnswers = new Set<number>([Errno.EINVAL, Errno.ENOSYS, Errno.EPERM]);

/** Open flags that may stand beside O_PATH. */
const WITH_PATH = O.O_CLOEXEC | O.O_DIRECTORY | O.O_NOFOLLOW;

/** Open flags with which nothing is made, changed or waited for. */
const HARMLESS = O.O_CLOEXEC | O.O_DIRECTORY | O.O_NOFOLLOW | O.O_NONBLOCK | O.O_NOATIME;

export class ImmediateAnswers {
	private readonly memory = new Memory();
	private readonly how = this.memory.reserveZeroed(openHow.size);
	private readonly record = this.memory.reserveZeroed(statx.size);
	private readonly vector = this.memory.reserveZeroed(iovec.size);
	private readonly empty = this.memory.cstring("");
	/** Descriptors opened here for reading on a local filesystem: no close of theirs has to write. */
	private readonly quiet = new Map<number, Content>();
	/** Descriptors opened here that events are read from. */
	private readonly events = new Set<number>();
	private readonly mounts: MountKinds;
	private available = true;

	constructor(private readonly call: Entry) {
		this.mounts = new MountKinds(call);
	}

	answer({ fn, a, b, c, d, e }: Call): number {
		if (!this.available) return WOULD_WAIT;
		switch (fn) {
			case nr.statx:
				return (c & AT_EMPTY_PATH) !== 0 ? this.fstat(a, b, c, d, e) : this.stat(a, b, c, d, e);
			case nr.openat:
				return this.open(a, b, c, 0);
			case nr.openat2:
				return this.open(a, b, read.u32(c, openHow.flags), read.u32(c, openHow.resolve));
			case nr.pread64:
				return this.pread(a, b, c, d);
			case nr.close:
				return this.close(a);
			case nr.fcntl:
				return this.lock(a, b, c);
			case nr.lseek:
				return this.quiet.has(a) && c === SEEK_SET ? this.call(fn, a, b, c, 0, 0, 0) : WOULD_WAIT;
			case nr.inotify_init1:
				return this.openEvents(a);
			case nr.inotify_add_watch:
				return this.quiet.has(d) ? this.call(fn, a, b, c, 0, 0, 0) : WOULD_WAIT;
			case nr.inotify_rm_watch:
				return this.call(fn, a, b, 0, 0, 0, 0);
			case nr.readv:
				return this.events.has(a) ? this.call(fn, a, b, c, 0, 0, 0) : WOULD_WAIT;
			default:
				return WOULD_WAIT;
		}
	}

	/** Closes what this holds, if anything; the lane is not used again. */
	end(): void {
		this.mounts.end();
		this.memory.free();
		this.memory.discard();
	}

	/** Another lane closes this descriptor: its number may come back for another file. */
	forget(fd: number): void {
		this.quiet.delete(fd);
		this.events.delete(fd);
	}

	/** Reading events waits for none where it was asked not to. */
	private openEvents(flags: number): number {
		const fd = this.call(nr.inotify_init1, flags, 0, 0, 0, 0, 0);
		if (fd >= 0 && (flags & IN_NONBLOCK) !== 0) this.events.add(fd);
		return fd;
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
		return this.mountOf(record) === "remote" ? WOULD_WAIT : result;
	}

	/**
	 * What is to be opened is looked at first: opening a fifo or a device may wait and may have
	 * effects, even when it is closed again at once.
	 */
	private open(dirfd: number, path: number, flags: number, resolve: number): number {
		if ((flags & ~HARMLESS) !== 0) return WOULD_WAIT;
		const seen = this.walk(dirfd, path, O.O_PATH | (flags & WITH_PATH), resolve);
		if (seen < 0) return seen;
		const looked = this.content(seen);
		this.call(nr.close, seen, 0, 0, 0, 0, 0);
		if (looked === undefined) return WOULD_WAIT;
		// O_NONBLOCK: it may have become a fifo since, or be under a lease.
		const fd = this.walk(dirfd, path, flags | O.O_NONBLOCK, resolve);
		if (fd < 0) return fd;
		const content = this.content(fd);
		if (content === undefined) {
			this.call(nr.close, fd, 0, 0, 0, 0, 0);
			return WOULD_WAIT;
		}
		if ((flags & O.O_NONBLOCK) === 0)
			this.call(nr.fcntl, fd, F_SETFL, flags & O.O_NOATIME, 0, 0, 0);
		this.quiet.set(fd, content);
		return fd;
	}

	private pread(fd: number, address: number, length: number, position: number): number {
		if (length > MOST_BYTES) return WOULD_WAIT;
		// tmpfs does not know RWF_NOWAIT (EOPNOTSUPP), having nothing to wait for.
		if (this.quiet.get(fd)?.mount === "memory") {
			return this.call(nr.pread64, fd, address, length, position, 0, 0);
		}
		if (!this.quiet.has(fd) && this.isDirect(fd)) return WOULD_WAIT;
		this.vector.setU64(iovec.base, address);
		this.vector.setU64(iovec.length, length);
		// A short answer is the end of the file or of what is cached: the operation asks for the rest.
		const vector = this.vector.address;
		const read = this.call(nr.preadv2, fd, vector, 1, position, 0, RWF_NOWAIT);
		// The queue into the kernel would read a pipe whatever the position.
		return read >= 0 || read === -Errno.ESPIPE ? read : WOULD_WAIT;
	}

	/** Asks for a lock, which waits for nothing where the locks are kept by this kernel. */
	private lock(fd: number, command: number, record: number): number {
		if (command !== F_OFD_SETLK || this.content(fd) === undefined) return WOULD_WAIT;
		return this.call(nr.fcntl, fd, command, record, 0, 0, 0);
	}

	/** Past the page cache RWF_NOWAIT only starts without waiting: it waits for the disk after. */
	private isDirect(fd: number): boolean {
		const flags = this.call(nr.fcntl, fd, F_GETFL, 0, 0, 0, 0);
		return flags < 0 || (flags & O.O_DIRECT) !== 0;
	}

	/** The last close of a file without a name frees it, which takes long if it is large. */
	private close(fd: number): number {
		const content = this.quiet.get(fd);
		if (content === undefined || content.size > MOST_FREED) return WOULD_WAIT;
		this.quiet.delete(fd);
		return this.call(nr.close, fd, 0, 0, 0, 0, 0);
	}

	/** Opens from the cache of names; a negative number is the answer or `WOULD_WAIT`. */
	private walk(dirfd: number, path: number, flags: number, resolve: number): number {
		this.how.setU32(openHow.flags, flags);
		this.how.setU32(openHow.resolve, resolve | RESOLVE_CACHED);
		const { address } = this.how;
		const fd = this.call(nr.openat2, dirfd, path, address, openHow.size, 0, 0);
		if (fd >= 0 || answers.has(-fd)) return fd;
		// Kernels before 5.12 know no RESOLVE_CACHED, and some sandboxes no openat2. With other flags
		// the same errors can be about the file.
		if ((flags & O.O_PATH) !== 0 && neverAnswers.has(-fd)) this.available = false;
		return WOULD_WAIT;
	}

	/** A file or directory on a local filesystem; undefined for all that opening may wait for. */
	private content(fd: number): Content | undefined {
		const { address } = this.record;
		const flags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
		const mask = STATX_BASIC_STATS | STATX_MNT_ID;
		if (this.call(nr.statx, fd, this.empty, flags, mask, address, 0) < 0) return undefined;
		const kind = this.record.u32(statx.mode) & S_IFMT;
		if (kind !== S_IFREG && kind !== S_IFDIR) return undefined;
		const mount = this.mountOf(address);
		return mount === "remote" ? undefined : { mount, size: this.record.u64(statx.sizeOfFile) };
	}

	private mountOf(record: number): MountKind {
		if ((read.u32(record, statx.mask) & STATX_MNT_ID) === 0) return "remote";
		return this.mounts.of(read.u32(record, statx.mountId));
	}
}
