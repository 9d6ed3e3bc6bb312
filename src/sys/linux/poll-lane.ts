import { type Pointer, read } from "bun:ffi";
import type { Call, Completion, Lane } from "../../engine/call.ts";
import { Memory } from "../../engine/memory.ts";
import { nr } from "./calls.ts";
import type { Entry } from "./entry.ts";
import { pollfd, timespec } from "./layouts.ts";

/** Between two looks, in milliseconds: longer and longer while nothing happens. */
const SHORTEST = 1;
const LONGEST = 20;
const GROWTH = 1.25;

interface Waiting {
	readonly call: Call;
	readonly completion: Completion;
}

/**
 * Waits for descriptors to become ready where there is no ring: all of them are looked at together,
 * every few milliseconds, in one call that does not wait. Waiting in it would hold a worker for as
 * long as nothing happens.
 */
export class PollLane implements Lane {
	private readonly memory = new Memory();
	private readonly atOnce = this.memory.reserveZeroed(timespec.size);
	private waiting: Waiting[] = [];
	private timer: ReturnType<typeof setTimeout> | undefined;
	private pause = SHORTEST;
	private stopped: (() => void) | undefined;

	constructor(private readonly call: Entry) {}

	accepts({ fn }: Call): boolean {
		return fn === nr.ppoll;
	}

	submit(call: Call, completion: Completion): void {
		this.waiting.push({ call, completion });
		clearTimeout(this.timer);
		this.pause = SHORTEST;
		this.schedule();
	}

	async stop(): Promise<void> {
		if (this.waiting.length > 0) {
			const { promise, resolve } = Promise.withResolvers<void>();
			this.stopped = resolve;
			await promise;
		}
		this.memory.free();
		this.memory.discard();
	}

	private schedule(): void {
		this.timer = setTimeout(() => this.look(), this.pause);
	}

	private look(): void {
		const ready = this.ready();
		this.pause = ready.length > 0 ? SHORTEST : Math.min(LONGEST, this.pause * GROWTH);
		if (this.waiting.length > 0) this.schedule();
		for (const { completion } of ready) completion.complete(1);
		if (this.waiting.length === 0) this.stopped?.();
	}

	/** Takes out those whose descriptors are ready, or of which waiting longer makes no sense. */
	private ready(): Waiting[] {
		const { waiting } = this;
		const mark = this.memory.mark();
		const records = this.memory.reserve(waiting.length * pollfd.size);
		for (const [index, { call }] of waiting.entries()) {
			const at = index * pollfd.size;
			records.setU32(at + pollfd.fd, read.u32(call.a as Pointer, pollfd.fd));
			records.setU32(at + pollfd.events, read.u16(call.a as Pointer, pollfd.events));
		}
		const { address } = this.atOnce;
		const found = this.call(nr.ppoll, records.address, waiting.length, address, 0, 8, 0);
		const isReady = (index: number) => records.u16(index * pollfd.size + pollfd.returned) !== 0;
		let ready: Waiting[] = [];
		if (found > 0) {
			ready = waiting.filter((_, index) => isReady(index));
			this.waiting = waiting.filter((_, index) => !isReady(index));
		}
		this.memory.release(mark);
		return ready;
	}
}
