import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { FOLLOWED } from "../metadata.ts";
import type { Handle, Place, Subject, WatchSystem } from "../system.ts";
import { Status } from "./errno.ts";
import { checked } from "./failure.ts";
import { FILE_DIRECTORY_FILE, FILE_LIST_DIRECTORY, FILE_READ_ATTRIBUTES } from "./layouts.ts";
import { metadata } from "./metadata.ts";
import { type NativeName, opened, openedAt, pathOf, withOpened } from "./path.ts";
import { reopened } from "./reopen.ts";
import { DirectoryWatch } from "./watch/directory-watch.ts";

/** How a directory is opened to be watched: its handle is nobody else's, and keeps nobody out. */
const TO_WATCH = {
	access: FILE_LIST_DIRECTORY,
	options: FILE_DIRECTORY_FILE,
	overlapped: true,
} as const;

export const watch: WatchSystem = {
	*open(scope, subject, how) {
		const path = typeof subject === "number" ? undefined : subject.path;
		const { handle, file } = yield* find(scope, subject);
		checked(handle, "watch", path === undefined ? {} : { path });
		const source = new DirectoryWatch(handle, how, file, path ?? "");
		try {
			yield* source.begin(scope);
			return source;
		} catch (error) {
			yield* source.close();
			throw error;
		}
	},
};

/** A directory to watch, and the name of the one file in it that is meant, if it is a file. */
interface Found {
	/** Or the failure. */
	readonly handle: number;
	readonly file: string | undefined;
}

function* find(scope: Scope, subject: Subject): Operation<Found> {
	if (typeof subject !== "number") {
		const handle = yield* opened(scope, subject, { ...TO_WATCH, reach: "follow" });
		if (handle !== Status.STATUS_NOT_A_DIRECTORY) return { handle, file: undefined };
		return yield* findByName(scope, subject);
	}
	const { kind } = yield* metadata.stat(scope, subject, FOLLOWED);
	if (kind !== "directory") return yield* findAround(scope, subject);
	return { handle: yield* reopened(scope, subject, TO_WATCH), file: undefined };
}

function findByName(scope: Scope, place: Place): Operation<Found> {
	const how = { access: FILE_READ_ATTRIBUTES, reach: "follow" } as const;
	return withOpened(scope, place, how, "watch", (handle) => findAround(scope, handle));
}

/** The directory that an open file is in. The system tells of directories and what is in them alone. */
function* findAround(scope: Scope, handle: Handle): Operation<Found> {
	const path = yield* pathOf(scope, handle);
	const end = path.lastIndexOf("\\");
	const parent: NativeName = { root: 0, name: path.slice(0, end + 1) };
	const around = yield* openedAt(scope, parent, { ...TO_WATCH, reach: "follow" });
	return { handle: around, file: path.slice(end + 1) };
}
