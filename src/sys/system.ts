/**
 * The contract: what each operating system provides, one interface per capability. Everything
 * here is an operation made of that system's own calls; a failure is thrown as an `FsError`.
 *
 * What a system or a filesystem cannot do throws `ENOTSUP`, which says what is lacking and where.
 */
import type { Kernel, Lane } from "../engine/call.ts";
import type { Operation } from "../engine/operation.ts";
import type { Scope } from "../engine/scope.ts";
import type { Metadata } from "./metadata.ts";

/** The system's number of an open file or directory. */
export type Handle = number;

/** A name and where it is looked up. Plain data: it can be sent to another thread. */
export interface Place {
	/** The directory that a relative path starts from; the process's own when undefined. */
	readonly directory: Handle | undefined;
	readonly path: string | Uint8Array;
	/** Whether the path must not leave `directory`, whatever links it meets: `EXDEV` if it would. */
	readonly beneath: boolean;
}

/** What an operation is about: something with a name, or something open. */
export type Subject = Place | Handle;

/** How to open a file; all of it false or undefined unless said. */
export interface OpenHow {
	readonly read?: boolean;
	readonly write?: boolean;
	readonly append?: boolean;
	readonly create?: boolean;
	readonly exclusive?: boolean;
	readonly truncate?: boolean;
	/** Open a directory, and nothing else. */
	readonly directory?: boolean;
	/** Only to look names up from it: no permission to read is needed, and no content to be had. */
	readonly path?: boolean;
	/** Fail with ELOOP if the name is a symbolic link. */
	readonly noFollow?: boolean;
	/** Past the page cache. */
	readonly direct?: boolean;
	/** A file without a name in the directory that the place names. */
	readonly temporary?: boolean;
	readonly synchronous?: "data" | "full";
	readonly nonBlocking?: boolean;
	readonly noAtime?: boolean;
	/** The permissions of a file that is created, before the process's mask is taken off. */
	readonly mode?: number;
}

/** A stretch of a file that holds data, or a hole in it. */
export interface Extent {
	readonly kind: "data" | "hole";
	readonly offset: number;
	readonly length: number;
}

export interface FileSystem {
	open(scope: Scope, place: Place, how: OpenHow): Operation<Handle>;
	close(scope: Scope, handle: Handle): Operation<void>;
	/** One read, which may be short; `position` null reads on from where the last one ended. */
	read(
		scope: Scope,
		handle: Handle,
		address: number,
		length: number,
		position: number | null,
	): Operation<number>;
	/** One write, which may be short; `"end"` appends whatever the flags of the file say. */
	write(
		scope: Scope,
		handle: Handle,
		address: number,
		length: number,
		position: number | null | "end",
	): Operation<number>;
	sync(scope: Scope, handle: Handle): Operation<void>;
	datasync(scope: Scope, handle: Handle): Operation<void>;
	truncate(scope: Scope, handle: Handle, length: number): Operation<void>;
	/** The data or the hole that begins at `offset`, as far as `end`, which is after it. */
	extent(scope: Scope, handle: Handle, offset: number, end: number): Operation<Extent>;
	/** Gives a name to a file that was opened as `temporary`. */
	publish(scope: Scope, handle: Handle, place: Place): Operation<void>;
}

/** One entry of a directory; the name is bytes. */
export interface DirectoryRecord {
	readonly name: Uint8Array;
	/** Undefined where the filesystem does not say without being asked for metadata. */
	readonly kind: Metadata["kind"] | undefined;
	readonly ino: bigint;
}

export interface DirectorySystem {
	/** The next entries of an open directory, without `.` and `..`; empty after the last. */
	read(scope: Scope, handle: Handle): Operation<DirectoryRecord[]>;
	mkdir(scope: Scope, place: Place, mode: number): Operation<void>;
	rmdir(scope: Scope, place: Place): Operation<void>;
	unlink(scope: Scope, place: Place): Operation<void>;
}

export interface StatHow {
	readonly follow: boolean;
	/** `"force"` asks the server of a network filesystem, `"never"` is content with its cache. */
	readonly sync: "auto" | "force" | "never";
}

/** A time to set: nanoseconds since 1970, or what the system can do without being told one. */
export type TimeToSet = bigint | "now" | "keep";

export interface TimesToSet {
	readonly atime: TimeToSet;
	readonly mtime: TimeToSet;
	readonly birthtime: TimeToSet;
}

export interface MetadataSystem {
	stat(scope: Scope, subject: Subject, how: StatHow): Operation<Metadata>;
	chmod(scope: Scope, subject: Subject, mode: number, follow: boolean): Operation<void>;
	utimes(scope: Scope, subject: Subject, times: TimesToSet, follow: boolean): Operation<void>;
	access(scope: Scope, place: Place, mode: AccessMode, follow: boolean): Operation<void>;
}

export interface AccessMode {
	readonly read: boolean;
	readonly write: boolean;
	readonly execute: boolean;
}

export interface OwnershipSystem {
	/** An undefined id is left as it is. */
	chown(
		scope: Scope,
		subject: Subject,
		owner: { readonly uid: number | undefined; readonly gid: number | undefined },
		follow: boolean,
	): Operation<void>;
}

export interface XattrSystem {
	get(
		scope: Scope,
		subject: Subject,
		name: string | Uint8Array,
		follow: boolean,
	): Operation<Uint8Array<ArrayBuffer>>;
	set(
		scope: Scope,
		subject: Subject,
		name: string | Uint8Array,
		value: Uint8Array,
		how: "create" | "replace" | "either",
		follow: boolean,
	): Operation<void>;
	list(scope: Scope, subject: Subject, follow: boolean): Operation<Uint8Array<ArrayBuffer>[]>;
	remove(
		scope: Scope,
		subject: Subject,
		name: string | Uint8Array,
		follow: boolean,
	): Operation<void>;
}

export interface SymlinkSystem {
	/** `type` matters on Windows alone, and what `"auto"` finds out is its own affair. */
	symlink(
		scope: Scope,
		target: string | Uint8Array,
		place: Place,
		type: "auto" | "file" | "dir" | "junction",
	): Operation<void>;
	readlink(scope: Scope, place: Place): Operation<Uint8Array<ArrayBuffer>>;
}

export interface HardlinkSystem {
	link(scope: Scope, existing: Place, place: Place, follow: boolean): Operation<void>;
}

export interface DeviceSystem {
	/** Makes a fifo, a socket, a device or an empty file; `number` as `stat` gives it. */
	mknod(
		scope: Scope,
		place: Place,
		kind: Metadata["kind"],
		mode: number,
		number: bigint,
	): Operation<void>;
}

export interface RenameSystem {
	rename(
		scope: Scope,
		from: Place,
		to: Place,
		how: "replace" | "noReplace" | "exchange" | "whiteout",
	): Operation<void>;
}

/** How the content of a file is to be copied. */
export interface ContentHow {
	readonly reflink: "auto" | "always" | "never";
	readonly holes: "keep" | "fill" | "detect";
	/** Bytes of the source, as its metadata says. */
	readonly size: number;
	/** Whether the source may have holes, as far as its metadata tells. */
	readonly sparse: boolean;
	/**
	 * What turned out not to work for files like this one, so that a tree need not try it again for
	 * each: looked at before, and added to.
	 */
	readonly refused?: Set<"reflink" | "unnamed"> | undefined;
	/** Told how many bytes of the source are done with, holes included. */
	readonly progress?: ((done: number) => void) | undefined;
}

export interface ContentCopied {
	/** Bytes of content in the destination, holes included. */
	readonly bytes: number;
	/** How many holes the destination was given. */
	readonly holes: number;
	/** By what: the field's name for it, such as `"reflink"` or `"copy_file_range"`. */
	readonly method: string;
}

export interface CopySystem {
	/**
	 * Makes a file with the content of an open one: `"new"`, where nothing may be yet; as a
	 * `"replacement"` of what is there, emptied and filled; or `"unnamed"` in the directory that the
	 * place is, to be given its name by `publish`. The file is handed back open, for its metadata to
	 * be set; when this throws, a file that it made is gone again.
	 */
	create(
		scope: Scope,
		source: Handle,
		destination: Place,
		how: ContentHow & {
			readonly mode: number;
			readonly as: "new" | "replacement" | "unnamed";
		},
	): Operation<ContentCopied & { readonly handle: Handle }>;
	/** One copy of a range inside the kernel where it can; may be short, 0 at the end of file. */
	range(
		scope: Scope,
		source: Handle,
		sourceOffset: number,
		destination: Handle,
		destinationOffset: number,
		length: number,
	): Operation<number>;
	/** Shares the blocks of a range, or throws `ENOTSUP`. */
	cloneRange(
		scope: Scope,
		source: Handle,
		sourceOffset: number,
		destination: Handle,
		destinationOffset: number,
		length: number,
	): Operation<void>;
}

/** One line of what a system can do. */
export interface Capability {
	/** The operation or property, by its name in this library. */
	readonly name: string;
	/** Whether it is a matter of the running system or of the filesystem. */
	readonly of: "system" | "filesystem";
	/** Undefined where it could not be found out; `note` then says why. */
	readonly supported: boolean | undefined;
	/** The call, or the emulation, that does it. */
	readonly by?: string;
	/** The opcode of the queue into the kernel that makes this call for promise forms. */
	readonly opcode?: string;
	/** Why not, or what to know about it. */
	readonly note?: string;
}

/** A filesystem, and what it can do. */
export interface FilesystemCapabilities {
	/** The system's name for its type, such as `"ext4"`; undefined where it has none. */
	readonly type: string | undefined;
	/** Where it is mounted; undefined where that is not known. */
	readonly mountPoint: string | undefined;
	readonly operations: readonly Capability[];
}

export interface CapabilitySystem {
	/** How the kernel's functions are called: `"shim"`, `"libc"`, and why not another way. */
	entry(): { readonly by: string; readonly note?: string };
	/** Whether calls can be made at once that need not wait, without blocking. */
	immediate(scope: Scope): Operation<boolean>;
	/** What the running system can do, whatever the filesystem; `queue` is this thread's. */
	machine(scope: Scope, queue: Lane | undefined): Operation<Capability[]>;
	/**
	 * What the filesystem of a directory, or of the directory that a file is in, can do, found out
	 * on temporary files of its own.
	 */
	filesystem(scope: Scope, place: Place): Operation<FilesystemCapabilities>;
}

export interface System {
	readonly name: string;
	readonly kernel: Kernel;
	readonly file: FileSystem;
	readonly directory: DirectorySystem;
	readonly metadata: MetadataSystem;
	readonly ownership: OwnershipSystem;
	readonly xattr: XattrSystem;
	readonly symlink: SymlinkSystem;
	readonly hardlink: HardlinkSystem;
	readonly rename: RenameSystem;
	readonly device: DeviceSystem;
	readonly copy: CopySystem;
	readonly capabilities: CapabilitySystem;
}
