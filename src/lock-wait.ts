/** Waiting for a lock. It takes no thread: the system is asked now and then, and not in between. */
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { AbortError, FsError } from "./errors.ts";
import type { Holder, Wish } from "./lock-line.ts";
import type { LockMode, Span } from "./lock-span.ts";
import { system } from "./sys/index.ts";

/** How often the system is asked about locks that other processes have, in milliseconds. */
const SHORTEST_PAUSE = 1;
const LONGEST_PAUSE = 20;
/** How many ask so often; of more each asks less often, so that they take no more time together. */
const MOST_ASKERS = 100;
/** As long as a timer can run: what it waits for comes with a nudge. */
const UNTIL_NUDGED = 2 ** 31 - 1;

/** How to wait. */
export interface Patience {
	/** False to ask once, at most. */
	readonly waits: boolean;
	/** When to give up, as `performance.now` counts. */
	readonly deadline: number;
	/** True in the sync forms: nobody else on this thread gets to run, so no turn ever comes. */
	readonly alone: boolean;
	readonly signal: AbortSignal | undefined;
}

/** Gets what is wished for; `EAGAIN` if that takes waiting and nobody is to wait. */
export function* fulfil(scope: Scope, wish: Wish, patience: Patience): Operation<void> {
	const { signal } = patience;
	const { line } = wish.holder;
	const nudge = () => wish.nudge();
	line.enter(wish);
	signal?.addEventListener("abort", nudge);
	try {
		yield* wait(scope, wish, patience);
		yield* keepIfWanted(scope, wish);
	} finally {
		signal?.removeEventListener("abort", nudge);
		line.leave(wish);
	}
}

function* wait(scope: Scope, wish: Wish, patience: Patience): Operation<void> {
	const { waits, alone, deadline } = patience;
	const { line } = wish.holder;
	let isHeld = false;
	for (let pause = SHORTEST_PAUSE; ; ) {
		wish.isNudged = false;
		const asks = (waits && alone) || line.isTurnOf(wish);
		if (asks && (yield* ask(scope, wish))) return;
		const left = deadline - performance.now();
		checkHope(wish, patience, left);
		if (alone && deadline === Number.POSITIVE_INFINITY) {
			if (isHeld) throw deadlock("this thread has what is in the way, and waits for itself");
			isHeld = yield* isHeldHere(scope, wish);
		}
		if (!wish.isNudged) yield* rest(wish, Math.min(left, asks ? pause : UNTIL_NUDGED), asks);
		const longest = alone ? LONGEST_PAUSE : longestPause();
		pause = wish.isNudged ? SHORTEST_PAUSE : Math.min(longest, pause * 2);
	}
}

/** How many wait on this thread, for whatever file, and ask the system now and then. */
let askers = 0;

const longestPause = () => LONGEST_PAUSE * Math.max(1, askers / MOST_ASKERS);

/** Waits until it is time to look again, or a nudge says so. */
function* rest(wish: Wish, milliseconds: number, asks: boolean): Operation<void> {
	if (asks) askers++;
	try {
		yield wish.rest(milliseconds);
	} finally {
		if (asks) askers--;
	}
}

/** Ends a wait that has lasted long enough, or that nothing can come of. */
function checkHope(wish: Wish, { waits }: Patience, left: number): void {
	const { refusal, holder } = wish;
	if (refusal !== undefined) throw refusal;
	const others = "others have locks that are in the way, or wait for such";
	if (!waits) throw refused("EAGAIN", "resource temporarily unavailable", others);
	if (left <= 0) throw refused("ETIMEDOUT", "operation timed out", others);
	if (holder.line.isCircle(wish)) {
		throw deadlock("another lock is being upgraded, and each waits for the other to be released");
	}
}

function refused(code: string, reason: string, detail: string): FsError {
	return new FsError(code, reason, { syscall: "lock", detail });
}

const deadlock = (detail: string) => refused("EDEADLK", "resource deadlock avoided", detail);

/**
 * Whether what is in the way belongs to this thread: for certain, or because the system has given it
 * to somebody who cannot be told as long as nobody else gets to run.
 */
function* isHeldHere(scope: Scope, wish: Wish): Operation<boolean> {
	const { line } = wish.holder;
	if (line.isBlocked(wish)) return true;
	for (const { holder, span, mode } of line.askingBeside(wish)) {
		const range = rangeOf(span);
		if (!(yield* system.lock.isBlocked(scope, holder.handle, mode, ...range))) return true;
	}
	return false;
}

/** Asks the system once. */
function* ask(scope: Scope, wish: Wish): Operation<boolean> {
	wish.isAsking = true;
	try {
		return yield* set(scope, wish.holder, wish.span, wish.mode);
	} finally {
		wish.isAsking = false;
	}
}

/** What was got too late is given back: after an abort, or when its open file is being closed. */
function* keepIfWanted(scope: Scope, wish: Wish): Operation<void> {
	const { interrupt } = scope;
	const { holder, claim, refusal, mode } = wish;
	if (!interrupt?.aborted && refusal === undefined) return holder.grant(claim, mode);
	// Or this call would not be made either.
	scope.interrupt = undefined;
	yield* set(scope, holder, claim.span, holder.has(claim) ? claim.mode : "unlocked");
	throw refusal ?? new AbortError(interrupt?.reason);
}

/** Makes, changes or ends the lock of an open file in a range. */
export function set(
	scope: Scope,
	{ handle }: Holder,
	span: Span,
	kind: LockMode | "unlocked",
): Operation<boolean> {
	return system.lock.set(scope, handle, kind, ...rangeOf(span));
}

function rangeOf({ start, end }: Span): [offset: number, length: number | undefined] {
	return [start, end === Number.POSITIVE_INFINITY ? undefined : end - start];
}
