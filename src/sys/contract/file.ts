import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Handle, Place } from "../system.ts";

/** How to open a file; all of it false or undefined unless said. */
export interface OpenHow {
	readonly read?: boolean;
	readonly write?: boolean;
	readonly append?: boolean;
	readonly create?: boolean;
	readonly exclusive?: boolean;
	readonly truncate?: boolean;
	/** Open a directory, and nothing else. */
	readonly directory?: boolean;
	/** Only to look names up from it: no permission to read is needed, and no content to be had. */
	readonly path?: boolean;
	/** Fail with ELOOP if the name is a symbolic link. */
	readonly noFollow?: boolean;
	/** Past the page cache. */
	readonly direct?: boolean;
	/** A file without a name in the directory that the place names. */
	readonly temporary?: boolean;
	readonly synchronous?: "data" | "full";
	readonly nonBlocking?: boolean;
	readonly noAtime?: boolean;
	/** The permissions of a file that is created, before the process's mask is taken off. */
	readonly mode?: number;
}

/** A stretch of a file that holds data, or a hole in it. */
export interface Extent {
	/** A hole reads as zeros that nobody has written. */
	readonly kind: "data" | "hole";
	/** Where it begins, in bytes. */
	readonly offset: number;
	/** Bytes, never 0. */
	readonly length: number;
}

export interface FileSystem {
	open(scope: Scope, place: Place, how: OpenHow): Operation<Handle>;
	close(scope: Scope, handle: Handle): Operation<void>;
	/** One read, which may be short; `position` null reads on from where the last one ended. */
	read(
		scope: Scope,
		handle: Handle,
		address: number,
		length: number,
		position: number | null,
	): Operation<number>;
	/** One write, which may be short; `"end"` appends whatever the flags of the file say. */
	write(
		scope: Scope,
		handle: Handle,
		address: number,
		length: number,
		position: number | null | "end",
	): Operation<number>;
	sync(scope: Scope, handle: Handle): Operation<void>;
	datasync(scope: Scope, handle: Handle): Operation<void>;
	truncate(scope: Scope, handle: Handle, length: number): Operation<void>;
	/**
	 * The data or the hole that begins at `offset`, as far as `end`, which is after it. This may move the
	 * position of the file.
	 */
	extent(scope: Scope, handle: Handle, offset: number, end: number): Operation<Extent>;
	/**
	 * Gives a name to a file that was opened as `temporary`; `ENOTSUP` where that cannot be, after all.
	 */
	publish(scope: Scope, handle: Handle, place: Place): Operation<void>;
}
