import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Handle } from "../system.ts";
import type { Extent } from "./file.ts";

/** A stretch of a file and where the filesystem keeps it. */
export interface MappedExtent extends Extent {
	/** Where it begins on the device, in bytes; undefined for holes and where there is no such place. */
	readonly physical: bigint | undefined;
	/** Other files have the same blocks. */
	readonly shared: boolean;
	/** Blocks are reserved for it that read as zeros. */
	readonly unwritten: boolean;
}

export interface ExtentsSystem {
	/**
	 * The next extents at `offset` or after it, in order, as far as `end`; nothing after the last.
	 * What lies between them is holes. `ENOTSUP` where the filesystem does not tell.
	 */
	map(scope: Scope, handle: Handle, offset: number, end: number): Operation<MappedExtent[]>;
}
