import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { FsError } from "../../errors.ts";
import { FOLLOWED } from "../metadata.ts";
import type { FileSystem, Handle, OpenHow, Place } from "../system.ts";
import { call } from "./calls.ts";
import { closeDescriptor } from "./descriptors.ts";
import { Status, statusOfWin32, win32 } from "./errno.ts";
import { checked, failure, unsupported } from "./failure.ts";
import {
	DELETE,
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
import { metadata } from "./metadata.ts";
import { opened } from "./path.ts";
import { reopened } from "./reopen.ts";
import { linkOf } from "./reparse.ts";

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
	if (how.truncate) access |= FILE_WRITE_DATA;
	return access;
}

function dispositionOf({ create, exclusive }: OpenHow): number {
	if (create) return exclusive ? FILE_CREATE : FILE_OPEN_IF;
	return FILE_OPEN;
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
		const handle = yield* opened(scope, place, {
			access: accessOf(how),
			reach: how.noFollow ? "link" : "follow",
			disposition: dispositionOf(how),
			options: optionsOf(how),
			// Without a bit for its owner to write, a file is read-only here.
			attributes:
				((how.mode ?? 0o666) & 0o200) === 0 ? FILE_ATTRIBUTE_READONLY : FILE_ATTRIBUTE_NORMAL,
			overlapped: !how.directory && !how.path,
		});
		checked(handle, "open", { path });
		let isFit = false;
		try {
			if (how.noFollow) yield* refuseLink(scope, handle, place);
			// Not by FILE_OVERWRITE, which takes streams and attributes away with the content.
			if (how.truncate) yield* empty(scope, handle, place);
			isFit = true;
		} finally {
			// Also when the operation is given up here.
			if (!isFit) yield call("NtClose", handle);
		}
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
		checked(yield* setEnd(scope, handle, length), "ftruncate");
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
	Status.STATUS_ACCESS_DENIED,
	Status.STATUS_INVALID_PARAMETER,
	Status.STATUS_INVALID_DEVICE_REQUEST,
	Status.STATUS_NOT_IMPLEMENTED,
	Status.STATUS_NOT_SUPPORTED,
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

/** Makes a file end where it is told to; the failure, if it is one. */
function* setEnd(scope: Scope, handle: Handle, length: number): Operation<number> {
	const status = scope.memory.reserve(ioStatusBlock.size);
	const end = scope.memory.reserve(8);
	end.setU64(0, length);
	const { address, size } = end;
	const [name, kind] = ["NtSetInformationFile", FileEndOfFileInformation] as const;
	return yield call(name, handle, status.address, address, size, kind);
}

/** Takes away what a file has in it; what is no file, such as NUL, has nothing. */
function* empty(scope: Scope, handle: Handle, { path }: Place): Operation<void> {
	const result = yield* setEnd(scope, handle, 0);
	if (result >= 0 || !(yield* metadata.stat(scope, handle, FOLLOWED)).isFile()) return;
	throw failure(result, "open", { path });
}

function* refuseLink(scope: Scope, handle: Handle, { path }: Place): Operation<void> {
	if ((yield* linkOf(scope, handle)) === undefined) return;
	throw new FsError("ELOOP", "too many symbolic links encountered", { syscall: "open", path });
}

/** What a file must be opened for to be removed or renamed. */
export const TO_REMOVE = DELETE | FILE_READ_ATTRIBUTES;
