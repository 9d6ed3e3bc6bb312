import { named } from "./engine/observer.ts";
import { once } from "./engine/once.ts";
import type { Operation } from "./engine/operation.ts";
import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { invalidArgument, isCode } from "./errors.ts";
import type { Target } from "./location.ts";
import type { Held, Request } from "./lock-held.ts";
import type { LockMode } from "./lock-span.ts";
import type { Patience } from "./lock-wait.ts";
import { optionsOf, schemas, type Zod } from "./options.ts";

export type { LockMode } from "./lock-span.ts";

/** How it is done, loaded when the first lock is asked for: most programs ask for none. */
const held = once(() => require("./lock-held.ts") as typeof import("./lock-held.ts"));

/** Bytes of a file to lock; they need not be there yet. */
export interface LockRange {
	/** Where it begins, in bytes. */
	offset: number;
	/** How many bytes, 1 or more. Default: all that the file may ever have from there on. */
	length?: number | undefined;
}

/** Options of `tryLock`. */
export interface TryLockOptions {
	/** `"shared"`, beside other shared locks, or `"exclusive"`, alone. Default `"exclusive"`. */
	mode?: LockMode | undefined;
	/** What to lock. Default: the whole file, however long it becomes. */
	range?: LockRange | undefined;
}

/** How long to wait for a lock: options of `Lock.upgrade`. */
export interface LockWaitOptions {
	/** Give up with `ETIMEDOUT` after this many milliseconds. Default: never. */
	timeoutMs?: number | undefined;
	/** Ends the wait early with an `AbortError`; in the sync forms only before it begins. */
	signal?: AbortSignal | undefined;
}

/** Options of `lock`. */
export interface LockOptions extends TryLockOptions, LockWaitOptions {
	/** False to fail with `EAGAIN` instead of waiting. Default true. */
	wait?: boolean | undefined;
}

const what = (z: Zod) => ({
	mode: schemas.choice(z, "shared", "exclusive"),
	range: z.optional(
		schemas.object<LockRange>(z, {
			offset: z.int().check(z.minimum(0), z.maximum(Number.MAX_SAFE_INTEGER)),
			length: schemas.integer(z, 1),
		}),
	),
});
const howLong = (z: Zod) => ({ timeoutMs: schemas.integer(z), signal: schemas.signal(z) });

const checkLock = optionsOf<LockOptions>("lock", (z) => ({
	...what(z),
	wait: schemas.flag(z),
	...howLong(z),
}));
const checkTryLock = optionsOf<TryLockOptions>("tryLock", what);
const checkUpgrade = optionsOf<LockWaitOptions>("upgrade", howLong);

function patienceOf(
	{ timeoutMs, signal }: LockWaitOptions,
	alone: boolean,
	waits = true,
): Patience {
	const deadline = performance.now() + (timeoutMs ?? Number.POSITIVE_INFINITY);
	return { waits, deadline, alone, signal };
}

function requestOf(options: LockOptions, alone: boolean): Request {
	const { mode = "exclusive", range, wait } = options;
	const { offset: start = 0, length = Number.POSITIVE_INFINITY } = range ?? {};
	const end = start + length;
	if (end !== Number.POSITIVE_INFINITY && end > Number.MAX_SAFE_INTEGER) {
		const message = `lock: the range must end at ${Number.MAX_SAFE_INTEGER} at most, not at ${end}`;
		throw invalidArgument("ERR_OUT_OF_RANGE", message);
	}
	const patience = patienceOf(options, alone, wait);
	return { mode, span: { start, end }, patience, ticket: held().takeTicket() };
}

/** Both forms of an operation that waits: in the sync form nobody else on the thread gets to run. */
function waiting<A extends unknown[], T>(
	name: string,
	operation: (scope: Scope, alone: boolean, ...args: A) => Operation<T>,
) {
	const form = (alone: boolean) =>
		named(name, (scope: Scope, ...args: A) => operation(scope, alone, ...args));
	return { async: form(false), sync: form(true) };
}

const lockOperation = waiting(
	"lock",
	function* (scope, alone, target: Target, options: LockOptions | undefined): Operation<Lock> {
		return new Lock(yield* held().obtain(scope, target, requestOf(checkLock(options), alone)));
	},
);

/**
 * Locks a file, or a range of it, against all who lock it too, in this process and in others.
 *
 * Locks are advisory: they keep out those who ask for one, and nobody from reading or writing. A
 * shared lock stands beside other shared ones; an exclusive one stands alone. A lock ends when it is
 * released, and when its process ends; a Worker that is terminated leaves its locks to the process.
 *
 * A lock is of the file and not of its name: once another file has been put in its place, by a rename
 * or an atomic write, who waited has the old one and who comes has the new one. Lock a file that
 * nobody replaces, such as one beside it.
 *
 * Given a path, the file is opened for the lock alone, so that two locks of one path exclude each
 * other also in one process. Given a `File` or a descriptor, the lock belongs to that open file:
 * closing it releases the lock, and locks through the same open file do not exclude each other, as a
 * second one changes the first where they overlap.
 *
 * A waiter occupies no thread. Those of one JavaScript thread get their locks in the order of their
 * calls; between threads and processes there is no order, and a lock that another process has
 * released may be noticed up to 20 ms later, or more if over 100 ranges are waited for that other
 * processes have. The sync form waits for nobody's turn, since no promise
 * form could go on meanwhile.
 *
 * @param target A path, `dir.at(name)`, a `File` or a descriptor. It must be there, and be a file.
 * @param options `mode`: `"exclusive"` (the default) or `"shared"`; `range`: `offset` and `length`
 * in bytes, the whole file by default; `wait`: false to fail at once with `EAGAIN`; `timeoutMs`: how
 * long to wait at most, 0 or more; `signal`.
 * @returns The lock; release it, or declare it with `await using`.
 * @throws {FsError} `EAGAIN` with `wait: false`, `ETIMEDOUT`, `ENOENT`, `EISDIR` for a directory,
 * `EINVAL` for what else is no file, `EACCES` and `EROFS` for an exclusive lock of a path that may
 * not be written, `EBADF` for one of an open file that is not open for writing, `EDEADLK` for a sync
 * form that would wait for its own thread, `ENOLCK` where there can be no more locks, `ENOTSUP`,
 * `EXDEV` for a name that leaves a confined directory.
 * @throws {AbortError} When the signal fires.
 *
 * Linux: fcntl with F_OFD_SETLK, which also sees the locks of lockf(3) and is seen by them; flock(2)
 * is another kind, and neither sees the other on local filesystems. A path is opened for reading and
 * writing, or, for a shared lock where that is refused, for reading.
 *
 * Windows: LockFileEx, 2^62 bytes beyond what is locked, since there a lock would keep others, and the
 * caller's other handles, from reading and writing the bytes themselves. So locks of other programs
 * are not met. An open file may be locked in both ways, whatever it is open for.
 *
 * @example
 * ```ts
 * import { lock, readFile, writeFile } from "bun-fs-extended";
 *
 * await writeFile("counter", "0");
 * const increment = async () => {
 *   await using _ = await lock("counter");
 *   await writeFile("counter", String(Number(await readFile("counter", "utf8")) + 1));
 * };
 * await Promise.all(Array.from({ length: 10 }, increment));
 * if ((await readFile("counter", "utf8")) !== "10") throw new Error("some were lost");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/fcntl.2.html | fcntl(2)}
 */
export function lock(target: Target, options?: LockOptions): Promise<Lock> {
	return run(lockOperation.async, target, options);
}

/** The synchronous form of {@link lock}. */
export function lockSync(target: Target, options?: LockOptions): Lock {
	return runSync(lockOperation.sync, target, options);
}

function* tryLockOperation(
	scope: Scope,
	target: Target,
	options: TryLockOptions | undefined,
): Operation<Lock | undefined> {
	const { mode, range } = checkTryLock(options);
	const request = requestOf({ mode, range, wait: false }, false);
	try {
		return new Lock(yield* held().obtain(scope, target, request));
	} catch (error) {
		// Opening a file that is under a lease says the same of something else.
		if (isCode(error, "EAGAIN") && error.syscall === "lock") return undefined;
		throw error;
	}
}

/**
 * Locks a file, or a range of it, if that can be done at once.
 *
 * @param target A path, `dir.at(name)`, a `File` or a descriptor, as in {@link lock}.
 * @param options `mode`: `"exclusive"` (the default) or `"shared"`; `range`: `offset` and `length`
 * in bytes, the whole file by default.
 * @returns The lock; undefined if others have locks that are in the way, or wait for such.
 * @throws {FsError} `ENOENT`, `EISDIR`, `EINVAL`, `EACCES`, `EROFS`, `EBADF`, `ENOLCK`, `ENOTSUP` and
 * `EXDEV` as for {@link lock}.
 *
 * Linux: fcntl with F_OFD_SETLK.
 *
 * Windows: LockFileEx, beyond all content.
 *
 * @example
 * ```ts
 * import { tryLock, writeFile } from "bun-fs-extended";
 *
 * await writeFile("pid", String(process.pid));
 * await using only = await tryLock("pid");
 * if (only === undefined) throw new Error("it is running already");
 * if ((await tryLock("pid")) !== undefined) throw new Error("locked twice");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/fcntl.2.html | fcntl(2)}
 */
export function tryLock(target: Target, options?: TryLockOptions): Promise<Lock | undefined> {
	return run(tryLockOperation, target, options);
}

/** The synchronous form of {@link tryLock}. */
export function tryLockSync(target: Target, options?: TryLockOptions): Lock | undefined {
	return runSync(tryLockOperation, target, options);
}

const upgradeOperation = waiting(
	"upgrade",
	(scope, alone, lock: Held, options: LockWaitOptions | undefined) =>
		held().upgrade(scope, lock, patienceOf(checkUpgrade(options), alone), held().takeTicket()),
);

/**
 * A lock of a file, as `lock` and `tryLock` give it. It is released once: by hand, by `using`, or
 * by `await using`.
 *
 * @example
 * ```ts
 * import { lock, tryLock, writeFile } from "bun-fs-extended";
 *
 * await writeFile("file", "");
 * await using reading = await lock("file", { mode: "shared" });
 * await reading.upgrade(); // alone from here on
 * if ((await tryLock("file", { mode: "shared" })) !== undefined) throw new Error("not alone");
 * await reading.downgrade();
 * await using other = await lock("file", { mode: "shared" });
 * if (other.mode !== "shared") throw new Error("beside the first");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/fcntl.2.html | fcntl(2)}
 */
export class Lock implements Disposable, AsyncDisposable {
	readonly #held: Held;

	/** @internal */
	constructor(held: Held) {
		this.#held = held;
	}

	/** What it is, or was before it was released: `"shared"` or `"exclusive"`. */
	get mode(): LockMode {
		return this.#held.claim.mode;
	}

	/**
	 * Makes a shared lock exclusive once no other lock is in the way; nobody gets between the two. It
	 * stays shared until then, and if this fails. It goes before all who wait on this thread.
	 *
	 * Two who upgrade wait for each other for ever: on one thread the second gets `EDEADLK`; else only
	 * `timeoutMs` or `signal` ends it. A file that could be opened only for reading gives `EBADF`.
	 *
	 * Windows: the shared lock is given up for a moment, in which a guard keeps all who use this library
	 * from making locks of the range. It could only be lost to a program that locks such bytes itself.
	 */
	upgrade(options?: LockWaitOptions): Promise<void> {
		return run(upgradeOperation.async, this.#held, options);
	}

	/** The synchronous form of `upgrade`. */
	upgradeSync(options?: LockWaitOptions): void {
		runSync(upgradeOperation.sync, this.#held, options);
	}

	/** Makes an exclusive lock shared, without ever letting go of it. */
	downgrade(): Promise<void> {
		return run(held().downgradeOperation, this.#held);
	}

	/** The synchronous form of `downgrade`. */
	downgradeSync(): void {
		runSync(held().downgradeOperation, this.#held);
	}

	/** Gives the lock back; releasing it again does nothing. An upgrade that waits fails with `EBADF`. */
	release(): Promise<void> {
		return new Promise((resolve, reject) => {
			const retired = held().retire(this.#held, () => {
				run(held().releaseOperation, this.#held).then(resolve, reject);
			});
			if (!retired) resolve();
		});
	}

	/** Gives it back at once, or, if its upgrade or downgrade is under way, when that has ended. */
	releaseSync(): void {
		let now = true;
		held().retire(this.#held, () => {
			if (now) runSync(held().releaseOperation, this.#held);
			// Nobody is left who could be told that it failed.
			else run(held().releaseOperation, this.#held).catch(() => {});
		});
		now = false;
	}

	[Symbol.dispose](): void {
		this.releaseSync();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.release();
	}
}
