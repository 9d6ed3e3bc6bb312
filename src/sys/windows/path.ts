/**
 * From a place to what a call is given to find a file: a name and the directory that it starts from.
 * Without a directory the name is turned into the system's own by the system, as for any program:
 * names of devices, dots at the end and `\\?\` mean what they always do. A name inside an open
 * directory goes with its handle.
 */
import { bytesAt, type Region } from "../../engine/memory.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { FsError } from "../../errors.ts";
import type { Handle, Place } from "../system.ts";
import { call } from "./calls.ts";
import { resolveBeneath } from "./confined.ts";
import { enter } from "./entry.ts";
import { Status } from "./errno.ts";
import { checked } from "./failure.ts";
import {
	DELETE,
	FILE_DIRECTORY_FILE,
	FILE_NON_DIRECTORY_FILE,
	FILE_OPEN,
	FILE_OPEN_FOR_BACKUP_INTENT,
	FILE_OPEN_REPARSE_POINT,
	FILE_READ_ATTRIBUTES,
	FILE_SHARE_DELETE,
	FILE_SHARE_READ,
	FILE_SHARE_WRITE,
	FILE_SYNCHRONOUS_IO_NONALERT,
	ioStatusBlock,
	OBJ_CASE_INSENSITIVE,
	ObjectNameInformation,
	objectAttributes,
	SYNCHRONIZE,
	unicodeString,
} from "./layouts.ts";
import { openedThrough } from "./through.ts";
import { unitsOf } from "./wtf8.ts";

/**
 * What the last component of a path stands for: `"follow"` the file that it leads to, `"link"` the
 * file of that name even if it is a link.
 */
export type Reach = "follow" | "link";

/** How to open what a place names. */
export interface OpenedHow {
	readonly access: number;
	readonly reach: Reach;
	/** What to do about a file that is there, or is not. Default: open one that is there. */
	readonly disposition?: number;
	/** Options beside those that every file is opened with. */
	readonly options?: number;
	/** Attributes of a file that is made. */
	readonly attributes?: number;
	/** Whether reads and writes may end later than the call that began them. */
	readonly overlapped?: boolean;
	/** What others may open it for meanwhile. Default: everything. */
	readonly share?: number;
}

const SHARE_ALL = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

/** The longest name in an OBJECT_ATTRIBUTES, in bytes. */
const MOST_BYTES = 0xfffe;

/** Opens what a place names, and gives its handle or the failure. */
export function* opened(scope: Scope, place: Place, how: OpenedHow): Operation<number> {
	const wanted = asksForDirectory(place) ? asDirectory(how) : how;
	if (place.beneath) return yield* openedBeneath(scope, place, wanted);
	const name = yield* nameOf(scope, place);
	if (isInUse(name, wanted)) return Status.STATUS_SHARING_VIOLATION;
	return yield* openedAt(scope, name, wanted);
}

/** Whether a directory is to be renamed or removed by the handle that names are looked up from. */
function isInUse({ root, name }: NativeName, { access, options = 0 }: OpenedHow): boolean {
	const asDirectory = (options & FILE_NON_DIRECTORY_FILE) === 0;
	return root !== 0 && name === "" && (access & DELETE) !== 0 && asDirectory;
}

/** What ends in a separator can only be a directory. */
function asDirectory(how: OpenedHow): OpenedHow {
	return { ...how, options: (how.options ?? 0) | FILE_DIRECTORY_FILE };
}

/** Whether a path ends in a separator, so that it can only name a directory. */
export function asksForDirectory({ path }: Place): boolean {
	const last = typeof path === "string" ? path.charCodeAt(path.length - 1) : path.at(-1);
	return last === 0x2f || last === 0x5c;
}

function* openedBeneath(scope: Scope, place: Place, how: OpenedHow): Operation<number> {
	const found = yield* resolveBeneath(scope, place, how.reach);
	try {
		if (isInUse(found, how)) return Status.STATUS_SHARING_VIOLATION;
		if (how.reach === "link") return yield* openedAt(scope, found, how);
		const seeing = { ...how, access: how.access | FILE_READ_ATTRIBUTES };
		const handle = yield* openedAt(scope, found, { ...seeing, reach: "link" });
		return handle < 0 ? handle : yield* openedThrough(scope, handle, seeing);
	} finally {
		yield* found.release();
	}
}

/** A name as the system itself has it, and the directory that it is looked up in. */
export interface NativeName {
	readonly root: Handle;
	readonly name: string;
}

/** Opens a name, and gives its handle or the failure. */
export function* openedAt(
	scope: Scope,
	{ root, name }: NativeName,
	how: OpenedHow,
): Operation<number> {
	const { access, reach, disposition = FILE_OPEN, options = 0, attributes = 0 } = how;
	const { share = SHARE_ALL } = how;
	const contradiction = FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE;
	if ((options & contradiction) === contradiction) return Status.STATUS_FILE_IS_A_DIRECTORY;
	const { memory } = scope;
	const handle = memory.reserve(8);
	const status = memory.reserve(ioStatusBlock.size);
	let all = options | FILE_OPEN_FOR_BACKUP_INTENT;
	if (reach === "link") all |= FILE_OPEN_REPARSE_POINT;
	if (!how.overlapped) all |= FILE_SYNCHRONOUS_IO_NONALERT;
	const result = yield call(
		"NtCreateFile",
		handle.address,
		access | SYNCHRONIZE,
		attributesOf(scope, root, name),
		status.address,
		0,
		attributes,
		share,
		disposition,
		all,
	);
	return result < 0 ? result : handle.u64(0);
}

/** Opens what a place names for an operation that needs it open, and closes it again. */
export function* withOpened<T>(
	scope: Scope,
	place: Place,
	how: OpenedHow,
	syscall: string,
	operation: (handle: Handle) => Operation<T>,
): Operation<T> {
	const handle = checked(yield* opened(scope, place, how), syscall, { path: place.path });
	try {
		return yield* operation(handle);
	} finally {
		yield call("NtClose", handle);
	}
}

/** The address of an OBJECT_ATTRIBUTES for a name. */
function attributesOf(scope: Scope, root: Handle, name: string): number {
	const attributes = scope.memory.reserveZeroed(objectAttributes.size);
	attributes.setU32(objectAttributes.length, objectAttributes.size);
	attributes.setU64(objectAttributes.rootDirectory, root);
	attributes.setU64(objectAttributes.objectName, unicodeStringOf(scope, name));
	attributes.setU32(objectAttributes.attributes, OBJ_CASE_INSENSITIVE);
	return attributes.address;
}

function unicodeStringOf(scope: Scope, name: string): number {
	const length = name.length * 2;
	if (length > MOST_BYTES) throw tooLong(name);
	const text = wideString(scope, name);
	const string = scope.memory.reserveZeroed(unicodeString.size);
	string.setU32(unicodeString.length, length | (length << 16));
	string.setU64(unicodeString.buffer, text);
	return string.address;
}

function tooLong(path: string): FsError {
	return new FsError("ENAMETOOLONG", "name too long", { path });
}

/** The address of a copy of a string in 16-bit units, with a 0 after it. */
export function wideString(scope: Scope, text: string): number {
	const region = scope.memory.reserve((text.length + 1) * 2);
	putText(region, 0, `${text}\0`);
	return region.address;
}

/** Writes a string in 16-bit units. */
export function putText(region: Region, offset: number, text: string): void {
	const { buffer, byteOffset } = region.bytes(offset);
	const units = new Uint16Array(buffer, byteOffset, text.length);
	for (let i = 0; i < text.length; i++) units[i] = text.charCodeAt(i);
}

/** The system's own name for a place that is not confined. */
export function* nameOf(scope: Scope, { directory, path }: Place): Operation<NativeName> {
	const text = unitsOf(path);
	// An empty name is none, and not the directory.
	if (text === "") throw new FsError("ENOENT", "no such file or directory", { path });
	if (directory === undefined || isAbsolute(text)) return { root: 0, name: nativeOf(scope, text) };
	const inside = lexical(text);
	if (inside !== undefined) return { root: directory, name: inside };
	// What goes up from the directory is looked up from where the directory is.
	const base = yield* pathOf(scope, directory);
	return { root: 0, name: aboveIn(`${base}\\${text}`) };
}

/** A path that starts at the device of a volume, or at a share, which nothing leads out of. */
function aboveIn(path: string): string {
	const fixed = /^\\Device\\Mup\\/i.test(path) ? 5 : 3;
	const name = lexical(path, fixed) ?? path;
	// Without a name in it that would be the device itself, and not its root directory.
	return name.split("\\").length > fixed ? name : `${name}\\`;
}

/** Whether a path does not start from a directory: from a drive, a server or the root of a drive. */
export function isAbsolute(path: string): boolean {
	return /^(?:[\\/]|[a-z]:)/i.test(path);
}

/**
 * A relative path without `.` and `..`, which the system itself takes for names like others; undefined
 * if it leads up and out. The first `fixed` components cannot be left.
 */
export function lexical(path: string, fixed = 0): string | undefined {
	const kept: string[] = [];
	for (const component of path.split(/[\\/]/)) {
		if (component === "." || (component === "" && kept.length >= fixed)) continue;
		if (component !== "..") kept.push(component);
		else if (kept.length > fixed) kept.pop();
		else if (fixed === 0) return undefined;
	}
	return kept.join("\\");
}

/** The root directory of a drive, a volume or a share, which is named by what stands at its end. */
const isRoot = /^\\\?\?\\(?:UNC\\[^\\]+\\)?[^\\]+\\$/i;

/** What the system makes of a path that a program gives it. */
function nativeOf(scope: Scope, path: string): string {
	if (path.length * 2 > MOST_BYTES) throw tooLong(path);
	const string = scope.memory.reserveZeroed(unicodeString.size);
	const dosPath = wideString(scope, path);
	const convert = enter("RtlDosPathNameToNtPathName_U_WithStatus");
	checked(convert(dosPath, string.address, 0, 0), "open", { path });
	try {
		const name = textAt(string.u64(unicodeString.buffer), string.u16(unicodeString.length));
		return isRoot.test(name) ? name : name.replace(/\\+$/, "");
	} finally {
		enter("RtlFreeUnicodeString")(string.address);
	}
}

/** The text in foreign memory; `length` in bytes. */
function textAt(address: number, length: number): string {
	if (length === 0) return "";
	return textOf(bytesAt(address, length));
}

/** Units of 16 bits as text. */
export function textOf(bytes: Uint8Array): string {
	const { buffer, byteOffset, byteLength } = bytes;
	return Buffer.from(buffer, byteOffset, byteLength).toString("utf16le");
}

/** Bytes that the name of an open file takes at most, and its UNICODE_STRING. */
const NAME_SIZE = MOST_BYTES + 2 + unicodeString.size;

/** The system's own path of an open file or directory. */
export function* pathOf(scope: Scope, handle: Handle): Operation<string> {
	const mark = scope.mark();
	const name = scope.memory.reserve(NAME_SIZE);
	const asked = call("NtQueryObject", handle, ObjectNameInformation, name.address, NAME_SIZE);
	checked(yield asked, "open");
	const text = textOf(name.bytes(unicodeString.size, name.u16(unicodeString.length)));
	scope.release(mark);
	return text;
}
