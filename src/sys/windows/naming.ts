/** Giving an open file a name, which is what renaming and linking have in common. */
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { FsError, type FsErrorDetails } from "../../errors.ts";
import type { Handle, Place } from "../system.ts";
import { call } from "./calls.ts";
import { type Resolved, resolveBeneath } from "./confined.ts";
import { checked } from "./failure.ts";
import { setInformation } from "./information.ts";
import { fileRenameInformation } from "./layouts.ts";
import { type NativeName, nameOf, type OpenedHow, opened, putText } from "./path.ts";

/**
 * The name that something is to get, and the directory of it, which stays open until it is released.
 * Separators at the end are left off: the system takes them for part of a name.
 */
export function* newName(
	scope: Scope,
	place: Place,
	syscall: string,
	names: FsErrorDetails,
): Operation<Resolved> {
	if (place.beneath) {
		try {
			return yield* resolveBeneath(scope, place, "link");
		} catch (error) {
			if (!(error instanceof FsError)) throw error;
			const { code, reason, details } = error.fields;
			throw new FsError(code, reason, { ...details, ...names, syscall });
		}
	}
	const { root, name } = yield* nameOf(scope, place);
	return { root, name: name.replace(/\\+$/, ""), *release() {} };
}

/** The name of the directory that something is in. */
export function parentOf({ root, name }: NativeName): NativeName {
	const parent = name.slice(0, Math.max(0, name.lastIndexOf("\\")));
	// Of a drive the root is asked for, and not the device.
	return { root, name: parent.endsWith(":") ? `${parent}\\` : parent };
}

/** Does something with what has one name already, by its handle, and with the name that it is to get. */
export function* withNames(
	scope: Scope,
	[from, to]: readonly [Place, Place],
	how: OpenedHow,
	syscall: string,
	operation: (handle: Handle, target: Resolved) => Operation<void>,
): Operation<void> {
	const details = { path: from.path, dest: to.path };
	const handle = checked(yield* opened(scope, from, how), syscall, details);
	try {
		const target = yield* newName(scope, to, syscall, details);
		try {
			yield* operation(handle, target);
		} finally {
			yield* target.release();
		}
	} finally {
		yield call("NtClose", handle);
	}
}

/** Asks for a name, in one of the ways of the system: the result, or the failure. */
export function* setName(
	scope: Scope,
	handle: Handle,
	{ root, name }: NativeName,
	kind: number,
	flags: number,
): Operation<number> {
	const mark = scope.mark();
	const { size, rootDirectory, fileNameLength, fileName } = fileRenameInformation;
	const length = name.length * 2;
	const wanted = scope.memory.reserveZeroed(Math.max(size, fileName + length));
	wanted.setU32(fileRenameInformation.flags, flags);
	wanted.setU64(rootDirectory, root);
	wanted.setU32(fileNameLength, length);
	putText(wanted, fileName, name);
	const result = yield* setInformation(scope, handle, kind, wanted);
	scope.release(mark);
	return result;
}
