import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { invalidArgument } from "./errors.ts";
import { checkedInteger, descriptorOf, Handle, type Location, locate } from "./location.ts";
import { howOf, type OpenFlags } from "./open-flags.ts";
import { optionsOf, schemas } from "./options.ts";

import { system } from "./sys/index.ts";
import type { Metadata } from "./sys/metadata.ts";
import type { OpenHow } from "./sys/system.ts";
import * as transfer from "./transfer.ts";

export type { OpenFlags } from "./open-flags.ts";

/** Options of `open`. */
export interface OpenOptions {
	/** Permissions of a file that is created, less the process's mask. Default 0o666. */
	mode?: number | undefined;
	/** Past the page cache: addresses, offsets and lengths must then be aligned (`alignedBuffer`). */
	direct?: boolean | undefined;
	/** Fail with `ELOOP` if the name is a symbolic link. */
	noFollow?: boolean | undefined;
	/** A file without a name, in the directory that the location names; see `File.link`. */
	temporary?: boolean | undefined;
}

const checkOpen = optionsOf<OpenOptions>("open", (z) => ({
	mode: schemas.integer(z, 0, 0o7777),
	direct: schemas.flag(z),
	noFollow: schemas.flag(z),
	temporary: schemas.flag(z),
}));

function* openOperation(
	scope: Scope,
	location: Location,
	flags: OpenFlags | number,
	options: OpenOptions | undefined,
) {
	const { mode, direct, noFollow, temporary } = checkOpen(options);
	const how: OpenHow = {
		...howOf(flags),
		...(mode === undefined ? undefined : { mode }),
		...(direct ? { direct } : undefined),
		...(noFollow ? { noFollow } : undefined),
		...(temporary ? { temporary } : undefined),
	};
	if (temporary && (!how.write || how.create || how.truncate)) {
		throw invalidArgument("ERR_INVALID_ARG_VALUE", 'open: a temporary file needs flags "r+"');
	}
	return new File(yield* system.file.open(scope, locate(scope, location), how));
}

/**
 * Opens a file.
 *
 * @param location A path or `dir.at(name)`.
 * @param flags Node's flag strings (`"r"`, `"wx"`, `"a+"`, …) or the sum of its `O_*` constants.
 * @param options `mode` 0 to 0o7777; `direct`, `noFollow`, `temporary` (which needs `"r+"`).
 * @returns The open file; close it, or declare it with `await using`.
 * @throws {FsError} `ENOENT`, `EEXIST` with an `x` flag, `EACCES`, `EISDIR`, `ELOOP` with `noFollow`,
 * `EMFILE`, `ENOTSUP` for `direct` or `temporary` where the filesystem lacks it, `EXDEV` for a name
 * that leaves a confined directory.
 *
 * Linux: openat, openat2 for confined names; `temporary` is O_TMPFILE. The descriptor is close-on-exec.
 *
 * @example
 * ```ts
 * import { open } from "bun-fs-extended";
 *
 * await using file = await open("numbers", "wx+");
 * await file.writeAt(new Uint8Array([1, 2, 3]), 0);
 * const bytes = await file.read(3, 0);
 * if (bytes[2] !== 3) throw new Error("not what was written");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/openat2.2.html | openat2(2)}
 */
export function open(
	location: Location,
	flags: OpenFlags | number = "r",
	options?: OpenOptions,
): Promise<File> {
	return run(openOperation, location, flags, options);
}

/** The synchronous form of {@link open}. */
export function openSync(
	location: Location,
	flags: OpenFlags | number = "r",
	options?: OpenOptions,
): File {
	return runSync(openOperation, location, flags, options);
}

function linkOperation(scope: Scope, file: File, location: Location) {
	const place = locate(scope, location);
	return system.file.publish(scope, scope.hold(descriptorOf(file)), place);
}

function statOperation(scope: Scope, file: File) {
	const handle = scope.hold(descriptorOf(file));
	return system.metadata.stat(scope, handle, { follow: true, sync: "auto" });
}

/**
 * An open file. Positions and lengths are in bytes. Every method has a synchronous form, and every
 * function of the library that takes a target takes it.
 *
 * @example
 * ```ts
 * import { openSync } from "bun-fs-extended";
 *
 * using file = openSync("log", "a+");
 * file.appendSync("one line\n");
 * if (file.statSync().size !== 9) throw new Error("nine bytes");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/pread.2.html | pread(2)}
 */
export class File extends Handle {
	/**
	 * Fills a buffer from `position`, or reads on from where the last such read ended if it is null.
	 * Returns how many bytes were read: fewer than the buffer holds at the end of the file and, when
	 * `position` is null, whenever there are fewer at hand. Memory that can shrink (a resizable
	 * ArrayBuffer) is refused, and memory that is given away meanwhile gives `ERR_INVALID_STATE`.
	 */
	readAt(buffer: ArrayBufferView, position: number | null = null): Promise<number> {
		return run(transfer.readAt, this, buffer, position);
	}

	/** The synchronous form of `readAt`. */
	readAtSync(buffer: ArrayBufferView, position: number | null = null): number {
		return runSync(transfer.readAt, this, buffer, position);
	}

	/** Reads up to `length` bytes into a new array, as `readAt` does. */
	read(length: number, position: number | null = null): Promise<Uint8Array<ArrayBuffer>> {
		return run(transfer.read, this, length, position);
	}

	/** The synchronous form of `read`. */
	readSync(length: number, position: number | null = null): Uint8Array<ArrayBuffer> {
		return runSync(transfer.read, this, length, position);
	}

	/** Fills several buffers one after the other, as `readAt` does. */
	readvAt(buffers: readonly ArrayBufferView[], position: number | null = null): Promise<number> {
		return run(transfer.readvAt, this, buffers, position);
	}

	/** The synchronous form of `readvAt`. */
	readvAtSync(buffers: readonly ArrayBufferView[], position: number | null = null): number {
		return runSync(transfer.readvAt, this, buffers, position);
	}

	/**
	 * Writes all of `data` at `position`, or on from where the last such write ended if it is null.
	 * Returns how many bytes that is: always all of them, because a short write is gone on with. Memory
	 * that can shrink is refused, as by `readAt`.
	 */
	writeAt(data: string | ArrayBufferView, position: number | null = null): Promise<number> {
		return run(transfer.writeAt, this, data, position);
	}

	/** The synchronous form of `writeAt`. */
	writeAtSync(data: string | ArrayBufferView, position: number | null = null): number {
		return runSync(transfer.writeAt, this, data, position);
	}

	/** Writes several buffers one after the other, as `writeAt` does. */
	writevAt(
		data: readonly (string | ArrayBufferView)[],
		position: number | null = null,
	): Promise<number> {
		return run(transfer.writevAt, this, data, position);
	}

	/** The synchronous form of `writevAt`. */
	writevAtSync(
		data: readonly (string | ArrayBufferView)[],
		position: number | null = null,
	): number {
		return runSync(transfer.writevAt, this, data, position);
	}

	/** Writes all of `data` at the end of the file, wherever that is by then. */
	append(data: string | ArrayBufferView): Promise<number> {
		return run(transfer.append, this, data);
	}

	/** The synchronous form of `append`. */
	appendSync(data: string | ArrayBufferView): number {
		return runSync(transfer.append, this, data);
	}

	/** Waits until content and metadata are on the disk. */
	sync(): Promise<void> {
		return run(transfer.sync, this);
	}

	/** The synchronous form of `sync`. */
	syncSync(): void {
		runSync(transfer.sync, this);
	}

	/** Waits until the content is on the disk, and as much metadata as reading it needs. */
	datasync(): Promise<void> {
		return run(transfer.datasync, this);
	}

	/** The synchronous form of `datasync`. */
	datasyncSync(): void {
		runSync(transfer.datasync, this);
	}

	/** Cuts the file off at `length` bytes, or makes it that long with a hole at its end. */
	truncate(length = 0): Promise<void> {
		return run(transfer.truncate, this, length);
	}

	/** The synchronous form of `truncate`. */
	truncateSync(length = 0): void {
		runSync(transfer.truncate, this, length);
	}

	/** Gives a name to a file that was opened as `temporary`; `EEXIST` if the name is taken. */
	link(location: Location): Promise<void> {
		return run(linkOperation, this, location);
	}

	/** The synchronous form of `link`. */
	linkSync(location: Location): void {
		runSync(linkOperation, this, location);
	}

	/** What the system knows about the file; see `stat`. */
	stat(): Promise<Metadata> {
		return run(statOperation, this);
	}

	/** The synchronous form of `stat`. */
	statSync(): Metadata {
		return runSync(statOperation, this);
	}
}

/**
 * Memory for direct I/O: a view whose address is a multiple of `alignment`.
 *
 * @param length Bytes, 0 or more.
 * @param alignment A power of two up to 64 KiB; `stat(…).directIo` says what a file demands.
 * @returns The view; its buffer is somewhat larger.
 * @throws {RangeError} `ERR_OUT_OF_RANGE` for a negative length, one of more than the runtime's 4 GiB,
 * or another alignment.
 *
 * On every system the same.
 *
 * @example
 * ```ts
 * import { alignedBuffer } from "bun-fs-extended";
 *
 * if (alignedBuffer(8192, 4096).length !== 8192) throw new Error("8192 bytes");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/open.2.html | open(2), O_DIRECT}
 */
export function alignedBuffer(length: number, alignment = 4096): Uint8Array<ArrayBuffer> {
	checkedInteger(alignment, "alignment", 1, 65536);
	checkedInteger(length, "length", 0, transfer.MOST_BYTES - alignment);
	if ((alignment & (alignment - 1)) !== 0) {
		throw invalidArgument("ERR_OUT_OF_RANGE", `The alignment ${alignment} is no power of two`);
	}
	return transfer.aligned(length, alignment);
}
