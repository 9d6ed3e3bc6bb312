import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { invalidArgument } from "./errors.ts";
import { subjectOf, type Target } from "./location.ts";
import { type FollowOptions, followOptions } from "./metadata.ts";
import { optionsOf, schemas } from "./options.ts";
import { system } from "./sys/index.ts";
import type { FileFlags, FlagChanges } from "./sys/system.ts";

export type { FileFlags, FlagChanges } from "./sys/system.ts";

const checkGet = followOptions("getFlags");
const checkSet = followOptions("setFlags");
const checkChanges = optionsOf<FlagChanges>("setFlags", (z) => {
	const flag = () => schemas.flag(z);
	return {
		immutable: flag(),
		append: flag(),
		nodump: flag(),
		noatime: flag(),
		sync: flag(),
		dirsync: flag(),
		compressed: flag(),
		nocompress: flag(),
		nocow: flag(),
		journalData: flag(),
		dax: flag(),
		projectInherit: flag(),
		casefold: flag(),
		hidden: flag(),
		system: flag(),
		archive: flag(),
		readonly: flag(),
	};
});

function getFlagsOperation(scope: Scope, target: Target, options: FollowOptions | undefined) {
	const { follow = true } = checkGet(options);
	return system.flags.get(scope, subjectOf(scope, target), follow);
}

/**
 * Tells which flags a file or directory has, such as that nobody may change it.
 *
 * @param target A path, `dir.at(name)`, a `File`, a `Dir` or a descriptor.
 * @param options `follow`: false does not follow a symbolic link, which has no flags itself.
 * @returns Every flag, false where the system or the filesystem does not have it.
 * @throws {FsError} `ENOTSUP` where the filesystem keeps no flags, or for what is neither file nor
 * directory, `EACCES` if it may not be read, `ENOENT`, `EXDEV` for a name that leaves a confined
 * directory.
 *
 * Linux: FS_IOC_GETFLAGS on the file, which is opened for reading; devices and fifos are not opened.
 *
 * Windows: file attributes (`hidden`, `system`, `archive`, `readonly`, `compressed`), which a symbolic
 * link has too.
 *
 * @example
 * ```ts
 * import { getFlags, writeFile } from "bun-fs-extended";
 *
 * await writeFile("file", "");
 * const flags = await getFlags("file").catch(({ code }) => code);
 * if (flags !== "ENOTSUP" && flags.immutable) throw new Error("it was made a moment ago");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/ioctl_iflags.2.html | ioctl_iflags(2)}
 */
export function getFlags(target: Target, options?: FollowOptions): Promise<FileFlags> {
	return run(getFlagsOperation, target, options);
}

/** The synchronous form of {@link getFlags}. */
export function getFlagsSync(target: Target, options?: FollowOptions): FileFlags {
	return runSync(getFlagsOperation, target, options);
}

function setFlagsOperation(
	scope: Scope,
	target: Target,
	flags: FlagChanges,
	options: FollowOptions | undefined,
) {
	if (flags === undefined) {
		throw invalidArgument("ERR_INVALID_ARG_TYPE", 'The "flags" argument must be an object');
	}
	const changes = checkChanges(flags);
	const { follow = true } = checkSet(options);
	return system.flags.set(scope, subjectOf(scope, target), changes, follow);
}

/**
 * Sets flags of a file or directory and takes others away: all that are named, or none.
 *
 * The system only takes all flags of a file at once. Those that are not named are set to what they
 * were a moment before, which undoes what somebody else did to them in that moment.
 *
 * @param target A path, `dir.at(name)`, a `File`, a `Dir` or a descriptor.
 * @param flags True for those to be set, false for those to be taken away; the others stay.
 * @param options `follow`: false does not follow a symbolic link, which has no flags itself.
 * @throws {FsError} `EPERM` for `immutable` and `append` without the privilege
 * (CAP_LINUX_IMMUTABLE) or if the file is another user's, `ENOTSUP` for a flag that the system or
 * the filesystem does not have, or for what is neither file nor directory, `EINVAL` for flags that
 * exclude each other, `EACCES` if the file may not be read, `EROFS`, `ENOENT`, `EXDEV` for a name
 * that leaves a confined directory.
 *
 * Linux: FS_IOC_GETFLAGS and FS_IOC_SETFLAGS on the file, which is opened for reading; it has no
 * `hidden`, `system`, `archive` and `readonly`.
 *
 * Windows: file attributes, and FSCTL_SET_COMPRESSION, which has all of the content rewritten; it has
 * none of the other flags.
 *
 * @example
 * ```ts
 * import { getFlags, setFlags, writeFile } from "bun-fs-extended";
 *
 * await writeFile("scratch", "");
 * const code = await setFlags("scratch", { nodump: true }).catch((error) => error.code);
 * if (code !== "ENOTSUP" && !(await getFlags("scratch")).nodump) throw new Error("not set");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man1/chattr.1.html | chattr(1)}
 */
export function setFlags(
	target: Target,
	flags: FlagChanges,
	options?: FollowOptions,
): Promise<void> {
	return run(setFlagsOperation, target, flags, options);
}

/** The synchronous form of {@link setFlags}. */
export function setFlagsSync(target: Target, flags: FlagChanges, options?: FollowOptions): void {
	runSync(setFlagsOperation, target, flags, options);
}
