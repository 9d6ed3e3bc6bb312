import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Place } from "../system.ts";

export interface HardlinkSystem {
	link(scope: Scope, existing: Place, place: Place, follow: boolean): Operation<void>;
}
