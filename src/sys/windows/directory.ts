import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FsErrorDetails } from "../../errors.ts";
import type { DirectoryRecord, DirectorySystem, Handle, Place } from "../system.ts";
import { call } from "./calls.ts";
import { Status } from "./errno.ts";
import { checked } from "./failure.ts";
import {
	DELETE,
	FILE_CREATE,
	FILE_DIRECTORY_FILE,
	FILE_DISPOSITION_DELETE,
	FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE,
	FILE_DISPOSITION_POSIX_SEMANTICS,
	FILE_LIST_DIRECTORY,
	FILE_NON_DIRECTORY_FILE,
	FILE_READ_ATTRIBUTES,
	FileDispositionInformation,
	FileDispositionInformationEx,
	FileIdBothDirectoryInformation,
	fileIdBothDirInformation,
	ioStatusBlock,
} from "./layouts.ts";
import { opened, textOf, withOpened } from "./path.ts";
import { kindOf } from "./record.ts";
import { bytesOf } from "./wtf8.ts";

/** Bytes asked for at once: a few hundred entries. */
const LISTING_SIZE = 64 * 1024;

export const directory: DirectorySystem = {
	*read(scope, handle) {
		const mark = scope.mark();
		const listing = scope.memory.reserve(LISTING_SIZE);
		const status = scope.memory.reserve(ioStatusBlock.size);
		try {
			for (;;) {
				const result = yield call(
					"NtQueryDirectoryFile",
					handle,
					0,
					0,
					0,
					status.address,
					listing.address,
					LISTING_SIZE,
					FileIdBothDirectoryInformation,
				);
				if (result === Status.STATUS_NO_MORE_FILES) return [];
				checked(result, "scandir");
				const records = parse(listing.bytes());
				// A batch of nothing but `.` and `..` is not the end.
				if (records.length > 0) return records;
			}
		} finally {
			scope.release(mark);
		}
	},

	*mkdir(scope, place) {
		const handle = yield* opened(scope, place, {
			access: FILE_LIST_DIRECTORY,
			reach: "link",
			disposition: FILE_CREATE,
			options: FILE_DIRECTORY_FILE,
		});
		checked(handle, "mkdir", { path: place.path });
		yield call("NtClose", handle);
	},

	rmdir: (scope, place) => remove(scope, place, FILE_DIRECTORY_FILE, "rmdir"),
	unlink: (scope, place) => remove(scope, place, FILE_NON_DIRECTORY_FILE, "unlink"),
};

function remove(scope: Scope, place: Place, options: number, syscall: string): Operation<void> {
	const how = { access: DELETE | FILE_READ_ATTRIBUTES, reach: "link", options } as const;
	return withOpened(scope, place, how, syscall, (handle) =>
		dispose(scope, handle, syscall, { path: place.path }),
	);
}

/**
 * Takes the name of an open file away. Where the system can, it is gone at once, whoever has the file
 * open, and read-only or not (Windows 10 1809); else when the last who has it open has closed it.
 */
export function* dispose(
	scope: Scope,
	handle: Handle,
	syscall: string,
	details: FsErrorDetails,
): Operation<void> {
	const status = scope.memory.reserve(ioStatusBlock.size).address;
	const wanted = scope.memory.reserveZeroed(4);
	wanted.setU32(
		0,
		FILE_DISPOSITION_DELETE |
			FILE_DISPOSITION_POSIX_SEMANTICS |
			FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE,
	);
	const { address } = wanted;
	const set = (kind: number, size: number) =>
		call("NtSetInformationFile", handle, status, address, size, kind);
	let result = yield set(FileDispositionInformationEx, 4);
	if (lacksPosixSemantics.has(result)) {
		wanted.setU32(0, 1);
		result = yield set(FileDispositionInformation, 1);
	}
	checked(result, syscall, details);
}

/** What a system or a filesystem says that knows nothing of the newer way to remove and rename. */
export const lacksPosixSemantics = new Set<number>([
	Status.STATUS_INVALID_PARAMETER,
	Status.STATUS_INVALID_INFO_CLASS,
	Status.STATUS_NOT_SUPPORTED,
	Status.STATUS_INVALID_DEVICE_REQUEST,
	Status.STATUS_NOT_IMPLEMENTED,
]);

function parse(bytes: Uint8Array<ArrayBuffer>): DirectoryRecord[] {
	const { nextEntryOffset, fileAttributes, fileNameLength, eaSize, fileId, fileName } =
		fileIdBothDirInformation;
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const records: DirectoryRecord[] = [];
	for (let at = 0, next = 1; next !== 0; at += next) {
		next = view.getUint32(at + nextEntryOffset, true);
		const start = at + fileName;
		const name = textOf(bytes.subarray(start, start + view.getUint32(at + fileNameLength, true)));
		if (name === "." || name === "..") continue;
		records.push({
			name: bytesOf(name),
			// Of a reparse point this field has the tag.
			kind: kindOf(view.getUint32(at + fileAttributes, true), view.getUint32(at + eaSize, true)),
			ino: view.getBigUint64(at + fileId, true),
		});
	}
	return records;
}
