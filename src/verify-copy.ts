/** Comparing a copy with its source, once its content is there. */
import {
	dataOfEither,
	extentsOf,
	firstDifference,
	mayHaveHoles,
	reserveBuffers,
} from "./compare-content.ts";
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { FsError } from "./errors.ts";
import { system } from "./sys/index.ts";
import { ITSELF, type Metadata } from "./sys/metadata.ts";
import type { Handle } from "./sys/system.ts";

/** Reads both files again, except where both have holes, and compares them. */
export function* verifyCopy(
	scope: Scope,
	[from, source]: readonly [Handle, Metadata],
	to: Handle,
	bytes: number,
	verified: (bytes: number) => void,
): Operation<void> {
	const mark = scope.mark();
	// What is past the end of a file looks like a hole in it.
	const { size } = yield* system.metadata.stat(scope, to, ITSELF);
	if (size !== bytes) throw differs(`the copy has ${size} bytes instead of ${bytes}`);
	let ranges = [{ start: 0, end: bytes }];
	if (mayHaveHoles(source)) {
		const now = yield* system.metadata.stat(scope, from, ITSELF);
		if (now.size < bytes) throw differs(`the source has become shorter: ${now.size} bytes`);
		const before = yield* extentsOf(scope, from, bytes);
		ranges = dataOfEither(before, yield* extentsOf(scope, to, bytes));
	}
	const at = yield* firstDifference(scope, from, to, ranges, reserveBuffers(scope), verified);
	if (at !== undefined) throw differs(`the copy differs from its source from byte ${at} on`);
	scope.release(mark);
}

function differs(detail: string): FsError {
	return new FsError("EIO", "i/o error", { syscall: "copyfile", detail });
}
