import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FsErrorDetails } from "../../errors.ts";
import type { SymlinkSystem } from "../system.ts";
import { call } from "./calls.ts";
import { Status, statusOfWin32, win32 } from "./errno.ts";
import { checked, failure } from "./failure.ts";
import {
	FILE_DIRECTORY_FILE,
	FILE_READ_ATTRIBUTES,
	SYMBOLIC_LINK_FLAG_ALLOW_UNPRIVILEGED_CREATE,
	SYMBOLIC_LINK_FLAG_DIRECTORY,
} from "./layouts.ts";
import { type LinkPlace, nativeTarget, withLinkPlace } from "./link-place.ts";
import { openedAt, wideString, withOpened } from "./path.ts";
import { linkOf, makeJunction, shown } from "./reparse.ts";
import { bytesOf, unitsOf } from "./wtf8.ts";

const PRIVILEGE_NOT_HELD = statusOfWin32(win32.ERROR_PRIVILEGE_NOT_HELD[0]);
const INVALID_PARAMETER = statusOfWin32(win32.ERROR_INVALID_PARAMETER[0]);

const HELP =
	"symbolic links take developer mode, which is turned on in Settings, System, For developers, " +
	'or a process that runs as administrator; type: "junction" makes a link to a directory without either';

export const symlink: SymlinkSystem = {
	*symlink(scope, target, place, type) {
		const details = { path: target, dest: place.path };
		const text = unitsOf(target);
		if (text === "") throw failure(Status.STATUS_OBJECT_NAME_NOT_FOUND, "symlink", details);
		yield* withLinkPlace(scope, place, details, function* (link) {
			if (type === "junction") {
				const native = yield* nativeTarget(scope, text, link);
				yield* makeJunction(scope, link, native, details);
				return;
			}
			const toDirectory =
				type === "auto" ? yield* leadsToDirectory(scope, text, link) : type === "dir";
			yield* create(scope, text, link, toDirectory, details);
		});
	},

	readlink(scope, place) {
		const how = { access: FILE_READ_ATTRIBUTES, reach: "link" } as const;
		return withOpened(scope, place, how, "readlink", function* (handle) {
			const link = yield* linkOf(scope, handle);
			if (link !== undefined) return bytesOf(shown(link));
			throw failure(Status.STATUS_NOT_A_REPARSE_POINT, "readlink", { path: place.path });
		});
	},
};

/** Whether a link leads to a directory; one that leads nowhere is taken to be meant for a file. */
function* leadsToDirectory(scope: Scope, target: string, link: LinkPlace): Operation<boolean> {
	const name = yield* nativeTarget(scope, target, link);
	const handle = yield* openedAt(
		scope,
		{ root: 0, name },
		{
			access: FILE_READ_ATTRIBUTES,
			reach: "follow",
			options: FILE_DIRECTORY_FILE,
		},
	);
	if (handle < 0) return false;
	yield call("NtClose", handle);
	return true;
}

function* create(
	scope: Scope,
	target: string,
	{ base, name }: LinkPlace,
	toDirectory: boolean,
	details: FsErrorDetails,
): Operation<void> {
	const path = wideString(scope, base.endsWith("\\") ? base + name : `${base}\\${name}`);
	// The system keeps what it is given, and later finds nothing where names are parted by `/`.
	const text = wideString(scope, target.replaceAll("/", "\\"));
	const kind = toDirectory ? SYMBOLIC_LINK_FLAG_DIRECTORY : 0;
	const unprivileged = kind | SYMBOLIC_LINK_FLAG_ALLOW_UNPRIVILEGED_CREATE;
	let result = yield call("CreateSymbolicLinkW", path, text, unprivileged);
	// The flag is known since Windows 10 1703.
	if (result === INVALID_PARAMETER) result = yield call("CreateSymbolicLinkW", path, text, kind);
	if (result === PRIVILEGE_NOT_HELD) throw failure(result, "symlink", { ...details, detail: HELP });
	checked(result, "symlink", details);
}
