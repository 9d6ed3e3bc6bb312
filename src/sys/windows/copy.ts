/**
 * Copying content. CopyFile2 is not used: it opens both files by their names once more, where they
 * may be others by then, and copies streams, attributes and times whether they are wanted or not.
 */
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { BUFFER_SIZE, Content, refuseSame } from "../content.ts";
import type { ContentHow, CopySystem, Handle, Place } from "../system.ts";
import { writeWhole } from "../whole.ts";
import { setSparse, spaceOf } from "./allocate.ts";
import { cloneRange, prepareClone, shareAll } from "./block-clone.ts";
import { call } from "./calls.ts";
import { directory } from "./directory.ts";
import { extent } from "./extents.ts";
import { unsupported } from "./failure.ts";
import { file } from "./file.ts";
import { metadata } from "./metadata.ts";

/**
 * Readable too, so that the copy can be compared with its source. What is replaced is emptied when it
 * is known to be no link, and not the source; opened to be truncated it would lose its streams and
 * attributes as well.
 */
const howToOpen = {
	new: { read: true, write: true, create: true, exclusive: true },
	replacement: { read: true, write: true, create: true, noFollow: true },
	unnamed: { read: true, write: true, temporary: true },
} as const;

export const copy: CopySystem = {
	*create(scope, source, destination, how) {
		const { mode, as } = how;
		const handle = yield* file.open(scope, destination, { ...howToOpen[as], mode });
		let done = false;
		try {
			if (as === "replacement") {
				yield* refuseSame(metadata, scope, source, handle);
				yield* file.truncate(scope, handle, 0);
			}
			const { done: bytes, holes, method } = yield* content(scope, source, handle, how);
			done = true;
			return { bytes, holes, method, handle };
		} finally {
			if (!done) {
				yield call("NtClose", handle);
				if (as === "new") yield* removeQuietly(scope, destination);
			}
		}
	},

	*range(scope, source, sourceOffset, destination, destinationOffset, length) {
		const size = Math.min(length, BUFFER_SIZE);
		const { address } = scope.memory.reserve(size);
		const read = yield* file.read(scope, source, address, size, sourceOffset);
		yield* writeWhole(file, scope, destination, address, read, destinationOffset);
		return read;
	},

	cloneRange,
};

/** What failed before it is what the caller is told. */
function* removeQuietly(scope: Scope, place: Place): Operation<void> {
	try {
		yield* directory.unlink(scope, place);
	} catch {
		// Nothing more can be done about it.
	}
}

/** The content of one file on its way, with what Windows does for it. */
class Transfer extends Content {
	/** Whether the copy can have holes; undefined as long as nobody has asked. */
	private sparse: boolean | undefined;

	/** Shares all clusters; false where the volume does not. */
	*reflink(): Operation<boolean> {
		const { scope, source, destination, how } = this;
		const { reflink, refused, size } = how;
		if (refused?.has("reflink") && reflink === "auto") return false;
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

	/** Copies the stretches that hold data and leaves holes between them. */
	*segments(): Operation<void> {
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
	// Of a small file that has its clusters nothing is gained by asking.
	if (how.holes === "keep" && (how.sparse || how.size > BUFFER_SIZE || transfer.done > 0)) {
		yield* transfer.segments();
	} else {
		const detect = how.holes === "detect";
		yield* transfer.byReading(Number.MAX_SAFE_INTEGER, detect);
		if (detect) yield* file.truncate(scope, destination, transfer.done);
	}
	return transfer;
}
