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
	 * Locks an open file until it is closed, to tell others that its maker is at work on it. False
	 * where another has it, or where some who can reach the file would not see the lock.
	 */
	claim(scope: Scope, handle: Handle): Operation<boolean>;
}
