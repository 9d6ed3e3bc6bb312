/**
 * Who is at work on a place under names of their own. All of them have the same empty file locked
 * together, and whoever gets it alone knows that the others are done or are no more: what has such a name
 * then was left by one that was killed.
 */
import type { Operation } from "./engine/operation.ts";
import { Pause } from "./engine/pause.ts";
import type { Scope } from "./engine/scope.ts";
import { FsError, isCode } from "./errors.ts";
import { joined } from "./place.ts";
import { randomName } from "./random-name.ts";
import {
	beside,
	closeAfter,
	discard,
	finishing,
	isSame,
	type Slot,
	statIfThere,
} from "./replace.ts";
import { system } from "./sys/index.ts";
import { ITSELF, type Metadata } from "./sys/metadata.ts";
import type { Handle, OpenHow, Place } from "./sys/system.ts";

/** Milliseconds, and how often: others have the file alone for as long as they list the directory. */
const TURN_PAUSE = 1;
const TURN_TRIES = 500;

const LOCK_FILE = { read: true, write: true, noFollow: true, nonBlocking: true } as const;

/** Some filesystems of Windows keep a removed name until the last who has it open has closed it. */
const BEING_REMOVED = "EBUSY";

/** What the names of this thread have in common, and nobody else's. */
let stem: string | undefined;
let made = 0;

/** A name that nobody else has or will have. */
function ownName(prefix: string): string {
	stem ??= randomName(12);
	return `${prefix}${stem}${(made++).toString(36)}.tmp`;
}

/** What a place's names begin with: only those see it who see each other's locks. */
export function* prefixOf(scope: Scope, { place }: Slot): Operation<string | undefined> {
	if (place.directory === undefined) return undefined;
	const reach = yield* system.lock.reach(scope, place.directory);
	if (reach === undefined) return undefined;
	const prefix = `.fsx-${Bun.hash.crc32(place.path).toString(16).padStart(8, "0")}`;
	return reach === "" ? prefix : `${prefix}-${Bun.hash(reach).toString(16)}`;
}

/** Being at work on a place. */
interface Presence {
	readonly slot: Slot;
	/** The locked file. */
	readonly file: Place;
	readonly handle: Handle;
	/** What the names begin with that are used meanwhile. */
	readonly names: string;
	/** Whether it made the file. As long as that is empty, nobody else has been at work. */
	readonly isMaker: boolean;
}

/**
 * Has something made under a temporary name, and moved away from it. Whoever is killed meanwhile leaves
 * what the next one clears away.
 */
export function* underOwnName<T>(
	scope: Scope,
	slot: Slot,
	prefix: string | undefined,
	make: (place: Place) => Operation<T>,
): Operation<T> {
	const presence = prefix === undefined ? undefined : yield* join(scope, slot, prefix);
	if (presence === undefined) return yield* make(beside(slot, ownName(".fsx-")));
	let done = false;
	try {
		const result = yield* make(beside(slot, ownName(presence.names)));
		done = true;
		return result;
	} finally {
		// What failed may have left its name.
		const isMaker = done && presence.isMaker;
		yield* finishing(scope, leave(scope, { ...presence, isMaker }));
	}
}

/** Clears away what was left by all that have been at work on a place, if none still is. */
export function* clearLeft(scope: Scope, slot: Slot, prefix: string): Operation<void> {
	const [file, names] = lockFile(slot, prefix);
	// Nearly always nothing is there, which a promise form is told at once, if it only looks.
	if ((yield* statLeft(scope, file)) === undefined) return;
	const handle = yield* openLeft(scope, file, LOCK_FILE);
	if (typeof handle === "string") return;
	yield* finishing(scope, leave(scope, { slot, file, handle, names, isMaker: false }));
}

/** The file that is locked, and what the names begin with. Nobody is kept out by another user's. */
function lockFile(slot: Slot, prefix: string): [file: Place, names: string] {
	const name = `${prefix}-${process.geteuid?.() ?? 0}`;
	return [beside(slot, `${name}.tmp`), `${name}.`];
}

/** Undefined where something else has the name of the file, or it cannot be locked. */
function* join(scope: Scope, slot: Slot, prefix: string): Operation<Presence | undefined> {
	const [file, names] = lockFile(slot, prefix);
	for (let tries = 0; tries < TURN_TRIES; tries++) {
		if (tries > 0) yield new Pause(TURN_PAUSE);
		const opened = yield* openLockFile(scope, file);
		if (opened === "gone") continue;
		if (opened === "stays") return undefined;
		const presence = { slot, file, names, ...opened };
		const entered = yield* enterOrLeave(scope, presence);
		if (entered === true) return presence;
		if (entered === undefined && opened.isMaker) yield* discard(scope, file);
		yield* closeAfter(scope, opened.handle, false);
		if (entered === undefined) break;
	}
	return undefined;
}

function* openLockFile(
	scope: Scope,
	file: Place,
): Operation<{ handle: Handle; isMaker: boolean } | "gone" | "stays"> {
	try {
		const how = { ...LOCK_FILE, create: true, exclusive: true, mode: 0o600 };
		return { handle: yield* system.file.open(scope, file, how), isMaker: true };
	} catch (error) {
		if (isCode(error, "EACCES", "EPERM")) return "stays";
		if (isCode(error, BEING_REMOVED)) return "gone";
		if (!isCode(error, "EEXIST")) throw error;
	}
	const handle = yield* openLeft(scope, file, LOCK_FILE);
	return typeof handle === "string" ? handle : { handle, isMaker: false };
}

/** Opens what may have been left, unless it is not there any more, or not ours. */
export function* openLeft(
	scope: Scope,
	place: Place,
	how: OpenHow,
): Operation<Handle | "gone" | "stays"> {
	try {
		return yield* system.file.open(scope, place, how);
	} catch (error) {
		if (isCode(error, "ENOENT", BEING_REMOVED)) return "gone";
		if (isCode(error, "EACCES", "EPERM", "EISDIR", "ELOOP", "ENXIO")) return "stays";
		throw error;
	}
}

function* enterOrLeave(scope: Scope, presence: Presence): Operation<boolean | undefined> {
	try {
		return yield* enter(scope, presence);
	} catch (error) {
		yield* finishing(scope, leave(scope, presence));
		throw error;
	}
}

/** False if it has to be tried again; undefined where there are no locks. */
function* enter(scope: Scope, presence: Presence): Operation<boolean | undefined> {
	const { file, handle, isMaker } = presence;
	if (!isMaker && (yield* system.lock.claim(scope, handle, "exclusive"))) {
		const found = yield* namedBy(scope, file, handle);
		if (found === undefined) return false;
		if (!found.isFile()) return undefined;
		yield* sweep(scope, presence);
	}
	const claimed = yield* system.lock.claim(scope, handle, "shared");
	if (!claimed) return claimed;
	if ((yield* namedBy(scope, file, handle)) === undefined) return false;
	// Its maker is not the only one any more: what any of us may leave is to be looked for.
	if (!isMaker) yield* system.file.truncate(scope, handle, 1);
	return true;
}

/** The last one removes the file, and before it what was left by those that were killed. */
function* leave(scope: Scope, presence: Presence): Operation<void> {
	const { file, handle, isMaker } = presence;
	try {
		if (!(yield* system.lock.claim(scope, handle, "exclusive"))) return;
		const found = yield* namedBy(scope, file, handle);
		if (!found?.isFile()) return;
		if (!isMaker || found.size > 0) yield* sweep(scope, presence);
		yield* system.directory.unlink(scope, file);
	} catch (error) {
		// What has been done is done: the next one clears away.
		if (!(error instanceof FsError)) throw error;
	} finally {
		yield* closeAfter(scope, handle, false);
	}
}

/** What is known of an open file, if the name is still its own. */
function* namedBy(scope: Scope, file: Place, handle: Handle): Operation<Metadata | undefined> {
	const named = yield* statLeft(scope, file);
	if (named === undefined) return undefined;
	const opened = yield* system.metadata.stat(scope, handle, ITSELF);
	return isSame(named, opened) ? opened : undefined;
}

function* statLeft(scope: Scope, place: Place): Operation<Metadata | undefined> {
	try {
		return yield* statIfThere(scope, place);
	} catch (error) {
		if (isCode(error, BEING_REMOVED)) return undefined;
		throw error;
	}
}

/**
 * Removes what has names of those that are no more, but not the locked file, whose name is like them:
 * without it nobody looks for the others, and the next one to come makes another.
 */
function* sweep(scope: Scope, { slot, file, names }: Presence): Operation<void> {
	for (const name of yield* listed(scope, beside(slot, "."))) {
		const text = Buffer.from(name).toString("latin1");
		if (text.startsWith(names) && text !== file.path)
			yield* remove(scope, { ...slot.place, path: name });
	}
}

/** Removes a name; of a directory, as `capabilities` makes it, with the names in it. */
function* remove(scope: Scope, place: Place): Operation<void> {
	try {
		yield* system.directory.unlink(scope, place);
	} catch (error) {
		if (!isCode(error, "EISDIR")) throw error;
		for (const name of yield* listed(scope, place)) {
			const inside = { ...place, path: joined(place.path, name) };
			yield* system.directory.unlink(scope, inside);
		}
		yield* system.directory.rmdir(scope, place);
	}
}

function* listed(scope: Scope, place: Place): Operation<Uint8Array[]> {
	const how = { read: true, directory: true, noFollow: true };
	const handle = yield* system.file.open(scope, place, how);
	const names: Uint8Array[] = [];
	try {
		for (;;) {
			const mark = scope.mark();
			const records = yield* system.directory.read(scope, handle);
			scope.release(mark);
			if (records.length === 0) return names;
			for (const { name } of records) names.push(name);
		}
	} finally {
		yield* closeAfter(scope, handle, false);
	}
}
