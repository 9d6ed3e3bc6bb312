import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Subject } from "../system.ts";

/** What a system knows about a filesystem. */
export interface FilesystemStatus {
	/** The system's name of its type, such as `"ext4"`; a hexadecimal number where it has none. */
	readonly type: string;
	/** Bytes in a block, the unit of the counts of blocks. */
	readonly blockSize: number;
	/** Blocks in all. */
	readonly blocks: bigint;
	/** Blocks that are free. */
	readonly freeBlocks: bigint;
	/** Blocks that are free for users without privileges. */
	readonly availableBlocks: bigint;
	/** Inodes in all; 0 where there is no such limit. */
	readonly files: bigint;
	/** Inodes that are free. */
	readonly freeFiles: bigint;
	/** The most bytes (on Windows: UTF-16 units) in a name. */
	readonly nameLength: number;
	/** A number that tells it from other filesystems, as far as the system gives one. */
	readonly id: bigint;
	/** Mounted read-only. */
	readonly readOnly: boolean;
}

export interface StatfsSystem {
	statfs(scope: Scope, subject: Subject): Operation<FilesystemStatus>;
}
