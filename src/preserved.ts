/** Which metadata copies keep. */
import { schemas, type Zod } from "./options.ts";
import { system } from "./sys/index.ts";

/** Which metadata a copy keeps; what is not named is not kept. */
export interface Preserve {
	/**
	 * Permissions. Set-user-id and set-group-id only together with the owner: without it they are left
	 * out without a word. With `"all"` the report says so if they could not be kept.
	 */
	mode?: boolean | undefined;
	/** When the file was read and written last, to the nanosecond. */
	times?: boolean | undefined;
	/** User and group. */
	owner?: boolean | undefined;
	/** Extended attributes, access control lists excepted. */
	xattrs?: boolean | undefined;
	/**
	 * Access control lists. By default with the permissions, of which they are a part; on Windows only
	 * if it is asked for, because a new file has a list from its directory.
	 */
	acl?: boolean | undefined;
	/**
	 * Flags of files and directories that say how they may be used, `immutable` and `append` among
	 * them; see {@link getFlags}. Not how their content is kept: compressed, or in place.
	 */
	flags?: boolean | undefined;
}

/** What a copy keeps, with everything said. Plain data: it can be sent to another thread. */
export interface Preserved {
	readonly mode: boolean;
	readonly times: boolean;
	readonly owner: boolean;
	readonly xattrs: boolean;
	readonly acl: boolean;
	readonly flags: boolean;
	/** Whether the caller has said what to keep; directories that were there are else left alone. */
	readonly explicit: boolean;
	/** Whether what cannot be kept fails the copy (it was asked for by name) or is reported. */
	readonly strict: boolean;
}

/** What the names begin with under which XFS shows access control lists once more. */
export const ACL_ALIAS = "trusted.SGI_ACL_";

export function preserved(option: Preserve | "all" | "none" | undefined): Preserved {
	const all = option === "all";
	const parts = typeof option === "object" ? option : {};
	const {
		mode = all || option === undefined,
		times = all,
		owner = all,
		xattrs = all,
		acl = all || (mode && system.ownership.descriptors === undefined),
		flags = all,
	} = parts;
	const explicit = option !== undefined;
	return { mode, times, owner, xattrs, acl, flags, strict: !all, explicit };
}

/** The schema of the `preserve` option. */
export function preserveSchema(z: Zod) {
	const flag = () => z.optional(z.boolean());
	const parts = {
		mode: flag(),
		times: flag(),
		owner: flag(),
		xattrs: flag(),
		acl: flag(),
		flags: flag(),
	};
	return z.optional(z.union([z.enum(["all", "none"]), schemas.object<Preserve>(z, parts)]));
}
