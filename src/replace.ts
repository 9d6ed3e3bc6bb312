/** Making a file without a name, or under another, and moving it into place when it is whole. */
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { FsError, isCode, printable } from "./errors.ts";
import { isAbsolute, isDots, joined, partsOf } from "./place.ts";
import { system } from "./sys/index.ts";
import type { Metadata } from "./sys/metadata.ts";
import type { Handle, Place } from "./sys/system.ts";

/** Links that lead to links: as many as the kernel follows. */
const MOST_LINKS = 40;

/** To look names up in a directory takes no permission to list it. */
export const LOOK_UP = { path: true, directory: true } as const;

/** A place named by a directory that is held open, so that both names mean the same directory. */
export interface Slot {
	readonly place: Place;
	release(): Operation<void>;
}

/** Opens the directory of a place. A single name in an open directory needs nothing opened. */
export function* slotOf(scope: Scope, place: Place): Operation<Slot> {
	const { parent, name } = partsOf(place.path);
	let opened: Handle | undefined;
	let { directory } = place;
	// The root has no name, and no directory that it is in.
	const dots = isDots(name) || (name.length === 0 && parent !== undefined);
	if (parent !== undefined || directory === undefined || dots) {
		const above = { ...place, path: dots ? place.path : (parent ?? ".") };
		opened = yield* system.file.open(scope, above, LOOK_UP);
		directory = opened;
	}
	return {
		place: { directory, path: dots ? "." : name, beneath: place.beneath },
		*release() {
			if (opened !== undefined) yield* closeAfter(scope, opened, false);
		},
	};
}

/** The error of making something beside a file, which may be written to all the same. */
export function orInPlace(error: unknown, existing: Metadata | undefined): unknown {
	if (!existing?.isFile() || !isCode(error, "EACCES") || error.syscall !== "open") return error;
	return error.explained("nothing can be made in its directory; atomic: false does without");
}

/** Another name in the directory of a slot; `"."` is the directory itself. */
export function beside({ place }: Slot, name: string): Place {
	return { ...place, path: name };
}

/** The place that a symbolic link, or a chain of them, leads to: what an atomic write replaces. */
export function* resolveLinks(scope: Scope, place: Place): Operation<Place> {
	let resolved = place;
	for (let links = 0; links < MOST_LINKS; links++) {
		let target: Uint8Array;
		try {
			target = yield* system.symlink.readlink(scope, resolved);
		} catch (error) {
			// No link, or nothing there: this is the place, unless it can only be a directory, or is none.
			const isPlace = resolved.path.length > 0 && !partsOf(resolved.path).trailing;
			const nothing = isCode(error, "ENOENT") && isPlace;
			if (links > 0 && isCode(error, "EXDEV")) throw leadsOut(place.path);
			if (!nothing && !isCode(error, "EINVAL")) throw error;
			if (links > 0) yield* confirm(scope, place, resolved);
			return resolved;
		}
		const { parent } = partsOf(resolved.path);
		resolved = { ...resolved, path: isAbsolute(target) ? target : joined(parent ?? "", target) };
	}
	// Of links in a circle the system says so itself.
	yield* system.metadata.stat(scope, place, { follow: true, sync: "auto" });
	return resolved;
}

/**
 * Has the system follow the links as well: it refuses those that others have planted in directories
 * like /tmp (fs.protected_symlinks), and it tells when a link was changed meanwhile.
 */
function* confirm(scope: Scope, place: Place, resolved: Place): Operation<void> {
	const followed = yield* statIfThere(scope, place, true);
	const found = yield* statIfThere(scope, resolved);
	const same = followed && found ? isSame(followed, found) : followed === found;
	if (!same) throw linkChanged(place.path);
}

/** The error for a link that was not what it is now when its target was asked for. */
export function linkChanged(path: Place["path"]): FsError {
	return new FsError("EAGAIN", "resource temporarily unavailable", {
		syscall: "open",
		path,
		detail: "the symbolic link was changed meanwhile",
	});
}

/** What it leads to is no business of whom the name was given to. */
function leadsOut(path: Place["path"]): FsError {
	return new FsError("EXDEV", "cross-device link not permitted", {
		syscall: "open",
		path,
		detail: `the symbolic link '${printable(path)}' leads out of the directory`,
	});
}

/** Whether two names are of one file. */
export function isSame(a: Metadata, b: Metadata): boolean {
	return a.ino === b.ino && a.dev === b.dev;
}

/**
 * Moves what was made into its place: over what is there, or, with `overwrite` false, only if
 * nothing is. When that fails, what was made is removed.
 */
export function* moveIntoPlace(
	scope: Scope,
	temporary: Place,
	slot: Slot,
	overwrite: boolean,
): Operation<void> {
	let named = true;
	try {
		if (overwrite) {
			yield* system.rename.rename(scope, temporary, slot.place, "replace");
			named = false;
		} else {
			named = !(yield* renameWithoutReplacing(scope, temporary, slot.place));
		}
	} finally {
		if (named) yield* discard(scope, temporary);
	}
}

/** True when the old name is gone; false where it has become a second name of the same file. */
function* renameWithoutReplacing(scope: Scope, from: Place, to: Place): Operation<boolean> {
	try {
		yield* system.rename.rename(scope, from, to, "noReplace");
		return true;
	} catch (error) {
		// Filesystems that cannot rename so can still refuse to link over something.
		if (!isCode(error, "EINVAL", "ENOTSUP", "ENOSYS")) throw error;
		yield* system.hardlink.link(scope, from, to, false);
		return false;
	}
}

/** Removes what was made and is not wanted; that this fails must not hide why. */
export function* discard(scope: Scope, place: Place): Operation<void> {
	try {
		yield* system.directory.unlink(scope, place);
	} catch {
		// What failed before it is what the caller is told.
	}
}

/** A failed close can mean lost data, but must not hide what failed before it. */
export function* closeAfter(scope: Scope, handle: Handle, succeeded: boolean): Operation<void> {
	try {
		yield* system.file.close(scope, handle);
	} catch (error) {
		if (succeeded) throw error;
	}
}

/** Ends what is done to an open file by closing it, which may be what shows that data is lost. */
export function* closing<T>(scope: Scope, handle: Handle, operation: Operation<T>): Operation<T> {
	let done = false;
	try {
		const result = yield* operation;
		done = true;
		return result;
	} finally {
		yield* closeAfter(scope, handle, done);
	}
}

/** Metadata of the name itself, or undefined if nothing has it. */
export function* statIfThere(
	scope: Scope,
	place: Place,
	follow = false,
): Operation<Metadata | undefined> {
	try {
		return yield* system.metadata.stat(scope, place, { follow, sync: "auto" });
	} catch (error) {
		if (isCode(error, "ENOENT")) return undefined;
		throw error;
	}
}

/**
 * Changes names in a directory and, if that is asked, waits until they are on the disk. The directory is
 * opened before: who may not do that learns so while nothing is changed.
 */
export function* withNamesSynced<T>(
	scope: Scope,
	directory: Place,
	sync: boolean,
	change: Operation<T>,
): Operation<T> {
	if (!sync) return yield* change;
	const handle = yield* system.file.open(scope, directory, { read: true, directory: true });
	try {
		const result = yield* change;
		yield* finishing(scope, system.file.sync(scope, handle));
		return result;
	} finally {
		yield* closeAfter(scope, handle, false);
	}
}

/** Ends what can be seen already: an abort would come too late for it, and leave it half done. */
export function* finishing<T>(scope: Scope, operation: Operation<T>): Operation<T> {
	const { interrupt } = scope;
	scope.interrupt = undefined;
	try {
		return yield* operation;
	} finally {
		scope.interrupt = interrupt;
	}
}
