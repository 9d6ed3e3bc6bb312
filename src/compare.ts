import { Buffer } from "node:buffer";
import { Comparison, type Difference, ignorable, type Pair, reasonOf } from "./compare-entry.ts";
import { offloadable } from "./engine/offload.ts";
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { type Location, locate } from "./location.ts";
import { optionsOf, schemas } from "./options.ts";
import { system } from "./sys/index.ts";
import type { Handle, Place } from "./sys/system.ts";

export type { Difference, DifferenceKind } from "./compare-entry.ts";

/** How far `compareTrees` is. */
export interface CompareProgress {
	/** Entries that have been compared. */
	readonly files: number;
	/** Bytes of content that have been compared. */
	readonly bytes: number;
	/** The path inside the trees that is being compared. */
	readonly current: string;
}

/** Options of `compareTrees`. */
export interface CompareOptions {
	/** Kinds of difference that do not count: they are not looked for. */
	ignore?: readonly (typeof ignorable)[number][] | undefined;
	/** Called at most 20 times a second while it goes on, and once when all is done. */
	onProgress?: ((progress: CompareProgress) => void) | undefined;
	/** Gives up when it fires. */
	signal?: AbortSignal | undefined;
}

/** What `compareTrees` found. */
export interface CompareReport {
	/** True when there is no difference. */
	readonly equal: boolean;
	/** Regular files compared; a file of several names counts once for each. */
	readonly files: number;
	/** Directories compared, the root among them. */
	/** Directories compared, the roots included. */
	readonly directories: number;
	/** Symbolic links compared. */
	/** Symbolic links compared, by what they say. */
	readonly symlinks: number;
	/** Fifos, sockets and devices. */
	readonly others: number;
	/** Bytes of content compared, holes included; a file of several names counts once. */
	readonly bytes: number;
	/** The differences, in the order of the paths within each directory. */
	readonly differences: readonly Difference[];
	/** How long it took, in nanoseconds. */
	/** How long it took, in nanoseconds. */
	readonly durationNs: number;
}

const checkOptions = optionsOf<CompareOptions>("compareTrees", (z) => ({
	ignore: z.optional(z.readonly(z.array(z.enum(ignorable)))),
	onProgress: schemas.callback<(progress: CompareProgress) => void>(z),
	signal: schemas.signal(z),
}));

function prepare(scope: Scope, first: Location, second: Location, options?: CompareOptions) {
	const { ignore = [], onProgress, signal } = checkOptions(options);
	const places = [locate(scope, first, "first"), locate(scope, second, "second")] as const;
	const args: [Place, Place, readonly string[]] = [...places, [...ignore]];
	return { args, hooks: { onProgress, signal } };
}

/** A directory of both trees, open, and which of its own directories are still to be compared. */
interface Level {
	readonly first: Handle;
	readonly second: Handle;
	readonly path: Uint8Array;
	readonly directories: Pair[];
}

function* compareOperation(
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
		yield* system.file.close(scope, first);
		throw error;
	}
	const level: Level = { first, second, path, directories: [] };
	levels.push(level);
	yield* compareEntries(scope, comparison, level);
}

function* leave(scope: Scope, levels: Level[]): Operation<void> {
	const level = levels.pop();
	if (level === undefined) return;
	yield* system.file.close(scope, level.first);
	yield* system.file.close(scope, level.second);
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

const { sync, async } = offloadable("compareTrees", prepare, compareOperation);

/**
 * Compares two trees, or two files, entry by entry: content, kind, permissions, owner, modification
 * time to the nanosecond, extended attributes (access control lists among them), targets of
 * symbolic links, numbers of devices, which names are links to one file, and whether the second has
 * lost holes of the first.
 *
 * Not compared: times of access, change and birth, and the allocation of what is no hole. An entry
 * that cannot be read counts as a difference. The roots are followed if they are symbolic links.
 *
 * @param first The original: a path or `dir.at(name)`.
 * @param second What is compared with it.
 * @param options `ignore`: kinds of difference that do not count; `onProgress`; `signal`.
 * @returns Whether they are equal, how much was compared, and every difference.
 * @throws {FsError} `ENOENT` or `EACCES` when one of the roots itself cannot be read.
 * @throws {AbortError} When the signal fires.
 *
 * The promise form runs as a whole on a worker. Linux: getdents64, statx, pread64; holes by lseek
 * with SEEK_HOLE, so that what is a hole in both trees is not read.
 *
 * @example
 * ```ts
 * import { compareTrees } from "bun-fs-extended";
 * import { mkdirSync, writeFileSync } from "node:fs";
 *
 * for (const name of ["one", "two"]) {
 *   mkdirSync(name);
 *   writeFileSync(`${name}/file`, name);
 * }
 * const { equal, differences } = await compareTrees("one", "two", { ignore: ["mtime"] });
 * if (equal || differences[0]?.what !== "content") throw new Error("the content differs");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/lseek.2.html | lseek(2)}
 */
export function compareTrees(
	first: Location,
	second: Location,
	options?: CompareOptions,
): Promise<CompareReport> {
	return async(first, second, options);
}

/** The synchronous form of {@link compareTrees}. */
export function compareTreesSync(
	first: Location,
	second: Location,
	options?: CompareOptions,
): CompareReport {
	return sync(first, second, options);
}
