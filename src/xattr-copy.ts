import { nameOf } from "./encoding.ts";
import type { Operation } from "./engine/operation.ts";
import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { isCode } from "./errors.ts";
import { subjectOf, type Target } from "./location.ts";
import type { FollowOptions } from "./metadata.ts";
import { optionsOf, schemas } from "./options.ts";
import { ACL_ALIAS } from "./preserved.ts";
import { system } from "./sys/index.ts";
import type { Subject } from "./sys/system.ts";

/** Options of `copyXattrs`. */
export interface CopyXattrsOptions extends FollowOptions {
	/** Asked about each attribute by its name: false leaves it out. */
	filter?: ((name: string) => boolean) | undefined;
}

const checkCopy = optionsOf<CopyXattrsOptions>("copyXattrs", (z) => ({
	follow: schemas.flag(z),
	filter: schemas.callback<(name: string) => boolean>(z),
}));

/** Copies the attributes that the filter lets through; those that vanish meanwhile are left out. */
export function* copyAttributes(
	scope: Scope,
	source: Subject,
	destination: Subject,
	follow: boolean,
	filter: ((name: string) => boolean) | undefined,
): Operation<number> {
	let copied = 0;
	for (const name of yield* system.xattr.list(scope, source, follow)) {
		const text = nameOf(name);
		if (text.startsWith(ACL_ALIAS) || filter?.(text) === false) continue;
		const mark = scope.mark();
		const value = yield* ifThere(system.xattr.get(scope, source, name, follow));
		if (value !== undefined) {
			yield* system.xattr.set(scope, destination, name, value, "either", follow);
			copied++;
		}
		scope.release(mark);
	}
	return copied;
}

function* ifThere<T>(operation: Operation<T>): Operation<T | undefined> {
	try {
		return yield* operation;
	} catch (error) {
		if (isCode(error, "ENODATA")) return undefined;
		throw error;
	}
}

function* copyXattrsOperation(
	scope: Scope,
	from: Target,
	to: Target,
	options: CopyXattrsOptions | undefined,
): Operation<number> {
	const { follow = true, filter } = checkCopy(options);
	const source = subjectOf(scope, from, "from");
	return yield* copyAttributes(scope, source, subjectOf(scope, to, "to"), follow, filter);
}

/**
 * Copies the extended attributes of a file to another, names that are not UTF-8 included.
 *
 * Attributes that `to` has and `from` has not stay. When one cannot be set, those before it have
 * been. On Linux POSIX ACLs are among the attributes (`system.posix_acl_access`); the second names
 * under which XFS shows them (`trusted.SGI_ACL_…`) are left out.
 *
 * @param from Whose attributes to take: a path, `dir.at(name)`, a `File`, a `Dir` or a descriptor.
 * @param to What to give them to: the same choice.
 * @param options `filter`: called with each name, false leaves it out; `follow`: false takes both,
 * if they are symbolic links, for the links themselves.
 * @returns How many were copied.
 * @throws {FsError} As `listXattrs`, `getXattr` and `setXattr` do, but for
 * attributes that vanish meanwhile.
 *
 * Linux: listxattr, getxattr, setxattr and their likes for links and descriptors.
 *
 * Windows: named streams, all of them under their own names.
 *
 * @example
 * ```ts
 * import { copyXattrs, getXattr, setXattr } from "bun-fs-extended";
 * import { writeFileSync } from "node:fs";
 *
 * writeFileSync("from", "");
 * writeFileSync("to", "");
 * await setXattr("from", "user.origin", "here");
 * await copyXattrs("from", "to", { filter: (name) => name.startsWith("user.") });
 * if ((await getXattr("to", "user.origin")).length !== 4) throw new Error("not copied");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man7/xattr.7.html | xattr(7)}
 */
export function copyXattrs(from: Target, to: Target, options?: CopyXattrsOptions): Promise<number> {
	return run(copyXattrsOperation, from, to, options);
}

/** The synchronous form of {@link copyXattrs}. */
export function copyXattrsSync(from: Target, to: Target, options?: CopyXattrsOptions): number {
	return runSync(copyXattrsOperation, from, to, options);
}
