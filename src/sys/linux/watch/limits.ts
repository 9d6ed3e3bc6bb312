import type { Operation } from "../../../engine/operation.ts";
import type { Scope } from "../../../engine/scope.ts";
import type { FsError } from "../../../errors.ts";
import { nr, sys } from "../calls.ts";
import { Errno } from "../errno.ts";
import { failure } from "../failure.ts";
import { AT_FDCWD, O } from "../layouts.ts";

const COUNTED = {
	max_user_instances: "watchers",
	max_user_watches: "watches, one for each directory of a tree",
} as const;

/** The error for a limit that is reached: which, where it can be raised, and what it is now. */
export function* full(
	scope: Scope,
	result: number,
	limit: keyof typeof COUNTED,
): Operation<FsError> {
	const path = `/proc/sys/fs/inotify/${limit}`;
	const handle = yield sys(nr.openat, AT_FDCWD, scope.memory.cstring(path), O.O_CLOEXEC);
	if (handle === -Errno.EMFILE) {
		return failure(result, "watch", { detail: "the process has as many files open as it may" });
	}
	const now = handle < 0 ? "so many" : yield* readNumber(scope, handle);
	const detail = `a user may have ${now} ${COUNTED[limit]}: sysctl fs.inotify.${limit}`;
	return failure(result, "watch", { detail });
}

function* readNumber(scope: Scope, handle: number): Operation<string> {
	const buffer = scope.memory.reserve(32);
	const length = yield sys(nr.read, handle, buffer.address, buffer.size);
	yield sys(nr.close, handle);
	const text = Buffer.from(buffer.copy(0, Math.max(0, length)))
		.toString()
		.trim();
	return text === "" ? "so many" : text;
}
