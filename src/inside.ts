import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { closeAfter, isSame, LOOK_UP } from "./replace.ts";
import { system } from "./sys/index.ts";
import { ITSELF, type Metadata } from "./sys/metadata.ts";
import type { Place } from "./sys/system.ts";

/**
 * Whether a directory is another one or lies in it, found by going up from it: paths can be
 * spelled in too many ways to be compared. The directories above need not be readable.
 */
export function* isInside(scope: Scope, place: Place, outer: Metadata): Operation<boolean> {
	const directory = yield* system.file.open(scope, place, LOOK_UP);
	try {
		let here = yield* system.metadata.stat(scope, directory, ITSELF);
		for (let path = ".."; !isSame(here, outer); path += "/..") {
			const above: Place = { directory, path, beneath: false };
			const next = yield* system.metadata.stat(scope, above, ITSELF);
			// Only the root is above itself.
			if (isSame(here, next)) return false;
			here = next;
		}
		return true;
	} finally {
		yield* closeAfter(scope, directory, false);
	}
}
