/** The loops that make short reads and writes whole, over the file operations of any system. */
import type { Operation } from "../engine/operation.ts";
import type { Scope } from "../engine/scope.ts";
import type { FileSystem, Handle } from "./system.ts";

/**
 * Reads until the memory is full or the file ends. Without a position there may be no end (a pipe,
 * a terminal), so one answer is taken as it is.
 */
export function* readWhole(
	file: FileSystem,
	scope: Scope,
	handle: Handle,
	address: number,
	length: number,
	position: number | null,
): Operation<number> {
	if (position === null) {
		return length === 0 ? 0 : yield* file.read(scope, handle, address, length, null);
	}
	let done = 0;
	while (done < length) {
		const from = position + done;
		const count = yield* file.read(scope, handle, address + done, length - done, from);
		if (count === 0) break;
		done += count;
	}
	return done;
}

/** Writes until nothing is left: a short write is not an end. */
export function* writeWhole(
	file: FileSystem,
	scope: Scope,
	handle: Handle,
	address: number,
	length: number,
	position: number | null | "end",
): Operation<void> {
	for (let done = 0; done < length; ) {
		const to = typeof position === "number" ? position + done : position;
		done += yield* file.write(scope, handle, address + done, length - done, to);
	}
}
