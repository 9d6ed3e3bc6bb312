import type { Lane } from "../../engine/call.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Handle, Place } from "../system.ts";

/** One line of what a system can do. */
export interface Capability {
	/** The operation or property, by its name in this library. */
	readonly name: string;
	/** Whether it is a matter of the running system or of the filesystem. */
	readonly of: "system" | "filesystem";
	/** Undefined where it could not be found out; `note` then says why. */
	readonly supported: boolean | undefined;
	/** The call, or the emulation, that does it. */
	readonly by?: string;
	/** The opcode of the queue into the kernel that makes this call for promise forms. */
	readonly opcode?: string;
	/** Why not, or what to know about it. */
	readonly note?: string;
}

/** A filesystem, and what it can do. */
export interface FilesystemCapabilities {
	/** The system's name for its type, such as `"ext4"`; undefined where it has none. */
	readonly type: string | undefined;
	/** Where it is mounted; undefined where that is not known. */
	readonly mountPoint: string | undefined;
	readonly operations: readonly Capability[];
}

/** Has something made under a temporary name in an open directory, from which it is gone at the end. */
export type Temporarily = <T>(
	directory: Handle,
	make: (place: Place) => Operation<T>,
) => Operation<T>;

export interface CapabilitySystem {
	/** How the kernel's functions are called: `"shim"`, `"libc"`, and why not another way. */
	entry(): { readonly by: string; readonly note?: string };
	/** Whether calls can be made at once that need not wait, without blocking. */
	immediate(scope: Scope): Operation<boolean>;
	/** What the running system can do, whatever the filesystem; `queue` is this thread's. */
	machine(scope: Scope, queue: Lane | undefined): Operation<Capability[]>;
	/**
	 * What the filesystem of a directory, or of the directory that a file is in, can do, found out
	 * on temporary files of its own, to which `temporarily` gives names.
	 */
	filesystem(
		scope: Scope,
		place: Place,
		temporarily: Temporarily,
	): Operation<FilesystemCapabilities>;
}
