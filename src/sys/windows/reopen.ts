/** An open file once more, for what its handle was not opened for. */
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Handle, Subject } from "../system.ts";
import { call } from "./calls.ts";
import { enter } from "./entry.ts";
import { checked } from "./failure.ts";
import { DUPLICATE_SAME_ACCESS } from "./layouts.ts";
import { type OpenedHow, openedAt, withOpened } from "./path.ts";

/** Opens the file of a handle again; gives the new handle or the failure. */
export function reopened(
	scope: Scope,
	handle: Handle,
	how: Omit<OpenedHow, "reach"> & Partial<Pick<OpenedHow, "reach">>,
): Operation<number> {
	// No name at all, looked up from a file, is that file.
	return openedAt(scope, { root: handle, name: "" }, { reach: "link", ...how });
}

/** Another handle of the same open file, with the access of the first; or the failure. */
export function* duplicated(scope: Scope, handle: Handle): Operation<number> {
	const mark = scope.mark();
	const made = scope.memory.reserveZeroed(8);
	const own = enter("GetCurrentProcess")();
	const result = yield call(
		...([
			"NtDuplicateObject",
			own,
			handle,
			own,
			made.address,
			0,
			0,
			DUPLICATE_SAME_ACCESS,
		] as const),
	);
	const again = made.u64(0);
	scope.release(mark);
	return result < 0 ? result : again;
}

/**
 * Opens what an operation is about with the access that the operation takes, whatever the handle that
 * there may be was opened for.
 */
export function withAccess<T>(
	scope: Scope,
	subject: Subject,
	access: number,
	follow: boolean,
	syscall: string,
	operation: (handle: Handle) => Operation<T>,
): Operation<T> {
	if (typeof subject === "number") {
		return withReopened(scope, subject, access, syscall, operation);
	}
	const how = { access, reach: follow ? "follow" : "link" } as const;
	return withOpened(scope, subject, how, syscall, operation);
}

function* withReopened<T>(
	scope: Scope,
	handle: Handle,
	access: number,
	syscall: string,
	operation: (handle: Handle) => Operation<T>,
): Operation<T> {
	const again = checked(yield* reopened(scope, handle, { access }), syscall);
	try {
		return yield* operation(again);
	} finally {
		yield call("NtClose", again);
	}
}
