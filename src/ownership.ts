import type { Operation } from "./engine/operation.ts";
import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { invalidArgument } from "./errors.ts";
import { subjectOf, type Target } from "./location.ts";
import { type FollowOptions, followOptions } from "./metadata.ts";
import { optionsOf, schemas, type Zod } from "./options.ts";
import { system } from "./sys/index.ts";

/** Whom a file is to belong to: by numbers, or, on Windows, by SIDs. */
export interface Owner {
	/** The number of the user, 0 to 4294967294; undefined leaves it as it is. */
	uid?: number | undefined;
	/** The number of the group, 0 to 4294967294; undefined leaves it as it is. */
	gid?: number | undefined;
	/** The SID of the account, such as `"S-1-5-18"` (Windows); undefined leaves it as it is. */
	owner?: string | undefined;
	/** The SID of the group, such as `"S-1-5-32-545"` (Windows); undefined leaves it as it is. */
	group?: string | undefined;
}

/** One less than the number that tells the system to leave an id as it is. */
const MOST_ID = 4294967294;

const SID = /^S-1-(?:\d+|0x[\da-f]{12})(?:-\d+){1,15}$/i;
const NO_SID = "expected an account's SID, such as S-1-5-32-544";

const sid = (z: Zod) => z.optional(z.string({ error: NO_SID }).check(z.regex(SID, NO_SID)));

const checkOwner = optionsOf<Owner>("chown", (z) => ({
	uid: schemas.integer(z, 0, MOST_ID),
	gid: schemas.integer(z, 0, MOST_ID),
	owner: sid(z),
	group: sid(z),
}));
const checkChown = followOptions("chown");
const checkCopyOwner = followOptions("copyOwner");

function chownOperation(
	scope: Scope,
	target: Target,
	owner: Owner,
	options: FollowOptions | undefined,
) {
	if (owner === undefined) {
		throw invalidArgument("ERR_INVALID_ARG_TYPE", 'The "owner" argument must be an object');
	}
	const wanted = checkOwner(owner);
	const { follow = true } = checkChown(options);
	return system.ownership.chown(scope, subjectOf(scope, target), wanted, follow);
}

/**
 * Gives a file or directory to another user or group.
 *
 * @param target A path, `dir.at(name)`, a `File`, a `Dir` or a descriptor.
 * @param owner `uid`, `gid`: 0 to 4294967294 each, or left out to stay as it is. On Windows `owner`,
 * `group`: strings such as `"S-1-5-32-544"`.
 * @param options `follow`: false gives away a symbolic link itself.
 * @throws {FsError} `ENOENT`, `EPERM` if this process may not give the file away, `ENOTSUP` for an
 * account that is named as this system does not name them, `EROFS`, `EBADF`,
 * `EXDEV` for a name that leaves a confined directory.
 *
 * Linux: fchownat, fchown. The kernel takes set-user-id and set-group-id off a file that is given
 * away, also when neither id changes: set the mode afterwards. `owner` and `group` are `ENOTSUP`.
 *
 * Windows: NtSetSecurityObject with `owner` and `group`; `uid` and `gid` are `ENOTSUP`. To give a file
 * to another account than one's own takes the privilege SeRestorePrivilege.
 *
 * @example
 * ```ts
 * import { chownSync, statSync } from "bun-fs-extended";
 * import { writeFileSync } from "node:fs";
 *
 * writeFileSync("file", "");
 * const { uid, gid } = statSync("file");
 * chownSync("file", { gid });
 * if (statSync("file").uid !== uid) throw new Error("the user should be the same");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/chown.2.html | chown(2)}
 */
export function chown(target: Target, owner: Owner, options?: FollowOptions): Promise<void> {
	return run(chownOperation, target, owner, options);
}

/** The synchronous form of {@link chown}. */
export function chownSync(target: Target, owner: Owner, options?: FollowOptions): void {
	runSync(chownOperation, target, owner, options);
}

function* copyOwnerOperation(
	scope: Scope,
	from: Target,
	to: Target,
	options: FollowOptions | undefined,
): Operation<void> {
	const { follow = true } = checkCopyOwner(options);
	const source = subjectOf(scope, from, "from");
	const destination = subjectOf(scope, to, "to");
	const { descriptors } = system.ownership;
	if (descriptors !== undefined) {
		return yield* descriptors.copy(scope, source, destination, "owner", follow);
	}
	const { uid, gid } = yield* system.metadata.stat(scope, source, { follow, sync: "auto" });
	yield* system.ownership.chown(scope, destination, { uid, gid }, follow);
}

/**
 * Gives a file or directory to the user and group that another one belongs to.
 *
 * @param from Whose owner to take: a path, `dir.at(name)`, a `File`, a `Dir` or a descriptor.
 * @param to What to give to them: the same choice.
 * @param options `follow`: false takes both, if they are symbolic links, for the links themselves.
 * @throws {FsError} As {@link chown} does, and `EACCES` if `from` may not be looked up.
 *
 * Linux: statx, then fchownat or fchown, which take set-user-id and set-group-id off `to`.
 *
 * Windows: NtQuerySecurityObject, then NtSetSecurityObject if `to` has another owner or group.
 *
 * @example
 * ```ts
 * import { copyOwner, stat } from "bun-fs-extended";
 * import { writeFileSync } from "node:fs";
 *
 * writeFileSync("new", "");
 * await copyOwner(".", "new");
 * if ((await stat("new")).gid !== (await stat(".")).gid) throw new Error("another group");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/chown.2.html | chown(2)}
 */
export function copyOwner(from: Target, to: Target, options?: FollowOptions): Promise<void> {
	return run(copyOwnerOperation, from, to, options);
}

/** The synchronous form of {@link copyOwner}. */
export function copyOwnerSync(from: Target, to: Target, options?: FollowOptions): void {
	runSync(copyOwnerOperation, from, to, options);
}
