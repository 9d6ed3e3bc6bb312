/**
 * Where a link is made. The system makes symbolic links by path alone, so the directory is held open in
 * a way that keeps it, and those above it, from being renamed, and asked for the path that it has.
 */
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FsErrorDetails } from "../../errors.ts";
import type { Handle, Place } from "../system.ts";
import { call } from "./calls.ts";
import { Status } from "./errno.ts";
import { checked } from "./failure.ts";
import {
	FILE_DIRECTORY_FILE,
	FILE_READ_ATTRIBUTES,
	FILE_SHARE_READ,
	FILE_SHARE_WRITE,
	FILE_TRAVERSE,
	VOLUME_NAME_DOS,
	VOLUME_NAME_GUID,
} from "./layouts.ts";
import { newName, parentOf } from "./naming.ts";
import {
	asksForDirectory,
	isAbsolute,
	lexical,
	type NativeName,
	nameOf,
	openedAt,
	textOf,
} from "./path.ts";

export interface LinkPlace {
	readonly parent: Handle;
	/** The path of the directory, from `\\?\` on: no link is on the way. */
	readonly base: string;
	readonly name: string;
}

/** Does something about a link in the directory that it is to be in. */
export function* withLinkPlace(
	scope: Scope,
	place: Place,
	details: FsErrorDetails,
	operation: (link: LinkPlace) => Operation<void>,
): Operation<void> {
	const found = yield* newName(scope, place, "symlink", details);
	try {
		if (found.name === "") checked(Status.STATUS_OBJECT_NAME_COLLISION, "symlink", details);
		if (asksForDirectory(place)) checked(Status.STATUS_OBJECT_NAME_NOT_FOUND, "symlink", details);
		const opened = yield* held(scope, parentOf(found), place);
		// As of any name below what is no directory.
		const isNone = opened === Status.STATUS_NOT_A_DIRECTORY;
		const parent = checked(
			isNone ? Status.STATUS_OBJECT_PATH_NOT_FOUND : opened,
			"symlink",
			details,
		);
		try {
			const name = found.name.slice(found.name.lastIndexOf("\\") + 1);
			yield* operation({ parent, base: yield* dosPathOf(scope, parent, details), name });
		} finally {
			yield call("NtClose", parent);
		}
	} finally {
		yield* found.release();
	}
}

/** Opens a directory so that it stays where it is: nobody else can open it to rename or remove it. */
function* held(scope: Scope, name: NativeName, { beneath }: Place): Operation<number> {
	const how = {
		// With attributes alone it would not count as open.
		access: FILE_TRAVERSE | FILE_READ_ATTRIBUTES,
		reach: "follow",
		options: FILE_DIRECTORY_FILE,
	} as const;
	const share = FILE_SHARE_READ | FILE_SHARE_WRITE;
	const handle = yield* openedAt(scope, name, { ...how, share });
	// Somebody has it open to rename or remove it; that need not be about to happen, but if it did the
	// path would lead elsewhere, which a confined name never does.
	if (handle !== Status.STATUS_SHARING_VIOLATION || beneath) return handle;
	return yield* openedAt(scope, name, how);
}

/** Units that the path of an open directory takes at most. */
const MOST_UNITS = 0x8000;

function* dosPathOf(scope: Scope, handle: Handle, details: FsErrorDetails): Operation<string> {
	const mark = scope.mark();
	const path = scope.memory.reserve(MOST_UNITS * 2);
	const ask = (flags: number) =>
		call("GetFinalPathNameByHandleW", handle, path.address, MOST_UNITS, flags);
	let length = yield ask(VOLUME_NAME_DOS);
	// A volume without a letter.
	if (length < 0) length = yield ask(VOLUME_NAME_GUID);
	const text = textOf(path.bytes(0, checked(length, "symlink", details) * 2));
	scope.release(mark);
	return text;
}

/** The system's own name for what a link there would lead to. */
export function* nativeTarget(
	scope: Scope,
	target: string,
	{ base }: LinkPlace,
): Operation<string> {
	const isRooted = /^[\\/](?![\\/])/.test(target);
	if (isAbsolute(target) && !isRooted) {
		return (yield* nameOf(scope, { directory: undefined, path: target, beneath: false })).name;
	}
	const path = base.replace(/^\\\\\?\\/, "");
	const fixed = /^UNC\\/i.test(path) ? 3 : 1;
	const start = isRooted ? path.split("\\", fixed).join("\\") : path;
	const whole = lexical(`${start}\\${target}`, fixed) ?? start;
	return `\\??\\${whole}${/^[^\\]*$/.test(whole) ? "\\" : ""}`;
}
