/** Giving a copy the metadata of its source. */
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { isCode, printable } from "./errors.ts";
import type { Zod } from "./options.ts";
import { system } from "./sys/index.ts";
import type { Metadata } from "./sys/metadata.ts";
import type { Subject } from "./sys/system.ts";

/** Which metadata a copy keeps; what is not named is not kept. */
export interface Preserve {
	/** Permissions. Set-user-id and set-group-id only together with the owner. */
	mode?: boolean | undefined;
	/** When the file was read and written last, to the nanosecond. */
	times?: boolean | undefined;
	/** User and group. */
	owner?: boolean | undefined;
	/** Extended attributes, access control lists excepted. */
	xattrs?: boolean | undefined;
	/** Access control lists. */
	acl?: boolean | undefined;
}

/** What a copy keeps, with everything said. Plain data: it can be sent to another thread. */
export interface Preserved {
	readonly mode: boolean;
	readonly times: boolean;
	readonly owner: boolean;
	readonly xattrs: boolean;
	readonly acl: boolean;
	/** Whether what cannot be kept fails the copy (it was asked for by name) or is reported. */
	readonly strict: boolean;
}

/** Where Linux keeps access control lists: in attributes of these names. */
const ACL = "system.posix_acl_";
/** What the names begin with under which XFS shows the same lists once more. */
export const ACL_ALIAS = "trusted.SGI_ACL_";
/** What a filesystem or a missing privilege says to metadata that it cannot take. */
const CANNOT = ["ENOTSUP", "EPERM", "EACCES", "EINVAL", "ENOSPC", "E2BIG", "ERANGE"];
const SET_ID = 0o6000;

export function preserved(option: Preserve | "all" | "none" | undefined): Preserved {
	const all = option === "all";
	const parts = typeof option === "object" ? option : {};
	const {
		mode = all || option === undefined,
		times = all,
		owner = all,
		xattrs = all,
		acl = all,
	} = parts;
	return { mode, times, owner, xattrs, acl, strict: !all };
}

/** The schema of the `preserve` option. */
export function preserveSchema(z: Zod) {
	const flag = () => z.optional(z.boolean());
	const parts = { mode: flag(), times: flag(), owner: flag(), xattrs: flag(), acl: flag() };
	return z.optional(z.union([z.enum(["all", "none"]), z.strictObject(parts)]));
}

/**
 * Sets owner, attributes, permissions and times, in the order in which none undoes another. Names
 * of what could not be kept are put into `lost`.
 */
export function* preserve(
	scope: Scope,
	[source, from]: readonly [Subject, Metadata],
	destination: Subject,
	what: Preserved,
	lost: Set<string>,
): Operation<void> {
	// By name, what is meant is what has the name, whatever took its place meanwhile.
	const follow = typeof destination === "number";
	let ownerKept = false;
	if (what.owner) {
		const { uid, gid } = from;
		const chown = system.ownership.chown(scope, destination, { uid, gid }, follow);
		ownerKept = yield* attempt(what, lost, "owner", chown);
	}
	if (what.xattrs || what.acl) {
		const names = yield* attributesOf(scope, source, follow);
		if (what.acl) {
			yield* attempt(what, lost, "acl", removeInherited(scope, names, destination, follow));
		}
		for (const name of names) {
			const text = printable(name);
			if (text.startsWith(ACL_ALIAS)) continue;
			const isList = text.startsWith(ACL);
			if (!(isList ? what.acl : what.xattrs)) continue;
			const copy = copyAttribute(scope, source, destination, name, follow);
			yield* attempt(what, lost, isList ? "acl" : `xattr ${text}`, copy);
		}
	}
	if (what.mode && from.kind !== "symlink") {
		const bits = ownerKept ? from.permissions : from.permissions & ~SET_ID;
		yield* attempt(what, lost, "mode", system.metadata.chmod(scope, destination, bits, follow));
	}
	if (what.times) {
		const times = { atime: from.atimeNs, mtime: from.mtimeNs, birthtime: "keep" } as const;
		yield* attempt(what, lost, "times", system.metadata.utimes(scope, destination, times, follow));
	}
}

/** Sets one part; false if it could not be kept and that is only to be reported. */
function* attempt(
	what: Preserved,
	lost: Set<string>,
	part: string,
	operation: Operation<void>,
): Operation<boolean> {
	try {
		yield* operation;
		return true;
	} catch (error) {
		if (what.strict || !isCode(error, ...CANNOT)) throw error;
		lost.add(part);
		return false;
	}
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
