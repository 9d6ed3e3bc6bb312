import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FsErrorDetails } from "../../errors.ts";
import type { DirectoryRecord, DirectorySystem, Handle, Place } from "../system.ts";
import { call } from "./calls.ts";
import { Status } from "./errno.ts";
import { checked } from "./failure.ts";
import { setInformation } from "./information.ts";
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
import { asksForDirectory, opened, textOf, withOpened } from "./path.ts";
import { kindOf } from "./record.ts";
import { linkOf } from "./reparse.ts";
import { bytesOf } from "./wtf8.ts";

/** What a file must be opened for to be removed or renamed. */
export const TO_REMOVE = DELETE | FILE_READ_ATTRIBUTES;

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

	rmdir(scope, place) {
		const how = { access: TO_REMOVE, reach: "link", options: FILE_DIRECTORY_FILE } as const;
		return withOpened(scope, place, how, "rmdir", (handle) =>
			dispose(scope, handle, "rmdir", { path: place.path }),
		);
	},

	*unlink(scope, place) {
		const how = { access: TO_REMOVE, reach: "link", options: FILE_NON_DIRECTORY_FILE } as const;
		let handle = yield* opened(scope, place, how);
		if (handle === Status.STATUS_FILE_IS_A_DIRECTORY && !asksForDirectory(place)) {
			handle = yield* directoryLink(scope, place);
		}
		const details = { path: place.path };
		checked(handle, "unlink", details);
		try {
			yield* dispose(scope, handle, "unlink", details);
		} finally {
			yield call("NtClose", handle);
		}
	},
};

/** Opens a link to a directory, which is itself one here, to remove it; gives its handle or the failure. */
function* directoryLink(scope: Scope, place: Place): Operation<number> {
	const handle = yield* opened(scope, place, { access: TO_REMOVE, reach: "link" });
	if (handle < 0) return handle;
	let isLink = false;
	try {
		isLink = (yield* linkOf(scope, handle)) !== undefined;
	} finally {
		if (!isLink) yield call("NtClose", handle);
	}
	return isLink ? handle : Status.STATUS_FILE_IS_A_DIRECTORY;
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
	const wanted = scope.memory.reserveZeroed(4);
	wanted.setU32(
		0,
		FILE_DISPOSITION_DELETE |
			FILE_DISPOSITION_POSIX_SEMANTICS |
			FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE,
	);
	let result = yield* setInformation(scope, handle, FileDispositionInformationEx, wanted);
	if (lacksPosixSemantics.has(result)) {
		wanted.setU32(0, 1);
		const { address } = wanted;
		const isByte = { address, size: 1 };
		result = yield* setInformation(scope, handle, FileDispositionInformation, isByte);
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
