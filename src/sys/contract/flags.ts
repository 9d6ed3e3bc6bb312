import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Handle, Subject } from "../system.ts";

/**
 * Flags that a filesystem keeps for a file. A system has only some of them, and a filesystem only
 * some of those; the others are false.
 */
export interface FileFlags {
	/** Nothing about the file can be changed, and it can be neither renamed nor removed. */
	readonly immutable: boolean;
	/** The file can only be appended to; of a directory, entries can be made and not removed. */
	readonly append: boolean;
	/** Backups by dump(8) leave the file out. */
	readonly nodump: boolean;
	/** Reading the file does not set when it was read. */
	readonly noatime: boolean;
	/** The content is written to the disk at once. */
	readonly sync: boolean;
	/** Changes of the directory are written to the disk at once. */
	readonly dirsync: boolean;
	/** New content is kept compressed (ext4 keeps the flag, and compresses nothing). */
	readonly compressed: boolean;
	/** New content is not compressed, even where the mount would do so (btrfs). */
	readonly nocompress: boolean;
	/** The content is written in place, never as a copy (btrfs, which takes it of empty files only). */
	readonly nocow: boolean;
	/** The content goes through the journal of the filesystem too (ext4). */
	readonly journalData: boolean;
	/** The content is accessed as memory, without a page cache. */
	readonly dax: boolean;
	/** Files made in the directory get its project. */
	readonly projectInherit: boolean;
	/** Names in the directory are looked up whatever their case. */
	readonly casefold: boolean;
	/** Listings leave the file out (macOS, Windows). */
	readonly hidden: boolean;
	/** The file belongs to the system (Windows). */
	readonly system: boolean;
	/** The file has changed since the last backup (Windows). */
	readonly archive: boolean;
	/** The content cannot be changed (Windows). */
	readonly readonly: boolean;
}

/** Flags to be set (true) and taken away (false); the others stay. */
export type FlagChanges = { readonly [Name in keyof FileFlags]?: boolean | undefined };

export interface FlagsSystem {
	/** `ENOTSUP` for what has none: it is neither file nor directory, or its filesystem keeps none. */
	get(scope: Scope, subject: Subject, follow: boolean): Operation<FileFlags>;
	/**
	 * What is to be changed about the flags of one open file for it to have those of another: nothing
	 * if the filesystem of the other keeps none.
	 */
	difference(scope: Scope, from: Handle, to: Handle): Operation<FlagChanges>;
	/**
	 * Makes all the changes or none; `ENOTSUP` for a flag to be set that the system or the filesystem
	 * lacks.
	 */
	set(scope: Scope, subject: Subject, changes: FlagChanges, follow: boolean): Operation<void>;
}
