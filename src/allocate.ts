import { named } from "./engine/observer.ts";
import type { Operation } from "./engine/operation.ts";
import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { FsError } from "./errors.ts";
import type { Target } from "./location.ts";
import { optionsOf, schemas } from "./options.ts";
import { system } from "./sys/index.ts";
import type { RangeChange } from "./sys/system.ts";
import { checkRange, withTarget } from "./target-file.ts";

/** Options of `preallocate` and `zeroRange`. */
export interface KeepSizeOptions {
	/**
	 * Leave the size of the file as it is, where the range ends past its end. Default false: the file
	 * then grows to the end of the range.
	 */
	keepSize?: boolean | undefined;
}

const keepSizeOptions = (operation: string) =>
	optionsOf<KeepSizeOptions>(operation, (z) => ({ keepSize: schemas.flag(z) }));
const checkPreallocate = keepSizeOptions("preallocate");
const checkZeroRange = keepSizeOptions("zeroRange");

const FALLOCATE = {
	syscall: "fallocate",
	access: "write",
	onPipe: "ESPIPE",
	onDevice: "ENODEV",
} as const;

function* changeOperation(
	scope: Scope,
	target: Target,
	change: RangeChange,
	offset: number,
	length: number,
): Operation<void> {
	checkRange(offset, length);
	yield* withTarget(scope, target, FALLOCATE, ({ handle, metadata, path }) => {
		const { allocate, reservesWhileOpen } = system.allocate;
		const isPast = offset + length > metadata.size;
		const keepsSize = change === "preallocateKeepSize" || change === "zeroRangeKeepSize";
		if (path !== undefined && reservesWhileOpen && keepsSize && isPast) throw ofNoUse();
		return allocate(scope, handle, change, offset, length);
	});
}

/** Of a file that is opened for the operation, and closed after it. */
function ofNoUse(): FsError {
	return new FsError("ENOTSUP", "operation not supported", {
		syscall: "fallocate",
		detail: "what is reserved past the end is given back when the file is closed: give the File",
	});
}

/** A change that has no options. */
const changing = (change: RangeChange) =>
	named(change, (scope: Scope, target: Target, offset: number, length: number) =>
		changeOperation(scope, target, change, offset, length),
	);

function preallocateOperation(
	scope: Scope,
	target: Target,
	offset: number,
	length: number,
	options: KeepSizeOptions | undefined,
) {
	const { keepSize = false } = checkPreallocate(options);
	const change = keepSize ? "preallocateKeepSize" : "preallocate";
	return changeOperation(scope, target, change, offset, length);
}

/**
 * Reserves blocks for a range of a file, so that writing there later does not run out of space. What
 * is in the file stays; what was not there before reads as zeros.
 *
 * @param target A path, `dir.at(name)`, a `File` or a descriptor that is open for writing. A file
 * that has a name must be there.
 * @param offset Where the range begins, in bytes.
 * @param length Bytes, at least 1.
 * @param options `keepSize`: reserve past the end of the file without making it longer.
 * @throws {FsError} `ENOSPC` or `EDQUOT` if there is not so much left (ext4 keeps what it has reserved
 * by then, which is all there was, and the file is longer: `truncate` gives it back), `ENOTSUP` where
 * the filesystem reserves no blocks, `EFBIG`, `EBADF` for a file that is not open for writing,
 * `EISDIR`, `ESPIPE` for a pipe, `ENODEV` for a device by its name, `ENOENT`, `EACCES`, `EPERM`,
 * `EROFS`, `EXDEV` for a name that leaves a confined directory.
 *
 * Linux: fallocate, with FALLOC_FL_KEEP_SIZE; nothing is written where blocks cannot be reserved. What
 * `keepSize` reserves past the end is given back by `truncate` to the size that the file has; on ext4
 * `punchHole` leaves it alone.
 *
 * Windows: FileAllocationInformation, never less than there is. What `keepSize` reserves past the end
 * is given back when the file is closed, so it takes a `File`, and a name is `ENOTSUP`; so are the
 * holes of a sparse file and all of a compressed one. What others write past the end of the range in
 * the moment between the look at the size and the call is cut off.
 *
 * @example
 * ```ts
 * import { preallocate, stat, writeFile } from "bun-fs-extended";
 *
 * await writeFile("database", "");
 * await preallocate("database", 0, 1024 * 1024).catch((error) => {
 *   if (error.code !== "ENOTSUP") throw error; // this filesystem reserves no blocks
 * });
 * console.log((await stat("database")).blocks * 512, "bytes are reserved");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/fallocate.2.html | fallocate(2)}
 */
export function preallocate(
	target: Target,
	offset: number,
	length: number,
	options?: KeepSizeOptions,
): Promise<void> {
	return run(preallocateOperation, target, offset, length, options);
}

/** The synchronous form of {@link preallocate}. */
export function preallocateSync(
	target: Target,
	offset: number,
	length: number,
	options?: KeepSizeOptions,
): void {
	runSync(preallocateOperation, target, offset, length, options);
}

const punchHoleOperation = changing("punchHole");

/**
 * Makes a hole in a file: its blocks are given back, and the range reads as zeros. The size of the
 * file stays as it is.
 *
 * @param target A path, `dir.at(name)`, a `File` or a descriptor that is open for writing.
 * @param offset Where the hole begins, in bytes. Whole blocks are given back; of others the part that
 * is in the range is zeroed.
 * @param length Bytes, at least 1. What is past the end of the file is left alone.
 * @throws {FsError} `ENOTSUP` where the filesystem has no holes or cannot make them; else as
 * {@link preallocate}.
 *
 * Linux: fallocate with FALLOC_FL_PUNCH_HOLE and FALLOC_FL_KEEP_SIZE.
 *
 * Windows: FSCTL_SET_SPARSE, which the file stays, and FSCTL_SET_ZERO_DATA. NTFS gives back units of
 * 64 KiB and zeros the rest.
 *
 * @example
 * ```ts
 * import { punchHole, readFile, writeFile } from "bun-fs-extended";
 *
 * await writeFile("log", "old lines, new lines");
 * await punchHole("log", 0, 11).catch((error) => {
 *   if (error.code !== "ENOTSUP") throw error; // this filesystem has no holes
 * });
 * if (!(await readFile("log", "utf8")).endsWith("new lines")) throw new Error("too much is gone");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/fallocate.2.html | fallocate(2)}
 */
export function punchHole(target: Target, offset: number, length: number): Promise<void> {
	return run(punchHoleOperation, target, offset, length);
}

/** The synchronous form of {@link punchHole}. */
export function punchHoleSync(target: Target, offset: number, length: number): void {
	runSync(punchHoleOperation, target, offset, length);
}

function zeroRangeOperation(
	scope: Scope,
	target: Target,
	offset: number,
	length: number,
	options: KeepSizeOptions | undefined,
) {
	const { keepSize = false } = checkZeroRange(options);
	const change = keepSize ? "zeroRangeKeepSize" : "zeroRange";
	return changeOperation(scope, target, change, offset, length);
}

/**
 * Makes a range of a file read as zeros, with blocks reserved for it, and without writing them.
 *
 * @param target A path, `dir.at(name)`, a `File` or a descriptor that is open for writing.
 * @param offset Where the range begins, in bytes.
 * @param length Bytes, at least 1.
 * @param options `keepSize`: where the range ends past the end of the file, leave the file as long as
 * it is.
 * @throws {FsError} `ENOTSUP` where the filesystem cannot (tmpfs); else as {@link preallocate}.
 *
 * Linux: fallocate with FALLOC_FL_ZERO_RANGE, on ext4, XFS, Btrfs and a few others.
 *
 * Windows: FSCTL_SET_ZERO_DATA, by which the filesystem itself writes the zeros; `ENOTSUP` for sparse
 * and compressed files, of which it would give the blocks back. `keepSize` as for {@link preallocate}.
 *
 * @example
 * ```ts
 * import { readFile, writeFile, zeroRange } from "bun-fs-extended";
 *
 * await writeFile("keys", "secret, and what is not");
 * const error = await zeroRange("keys", 0, 6).then(() => undefined, (reason) => reason);
 * if (error !== undefined && error.code !== "ENOTSUP") throw error;
 * const zeroed = (await readFile("keys"))[0] === 0;
 * if (zeroed !== (error === undefined)) throw new Error("not as it was said");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/fallocate.2.html | fallocate(2)}
 */
export function zeroRange(
	target: Target,
	offset: number,
	length: number,
	options?: KeepSizeOptions,
): Promise<void> {
	return run(zeroRangeOperation, target, offset, length, options);
}

/** The synchronous form of {@link zeroRange}. */
export function zeroRangeSync(
	target: Target,
	offset: number,
	length: number,
	options?: KeepSizeOptions,
): void {
	runSync(zeroRangeOperation, target, offset, length, options);
}

const unshareRangeOperation = changing("unshareRange");

/**
 * Gives a file blocks of its own for those that it shares with others (reflinks), so that writing
 * there later does not run out of space. The content and the size stay as they are.
 *
 * @param target A path, `dir.at(name)`, a `File` or a descriptor that is open for writing.
 * @param offset Where the range begins, in bytes.
 * @param length Bytes, at least 1. Blocks are reserved for holes in the range, and for what of it is
 * past the end of the file.
 * @throws {FsError} `ENOTSUP` where the filesystem cannot, also where it shares blocks (Btrfs); else as
 * {@link preallocate}.
 *
 * Linux: fallocate with FALLOC_FL_UNSHARE_RANGE and FALLOC_FL_KEEP_SIZE, on XFS.
 *
 * Windows: `ENOTSUP`.
 *
 * @example
 * ```ts
 * import { copyFile, unshareRange, writeFile } from "bun-fs-extended";
 *
 * await writeFile("original", "0123456789");
 * await copyFile("original", "copy");
 * await unshareRange("copy", 0, 10).catch((error) => {
 *   if (error.code !== "ENOTSUP") throw error; // this filesystem cannot
 * });
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/fallocate.2.html | fallocate(2)}
 */
export function unshareRange(target: Target, offset: number, length: number): Promise<void> {
	return run(unshareRangeOperation, target, offset, length);
}

/** The synchronous form of {@link unshareRange}. */
export function unshareRangeSync(target: Target, offset: number, length: number): void {
	runSync(unshareRangeOperation, target, offset, length);
}

const collapseRangeOperation = changing("collapseRange");

/**
 * Takes a range out of a file: what comes after it moves up, without being copied, and the file is so
 * much shorter.
 *
 * @param target A path, `dir.at(name)`, a `File` or a descriptor that is open for writing.
 * @param offset Where the range begins: a multiple of the filesystem's block size.
 * @param length Bytes, at least 1: a multiple of the block size. The range must end before the file
 * does; to cut off its end use {@link truncate}.
 * @throws {FsError} `EINVAL` for another range, with the block size in the message; `ENOTSUP` where
 * the filesystem cannot; else as {@link preallocate}.
 *
 * Linux: fallocate with FALLOC_FL_COLLAPSE_RANGE, on ext4 and XFS. With larger units of allocation
 * (bigalloc on ext4, realtime extents on XFS) the range is of those.
 *
 * Windows: `ENOTSUP`.
 *
 * @example
 * ```ts
 * import { collapseRange, statfs, writeFile } from "bun-fs-extended";
 *
 * const { blockSize } = await statfs(".");
 * await writeFile("queue", new Uint8Array(3 * blockSize));
 * await collapseRange("queue", 0, blockSize).catch((error) => {
 *   if (error.code !== "ENOTSUP") throw error; // this filesystem cannot
 * });
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/fallocate.2.html | fallocate(2)}
 */
export function collapseRange(target: Target, offset: number, length: number): Promise<void> {
	return run(collapseRangeOperation, target, offset, length);
}

/** The synchronous form of {@link collapseRange}. */
export function collapseRangeSync(target: Target, offset: number, length: number): void {
	runSync(collapseRangeOperation, target, offset, length);
}

const insertRangeOperation = changing("insertRange");

/**
 * Puts a hole into a file: what was there and after it moves on, without being copied, and the file
 * is so much longer.
 *
 * @param target A path, `dir.at(name)`, a `File` or a descriptor that is open for writing.
 * @param offset Where the hole is to begin: a multiple of the filesystem's block size, before the end
 * of the file.
 * @param length Bytes, at least 1: a multiple of the block size.
 * @throws {FsError} `EINVAL` for another range, with the block size in the message; `EFBIG` if the
 * file would be too long; `ENOTSUP` where the filesystem cannot; else as {@link preallocate}.
 *
 * Linux: fallocate with FALLOC_FL_INSERT_RANGE, on ext4 and XFS; units as for {@link collapseRange}.
 *
 * Windows: `ENOTSUP`.
 *
 * @example
 * ```ts
 * import { insertRange, stat, statfs, writeFile } from "bun-fs-extended";
 *
 * const { blockSize } = await statfs(".");
 * await writeFile("table", new Uint8Array(2 * blockSize));
 * await insertRange("table", blockSize, blockSize).catch((error) => {
 *   if (error.code !== "ENOTSUP") throw error; // this filesystem cannot
 * });
 * console.log((await stat("table")).size / blockSize, "blocks");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/fallocate.2.html | fallocate(2)}
 */
export function insertRange(target: Target, offset: number, length: number): Promise<void> {
	return run(insertRangeOperation, target, offset, length);
}

/** The synchronous form of {@link insertRange}. */
export function insertRangeSync(target: Target, offset: number, length: number): void {
	runSync(insertRangeOperation, target, offset, length);
}
