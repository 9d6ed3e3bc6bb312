/** The content of a file in one piece: `readFile` and `writeFile`. */
import { type Operation, run, runSync } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { isCode } from "./errors.ts";
import { type Location, locate } from "./location.ts";
import { optionsOf, schemas } from "./options.ts";
import { parentOf } from "./place.ts";
import { moveIntoPlace, resolveLinks, slotOf, underTemporaryName } from "./replace.ts";
import { system } from "./sys/index.ts";
import type { Metadata } from "./sys/metadata.ts";
import type { Handle, Place } from "./sys/system.ts";
import { readWhole, writeWhole } from "./sys/whole.ts";
import { bytesOf } from "./transfer.ts";

/** Options of `readFile`. */
export interface ReadFileOptions {
	/** What to return: bytes (`"buffer"`, the default), or the text that they are in UTF-8. */
	encoding?: "buffer" | "utf8" | undefined;
	/** Ends the operation early with an `AbortError`. */
	signal?: AbortSignal | undefined;
}

/** Options of `writeFile`. */
export interface WriteFileOptions {
	/**
	 * Write a temporary file beside the old one, put it on the disk and rename it into place: whoever
	 * looks, now or after a crash, finds the old content or the new, whole. Default false.
	 */
	atomic?: boolean | undefined;
	/** Permissions of a file that is created, less the process's mask. Default 0o666. */
	mode?: number | undefined;
	/** Wait until content and name are on the disk. Default false. */
	sync?: boolean | undefined;
	/** Ends the operation early with an `AbortError`. */
	signal?: AbortSignal | undefined;
}

const HANDLE = { follow: true, sync: "auto" } as const;
/** Bytes read at once from what does not say how long it is, such as the files of /proc. */
const UNKNOWN_CHUNK = 64 * 1024;

const checkRead = optionsOf<ReadFileOptions>("readFile", (z) => ({
	encoding: schemas.choice(z, "buffer", "utf8"),
	signal: schemas.signal(z),
}));
const checkWrite = optionsOf<WriteFileOptions>("writeFile", (z) => ({
	atomic: schemas.flag(z),
	mode: schemas.integer(z, 0, 0o7777),
	sync: schemas.flag(z),
	signal: schemas.signal(z),
}));

function readOperation(
	scope: Scope,
	location: Location,
	options: ReadFileOptions | "utf8" | undefined,
): Operation<Uint8Array<ArrayBuffer> | string> {
	const { encoding, signal } = checkRead(options === "utf8" ? { encoding: options } : options);
	const place = locate(scope, location);
	scope.interrupt = signal;
	return encoding === "utf8" ? readText(scope, place) : readBytes(scope, place);
}

function* readText(scope: Scope, place: Place): Operation<string> {
	return new TextDecoder().decode(yield* readBytes(scope, place));
}

function* readBytes(scope: Scope, place: Place): Operation<Uint8Array<ArrayBuffer>> {
	const handle = yield* system.file.open(scope, place, { read: true });
	try {
		const { size } = yield* system.metadata.stat(scope, handle, HANDLE);
		if (size === 0) return yield* readToEnd(scope, handle);
		const bytes = new Uint8Array(new ArrayBuffer(size));
		const done = yield* readWhole(system.file, scope, handle, scope.pin(bytes), size, 0);
		return done === size ? bytes : bytes.slice(0, done);
	} finally {
		yield* system.file.close(scope, handle);
	}
}

/** Reads what does not know its size: pipes, devices, the files of /proc. */
function* readToEnd(scope: Scope, handle: Handle): Operation<Uint8Array<ArrayBuffer>> {
	const chunk = scope.memory.reserve(UNKNOWN_CHUNK);
	const pieces: Uint8Array[] = [];
	for (;;) {
		const count = yield* system.file.read(scope, handle, chunk.address, chunk.size, null);
		if (count === 0) break;
		pieces.push(chunk.copy(0, count));
	}
	const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
	let at = 0;
	for (const piece of pieces) {
		whole.set(piece, at);
		at += piece.length;
	}
	return whole;
}

/**
 * Reads a whole file: as many bytes as it has when it is opened, or, of what does not know its
 * size (a pipe, a file of /proc), all until its end.
 *
 * @param location A path or `dir.at(name)`.
 * @param options `encoding`: `"utf8"` for text (bytes that are not UTF-8 become U+FFFD), bytes by
 * default; `signal`. `"utf8"` alone is short for the first.
 * @returns The content, in an array of its own.
 * @throws {FsError} `ENOENT`, `EACCES`, `EISDIR`, `EIO`.
 * @throws {AbortError} When the signal fires.
 *
 * Linux: openat2, statx, pread64, close; answered from the page cache where it can be.
 *
 * @example
 * ```ts
 * import { readFile } from "bun-fs-extended";
 *
 * const text = await readFile("/proc/self/stat", "utf8");
 * if (!text.startsWith(`${process.pid} `)) throw new Error("this process");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/pread.2.html | pread(2)}
 */
export function readFile(
	location: Location,
	options: (ReadFileOptions & { encoding: "utf8" }) | "utf8",
): Promise<string>;
export function readFile(
	location: Location,
	options?: ReadFileOptions & { encoding?: "buffer" | undefined },
): Promise<Uint8Array<ArrayBuffer>>;
export function readFile(
	location: Location,
	options?: ReadFileOptions | "utf8",
): Promise<Uint8Array<ArrayBuffer> | string> {
	return run(readOperation, location, options);
}

/** The synchronous form of {@link readFile}. */
export function readFileSync(
	location: Location,
	options: (ReadFileOptions & { encoding: "utf8" }) | "utf8",
): string;
export function readFileSync(
	location: Location,
	options?: ReadFileOptions & { encoding?: "buffer" | undefined },
): Uint8Array<ArrayBuffer>;
export function readFileSync(
	location: Location,
	options?: ReadFileOptions | "utf8",
): Uint8Array<ArrayBuffer> | string {
	return runSync(readOperation, location, options);
}

function writeOperation(
	scope: Scope,
	location: Location,
	data: string | ArrayBufferView,
	options: WriteFileOptions | undefined,
): Operation<void> {
	const { atomic = false, mode = 0o666, sync = false, signal } = checkWrite(options);
	const place = locate(scope, location);
	const bytes = bytesOf(data);
	scope.interrupt = signal;
	return (atomic ? writeAtomically : writeInPlace)(scope, place, bytes, mode, sync);
}

function* writeInPlace(
	scope: Scope,
	place: Place,
	bytes: ArrayBufferView,
	mode: number,
	sync: boolean,
): Operation<void> {
	const how = { write: true, create: true, truncate: true, mode };
	const handle = yield* system.file.open(scope, place, how);
	let written = false;
	try {
		yield* writeWhole(system.file, scope, handle, scope.pin(bytes), bytes.byteLength, 0);
		if (sync) yield* system.file.sync(scope, handle);
		written = true;
	} finally {
		yield* closeAfter(scope, handle, written);
	}
	if (sync) yield* syncDirectory(scope, parentOf(place));
}

function* writeAtomically(
	scope: Scope,
	place: Place,
	bytes: ArrayBufferView,
	mode: number,
	sync: boolean,
): Operation<void> {
	const slot = yield* slotOf(scope, yield* resolveLinks(scope, place));
	try {
		const old = yield* statIfThere(scope, slot.place);
		const [temporary, handle] = yield* underTemporaryName(slot, (name) =>
			system.file.open(scope, name, {
				write: true,
				create: true,
				exclusive: true,
				mode: old === undefined ? mode : 0o600,
			}),
		);
		let written = false;
		try {
			yield* writeWhole(system.file, scope, handle, scope.pin(bytes), bytes.byteLength, 0);
			if (old !== undefined) yield* dressLike(scope, handle, old);
			yield* system.file.sync(scope, handle);
			written = true;
		} finally {
			try {
				yield* closeAfter(scope, handle, written);
			} finally {
				if (!written) yield* system.directory.unlink(scope, temporary);
			}
		}
		yield* moveIntoPlace(scope, temporary, slot, true);
		if (sync) yield* syncDirectory(scope, { ...slot.place, path: "." });
	} finally {
		yield* slot.release();
	}
}

/** Gives a file the owner and permissions of the one that it is going to replace. */
function* dressLike(scope: Scope, handle: Handle, old: Metadata): Operation<void> {
	const now = yield* system.metadata.stat(scope, handle, HANDLE);
	const { uid, gid } = old;
	if (now.uid !== uid || now.gid !== gid) {
		yield* system.ownership.chown(scope, handle, { uid, gid }, true);
	}
	yield* system.metadata.chmod(scope, handle, old.permissions, true);
}

/** A failed close can mean lost data, but must not hide what failed before it. */
export function* closeAfter(scope: Scope, handle: Handle, succeeded: boolean): Operation<void> {
	try {
		yield* system.file.close(scope, handle);
	} catch (error) {
		if (succeeded) throw error;
	}
}

/** Metadata of the name itself, or undefined if nothing has it. */
export function* statIfThere(
	scope: Scope,
	place: Place,
	follow = false,
): Operation<Metadata | undefined> {
	try {
		return yield* system.metadata.stat(scope, place, { follow, sync: "auto" });
	} catch (error) {
		if (isCode(error, "ENOENT")) return undefined;
		throw error;
	}
}

/** Waits until the names in a directory are on the disk. */
export function* syncDirectory(scope: Scope, place: Place): Operation<void> {
	const handle = yield* system.file.open(scope, place, { read: true, directory: true });
	try {
		yield* system.file.sync(scope, handle);
	} finally {
		yield* system.file.close(scope, handle);
	}
}

/**
 * Writes a whole file, in place or, with `atomic`, by putting a new one in its place.
 *
 * @param location A path or `dir.at(name)`. Symbolic links are followed in both ways.
 * @param data Text (written as UTF-8) or bytes.
 * @param options `atomic`, `mode` 0 to 0o7777 for a file that is created, `sync`, `signal`. An
 * atomic write keeps permissions and owner of the file it replaces, but not its other names.
 * @throws {FsError} `ENOENT`, `EACCES`, `EISDIR`, `ENOSPC`, `EROFS`; with `atomic` also `EPERM` if
 * the owner of the replaced file cannot be kept. After a failed atomic write the old content is
 * there, whole, and nothing else is left behind.
 * @throws {AbortError} When the signal fires.
 *
 * Linux: openat2, pwrite64 until all is written, fsync, renameat2.
 *
 * @example
 * ```ts
 * import { readFile, writeFile } from "bun-fs-extended";
 *
 * await writeFile("settings.json", "{}", { atomic: true });
 * if ((await readFile("settings.json", "utf8")) !== "{}") throw new Error("not written");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/rename.2.html | rename(2)}
 */
export function writeFile(
	location: Location,
	data: string | ArrayBufferView,
	options?: WriteFileOptions,
): Promise<void> {
	return run(writeOperation, location, data, options);
}

/** The synchronous form of {@link writeFile}. */
export function writeFileSync(
	location: Location,
	data: string | ArrayBufferView,
	options?: WriteFileOptions,
): void {
	runSync(writeOperation, location, data, options);
}
