/** The other side of `offload`: what a worker does with a whole operation. */
import { AbortError, FsError } from "../errors.ts";
import { ABORTED, ANSWER, NO_ANSWER, type OperationRequest, type Reply } from "./messages.ts";
import { bodies, type Hooks } from "./offload.ts";
import { runSync } from "./run.ts";
import type { Interrupt } from "./scope.ts";

/** Runs the operation with stand-ins for the hooks of the thread that asked for it. */
export async function runOffloaded(
	{ name, args, hooks: wanted, control }: OperationRequest,
	reply: (reply: Reply) => void,
): Promise<void> {
	try {
		// The modules that define operations register them as they load.
		if (!bodies.has(name)) await import("../index.ts");
		const body = bodies.get(name)?.();
		if (body === undefined) throw new Error(`no operation is called ${name}`);
		const interrupt: Interrupt = {
			get aborted() {
				return Atomics.load(control, ABORTED) !== 0;
			},
		};
		const hooks: Hooks = {};
		if (wanted.includes("onProgress")) {
			hooks.onProgress = (...given) => {
				reply({ kind: "hook", name: "onProgress", args: given, asks: false });
			};
		}
		if (wanted.includes("filter")) {
			hooks.filter = (...given) => {
				Atomics.store(control, ANSWER, NO_ANSWER);
				reply({ kind: "hook", name: "filter", args: given, asks: true });
				Atomics.wait(control, ANSWER, NO_ANSWER);
				return Atomics.load(control, ANSWER) === 1;
			};
		}
		const value = runSync((scope) => {
			// A hook that throws also stops the operation, so there is always something to watch.
			scope.interrupt = interrupt;
			return body(scope, hooks, ...args);
		});
		reply({ kind: "value", value });
	} catch (error) {
		reply({ kind: "error", error: flatten(error) });
	}
}

/** An error as data: structured cloning keeps neither the class nor the fields of our own. */
function flatten(error: unknown): unknown {
	if (error instanceof AbortError) return { aborted: true };
	return error instanceof FsError ? error.fields : error;
}
