import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { subjectOf, type Target } from "./location.ts";
import { system } from "./sys/index.ts";
import type { FilesystemStatus } from "./sys/system.ts";

export type { FilesystemStatus } from "./sys/system.ts";

function statfsOperation(scope: Scope, target: Target) {
	return system.statfs.statfs(scope, subjectOf(scope, target));
}

/**
 * What the system knows about the filesystem that holds a file: its type, its size, what is left.
 *
 * Counts are in blocks of `blockSize` bytes: `availableBlocks * BigInt(blockSize)` bytes are left for
 * users.
 *
 * @param target A path, `dir.at(name)`, a `File`, a `Dir` or a descriptor. Links are followed.
 * @returns The status; sizes are bigint.
 * @throws {FsError} `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `EBADF` for a descriptor that is not
 * open, `EXDEV` for a name that leaves a confined directory.
 *
 * Linux: statfs, fstatfs; the type by its number, and from /proc/self/mountinfo where types share
 * one (ext2, ext3, ext4; vfat, msdos; nfs, nfs4) or are programs of their own (`"fuse.sshfs"`).
 *
 * Windows: NtQueryVolumeInformationFile; blocks are clusters, `type` is the system's name (`"NTFS"`),
 * `id` the serial number of the volume, and there is no count of files.
 *
 * @example
 * ```ts
 * import { statfs } from "bun-fs-extended";
 *
 * const { type, availableBlocks, blockSize } = await statfs(".");
 * console.log(`${availableBlocks * BigInt(blockSize)} bytes are left on this ${type}`);
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/statfs.2.html | statfs(2)}
 */
export function statfs(target: Target): Promise<FilesystemStatus> {
	return run(statfsOperation, target);
}

/** The synchronous form of {@link statfs}. */
export function statfsSync(target: Target): FilesystemStatus {
	return runSync(statfsOperation, target);
}
