import type { Operation } from "./engine/operation.ts";
import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { FsError, invalidArgument, isCode } from "./errors.ts";
import { checkedName, type Location, locate } from "./location.ts";
import { optionsOf, schemas } from "./options.ts";
import { parentOf } from "./place.ts";
import { randomName } from "./random-name.ts";
import { withSpecialBits } from "./special-bits.ts";
import { system } from "./sys/index.ts";
import { FOLLOWED, type Metadata } from "./sys/metadata.ts";
import type { Place } from "./sys/system.ts";

/** Options of `mkdir`. */
export interface MkdirOptions {
	/** Permissions, less the process's mask. Default 0o777. */
	mode?: number | undefined;
	/** Make the directories above it too, and be content if it is there. Default false. */
	recursive?: boolean | undefined;
}

const checkMkdir = optionsOf<MkdirOptions>("mkdir", (z) => ({
	mode: schemas.integer(z, 0, 0o7777),
	recursive: schemas.flag(z),
}));

/** Names that `mkdtemp` tries before it believes that something is wrong. */
const NAME_TRIES = 100;

function mkdirOperation(
	scope: Scope,
	location: Location,
	options: MkdirOptions | undefined,
): Operation<void> {
	const { mode = 0o777, recursive = false } = checkMkdir(options);
	const place = locate(scope, location);
	return recursive ? mkdirAll(scope, place, mode) : make(scope, place, mode);
}

function make(scope: Scope, place: Place, mode: number): Operation<void> {
	const { directory } = system;
	const made = directory.mkdir(scope, place, mode);
	const wanted = { place, kind: "directory", mode } as const;
	return withSpecialBits(scope, wanted, made, directory.rmdir(scope, place));
}

/** Upwards until there is a directory to make the next in, and down again. */
function* mkdirAll(scope: Scope, place: Place, mode: number): Operation<void> {
	const lacking: Place[] = [];
	let at = place;
	let lacks = yield* madeOrFound(scope, at, mode);
	while (lacks !== undefined) {
		const above = parentOf(at);
		if (above.path.length >= at.path.length) throw lacks;
		lacking.push(at);
		at = above;
		lacks = yield* madeAbove(scope, at, place);
	}
	for (let next = lacking.pop(); next !== undefined; next = lacking.pop()) {
		lacks = yield* madeOrFound(scope, next, next === place ? mode : 0o777);
		// What is above it is there. It is removed again by others, or nothing can be made in it.
		if (lacks !== undefined) throw lacks;
	}
}

/** The same with one above: if it is there and no directory, nothing can be made below it. */
function* madeAbove(scope: Scope, at: Place, { path }: Place): Operation<FsError | undefined> {
	try {
		return yield* madeOrFound(scope, at, 0o777);
	} catch (error) {
		if (!isCode(error, "EEXIST")) throw error;
		throw new FsError("ENOTDIR", "not a directory", { syscall: "mkdir", path });
	}
}

/** Makes a directory, or finds it there; gives the error if there is nothing to make it in. */
function* madeOrFound(scope: Scope, place: Place, mode: number): Operation<FsError | undefined> {
	const mark = scope.mark();
	try {
		yield* make(scope, place, mode);
	} catch (error) {
		if (isCode(error, "ENOENT")) return error;
		if (!isCode(error, "EEXIST", "EISDIR", "EROFS", "EPERM")) throw error;
		let found: Metadata;
		try {
			found = yield* system.metadata.stat(scope, place, FOLLOWED);
		} catch {
			throw error;
		}
		if (!found.isDirectory()) throw error;
	} finally {
		scope.release(mark);
	}
	return undefined;
}

/**
 * Makes a directory.
 *
 * @param location A path or `dir.at(name)`.
 * @param options `mode` 0 to 0o7777, of which the process's mask takes permissions but no
 * set-user-id, set-group-id or sticky bit; `recursive`: make those above it too, with mode 0o777,
 * and be content if it is a directory already.
 * @throws {FsError} `EEXIST` if the name is taken, `ENOENT` without `recursive`, `EACCES`, `EROFS`,
 * `ENOTDIR`, `ENOSPC`.
 *
 * Linux: mkdirat, then fchmodat2 for set-user-id and set-group-id, which mkdirat leaves out.
 *
 * @example
 * ```ts
 * import { mkdir, stat } from "bun-fs-extended";
 *
 * await mkdir("a/b/c", { recursive: true });
 * if (!(await stat("a/b/c")).isDirectory()) throw new Error("not made");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/mkdir.2.html | mkdir(2)}
 */
export function mkdir(location: Location, options?: MkdirOptions): Promise<void> {
	return run(mkdirOperation, location, options);
}

/** The synchronous form of {@link mkdir}. */
export function mkdirSync(location: Location, options?: MkdirOptions): void {
	runSync(mkdirOperation, location, options);
}

function* mkdtempOperation(scope: Scope, prefix: string): Operation<string> {
	const start = checkedName(prefix, "prefix");
	if (typeof start !== "string") {
		throw invalidArgument("ERR_INVALID_ARG_TYPE", 'The "prefix" argument must be a string');
	}
	for (let tries = 1; ; tries++) {
		const path = `${start}${randomName(6)}`;
		try {
			yield* system.directory.mkdir(scope, { directory: undefined, path, beneath: false }, 0o700);
			return path;
		} catch (error) {
			if (tries === NAME_TRIES || !isCode(error, "EEXIST")) throw error;
		}
	}
}

/**
 * Makes a directory of a name that is nobody's, which only this user may enter.
 *
 * @param prefix What the path begins with; six letters and digits are added.
 * @returns The path.
 * @throws {FsError} `ENOENT`, `EACCES`, `EROFS` as for `mkdir`.
 *
 * Linux: mkdirat with mode 0o700, again with another name while it is taken.
 *
 * @example
 * ```ts
 * import { mkdtempSync, statSync } from "bun-fs-extended";
 *
 * const path = mkdtempSync("./work-");
 * if (statSync(path).permissions !== 0o700) throw new Error("others may enter");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man3/mkdtemp.3.html | mkdtemp(3)}
 */
export function mkdtemp(prefix: string): Promise<string> {
	return run(mkdtempOperation, prefix);
}

/** The synchronous form of {@link mkdtemp}. */
export function mkdtempSync(prefix: string): string {
	return runSync(mkdtempOperation, prefix);
}
