/** From events to changes, in the order in which the kernel saw them. */
import type { Operation } from "../../../engine/operation.ts";
import { Pause } from "../../../engine/pause.ts";
import type { Scope } from "../../../engine/scope.ts";
import {
	IN_ATTRIB,
	IN_CREATE,
	IN_DELETE,
	IN_IGNORED,
	IN_ISDIR,
	IN_MODIFY,
	IN_MOVED_FROM,
	IN_MOVED_TO,
	IN_Q_OVERFLOW,
	IN_UNMOUNT,
} from "../layouts.ts";
import { type Event, LOOK_AGAIN } from "./backlog.ts";
import { include } from "./scan.ts";
import { startOver } from "./start-over.ts";
import type { Watched } from "./table.ts";
import { ENDS, MOST_TRIES, type Tree } from "./tree.ts";

/** How long the second half of a rename is waited for: it comes right behind the first. */
const PATIENCE_NANOSECONDS = 10_000_000;
/** Events that are looked at before others on this thread have a turn. */
const MOST_AT_ONCE = 2048;
/** Events that are kept. Others are read while a directory is listed, however slowly they are taken. */
const MOST_EVENTS = 1_000_000;
/** Until it is looked whether an event has come that must be on its way. */
const MOMENT_MILLISECONDS = 1;

/**
 * Looks at what has been read, up to the first half of a rename whose second is still to come, and
 * at no more than is quickly done.
 */
export function* replay(scope: Scope, tree: Tree): Operation<void> {
	const { backlog } = tree;
	if (backlog.size > MOST_EVENTS) yield* startOver(scope, tree);
	for (let count = 0; count < MOST_AT_ONCE && !needsMore(tree) && !tree.hasEnded; count++) {
		const event = backlog.shift();
		if (event === undefined || event.directory.isGone) continue;
		const { mask, name } = event;
		if (mask === LOOK_AGAIN) yield* lookAgain(scope, tree, event);
		else if ((mask & IN_Q_OVERFLOW) !== 0) yield* startOver(scope, tree);
		else if (name === "") yield* applyToSelf(scope, tree, event);
		else if ((mask & IN_ISDIR) !== 0 && tree.how.recursive)
			yield* applyToDirectory(scope, tree, event);
		else applyToFile(tree, event);
	}
	yield* tree.discard();
}

/** Whether nothing can be looked at before more has been read. */
export function needsMore({ backlog, emptied }: Tree): boolean {
	const { first } = backlog;
	if (first === undefined) return true;
	if ((first.mask & IN_MOVED_FROM) === 0 || first.directory.isGone) return false;
	return backlog.arrivalOf(first) === undefined && emptied - first.time < PATIENCE_NANOSECONDS;
}

/** Waits a moment for events that are on their way. */
export function* waitForMore(): Operation<void> {
	yield new Pause(MOMENT_MILLISECONDS);
}

/** What happened to a name in a directory, for the user; the other half of it, if it was a rename. */
function applyToFile(tree: Tree, event: Event): Event | undefined {
	const { directory, mask, name } = event;
	if ((mask & IN_MOVED_FROM) !== 0) {
		const arrival = tree.backlog.arrivalOf(event);
		if (arrival === undefined) {
			tree.report("delete", directory, name);
		} else {
			tree.backlog.take(arrival);
			const from = tree.table.pathOf(directory, name);
			tree.report("rename", arrival.directory, arrival.name, from);
		}
		return arrival;
	}
	if ((mask & (IN_CREATE | IN_MOVED_TO)) !== 0) tree.report("create", directory, name);
	else if ((mask & IN_DELETE) !== 0) tree.report("delete", directory, name);
	else if ((mask & IN_MODIFY) !== 0) tree.report("modify", directory, name);
	else if ((mask & IN_ATTRIB) !== 0) tree.report("attributes", directory, name);
	return undefined;
}

/** The same for a directory in a tree, which is watched itself, or is to be from now on. */
function* applyToDirectory(scope: Scope, tree: Tree, event: Event): Operation<void> {
	const { directory, mask, name } = event;
	const arrival = applyToFile(tree, event);
	if ((mask & IN_MOVED_FROM) !== 0) {
		yield* applyMove(scope, tree, event, arrival);
	} else if ((mask & IN_DELETE) !== 0) {
		tree.forget(directory.child(name));
	} else if ((mask & IN_CREATE) !== 0) {
		tree.drop(directory.child(name));
		yield* find(scope, tree, directory, name);
	} else if ((mask & IN_MOVED_TO) !== 0) {
		directory.vacate(name);
		yield* find(scope, tree, directory, name);
	} else if (directory.child(name) === undefined) {
		// It may not have been readable before.
		yield* find(scope, tree, directory, name);
	}
}

/** A directory has been moved within the tree, or out of it. */
function* applyMove(
	scope: Scope,
	tree: Tree,
	{ directory, name }: Event,
	arrival: Event | undefined,
): Operation<void> {
	const wasExchanged = directory.hasDisplaced(name);
	const child = directory.release(name);
	if (arrival === undefined) {
		tree.drop(child);
		if (wasExchanged) {
			// What came for it was told of before it was told to be gone.
			tree.report("create", directory, name);
			tree.drop(directory.child(name));
		}
	} else if (child !== undefined) {
		tree.table.move(child, arrival.directory, arrival.name);
	} else {
		arrival.directory.vacate(arrival.name);
		yield* find(scope, tree, arrival.directory, arrival.name);
	}
	// Another may have come in its place by the same call.
	if (wasExchanged || child === undefined) yield* find(scope, tree, directory, name);
	// What was not where it should be may be known to be elsewhere now.
	for (const { directory, name, tries } of tree.backlog.takeAgain()) {
		yield* find(scope, tree, directory, name, tries - 1);
	}
}

/** What happened to something that is watched, as it says itself. */
function* applyToSelf(scope: Scope, tree: Tree, { directory, mask }: Event): Operation<void> {
	if (directory === tree.table.root) {
		if ((mask & ENDS) !== 0) tree.end();
		else tree.report((mask & IN_MODIFY) !== 0 ? "modify" : "attributes", directory, "");
	} else if ((mask & IN_UNMOUNT) !== 0) {
		yield* applyUnmount(scope, tree);
	} else if ((mask & IN_IGNORED) !== 0) {
		tree.forget(directory);
	} else if ((mask & IN_ATTRIB) !== 0 && directory.isDisplaced) {
		// It has one name less than before: it was replaced, and not exchanged.
		tree.forget(directory);
	}
}

/**
 * A filesystem is no longer there. Either that of the root, which says so itself, or one mounted below:
 * there is another directory now in its place, of which no event tells.
 */
function* applyUnmount(scope: Scope, tree: Tree): Operation<void> {
	yield* waitForMore();
	yield* tree.readAll(scope);
	const isEnd = ({ directory, mask }: Event) =>
		directory === tree.table.root && (mask & ENDS) !== 0;
	if (!tree.backlog.some(isEnd)) yield* startOver(scope, tree);
}

/** Has the directory of this name watched, now or when it is known where it is. */
function* find(
	scope: Scope,
	tree: Tree,
	directory: Watched,
	name: string,
	tries = 0,
): Operation<void> {
	if (yield* include(scope, tree, directory, name, tries)) return;
	if (tries < MOST_TRIES) yield* tree.lookAgain(scope, directory, name, tries + 1);
	else yield* startOver(scope, tree);
}

/** The same once more, when all that was known then has been looked at. */
function* lookAgain(scope: Scope, tree: Tree, event: Event): Operation<void> {
	const { directory, name, tries } = event;
	if (tree.backlog.size === 0) yield* waitForMore();
	if (name === "") yield* startOver(scope, tree, tries);
	else yield* find(scope, tree, directory, name, tries);
}
