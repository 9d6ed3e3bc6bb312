import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { FsError } from "../../errors.ts";
import type { Handle, Place, RenameSystem } from "../system.ts";
import { call } from "./calls.ts";
import type { Resolved } from "./confined.ts";
import { lacksPosixSemantics, TO_REMOVE } from "./directory.ts";
import { osCodeOf, Status } from "./errno.ts";
import { failure, unsupported } from "./failure.ts";
import {
	FILE_ATTRIBUTE_DIRECTORY,
	FILE_ATTRIBUTE_REPARSE_POINT,
	FILE_READ_ATTRIBUTES,
	FILE_RENAME_IGNORE_READONLY_ATTRIBUTE,
	FILE_RENAME_POSIX_SEMANTICS,
	FILE_RENAME_REPLACE_IF_EXISTS,
	FileRenameInformation,
	FileRenameInformationEx,
} from "./layouts.ts";
import { attributesOf } from "./metadata.ts";
import { parentOf, setName, withNames } from "./naming.ts";
import { asksForDirectory, type NativeName, openedAt, pathOf } from "./path.ts";

const lacking = {
	exchange: "Windows has no call that swaps two names in one step",
	whiteout: "Windows has no whiteouts",
} as const;

export const rename: RenameSystem = {
	*rename(scope, from, to, how) {
		const details = { path: from.path, dest: to.path };
		if (how === "exchange" || how === "whiteout") {
			throw unsupported("rename", lacking[how], details);
		}
		const source = { access: TO_REMOVE, reach: "link" } as const;
		yield* withNames(scope, [from, to], source, "rename", function* (handle, target) {
			const result = yield* move(scope, handle, to, target, how === "replace");
			if (result >= 0) return;
			const reason = yield* reasonOf(scope, handle, target, result, how === "replace");
			throw failureFor(reason, result, details);
		});
	},
};

/**
 * Moves an open file to a name. Where the system can, what had the name is gone at once, whoever has
 * it open, and read-only or not (Windows 10 1809); else it must be neither.
 */
function* move(
	scope: Scope,
	handle: Handle,
	to: Place,
	target: Resolved,
	replace: boolean,
): Operation<number> {
	// The directory that the names begin at is in use.
	if (target.name === "") {
		return replace ? Status.STATUS_SHARING_VIOLATION : Status.STATUS_OBJECT_NAME_COLLISION;
	}
	if (asksForDirectory(to) && !(yield* isDirectory(scope, handle))) {
		return Status.STATUS_NOT_A_DIRECTORY;
	}
	const replacing = FILE_RENAME_REPLACE_IF_EXISTS | FILE_RENAME_IGNORE_READONLY_ATTRIBUTE;
	const flags = FILE_RENAME_POSIX_SEMANTICS | (replace ? replacing : 0);
	const result = yield* setName(scope, handle, target, FileRenameInformationEx, flags);
	if (!lacksPosixSemantics.has(result)) return result;
	// The older way puts a directory in the place of a file.
	const mayMix = replace && (yield* isDirectory(scope, handle));
	if (mayMix && (yield* isDirectoryAt(scope, target)) === false) {
		return Status.STATUS_NOT_A_DIRECTORY;
	}
	return yield* setName(scope, handle, target, FileRenameInformation, replace ? 1 : 0);
}

/** What the system says of one kind of file in the way of another, and of much else. */
const vague = new Set<number>([
	Status.STATUS_ACCESS_DENIED,
	Status.STATUS_SHARING_VIOLATION,
	Status.STATUS_OBJECT_NAME_COLLISION,
	Status.STATUS_INVALID_PARAMETER,
]);

/** Why a file could not be moved: what the system says, or what it leaves to be found out. */
function* reasonOf(
	scope: Scope,
	handle: Handle,
	target: NativeName,
	result: number,
	replace: boolean,
): Operation<number> {
	if (!vague.has(result) || target.name === "") return result;
	const moved = yield* isDirectory(scope, handle);
	const there = yield* isDirectoryAt(scope, target);
	if (there === undefined) {
		const intoItself = moved && (yield* leadsInto(scope, handle, target));
		return intoItself ? Status.STATUS_INVALID_PARAMETER : result;
	}
	if (!replace || there === moved) return result;
	return there ? Status.STATUS_FILE_IS_A_DIRECTORY : Status.STATUS_NOT_A_DIRECTORY;
}

/** The error that says a reason, with the number that the system gave. */
function failureFor(
	reason: number,
	result: number,
	names: { readonly path: Place["path"]; readonly dest: Place["path"] },
): FsError {
	const { code, reason: text, details } = failure(reason, "rename", names).fields;
	return new FsError(code, text, { ...details, osCode: osCodeOf(result) });
}

/** Whether an open file is a directory, and no link to one. */
function* isDirectory(scope: Scope, handle: Handle): Operation<boolean> {
	const kind = FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT;
	return ((yield* attributesOf(scope, handle, "rename")) & kind) === FILE_ATTRIBUTE_DIRECTORY;
}

/** The same for what has a name; undefined if nothing has it, or nothing that can be looked at. */
function* isDirectoryAt(scope: Scope, name: NativeName): Operation<boolean | undefined> {
	const handle = yield* openedAt(scope, name, { access: FILE_READ_ATTRIBUTES, reach: "link" });
	if (handle < 0) return undefined;
	try {
		return yield* isDirectory(scope, handle);
	} finally {
		yield call("NtClose", handle);
	}
}

/** Whether a name is inside of an open directory. */
function* leadsInto(scope: Scope, directory: Handle, name: NativeName): Operation<boolean> {
	const how = { access: FILE_READ_ATTRIBUTES, reach: "follow" } as const;
	const parent = yield* openedAt(scope, parentOf(name), how);
	if (parent < 0) return false;
	try {
		const inside = `${yield* pathOf(scope, parent)}\\`.toUpperCase();
		return inside.startsWith(`${yield* pathOf(scope, directory)}\\`.toUpperCase());
	} finally {
		yield call("NtClose", parent);
	}
}
