import { Buffer } from "node:buffer";
import type { CompareOptions, CompareReport } from "./compare.ts";
import { Comparison, type Pair, reasonOf } from "./compare-entry.ts";
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { closeAfter } from "./replace.ts";
import { system } from "./sys/index.ts";
import type { Handle, Place } from "./sys/system.ts";

/** A directory of both trees, open, and which of its own directories are still to be compared. */
interface Level {
	readonly first: Handle;
	readonly second: Handle;
	readonly path: Uint8Array;
	readonly directories: Pair[];
}

/** The operation of `compareTrees`: two trees at once, directory by directory. */
export function* compareOperation(
	scope: Scope,
	{ onProgress }: Pick<CompareOptions, "onProgress" | "signal">,
	first: Place,
	second: Place,
	ignore: readonly string[],
): Operation<CompareReport> {
	const started = Bun.nanoseconds();
	const comparison = new Comparison(scope, new Set(ignore), onProgress);
	const root: Pair = { first, second, path: new Uint8Array(0), follow: true };
	const levels: Level[] = [];
	try {
		if (yield* comparison.pair(root)) yield* enter(scope, comparison, levels, root);
		for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
			const next = level.directories.pop();
			const mark = scope.mark();
			if (next === undefined) yield* leave(scope, levels);
			else yield* orReport(comparison, next, enter(scope, comparison, levels, next));
			scope.release(mark);
		}
	} finally {
		while (levels.length > 0) yield* leave(scope, levels);
	}
	comparison.tell(root.path);
	const { differences, counts } = comparison;
	const durationNs = Bun.nanoseconds() - started;
	return { equal: differences.length === 0, ...counts, differences, durationNs };
}

/** Opens a pair of directories and compares their entries, but not yet what is inside of those. */
function* enter(
	scope: Scope,
	comparison: Comparison,
	levels: Level[],
	{ first: firstPlace, second: secondPlace, path, follow }: Pair,
): Operation<void> {
	const how = { directory: true, noFollow: !follow };
	const first = yield* system.file.open(scope, firstPlace, how);
	let second: Handle;
	try {
		second = yield* system.file.open(scope, secondPlace, how);
	} catch (error) {
		yield* closeAfter(scope, first, false);
		throw error;
	}
	const level: Level = { first, second, path, directories: [] };
	levels.push(level);
	yield* compareEntries(scope, comparison, level);
}

function* leave(scope: Scope, levels: Level[]): Operation<void> {
	const level = levels.pop();
	if (level === undefined) return;
	// They were only read: a close that fails has lost nothing, and must not keep the other open.
	yield* closeAfter(scope, level.first, false);
	yield* closeAfter(scope, level.second, false);
}

function* compareEntries(scope: Scope, comparison: Comparison, level: Level): Operation<void> {
	const first = yield* list(scope, level.first);
	const second = yield* list(scope, level.second);
	for (const key of [...first.keys()].sort()) {
		const name = first.get(key) as Uint8Array;
		const path = join(level.path, name);
		if (!second.delete(key)) {
			comparison.report(path, "missing", "the second has no such entry");
			continue;
		}
		const place = (directory: Handle): Place => ({ directory, path: name, beneath: false });
		const pair = { first: place(level.first), second: place(level.second), path, follow: false };
		const mark = scope.mark();
		if (yield* orReport(comparison, pair, comparison.pair(pair))) level.directories.push(pair);
		scope.release(mark);
	}
	for (const key of [...second.keys()].sort()) {
		const path = join(level.path, second.get(key) as Uint8Array);
		comparison.report(path, "extra", "the first has no such entry");
	}
	// They are taken from the end.
	level.directories.reverse();
}

/** What cannot be read is a difference, and the rest is compared all the same. */
function* orReport<T>(
	comparison: Comparison,
	{ path }: Pair,
	operation: Operation<T>,
): Operation<T | undefined> {
	try {
		return yield* operation;
	} catch (error) {
		comparison.report(path, "unreadable", reasonOf(error));
		return undefined;
	}
}

/** The names in a directory, by the string of their bytes. */
function* list(scope: Scope, handle: Handle): Operation<Map<string, Uint8Array>> {
	const names = new Map<string, Uint8Array>();
	const mark = scope.mark();
	for (;;) {
		const records = yield* system.directory.read(scope, handle);
		scope.release(mark);
		if (records.length === 0) return names;
		for (const { name } of records) names.set(Buffer.from(name).toString("latin1"), name);
	}
}

function join(parent: Uint8Array, name: Uint8Array): Uint8Array {
	return parent.length === 0 ? name.slice() : Buffer.concat([parent, Buffer.from("/"), name]);
}
