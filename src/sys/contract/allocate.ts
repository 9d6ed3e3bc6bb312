import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Handle } from "../system.ts";

/** A change of the blocks behind a range of a file. */
export type RangeChange =
	/** Reserves blocks; the file grows if the range ends past its end. */
	| "preallocate"
	/** The same, and the file keeps its size. */
	| "preallocateKeepSize"
	/** Gives the blocks back, so that the range reads as zeros; the file keeps its size. */
	| "punchHole"
	/** Makes the range read as zeros, with blocks; the file grows if the range ends past its end. */
	| "zeroRange"
	/** The same, and the file keeps its size. */
	| "zeroRangeKeepSize"
	/** Takes the range out, and what comes after it moves up. */
	| "collapseRange"
	/** Puts a hole in, and what was there moves on. */
	| "insertRange"
	/** Gives the file blocks of its own for those that it shares; it keeps its size. */
	| "unshareRange";

export interface AllocateSystem {
	/** Whether what is reserved past the end of a file is given back when the file is closed. */
	readonly reservesWhileOpen: boolean;
	/** `ENOTSUP` names the filesystem where it has no such change: none is made up by writing. */
	allocate(
		scope: Scope,
		handle: Handle,
		change: RangeChange,
		offset: number,
		length: number,
	): Operation<void>;
}
