import type { Operation } from "./engine/operation.ts";
import { isCode } from "./errors.ts";

/** What becomes of metadata that a copy cannot keep. */
export interface Keeping {
	/** It fails the copy; else it is only reported. */
	readonly strict: boolean;
	/** Gets the names of what could not be kept. */
	readonly lost: Set<string>;
}

/** What a filesystem or a missing privilege says to metadata that it cannot take. */
const CANNOT = ["ENOTSUP", "EPERM", "EACCES", "EINVAL", "ENOSPC", "E2BIG", "ERANGE"];

/** Sets one part; false if it could not be kept and that is only to be reported. */
export function* attempt(
	{ strict, lost }: Keeping,
	part: string,
	operation: Operation<void>,
): Operation<boolean> {
	try {
		yield* operation;
		return true;
	} catch (error) {
		if (strict || !isCode(error, ...CANNOT)) throw error;
		lost.add(part);
		return false;
	}
}
