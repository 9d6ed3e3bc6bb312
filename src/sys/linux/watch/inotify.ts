import type { Operation } from "../../../engine/operation.ts";
import type { Scope } from "../../../engine/scope.ts";
import type { Handle } from "../../system.ts";
import { nr, sys } from "../calls.ts";
import { Errno } from "../errno.ts";
import { checked, unsupported } from "../failure.ts";
import {
	AT_FDCWD,
	IN_CLOEXEC,
	IN_NONBLOCK,
	inotifyEvent,
	iovec,
	O,
	POLLIN,
	pollfd,
	timespec,
} from "../layouts.ts";
import { procPath } from "../path.ts";
import { full } from "./limits.ts";

/** Bytes asked for at once: some thousand events, which take a millisecond or two to look at. */
const READ_SIZE = 64 * 1024;
/** An event with the longest name that there is. */
const LONGEST_EVENT = inotifyEvent.size + 256;

/** Takes an event as it was read; names are byte strings, one character for each byte. */
export type Take = (wd: number, mask: number, cookie: number, name: string) => void;

/** One queue of the kernel's in which events are put until they are read. */
export class Inotify {
	constructor(readonly handle: Handle) {}

	static *open(scope: Scope): Operation<Inotify> {
		const result = yield sys(nr.inotify_init1, IN_NONBLOCK | IN_CLOEXEC);
		if (result === -Errno.ENOSYS) throw unsupported("watch", "this kernel has no inotify");
		if (result === -Errno.EMFILE) throw yield* full(scope, result, "max_user_instances");
		return new Inotify(checked(result, "watch"));
	}

	/**
	 * Watches what is open, whatever its name leads to by now, and gives the number of the watch. Of
	 * what is watched already that is the number that it has.
	 */
	*add(scope: Scope, open: Handle, mask: number): Operation<number> {
		const mark = scope.mark();
		const path = scope.memory.cstring(procPath(open));
		// The kernel does not see the last argument: it says to the lanes what the path leads to.
		const result = yield sys(nr.inotify_add_watch, this.handle, path, mask, open);
		scope.release(mark);
		if (result === -Errno.ENOSPC) throw yield* full(scope, result, "max_user_watches");
		// What is open is there, even without a name, unless it is a server's, or /proc is not.
		if (result === -Errno.ENOENT && !(yield* hasProc(scope))) {
			throw unsupported("watch", "it takes /proc, which is not mounted");
		}
		return checked(result, "watch");
	}

	/** Ends a watch; one that has ended by itself has no number any more, which is as good. */
	*remove(wd: number): Operation<void> {
		const result = yield sys(nr.inotify_rm_watch, this.handle, wd);
		if (result !== -Errno.EINVAL) checked(result, "watch");
	}

	/** Takes events without waiting for any; false if there are no more. */
	*read(scope: Scope, take: Take): Operation<boolean> {
		const mark = scope.mark();
		const buffer = scope.memory.reserve(READ_SIZE);
		const vector = scope.memory.reserve(iovec.size);
		vector.setU64(iovec.base, buffer.address);
		vector.setU64(iovec.length, READ_SIZE);
		// Not `read`: the ring would wait for an event whether it may or not.
		const result = yield sys(nr.readv, this.handle, vector.address, 1);
		const length = result === -Errno.EAGAIN ? 0 : checked(result, "watch");
		parse(buffer.bytes(0, length), take);
		scope.release(mark);
		// With room left for any event, there was none left.
		return length > READ_SIZE - LONGEST_EVENT;
	}

	/** Waits until there is an event; false if there was none for so many milliseconds, or `Infinity`. */
	*wait(scope: Scope, milliseconds: number): Operation<boolean> {
		const mark = scope.mark();
		const record = scope.memory.reserve(pollfd.size);
		record.setU32(pollfd.fd, this.handle);
		record.setU32(pollfd.events, POLLIN);
		let timeout = 0;
		if (milliseconds !== Number.POSITIVE_INFINITY) {
			const limit = scope.memory.reserve(timespec.size);
			const whole = Math.max(0, Math.ceil(milliseconds));
			limit.setU64(timespec.seconds, Math.floor(whole / 1000));
			limit.setU64(timespec.nanoseconds, (whole % 1000) * 1_000_000);
			timeout = limit.address;
		}
		const result = checked(yield sys(nr.ppoll, record.address, 1, timeout, 0, 8), "watch");
		scope.release(mark);
		return result > 0;
	}

	*close(): Operation<void> {
		yield sys(nr.close, this.handle);
	}
}

function* hasProc(scope: Scope): Operation<boolean> {
	const path = scope.memory.cstring("/proc/self/fd");
	const handle = yield sys(nr.openat, AT_FDCWD, path, O.O_PATH | O.O_CLOEXEC);
	if (handle >= 0) yield sys(nr.close, handle);
	return handle >= 0;
}

function parse(bytes: Uint8Array<ArrayBuffer>, take: Take): void {
	const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
	for (let at = 0; at < text.length; ) {
		const length = text.readUInt32LE(at + inotifyEvent.length);
		const start = at + inotifyEvent.name;
		const end = length === 0 ? start : text.indexOf(0, start);
		take(
			text.readInt32LE(at + inotifyEvent.wd),
			text.readUInt32LE(at + inotifyEvent.mask),
			text.readUInt32LE(at + inotifyEvent.cookie),
			text.toString("latin1", start, end),
		);
		at = start + length;
	}
}
