import type { Channel } from "node:diagnostics_channel";
import { FsError } from "../errors.ts";
import type { OperationFunction } from "./operation.ts";

/** The channel of `node:diagnostics_channel` on which each operation is published that ends. */
export const CHANNEL = "bun-fs-extended:operation";

/** An operation that has ended. */
export interface OperationEvent {
	/** The public name of the function: `"copyFile"`. */
	readonly operation: string;
	/** Which of the two forms of it. */
	readonly form: "async" | "sync";
	/**
	 * What the operation was given: what the caller passed, for a method after what it belongs to. Of a
	 * watch, and where that is a lock, it is the library's own and only to be looked at.
	 */
	readonly arguments: readonly unknown[];
	/** From the call of the function to its end, in nanoseconds. */
	readonly durationNs: number;
	/** Why it failed; undefined if it did not. */
	readonly error: unknown;
	/** Whether a worker ran it as a whole. */
	readonly offloaded: boolean;
}

let recorder: ((event: OperationEvent) => void) | undefined;
let channel: Channel | undefined;

/** Has each operation that ends told to a function, or to none any more. */
export function record(next: typeof recorder): void {
	recorder = next;
}

/** Loading the module takes a millisecond: an import that nothing is done with need not spend it. */
function openChannel(): Channel {
	const { channel: open } =
		require("node:diagnostics_channel") as typeof import("node:diagnostics_channel");
	channel = open(CHANNEL);
	return channel;
}

/** Whether anybody wants to know. */
export function isObserved(): boolean {
	return recorder !== undefined || (channel ?? openChannel()).hasSubscribers;
}

/** The public name of an operation: that of its function, where `Operation` is only there to tell it apart. */
export function nameOf({ name }: { readonly name: string }): string {
	return name.endsWith("Operation") ? name.slice(0, -"Operation".length) : name;
}

/** Gives an operation made on the spot the public name under which it is counted. */
export function named<A extends unknown[], T>(
	name: string,
	operation: OperationFunction<A, T>,
): OperationFunction<A, T> {
	return Object.defineProperty(operation, "name", { value: name });
}

/** Says in an error which operation it ended, unless one inside it has. */
export function blame(error: unknown, operation: { readonly name: string }): void {
	if (!(error instanceof FsError) || error.operation !== undefined) return;
	Object.assign(error, { operation: nameOf(operation) });
}

function publish(
	operation: { readonly name: string },
	form: OperationEvent["form"],
	args: readonly unknown[],
	started: number,
	error: unknown,
	offloaded = false,
): void {
	const durationNs = Bun.nanoseconds() - started;
	const event: OperationEvent = {
		operation: nameOf(operation),
		form,
		arguments: args,
		durationNs,
		error,
		offloaded,
	};
	recorder?.(event);
	const subscribed = channel ?? openChannel();
	if (subscribed.hasSubscribers) subscribed.publish(event);
}

export function observeSync<T>(
	operation: { readonly name: string },
	args: readonly unknown[],
	perform: () => T,
): T {
	const started = Bun.nanoseconds();
	let value: T;
	try {
		value = perform();
	} catch (error) {
		publish(operation, "sync", args, started, error);
		throw error;
	}
	publish(operation, "sync", args, started, undefined);
	return value;
}

export async function observe<T>(
	operation: { readonly name: string },
	args: readonly unknown[],
	perform: () => Promise<T>,
	offloaded: boolean,
): Promise<T> {
	const started = Bun.nanoseconds();
	let value: T;
	try {
		value = await perform();
	} catch (error) {
		publish(operation, "async", args, started, error, offloaded);
		throw error;
	}
	publish(operation, "async", args, started, undefined, offloaded);
	return value;
}
