/**
 * How long immediately answered calls may keep the event loop from turning. An await that is
 * answered at once continues in a microtask, and microtasks never let timers and sockets run.
 */
const TURN_NANOSECONDS = 1_000_000;

let turnStarted = 0;
let waiting: (() => void) | undefined;

/** True when a call may still be answered on this thread within this turn of the event loop. */
export function withinBudget(): boolean {
	const now = Bun.nanoseconds();
	if (turnStarted === 0) {
		turnStarted = now;
		setImmediate(startTurn);
		return true;
	}
	return now - turnStarted < TURN_NANOSECONDS;
}

/**
 * Has `resume` called in the next turn, which costs a microsecond. Only one may wait: false says
 * that many operations run side by side, for which the other lanes are made.
 */
export function nextTurn(resume: () => void): boolean {
	if (waiting !== undefined) return false;
	waiting = resume;
	return true;
}

function startTurn(): void {
	turnStarted = 0;
	const resume = waiting;
	waiting = undefined;
	resume?.();
}
