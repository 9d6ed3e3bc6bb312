import { bytesAt, Records, type Region } from "../../engine/memory.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { FsError, isCode } from "../../errors.ts";
import type { Metadata } from "../metadata.ts";
import type { Handle, MetadataSystem, Place, Subject, TimeToSet } from "../system.ts";
import { enter } from "./entry.ts";
import { checked } from "./failure.ts";
import { identityOf } from "./identity.ts";
import { query, setInformation } from "./information.ts";
import {
	FILE_ATTRIBUTE_DEVICE,
	FILE_ATTRIBUTE_DIRECTORY,
	FILE_ATTRIBUTE_NORMAL,
	FILE_ATTRIBUTE_READONLY,
	FILE_ATTRIBUTE_REPARSE_POINT,
	FILE_EXECUTE,
	FILE_READ_ATTRIBUTES,
	FILE_READ_DATA,
	FILE_WRITE_ATTRIBUTES,
	FILE_WRITE_DATA,
	FileAllInformation,
	FileAttributeTagInformation,
	FileBasicInformation,
	FileFsDeviceInformation,
	fileAllInformation,
	fileAttributeTagInformation,
	fileBasicInformation,
	fileFsDeviceInformation,
	fileStandardInformation,
} from "./layouts.ts";
import { withOpened } from "./path.ts";
import { filetimeOf, HandleMetadata, kindOf, record } from "./record.ts";
import { withAccess } from "./reopen.ts";
import { linkOf, shown } from "./reparse.ts";
import { queryVolume } from "./volume.ts";
import { bytesOf } from "./wtf8.ts";

const records = new Records(record.size);

export const metadata: MetadataSystem = {
	recordSize: record.size,
	// Whether anybody may write is all that a mode says here.
	modeHides: false,
	recorded: (words, start) => new HandleMetadata(words, start),

	stat(scope, subject, { follow }) {
		const syscall = named("stat", subject, follow);
		return onSubject(scope, subject, FILE_READ_ATTRIBUTES, follow, syscall, (handle) =>
			statHandle(scope, handle, syscall),
		);
	},

	*statMany(scope, places, { follow }, address) {
		const syscall = follow ? "stat" : "lstat";
		const failures: (readonly [number, FsError])[] = [];
		for (const [index, place] of places.entries()) {
			const mark = scope.mark();
			try {
				yield* onSubject(scope, place, FILE_READ_ATTRIBUTES, follow, syscall, (handle) =>
					recordHandle(scope, handle, syscall, address + index * record.size),
				);
			} catch (error) {
				if (!(error instanceof FsError)) throw error;
				failures.push([index, error]);
			}
			scope.release(mark);
		}
		return failures;
	},

	chmod(scope, subject, mode, follow) {
		const access = FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES;
		const syscall = named("chmod", subject, follow);
		return onSubject(scope, subject, access, follow, syscall, (handle) =>
			setMode(scope, handle, mode, syscall),
		);
	},

	utimes(scope, subject, times, follow) {
		const syscall = named("utime", subject, follow);
		return onSubject(scope, subject, FILE_WRITE_ATTRIBUTES, follow, syscall, (handle) =>
			setTimes(scope, handle, [times.birthtime, times.atime, times.mtime], syscall),
		);
	},

	*access(scope, place, { read, write, execute }, follow) {
		let access = FILE_READ_ATTRIBUTES;
		if (read) access |= FILE_READ_DATA;
		if (write) access |= FILE_WRITE_DATA;
		if (execute) access |= FILE_EXECUTE;
		try {
			yield* onSubject(scope, place, access, follow, "access", (handle) =>
				refuseReadOnly(scope, handle, place, write),
			);
		} catch (error) {
			if (isCode(error, "EPERM")) throw denied(place);
			throw error;
		}
	},
};

/** How Node calls a function by what it is about. */
function named(what: string, subject: Subject, follow: boolean): string {
	if (typeof subject === "number") return `f${what}`;
	return follow ? what : `l${what}`;
}

/** Does something with a file by its handle: the one that it has, or one that lasts as long. */
export function onSubject<T>(
	scope: Scope,
	subject: Subject,
	access: number,
	follow: boolean,
	syscall: string,
	operation: (handle: Handle) => Operation<T>,
): Operation<T> {
	if (typeof subject === "number") return onHandle(scope, subject, access, syscall, operation);
	const how = { access, reach: follow ? "follow" : "link" } as const;
	return withOpened(scope, subject, how, syscall, operation);
}

/** What a handle was not opened for, another handle of the same file may be. */
function* onHandle<T>(
	scope: Scope,
	handle: Handle,
	access: number,
	syscall: string,
	operation: (handle: Handle) => Operation<T>,
): Operation<T> {
	try {
		return yield* operation(handle);
	} catch (error) {
		if (access === FILE_READ_ATTRIBUTES || !isCode(error, "EPERM")) throw error;
		return yield* withAccess(scope, handle, access, true, syscall, operation);
	}
}

function denied({ path }: Place): FsError {
	return new FsError("EACCES", "permission denied", { syscall: "access", path });
}

function* statHandle(scope: Scope, handle: Handle, syscall: string): Operation<Metadata> {
	const address = records.next();
	const { words, start } = records;
	yield* recordHandle(scope, handle, syscall, address);
	return new HandleMetadata(words, start);
}

/** Has what is known of an open file written to a record. */
function* recordHandle(
	scope: Scope,
	handle: Handle,
	syscall: string,
	address: number,
): Operation<void> {
	let all: Region;
	try {
		all = yield* query(scope, handle, FileAllInformation, fileAllInformation.size, syscall);
	} catch (error) {
		// Pipes, consoles and NUL are no files, and not all of them have all that files have.
		if (!isCode(error, "ENOTSUP", "EINVAL")) throw error;
		return yield* recordDevice(scope, handle, syscall, address);
	}
	const { basicInformation: basic, standardInformation: standard } = fileAllInformation;
	const attributes = all.u32(basic + fileBasicInformation.fileAttributes);
	const filled = scope.memory.reserveZeroed(record.size);
	const times = ["creationTime", "lastAccessTime", "lastWriteTime", "changeTime"] as const;
	for (const time of times) {
		filled.setBigU64(record[time], all.bigU64(basic + fileBasicInformation[time]));
	}
	filled.setU32(record.attributes, attributes);
	const tag = yield* tagOf(scope, handle, attributes, syscall);
	filled.setU32(record.reparseTag, tag);
	for (const field of ["allocationSize", "endOfFile"] as const) {
		filled.setBigU64(record[field], all.bigU64(standard + fileStandardInformation[field]));
	}
	if (kindOf(attributes, tag) === "symlink") {
		// As Node and Linux have it: the system says 0.
		const link = yield* linkOf(scope, handle);
		if (link !== undefined) filled.setU64(record.endOfFile, bytesOf(shown(link)).length);
	}
	filled.setU32(record.numberOfLinks, all.u32(standard + fileStandardInformation.numberOfLinks));
	const { volume, low, high } = yield* identityOf(scope, handle, syscall);
	filled.setU32(record.volumeSerialNumber, volume);
	filled.setBigU64(record.fileId, low);
	filled.setBigU64(record.fileIdHigh, high);
	bytesAt(address, record.size).set(filled.bytes());
}

function* tagOf(
	scope: Scope,
	handle: Handle,
	attributes: number,
	syscall: string,
): Operation<number> {
	if ((attributes & FILE_ATTRIBUTE_REPARSE_POINT) === 0) return 0;
	const { size, reparseTag } = fileAttributeTagInformation;
	return (yield* query(scope, handle, FileAttributeTagInformation, size, syscall)).u32(reparseTag);
}

/** Has written to a record what is known of what is no file: only what kind of device it is. */
function* recordDevice(
	scope: Scope,
	handle: Handle,
	syscall: string,
	address: number,
): Operation<void> {
	const { size, deviceType } = fileFsDeviceInformation;
	const device = yield* queryVolume(scope, handle, FileFsDeviceInformation, size, syscall);
	const filled = scope.memory.reserveZeroed(record.size);
	filled.setU32(record.attributes, FILE_ATTRIBUTE_DEVICE);
	filled.setU32(record.deviceType, device.u32(deviceType));
	filled.setU32(record.numberOfLinks, 1);
	bytesAt(address, record.size).set(filled.bytes());
}

/** Changes attributes and times of an open file; fields of 0 stay as they are. */
export function* setBasic(
	scope: Scope,
	handle: Handle,
	fill: (info: Region) => void,
	syscall: string,
): Operation<void> {
	const info = scope.memory.reserveZeroed(fileBasicInformation.size);
	fill(info);
	checked(yield* setInformation(scope, handle, FileBasicInformation, info), syscall);
}

export function* attributesOf(scope: Scope, handle: Handle, syscall: string): Operation<number> {
	const { size, fileAttributes } = fileBasicInformation;
	return (yield* query(scope, handle, FileBasicInformation, size, syscall)).u32(fileAttributes);
}

function* setMode(scope: Scope, handle: Handle, mode: number, syscall: string): Operation<void> {
	const before = yield* attributesOf(scope, handle, syscall);
	const writable = (mode & 0o200) !== 0;
	const after = writable ? before & ~FILE_ATTRIBUTE_READONLY : before | FILE_ATTRIBUTE_READONLY;
	yield* setBasic(
		scope,
		handle,
		// No attribute at all would mean: leave them.
		(info) => info.setU32(fileBasicInformation.fileAttributes, after || FILE_ATTRIBUTE_NORMAL),
		syscall,
	);
}

function* setTimes(
	scope: Scope,
	handle: Handle,
	times: readonly [birthtime: TimeToSet, atime: TimeToSet, mtime: TimeToSet],
	syscall: string,
): Operation<void> {
	if (times.every((time) => time === "keep")) return;
	// The clock itself: that of the runtime does not know when somebody has set it.
	const now = scope.memory.reserve(8);
	enter("GetSystemTimePreciseAsFileTime")(now.address);
	yield* setBasic(
		scope,
		handle,
		(info) => {
			for (const [index, time] of times.entries()) {
				if (time === "keep") continue;
				info.setBigU64(index * 8, time === "now" ? now.bigU64(0) : filetimeOf(time));
			}
		},
		syscall,
	);
}

function* refuseReadOnly(
	scope: Scope,
	handle: Handle,
	place: Place,
	write: boolean,
): Operation<void> {
	const attributes = yield* attributesOf(scope, handle, "access");
	// Of a directory the attribute says nothing about what is made in it.
	const kind = attributes & (FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_DIRECTORY);
	if (write && kind === FILE_ATTRIBUTE_READONLY) throw denied(place);
}
