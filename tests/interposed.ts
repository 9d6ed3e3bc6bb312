/** The kernel as a test wants it: the calls that the library makes in this thread pass through the test. */
import type { Call, Lane } from "../src/engine/call.ts";
import { configureEngine, stopEngine } from "../src/index.ts";
import { system } from "../src/sys/index.ts";
import { callNumbers, nr } from "../src/sys/linux/calls.ts";

export type CallName = keyof typeof callNumbers;

const names = new Map<number, CallName>();
for (const name of Object.keys(callNumbers) as CallName[]) names.set(nr[name], name);

/** Gives the result of a call: by `make`, from the kernel, which may be asked for something else. */
export type Interposer = (
	name: CallName,
	call: Call,
	make: (changed?: Partial<Call>) => number,
) => number;

/**
 * Puts a function between the library and the kernel. The calls of promise forms go there too, by a
 * lane that answers later, as others do.
 */
export async function interpose(interposer: Interposer): Promise<AsyncDisposable> {
	const { kernel } = system;
	const { direct, openQueue } = kernel;
	await stopEngine();
	configureEngine({ lanes: ["ring"], offload: false });
	kernel.direct = (call) => {
		const name = names.get(call.fn);
		if (name === undefined) throw new Error(`call ${call.fn} has no name`);
		return interposer(name, call, (changed) => direct.call(kernel, { ...call, ...changed }));
	};
	const lane: Lane = {
		accepts: () => true,
		submit: (call, completion) => queueMicrotask(() => completion.complete(kernel.direct(call))),
		stop: async () => {},
	};
	kernel.openQueue = () => lane;
	return {
		async [Symbol.asyncDispose]() {
			await stopEngine();
			Object.assign(kernel, { direct, openQueue });
			configureEngine({});
		},
	};
}
