import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Handle } from "../system.ts";

/** A change of the blocks behind a range of a file. */
export type RangeChange =
	| "preallocate"
	/** Blocks past the end of the file, without moving it. */
	| "preallocateKeepSize"
	| "punchHole"
	| "zeroRange"
	| "zeroRangeKeepSize"
	| "collapseRange"
	| "insertRange"
	| "unshareRange";

export interface AllocateSystem {
	/** `ENOTSUP` names the filesystem where it has no such change: none is made up by writing. */
	allocate(
		scope: Scope,
		handle: Handle,
		change: RangeChange,
		offset: number,
		length: number,
	): Operation<void>;
}
