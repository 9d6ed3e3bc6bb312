/**
 * How the directories of a tree come to be watched. Others change the tree meanwhile, and events
 * about that are read later than they happen. So a directory that is opened by a name counts only if
 * no event about that name is still to come: if there is one, it is that event's business.
 */
import type { Operation } from "../../../engine/operation.ts";
import type { Scope } from "../../../engine/scope.ts";
import { isCode } from "../../../errors.ts";
import type { DirectoryRecord, Handle } from "../../system.ts";
import { nr, sys } from "../calls.ts";
import { directory as listing } from "../directory.ts";
import { Errno } from "../errno.ts";
import { checked } from "../failure.ts";
import { AT_FDCWD, IN_CREATE, IN_MOVED_TO, IN_ONLYDIR, O, SEEK_SET } from "../layouts.ts";
import { namesOf, type Watched } from "./table.ts";
import { bytesOf, MOST_TRIES, type Tree } from "./tree.ts";

const DIRECTORY = O.O_DIRECTORY | O.O_NOFOLLOW | O.O_CLOEXEC;

/** What opening a name says that is no directory, or no longer. */
const noDirectory = new Set([-Errno.ENOENT, -Errno.ENOTDIR, -Errno.ELOOP, -Errno.ESTALE]);
/** What calls on an open directory say that has been removed. */
const isGone = (error: unknown) => isCode(error, "ENOENT", "ESTALE");

/** A directory on the way down, open, and the names in it that may be directories. */
interface Level {
	readonly directory: Watched;
	readonly handle: Handle;
	readonly names: string[];
}

/** Opens a directory by its name in another, if it is one; a negative number otherwise. */
function* openBelow(scope: Scope, handle: Handle, name: string): Operation<number> {
	const mark = scope.mark();
	const path = scope.memory.cstring(bytesOf(name));
	const result = yield sys(nr.openat, handle, path, DIRECTORY);
	scope.release(mark);
	return noDirectory.has(result) ? result : checked(result, "watch");
}

/**
 * Opens a directory that is watched. Where its path leads elsewhere by now, to what has another
 * watch or none, it has been moved: undefined.
 */
function* openAgain(scope: Scope, tree: Tree, directory: Watched): Operation<Handle | undefined> {
	const { directory: start = AT_FDCWD, path } = tree.root;
	const mark = scope.mark();
	const flags = O.O_DIRECTORY | O.O_CLOEXEC;
	let handle = yield sys(nr.openat, start, scope.memory.cstring(path), flags);
	scope.release(mark);
	for (const name of namesOf(directory)) {
		if (handle < 0) break;
		const above = handle;
		try {
			handle = yield* openBelow(scope, above, name);
		} finally {
			yield sys(nr.close, above);
		}
	}
	if (noDirectory.has(handle)) return undefined;
	checked(handle, "watch");
	let isIt = false;
	try {
		const wd = yield* tree.inotify.add(scope, handle, tree.mask | IN_ONLYDIR);
		isIt = wd === directory.wd;
		if (isIt) return handle;
		if (tree.table.get(wd) === undefined) yield* tree.inotify.remove(wd);
	} catch (error) {
		if (isGone(error)) return undefined;
		throw error;
	} finally {
		if (!isIt) yield sys(nr.close, handle);
	}
	return undefined;
}

/** The same, of the directory that was opened last without opening it again. */
export function* reach(
	scope: Scope,
	tree: Tree,
	directory: Watched,
): Operation<Handle | undefined> {
	if (tree.opened?.directory === directory) return tree.opened.handle;
	yield* letGo(tree);
	const handle = yield* openAgain(scope, tree, directory);
	if (handle !== undefined) tree.opened = { directory, handle };
	return handle;
}

/** Closes the directory that was opened last. */
export function* letGo(tree: Tree): Operation<void> {
	const { opened } = tree;
	tree.opened = undefined;
	if (opened !== undefined) yield sys(nr.close, opened.handle);
}

/**
 * Has the directory of this name watched, and all that are below it. What is in them is reported
 * as created, once: here, or by an event that is still to come. False if its parent is not where it
 * should be, of which the event is still to come, too. `tries`: how often it has been looked at.
 */
export function* include(
	scope: Scope,
	tree: Tree,
	parent: Watched,
	name: string,
	tries: number,
): Operation<boolean> {
	if (parent.isGone || parent.isUnsettled(name)) return true;
	yield* tree.discard();
	try {
		const handle = yield* reach(scope, tree, parent);
		if (handle === undefined) return false;
		const level = yield* enter(scope, tree, { directory: parent, handle, name, tries });
		if (level !== undefined) yield* descend(scope, tree, level, true);
	} catch (error) {
		tree.fail(error, parent, name);
	}
	return true;
}

/** Has all directories below the root watched, and reports nothing. False if it is not to be found. */
export function* includeAll(scope: Scope, tree: Tree): Operation<boolean> {
	const directory = tree.table.root;
	const handle = yield* openAgain(scope, tree, directory);
	if (handle === undefined) return false;
	let listed: Listed;
	try {
		listed = yield* list(scope, tree, directory, handle, false);
	} catch (error) {
		yield sys(nr.close, handle);
		throw error;
	}
	yield* descend(scope, tree, { directory, handle, names: listed.directories }, false);
	return true;
}

/** Goes through what is below, by a stack of open directories. */
function* descend(scope: Scope, tree: Tree, from: Level, reports: boolean): Operation<void> {
	const levels = [from];
	try {
		for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
			const { directory, handle } = level;
			const name = level.names.pop();
			if (name === undefined) {
				levels.pop();
				yield sys(nr.close, handle);
				continue;
			}
			try {
				const below = yield* enter(scope, tree, { directory, handle, name, tries: 0 }, reports);
				if (below !== undefined) levels.push(below);
			} catch (error) {
				tree.fail(error, directory, name);
			}
		}
	} finally {
		for (const { handle } of levels) yield sys(nr.close, handle);
	}
}

/** A name in an open directory. */
interface Entry {
	readonly directory: Watched;
	readonly handle: Handle;
	readonly name: string;
	readonly tries: number;
}

/** Has one directory watched and lists it; undefined if it is none, or not the one that is meant. */
function* enter(
	scope: Scope,
	tree: Tree,
	entry: Entry,
	reports = true,
): Operation<Level | undefined> {
	const handle = yield* openBelow(scope, entry.handle, entry.name);
	if (handle < 0) return undefined;
	let level: Level | undefined;
	try {
		level = yield* watch(scope, tree, entry, handle, reports);
	} catch (error) {
		if (!isGone(error)) throw error;
	} finally {
		if (level === undefined) yield sys(nr.close, handle);
	}
	return level;
}

function* watch(
	scope: Scope,
	tree: Tree,
	{ directory: parent, name, tries }: Entry,
	handle: Handle,
	reports: boolean,
): Operation<Level | undefined> {
	const wd = yield* tree.inotify.add(scope, handle, tree.mask | IN_ONLYDIR);
	const known = tree.table.get(wd);
	if (known !== undefined) {
		if (known.parent === parent && known.name === name) return undefined;
		// Moved here, of which the event is still to come, or else the same directory mounted twice.
		if (tries < MOST_TRIES) yield* tree.lookAgain(scope, parent, name, tries + 1);
		return undefined;
	}
	const directory = tree.table.add(wd, parent, name);
	let listed: Listed | undefined;
	try {
		listed = yield* list(scope, tree, directory, handle, reports);
	} finally {
		if (listed === undefined || parent.isUnsettled(name)) tree.drop(directory);
	}
	if (directory.isGone) return undefined;
	for (const found of listed.names) tree.report("create", directory, found);
	return { directory, handle, names: listed.directories };
}

interface Listed {
	/** What may be a directory. */
	readonly directories: string[];
	/** What is to be reported: all that was there before the watch was, of which no event tells. */
	readonly names: Set<string>;
}

/** Lists a directory whose watch is there. */
function* list(
	scope: Scope,
	tree: Tree,
	directory: Watched,
	handle: Handle,
	reports: boolean,
): Operation<Listed> {
	const directories: string[] = [];
	const names = new Set<string>();
	const firstChanges = new Map<string, number>();
	directory.firstChanges = firstChanges;
	// btrfs lists what was there when the directory was opened, or last gone back to its start.
	checked(yield sys(nr.lseek, handle, 0, SEEK_SET), "watch");
	for (let more = true; more; ) {
		const mark = scope.mark();
		const records = yield* readOn(scope, handle);
		scope.release(mark);
		for (const { name: bytes, kind } of records) {
			const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
			if (reports) names.add(name);
			if (kind === "directory" || kind === undefined) directories.push(name);
		}
		more = records.length > 0;
	}
	// Whatever the listing shows, the event about it is in the queue by now.
	yield* tree.readAll(scope);
	directory.firstChanges = undefined;
	if (!reports) return { directories, names };
	for (const [name, mask] of firstChanges) {
		if ((mask & (IN_CREATE | IN_MOVED_TO)) === 0) names.add(name);
		else names.delete(name);
	}
	return { directories, names };
}

/** The next entries of an open directory; none of one that has been removed. */
function* readOn(scope: Scope, handle: Handle): Operation<DirectoryRecord[]> {
	try {
		return yield* listing.read(scope, handle);
	} catch (error) {
		if (isGone(error)) return [];
		throw error;
	}
}
