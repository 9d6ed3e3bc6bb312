import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Place } from "../system.ts";

export interface SymlinkSystem {
	/** `type` matters on Windows alone, and what `"auto"` finds out is its own affair. */
	symlink(
		scope: Scope,
		target: string | Uint8Array,
		place: Place,
		type: "auto" | "file" | "dir" | "junction",
	): Operation<void>;
	readlink(scope: Scope, place: Place): Operation<Uint8Array<ArrayBuffer>>;
}
