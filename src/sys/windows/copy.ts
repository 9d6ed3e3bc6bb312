/**
 * Copying content. CopyFile2 is not used: it opens both files by their names once more, where they
 * may be others by then, and copies streams, attributes and times whether they are wanted or not.
 */
import type { Operation } from "../../engine/operation.ts";
import { Content } from "../content.ts";
import { creation, rangeByReading } from "../copy.ts";
import type { CopySystem } from "../system.ts";
import { setSparse, spaceOf } from "./allocate.ts";
import { cloneRange, prepareClone, shareAll } from "./block-clone.ts";
import { directory } from "./directory.ts";
import { extent } from "./extents.ts";
import { unsupported } from "./failure.ts";
import { file } from "./file.ts";
import { metadata } from "./metadata.ts";

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
				yield* this.byReading(stop, false);
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
	create: creation({ file, directory, metadata, Transfer }),
	range: rangeByReading(file),
	cloneRange,
};
