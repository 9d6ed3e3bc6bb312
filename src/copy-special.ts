import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { preserve } from "./preserve.ts";
import type { Preserved } from "./preserved.ts";
import { discard } from "./replace.ts";
import { system } from "./sys/index.ts";
import type { Metadata } from "./sys/metadata.ts";
import type { Place } from "./sys/system.ts";

/** Copies what has no content of its own: a symbolic link, a fifo, a socket or a device. */
export function* copySpecial(
	scope: Scope,
	[source, metadata]: readonly [Place, Metadata],
	place: Place,
	what: Preserved,
	lost: Set<string>,
): Operation<void> {
	if (metadata.kind === "symlink") {
		const target = yield* system.symlink.readlink(scope, source);
		yield* system.symlink.symlink(scope, target, place, "auto");
	} else {
		const mode = what.mode ? 0o600 : 0o666;
		yield* system.device.mknod(scope, place, metadata.kind, mode, metadata.rdev);
	}
	let whole = false;
	try {
		yield* preserve(scope, [source, metadata], place, what, lost);
		whole = true;
	} finally {
		if (!whole) yield* discard(scope, place);
	}
}
