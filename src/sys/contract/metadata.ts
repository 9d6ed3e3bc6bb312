import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FsError } from "../../errors.ts";
import type { Metadata } from "../metadata.ts";
import type { Place, Subject } from "../system.ts";

export interface StatHow {
	readonly follow: boolean;
	/** `"force"` asks the server of a network filesystem, `"never"` is content with its cache. */
	readonly sync: "auto" | "force" | "never";
}

/** A time to set: nanoseconds since 1970, or what the system can do without being told one. */
export type TimeToSet = bigint | "now" | "keep";

export interface TimesToSet {
	readonly atime: TimeToSet;
	readonly mtime: TimeToSet;
	readonly birthtime: TimeToSet;
}

export interface MetadataSystem {
	stat(scope: Scope, subject: Subject, how: StatHow): Operation<Metadata>;
	/** Whether a file can be closed to everybody by its mode, and told by that from others. */
	readonly modeHides: boolean;
	/** Bytes of the record in which the system keeps what `stat` finds out, a multiple of 8. */
	readonly recordSize: number;
	/**
	 * Has a record written for each place, one after the other, into memory that may be that of
	 * another thread. Those that failed are given back; their records mean nothing.
	 */
	statMany(
		scope: Scope,
		places: readonly Place[],
		how: StatHow,
		address: number,
	): Operation<readonly (readonly [index: number, error: FsError])[]>;
	/** What the record says that begins at this 32-bit word. */
	recorded(words: Uint32Array, start: number): Metadata;
	chmod(scope: Scope, subject: Subject, mode: number, follow: boolean): Operation<void>;
	utimes(scope: Scope, subject: Subject, times: TimesToSet, follow: boolean): Operation<void>;
	access(scope: Scope, place: Place, mode: AccessMode, follow: boolean): Operation<void>;
}

export interface AccessMode {
	readonly read: boolean;
	readonly write: boolean;
	readonly execute: boolean;
}
