import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { FsError } from "../../errors.ts";
import { FOLLOWED } from "../metadata.ts";
import type { ChangeSource, Handle, Place, Subject, WatchHow, WatchSystem } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { enter } from "./entry.ts";
import { checked } from "./failure.ts";
import { AT_FDCWD, O } from "./layouts.ts";
import { metadata } from "./metadata.ts";
import { openat, opened, procPath, resolveFlags } from "./path.ts";
import { Inotify } from "./watch/inotify.ts";
import { needsMore, replay, waitForMore } from "./watch/replay.ts";
import { includeAll, letGo } from "./watch/scan.ts";
import { lost } from "./watch/start-over.ts";
import { maskFor, Tree } from "./watch/tree.ts";

/** PATH_MAX, which the kernel keeps to here. */
const LONGEST_NAME = 4096;

export const watch: WatchSystem = {
	*open(scope, subject, how) {
		const inotify = yield* Inotify.open(scope);
		try {
			return yield* begin(scope, inotify, subject, how);
		} catch (error) {
			yield* inotify.close();
			throw error;
		}
	},
};

function* begin(
	scope: Scope,
	inotify: Inotify,
	subject: Subject,
	how: WatchHow,
): Operation<ChangeSource> {
	const isOpen = typeof subject === "number";
	const name = isOpen ? "" : subject.path;
	const handle = isOpen ? subject : yield* openByName(scope, subject);
	try {
		const { kind } = yield* metadata.stat(scope, handle, FOLLOWED);
		const isDirectory = kind === "directory";
		const mask = maskFor(how);
		const wd = yield* addRoot(scope, inotify, handle, mask, name);
		const tree = new Tree(inotify, wd, mask, how, name);
		if (isDirectory && how.recursive) yield* watchBelow(scope, tree, handle, isOpen);
		return sourceOf(tree, isDirectory);
	} finally {
		if (!isOpen) yield sys(nr.close, handle);
	}
}

/** Opens what a place leads to, without any effect on it. */
function* openByName(scope: Scope, place: Place): Operation<Handle> {
	const { directory = AT_FDCWD, path } = place;
	const flags = O.O_PATH | O.O_CLOEXEC;
	const result = yield* openat(scope, directory, path, flags, 0, resolveFlags(place));
	return opened(result, "watch", place);
}

function* addRoot(
	scope: Scope,
	inotify: Inotify,
	handle: Handle,
	mask: number,
	name: string | Uint8Array,
): Operation<number> {
	try {
		return yield* inotify.add(scope, handle, mask);
	} catch (error) {
		throw error instanceof FsError && name !== "" ? error.renamed(name) : error;
	}
}

/**
 * Has all that is below the root watched. The root is opened by its name again when a directory comes
 * in, since one that is kept open keeps its filesystem from being unmounted. What the user has open,
 * and what cannot be found by a name, is kept open all the same.
 */
function* watchBelow(scope: Scope, tree: Tree, handle: Handle, isOpen: boolean): Operation<void> {
	const path = isOpen ? undefined : yield* nameOf(scope, handle);
	if (path !== undefined) {
		tree.root = { directory: undefined, path, beneath: false };
		if (yield* includeAll(scope, tree)) return;
	}
	const flags = O.O_DIRECTORY | O.O_CLOEXEC;
	const self = scope.memory.cstring(procPath(handle));
	const kept = checked(yield sys(nr.openat, AT_FDCWD, self, flags), "watch");
	tree.root = { directory: kept, path: ".", beneath: false };
	try {
		if (!(yield* includeAll(scope, tree))) throw lost(tree);
	} catch (error) {
		yield sys(nr.close, kept);
		throw error;
	}
}

/** The name of what is open, as the kernel knows it; undefined if it is too long. */
function* nameOf(scope: Scope, handle: Handle): Operation<Uint8Array | undefined> {
	const mark = scope.mark();
	const buffer = scope.memory.reserve(LONGEST_NAME);
	const self = scope.memory.cstring(procPath(handle));
	const call = sys(nr.readlinkat, AT_FDCWD, self, buffer.address, LONGEST_NAME);
	const length = yield call;
	const name = length < 0 ? undefined : buffer.copy(0, length);
	scope.release(mark);
	return name;
}

function sourceOf(tree: Tree, isDirectory: boolean): ChangeSource {
	const { inotify, how } = tree;
	/** What went wrong after changes that are to be reported first. */
	let failure: unknown;
	/** From then on its number may be that of another queue. */
	let isClosed = false;

	/** Reads and looks at events; whether there were any to read. */
	function* gather(scope: Scope): Operation<boolean> {
		try {
			const before = tree.backlog.size;
			if (needsMore(tree)) yield* tree.read(scope);
			const came = tree.backlog.size > before;
			yield* replay(scope, tree);
			return came;
		} catch (error) {
			if (!tree.hasChanges) throw error;
			failure = error;
			return true;
		} finally {
			yield* letGo(tree);
		}
	}

	return {
		isDirectory,

		*next(scope) {
			const deadline = performance.now() + (how.timeoutMs ?? Number.POSITIVE_INFINITY);
			if (failure !== undefined) throw failure;
			while (!tree.hasEnded) {
				const came = yield* gather(scope);
				if (tree.hasChanges) return tree.take();
				if (came || tree.hasEnded) continue;
				if (tree.backlog.size > 0) yield* waitForMore();
				else if (!(yield* inotify.wait(scope, deadline - performance.now()))) tree.hasEnded = true;
			}
			return undefined;
		},

		*close() {
			isClosed = true;
			const { directory: kept } = tree.root;
			if (kept !== undefined) yield sys(nr.close, kept);
			yield* inotify.close();
		},

		wake() {
			tree.hasEnded = true;
			if (isClosed) return;
			// The event that the watch has ended ends the wait.
			enter(nr.inotify_rm_watch, inotify.handle, tree.table.root.wd, 0, 0, 0, 0);
		},
	};
}
