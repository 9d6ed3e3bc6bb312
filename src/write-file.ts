import { once } from "./engine/once.ts";
import type { Operation } from "./engine/operation.ts";
import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { byteLengthOf } from "./engine/view.ts";
import { FsError, isCode } from "./errors.ts";
import { type Location, locate } from "./location.ts";
import { optionsOf, schemas } from "./options.ts";
import { parentOf } from "./place.ts";
import { closing, resolveLinks, withNamesSynced } from "./replace.ts";
import { system } from "./sys/index.ts";
import type { Handle, Place } from "./sys/system.ts";
import { writeWhole } from "./sys/whole.ts";
import { bytesOf } from "./transfer.ts";

/** Options of `writeFile`. */
export interface WriteFileOptions {
	/**
	 * Write a new file, put it on the disk and then in the place of the old one: whoever looks, now or
	 * after a crash, finds the old content or the new, whole. Default false.
	 */
	atomic?: boolean | undefined;
	/** Permissions of a file that is created, less the process's mask. Default 0o666. */
	mode?: number | undefined;
	/** Wait until content and name are on the disk. Default false. */
	sync?: boolean | undefined;
	/** Ends the operation early with an `AbortError`. */
	signal?: AbortSignal | undefined;
}

const checkWrite = optionsOf<WriteFileOptions>("writeFile", (z) => ({
	atomic: schemas.flag(z),
	mode: schemas.integer(z, 0, 0o7777),
	sync: schemas.flag(z),
	signal: schemas.signal(z),
}));

function writeFileOperation(
	scope: Scope,
	location: Location,
	data: string | ArrayBufferView,
	options: WriteFileOptions | undefined,
): Operation<void> {
	const { atomic = false, mode = 0o666, sync = false, signal } = checkWrite(options);
	const place = locate(scope, location);
	const bytes = bytesOf(data);
	scope.interrupt = signal;
	const write = (atomic ? replacing().replaceContent : writeInPlace)(
		scope,
		place,
		bytes,
		mode,
		sync,
	);
	return naming(place, write);
}

/** Loaded when it is first needed: it brings along all that copies need to dress a file. */
const replacing = once(
	() => require("./replace-content.ts") as typeof import("./replace-content.ts"),
);

function* writeInPlace(
	scope: Scope,
	place: Place,
	bytes: ArrayBufferView,
	mode: number,
	sync: boolean,
): Operation<void> {
	const content = writeContent(scope, place, bytes, mode, sync);
	if (!sync) return yield* content;
	const made = yield* placeOfFile(scope, place);
	yield* withNamesSynced(scope, parentOf(made), sync, content);
}

/** Where the file is, or will be made: a link may lead to another directory. */
function* placeOfFile(scope: Scope, place: Place): Operation<Place> {
	try {
		return yield* resolveLinks(scope, place);
	} catch (error) {
		// Links of /proc lead to what may have no name, such as a pipe.
		if (isCode(error, "EAGAIN")) return place;
		throw error;
	}
}

function* writeContent(
	scope: Scope,
	place: Place,
	bytes: ArrayBufferView,
	mode: number,
	sync: boolean,
): Operation<void> {
	const how = { write: true, create: true, truncate: true, mode };
	const handle = yield* system.file.open(scope, place, how);
	yield* closing(scope, handle, fill(scope, handle, bytes, sync));
}

function* fill(
	scope: Scope,
	handle: Handle,
	bytes: ArrayBufferView,
	sync: boolean,
): Operation<void> {
	yield* writeFromStart(scope, handle, scope.pin(bytes), byteLengthOf(bytes));
	if (sync) yield* system.file.sync(scope, handle);
}

/** A fifo, and a pipe behind /dev/stdout, has no positions to write to. */
function* writeFromStart(
	scope: Scope,
	handle: Handle,
	address: number,
	length: number,
): Operation<void> {
	try {
		yield* writeWhole(system.file, scope, handle, address, length, 0);
	} catch (error) {
		// It is refused before anything is written.
		if (!isCode(error, "ESPIPE")) throw error;
		yield* writeWhole(system.file, scope, handle, address, length, null);
	}
}

/** Parts of a write fail under no name, or under names of their own; what is meant is the one name. */
function* naming(place: Place, write: Operation<void>): Operation<void> {
	try {
		yield* write;
	} catch (error) {
		throw error instanceof FsError ? error.renamed(place.path) : error;
	}
}

/**
 * Writes a whole file, in place or, with `atomic`, by putting a new one in its place.
 *
 * @param location A path or `dir.at(name)`. Symbolic links are followed in both ways.
 * @param data Text (written as UTF-8) or bytes.
 * @param options `atomic`, `mode` 0 to 0o7777 for a file that is created, `sync`, `signal`. An
 * atomic write keeps owner, permissions and access control list of the file it replaces, but not
 * set-user-id, its other attributes or its other names.
 * @throws {FsError} `ENOENT`, `EACCES`, `EISDIR`, `ENOSPC`, `EROFS`; with `atomic` also `EINVAL`
 * if what has the name is neither a file nor a directory, and `EPERM` if
 * the owner of the replaced file cannot be kept. After a failed atomic write the old content is
 * there, whole, and nothing else is left behind; with `sync` the new one is, if only putting its name
 * on the disk fails.
 * @throws {AbortError} When the signal fires.
 *
 * Linux: openat, pwrite64 until all is written; `atomic`: O_TMPFILE, fsync, linkat, renameat2.
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
	return run(writeFileOperation, location, data, options);
}

/** The synchronous form of {@link writeFile}. */
export function writeFileSync(
	location: Location,
	data: string | ArrayBufferView,
	options?: WriteFileOptions,
): void {
	runSync(writeFileOperation, location, data, options);
}
