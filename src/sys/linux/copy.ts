import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FsError } from "../../errors.ts";
import { BUFFER_SIZE, Content, refuseSame } from "../content.ts";
import { ITSELF } from "../metadata.ts";
import type { ContentHow, CopySystem, Handle, Place } from "../system.ts";
import { writeWhole } from "../whole.ts";
import { nr, sys } from "./calls.ts";
import { directory } from "./directory.ts";
import { Errno } from "./errno.ts";
import { endOf, seek } from "./extents.ts";
import { checked, failure, unsupported } from "./failure.ts";
import { file } from "./file.ts";
import { FICLONE, FICLONERANGE, fileCloneRange, SEEK_DATA, SEEK_HOLE, statfs } from "./layouts.ts";
import { metadata } from "./metadata.ts";

/** Bytes per call: enough to be quick, few enough that an abort is soon seen. */
const KERNEL_CHUNK = 16 * 1024 * 1024;

/**
 * Readable too, so that the copy can be compared with its source. What is replaced is emptied when it
 * is known to be no link, and not the source, which may have got the name meanwhile.
 */
const howToOpen = {
	new: { read: true, write: true, create: true, exclusive: true },
	replacement: { read: true, write: true, create: true, noFollow: true },
	unnamed: { read: true, write: true, temporary: true },
} as const;

/** Errors of FICLONE and FICLONERANGE that say "not here", not "it went wrong". */
const noReflink = new Set<number>([
	Errno.EXDEV,
	Errno.EINVAL,
	Errno.EOPNOTSUPP,
	Errno.ENOTTY,
	Errno.EPERM,
	Errno.ENOSYS,
]);

/** Errors of copy_file_range for which reading and writing may still work. */
const noKernelCopy = new Set<number>([
	Errno.EXDEV,
	Errno.EINVAL,
	Errno.EOPNOTSUPP,
	Errno.EPERM,
	Errno.EACCES,
	Errno.ENOSYS,
]);

export const copy: CopySystem = {
	*create(scope, source, destination, how) {
		const { mode, as } = how;
		const handle = yield* file.open(scope, destination, { ...howToOpen[as], mode });
		let done = false;
		try {
			if (as === "replacement") {
				yield* refuseSame(metadata, scope, source, handle);
				yield* file.truncate(scope, handle, 0);
				yield* conceal(handle, mode);
			}
			const transfer = yield* content(scope, source, handle, how);
			done = true;
			const { done: bytes, holes, method } = transfer;
			return { bytes, holes, method, handle };
		} finally {
			if (!done) {
				yield sys(nr.close, handle);
				if (as === "new") yield* removeQuietly(scope, destination);
			}
		}
	},

	*range(scope, source, sourceOffset, destination, destinationOffset, length) {
		const inKernel = yield* kernelCopy(
			scope,
			source,
			sourceOffset,
			destination,
			destinationOffset,
			length,
		);
		if (inKernel !== undefined && inKernel > 0) return inKernel;
		// 0 is the end of the file, or a file such as those of /proc that only reading can tell.
		const size = Math.min(length, BUFFER_SIZE);
		const { address } = scope.memory.reserve(size);
		const read = yield* file.read(scope, source, address, size, sourceOffset);
		yield* writeWhole(file, scope, destination, address, read, destinationOffset);
		return read;
	},

	*cloneRange(scope, source, sourceOffset, destination, destinationOffset, length) {
		const range = scope.memory.reserve(fileCloneRange.size);
		range.setU64(fileCloneRange.sourceHandle, source);
		range.setU64(fileCloneRange.sourceOffset, sourceOffset);
		range.setU64(fileCloneRange.sourceLength, length);
		range.setU64(fileCloneRange.destinationOffset, destinationOffset);
		const result = yield sys(nr.ioctl, destination, FICLONERANGE, range.address);
		if (result === -Errno.EINVAL) {
			const { size } = yield* metadata.stat(scope, source, ITSELF);
			const block = yield* blockSize(scope, source);
			const whole = [sourceOffset, destinationOffset, length].every((at) => at % block === 0);
			if (!whole || sourceOffset + length > size) throw misfit(block, size);
		}
		if (result < 0 && noReflink.has(-result))
			throw unsupported("cloneRange", reflinkRefused(result));
		checked(result, "cloneRange");
	},
};

function* blockSize(scope: Scope, handle: Handle): Operation<number> {
	const status = scope.memory.reserveZeroed(statfs.size);
	checked(yield sys(nr.fstatfs, handle, status.address), "fstatfs");
	return status.u64(statfs.blockSize);
}

/** Ranges that are refused where others would be taken. */
function misfit(block: number, size: number): FsError {
	return failure(-Errno.EINVAL, "cloneRange", {
		detail:
			`offsets must be multiples of the block size, ${block} bytes, and so must the length if it is ` +
			`not up to the end of both files; the source has ${size} bytes`,
	});
}

/**
 * Whoever may read the old content is not to see the new one before its permissions say so. Those of
 * somebody else's file cannot be changed.
 */
function* conceal(handle: Handle, mode: number): Operation<void> {
	const result = yield sys(nr.fchmod, handle, mode);
	if (result !== -Errno.EPERM) checked(result, "fchmod");
}

/** What failed before it is what the caller is told. */
function* removeQuietly(scope: Scope, place: Place): Operation<void> {
	try {
		yield* directory.unlink(scope, place);
	} catch {
		// Nothing more can be done about it.
	}
}

function reflinkRefused(result: number): string {
	return result === -Errno.EXDEV
		? "the two files are on different filesystems, which share no blocks"
		: "this filesystem does not share blocks between these files";
}

/** One copy_file_range; undefined when it cannot be used for these files. */
function* kernelCopy(
	scope: Scope,
	source: Handle,
	sourceOffset: number,
	destination: Handle,
	destinationOffset: number,
	length: number,
): Operation<number | undefined> {
	const mark = scope.mark();
	const offsets = scope.memory.reserve(16);
	offsets.setU64(0, sourceOffset);
	offsets.setU64(8, destinationOffset);
	const { address } = offsets;
	const chunk = Math.min(length, KERNEL_CHUNK);
	const call = sys(nr.copy_file_range, source, address, destination, address + 8, chunk);
	const result = yield call;
	scope.release(mark);
	if (result < 0 && noKernelCopy.has(-result)) return undefined;
	return checked(result, "copy_file_range");
}

/** The content of one file on its way, with what the kernel does for it. */
class Transfer extends Content {
	private kernelRefuses = false;

	/** Shares all blocks; false where the filesystem does not. */
	*reflink(): Operation<boolean> {
		const { reflink, refused } = this.how;
		if (refused?.has("reflink") && reflink === "auto") return false;
		const result = yield sys(nr.ioctl, this.destination, FICLONE, this.source);
		if (result === 0) {
			this.method = "reflink";
			this.advance(this.how.size);
			return true;
		}
		if (!noReflink.has(-result)) throw failure(result, "copyfile");
		if (reflink === "always") throw unsupported("copyfile", reflinkRefused(result));
		// EINVAL and EPERM may be about this one file.
		if (result !== -Errno.EINVAL && result !== -Errno.EPERM) refused?.add("reflink");
		return false;
	}

	/** Copies the stretches that hold data and leaves holes between them. */
	*segments(): Operation<void> {
		for (;;) {
			const { data, start } = yield* this.nextData();
			if (start > this.done) {
				this.holes++;
				this.advance(start - this.done);
			}
			if (data === undefined) break;
			const end = (yield* seek(this.source, start, SEEK_HOLE)) ?? Number.MAX_SAFE_INTEGER;
			yield* this.stretch(end);
			// The file has become shorter meanwhile, or cannot tell its data from its end.
			if (this.done < end) break;
		}
		yield* file.truncate(this.scope, this.destination, this.done);
	}

	/**
	 * Where the next data begins, or, if there is none, where the hole ends that is left. The end is
	 * asked for before it is seen that no data is there: what is appended meanwhile is not a hole.
	 */
	private *nextData(): Operation<{ data: number | undefined; start: number }> {
		const { source, done } = this;
		let data = yield* seek(source, done, SEEK_DATA);
		if (data !== undefined) return { data, start: data };
		const end = yield* endOf(source);
		if (end > done) data = yield* seek(source, done, SEEK_DATA);
		return { data, start: data ?? end };
	}

	/** Copies from where the transfer stands to `end`, or to the end of the file before that. */
	*stretch(end: number): Operation<void> {
		const { scope, source, destination } = this;
		// Some filesystems share blocks in copy_file_range too.
		const byKernel = this.how.reflink !== "never";
		while (byKernel && this.done < end && !this.kernelRefuses) {
			const rest = end - this.done;
			const copied = yield* kernelCopy(scope, source, this.done, destination, this.done, rest);
			if (copied === undefined || copied === 0) {
				// 0 may be a file whose content only reading shows; reading also finds the end.
				this.kernelRefuses = true;
				break;
			}
			this.method = "copy_file_range";
			this.advance(copied);
		}
		if (this.done < end) yield* this.byReading(end, false);
	}
}

/** Fills the destination, by the cheapest way that keeps what is asked. */
function* content(
	scope: Scope,
	source: Handle,
	destination: Handle,
	how: ContentHow,
): Operation<Transfer> {
	const transfer = new Transfer(file, scope, source, destination, how);
	if (how.reflink !== "never" && how.holes === "keep" && (yield* transfer.reflink())) {
		return transfer;
	}
	// A large file may have holes that its number of blocks hides: some are allocated past its end.
	if (how.holes === "keep" && (how.sparse || how.size > BUFFER_SIZE)) {
		yield* transfer.segments();
	} else {
		const detect = how.holes === "detect";
		yield* transfer.byReading(Number.MAX_SAFE_INTEGER, detect);
		if (detect) yield* file.truncate(scope, destination, transfer.done);
	}
	return transfer;
}
