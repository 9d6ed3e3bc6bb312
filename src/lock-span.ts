/** What is locked, or to be locked: how, which bytes, and what is in the way of what. */

/** Shared locks stand beside each other; an exclusive one stands alone. */
export type LockMode = "shared" | "exclusive";

/** Bytes of a file, up to `end`, which is Infinity for all that it may ever have. */
export interface Span {
	readonly start: number;
	readonly end: number;
}

/** What somebody has, or would like to have. */
export interface Demand {
	readonly mode: LockMode;
	readonly span: Span;
}

export const EVERYTHING: Span = { start: 0, end: Number.POSITIVE_INFINITY };
export const NOTHING: Span = { start: Number.POSITIVE_INFINITY, end: 0 };

export const overlap = (a: Span, b: Span) => a.start < b.end && b.start < a.end;
export const isWithin = (inner: Span, outer: Span) =>
	inner.start >= outer.start && inner.end <= outer.end;

/** From the start of the first to the end of the last. */
export function reach(a: Span, b: Span): Span {
	return { start: Math.min(a.start, b.start), end: Math.max(a.end, b.end) };
}

export function conflict(a: Demand, b: Demand): boolean {
	return (a.mode === "exclusive" || b.mode === "exclusive") && overlap(a.span, b.span);
}

/**
 * Whether one who came later has to wait for an earlier one. Of shared locks that is so where
 * whatever keeps the earlier from its range keeps the later from its own: one of them asking is enough.
 */
export function comesFirst(earlier: Demand, later: Demand): boolean {
	const isShared = earlier.mode === "shared" && later.mode === "shared";
	return overlap(earlier.span, later.span) && (!isShared || isWithin(earlier.span, later.span));
}
