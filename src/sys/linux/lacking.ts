import { once } from "../../engine/once.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FsError } from "../../errors.ts";
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
	const { type } = yield* statusOf(scope, handle);
	return unsupported(syscall, `${type} cannot ${what}`);
}
