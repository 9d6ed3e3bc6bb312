import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Subject } from "../system.ts";

/** Whom a file is to belong to; what is undefined is left as it is. */
export interface NewOwner {
	readonly uid?: number | undefined;
	readonly gid?: number | undefined;
	/** The SID of an account (Windows). */
	readonly owner?: string | undefined;
	/** The SID of a group (Windows). */
	readonly group?: string | undefined;
}

export interface OwnershipSystem {
	/** `ENOTSUP` for accounts of the kind that the system does not have. */
	chown(scope: Scope, subject: Subject, owner: NewOwner, follow: boolean): Operation<void>;
	/**
	 * Where owner and access list are a record that each file has; undefined where they are what
	 * `Metadata` and extended attributes tell.
	 */
	readonly descriptors?: SecurityDescriptors;
}

export interface SecurityDescriptors {
	/**
	 * Gives a file the owner and the group, or the access list, of another. A filesystem that keeps no
	 * such has no list to give; else `ENOTSUP` says which one does not.
	 */
	copy(
		scope: Scope,
		from: Subject,
		to: Subject,
		part: "owner" | "access",
		follow: boolean,
	): Operation<void>;
}
