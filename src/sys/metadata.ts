/** What a file is. */
export type FileKind =
	| "file"
	| "directory"
	| "symlink"
	| "fifo"
	| "socket"
	| "character-device"
	| "block-device"
	| "unknown";

/** Properties that a filesystem can give a file; false where it does not have them. */
export interface FileAttributes {
	/** The filesystem keeps the content compressed. */
	readonly compressed: boolean;
	/** Nothing about the file can be changed. */
	readonly immutable: boolean;
	/** The file can only be appended to. */
	readonly append: boolean;
	/** Backups by dump(8) leave the file out. */
	readonly nodump: boolean;
	/** The filesystem keeps the content encrypted. */
	readonly encrypted: boolean;
	/** The content is sealed and checked as it is read (fs-verity). */
	readonly verity: boolean;
	/** The file is memory itself, without a page cache. */
	readonly dax: boolean;
	/** A direct write of a length that the device allows is done all at once or not at all. */
	readonly writeAtomic: boolean;
	/** The file is the root of a mount. */
	readonly mountRoot: boolean;
	/** Something is mounted on the directory when it is entered. */
	readonly automount: boolean;
}

/** How `stat` is asked about what has a name, or is open, itself. */
export const ITSELF = { follow: false, sync: "auto" } as const;
/** How it is asked about what a name leads to. */
export const FOLLOWED = { follow: true, sync: "auto" } as const;

const MILLION = 1_000_000n;

/** Milliseconds, rounded down also before 1970. */
function toDate(nanoseconds: bigint): Date {
	const floor = nanoseconds >= 0n ? nanoseconds : nanoseconds - (MILLION - 1n);
	return new Date(Number(floor / MILLION));
}

/**
 * What a system knows about a file or directory. Times are nanoseconds since 1970, negative before,
 * as bigint, with a `Date` beside each; inode and device numbers are bigint.
 *
 * Fields are read from the system's own record when they are asked for; `toJSON` gives them all.
 *
 * @example
 * ```ts
 * import { statSync } from "bun-fs-extended";
 *
 * const metadata = statSync("/etc");
 * if (!metadata.isDirectory()) throw new Error("/etc is a directory");
 * console.log(metadata.mtimeNs, metadata.mtime.toISOString(), metadata.birthtimeNs);
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/statx.2.html | statx(2)}
 */
export abstract class Metadata {
	/** What the file is, in one word. */
	abstract readonly kind: FileKind;
	/** Type and permission bits, as in `st_mode`. */
	abstract readonly mode: number;
	/** Bytes of content; of a symbolic link, of its target. */
	abstract readonly size: number;
	/** Blocks of 512 bytes that are allocated. */
	abstract readonly blocks: number;
	/** The block size in bytes that suits reads and writes. */
	abstract readonly blockSize: number;
	/** The inode number: with `dev` it tells the file from all others. */
	abstract readonly ino: bigint;
	/** The device that holds the file, as `st_dev` has it. */
	abstract readonly dev: bigint;
	/** The device that the file is, if it is one. */
	abstract readonly rdev: bigint;
	/** How many names the file has. */
	abstract readonly nlink: number;
	/** The number of the user that the file belongs to; 0 on Windows, whose accounts have none. */
	abstract readonly uid: number;
	/** The number of the group that the file belongs to; 0 on Windows. */
	abstract readonly gid: number;
	/** When the content was read last, as far as the filesystem keeps that. */
	abstract readonly atimeNs: bigint;
	/** When the content was written last. */
	abstract readonly mtimeNs: bigint;
	/** When content or metadata were changed last. */
	abstract readonly ctimeNs: bigint;
	/** When the file was made; undefined where the filesystem does not keep it. */
	abstract readonly birthtimeNs: bigint | undefined;
	/** The mount that the file was reached through; undefined where the system does not say. */
	abstract readonly mountId: bigint | undefined;
	/** The subvolume that holds the file; undefined where the filesystem has none, as most. */
	abstract readonly subvolume: bigint | undefined;
	/** Properties that the filesystem gives the file. */
	abstract readonly attributes: FileAttributes;
	/** What direct I/O on this file demands, in bytes; undefined where it is not known. */
	abstract readonly directIo:
		| { readonly memoryAlign: number; readonly offsetAlign: number }
		| undefined;

	/**
	 * How long a direct write can be that is done all at once or not at all, in bytes, and of how many
	 * pieces of memory; undefined where there are no such writes.
	 */
	abstract readonly atomicWrite:
		| { readonly unitMin: number; readonly unitMax: number; readonly segmentsMax: number }
		| undefined;

	/** The permission bits, with set-user-id, set-group-id and sticky. */
	get permissions(): number {
		return this.mode & 0o7777;
	}

	/** The time of `atimeNs`, to the millisecond. */
	get atime(): Date {
		return toDate(this.atimeNs);
	}

	/** The time of `mtimeNs`, to the millisecond. */
	get mtime(): Date {
		return toDate(this.mtimeNs);
	}

	/** The time of `ctimeNs`, to the millisecond. */
	get ctime(): Date {
		return toDate(this.ctimeNs);
	}

	/** The time of `birthtimeNs`, to the millisecond, where there is one. */
	get birthtime(): Date | undefined {
		return this.birthtimeNs === undefined ? undefined : toDate(this.birthtimeNs);
	}

	/** True for a regular file. */
	isFile(): boolean {
		return this.kind === "file";
	}

	/** True for a directory. */
	isDirectory(): boolean {
		return this.kind === "directory";
	}

	/** True for a symbolic link, which `stat` shows with `follow: false`. */
	isSymbolicLink(): boolean {
		return this.kind === "symlink";
	}

	/** True for a fifo. */
	isFIFO(): boolean {
		return this.kind === "fifo";
	}

	/** True for a socket. */
	isSocket(): boolean {
		return this.kind === "socket";
	}

	/** True for a character device. */
	isCharacterDevice(): boolean {
		return this.kind === "character-device";
	}

	/** True for a block device. */
	isBlockDevice(): boolean {
		return this.kind === "block-device";
	}

	/** Every field as plain data; 64-bit numbers as decimal strings. */
	toJSON(): Record<string, unknown> {
		const { kind, mode, size, blocks, blockSize, nlink, uid, gid } = this;
		const { attributes, directIo, atomicWrite } = this;
		return {
			kind,
			mode,
			size,
			blocks,
			blockSize,
			ino: String(this.ino),
			dev: String(this.dev),
			rdev: String(this.rdev),
			nlink,
			uid,
			gid,
			atimeNs: String(this.atimeNs),
			mtimeNs: String(this.mtimeNs),
			ctimeNs: String(this.ctimeNs),
			birthtimeNs: this.birthtimeNs === undefined ? undefined : String(this.birthtimeNs),
			mountId: this.mountId === undefined ? undefined : String(this.mountId),
			subvolume: this.subvolume === undefined ? undefined : String(this.subvolume),
			attributes,
			directIo,
			atomicWrite,
		};
	}

	[Symbol.for("nodejs.util.inspect.custom")](): Record<string, unknown> {
		return this.toJSON();
	}
}
