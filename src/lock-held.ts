/** How a lock is got, changed and given back: the operations behind `lock` and the methods of `Lock`. */
import { Descriptor } from "./engine/descriptor.ts";
import type { Operation } from "./engine/operation.ts";
import { type Scope, takeScope } from "./engine/scope.ts";
import { FsError, isCode } from "./errors.ts";
import { Handle, type Location, locate, subjectOf, type Target } from "./location.ts";
import { Claim, type Holder, lineOf, Wish } from "./lock-line.ts";
import type { LockMode, Span } from "./lock-span.ts";
import { fulfil, type Patience, set } from "./lock-wait.ts";
import { closeAfter } from "./replace.ts";
import { system } from "./sys/index.ts";
import { FOLLOWED, type Metadata } from "./sys/metadata.ts";
import type { Place, Handle as SystemHandle } from "./sys/system.ts";

export { takeTicket } from "./lock-line.ts";

/** What is asked for, with everything said. */
export interface Request {
	readonly mode: LockMode;
	readonly span: Span;
	readonly patience: Patience;
	/** When it was asked for, in the order of calls. */
	readonly ticket: number;
}

/** The open file that a lock belongs to. */
interface Owner {
	readonly handle: SystemHandle;
	/** The caller's open file; undefined where it is given by number, or is the library's own. */
	readonly file: Descriptor | undefined;
	/** Whether the library has opened it for the lock, and closes it with it. */
	readonly isOwn: boolean;
	/** How errors call it. */
	readonly path: Place["path"] | undefined;
}

/** A lock as the operations on it see it. */
export interface Held extends Owner {
	readonly holder: Holder;
	readonly claim: Claim;
	/** Counts the operations on the lock: it is given back once the last of them has ended. */
	readonly uses: Descriptor;
}

/** Gets a lock. */
export function* obtain(scope: Scope, target: Target, request: Request): Operation<Held> {
	scope.interrupt = request.patience.signal;
	if (typeof target === "number" || target instanceof Handle) {
		const handle = subjectOf(scope, target) as SystemHandle;
		const file = typeof target === "number" ? undefined : target.descriptor;
		return yield* obtainOf(scope, { handle, file, isOwn: false, path: undefined }, request);
	}
	const owner = yield* openOwner(target, request.mode);
	try {
		return yield* obtainOf(scope, owner, request);
	} catch (error) {
		yield* closeAfter(scope, owner.handle, false);
		throw about(owner, error);
	}
}

function* obtainOf(scope: Scope, owner: Owner, request: Request): Operation<Held> {
	const { handle, file, isOwn, path } = owner;
	const { mode, span, patience, ticket } = request;
	const metadata = yield* system.metadata.stat(scope, handle, FOLLOWED);
	checkKind(metadata, path);
	// It may be about to be closed by now.
	if (file !== undefined) scope.hold(file);
	const holder = lineOf(metadata).holder(handle, file, isOwn);
	// Nobody tells when a descriptor that is known by its number is closed.
	const claim = new Claim(mode, span, isOwn || file !== undefined);
	yield* fulfil(scope, new Wish(holder, claim, mode, ticket), patience);
	return { ...owner, holder, claim, uses: new Descriptor(handle) };
}

/** The same error with the name of what was to be locked. */
function about({ path }: Owner, error: unknown): unknown {
	return path !== undefined && error instanceof FsError ? error.renamed(path) : error;
}

/** A lock of anything but a file would keep nobody out. */
function checkKind(metadata: Metadata, path: Place["path"] | undefined): void {
	if (metadata.isFile()) return;
	const details = { syscall: "lock", path };
	if (metadata.isDirectory()) {
		const detail = "a directory cannot be locked; a file in it can";
		throw new FsError("EISDIR", "illegal operation on a directory", { ...details, detail });
	}
	const detail = `it is a ${metadata.kind.replace("-", " ")}, not a file`;
	throw new FsError("EINVAL", "invalid argument", { ...details, detail });
}

/**
 * Opens a file for a lock of its own, for writing too if that is allowed: otherwise a shared lock
 * could not be upgraded. What is no file is not opened, since that may wait or have effects.
 */
function* openOwner(location: Location, mode: LockMode): Operation<Owner> {
	// Of its own: the wait that follows is not to keep the directory of the name open.
	const scope = takeScope();
	try {
		const place = locate(scope, location, "target");
		const { path } = place;
		const owner = (handle: SystemHandle) => ({ handle, file: undefined, isOwn: true, path });
		checkKind(yield* system.metadata.stat(scope, place, FOLLOWED), path);
		// By now the name may lead to a fifo.
		const how = { read: true, nonBlocking: true };
		try {
			return owner(yield* system.file.open(scope, place, { ...how, write: true }));
		} catch (error) {
			const isRefused = isCode(error, "EACCES", "EPERM", "EROFS", "ETXTBSY");
			if (mode === "exclusive" || !isRefused) throw error;
			return owner(yield* system.file.open(scope, place, how));
		}
	} finally {
		scope.end();
	}
}

/**
 * Whether the open file of a lock is still there, and if so, keeps it open. Of one that is known by
 * its number alone, the number may have become that of another.
 */
function* keepOpen(scope: Scope, { holder, file, isOwn }: Held): Operation<boolean> {
	if (file !== undefined) {
		if (!file.isClosed) scope.hold(file);
		return !file.isClosed;
	}
	if (isOwn) return true;
	try {
		const metadata = yield* system.metadata.stat(scope, holder.handle, FOLLOWED);
		return holder.line.has(holder, metadata);
	} catch (error) {
		if (isCode(error, "EBADF")) return false;
		throw error;
	}
}

/** Sees to it that neither the lock nor its file goes away while it is worked on. */
function* keep(scope: Scope, held: Held): Operation<void> {
	const { uses, path } = held;
	const ended = (detail: string) =>
		new FsError("EBADF", "bad file descriptor", { syscall: "lock", path, detail });
	if (uses.isClosed) throw ended("the lock has been released");
	scope.hold(uses);
	if (!(yield* keepOpen(scope, held))) throw ended("its file has been closed");
}

/** Makes a shared lock exclusive; until it is, it stays shared. */
export function* upgrade(
	scope: Scope,
	held: Held,
	patience: Patience,
	ticket: number,
): Operation<void> {
	const { holder, claim } = held;
	yield* keep(scope, held);
	if (claim.mode === "exclusive") return;
	scope.interrupt = patience.signal;
	try {
		yield* fulfil(scope, new Wish(holder, claim, "exclusive", ticket), patience);
	} catch (error) {
		throw about(held, error);
	}
}

/** Makes an exclusive lock shared, which nothing can be in the way of. */
export function* downgradeOperation(scope: Scope, held: Held): Operation<void> {
	const { holder, claim } = held;
	yield* keep(scope, held);
	if (claim.mode === "shared") return;
	yield* set(scope, holder, claim.span, "shared");
	// If its file is being closed, it is no more.
	if (!holder.has(claim)) return;
	holder.grant(claim, "shared");
	holder.line.wake(claim.span);
}

/**
 * Lets no further operation on a lock begin, ends a wait for its upgrade, and calls back after the
 * last. False when that has been asked for before.
 */
export function retire({ uses, holder, claim }: Held, idle: () => void): boolean {
	claim.certain = false;
	if (holder.waiting > 0) {
		holder.line.refuse((wish) => wish.claim === claim, "the lock has been released meanwhile");
	}
	return uses.retire(idle);
}

/** Gives a lock back, once nobody works on it any more. */
export function* releaseOperation(scope: Scope, held: Held): Operation<void> {
	const { holder, claim, isOwn } = held;
	let done = false;
	try {
		// Not by closing alone: a process that is just being started has the open file as well.
		if (yield* keepOpen(scope, held)) yield* set(scope, holder, claim.span, "unlocked");
		done = true;
	} finally {
		holder.end(claim);
		if (isOwn) yield* closeAfter(scope, holder.handle, done);
	}
}
