/** Putting a file with new content in the place of an old one. */
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { byteLengthOf } from "./engine/view.ts";
import { FsError } from "./errors.ts";
import { dressLike } from "./preserve.ts";
import {
	beside,
	closeAfter,
	closing,
	discard,
	linkChanged,
	moveIntoPlace,
	orInPlace,
	resolveLinks,
	type Slot,
	slotOf,
	statIfThere,
	withNamesSynced,
} from "./replace.ts";
import { system } from "./sys/index.ts";
import type { Metadata } from "./sys/metadata.ts";
import type { Handle, Place } from "./sys/system.ts";
import { writeWhole } from "./sys/whole.ts";
import { lacksNamelessFiles, NAMELESS, publish, underTemporaryName } from "./temporary.ts";

/** Content on its way to a place. */
interface Draft {
	readonly slot: Slot;
	/** What has the place now. */
	readonly old: Metadata | undefined;
	readonly bytes: ArrayBufferView;
	readonly mode: number;
}

export function* replaceContent(
	scope: Scope,
	place: Place,
	bytes: ArrayBufferView,
	mode: number,
	sync: boolean,
): Operation<void> {
	const slot = yield* slotOf(scope, yield* resolveLinks(scope, place));
	try {
		const old = yield* statIfThere(scope, slot.place);
		if (old !== undefined && !old.isFile()) throw notAFile(old, place);
		// Until it has the permissions of the old file, nobody else is to see what may be secret.
		const draft: Draft = { slot, old, bytes, mode: old === undefined ? mode : 0o600 };
		yield* withNamesSynced(scope, beside(slot, "."), sync, write(scope, draft));
	} finally {
		yield* slot.release();
	}
}

function* write(scope: Scope, draft: Draft): Operation<void> {
	try {
		yield* writeNameless(scope, draft);
	} catch (error) {
		if (!lacksNamelessFiles(error)) throw orInPlace(error, draft.old);
		yield* underTemporaryName(scope, draft.slot, (name) => writeNamed(scope, draft, name));
	}
}

/** As a file without a name, which a killed process does not leave behind. */
function* writeNameless(scope: Scope, draft: Draft): Operation<void> {
	const { slot, old, mode } = draft;
	const handle = yield* system.file.open(scope, beside(slot, "."), { ...NAMELESS, mode });
	try {
		yield* fill(scope, handle, draft);
		yield* publish(scope, handle, slot, old !== undefined, true);
	} finally {
		// All of it is on the disk by now, so a failed close has lost nothing.
		yield* closeAfter(scope, handle, false);
	}
}

function* writeNamed(scope: Scope, draft: Draft, temporary: Place): Operation<void> {
	const { slot, mode } = draft;
	const how = { write: true, create: true, exclusive: true, mode };
	const handle = yield* system.file.open(scope, temporary, how);
	let whole = false;
	try {
		yield* closing(scope, handle, fill(scope, handle, draft));
		whole = true;
	} finally {
		if (!whole) yield* discard(scope, temporary);
	}
	yield* moveIntoPlace(scope, temporary, slot, true);
}

/** Writes the content, makes the file like the one that it replaces, and puts it on the disk. */
function* fill(scope: Scope, handle: Handle, { slot, old, bytes }: Draft): Operation<void> {
	yield* writeWhole(system.file, scope, handle, scope.pin(bytes), byteLengthOf(bytes), 0);
	if (old !== undefined) yield* dressLike(scope, handle, slot.place, old);
	yield* system.file.sync(scope, handle);
}

/** What is no file is not to be replaced by one: a directory cannot be, a device must not be. */
function notAFile(old: Metadata, { path }: Place): FsError {
	const details = { syscall: "open", path };
	if (old.isDirectory()) return new FsError("EISDIR", "illegal operation on a directory", details);
	if (old.isSymbolicLink()) return linkChanged(path);
	const detail = `it is a ${old.kind.replace("-", " ")}, not a file`;
	return new FsError("EINVAL", "invalid argument", { ...details, detail });
}
