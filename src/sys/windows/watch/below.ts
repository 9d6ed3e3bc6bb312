/** What is in a directory that has come into a watched tree. */
import type { Operation } from "../../../engine/operation.ts";
import type { Scope } from "../../../engine/scope.ts";
import { FsError } from "../../../errors.ts";
import type { Handle } from "../../system.ts";
import { call } from "../calls.ts";
import { directory } from "../directory.ts";
import { Status } from "../errno.ts";
import { FILE_DIRECTORY_FILE, FILE_LIST_DIRECTORY, FILE_READ_ATTRIBUTES } from "../layouts.ts";
import { openedAt } from "../path.ts";
import { unitsOf } from "../wtf8.ts";

const how = { reach: "link", options: FILE_DIRECTORY_FILE } as const;

/** Whether a name in a directory is that of another directory. */
export function* isDirectoryAt(scope: Scope, root: Handle, name: string): Operation<boolean> {
	const mark = scope.mark();
	const handle = yield* openedAt(scope, { root, name }, { ...how, access: FILE_READ_ATTRIBUTES });
	scope.release(mark);
	if (handle < 0) return false;
	yield call("NtClose", handle);
	return true;
}

/** What the system says of a name that is no longer there. */
const missing = new Set<number>([
	Status.STATUS_OBJECT_NAME_NOT_FOUND,
	Status.STATUS_OBJECT_PATH_NOT_FOUND,
]);

/**
 * The names of all that is below a name; none if it is no directory, or may not be read, and
 * undefined if it is gone.
 */
export function* namesBelow(
	scope: Scope,
	root: Handle,
	name: string,
): Operation<string[] | undefined> {
	const mark = scope.mark();
	const handle = yield* openedAt(scope, { root, name }, { ...how, access: FILE_LIST_DIRECTORY });
	scope.release(mark);
	if (handle < 0) return missing.has(handle) ? undefined : [];
	const names: string[] = [];
	try {
		for (;;) {
			const records = yield* directory.read(scope, handle);
			if (records.length === 0) return names;
			for (const { name: bytes, kind } of records) {
				const path = `${name}\\${unitsOf(bytes)}`;
				names.push(path);
				if (kind === "directory") names.push(...((yield* namesBelow(scope, root, path)) ?? []));
			}
		}
	} catch (error) {
		// It may be gone again, of which the system tells.
		if (error instanceof FsError) return names;
		throw error;
	} finally {
		yield call("NtClose", handle);
	}
}
