/**
 * One call of a system function, as data: which function, and with which numbers. The numbers are
 * descriptors, flags, lengths and addresses in pinned memory, so that any thread of the process
 * can make the call, and so can the kernel's own queue.
 */
export interface Call {
	/** The system's own number for the function: a syscall number, or an index into a table. */
	readonly fn: number;
	readonly a: number;
	readonly b: number;
	readonly c: number;
	readonly d: number;
	readonly e: number;
	readonly f: number;
	/** What a function of more than six parameters takes beyond those. */
	readonly rest?: readonly number[];
}

/**
 * What a system answers when it was asked to make a call only if it need not wait, and it would
 * have to. Outside the range of every result: failed calls go down to -4095.
 */
export const WOULD_WAIT = -0x10000;

/** What a system gives the engine: the ways in which it can make a call. */
export interface Kernel {
	/** Makes the call on this thread, now; a failure is a negative number. */
	direct(call: Call): number;
	/** Makes the call on this thread if it can be answered without waiting, else `WOULD_WAIT`. */
	immediate(call: Call): number;
	/** True when the result only says that the call was interrupted and must be made again. */
	interrupted(call: Call, result: number): boolean;
	/** True for calls by which operations undo and give back, which an abort does not skip. */
	cleansUp(call: Call): boolean;
	/** Told of a call that is handed to a lane. */
	handedOver(call: Call): void;
	/** Opens this thread's queue into the kernel, or says why there is none. */
	openQueue(): Lane | string;
	/** True for calls that wait until something is ready: a worker would be held for no end. */
	waits(call: Call): boolean;
	/** Opens the lane for such calls that the queue does not take. */
	openWaits(): Lane;
	/** Forgets what was opened for this thread, so that other settings can choose again. */
	reset(): void;
}

/** What waits for the result of a call. */
export interface Completion {
	complete(result: number): void;
	/** The lane itself broke; whether the call was made is not known. */
	fail(error: unknown): void;
}

/** Something that takes calls and delivers their results later, on this thread. */
export interface Lane {
	/** Who set it up, where there is more than one way. */
	readonly by?: string;
	/** True when this lane can run the call. */
	accepts(call: Call): boolean;
	submit(call: Call, completion: Completion): void;
	/** Gives back threads, descriptors and memory; what is in flight is waited for first. */
	stop(): Promise<void>;
}
