/** What open files have locked. The system does not tell, and unlocks only what was locked as it was. */
import type { Region } from "../../engine/memory.ts";
import type { Handle } from "../system.ts";
import { overlapped } from "./layouts.ts";

/** Bytes that are locked, or are to be: from `start` up to `end`. */
export interface Stretch {
	readonly start: number;
	readonly end: number;
	readonly kind: "shared" | "exclusive";
}

type Bytes = Pick<Stretch, "start" | "end">;

const isWithin = (inner: Bytes, outer: Bytes) =>
	inner.start >= outer.start && inner.end <= outer.end;

/** The locks of one open file, as far as this JavaScript thread has made them. */
export class HeldRanges {
	/** None overlaps another. */
	private stretches: Stretch[] = [];
	/** Whether an operation is at work on them; others that come to it meanwhile have to wait. */
	isBusy = false;
	/** Whether it has let go of some to lock them in another way, and nobody else gets in between. */
	isChanging = false;
	/** What the system is being asked for, and where it says that it has given it. */
	asked: { readonly stretch: Stretch; readonly status: Region } | undefined;

	get isIdle(): boolean {
		return this.stretches.length === 0 && !this.isBusy;
	}

	add(stretch: Stretch): void {
		this.stretches.push(stretch);
	}

	remove(stretch: Stretch): void {
		this.stretches = this.stretches.filter((one) => one !== stretch);
	}

	overlapping({ start, end }: Bytes): Stretch[] {
		return this.stretches.filter((one) => one.start < end && start < one.end);
	}

	/** Whether it has a lock, also one of which this thread has not been told yet. */
	has(wanted: Stretch): boolean {
		const { asked } = this;
		const isGiven = asked !== undefined && asked.status.u32(overlapped.internal) === 0;
		const all = isGiven ? [...this.stretches, asked.stretch] : this.stretches;
		return all.some(
			(one) => isWithin(wanted, one) && (one.kind === "exclusive" || wanted.kind === "shared"),
		);
	}
}

const known = new Map<Handle, HeldRanges>();

/** The locks of an open file. */
export function heldBy(handle: Handle): HeldRanges {
	let held = known.get(handle);
	if (held === undefined) {
		held = new HeldRanges();
		known.set(handle, held);
	}
	return held;
}

/** Forgets what holds nothing. */
export function tidy(handle: Handle): void {
	if (known.get(handle)?.isIdle) known.delete(handle);
}

/** A file is about to be closed, which ends its locks; its number may be another's next. */
export function forgetLocks(handle: Handle): void {
	known.delete(handle);
}

/** What is left of a stretch without some bytes: nothing, one piece or two. */
export function without(stretch: Stretch, { start, end }: Bytes): Stretch[] {
	const pieces = [
		{ ...stretch, end: Math.min(stretch.end, start) },
		{ ...stretch, start: Math.max(stretch.start, end) },
	];
	return pieces.filter((piece) => piece.start < piece.end);
}
