/** Giving a copy the metadata of its source. */
import { attempt } from "./attempt.ts";
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { FsError, isCode, printable } from "./errors.ts";
import { preserveFlags, type Seal } from "./preserve-flags.ts";
import { ACL_ALIAS, type Preserved } from "./preserved.ts";
import { statIfThere } from "./replace.ts";
import { system } from "./sys/index.ts";
import type { Metadata } from "./sys/metadata.ts";
import type { Handle, Place, Subject } from "./sys/system.ts";

/** Where Linux keeps access control lists: in attributes of these names. */
const ACL = "system.posix_acl_";
const SET_ID = 0o6000;
/** What the loss of them is called. */
const SET_ID_BITS = "mode (set-id bits)";
const SET_GID = 0o2000;
const GROUP = 0o070;
const OWNER = 0o700;
/** How often a file is looked at anew that others replace meanwhile. */
const MOST_LOOKS = 16;
/** The list that decides who may do what; the other is what a directory hands down. */
const ACCESS_LIST = "system.posix_acl_access";

/**
 * Sets owner, attributes, permissions, times and flags, in the order in which none undoes another.
 * Names of what could not be kept are put into `lost`. Gives the seals that are left to be set when
 * the copy is where it is to be.
 */
export function* preserve(
	scope: Scope,
	[source, from]: readonly [Subject, Metadata],
	destination: Subject,
	what: Preserved,
	lost: Set<string>,
	mayInherit = true,
): Operation<readonly Seal[]> {
	// By name, what is meant is what has the name, whatever took its place meanwhile.
	const follow = typeof destination === "number";
	const keeping = { strict: what.strict, lost };
	let ownerKept = false;
	if (what.owner) {
		const chown = giveOwner(scope, source, from, destination, follow);
		ownerKept = yield* attempt(keeping, "owner", chown);
	}
	// Whether the source has a list that the copy has not.
	let listLost = false;
	if (what.xattrs || what.acl || what.mode) {
		const names = yield* attributesOf(scope, source, follow);
		if (what.acl && mayInherit) {
			yield* attempt(keeping, "acl", removeInherited(scope, names, destination, follow));
		}
		for (const name of names) {
			const text = printable(name);
			if (text.startsWith(ACL_ALIAS)) continue;
			const isList = text.startsWith(ACL);
			if (!(isList ? what.acl : what.xattrs)) {
				listLost ||= text === ACCESS_LIST;
				continue;
			}
			const copy = copyAttribute(scope, source, destination, name, follow);
			const kept = yield* attempt(keeping, isList ? "acl" : `xattr ${text}`, copy);
			listLost ||= !kept && text === ACCESS_LIST;
		}
	}
	const { descriptors } = system.ownership;
	if (what.acl && descriptors !== undefined) {
		// A list that lets nobody write would keep attributes away as well.
		const list = descriptors.copy(scope, source, destination, "access", follow);
		yield* attempt(keeping, "acl", list);
	}
	if (what.mode && from.kind !== "symlink") {
		const bits = yield* permissionsOf(scope, from, destination, ownerKept, listLost);
		const chmod = system.metadata.chmod(scope, destination, bits, follow);
		const kept = yield* attempt(keeping, "mode", chmod);
		// Without the owner nobody has asked for them.
		if (kept && what.owner && (from.permissions & SET_ID) !== 0) {
			yield* attempt(keeping, SET_ID_BITS, checkSetId(scope, [from, destination], follow));
		}
	}
	if (what.times) {
		const times = { atime: from.atimeNs, mtime: from.mtimeNs, birthtime: "keep" } as const;
		yield* attempt(keeping, "times", system.metadata.utimes(scope, destination, times, follow));
	}
	return what.flags ? yield* preserveFlags(scope, [source, from], destination, keeping) : [];
}

function giveOwner(
	scope: Scope,
	source: Subject,
	{ uid, gid }: Metadata,
	destination: Subject,
	follow: boolean,
): Operation<void> {
	const { chown, descriptors } = system.ownership;
	if (descriptors === undefined) return chown(scope, destination, { uid, gid }, follow);
	return descriptors.copy(scope, source, destination, "owner", follow);
}

/** Systems take these bits away without a word, as Linux does with a group that is not the user's. */
function* checkSetId(
	scope: Scope,
	[from, destination]: readonly [Metadata, Subject],
	follow: boolean,
): Operation<void> {
	const now = yield* system.metadata.stat(scope, destination, { follow, sync: "auto" });
	if ((from.permissions & ~now.permissions & SET_ID) === 0) return;
	const detail = "set-user-id and set-group-id cannot be kept";
	throw new FsError("EPERM", "operation not permitted", { syscall: "chmod", detail });
}

/**
 * The permissions for a copy. Of a file with an access control list those of the group are only the
 * most that the list grants to anyone; without the list they would be granted to the group.
 */
function* permissionsOf(
	scope: Scope,
	from: Metadata,
	destination: Subject,
	ownerKept: boolean,
	listLost: boolean,
): Operation<number> {
	const bits = listLost ? from.permissions & ~GROUP : from.permissions;
	if (ownerKept) return bits;
	if (!from.isDirectory()) return bits & ~SET_ID;
	// A directory hands its group down; one made in it has that from the system.
	const made = yield* system.metadata.stat(scope, destination, { follow: true, sync: "auto" });
	return (bits & ~SET_ID) | (made.permissions & SET_GID);
}

/** What of the old file is for the new one; the list goes with the mode where it is a part of that. */
export interface DressParts {
	readonly owner: boolean;
	readonly mode: boolean;
	readonly acl: boolean;
}

/**
 * Gives a file the owner, the permissions and the access control list of the one that it is going
 * to replace. Set-user-id and set-group-id were given to the old content, not to this.
 */
export function* dressLike(
	scope: Scope,
	handle: Handle,
	place: Place,
	old: Metadata,
	parts: DressParts = { owner: true, mode: true, acl: true },
): Operation<void> {
	const { uid, gid } = old;
	const { descriptors } = system.ownership;
	if (descriptors !== undefined) {
		// Who writes a file anew may have it: only the privileged could give it back.
		if (parts.acl) yield* descriptors.copy(scope, place, handle, "access", false);
	} else if (parts.owner) {
		const now = yield* system.metadata.stat(scope, handle, { follow: true, sync: "auto" });
		if (now.uid !== uid || now.gid !== gid) {
			yield* system.ownership.chown(scope, handle, { uid, gid }, true);
		}
	}
	if (parts.mode) yield* permitLike(scope, handle, place, old);
}

/**
 * The permissions and the list of what has the place, which others may replace meanwhile: then it is
 * looked at anew. Permissions without the list that goes with them would say too much.
 */
function* permitLike(scope: Scope, handle: Handle, place: Place, old: Metadata): Operation<void> {
	let found: Metadata | undefined = old;
	for (let looks = 1; found !== undefined; looks++) {
		try {
			return yield* permitLikeFound(scope, handle, place, found.permissions);
		} catch (error) {
			if (looks === MOST_LOOKS || !isCode(error, "ENOENT", "ENODATA", "ESTALE")) throw error;
			found = yield* statIfThere(scope, place);
		}
	}
	yield* system.metadata.chmod(scope, handle, old.permissions & OWNER, true);
}

function* permitLikeFound(
	scope: Scope,
	handle: Handle,
	place: Place,
	permissions: number,
): Operation<void> {
	const names = yield* attributesOf(scope, place, false);
	// A list of the directory's would grant what the old file does not.
	yield* removeInherited(scope, names, handle, true);
	for (const name of names) {
		if (printable(name) !== ACCESS_LIST) continue;
		const list = yield* system.xattr.get(scope, place, name, false);
		yield* system.xattr.set(scope, handle, name, list, "either", true);
	}
	yield* system.metadata.chmod(scope, handle, permissions & ~SET_ID, true);
}

/** Whether a directory gives lists to what is made in it. */
export function* handsDownLists(scope: Scope, directory: Handle): Operation<boolean> {
	const names = yield* attributesOf(scope, directory, true);
	return names.some((name) => printable(name).startsWith(ACL));
}

/** Takes away lists that the directory has given to what was made in it, and the source has not. */
function* removeInherited(
	scope: Scope,
	names: readonly Uint8Array[],
	destination: Subject,
	follow: boolean,
): Operation<void> {
	const kept = new Set(names.map(printable));
	for (const name of yield* attributesOf(scope, destination, follow)) {
		const text = printable(name);
		if (!text.startsWith(ACL) || kept.has(text)) continue;
		yield* system.xattr.remove(scope, destination, name, follow);
	}
}

function* attributesOf(scope: Scope, source: Subject, follow: boolean): Operation<Uint8Array[]> {
	try {
		return yield* system.xattr.list(scope, source, follow);
	} catch (error) {
		// A filesystem without attributes has none to keep.
		if (isCode(error, "ENOTSUP")) return [];
		throw error;
	}
}

function* copyAttribute(
	scope: Scope,
	source: Subject,
	destination: Subject,
	name: Uint8Array,
	follow: boolean,
): Operation<void> {
	let value: Uint8Array;
	try {
		value = yield* system.xattr.get(scope, source, name, follow);
	} catch (error) {
		// Removed since the names were listed.
		if (isCode(error, "ENODATA")) return;
		throw error;
	}
	yield* system.xattr.set(scope, destination, name, value, "either", follow);
}
