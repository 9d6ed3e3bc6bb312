import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Handle, Place } from "../system.ts";

/** How the content of a file is to be copied. */
export interface ContentHow {
	readonly reflink: "auto" | "always" | "never";
	readonly holes: "keep" | "fill" | "detect";
	/** Bytes of the source, as its metadata says. */
	readonly size: number;
	/** Whether the source may have holes, as far as its metadata tells. */
	readonly sparse: boolean;
	/**
	 * What turned out not to work for files like this one, so that a tree need not try it again for
	 * each: looked at before, and added to.
	 */
	readonly refused?: Set<"reflink" | "unnamed"> | undefined;
	/** Told how many bytes of the source are done with, holes included. */
	readonly progress?: ((done: number) => void) | undefined;
}

export interface ContentCopied {
	/** Bytes of content in the destination, holes included. */
	readonly bytes: number;
	/** How many holes the destination was given. */
	readonly holes: number;
	/** By what: the field's name for it, such as `"reflink"` or `"copy_file_range"`. */
	readonly method: string;
}

/** A range of one open file, and where it is to be in another. */
export interface RangeCopy {
	readonly source: Handle;
	readonly sourceOffset: number;
	readonly destination: Handle;
	readonly destinationOffset: number;
	readonly length: number;
}

export interface CopySystem {
	/**
	 * Makes a file with the content of an open one: `"new"`, where nothing may be yet; as a
	 * `"replacement"` of what is there, emptied and filled; or `"unnamed"` in the directory that the
	 * place is, to be given its name by `publish`. The file is handed back open, for its metadata to
	 * be set; when this throws, a file that it made is gone again.
	 */
	create(
		scope: Scope,
		source: Handle,
		destination: Place,
		how: ContentHow & {
			readonly mode: number;
			readonly as: "new" | "replacement" | "unnamed";
		},
	): Operation<ContentCopied & { readonly handle: Handle }>;
	/** One copy of a range inside the kernel where it can; may be short, 0 at the end of file. */
	range(scope: Scope, range: RangeCopy): Operation<number>;
	/** Shares the blocks of a range, or throws `ENOTSUP`. */
	cloneRange(scope: Scope, range: RangeCopy): Operation<void>;
}
