/** What the threads of the engine say to each other. */
import type { Call } from "./call.ts";

/** The hooks that an operation may call, wherever it runs. */
export type HookName = "signal" | "onProgress" | "filter";

/** A request to run a whole operation. */
export interface OperationRequest {
	readonly kind: "operation";
	readonly name: string;
	readonly args: readonly unknown[];
	/** Whether it is done soon, as a part of an operation is: it then waits with the single calls. */
	readonly brief?: boolean;
	/** Those of the hooks that the caller gave. */
	readonly hooks: readonly HookName[];
	/** Two words of shared memory, `ABORTED` and `ANSWER`. */
	readonly control: Int32Array;
}

/** What is asked of a worker: to make a call, or to run a whole operation. */
export type Request = { kind: "call"; call: Call } | OperationRequest;

/** What a worker says: the end of a call or operation, or something on the way there. */
export type Reply =
	| { kind: "result"; result: number }
	| { kind: "value"; value: unknown }
	| { kind: "error"; error: unknown }
	| { kind: "hook"; name: "onProgress" | "filter"; args: unknown[]; asks: boolean };

/** The word of `control` that is 1 once the operation is to stop. */
export const ABORTED = 0;
/** The word with the answer of a filter: 1 or 0, or `NO_ANSWER` while it is waited for. */
export const ANSWER = 1;
export const NO_ANSWER = -1;
