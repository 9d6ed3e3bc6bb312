/** Going through the extents of a file from one end of a range to the other. */
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { subjectOf, type Target } from "./location.ts";
import { system } from "./sys/index.ts";
import type { Extent, Handle, MappedExtent } from "./sys/system.ts";
import { aboutPath } from "./target-file.ts";

/** Extents of a range: those of a walk are either all mapped or all not. */
export type Found = readonly (Extent | MappedExtent)[];

/** Extents that are looked for in one go. */
const MOST = 1024;

/** What to look for. Plain data: it can be sent to another thread. */
export interface Question {
	readonly handle: Handle;
	/** The name to put in errors. */
	readonly path: string | Uint8Array | undefined;
	readonly physical: boolean;
	readonly from: number;
	readonly end: number;
	/** Of the file. */
	readonly size: number;
}

/** What a walk is about. */
export interface Course {
	/** What was given, or what was opened for the walk. */
	readonly target: Target;
	/** The handle that is to be closed at the end. */
	readonly own: Handle | undefined;
	readonly path: string | Uint8Array | undefined;
	readonly physical: boolean;
	readonly from: number;
	readonly end: number;
	readonly size: number;
}

export class Walk {
	private at: number;
	private end: number;
	/** Found last: what comes next may go on with it. */
	private last: Extent | MappedExtent | undefined;

	constructor(readonly course: Course) {
		this.at = course.from;
		this.end = course.end;
	}

	get ended(): boolean {
		return this.at >= this.end;
	}

	/** What to look for next; the file stays open until the operation that does so has ended. */
	question(scope: Scope): Question {
		const { target, own, path, physical, size } = this.course;
		const handle = own ?? (subjectOf(scope, target) as Handle);
		return { handle, path, physical, from: this.at, end: this.end, size };
	}

	/** Takes what was found, and gives what is complete by now. Nothing found is the end. */
	take(found: Found): Found {
		const complete: (Extent | MappedExtent)[] = [];
		for (const extent of found) {
			this.at = extent.offset + extent.length;
			if (this.last === undefined) {
				this.last = extent;
			} else if (goesOn(this.last, extent)) {
				this.last = { ...this.last, length: this.last.length + extent.length };
			} else {
				complete.push(this.last);
				this.last = extent;
			}
		}
		if (found.length === 0) this.end = this.at;
		if (this.ended && this.last !== undefined) complete.push(this.last);
		return complete;
	}
}

/** Whether two extents are one: of one kind and, where that is known, in one place. */
function goesOn(first: Extent | MappedExtent, next: Extent | MappedExtent): boolean {
	if (first.kind !== next.kind) return false;
	if (!("physical" in first && "physical" in next)) return true;
	if (first.shared !== next.shared || first.unwritten !== next.unwritten) return false;
	// Each piece of what is compressed begins anew.
	if (first.encoded || next.encoded) return false;
	if (first.physical === undefined) return next.physical === undefined;
	return first.physical + BigInt(first.length) === next.physical;
}

/** The next extents without a gap; none if there are no more. */
export function* find(scope: Scope, question: Question): Operation<Found> {
	try {
		return yield* question.physical ? mapped(scope, question) : sought(scope, question);
	} catch (error) {
		throw aboutPath(error, question.path);
	}
}

function* sought(scope: Scope, { handle, from, end }: Question): Operation<Extent[]> {
	const found: Extent[] = [];
	for (let at = from; at < end && found.length < MOST; ) {
		const extent = yield* system.file.extent(scope, handle, at, end);
		found.push(extent);
		at += extent.length;
	}
	return found;
}

function* mapped(scope: Scope, { handle, from, end, size }: Question): Operation<MappedExtent[]> {
	const found: MappedExtent[] = [];
	let at = from;
	for (const extent of yield* system.extents.map(scope, handle, from, end)) {
		if (extent.offset > at) found.push(hole(at, extent.offset));
		found.push(extent);
		at = extent.offset + extent.length;
	}
	// No more blocks: the rest of the file is a hole. What is past its end is nothing.
	const rest = Math.min(size, end);
	if (found.length === 0 && from < rest) found.push(hole(from, rest));
	return found;
}

function hole(offset: number, end: number): MappedExtent {
	return {
		kind: "hole",
		offset,
		length: end - offset,
		physical: undefined,
		shared: false,
		unwritten: false,
		encoded: false,
	};
}
