import type { Operation } from "../../../engine/operation.ts";
import type { Scope } from "../../../engine/scope.ts";
import { nr, sys } from "../calls.ts";
import { Errno } from "../errno.ts";
import { checked, failure } from "../failure.ts";
import { AT_FDCWD, O } from "../layouts.ts";
import type { Inotify } from "./inotify.ts";
import { includeAll } from "./scan.ts";
import { ENDS, MOST_TRIES, type Tree } from "./tree.ts";

const READ_SIZE = 64 * 1024;

/**
 * Events were lost, or the tree is not as they say: all that is there is looked at anew. What
 * happened until then the user is told to find out for himself.
 */
export function* startOver(scope: Scope, tree: Tree, tries = 0): Operation<void> {
	const { inotify, table, backlog } = tree;
	backlog.clear();
	const before = table.clear();
	const { root } = table;
	if (tries === 0) tree.report("overflow", root, "");
	let ended = false;
	const look = (wd: number, mask: number) => {
		ended ||= wd === root.wd && (mask & ENDS) !== 0;
	};
	while (yield* inotify.read(scope, look));
	if (ended || !(yield* isWatched(scope, inotify, root.wd))) {
		tree.end();
		return;
	}
	if (!tree.how.recursive) return;
	if (!(yield* includeAll(scope, tree))) {
		if (tries === MOST_TRIES) throw lost(tree);
		// It has been moved, of which the event is still to come.
		yield* tree.lookAgain(scope, root, "", tries + 1);
	}
	for (const wd of before) if (table.get(wd) === undefined) yield* inotify.remove(wd);
}

/** The error for a tree whose root has a watch and cannot be found. */
export function lost({ root: { path } }: Tree): Error {
	const detail =
		"a directory above what is watched was renamed, so that new directories cannot be found; " +
		"to watch it wherever it is, pass it as an open directory";
	return failure(-Errno.ESTALE, "watch", { path, detail });
}

/** Whether a watch is still there: the event that says that it is not may be lost, too. */
function* isWatched(scope: Scope, inotify: Inotify, wd: number): Operation<boolean> {
	const mark = scope.mark();
	const path = scope.memory.cstring(`/proc/self/fdinfo/${inotify.handle}`);
	const handle = checked(yield sys(nr.openat, AT_FDCWD, path, O.O_CLOEXEC), "watch");
	try {
		const buffer = scope.memory.reserve(READ_SIZE);
		const wanted = `\ninotify wd:${wd.toString(16)} `;
		for (let text = ""; ; ) {
			const call = sys(nr.read, handle, buffer.address, READ_SIZE);
			const length = checked(yield call, "watch");
			text += Buffer.from(buffer.bytes(0, length)).toString("latin1");
			if (text.includes(wanted)) return true;
			if (length === 0) return false;
			text = text.slice(-wanted.length);
		}
	} finally {
		scope.release(mark);
		yield sys(nr.close, handle);
	}
}
