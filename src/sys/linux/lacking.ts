import { once } from "../../engine/once.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { FsError } from "../../errors.ts";
import type { FilesystemStatus, Handle } from "../system.ts";
import { unsupported } from "./failure.ts";

/** Loaded for errors alone. */
const loaded = once(() => require("./statfs.ts") as typeof import("./statfs.ts"));

/** What is known about the filesystem of an open file. */
export function statusOf(scope: Scope, handle: Handle): Operation<FilesystemStatus> {
	return loaded().statfs.statfs(scope, handle);
}

/** The error for what the filesystem of an open file cannot do: it says which filesystem that is. */
export function* lacking(
	scope: Scope,
	handle: Handle,
	syscall: string,
	what: string,
): Operation<FsError> {
	return unsupported(syscall, `${yield* typeOf(scope, handle)} cannot ${what}`);
}

/** The name of the filesystem's type; that this cannot be had must not hide what is to be said of it. */
export function* typeOf(scope: Scope, handle: Handle): Operation<string> {
	try {
		return (yield* statusOf(scope, handle)).type;
	} catch (error) {
		if (error instanceof FsError) return "the filesystem";
		throw error;
	}
}
