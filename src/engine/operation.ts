import type { Call } from "./call.ts";
import type { Scope } from "./scope.ts";

/**
 * A file operation: a generator that yields the calls it needs, receives their results and returns
 * its value. It knows nothing of threads, queues or promises, and calls others with `yield*`.
 */
export interface Operation<T> {
	[Symbol.iterator](): Generator<Call, T, number>;
}

/**
 * An operation of one call, for those that must cost hardly more than the call: run by itself in
 * the `…Sync` form it makes no generator. It is over too soon to be aborted.
 */
export abstract class SingleCall<T> implements Operation<T> {
	constructor(readonly call: Call) {}

	/** What the result of the call comes to. */
	abstract finish(result: number): T;

	*[Symbol.iterator](): Generator<Call, T, number> {
		return this.finish(yield this.call);
	}
}

/** What makes an operation: it may check its arguments and throw before the first call. */
export type OperationFunction<A extends unknown[], T> = (scope: Scope, ...args: A) => Operation<T>;

/** A sequence that comes in batches, each got by one operation. */
export interface Batches<T> {
	/** The next batch, or `undefined` after the last. */
	next: OperationFunction<[], readonly T[] | undefined>;
	/** Called once, when the sequence has ended or was given up. */
	close: OperationFunction<[], void>;
}
