import { textOf } from "./encoding.ts";
import type { Region } from "./engine/memory.ts";
import type { Operation } from "./engine/operation.ts";
import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { FsError, isCode } from "./errors.ts";
import { type Location, locate } from "./location.ts";
import { optionsOf, schemas } from "./options.ts";
import { system } from "./sys/index.ts";
import { FOLLOWED } from "./sys/metadata.ts";
import type { Handle, Place } from "./sys/system.ts";
import { readWhole } from "./sys/whole.ts";
import { MOST_BYTES } from "./transfer.ts";

/** Options of `readFile`. */
export interface ReadFileOptions {
	/** What to return: bytes (`"buffer"`, the default), or the text that they are in UTF-8. */
	encoding?: "buffer" | "utf8" | undefined;
	/** Ends the operation early with an `AbortError`. */
	signal?: AbortSignal | undefined;
}

/** Up to here a copy out of our own memory costs less than memory of the file's own. */
const CHUNK = 64 * 1024;
/** Of a longer one the runtime's decoder makes an empty text. */
const MOST_TEXT = 2 ** 31 - 1;

const checkRead = optionsOf<ReadFileOptions>("readFile", (z) => ({
	encoding: schemas.choice(z, "buffer", "utf8"),
	signal: schemas.signal(z),
}));
function readFileOperation(
	scope: Scope,
	location: Location,
	options: ReadFileOptions | "utf8" | undefined,
): Operation<Uint8Array<ArrayBuffer> | string> {
	const { encoding, signal } = checkRead(
		typeof options === "string" ? { encoding: options } : options,
	);
	const place = locate(scope, location);
	scope.interrupt = signal;
	return encoding === "utf8" ? readText(scope, place) : readBytes(scope, place, MOST_BYTES);
}

function* readText(scope: Scope, place: Place): Operation<string> {
	return textOf(yield* readBytes(scope, place, MOST_TEXT));
}

/** The first chunk is read without asking for the size: most files end in it. */
function* readBytes(scope: Scope, place: Place, most: number): Operation<Uint8Array<ArrayBuffer>> {
	const handle = yield* system.file.open(scope, place, { read: true });
	try {
		const chunk = scope.memory.reserve(CHUNK);
		let count: number;
		try {
			count = yield* readWhole(system.file, scope, handle, chunk.address, CHUNK, 0);
		} catch (error) {
			// A pipe or a terminal has no positions.
			if (!isCode(error, "ESPIPE")) throw error;
			return yield* readToEnd(scope, handle, chunk, null, [], most);
		}
		return count < CHUNK ? chunk.copy(0, count) : yield* readRest(scope, handle, chunk, most);
	} catch (error) {
		throw isCode(error, "EFBIG") ? error.renamed(place.path) : error;
	} finally {
		yield* system.file.close(scope, handle);
	}
}

/** What follows a full first chunk, put together with it. */
function* readRest(
	scope: Scope,
	handle: Handle,
	first: Region,
	most: number,
): Operation<Uint8Array<ArrayBuffer>> {
	const { size } = yield* system.metadata.stat(scope, handle, FOLLOWED);
	// The files of /proc do not know their size.
	if (size < CHUNK) return yield* readToEnd(scope, handle, first, CHUNK, [first.copy()], most);
	if (size > most) throw tooLarge(most);
	const bytes = new Uint8Array(new ArrayBuffer(size));
	bytes.set(first.bytes());
	const address = scope.pin(bytes) + CHUNK;
	const rest = yield* readWhole(system.file, scope, handle, address, size - CHUNK, CHUNK);
	return CHUNK + rest === size ? bytes : bytes.slice(0, CHUNK + rest);
}

/** Reads in pieces what does not know its size; without a position, what has none. */
function* readToEnd(
	scope: Scope,
	handle: Handle,
	chunk: Region,
	position: number | null,
	pieces: Uint8Array[],
	most: number,
): Operation<Uint8Array<ArrayBuffer>> {
	let total = pieces.length * CHUNK;
	for (let at = position; ; ) {
		const count = yield* system.file.read(scope, handle, chunk.address, CHUNK, at);
		if (count === 0) return new Uint8Array(Buffer.concat(pieces));
		pieces.push(chunk.copy(0, count));
		total += count;
		if (total > most) throw tooLarge(most);
		if (at !== null) at += count;
	}
}

function tooLarge(most: number): FsError {
	const detail = `it has more than the ${most} bytes that the runtime can return as one value`;
	return new FsError("EFBIG", "file too large", { syscall: "read", detail });
}

/**
 * Reads a whole file: as many bytes as it has when it is opened, or, of what does not know its
 * size (a pipe, a file of /proc), all until its end.
 *
 * @param location A path or `dir.at(name)`.
 * @param options `encoding`: `"utf8"` for text (bytes that are not UTF-8 become U+FFFD), bytes by
 * default; `signal`. `"utf8"` alone is short for the first.
 * @returns The content, in an array of its own.
 * @throws {FsError} `ENOENT`, `EACCES`, `EISDIR`, `EIO`, `EFBIG` for more than the 4 GiB that an array
 * of the runtime's can have, or the 2 GiB of a text.
 * @throws {AbortError} When the signal fires.
 *
 * Linux: openat, pread64, close, and statx for what is larger than 64 KiB; answered from the page cache where it can be.
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
	return run(readFileOperation, location, options);
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
	return runSync(readFileOperation, location, options);
}
