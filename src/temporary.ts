/**
 * Names of what is not finished. A process that is killed leaves them; whoever comes next has to tell
 * them from those that a living one is at work on. The number of a process says little, since others
 * count theirs anew in containers and on other machines. A lock is there for as long as its owner is.
 */
import type { Operation } from "./engine/operation.ts";
import { Pause } from "./engine/pause.ts";
import type { Scope } from "./engine/scope.ts";
import { FsError, isCode } from "./errors.ts";
import { randomName } from "./random-name.ts";
import {
	beside,
	closeAfter,
	discard,
	isSame,
	moveIntoPlace,
	type Slot,
	statIfThere,
} from "./replace.ts";
import { system } from "./sys/index.ts";
import { ITSELF, type Metadata } from "./sys/metadata.ts";
import type { Handle, Place } from "./sys/system.ts";

const NAME_TRIES = 100;
/** Milliseconds, and how often: others keep the name for less than one, unless they are stopped. */
const TURN_PAUSE = 1;
const TURN_TRIES = 20;

/** How a file without a name is opened; nobody else is to see what is in it. */
export const NAMELESS = { write: true, temporary: true, mode: 0o600 } as const;

/** What the names of this thread have in common, and nobody else's. */
let stem: string | undefined;
let made = 0;

/** A name that nobody else has or will have. */
function ownName(): string {
	stem ??= randomName(12);
	return `.fsx-${stem}${(made++).toString(36)}.tmp`;
}

/**
 * The one name that all share who put something in this place, so that each meets what the one
 * before has left. Places that happen to share a name take turns at it.
 */
function sharedName({ place }: Slot): string {
	return `.fsx-${Bun.hash.crc32(place.path).toString(16).padStart(8, "0")}.tmp`;
}

/** The name of what cannot be locked itself, and belongs to the locked file of the other name. */
function guardedName(name: string): string {
	return name.replace(/\.tmp$/, "-guarded.tmp");
}

/** Whether it says that files cannot be made without a name here, or not given one. */
export function lacksNamelessFiles(error: unknown): boolean {
	return isCode(error, "ENOTSUP") && (error.syscall === "open" || error.syscall === "link");
}

/** Makes something under a name of its own, trying others while the name is taken. */
export function* underTemporaryName<T>(
	slot: Slot,
	make: (place: Place) => Operation<T>,
): Operation<readonly [Place, T]> {
	for (let tries = 1; ; tries++) {
		const place = beside(slot, ownName());
		try {
			return [place, yield* make(place)];
		} catch (error) {
			if (tries === NAME_TRIES || !isCode(error, "EEXIST")) throw error;
		}
	}
}

/**
 * Gives a file without a name its place: over what is there, if that is expected to be something, or,
 * with `overwrite` false, only if nothing is.
 */
export function* publish(
	scope: Scope,
	handle: Handle,
	slot: Slot,
	taken: boolean,
	overwrite: boolean,
): Operation<void> {
	if (!taken || !overwrite) {
		try {
			return yield* system.file.publish(scope, handle, slot.place);
		} catch (error) {
			if (!overwrite || !isCode(error, "EEXIST")) throw error;
		}
	}
	const temporary = beside(slot, yield* nameTemporarily(scope, handle, slot));
	yield* moveIntoPlace(scope, temporary, slot, true);
}

/** Makes something in its place, or beside it and then moves it there if the place is taken. */
export function* takePlace(
	scope: Scope,
	slot: Slot,
	existing: Metadata | undefined,
	make: (place: Place) => Operation<void>,
): Operation<void> {
	if (existing === undefined) return yield* make(slot.place);
	try {
		yield* guarded(scope, slot, make);
	} catch (error) {
		if (!lacksNamelessFiles(error)) throw error;
		const [temporary] = yield* underTemporaryName(slot, make);
		yield* moveAway(scope, temporary, slot);
	}
}

/** Renaming one name of a file to another of the same does nothing: then the name is left. */
function* moveAway(scope: Scope, temporary: Place, slot: Slot): Operation<void> {
	yield* moveIntoPlace(scope, temporary, slot, true);
	yield* discard(scope, temporary);
}

/** Makes and moves what cannot be locked itself, such as a link, while a file beside it is. */
function* guarded(
	scope: Scope,
	slot: Slot,
	make: (place: Place) => Operation<void>,
): Operation<void> {
	const guard = yield* system.file.open(scope, beside(slot, "."), NAMELESS);
	try {
		const name = yield* nameTemporarily(scope, guard, slot);
		try {
			const temporary = beside(slot, guardedName(name));
			try {
				yield* make(temporary);
			} catch (error) {
				// Whatever has the name has lost its guard.
				if (!isCode(error, "EEXIST")) throw error;
				yield* discard(scope, temporary);
				yield* make(temporary);
			}
			yield* moveAway(scope, temporary, slot);
		} finally {
			yield* discard(scope, beside(slot, name));
		}
	} finally {
		yield* closeAfter(scope, guard, false);
	}
}

/**
 * Gives a file without a name the shared one, once those who have it are done with it or are no
 * more. It is locked before it can be seen, so nobody takes it for one that was left.
 */
function* nameTemporarily(scope: Scope, handle: Handle, slot: Slot): Operation<string> {
	// What cannot be told to be in use must not be where others clear away what is not.
	if (yield* system.lock.claim(scope, handle)) {
		const name = sharedName(slot);
		const place = beside(slot, name);
		for (let tries = 0; tries < TURN_TRIES; tries++) {
			try {
				yield* system.file.publish(scope, handle, place);
				return name;
			} catch (error) {
				if (!isCode(error, "EEXIST")) throw error;
			}
			const state = yield* clearAway(scope, slot, name);
			if (state === "stays") break;
			if (state === "in use") yield new Pause(TURN_PAUSE);
		}
	}
	const [place] = yield* underTemporaryName(slot, (place) =>
		system.file.publish(scope, handle, place),
	);
	return place.path as string;
}

/** Removes what a killed process has left under a name, and nothing that a living one has there. */
function* clearAway(
	scope: Scope,
	slot: Slot,
	name: string,
): Operation<"gone" | "in use" | "stays"> {
	const place = beside(slot, name);
	let handle: Handle | undefined;
	try {
		const how = { read: true, nonBlocking: true, noFollow: true };
		handle = yield* system.file.open(scope, place, how);
		if (!(yield* system.lock.claim(scope, handle))) return "in use";
		// Whoever had it may have moved it into its place before it was ours.
		const found = yield* statIfThere(scope, place);
		const locked = yield* system.metadata.stat(scope, handle, ITSELF);
		if (found === undefined || !isSame(found, locked)) return "gone";
		if (!locked.isFile()) return "stays";
		yield* discard(scope, beside(slot, guardedName(name)));
		yield* system.directory.unlink(scope, place);
		return "gone";
	} catch (error) {
		if (!(error instanceof FsError)) throw error;
		// What may not be opened or removed is another user's.
		return error.code === "ENOENT" ? "gone" : "stays";
	} finally {
		if (handle !== undefined) yield* closeAfter(scope, handle, false);
	}
}
