import { AbortError, FsError, type FsErrorFields } from "../errors.ts";
import { operationEnded, operationStarted, workersForOperations } from "./engine.ts";
import { ABORTED, ANSWER, type Reply } from "./messages.ts";
import { blame, isObserved, named, observe } from "./observer.ts";
import { once } from "./once.ts";
import type { Operation } from "./operation.ts";
import { run, runSync } from "./run.ts";
import { type Interrupt, type Scope, takeScope } from "./scope.ts";
import type { Job } from "./worker-lane.ts";

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

/** An operation as any thread can run it, by name. */
export type Body = (scope: Scope, hooks: Hooks, ...args: unknown[]) => Operation<unknown>;
export const bodies = new Map<string, () => Body>();

/**
 * Gives an operation of many calls its two forms. `prepare` checks what the user passed and turns
 * it into plain data; `load` gives the operation, which runs here for the sync form and as a whole on
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
	load: () => (scope: Scope, hooks: H, ...args: A) => Operation<T>,
): Offloadable<U, T> {
	const body = once(load);
	bodies.set(name, body as unknown as () => Body);
	const operation = named(name, (scope: Scope, ...user: U) => {
		const { args, hooks } = prepare(scope, ...user);
		scope.interrupt = hooks.signal;
		return body()(scope, hooks, ...args);
	});
	return {
		sync: (...user) => runSync(operation, ...user),
		async: (...user) => {
			if (workersForOperations() === undefined) return run(operation, ...user);
			const perform = () => runOnWorker<T>(name, (scope) => prepare(scope, ...user));
			return isObserved() ? observe(operation, user, perform, true) : perform();
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
		return await request(name, args, hooks, false);
	} catch (error) {
		blame(error, { name });
		throw error;
	} finally {
		scope.end();
	}
}

/** An operation cut into parts. */
export interface Divided<P extends readonly unknown[], R, T> {
	/** Plain data each, made when they are wanted. */
	readonly parts: Iterable<P>;
	/** Takes the result of a part, in no order. */
	readonly take: (part: number, result: R) => void;
	/** What all of it comes to, when the last part has ended. */
	readonly whole: () => T;
}

/** What is checked and prepared at once, or piece by piece, so that other things are done between them. */
export type InPieces<T> = Generator<void, T, void>;
type Prepares<T> = T | InPieces<T>;

/** How long a turn of the event loop may be kept up by pieces. */
const TURN_NANOSECONDS = 1e6;

/**
 * Gives an operation on many files its two forms, where parts of it can run side by side: one after
 * the other for the sync form, on several workers for the promise form. `divide` checks what the user
 * passed, and what it takes of the scope is held until the last part has ended.
 */
export function divisible<U extends unknown[], const P extends readonly unknown[], R, T>(
	name: string,
	divide: (scope: Scope, ...user: U) => Prepares<Divided<P, R, T>>,
	load: () => (scope: Scope, hooks: Hooks, ...part: P) => Operation<R>,
): Offloadable<U, T> {
	const body = once(load);
	bodies.set(name, body as unknown as () => Body);
	const operation = named(name, function* (scope: Scope, ...user: U): Operation<T> {
		const { parts, take, whole } = atOnce(divide(scope, ...user));
		let index = 0;
		for (const part of parts) take(index++, yield* body()(scope, {}, ...part));
		return whole();
	});
	return {
		sync: (...user) => runSync(operation, ...user),
		async: (...user) => {
			const workers = workersForOperations();
			if (workers === undefined) return run(operation, ...user);
			const perform = () =>
				runDivided(name, (scope) => divide(scope, ...user), workers.mostOperations);
			return isObserved() ? observe(operation, user, perform, true) : perform();
		},
	};
}

function atOnce<T extends object>(pieces: Prepares<T>): T {
	if (!("next" in pieces)) return pieces;
	for (;;) {
		const { done, value } = pieces.next();
		if (done) return value;
	}
}

async function inTurns<T extends object>(pieces: Prepares<T>): Promise<T> {
	if (!("next" in pieces)) return pieces;
	let started = Bun.nanoseconds();
	for (;;) {
		const { done, value } = pieces.next();
		if (done) return value;
		if (Bun.nanoseconds() - started < TURN_NANOSECONDS) continue;
		await new Promise<void>((resolve) => setImmediate(resolve));
		started = Bun.nanoseconds();
	}
}

async function runDivided<P extends readonly unknown[], R, T>(
	name: string,
	divide: (scope: Scope) => Prepares<Divided<P, R, T>>,
	most: number,
): Promise<T> {
	const scope = takeScope();
	operationStarted();
	try {
		const { parts, take, whole } = await inTurns(divide(scope));
		// One iterator for all: it ends for the others, too, when one has failed.
		const waiting = parts[Symbol.iterator]();
		const shared = { [Symbol.iterator]: () => waiting };
		let next = 0;
		const pull = async () => {
			for (const part of shared) {
				const index = next++;
				take(index, await request<R>(name, part, {}, true));
			}
		};
		// All are waited for, also when one has failed: the others use what the scope holds.
		const ends = await Promise.allSettled(Array.from({ length: most }, pull));
		const failed = ends.find((end) => end.status === "rejected");
		if (failed !== undefined) throw failed.reason;
		return whole();
	} catch (error) {
		blame(error, { name });
		throw error;
	} finally {
		operationEnded();
		scope.end();
	}
}

/** Sends the operation off and serves its hooks until it ends. */
function request<T>(
	name: string,
	args: readonly unknown[],
	hooks: Hooks,
	brief: boolean,
): Promise<T> {
	const { promise, resolve, reject } = Promise.withResolvers<T>();
	const control = new Int32Array(new SharedArrayBuffer(8));
	const signal = hooks.signal instanceof AbortSignal ? hooks.signal : undefined;
	const workers = workersForOperations();
	const abort = () => {
		Atomics.store(control, ABORTED, 1);
		// One that waits for a worker would else wait for others to end before it ended.
		if (workers?.withdraw(job)) end({ kind: "error", error: { aborted: true } });
	};
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
	const job: Job = {
		request: {
			kind: "operation",
			name,
			args,
			brief,
			hooks: (["signal", "onProgress", "filter"] as const).filter((hook) => hooks[hook]),
			control,
		},
		reply: (reply) => (reply.kind === "hook" ? call(reply) : end(reply)),
	};
	workers?.enqueue(job);
	return promise;
}

function revive(data: unknown, signal: AbortSignal | undefined): unknown {
	if (data instanceof Error || typeof data !== "object" || data === null) return data;
	if ("aborted" in data) return new AbortError(signal?.reason);
	return FsError.revive(data as FsErrorFields);
}
