import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Handle } from "../system.ts";
import type { Extent } from "./file.ts";

/** A stretch of a file and where the filesystem keeps it. */
export interface MappedExtent extends Extent {
	/**
	 * Where it begins on the filesystem's device, in bytes; undefined where nothing is allocated, or
	 * nothing but a part of the filesystem's own blocks. Of what is `encoded`, where that begins.
	 */
	readonly physical: bigint | undefined;
	/** Other files, or other parts of this one, have the same blocks. */
	readonly shared: boolean;
	/** Blocks are reserved for it, and nothing is written to them: it is a hole that has room. */
	readonly unwritten: boolean;
	/** The blocks hold something else than the content: it is compressed or encrypted. */
	readonly encoded: boolean;
}

export interface ExtentsSystem {
	/**
	 * Opens a file once more by its handle, for reading: asking `file.extent` about this one moves no
	 * position that others go on from.
	 */
	reopen(scope: Scope, handle: Handle): Operation<Handle>;
	/**
	 * The next extents that have blocks, in order, none twice, cut to what lies between `offset` and
	 * `end`; none if there are none. What lies between them is holes. What is not yet written to the
	 * device is written first. `ENOTSUP` names the filesystem where it does not tell.
	 */
	map(scope: Scope, handle: Handle, offset: number, end: number): Operation<MappedExtent[]>;
}
