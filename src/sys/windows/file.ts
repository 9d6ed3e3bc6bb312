import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FileSystem, Handle, OpenHow, Place } from "../system.ts";
import { call } from "./calls.ts";
import { lacksRequest } from "./control.ts";
import { closeDescriptor } from "./descriptors.ts";
import { Status, statusOfWin32, win32 } from "./errno.ts";
import { checked, failure, unsupported } from "./failure.ts";
import { setNumber } from "./information.ts";
import {
	FILE_APPEND_DATA,
	FILE_ATTRIBUTE_NORMAL,
	FILE_ATTRIBUTE_READONLY,
	FILE_CREATE,
	FILE_DIRECTORY_FILE,
	FILE_LIST_DIRECTORY,
	FILE_NO_INTERMEDIATE_BUFFERING,
	FILE_NON_DIRECTORY_FILE,
	FILE_OPEN,
	FILE_OPEN_IF,
	FILE_READ_ATTRIBUTES,
	FILE_READ_DATA,
	FILE_READ_EA,
	FILE_TRAVERSE,
	FILE_WRITE_ATTRIBUTES,
	FILE_WRITE_DATA,
	FILE_WRITE_EA,
	FILE_WRITE_THROUGH,
	FileEndOfFileInformation,
	FLUSH_FLAGS_FILE_DATA_SYNC_ONLY,
	ioStatusBlock,
	READ_CONTROL,
	STATUS_PENDING,
} from "./layouts.ts";
import { onSubject } from "./metadata.ts";
import { opened } from "./path.ts";
import { reopened } from "./reopen.ts";
import { openedThrough } from "./through.ts";

/** The position that the next read or write without one goes on from, of files that had such. */
const positions = new Map<Handle, number>();
/** Files that everything written to is appended to. */
const appending = new Set<Handle>();

function accessOf(how: OpenHow): number {
	const attributes = FILE_READ_ATTRIBUTES | READ_CONTROL;
	if (how.path) return attributes | FILE_TRAVERSE;
	if (how.directory) return attributes | FILE_LIST_DIRECTORY | FILE_TRAVERSE | FILE_READ_EA;
	let access = attributes;
	if (how.read) access |= FILE_READ_DATA | FILE_READ_EA;
	if (how.write) {
		access |= FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_ATTRIBUTES | FILE_WRITE_EA;
	}
	return access;
}

/**
 * What is to be emptied is opened as it is, and emptied when it is known to be no link: overwritten,
 * a link would be one no more, a file would lose its streams, and a hidden one would be refused.
 */
function dispositionOf({ create, exclusive }: OpenHow): number {
	if (!create) return FILE_OPEN;
	return exclusive ? FILE_CREATE : FILE_OPEN_IF;
}

function optionsOf(how: OpenHow): number {
	let options = 0;
	if (how.directory) options |= FILE_DIRECTORY_FILE;
	// What is only read may be a directory, as elsewhere: reading it then says so.
	if (how.write || how.create) options |= FILE_NON_DIRECTORY_FILE;
	if (how.direct) options |= FILE_NO_INTERMEDIATE_BUFFERING;
	if (how.synchronous !== undefined) options |= FILE_WRITE_THROUGH;
	return options;
}

export const file: FileSystem = {
	*open(scope, place, how) {
		const { path } = place;
		if (how.temporary) throw unsupported("open", "Windows has no files without a name", { path });
		const { noFollow, create, exclusive, truncate } = how;
		const opening = {
			access: accessOf(how),
			// What is to be made new finds in its way whatever has the name, and be it a link to nothing.
			reach: noFollow || (create && exclusive) ? "link" : "follow",
			disposition: dispositionOf(how),
			options: optionsOf(how),
			// Without a bit for its owner to write, a file is read-only here.
			attributes:
				((how.mode ?? 0o666) & 0o200) === 0 ? FILE_ATTRIBUTE_READONLY : FILE_ATTRIBUTE_NORMAL,
			overlapped: !how.directory && !how.path,
		} as const;
		let handle = checked(yield* opened(scope, place, opening), "open", { path });
		if (noFollow) handle = checked(yield* openedThrough(scope, handle, opening), "open", { path });
		if (truncate && !exclusive) yield* emptied(scope, handle, place);
		if (how.append) appending.add(handle);
		return handle;
	},

	*close(_scope, handle) {
		closeDescriptor(handle);
		positions.delete(handle);
		appending.delete(handle);
		checked(yield call("NtClose", handle), "close");
	},

	*read(scope, handle, address, length, position) {
		const from = position ?? claimed(handle, length);
		const result = yield* transfer(scope, "NtReadFile", handle, address, length, from);
		const count = ENDS.has(result) ? 0 : result;
		if (position === null && count < length) keep(handle, from + Math.max(0, count));
		if (result === Status.STATUS_INVALID_DEVICE_REQUEST) {
			throw failure(Status.STATUS_FILE_IS_A_DIRECTORY, "read");
		}
		return transferred(count, "read");
	},

	*write(scope, handle, address, length, position) {
		const isAtEnd = position === "end" || appending.has(handle);
		const from = isAtEnd ? END : (position ?? claimed(handle, length));
		const result = yield* transfer(scope, "NtWriteFile", handle, address, length, from);
		if (position === null && result < length) keep(handle, from + Math.max(0, result));
		return transferred(result, "write");
	},

	*sync(scope, handle) {
		const result = yield* flush(scope, handle);
		if (result !== Status.STATUS_ACCESS_DENIED) return void checked(result, "fsync");
		// Directories, and files that are only read, take another handle for that.
		const access = FILE_WRITE_DATA | FILE_APPEND_DATA;
		const again = checked(yield* reopened(scope, handle, { access }), "fsync");
		try {
			checked(yield* flush(scope, again), "fsync");
		} finally {
			yield call("NtClose", again);
		}
	},

	*datasync(scope, handle) {
		const status = scope.memory.reserve(ioStatusBlock.size);
		const flags = FLUSH_FLAGS_FILE_DATA_SYNC_ONLY;
		const result = yield call("NtFlushBuffersFileEx", handle, flags, 0, 0, status.address);
		// NTFS alone has it, for files that are open for writing. Any other failure is told once only.
		if (LACKS_DATASYNC.has(result)) yield* file.sync(scope, handle);
		else checked(result, "fdatasync");
	},

	*truncate(scope, handle, length) {
		checked(yield* setNumber(scope, handle, FileEndOfFileInformation, length), "ftruncate");
	},

	extent(scope, handle, offset, end) {
		const { extent } = require("./extents.ts") as typeof import("./extents.ts");
		return extent(scope, handle, offset, end);
	},

	// biome-ignore lint/correctness/useYield: nothing is asked of the system
	*publish() {
		throw unsupported("link", "Windows has no files without a name");
	},
};

/** How flushing the content alone is refused. */
const LACKS_DATASYNC = new Set<number>([
	...lacksRequest,
	Status.STATUS_ACCESS_DENIED,
	Status.STATUS_INVALID_PARAMETER,
]);

/** What a read says that finds nothing more: at the end of a file, and of a pipe that nobody writes to. */
const ENDS = new Set<number>([Status.STATUS_END_OF_FILE, Status.STATUS_PIPE_BROKEN]);

/** The position of a file, for those who give none; it moves at once, for others who do not wait. */
function claimed(handle: Handle, length: number): number {
	const from = positions.get(handle) ?? 0;
	positions.set(handle, from + length);
	return from;
}

/** After a short answer the position goes no further than what has been read or written. */
function keep(handle: Handle, end: number): void {
	const position = positions.get(handle);
	if (position !== undefined && position > end) positions.set(handle, end);
}

/** How many bytes, or the failure; one that was not opened for this is, as for Node, none at all. */
function transferred(result: number, syscall: string): number {
	if (result === Status.STATUS_ACCESS_DENIED)
		throw failure(statusOfWin32(win32.ERROR_INVALID_FLAGS[0]), syscall);
	return checked(result, syscall);
}

/** The offset of a write that stands for the end of the file, whoever else appends. */
const END = -1;

/** One read or write; how many bytes, or the failure. */
function* transfer(
	scope: Scope,
	name: "NtReadFile" | "NtWriteFile",
	handle: Handle,
	address: number,
	length: number,
	offset: number,
): Operation<number> {
	const mark = scope.mark();
	const status = scope.memory.reserveZeroed(ioStatusBlock.size);
	status.setU32(ioStatusBlock.status, STATUS_PENDING);
	const at = scope.memory.reserve(8);
	at.setU64(0, offset);
	// The fields before the status are for those who wait: see kernel.ts and port.ts.
	const result = yield call(name, handle, 0, 0, 0, status.address, address, length, at.address, 0);
	const bytes = status.u64(ioStatusBlock.information);
	scope.release(mark);
	return result < 0 ? result : bytes;
}

function* flush(scope: Scope, handle: Handle): Operation<number> {
	const status = scope.memory.reserve(ioStatusBlock.size);
	return yield call("NtFlushBuffersFile", handle, status.address);
}

/** What those say of their end that have none: devices and pipes. */
const endless = new Set<number>([
	...lacksRequest,
	Status.STATUS_INVALID_PARAMETER,
	Status.STATUS_OBJECT_TYPE_MISMATCH,
]);

/** Empties what has been opened for that, and closes it if that fails. */
function* emptied(scope: Scope, handle: Handle, { path }: Place): Operation<void> {
	let done = false;
	try {
		// What is open for reading alone is emptied as well.
		yield* onSubject(scope, handle, FILE_WRITE_DATA, true, "open", function* (to) {
			const result = yield* setNumber(scope, to, FileEndOfFileInformation, 0);
			if (!endless.has(result)) checked(result, "open", { path });
		});
		done = true;
	} finally {
		// Also when the operation is given up here.
		if (!done) yield call("NtClose", handle);
	}
}
