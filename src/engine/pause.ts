import type { Call, Completion, Lane } from "./call.ts";

/** The number of no system's function. */
export const PAUSE = -1;

/**
 * A wait for time to pass, or for somebody to say that it is over: a call that no system makes. In the
 * sync forms nobody else runs meanwhile, so there it is the time that ends it.
 */
export class Pause implements Call {
	readonly fn = PAUSE;
	/** Milliseconds. */
	readonly a: number;
	readonly b = 0;
	readonly c = 0;
	readonly d = 0;
	readonly e = 0;
	readonly f = 0;
	private waiting: Completion | undefined;
	private timer: ReturnType<typeof setTimeout> | undefined;

	constructor(milliseconds: number) {
		this.a = milliseconds;
	}

	/** Ends the wait, if it is under way. */
	wake(): void {
		const { waiting } = this;
		clearTimeout(this.timer);
		this.waiting = undefined;
		waiting?.complete(0);
	}

	/** Waits without holding up anything. The timer keeps the process alive, as any call does. */
	begin(completion: Completion): void {
		this.waiting = completion;
		this.timer = setTimeout(() => this.wake(), this.a);
	}

	/** Waits on this thread. */
	static here({ a: milliseconds }: Call): number {
		Bun.sleepSync(milliseconds);
		return 0;
	}
}

/** Where pauses go. */
export const pauses: Lane = {
	accepts: ({ fn }) => fn === PAUSE,
	submit: (call, completion) => (call as Pause).begin(completion),
	stop: () => Promise.resolve(),
};
