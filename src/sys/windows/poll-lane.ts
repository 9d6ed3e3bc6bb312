/**
 * Waits for calls that nobody tells of, because there is no port or the file has another: the system
 * writes to their status blocks when they have ended, and these are looked at every few milliseconds.
 */
import { type Pointer, read } from "bun:ffi";
import type { Call, Completion, Lane } from "../../engine/call.ts";
import { fn } from "./calls.ts";
import { entered } from "./entry.ts";
import { ioStatusBlock, STATUS_PENDING } from "./layouts.ts";

/** Between two looks, in milliseconds: longer and longer while nothing happens. */
const SHORTEST = 1;
const LONGEST = 20;
const GROWTH = 1.25;

export class PollLane implements Lane {
	/** By the addresses of their status blocks. */
	private readonly inFlight = new Map<number, Completion>();
	private timer: ReturnType<typeof setTimeout> | undefined;
	private pause = SHORTEST;
	private whenDrained: (() => void) | undefined;

	accepts({ fn: index }: Call): boolean {
		return index === fn.NtNotifyChangeDirectoryFile;
	}

	submit(call: Call, completion: Completion): void {
		const { fn: index, a, c, e, f, rest = [] } = call;
		// Without a context no port is told, which would be that of others.
		const result = entered(index)(a, 0, c, 0, e, f, ...rest);
		if (result !== STATUS_PENDING) {
			queueMicrotask(() => completion.complete(result));
			return;
		}
		this.follow(e, completion);
	}

	/** Looks for the end of a call that has been begun, by the address of its status block. */
	follow(status: number, completion: Completion): void {
		this.inFlight.set(status, completion);
		clearTimeout(this.timer);
		this.pause = SHORTEST;
		this.schedule();
	}

	async stop(): Promise<void> {
		if (this.inFlight.size === 0) return;
		const { promise, resolve } = Promise.withResolvers<void>();
		this.whenDrained = resolve;
		await promise;
	}

	private schedule(): void {
		this.timer = setTimeout(() => this.look(), this.pause);
	}

	private look(): void {
		const ended = [...this.inFlight].filter(([status]) => resultAt(status) !== STATUS_PENDING);
		for (const [status] of ended) this.inFlight.delete(status);
		this.pause = ended.length > 0 ? SHORTEST : Math.min(LONGEST, this.pause * GROWTH);
		if (this.inFlight.size > 0) this.schedule();
		for (const [status, completion] of ended) completion.complete(resultAt(status));
		if (this.inFlight.size === 0) this.whenDrained?.();
	}
}

function resultAt(status: number): number {
	return read.i32(status as Pointer, ioStatusBlock.status);
}
