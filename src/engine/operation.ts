import type { Call } from "./call.ts";
import type { Scope } from "./scope.ts";

/**
 * A file operation: a generator that yields the calls it needs, receives their results and returns
 * its value. It knows nothing of threads, queues or promises, and calls others with `yield*`.
 */
export type Operation<T> = Generator<Call, T, number>;

/** What makes an operation: it may check its arguments and throw before the first call. */
export type OperationFunction<A extends unknown[], T> = (scope: Scope, ...args: A) => Operation<T>;

/** A sequence that comes in batches, each got by one operation. */
export interface Batches<T> {
	/** The next batch, or `undefined` after the last. */
	next: OperationFunction<[], readonly T[] | undefined>;
	/** Called once, when the sequence has ended or was given up. */
	close: OperationFunction<[], void>;
}
