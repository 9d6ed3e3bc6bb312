/** Requests to the filesystem of an open file that have a number and no function of their own. */
import type { Region } from "../../engine/memory.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Handle } from "../system.ts";
import { call } from "./calls.ts";
import { Status } from "./errno.ts";
import { ioStatusBlock } from "./layouts.ts";

/** What a request is given, and where its answer goes. */
export interface Exchange {
	readonly input?: Region;
	readonly output?: Region;
}

/** Makes a request: how many bytes the answer has, or the failure. */
export function* control(
	scope: Scope,
	handle: Handle,
	code: number,
	{ input, output }: Exchange = {},
): Operation<number> {
	const status = scope.memory.reserveZeroed(ioStatusBlock.size);
	const result = yield call(
		"NtFsControlFile",
		handle,
		0,
		0,
		0,
		status.address,
		code,
		input?.address ?? 0,
		input?.size ?? 0,
		output?.address ?? 0,
		output?.size ?? 0,
	);
	return result < 0 ? result : status.u64(ioStatusBlock.information);
}

/** What those say that know nothing of a request. */
export const lacksRequest = new Set<number>([
	Status.STATUS_INVALID_DEVICE_REQUEST,
	Status.STATUS_NOT_SUPPORTED,
	Status.STATUS_NOT_IMPLEMENTED,
	Status.STATUS_INVALID_INFO_CLASS,
]);
