import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Handle } from "../system.ts";

export interface LockSystem {
	/**
	 * Tries to lock a range for an open file, or to change or end the lock that it has there; a
	 * `length` of undefined means all that the file may ever have. False when another open file has a
	 * lock in the way.
	 */
	set(
		scope: Scope,
		handle: Handle,
		kind: "shared" | "exclusive" | "unlocked",
		offset: number,
		length: number | undefined,
	): Operation<boolean>;
	/** Whether other open files have locks in the way of one that this one would like, or has. */
	isBlocked(
		scope: Scope,
		handle: Handle,
		kind: "shared" | "exclusive",
		offset: number,
		length: number | undefined,
	): Operation<boolean>;
	/**
	 * Locks an open file until it is closed, to tell others that its user is at work, or changes that
	 * lock. False where another has it, and undefined where there are no such locks.
	 */
	claim(scope: Scope, handle: Handle, kind: "shared" | "exclusive"): Operation<boolean | undefined>;
	/**
	 * Who sees the claims on the files of an open directory: the same text for those who see each
	 * other's; empty if that is everybody who can reach the files. Undefined where that is not known.
	 */
	reach(scope: Scope, directory: Handle): Operation<string | undefined>;
}
