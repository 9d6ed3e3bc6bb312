import type { Operation } from "./engine/operation.ts";
import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { FsError, invalidArgument } from "./errors.ts";
import type { File } from "./file.ts";
import { checkedInteger, Handle, received, subjectOf } from "./location.ts";
import { system } from "./sys/index.ts";
import { FOLLOWED } from "./sys/metadata.ts";

/** Something open to copy from or to: a `File`, or a descriptor. */
export type OpenFile = File | number;

/**
 * Checks the two ranges, and that they do not overlap in one file, which no copy survives. Gives the
 * descriptors, and the length that there is to copy.
 */
function* checkedRanges(
	scope: Scope,
	source: OpenFile,
	sourceOffset: number,
	destination: OpenFile,
	destinationOffset: number,
	length: number,
): Operation<readonly [from: number, to: number, length: number]> {
	checkedInteger(sourceOffset, "sourceOffset");
	checkedInteger(destinationOffset, "destinationOffset");
	checkedInteger(length, "length");
	const from = handleOf(scope, source, "source");
	const to = handleOf(scope, destination, "destination");
	// To before its source: the two do not meet, and the end of the file stays where it is.
	if (sourceOffset - destinationOffset >= length) return [from, to, length];
	const first = yield* system.metadata.stat(scope, from, FOLLOWED);
	const second = yield* system.metadata.stat(scope, to, FOLLOWED);
	if (first.ino !== second.ino || first.dev !== second.dev) return [from, to, length];
	// The end is where it is now, and not where the copy itself moves it.
	const there = Math.max(0, Math.min(length, first.size - sourceOffset));
	if (Math.abs(sourceOffset - destinationOffset) >= there) return [from, to, there];
	throw new FsError("EINVAL", "invalid argument", {
		syscall: "copyRange",
		detail: "the ranges overlap in one file",
	});
}

function handleOf(scope: Scope, file: OpenFile, what: string): number {
	if (typeof file === "number" || file instanceof Handle) {
		return subjectOf(scope, file, what) as number;
	}
	throw invalidArgument(
		"ERR_INVALID_ARG_TYPE",
		`The "${what}" argument must be a File or a descriptor. Received ${received(file)}`,
	);
}

type RangeArguments = [
	source: OpenFile,
	sourceOffset: number,
	destination: OpenFile,
	destinationOffset: number,
	length: number,
];

function* copyRangeOperation(scope: Scope, ...ranges: RangeArguments): Operation<number> {
	const [from, to, length] = yield* checkedRanges(scope, ...ranges);
	const [, sourceOffset, , destinationOffset] = ranges;
	let done = 0;
	while (done < length) {
		const mark = scope.mark();
		const count = yield* system.copy.range(scope, {
			source: from,
			sourceOffset: sourceOffset + done,
			destination: to,
			destinationOffset: destinationOffset + done,
			length: length - done,
		});
		scope.release(mark);
		if (count === 0) break;
		done += count;
	}
	return done;
}

/**
 * Copies a range of bytes between two open files, or within one, without their passing through
 * this process where the system can do that.
 *
 * @param source A `File` or a descriptor, open for reading.
 * @param sourceOffset Where to begin, in bytes.
 * @param destination A `File` or a descriptor, open for writing.
 * @param destinationOffset Where to write, in bytes; past the end, a hole comes before it.
 * @param length How many bytes, at most.
 * @returns How many bytes were copied: fewer if the source ends before.
 * @throws {FsError} `EINVAL` if the ranges overlap in one file, `EBADF` if a file is not open or not
 * for that, `ENOSPC`, `EDQUOT`, `EIO`, `EFBIG`.
 *
 * Linux: copy_file_range, again while it is short; read and write where it cannot be used.
 *
 * Windows: NtCopyFileChunk, where it is Windows 11 22H2 or later; else read and write.
 *
 * @example
 * ```ts
 * import { copyRange, open, readFile, writeFile } from "bun-fs-extended";
 *
 * await writeFile("from", "0123456789");
 * {
 *   await using from = await open("from");
 *   await using to = await open("to", "w");
 *   await copyRange(from, 2, to, 0, 3);
 * }
 * if ((await readFile("to", "utf8")) !== "234") throw new Error("not that range");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/copy_file_range.2.html | copy_file_range(2)}
 */
export function copyRange(
	source: OpenFile,
	sourceOffset: number,
	destination: OpenFile,
	destinationOffset: number,
	length: number,
): Promise<number> {
	return run(copyRangeOperation, source, sourceOffset, destination, destinationOffset, length);
}

/** The synchronous form of {@link copyRange}. */
export function copyRangeSync(
	source: OpenFile,
	sourceOffset: number,
	destination: OpenFile,
	destinationOffset: number,
	length: number,
): number {
	return runSync(copyRangeOperation, source, sourceOffset, destination, destinationOffset, length);
}

function* cloneRangeOperation(scope: Scope, ...ranges: RangeArguments): Operation<void> {
	const [source, destination] = yield* checkedRanges(scope, ...ranges);
	const [, sourceOffset, , destinationOffset, length] = ranges;
	// To the systems 0 means all that there is.
	if (length === 0) return;
	const range = { source, sourceOffset, destination, destinationOffset, length };
	yield* system.copy.cloneRange(scope, range);
}

/**
 * Shares a range of blocks between two files (a reflink): no bytes are copied, and each file gets
 * its own as soon as it is written to.
 *
 * @param source A `File` or a descriptor, open for reading.
 * @param sourceOffset Where to begin: a multiple of the filesystem's block size.
 * @param destination A `File` or a descriptor, open for writing, on the same filesystem.
 * @param destinationOffset Where to share to: a multiple of the block size.
 * @param length How many bytes: a multiple of the block size, or up to the end of the source where
 * that becomes the end of the destination.
 * @throws {FsError} `ENOTSUP` where blocks cannot be shared, `EINVAL` if the ranges overlap in one
 * file, are not of whole blocks or end past the end of the source, `EBADF`, `ENOSPC`.
 *
 * Linux: FICLONERANGE, on XFS, Btrfs, bcachefs and a few others.
 *
 * Windows: FSCTL_DUPLICATE_EXTENTS_TO_FILE, on ReFS, between files that are alike in having checksums
 * of their content. The destination becomes sparse if the source is.
 *
 * @example
 * ```ts
 * import { cloneRange, open, writeFile } from "bun-fs-extended";
 *
 * await writeFile("original", new Uint8Array(8192));
 * await using from = await open("original");
 * await using to = await open("clone", "w");
 * await cloneRange(from, 0, to, 0, 8192).catch((error) => {
 *   if (error.code !== "ENOTSUP") throw error; // this filesystem shares no blocks
 * });
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/ioctl_ficlonerange.2.html | ioctl_ficlonerange(2)}
 */
export function cloneRange(
	source: OpenFile,
	sourceOffset: number,
	destination: OpenFile,
	destinationOffset: number,
	length: number,
): Promise<void> {
	return run(cloneRangeOperation, source, sourceOffset, destination, destinationOffset, length);
}

/** The synchronous form of {@link cloneRange}. */
export function cloneRangeSync(
	source: OpenFile,
	sourceOffset: number,
	destination: OpenFile,
	destinationOffset: number,
	length: number,
): void {
	runSync(cloneRangeOperation, source, sourceOffset, destination, destinationOffset, length);
}
