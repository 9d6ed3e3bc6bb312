import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Place } from "../system.ts";

export interface RenameSystem {
	rename(
		scope: Scope,
		from: Place,
		to: Place,
		how: "replace" | "noReplace" | "exchange" | "whiteout",
	): Operation<void>;
}
