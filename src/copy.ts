import type { CopyHow } from "./copy-file.ts";
import type { FileHooks } from "./copy-named.ts";
import { offloadable } from "./engine/offload.ts";
import { invalidArgument } from "./errors.ts";
import { type Location, locate } from "./location.ts";
import { optionsOf, type Shape, schemas, type Zod } from "./options.ts";
import { type Preserve, preserved, preserveSchema } from "./preserved.ts";

export type { Preserve } from "./preserved.ts";

/** How files are copied. */
export interface CopyOptions {
	/**
	 * Share blocks with the source: where it can be (`"auto"`), or fail, or never. Only a copy that
	 * keeps holes can share them.
	 */
	reflink?: "auto" | "always" | "never" | undefined;
	/** Holes: kept, filled with zeros, or made wherever there are blocks of zeros. Default keep. */
	holes?: "keep" | "fill" | "detect" | undefined;
	/**
	 * Which metadata the copy keeps. What is named must be kept or the copy fails, except that `mode`
	 * has set-user-id and set-group-id only together with `owner`; `"all"` keeps what this user and
	 * this filesystem can and reports the rest. Default `{ mode: true }`.
	 */
	preserve?: Preserve | "all" | "none" | undefined;
	/** Replace what is there: true, only what is older, or fail with `EEXIST`. Default true. */
	overwrite?: boolean | "newer" | undefined;
	/**
	 * Make the copy without a name, or under another one, and move it into place when it is whole.
	 * Default true. Without it a file that is there is emptied and written anew: a failure leaves what
	 * has been written by then.
	 */
	atomic?: boolean | undefined;
	/**
	 * Wait until content and name are on the disk. Default false. When putting the name there fails,
	 * the copy is in its place all the same.
	 */
	sync?: boolean | undefined;
	/** Read source and copy once more, but for holes that both have, and compare them. Default false. */
	verify?: boolean | undefined;
	/** Ends the copy early with an `AbortError`. */
	signal?: AbortSignal | undefined;
}

/** Options of `copyFile`. */
export interface CopyFileOptions extends CopyOptions {
	/** Called at most 20 times a second while bytes are copied or verified, and once when all are. */
	onProgress?: ((progress: CopyProgress) => void) | undefined;
}

/** How far the copy of a file is. */
export interface CopyProgress {
	/** Bytes of the source that are done with, holes included. */
	readonly bytes: number;
	/** With `verify`: bytes of the copy that have been compared with the source, holes included. */
	readonly verified: number;
	/** Bytes that the source has. */
	readonly total: number;
}

/** What a copy did. */
export interface CopyReport {
	/** Bytes of content, holes included. */
	readonly bytes: number;
	/** How many holes the copy was given; with a reflink it has those of its source besides. */
	readonly holes: number;
	/**
	 * `"reflink"`, `"copy_file_range"`, `"block-clone"`, `"NtCopyFileChunk"`, `"read-write"`, or
	 * `"skipped"` if it was not older.
	 */
	readonly method: string;
	/**
	 * With `preserve: "all"`: what could not be kept, such as `"owner"`, `"mode (set-id bits)"` or
	 * `"xattr user.a"`.
	 */
	readonly notPreserved: string[];
	/** How long it took, in nanoseconds. */
	readonly durationNs: number;
}

/** Schemas of the options that files and trees have alike. */
export const copyShape = (z: Zod): Shape<CopyOptions> => ({
	reflink: schemas.choice(z, "auto", "always", "never"),
	holes: schemas.choice(z, "keep", "fill", "detect"),
	preserve: preserveSchema(z),
	overwrite: schemas.choice<boolean | "newer">(z, true, false, "newer"),
	atomic: schemas.flag(z),
	sync: schemas.flag(z),
	verify: schemas.flag(z),
	signal: schemas.signal(z),
});

/** The options with their defaults. */
export function copyHow(options: CopyOptions): CopyHow {
	const { reflink, holes = "keep" } = options;
	if (reflink === "always" && holes !== "keep") {
		throw invalidArgument(
			"ERR_INVALID_ARG_VALUE",
			`A reflink keeps holes as they are: reflink "always" and holes "${holes}" exclude each other`,
		);
	}
	return {
		reflink: reflink ?? "auto",
		holes,
		preserve: preserved(options.preserve),
		overwrite: options.overwrite ?? true,
		atomic: options.atomic ?? true,
		sync: options.sync ?? false,
		verify: options.verify ?? false,
	};
}

const checkCopy = optionsOf<CopyFileOptions>("copyFile", (z) => ({
	...copyShape(z),
	onProgress: schemas.callback<(progress: CopyProgress) => void>(z),
}));

const copyOperation = offloadable(
	"copyFile",
	(scope, source: Location, destination: Location, options?: CopyFileOptions) => {
		const { signal, onProgress, ...rest } = checkCopy(options);
		const hooks: FileHooks = { signal, onProgress };
		const from = locate(scope, source, "source");
		const to = locate(scope, destination, "destination");
		return { args: [from, to, copyHow(rest)], hooks };
	},
	() => (require("./copy-named.ts") as typeof import("./copy-named.ts")).copyNamed,
);

/**
 * Copies a file: its content with its holes, and as much of its metadata as is asked for.
 *
 * The copy appears under its name when it is whole (`atomic`), or not at all: a failure or an abort
 * leaves what was there before. A destination that is a symbolic link is followed.
 *
 * @param source A path or `dir.at(name)`.
 * @param destination A path or `dir.at(name)`; must not be the same file.
 * @param options How to copy; see {@link CopyFileOptions}.
 * @returns Bytes, holes, the method that copied them, and the time that it took.
 * @throws {FsError} `ENOENT`, `EACCES`, `EISDIR` if either is a directory, `EINVAL` if both are the
 * same file or one is no file, `EEXIST` with `overwrite: false`, `ENOTSUP` with `reflink: "always"`
 * where blocks cannot be shared or for metadata that cannot be kept, `EPERM` for an owner that may
 * not be set, `ENOSPC`, `EDQUOT`, `EIO`.
 * @throws {AbortError} When the signal fires.
 *
 * Linux: FICLONE, else copy_file_range, else read and write; holes by SEEK_DATA and SEEK_HOLE.
 *
 * Windows: FSCTL_DUPLICATE_EXTENTS_TO_FILE on ReFS, else NtCopyFileChunk (Windows 11 22H2), else read
 * and write; holes by FSCTL_QUERY_ALLOCATED_RANGES, and made by FSCTL_SET_SPARSE. Attributes other than read-only are
 * flags; named streams are extended attributes. A file that is replaced leaves its access list to the
 * copy, and not its owner.
 *
 * @example
 * ```ts
 * import { copyFile, writeFile } from "bun-fs-extended";
 *
 * await writeFile("original", "content");
 * const { bytes, method } = await copyFile("original", "copy", { preserve: "all" });
 * if (bytes !== 7) throw new Error(`copied by ${method}`);
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/copy_file_range.2.html | copy_file_range(2)}
 */
export function copyFile(
	source: Location,
	destination: Location,
	options?: CopyFileOptions,
): Promise<CopyReport> {
	return copyOperation.async(source, destination, options);
}

/** The synchronous form of {@link copyFile}. */
export function copyFileSync(
	source: Location,
	destination: Location,
	options?: CopyFileOptions,
): CopyReport {
	return copyOperation.sync(source, destination, options);
}
