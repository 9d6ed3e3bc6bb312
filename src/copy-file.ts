/** Copying one file: what `copyFile` and `copyTree` do for each, once the source is open. */
import { closeAfter } from "./content.ts";
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { FsError } from "./errors.ts";
import { type Preserved, preserve } from "./preserve.ts";
import { moveIntoPlace, type Slot, underTemporaryName } from "./replace.ts";
import { system } from "./sys/index.ts";
import type { Metadata } from "./sys/metadata.ts";
import type { ContentCopied, ContentHow, Handle, Place } from "./sys/system.ts";
import { fill } from "./transfer.ts";

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

const HANDLE = { follow: true, sync: "auto" } as const;
const VERIFY_CHUNK = 128 * 1024;

type Created = ContentCopied & { readonly handle: Handle };

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
	if (overwrite === "newer" && existing.mtimeNs >= source.mtimeNs) return false;
	if (source.isFile() && !existing.isFile() && !existing.isSymbolicLink()) {
		const what = `the destination is a ${existing.kind.replace("-", " ")}, not a file`;
		throw refuse("EINVAL", "invalid argument", what);
	}
	return true;
}

/** Copies an open file to a place, in place of what `existing` says is there. */
export function* copyOpenFile(
	scope: Scope,
	[from, source]: readonly [Handle, Metadata],
	slot: Slot,
	existing: Metadata | undefined,
	how: CopyHow,
	lost: Set<string>,
	progress?: (done: number) => void,
): Operation<ContentCopied> {
	const content = {
		reflink: how.reflink,
		holes: how.holes,
		size: source.size,
		// Blocks are counted in 512 bytes; fewer than the size needs are those of holes.
		sparse: source.blocks * 512 < source.size,
		// Until the permissions are set, nobody else is to see what may be secret.
		mode: how.preserve.mode || existing !== undefined ? 0o600 : 0o666,
		progress,
	};
	const create = (place: Place, replace: boolean) =>
		system.copy.create(scope, from, place, { ...content, replace });
	const finish = (created: Created, place: Place, made: boolean) =>
		complete(scope, [from, source], [created, place, made], existing, how, lost);
	// Opened for writing, a link would be followed.
	if (how.atomic || existing?.isSymbolicLink()) {
		const [temporary, created] = yield* underTemporaryName(slot, (name) => create(name, false));
		yield* finish(created, temporary, true);
		yield* moveIntoPlace(scope, temporary, slot, how.overwrite !== false);
		return created;
	}
	const created = yield* create(slot.place, existing !== undefined);
	yield* finish(created, slot.place, existing === undefined);
	return created;
}

/** Sets the metadata of a copy, checks it, puts it on the disk, and closes it. */
function* complete(
	scope: Scope,
	[from, source]: readonly [Handle, Metadata],
	[created, place, made]: readonly [Created, Place, boolean],
	existing: Metadata | undefined,
	how: CopyHow,
	lost: Set<string>,
): Operation<void> {
	const { handle } = created;
	let done = false;
	try {
		if (existing !== undefined) yield* takeOver(scope, handle, existing, how.preserve);
		yield* preserve(scope, [from, source], handle, how.preserve, lost);
		if (how.verify) yield* verify(scope, from, handle, created.bytes);
		if (how.sync) yield* system.file.sync(scope, handle);
		done = true;
	} finally {
		try {
			yield* closeAfter(scope, handle, done);
		} catch (error) {
			done = false;
			throw error;
		} finally {
			if (!done && made) yield* system.directory.unlink(scope, place);
		}
	}
}

/** What is not kept of the source stays as it was in the place. */
function* takeOver(
	scope: Scope,
	handle: Handle,
	existing: Metadata,
	what: Preserved,
): Operation<void> {
	if (!what.owner) {
		const { uid, gid } = existing;
		const now = yield* system.metadata.stat(scope, handle, HANDLE);
		if (now.uid !== uid || now.gid !== gid) {
			yield* system.ownership.chown(scope, handle, { uid, gid }, true);
		}
	}
	if (!what.mode) yield* system.metadata.chmod(scope, handle, existing.permissions, true);
}

/** Reads both files again and compares them. */
function* verify(scope: Scope, from: Handle, to: Handle, bytes: number): Operation<void> {
	const mark = scope.memory.mark();
	const left = scope.memory.reserve(VERIFY_CHUNK);
	const right = scope.memory.reserve(VERIFY_CHUNK);
	for (let at = 0; at < bytes; at += VERIFY_CHUNK) {
		const length = Math.min(VERIFY_CHUNK, bytes - at);
		const first = yield* fill(scope, from, left.address, length, at);
		const second = yield* fill(scope, to, right.address, length, at);
		const same =
			first === second && Buffer.compare(left.bytes(0, first), right.bytes(0, second)) === 0;
		if (!same || second !== length) {
			throw new FsError("EIO", "i/o error", {
				syscall: "copyfile",
				detail: `the copy differs from its source after byte ${at}`,
			});
		}
	}
	scope.memory.release(mark);
}
