import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { FsError } from "./errors.ts";
import { closeAfter } from "./replace.ts";
import { system } from "./sys/index.ts";
import { type FileKind, ITSELF } from "./sys/metadata.ts";
import type { Place } from "./sys/system.ts";

/** Set-user-id, set-group-id and sticky: the mask of the process takes none of them away. */
const SPECIAL = 0o7000;

/** What is to be made. */
interface Wanted {
	readonly place: Place;
	readonly kind: FileKind;
	readonly mode: number;
}

/**
 * Makes what is to have `mode`, and gives it those of the special bits that making it leaves out,
 * as mkdir does with most. If that fails, what was made is removed.
 */
export function withSpecialBits(
	scope: Scope,
	wanted: Wanted,
	make: Operation<void>,
	remove: Operation<void>,
): Operation<void> {
	return (wanted.mode & SPECIAL) === 0 ? make : makeWhole(scope, wanted, make, remove);
}

function* makeWhole(
	scope: Scope,
	wanted: Wanted,
	make: Operation<void>,
	remove: Operation<void>,
): Operation<void> {
	yield* make;
	try {
		yield* addSpecialBits(scope, wanted);
	} catch (error) {
		try {
			yield* remove;
		} catch {
			// What failed before it is what the caller is told.
		}
		throw error;
	}
}

/**
 * What is looked at is what is changed, whatever has the name by then. The name may have been given to
 * something else already, where others may do that: no file of several names gets such a bit, since it
 * would have it everywhere.
 */
function* addSpecialBits(scope: Scope, { place, kind, mode }: Wanted): Operation<void> {
	const handle = yield* system.file.open(scope, place, { path: true, noFollow: true });
	try {
		const metadata = yield* system.metadata.stat(scope, handle, ITSELF);
		const { permissions, nlink } = metadata;
		const all = permissions | (mode & SPECIAL);
		if (all === permissions) return;
		if (metadata.kind !== kind || (nlink > 1 && kind !== "directory")) throw replaced(place);
		yield* system.metadata.chmod(scope, handle, all, true);
	} finally {
		yield* closeAfter(scope, handle, false);
	}
}

function replaced({ path }: Place): FsError {
	return new FsError("EAGAIN", "resource temporarily unavailable", {
		syscall: "chmod",
		path,
		detail: "what was made has been replaced meanwhile",
	});
}
