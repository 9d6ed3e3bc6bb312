import type { Batches, Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FsError } from "../../errors.ts";
import type { Subject } from "../system.ts";

/** One change; names are bytes, relative to what is watched, and empty for itself. */
export interface Change {
	readonly kind: "create" | "modify" | "attributes" | "delete" | "rename" | "overflow";
	readonly path: Uint8Array;
	/** Where it was before, if it was inside (`rename`). */
	readonly from: Uint8Array | undefined;
}

export interface WatchHow {
	/** With all directories below, those that come later too. */
	readonly recursive: boolean;
	/** What is reported; `overflow` is in any case. */
	readonly kinds: ReadonlySet<Change["kind"]>;
	/** How long `next` waits in its sync form, in milliseconds; then the sequence has ended. */
	readonly timeoutMs: number | undefined;
	/** Told of a directory in the tree that cannot be watched; without it, that is a failure. */
	readonly failed: ((error: FsError) => void) | undefined;
}

/** Changes as they come: a batch is never empty, and there is none after the end. */
export interface ChangeSource extends Batches<Change> {
	/** Whether it is a directory that is watched, and not a file. */
	readonly isDirectory: boolean;
	/** Ends the wait for the next batch, if one is under way, and the sequence; nothing once it is closed. */
	wake(): void;
}

export interface WatchSystem {
	/** Changes made after this has ended are all reported. */
	open(scope: Scope, subject: Subject, how: WatchHow): Operation<ChangeSource>;
}
