import type { Batches, Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Subject } from "../system.ts";

/** One change; names are bytes, relative to what is watched, and empty for itself. */
export interface Change {
	readonly kind: "create" | "modify" | "attributes" | "delete" | "rename" | "overflow";
	readonly path: Uint8Array;
	/** Where it was before, if it was inside (`rename`). */
	readonly from: Uint8Array | undefined;
}

/** Changes as they come: a batch is never empty, and there is none after the end. */
export interface ChangeSource extends Batches<Change> {
	/** Ends the wait for the next batch, if one is under way, and the sequence with it. */
	wake(): void;
}

export interface WatchSystem {
	open(scope: Scope, subject: Subject, recursive: boolean): Operation<ChangeSource>;
}
