import type { Descriptor } from "./descriptor.ts";
import { addressOf, Memory, type Mark as MemoryMark } from "./memory.ts";

/** What tells an operation to give up: an `AbortSignal`, or its likeness in another thread. */
export interface Interrupt {
	readonly aborted: boolean;
	readonly reason?: unknown;
}

/** A point to go back to: see `Scope.mark`. */
export interface Mark {
	readonly memory: MemoryMark;
	readonly pinned: number;
}

/**
 * All that one running operation holds: its memory, the buffers of the caller's that its calls
 * write to, and the descriptors it uses. It is given back when the operation has ended, which is
 * after its last call has, whoever has stopped waiting for it.
 */
export class Scope {
	readonly memory = new Memory();
	/** Checked before each call; once it has fired the operation is unwound. */
	interrupt: Interrupt | undefined;
	private pinned: ArrayBufferView[] = [];
	private held: Descriptor[] = [];

	/** The address of a buffer of the caller's, which stays referenced until the end. */
	pin(view: ArrayBufferView): number {
		this.pinned.push(view);
		return addressOf(view);
	}

	/** Remembers what is held, so that a loop can give back what each of its rounds took. */
	mark(): Mark {
		return { memory: this.memory.mark(), pinned: this.pinned.length };
	}

	/** Gives back the memory and buffers taken since; no call with them is in flight. */
	release(mark: Mark): void {
		this.memory.release(mark.memory);
		this.pinned.length = mark.pinned;
	}

	/** Keeps a descriptor open until the end, and gives the system's number for it. */
	hold(descriptor: Descriptor): number {
		descriptor.hold();
		this.held.push(descriptor);
		return descriptor.handle;
	}

	end(): void {
		this.interrupt = undefined;
		this.memory.free();
		if (this.pinned.length > 0) this.pinned = [];
		if (this.held.length > 0) {
			const { held } = this;
			this.held = [];
			for (const descriptor of held) descriptor.release();
		}
		if (idle.length < MOST_IDLE) idle.push(this);
		else this.memory.discard();
	}
}

/** Scopes kept for the next operation; past this their memory goes back to the pool. */
const MOST_IDLE = 64;
const idle: Scope[] = [];

/** A scope for an operation that starts now. */
export function takeScope(): Scope {
	return idle.pop() ?? new Scope();
}
