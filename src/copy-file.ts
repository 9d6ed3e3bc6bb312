/** Copying one file: what `copyFile` and `copyTree` do for each, once the source is open. */
import { mayHaveHoles } from "./compare-content.ts";
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { FsError } from "./errors.ts";
import { dressLike, preserve } from "./preserve.ts";
import { type Seal, setSeals, trySeals } from "./preserve-flags.ts";
import type { Preserved } from "./preserved.ts";
import {
	beside,
	closeAfter,
	closing,
	discard,
	finishing,
	moveIntoPlace,
	orInPlace,
	type Slot,
} from "./replace.ts";
import { system } from "./sys/index.ts";
import type { Metadata } from "./sys/metadata.ts";
import type { ContentCopied, ContentHow, Handle, Place } from "./sys/system.ts";
import { lacksNamelessFiles, publish, underTemporaryName } from "./temporary.ts";
import { verifyCopy } from "./verify-copy.ts";

/** How a file is copied, with everything said. Plain data: it can be sent to another thread. */
export interface CopyHow {
	readonly reflink: ContentHow["reflink"];
	readonly holes: ContentHow["holes"];
	readonly preserve: Preserved;
	readonly overwrite: boolean | "newer";
	readonly atomic: boolean;
	readonly sync: boolean;
	readonly verify: boolean;
}

/** The permissions of a copy that is not whole and has its name already. */
const UNFINISHED = 0;

/** What stands in the place that a copy is to go to: whether to copy, or why not to. */
export function mayReplace(
	source: Metadata,
	existing: Metadata | undefined,
	overwrite: CopyHow["overwrite"],
	[path, dest]: readonly [Place["path"], Place["path"]],
): boolean {
	if (existing === undefined) return true;
	const refuse = (code: string, reason: string, detail?: string) =>
		new FsError(code, reason, {
			syscall: "copyfile",
			path,
			dest,
			...(detail === undefined ? undefined : { detail }),
		});
	if (existing.isDirectory()) throw refuse("EISDIR", "illegal operation on a directory");
	if (existing.ino === source.ino && existing.dev === source.dev) {
		throw refuse("EINVAL", "invalid argument", "source and destination are the same file");
	}
	if (overwrite === false) throw refuse("EEXIST", "file already exists");
	const finished = existing.permissions !== UNFINISHED;
	if (overwrite === "newer" && finished && existing.mtimeNs >= source.mtimeNs) return false;
	if (source.isFile() && !existing.isFile() && !existing.isSymbolicLink()) {
		const what = `the destination is a ${existing.kind.replace("-", " ")}, not a file`;
		throw refuse("EINVAL", "invalid argument", what);
	}
	return true;
}

/** A file on its way from where it is open to its place. */
export interface CopyJob {
	readonly from: Handle;
	readonly source: Metadata;
	readonly slot: Slot;
	/** What is in the place now. */
	readonly existing: Metadata | undefined;
	readonly how: CopyHow;
	/** Gets the names of metadata that could not be kept. */
	readonly lost: Set<string>;
	/**
	 * Whether the place is in a directory that nobody else can enter until it is complete. There the
	 * copy needs no other name: it has no permissions at all until it is whole, which is also how a
	 * copy that was killed is told from one that is finished.
	 */
	readonly unseen: boolean;
	/** Whether what is made in the place may be given lists by its directory. */
	readonly mayInherit: boolean;
	/** What need not be tried again; see `ContentHow`. */
	readonly refused: NonNullable<ContentHow["refused"]>;
	/** Told how many bytes are copied, and how many of those have been verified. */
	readonly progress?: (done: number, verified: number) => void;
	/** Takes the seals of a file that is to get more names, of which a sealed one gets none. */
	readonly sealLater?: ((seals: readonly Seal[]) => void) | undefined;
}

type Made = ContentCopied & { readonly handle: Handle };

/** Copies an open file to its place. */
export function* copyOpenFile(scope: Scope, job: CopyJob): Operation<ContentCopied> {
	const { slot, existing, how, refused, unseen } = job;
	if (unseen) return yield* copyNamed(scope, job, slot.place, "new");
	// Opened for writing, a link would be followed.
	if (!how.atomic && !existing?.isSymbolicLink()) {
		const as = existing === undefined ? "new" : "replacement";
		return yield* copyNamed(scope, job, slot.place, as);
	}
	if (!refused.has("unnamed")) {
		const copied = yield* copyUnnamed(scope, job);
		if (copied !== undefined) return copied;
	}
	return yield* underTemporaryName(scope, slot, function* (temporary) {
		const copied = yield* create(scope, job, temporary, "new");
		yield* complete(scope, job, copied, temporary, () =>
			moveIntoPlace(scope, temporary, slot, how.overwrite !== false),
		);
		return copied;
	});
}

function create(scope: Scope, job: CopyJob, place: Place, as: "new" | "replacement" | "unnamed") {
	const { from, source, existing, how, refused, progress, unseen } = job;
	const secret = how.preserve.mode || existing?.isFile();
	return system.copy.create(scope, from, place, {
		reflink: how.reflink,
		holes: how.holes,
		size: source.size,
		sparse: mayHaveHoles(source),
		// Until the permissions are set, nobody else is to see what may be secret.
		mode: unseen ? UNFINISHED : secret ? 0o600 : 0o666,
		refused,
		progress: progress && ((done) => progress(done, 0)),
		as,
	});
}

/** Makes the copy under the name that it is to keep. */
function* copyNamed(
	scope: Scope,
	job: CopyJob,
	place: Place,
	as: "new" | "replacement",
): Operation<ContentCopied> {
	const copied = yield* create(scope, job, place, as);
	yield* complete(scope, job, copied, as === "new" ? place : undefined);
	return copied;
}

/** Finishes a copy and has it moved to where it is to be; when that fails, its name is removed. */
function* complete(
	scope: Scope,
	job: CopyJob,
	copied: Made,
	name: Place | undefined,
	move?: () => Operation<void>,
): Operation<void> {
	const { handle } = copied;
	let open = true;
	let done = false;
	const close = function* () {
		open = false;
		yield* system.file.close(scope, handle);
	};
	try {
		const seals = yield* dress(scope, job, copied, move !== undefined);
		if (move !== undefined) {
			// Content that got lost on its way to the disk shows before the copy takes its place.
			if (seals.length === 0) yield* close();
			else yield* system.file.sync(scope, handle);
			yield* move();
		}
		yield* sealCopy(scope, job, handle, seals);
		if (open) yield* close();
		done = true;
	} finally {
		if (open) yield* closeAfter(scope, handle, false);
		if (!done && name !== undefined) yield* discard(scope, name);
	}
}

/**
 * Makes the copy without a name, so that a process killed meanwhile leaves nothing behind, and
 * names it when it is whole. Undefined where the filesystem has no such files.
 */
function* copyUnnamed(scope: Scope, job: CopyJob): Operation<ContentCopied | undefined> {
	try {
		const copied = yield* create(scope, job, beside(job.slot, "."), "unnamed");
		yield* closing(scope, copied.handle, putIntoPlace(scope, job, copied));
		return copied;
	} catch (error) {
		if (!lacksNamelessFiles(error)) throw orInPlace(error, job.existing);
		job.refused.add("unnamed");
		return undefined;
	}
}

function* putIntoPlace(scope: Scope, job: CopyJob, copied: Made): Operation<void> {
	const { slot, existing, how } = job;
	const seals = yield* dress(scope, job, copied, true);
	yield* publish(scope, copied.handle, slot, existing !== undefined, how.overwrite !== false);
	yield* sealCopy(scope, job, copied.handle, seals);
}

/**
 * Checks a copy, sets its metadata, and puts it on the disk. Gives the seals that it is to get when it
 * is in its place; if it is to be moved there, those of which it is known that they can be set.
 */
function* dress(
	scope: Scope,
	{ from, source, slot, existing, how, lost, mayInherit, progress }: CopyJob,
	{ handle, bytes }: Made,
	moves: boolean,
): Operation<readonly Seal[]> {
	// Before the times are set: it reads the copy.
	if (how.verify) {
		const verified = (at: number) => progress?.(bytes, at);
		yield* verifyCopy(scope, [from, source], handle, bytes, verified);
	}
	// Of the owner and the permissions, what is not kept of the source stays as the place had it.
	if (existing?.isFile()) {
		const { owner, mode, acl } = how.preserve;
		const parts = { owner: !owner, mode: !mode, acl: !acl };
		yield* dressLike(scope, handle, slot.place, existing, parts);
	}
	let seals = yield* preserve(scope, [from, source], handle, how.preserve, lost, mayInherit);
	if (moves) seals = yield* trySeals(scope, handle, seals, { ...how.preserve, lost });
	if (how.sync) yield* system.file.sync(scope, handle);
	return seals;
}

function* sealCopy(
	scope: Scope,
	{ how, lost, sealLater }: CopyJob,
	handle: Handle,
	seals: readonly Seal[],
): Operation<void> {
	if (sealLater !== undefined) sealLater(seals);
	else yield* finishing(scope, setSeals(scope, handle, seals, { ...how.preserve, lost }, how.sync));
}
