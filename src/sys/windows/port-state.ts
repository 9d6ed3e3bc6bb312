/** What the two sides of a completion port say to each other. */

/** Which calls have ended, by the addresses of their status blocks. */
export type Packets = readonly number[];

/** Sent to the worker to have it wait. */
export interface Task {
	readonly port: number;
	/** Shared: how many calls are in flight, and what the worker does. */
	readonly state: Int32Array;
}

export const IN_FLIGHT = 0;
export const STATE = 1;

/** What the worker does: wait for packets, or for a task. Whoever changes the latter sends one. */
export const State = { IDLE: 0, WAITING: 1 } as const;
