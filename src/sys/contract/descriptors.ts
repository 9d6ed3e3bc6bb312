import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Handle } from "../system.ts";

/** Where programs know open files by numbers of the runtime's own, and not by the system's. */
export interface DescriptorSystem {
	/** The handle of a descriptor that came from `node:fs`; of none, a handle of nothing. */
	handleOf(descriptor: number): Handle;
	/** A descriptor of an open file, for `node:fs`; it is closed when the file is. */
	of(scope: Scope, handle: Handle): Operation<number>;
}
