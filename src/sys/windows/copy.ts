/**
 * Copying content. CopyFile2 is not used: it opens both files by their names once more, where they
 * may be others by then, and copies streams, attributes and times whether they are wanted or not. What
 * it copies with is: NtCopyFileChunk takes open files.
 */
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { Content } from "../content.ts";
import { copying } from "../copy.ts";
import type { CopySystem, RangeCopy } from "../system.ts";
import { setSparse, spaceOf } from "./allocate.ts";
import { cloneRange, prepareClone, shareAll } from "./block-clone.ts";
import { call } from "./calls.ts";
import { directory } from "./directory.ts";
import { extent } from "./extents.ts";
import { unsupported } from "./failure.ts";
import { file } from "./file.ts";
import { ioStatusBlock } from "./layouts.ts";
import { metadata } from "./metadata.ts";

/** Bytes per call: enough to be quick, few enough that an abort is soon seen. */
const KERNEL_CHUNK = 4 * 1024 * 1024;

/** One NtCopyFileChunk. Whatever it fails with, reading and writing does not, or says it better. */
function* kernelCopy(
	scope: Scope,
	{ source, sourceOffset, destination, destinationOffset, length }: RangeCopy,
): Operation<number | undefined> {
	const mark = scope.mark();
	const status = scope.memory.reserveZeroed(ioStatusBlock.size);
	const offsets = scope.memory.reserve(16);
	offsets.setU64(0, sourceOffset);
	offsets.setU64(8, destinationOffset);
	const { address } = offsets;
	const chunk = Math.min(length, KERNEL_CHUNK);
	const files = [source, destination] as const;
	const at = [address, address + 8] as const;
	// The field between is for those who wait: see kernel.ts.
	const result = yield call("NtCopyFileChunk", ...files, 0, status.address, chunk, ...at);
	const copied = status.u64(ioStatusBlock.information);
	scope.release(mark);
	return result < 0 ? undefined : copied;
}

/** The content of one file on its way, with what Windows does for it. */
class Transfer extends Content {
	/** Whether the copy can have holes; undefined as long as nobody has asked. */
	private sparse: boolean | undefined;

	protected *reflink(): Operation<boolean> {
		const { scope, source, destination, how } = this;
		const { reflink, refused, size } = how;
		const reason = yield* prepareClone(scope, source, destination, size);
		if (reason !== undefined) {
			if (reflink === "always") throw unsupported("copyfile", reason);
			refused?.add("reflink");
			return false;
		}
		const lacking = yield* shareAll(scope, source, destination, size, (bytes) =>
			this.advance(bytes),
		);
		if (lacking === undefined) {
			this.method = "block-clone";
			return true;
		}
		if (reflink === "always") throw unsupported("copyfile", lacking);
		// What is not shared is to be written, and the file to end where that does.
		yield* file.truncate(scope, destination, this.done);
		return false;
	}

	protected *segments(): Operation<void> {
		const { scope, source, destination } = this;
		for (let end = yield* this.end(); this.done < end; end = yield* this.end()) {
			const { kind, length } = yield* extent(scope, source, this.done, end);
			const stop = this.done + length;
			if (kind === "hole") {
				yield* this.beginHole();
				this.advance(length);
			} else {
				yield* this.stretch(stop);
			}
			// The file has become shorter meanwhile.
			if (this.done < stop) break;
		}
		yield* file.truncate(scope, destination, this.done);
	}

	/** Where there are no sparse files, what is left out is zeros, with clusters, and no hole. */
	protected override *beginHole(): Operation<void> {
		const { scope, destination } = this;
		this.sparse ??= (yield* setSparse(scope, destination, true)) >= 0;
		if (this.sparse) this.holes++;
	}

	/** Where the source ends by now. */
	private *end(): Operation<number> {
		return (yield* spaceOf(this.scope, this.source)).size;
	}
}

export const copy: CopySystem = {
	...copying({
		file,
		directory,
		metadata,
		kernel: { method: "NtCopyFileChunk", copy: kernelCopy },
		Transfer,
	}),
	cloneRange,
};
