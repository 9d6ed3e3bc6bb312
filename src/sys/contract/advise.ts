import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Handle } from "../system.ts";

/** How a range of a file is going to be used. */
export type Advice = "normal" | "sequential" | "random" | "willneed" | "dontneed" | "noreuse";

export interface AdviseSystem {
	/** Whether the system took the advice; a `length` of 0 means up to the end of the file. */
	advise(
		scope: Scope,
		handle: Handle,
		advice: Advice,
		offset: number,
		length: number,
	): Operation<boolean>;
}
