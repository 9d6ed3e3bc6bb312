/**
 * The locks of this thread, file by file, and those who wait for one. Which locks there are is for
 * the system to say. This sees to it that those who wait here get theirs in order, that nobody asks
 * the system for what cannot be had yet, and that whoever is next learns of it at once.
 */
import type { Descriptor } from "./engine/descriptor.ts";
import { Pause } from "./engine/pause.ts";
import { FsError } from "./errors.ts";
import {
	comesFirst,
	conflict,
	type Demand,
	EVERYTHING,
	isWithin,
	type LockMode,
	NOTHING,
	overlap,
	reach,
	type Span,
} from "./lock-span.ts";
import type { Metadata } from "./sys/metadata.ts";
import type { Handle } from "./sys/system.ts";

/** A lock: had, or to be had. */
export class Claim implements Demand {
	constructor(
		public mode: LockMode,
		readonly span: Span,
		/** False where it may have been changed or ended without this having been told. */
		public certain: boolean,
	) {}
}

/** An open file that has locks or waits for some. */
export class Holder {
	private readonly claims = new Set<Claim>();
	/** How many wait for a lock of this open file. */
	waiting = 0;

	constructor(
		readonly line: Line,
		readonly handle: Handle,
	) {}

	get isIdle(): boolean {
		return this.claims.size === 0 && this.waiting === 0;
	}

	/** The system has given the lock, and with it changed what the open file had in that range. */
	grant(claim: Claim, mode: LockMode): void {
		this.doubt(claim);
		claim.mode = mode;
		this.claims.add(claim);
		this.line.locked.add(this);
		// Others who wait through the same open file are now about to change what it has.
		if (this.waiting > 1) this.line.sort(this, claim.span);
	}

	/** The lock is no more. */
	end(claim: Claim): void {
		if (!this.claims.delete(claim)) return;
		this.doubt(claim);
		if (this.waiting > 0) this.line.sort(this, claim.span);
		if (this.claims.size === 0) this.line.locked.delete(this);
		this.line.tidy(this);
		this.line.wake(claim.span);
	}

	/** The open file is being closed, which ends all of its locks. */
	endAll(): void {
		this.claims.clear();
		this.line.locked.delete(this);
		this.line.refuse(({ holder }) => holder === this, "the file has been closed meanwhile");
		this.line.tidy(this);
		this.line.wake(EVERYTHING);
	}

	has(claim: Claim): boolean {
		return this.claims.has(claim);
	}

	/** Whether it has any lock in a range. */
	hasIn(span: Span): boolean {
		for (const claim of this.claims) if (overlap(claim.span, span)) return true;
		return false;
	}

	/** Whether it certainly has a lock that is in the way of what another open file would like. */
	blocks(demand: Demand): boolean {
		for (const claim of this.claims) if (claim.certain && conflict(claim, demand)) return true;
		return false;
	}

	/** Of the other locks in a range it is no longer known what has become of them. */
	private doubt(changed: Claim): void {
		for (const claim of this.claims) {
			if (claim === changed || !claim.certain || !overlap(claim.span, changed.span)) continue;
			claim.certain = false;
			this.line.wake(claim.span);
		}
	}
}

let calls = 0;

/** A place in the order of calls: those who get to a line later than they called are let in. */
export function takeTicket(): number {
	return ++calls;
}

/** Somebody who waits for a lock. */
export class Wish implements Demand {
	/** True while the system is being asked. */
	isAsking = false;
	/** True when something has changed since the system was last asked. */
	isNudged = false;
	/** Why it cannot be had any more. */
	refusal: FsError | undefined;
	readonly span: Span;
	/** Its place in the line: see `takeRank`. */
	rank = 0;
	private pause: Pause | undefined;

	constructor(
		readonly holder: Holder,
		readonly claim: Claim,
		readonly mode: LockMode,
		private readonly ticket: number,
	) {
		this.span = claim.span;
	}

	/** Whether it is to change a lock of the same open file. */
	get converts(): boolean {
		return this.holder.hasIn(this.span);
	}

	/**
	 * Takes its rank anew; whether that has changed. Who changes a lock goes before all others: they may
	 * be waiting for that very lock.
	 */
	takeRank(): boolean {
		const { rank } = this;
		this.rank = this.converts ? 0 : this.ticket;
		return this.rank !== rank;
	}

	/** A pause that a nudge ends. */
	rest(milliseconds: number): Pause {
		this.pause = new Pause(milliseconds);
		return this.pause;
	}

	nudge(): void {
		this.isNudged = true;
		this.pause?.wake();
	}
}

/** Files that this thread has locks of, or waits for some. */
export const lines = new Map<string, Line>();

const keyOf = ({ dev, ino }: Metadata) => `${dev}:${ino}`;

/** The line of a file. It is to be entered, or given a holder, before anybody else gets to run. */
export function lineOf(metadata: Metadata): Line {
	const key = keyOf(metadata);
	let line = lines.get(key);
	if (line === undefined) {
		line = new Line(key);
		lines.set(key, line);
	}
	return line;
}

/** One file: the open files that have locks of it, and those who wait, in order. */
export class Line {
	/** The open files that have locks, of all of them. */
	readonly locked = new Set<Holder>();
	private readonly holders = new Map<Handle, Holder>();
	private readonly wishes: Wish[] = [];
	/** Where something has changed of which those who wait are still to be told. */
	private changed = NOTHING;

	constructor(private readonly key: string) {}

	/** How many wait. */
	get length(): number {
		return this.wishes.length;
	}

	/** The open file of that number, with what is known of its locks. */
	holder(handle: Handle, file: Descriptor | undefined, isNew: boolean): Holder {
		let holder = isNew ? undefined : this.holders.get(handle);
		if (holder === undefined) {
			holder = new Holder(this, handle);
			this.holders.set(handle, holder);
		}
		const known = holder;
		if (file !== undefined) file.whenRetired = () => known.endAll();
		return holder;
	}

	/** Whether the number of an open file is still its own: `metadata` is what it has now. */
	has(holder: Holder, metadata: Metadata): boolean {
		return keyOf(metadata) === this.key && this.holders.get(holder.handle) === holder;
	}

	enter(wish: Wish): void {
		wish.takeRank();
		const before = this.wishes.findLastIndex((other) => other.rank <= wish.rank);
		this.wishes.splice(before + 1, 0, wish);
		wish.holder.waiting++;
	}

	/** Puts those in order whose rank has changed with what their open file has in a range. */
	sort(holder: Holder, range: Span): void {
		let isInOrder = true;
		for (const wish of this.wishes) {
			if (wish.holder !== holder || !overlap(wish.span, range) || !wish.takeRank()) continue;
			isInOrder = false;
			this.wake(wish.span);
		}
		if (!isInOrder) this.wishes.sort((a, b) => a.rank - b.rank);
	}

	leave(wish: Wish): void {
		this.wishes.splice(this.wishes.indexOf(wish), 1);
		wish.holder.waiting--;
		this.tidy(wish.holder);
		this.wake(wish.span);
	}

	/** Whether it is the turn of a wish, and nothing that this thread knows of is in its way. */
	isTurnOf(wish: Wish): boolean {
		for (const other of this.wishes) {
			if (other === wish) break;
			if (comesFirst(other, wish)) return false;
		}
		return !this.isBlocked(wish);
	}

	/** Whether two that change their locks each wait for the lock of the other. */
	isCircle(wish: Wish): boolean {
		const crosses = (other: Wish) =>
			other.converts &&
			other.holder !== wish.holder &&
			other.holder.blocks(wish) &&
			wish.holder.blocks(other);
		return wish.converts && this.wishes.some(crosses);
	}

	/** Those in the way of a wish for whom the system is being asked: they may have got theirs. */
	askingBeside(wish: Wish): Wish[] {
		return this.wishes.filter((other) => other.isAsking && conflict(other, wish));
	}

	/** Whether another open file certainly has what is in the way, as far as this thread knows. */
	isBlocked(wish: Wish): boolean {
		for (const other of this.locked) if (other !== wish.holder && other.blocks(wish)) return true;
		return false;
	}

	/**
	 * Has those look again whose turn it is and to whom a change in this range may matter, once whoever
	 * says so is done with what it does. The others are not asked: there may be a thousand of them.
	 */
	wake(span: Span): void {
		if (this.wishes.length === 0) return;
		if (this.changed === NOTHING) queueMicrotask(() => this.tell());
		this.changed = reach(this.changed, span);
	}

	/** Ends waits that nothing can come of. */
	refuse(which: (wish: Wish) => boolean, detail: string): void {
		for (const wish of this.wishes.filter(which)) {
			wish.refusal = new FsError("EBADF", "bad file descriptor", { syscall: "lock", detail });
			wish.nudge();
		}
	}

	/** Forgets what is of no use any more. */
	tidy(holder: Holder): void {
		const { handle } = holder;
		if (holder.isIdle && this.holders.get(handle) === holder) this.holders.delete(handle);
		const isIdle = this.holders.size === 0 && this.wishes.length === 0;
		if (isIdle && lines.get(this.key) === this) lines.delete(this.key);
	}

	private tell(): void {
		const { changed } = this;
		this.changed = NOTHING;
		for (const wish of this.next(changed)) wish.nudge();
	}

	/** All whose turn it is and who wish for something in a range. */
	private next(range: Span): Wish[] {
		const next: Wish[] = [];
		for (const wish of this.wishes) {
			if (overlap(wish.span, range) && this.isTurnOf(wish)) next.push(wish);
			// It is in the way of everybody after it.
			if (wish.mode === "exclusive" && isWithin(EVERYTHING, wish.span)) break;
		}
		return next;
	}
}
