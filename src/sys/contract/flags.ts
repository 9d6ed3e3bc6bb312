import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Subject } from "../system.ts";

/** Flags that a filesystem keeps for a file; a system has only some of them. */
export interface FileFlags {
	/** Nothing about the file can be changed. */
	readonly immutable: boolean;
	/** The file can only be appended to. */
	readonly append: boolean;
	/** Backups leave the file out. */
	readonly nodump: boolean;
	/** Reading the file does not set when it was read. */
	readonly noatime: boolean;
	/** The content is written to the disk at once. */
	readonly sync: boolean;
	/** Changes of the directory are written to the disk at once. */
	readonly dirsync: boolean;
	/** The content is kept compressed. */
	readonly compressed: boolean;
	/** The content is written in place, never as a copy. */
	readonly nocow: boolean;
	/** Files made in the directory get its project. */
	readonly projectInherit: boolean;
	/** Names in the directory are looked up whatever their case. */
	readonly casefold: boolean;
	/** Listings leave the file out (macOS, Windows). */
	readonly hidden: boolean;
	/** Windows: the file belongs to the system. */
	readonly system: boolean;
	/** Windows: the file has changed since the last backup. */
	readonly archive: boolean;
	/** Windows: the content cannot be changed. */
	readonly readonly: boolean;
}

export interface FlagsSystem {
	get(scope: Scope, subject: Subject, follow: boolean): Operation<FileFlags>;
	/** Sets those that are named and leaves the others; `ENOTSUP` for one that the system lacks. */
	set(scope: Scope, subject: Subject, flags: Partial<FileFlags>, follow: boolean): Operation<void>;
}
