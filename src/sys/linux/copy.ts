import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FsError } from "../../errors.ts";
import { Content } from "../content.ts";
import { copying } from "../copy.ts";
import { ITSELF } from "../metadata.ts";
import type { CopySystem, Handle, RangeCopy } from "../system.ts";
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
function* conceal(_scope: Scope, handle: Handle, mode: number): Operation<void> {
	const result = yield sys(nr.fchmod, handle, mode);
	if (result !== -Errno.EPERM) checked(result, "fchmod");
}

function reflinkRefused(result: number): string {
	return result === -Errno.EXDEV
		? "the two files are on different filesystems, which share no blocks"
		: "this filesystem does not share blocks between these files";
}

/** One copy_file_range; undefined when it cannot be used for these files. */
function* kernelCopy(
	scope: Scope,
	{ source, sourceOffset, destination, destinationOffset, length }: RangeCopy,
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
	/** Some filesystems share blocks in copy_file_range too. */
	protected override kernelRefuses = this.how.reflink === "never";

	protected *reflink(): Operation<boolean> {
		const { reflink, refused } = this.how;
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

	protected *segments(): Operation<void> {
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
}

export const copy: CopySystem = {
	...copying({
		file,
		directory,
		metadata,
		kernel: { method: "copy_file_range", copy: kernelCopy },
		Transfer,
		conceal,
	}),

	*cloneRange(scope, { source, sourceOffset, destination, destinationOffset, length }) {
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
