import { AbortError, FsError } from "../errors.ts";
import { workersForOperations } from "./engine.ts";
import { type Operation, run, runSync } from "./operation.ts";
import { type Interrupt, type Scope, takeScope } from "./scope.ts";
import type { Reply } from "./worker-lane.ts";

/** What an operation calls back to its caller, and what tells it to stop. */
export interface Hooks {
	signal?: Interrupt | undefined;
	/** Called in passing: nobody waits for it. */
	onProgress?: ((progress: never) => void) | undefined;
	/** Asked, and its answer waited for. */
	filter?: ((entry: never) => boolean) | undefined;
}

/** The arguments of one run: plain data, which another thread can be given, and the hooks. */
export interface Prepared<A extends readonly unknown[], H extends Hooks> {
	readonly args: A;
	readonly hooks: H;
}

/** An operation of many calls that one worker runs from its first call to its last. */
export interface Offloadable<U extends unknown[], T> {
	sync(...user: U): T;
	async(...user: U): Promise<T>;
}

/** A request to run an operation, as it travels to a worker. */
export interface OperationRequest {
	readonly kind: "operation";
	readonly name: string;
	readonly args: readonly unknown[];
	readonly hooks: (keyof Hooks)[];
	readonly control: Int32Array;
}

type Body = (scope: Scope, hooks: Hooks, ...args: unknown[]) => Operation<unknown>;
const bodies = new Map<string, Body>();

/** The words of the memory through which the two threads talk while an operation runs. */
const ABORTED = 0;
const ANSWER = 1;
const NO_ANSWER = -1;

/**
 * Gives an operation of many calls its two forms. `prepare` checks what the user passed and turns
 * it into plain data; `body` is the operation, which runs here for the sync form and as a whole on
 * a worker for the promise form, where each of its calls costs no more than here.
 */
export function offloadable<
	U extends unknown[],
	const A extends readonly unknown[],
	H extends Hooks,
	T,
>(
	name: string,
	prepare: (scope: Scope, ...user: U) => Prepared<A, H>,
	body: (scope: Scope, hooks: H, ...args: A) => Operation<T>,
): Offloadable<U, T> {
	bodies.set(name, body as unknown as Body);
	const operation = (scope: Scope, ...user: U) => {
		const { args, hooks } = prepare(scope, ...user);
		scope.interrupt = hooks.signal;
		return body(scope, hooks, ...args);
	};
	return {
		sync: (...user) => runSync(operation, ...user),
		async: (...user) => {
			if (workersForOperations() === undefined) return run(operation, ...user);
			return runOnWorker(name, (scope) => prepare(scope, ...user));
		},
	};
}

async function runOnWorker<T>(
	name: string,
	prepare: (scope: Scope) => Prepared<readonly unknown[], Hooks>,
): Promise<T> {
	const scope = takeScope();
	try {
		const { args, hooks } = prepare(scope);
		if (hooks.signal?.aborted) throw new AbortError(hooks.signal.reason);
		return await request(name, args, hooks);
	} finally {
		scope.end();
	}
}

/** Sends the operation off and serves its hooks until it ends. */
function request<T>(name: string, args: readonly unknown[], hooks: Hooks): Promise<T> {
	const { promise, resolve, reject } = Promise.withResolvers<T>();
	const control = new Int32Array(new SharedArrayBuffer(8));
	const signal = hooks.signal instanceof AbortSignal ? hooks.signal : undefined;
	const abort = () => Atomics.store(control, ABORTED, 1);
	let thrown: { error: unknown } | undefined;
	signal?.addEventListener("abort", abort);

	const call = ({ name: hook, args: given, asks }: Reply & { kind: "hook" }) => {
		let answer = false;
		try {
			answer = (hooks[hook] as (...given: unknown[]) => boolean)(...given);
		} catch (error) {
			thrown ??= { error };
			abort();
		}
		if (!asks) return;
		Atomics.store(control, ANSWER, answer ? 1 : 0);
		Atomics.notify(control, ANSWER);
	};
	const end = (reply: Reply) => {
		signal?.removeEventListener("abort", abort);
		if (thrown !== undefined) reject(thrown.error);
		else if (reply.kind === "value") resolve(reply.value as T);
		else if (reply.kind === "error") reject(revive(reply.error, signal));
	};
	workersForOperations()?.enqueue({
		request: {
			kind: "operation",
			name,
			args,
			hooks: (["signal", "onProgress", "filter"] as const).filter((hook) => hooks[hook]),
			control,
		},
		reply: (reply) => (reply.kind === "hook" ? call(reply) : end(reply)),
	});
	return promise;
}

/** The worker's side: runs the operation with stand-ins for the hooks of the other thread. */
export async function runOffloaded(
	{ name, args, hooks: wanted, control }: OperationRequest,
	reply: (reply: Reply) => void,
): Promise<void> {
	try {
		// The modules that define operations register them as they load.
		if (!bodies.has(name)) await import("../index.ts");
		const body = bodies.get(name);
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
	if (!(error instanceof FsError)) return error;
	const { message, code, errno, syscall, path, dest, osCode } = error;
	return { message, code, errno, syscall, path, dest, osCode };
}

function revive(data: unknown, signal: AbortSignal | undefined): unknown {
	if (data instanceof Error || typeof data !== "object" || data === null) return data;
	if ("aborted" in data) return new AbortError(signal?.reason);
	return FsError.revive(data as FsError);
}
