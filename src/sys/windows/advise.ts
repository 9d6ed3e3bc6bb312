import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Advice, AdviseSystem, Handle } from "../system.ts";
import { call } from "./calls.ts";
import { lacksRequest } from "./control.ts";
import { checked } from "./failure.ts";
import { FILE_SEQUENTIAL_ONLY, FileModeInformation, ioStatusBlock } from "./layouts.ts";

/**
 * That a file is read from end to end can be said of one that is open. That it is read here and there
 * can be said only when it is opened, and of what is in memory there is nothing to say.
 */
const takes: ReadonlySet<Advice> = new Set(["sequential", "normal"]);

export const advise: AdviseSystem = {
	*advise(scope, handle, advice, offset, length) {
		// The advice is about the whole file.
		if (!takes.has(advice) || offset > 0 || length > 0) return false;
		const before = yield* mode(scope, handle, "NtQueryInformationFile", 0);
		if (before === undefined) return false;
		const others = before & ~FILE_SEQUENTIAL_ONLY;
		const after = advice === "sequential" ? others | FILE_SEQUENTIAL_ONLY : others;
		return (yield* mode(scope, handle, "NtSetInformationFile", after)) !== undefined;
	},
};

/** Asks for the mode of an open file, or sets it; undefined where the system does not do that. */
function* mode(
	scope: Scope,
	handle: Handle,
	name: "NtQueryInformationFile" | "NtSetInformationFile",
	value: number,
): Operation<number | undefined> {
	const status = scope.memory.reserve(ioStatusBlock.size);
	const info = scope.memory.reserve(4);
	info.setU32(0, value);
	const { address, size } = info;
	const result = yield call(name, handle, status.address, address, size, FileModeInformation);
	if (lacksRequest.has(result)) return undefined;
	checked(result, "fadvise");
	return info.u32(0);
}
