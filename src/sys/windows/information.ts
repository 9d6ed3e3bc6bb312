/** What is asked of an open file, and what is set of it, by kinds of information that have numbers. */
import type { Region } from "../../engine/memory.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Handle } from "../system.ts";
import { call } from "./calls.ts";
import { Status } from "./errno.ts";
import { checked } from "./failure.ts";
import { ioStatusBlock } from "./layouts.ts";

/** Asks for information of one kind about an open file. */
export function* query(
	scope: Scope,
	handle: Handle,
	kind: number,
	size: number,
	syscall: string,
): Operation<Region> {
	const status = scope.memory.reserve(ioStatusBlock.size);
	const info = scope.memory.reserveZeroed(size);
	const asked = call("NtQueryInformationFile", handle, status.address, info.address, size, kind);
	const result = yield asked;
	// What did not fit is the name of the file, which comes last and is not wanted.
	if (result !== Status.STATUS_BUFFER_OVERFLOW) checked(result, syscall);
	return info;
}

/** Sets information of one kind: the result, or the failure. */
export function* setInformation(
	scope: Scope,
	handle: Handle,
	kind: number,
	{ address, size }: Pick<Region, "address" | "size">,
): Operation<number> {
	const mark = scope.mark();
	const status = scope.memory.reserve(ioStatusBlock.size);
	const result = yield call("NtSetInformationFile", handle, status.address, address, size, kind);
	scope.release(mark);
	return result;
}

/** Sets a number of 64 bits. */
export function setNumber(
	scope: Scope,
	handle: Handle,
	kind: number,
	value: number,
): Operation<number> {
	const wanted = scope.memory.reserve(8);
	wanted.setU64(0, value);
	return setInformation(scope, handle, kind, wanted);
}
