import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Extent, Handle } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { Errno } from "./errno.ts";
import { failure } from "./failure.ts";
import { SEEK_DATA, SEEK_END, SEEK_HOLE } from "./layouts.ts";

/**
 * Where the next data or hole begins, at `from` or after it; undefined when there is none. A file
 * that cannot be asked is data from end to end.
 */
export function* seek(
	handle: Handle,
	from: number,
	whence: typeof SEEK_DATA | typeof SEEK_HOLE,
): Operation<number | undefined> {
	const result = yield sys(nr.lseek, handle, from, whence);
	if (result >= 0) return result;
	if (result === -Errno.ENXIO) return undefined;
	if (result === -Errno.EINVAL) return whence === SEEK_DATA ? from : undefined;
	throw failure(result, "lseek");
}

/** Where the file ends by now. */
export function* endOf(handle: Handle): Operation<number> {
	const result = yield sys(nr.lseek, handle, 0, SEEK_END);
	if (result < 0) throw failure(result, "lseek");
	return result;
}

export function* extent(
	_scope: Scope,
	handle: Handle,
	offset: number,
	end: number,
): Operation<Extent> {
	const data = Math.min((yield* seek(handle, offset, SEEK_DATA)) ?? end, end);
	if (data > offset) return { kind: "hole", offset, length: data - offset };
	const hole = Math.min((yield* seek(handle, offset, SEEK_HOLE)) ?? end, end);
	return { kind: "data", offset, length: hole - offset };
}
