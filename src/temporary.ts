/**
 * Names of what is not finished. A process that is killed leaves them; whoever comes next has to tell
 * them from those that a living one is at work on. The number of a process says little, since others
 * count theirs anew in containers and on other machines. A lock is there for as long as its owner is.
 */
import type { Operation } from "./engine/operation.ts";
import { Pause } from "./engine/pause.ts";
import type { Scope } from "./engine/scope.ts";
import { FsError, isCode } from "./errors.ts";
import {
	beside,
	closeAfter,
	discard,
	finishing,
	isSame,
	moveIntoPlace,
	type Slot,
	statIfThere,
} from "./replace.ts";
import { system } from "./sys/index.ts";
import { ITSELF, type Metadata } from "./sys/metadata.ts";
import type { Handle, Place } from "./sys/system.ts";
import { clearLeft, openLeft, prefixOf, underOwnName } from "./temporary-lock.ts";

/** Milliseconds, and how often: others keep the name for less than one, unless they are stopped. */
const TURN_PAUSE = 1;
const TURN_TRIES = 20;

/** How a file without a name is opened; nobody else is to see what is in it. */
export const NAMELESS = { write: true, temporary: true, mode: 0o600 } as const;

/** Whether it says that files cannot be made without a name here, or not given one. */
export function lacksNamelessFiles(error: unknown): boolean {
	return isCode(error, "ENOTSUP") && (error.syscall === "open" || error.syscall === "link");
}

/**
 * Has something made under a temporary name and moved away from it, once it is cleared away what others
 * have left who wanted to put something in this place and were killed.
 */
export function* underTemporaryName<T>(
	scope: Scope,
	slot: Slot,
	make: (place: Place) => Operation<T>,
): Operation<T> {
	const prefix = yield* prefixOf(scope, slot);
	if (prefix !== undefined) yield* clearAway(scope, beside(slot, turnName(prefix)));
	return yield* underOwnName(scope, slot, prefix, make);
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
	const prefix = yield* prefixOf(scope, slot);
	const turn = prefix && (yield* takeTurn(scope, handle, slot, prefix));
	if (turn) return yield* moveIntoPlace(scope, turn, slot, true);
	yield* underOwnName(scope, slot, prefix, function* (temporary) {
		yield* system.file.publish(scope, handle, temporary);
		yield* moveIntoPlace(scope, temporary, slot, true);
	});
}

/** Makes something in its place, or beside it and then moves it there if the place is taken. */
export function* takePlace(
	scope: Scope,
	slot: Slot,
	existing: Metadata | undefined,
	make: (place: Place) => Operation<void>,
): Operation<void> {
	if (existing === undefined) return yield* make(slot.place);
	yield* underTemporaryName(scope, slot, function* (temporary) {
		yield* make(temporary);
		yield* moveIntoPlace(scope, temporary, slot, true);
		// Renaming one name of a file to another of the same does nothing: then the name is left.
		yield* finishing(scope, discard(scope, temporary));
	});
}

/**
 * The one name that all share who put a file without a name in this place, so that each meets what the
 * one before has left. Places that happen to share a name take turns at it.
 */
const turnName = (prefix: string) => `${prefix}.tmp`;

/**
 * Gives a file without a name the shared one, once those who have it are done with it or are no
 * more. It is locked before it can be seen, so nobody takes it for one that was left. Undefined if it is
 * not to be had.
 */
function* takeTurn(
	scope: Scope,
	handle: Handle,
	slot: Slot,
	prefix: string,
): Operation<Place | undefined> {
	yield* clearLeft(scope, slot, prefix);
	// What cannot be told to be in use must not be where others clear away what is not.
	if (!(yield* system.lock.claim(scope, handle, "exclusive"))) return undefined;
	const place = beside(slot, turnName(prefix));
	for (let tries = 0; tries < TURN_TRIES; tries++) {
		try {
			yield* system.file.publish(scope, handle, place);
			return place;
		} catch (error) {
			if (!isCode(error, "EEXIST")) throw error;
		}
		const state = yield* clearAway(scope, place);
		if (state === "stays") break;
		if (state === "in use") yield new Pause(TURN_PAUSE);
	}
	return undefined;
}

/** Removes what a killed process has left under a name, and nothing that a living one has there. */
function* clearAway(scope: Scope, place: Place): Operation<"gone" | "in use" | "stays"> {
	const how = { read: true, nonBlocking: true, noFollow: true };
	const handle = yield* openLeft(scope, place, how);
	if (typeof handle === "string") return handle;
	try {
		if (!(yield* system.lock.claim(scope, handle, "exclusive"))) return "in use";
		// Whoever had it may have moved it into its place before it was ours.
		const found = yield* statIfThere(scope, place);
		const locked = yield* system.metadata.stat(scope, handle, ITSELF);
		if (found === undefined || !isSame(found, locked)) return "gone";
		if (!locked.isFile()) return "stays";
		yield* system.directory.unlink(scope, place);
		return "gone";
	} catch (error) {
		if (!(error instanceof FsError)) throw error;
		// What may not be opened or removed is another user's.
		return error.code === "ENOENT" ? "gone" : "stays";
	} finally {
		yield* closeAfter(scope, handle, false);
	}
}
