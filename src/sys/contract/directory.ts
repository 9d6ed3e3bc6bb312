import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Metadata } from "../metadata.ts";
import type { Handle, Place } from "../system.ts";

/** One entry of a directory; the name is bytes. */
export interface DirectoryRecord {
	readonly name: Uint8Array;
	/** Undefined where the filesystem does not say without being asked for metadata. */
	readonly kind: Metadata["kind"] | undefined;
	readonly ino: bigint;
}

export interface DirectorySystem {
	/** The next entries of an open directory, without `.` and `..`; empty after the last. */
	read(scope: Scope, handle: Handle): Operation<DirectoryRecord[]>;
	mkdir(scope: Scope, place: Place, mode: number): Operation<void>;
	rmdir(scope: Scope, place: Place): Operation<void>;
	unlink(scope: Scope, place: Place): Operation<void>;
}
