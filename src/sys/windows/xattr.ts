/**
 * Extended attributes are named streams: the attribute `user.origin` of a file is its stream
 * `file:user.origin`, prefix and all, so that what comes from another system goes back as it was.
 */
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Handle, Subject, XattrSystem } from "../system.ts";
import { readWhole, writeWhole } from "../whole.ts";
import { call } from "./calls.ts";
import { dispose } from "./directory.ts";
import { Status } from "./errno.ts";
import { file } from "./file.ts";
import { query } from "./information.ts";
import {
	DELETE,
	FILE_CREATE,
	FILE_OPEN,
	FILE_READ_ATTRIBUTES,
	FILE_READ_DATA,
	FILE_SHARE_DELETE,
	FILE_SHARE_READ,
	FILE_SHARE_WRITE,
	FILE_WRITE_DATA,
	FileStandardInformation,
	fileStandardInformation,
} from "./layouts.ts";
import { onSubject } from "./metadata.ts";
import { type StreamHow, Streams } from "./stream.ts";
import { bytesOf } from "./wtf8.ts";

/** Bytes in a value at most: it is in memory as a whole. What is larger can be opened as a file. */
const MOST_BYTES = 64 * 1024 * 1024;

// Who reads one keeps others from writing it, and who writes it keeps everybody away, so that nobody
// sees a part of a value.
const TO_READ: StreamHow = {
	access: FILE_READ_DATA | FILE_READ_ATTRIBUTES,
	share: FILE_SHARE_READ | FILE_SHARE_DELETE,
};
const TO_WRITE: StreamHow = {
	access: FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | DELETE,
	share: 0,
};
const TO_REMOVE: StreamHow = {
	access: DELETE | FILE_READ_ATTRIBUTES,
	share: FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
};

export const xattr: XattrSystem = {
	get(scope, subject, name, follow) {
		return onStreams(scope, subject, follow, "getxattr", function* (streams) {
			const handle = streams.checked(yield* streams.open(streams.nameFor(name), TO_READ));
			return yield* closing(handle, readValue(scope, handle, streams));
		});
	},

	*set(scope, subject, name, value, how, follow) {
		// The value as it is now; one that is too long is refused for its length, without a look.
		const length = Math.min(value.byteLength, MOST_BYTES + 1);
		const content = scope.memory.reserve(length > MOST_BYTES ? 0 : length);
		content.bytes().set(length > MOST_BYTES ? [] : value);
		yield* onStreams(scope, subject, follow, "setxattr", function* (streams) {
			const stream = streams.nameFor(name);
			if (length > MOST_BYTES) throw tooLong(streams);
			const [handle, isNew] = yield* openedToSet(streams, stream, how);
			const { address } = content;
			const fill = replaceContent(scope, handle, address, length, isNew);
			yield* closing(handle, fill);
		});
	},

	list(scope, subject, follow) {
		return onStreams(scope, subject, follow, "listxattr", function* (streams) {
			return (yield* streams.list()).map(bytesOf);
		});
	},

	remove(scope, subject, name, follow) {
		return onStreams(scope, subject, follow, "removexattr", function* (streams, syscall) {
			const handle = streams.checked(yield* streams.open(streams.nameFor(name), TO_REMOVE));
			yield* closing(handle, dispose(scope, handle, syscall, detailsOf(subject)));
		});
	},
};

const detailsOf = (subject: Subject) => (typeof subject === "number" ? {} : { path: subject.path });

/** Does something with the streams of what is meant, under the name that the operation has. */
function onStreams<T>(
	scope: Scope,
	subject: Subject,
	follow: boolean,
	name: string,
	operation: (streams: Streams, syscall: string) => Operation<T>,
): Operation<T> {
	const syscall = (typeof subject === "number" ? "f" : follow ? "" : "l") + name;
	return onSubject(scope, subject, FILE_READ_ATTRIBUTES, follow, syscall, (handle) =>
		operation(new Streams(scope, handle, syscall, detailsOf(subject)), syscall),
	);
}

function* closing<T>(handle: Handle, operation: Operation<T>): Operation<T> {
	try {
		return yield* operation;
	} finally {
		yield call("NtClose", handle);
	}
}

function tooLong(streams: Streams) {
	const detail = `a value has at most ${MOST_BYTES} bytes; more can be opened as file:name`;
	return streams.refused("E2BIG", "argument list too long", detail);
}

function* sizeOf(scope: Scope, handle: Handle): Operation<number> {
	const { size, endOfFile } = fileStandardInformation;
	const info = yield* query(scope, handle, FileStandardInformation, size, "getxattr");
	return info.u64(endOfFile);
}

function* readValue(
	scope: Scope,
	handle: Handle,
	streams: Streams,
): Operation<Uint8Array<ArrayBuffer>> {
	const size = yield* sizeOf(scope, handle);
	if (size > MOST_BYTES) throw tooLong(streams);
	const value = scope.memory.reserve(size);
	return value.copy(0, yield* readWhole(file, scope, handle, value.address, size, 0));
}

/** Opens a stream to give it a value, and says whether it was made for it. */
function* openedToSet(
	streams: Streams,
	stream: string,
	how: "create" | "replace" | "either",
): Operation<readonly [Handle, isNew: boolean]> {
	for (;;) {
		if (how !== "create") {
			const handle = yield* streams.open(stream, { ...TO_WRITE, disposition: FILE_OPEN });
			const isMissing = handle === Status.STATUS_OBJECT_NAME_NOT_FOUND;
			if (!isMissing || how === "replace") return [streams.checked(handle), false];
		}
		const handle = yield* streams.open(stream, { ...TO_WRITE, disposition: FILE_CREATE });
		// Somebody else may have made it since.
		if (handle === Status.STATUS_OBJECT_NAME_COLLISION && how === "either") continue;
		return [streams.checked(handle), true];
	}
}

/**
 * Gives an open stream a value. Room for it is made first, while what was there is whole; a stream
 * that was made for it goes again if that fails.
 */
function* replaceContent(
	scope: Scope,
	handle: Handle,
	address: number,
	length: number,
	isNew: boolean,
): Operation<void> {
	const before = isNew ? 0 : yield* sizeOf(scope, handle);
	try {
		if (length > before) yield* file.truncate(scope, handle, length);
		yield* writeWhole(file, scope, handle, address, length, 0);
		if (length < before) yield* file.truncate(scope, handle, length);
	} catch (error) {
		yield* undone(scope, handle, before, isNew);
		throw error;
	}
}

function* undone(scope: Scope, handle: Handle, before: number, isNew: boolean): Operation<void> {
	try {
		if (isNew) yield* dispose(scope, handle, "setxattr", {});
		else yield* file.truncate(scope, handle, before);
	} catch {
		// What failed before it is what the caller is told.
	}
}
