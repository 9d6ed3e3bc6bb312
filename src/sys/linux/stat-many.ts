import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { FsError } from "../../errors.ts";
import type { MetadataSystem, Place } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { AT_FDCWD, O, statx } from "./layouts.ts";
import { flagsOf, statFailure, statxConfined, statxOf } from "./metadata.ts";

/** From so many files in one directory on, opening it first is quicker. */
const MANY = 4;

type Failures = [index: number, error: FsError][];

/**
 * Files that follow each other and are in one directory by the text of their paths are looked up from
 * that directory, so that the way there is not walked for each.
 */
export const statMany: MetadataSystem["statMany"] = function* (scope, places, how, address) {
	const flags = flagsOf(how);
	const failures: Failures = [];
	const mark = scope.mark();
	for (let start = 0; start < places.length; ) {
		const { prefix, end } = siblings(places, start);
		const first = places[start] as Place;
		const opened = end - start < MANY ? -1 : yield* openDirectory(scope, first, prefix);
		try {
			for (let index = start; index < end; index++) {
				const place = places[index] as Place;
				const record = address + index * statx.size;
				try {
					const from = opened < 0 ? place : inside(opened, place, prefix);
					const result = place.beneath
						? yield* statxConfined(scope, place, flags, record)
						: yield statxOf(scope, from, flags, record);
					if (result < 0) throw statFailure(result, flags, place);
				} catch (error) {
					if (!(error instanceof FsError)) throw error;
					failures.push([index, error]);
				}
				scope.release(mark);
			}
		} finally {
			if (opened >= 0) yield sys(nr.close, opened);
		}
		start = end;
	}
	return failures;
};

/** The files from one on that are in the same directory: its path, with a slash, and where they end. */
function siblings(places: readonly Place[], start: number): { prefix: string; end: number } {
	const { directory, path, beneath } = places[start] as Place;
	const prefix = typeof path === "string" ? path.slice(0, path.lastIndexOf("/") + 1) : "";
	let end = start + 1;
	if (beneath || prefix.length < 2 || prefix === path) return { prefix, end };
	for (; end < places.length; end++) {
		const other = places[end] as Place;
		const name = other.path;
		if (typeof name !== "string" || other.directory !== directory || other.beneath) break;
		if (name.lastIndexOf("/") !== prefix.length - 1) break;
		if (name.length === prefix.length || !name.startsWith(prefix)) break;
	}
	return { prefix, end };
}

/** Negative if it cannot be opened: then each of its files says why by itself. */
function* openDirectory(
	scope: Scope,
	{ directory = AT_FDCWD }: Place,
	path: string,
): Operation<number> {
	const flags = O.O_PATH | O.O_DIRECTORY | O.O_CLOEXEC;
	return yield sys(nr.openat, directory, scope.memory.cstring(path), flags);
}

function inside(directory: number, { path }: Place, { length }: string): Place {
	return { directory, path: path.slice(length), beneath: false };
}
