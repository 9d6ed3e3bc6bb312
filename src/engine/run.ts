import { AbortError } from "../errors.ts";
import { system } from "../sys/index.ts";
import { nextTurn, withinBudget } from "./budget.ts";
import { type Call, type Completion, WOULD_WAIT } from "./call.ts";
import { laneFor, operationEnded, operationStarted } from "./engine.ts";
import { blame, isObserved, named, observe, observeSync } from "./observer.ts";
import { type Batches, type OperationFunction, SingleCall } from "./operation.ts";
import { PAUSE, Pause } from "./pause.ts";
import { type Scope, takeScope } from "./scope.ts";
import { settings } from "./settings.ts";

const { kernel } = system;

/** An operation under way. */
type Steps<T> = Generator<Call, T, number>;

/** Runs an operation on this thread, one direct call after the other: the `…Sync` forms. */
export function runSync<A extends unknown[], T>(operation: OperationFunction<A, T>, ...args: A): T {
	return isObserved() ? observedSync(operation, args) : performSync(operation, ...args);
}

// Apart: a closure in `runSync` would have the arguments put into an array that nobody wants.
function observedSync<A extends unknown[], T>(operation: OperationFunction<A, T>, args: A): T {
	return observeSync(operation, args, () => performSync(operation, ...args));
}

function performSync<A extends unknown[], T>(operation: OperationFunction<A, T>, ...args: A): T {
	const scope = takeScope();
	try {
		const begun = operation(scope, ...args);
		if (begun instanceof SingleCall) return begun.finish(callDirectly(begun.call));
		const generator = begun[Symbol.iterator]();
		let step = next(generator, scope, 0);
		while (!step.done) step = next(generator, scope, callDirectly(step.value));
		return step.value;
	} catch (error) {
		blame(error, operation);
		throw error;
	} finally {
		scope.end();
	}
}

/** Runs an operation without ever blocking the event loop: the promise forms. */
export function run<A extends unknown[], T>(
	operation: OperationFunction<A, T>,
	...args: A
): Promise<T> {
	return isObserved() ? observed(operation, args) : perform(operation, ...args);
}

function observed<A extends unknown[], T>(operation: OperationFunction<A, T>, args: A): Promise<T> {
	return observe(operation, args, () => perform(operation, ...args), false);
}

function perform<A extends unknown[], T>(
	operation: OperationFunction<A, T>,
	...args: A
): Promise<T> {
	const scope = takeScope();
	let generator: Steps<T>;
	try {
		generator = operation(scope, ...args)[Symbol.iterator]();
	} catch (error) {
		scope.end();
		blame(error, operation);
		return Promise.reject(error);
	}
	return new Task(generator, scope, operation).start();
}

function callDirectly(call: Call): number {
	if (call.fn === PAUSE) return Pause.here(call);
	let result = kernel.direct(call);
	while (result < 0 && kernel.interrupted(call, result)) result = kernel.direct(call);
	return result;
}

/**
 * Hands a result to the operation and gets its next call, unless it was told to give up: then it
 * is unwound by an exception, once, and what it does to clean up is run like anything else. One
 * that is cleaning up already is not kept from it.
 */
function next<T>(generator: Steps<T>, scope: Scope, result: number): IteratorResult<Call, T> {
	const step = generator.next(result);
	return scope.interrupt === undefined ? step : unlessAborted(generator, scope, step);
}

// Apart, so that what nearly every call runs stays small enough to be inlined.
function unlessAborted<T>(
	generator: Steps<T>,
	scope: Scope,
	step: IteratorResult<Call, T>,
): IteratorResult<Call, T> {
	const { interrupt } = scope;
	if (interrupt === undefined || step.done || !interrupt.aborted) return step;
	if (kernel.cleansUp(step.value)) return step;
	scope.interrupt = undefined;
	return generator.throw(new AbortError(interrupt.reason));
}

/** An operation under way in its promise form. */
class Task<T> implements Completion {
	private call: Call | undefined;
	private value: T | undefined;
	private error: unknown;
	private failed = false;
	private promise: PromiseWithResolvers<T> | undefined;

	constructor(
		private readonly generator: Steps<T>,
		private readonly scope: Scope,
		private readonly operation: { readonly name: string },
	) {}

	start(): Promise<T> {
		if (!this.advance(0)) {
			operationStarted();
			this.promise = Promise.withResolvers<T>();
			return this.promise.promise;
		}
		return this.failed ? Promise.reject(this.error) : Promise.resolve(this.value as T);
	}

	complete(result: number): void {
		const { call } = this;
		if (call !== undefined && kernel.interrupted(call, result)) {
			laneFor(call).submit(call, this);
			return;
		}
		if (this.advance(result)) this.settle();
	}

	fail(error: unknown): void {
		if (this.advance(0, error)) this.settle();
	}

	private settle(): void {
		operationEnded();
		if (this.failed) this.promise?.reject(this.error);
		else this.promise?.resolve(this.value as T);
	}

	/** Goes on for as long as calls are answered at once; false when one is under way. */
	private advance(result: number, broken?: unknown): boolean {
		const { generator, scope } = this;
		try {
			let step = broken === undefined ? next(generator, scope, result) : generator.throw(broken);
			while (!step.done) {
				const answer = this.answer(step.value);
				if (answer === WOULD_WAIT) return false;
				step = next(generator, scope, answer);
			}
			this.value = step.value;
		} catch (error) {
			blame(error, this.operation);
			this.failed = true;
			this.error = error;
		}
		scope.end();
		return true;
	}

	/** The result of a call if it can be had at once; else the call is handed to a lane. */
	private answer(call: Call): number {
		if (settings.immediate && call.fn !== PAUSE) {
			if (withinBudget()) {
				const result = kernel.immediate(call);
				if (result !== WOULD_WAIT) return result;
			} else if (nextTurn(() => this.retry(call))) {
				return WOULD_WAIT;
			}
		}
		this.call = call;
		laneFor(call).submit(call, this);
		return WOULD_WAIT;
	}

	/** The call again, in a new turn of the event loop. */
	private retry(call: Call): void {
		const result = this.answer(call);
		if (result !== WOULD_WAIT && this.advance(result)) this.settle();
	}
}

function namedBatches<T>(name: string, batches: Batches<T>): Batches<T> {
	named(name, batches.next);
	named(name, batches.close);
	return batches;
}

/** Both public forms of a sequence, from the one operation that begins it. */
export async function* iterate<T>(
	name: string,
	open: OperationFunction<[], Batches<T>>,
): AsyncGenerator<T> {
	const batches = namedBatches(name, await run(named(name, open)));
	try {
		for (;;) {
			const batch = await run(batches.next);
			if (batch === undefined) return;
			yield* batch;
		}
	} finally {
		await run(batches.close);
	}
}

export function* iterateSync<T>(
	name: string,
	open: OperationFunction<[], Batches<T>>,
): Generator<T> {
	const batches = namedBatches(name, runSync(named(name, open)));
	try {
		for (;;) {
			const batch = runSync(batches.next);
			if (batch === undefined) return;
			yield* batch;
		}
	} finally {
		runSync(batches.close);
	}
}
