import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Subject } from "../system.ts";

export interface OwnershipSystem {
	/** An undefined id is left as it is. */
	chown(
		scope: Scope,
		subject: Subject,
		owner: { readonly uid: number | undefined; readonly gid: number | undefined },
		follow: boolean,
	): Operation<void>;
}
