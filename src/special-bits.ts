import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { system } from "./sys/index.ts";
import { ITSELF } from "./sys/metadata.ts";
import type { Place } from "./sys/system.ts";

/** Set-user-id, set-group-id and sticky: the mask of the process takes none of them away. */
const SPECIAL = 0o7000;

/**
 * Makes what is to have `mode`, and gives it those of the special bits that making it leaves out,
 * as mkdir does with most. If that fails, what was made is removed.
 */
export function withSpecialBits(
	scope: Scope,
	place: Place,
	mode: number,
	make: Operation<void>,
	remove: Operation<void>,
): Operation<void> {
	return (mode & SPECIAL) === 0 ? make : makeWhole(scope, place, mode, make, remove);
}

function* makeWhole(
	scope: Scope,
	place: Place,
	mode: number,
	make: Operation<void>,
	remove: Operation<void>,
): Operation<void> {
	yield* make;
	try {
		const { permissions } = yield* system.metadata.stat(scope, place, ITSELF);
		const all = permissions | (mode & SPECIAL);
		if (all !== permissions) yield* system.metadata.chmod(scope, place, all, false);
	} catch (error) {
		try {
			yield* remove;
		} catch {
			// What failed before it is what the caller is told.
		}
		throw error;
	}
}
