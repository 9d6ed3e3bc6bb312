import { type Encoding, encodingSchema } from "./encoding.ts";
import type { FsError } from "./errors.ts";
import type { Target } from "./location.ts";
import { optionsOf, schemas, type Zod } from "./options.ts";
import type * as contract from "./sys/system.ts";
import { checkTarget, type Request, SyncWatcher, Watcher } from "./watcher.ts";

export { SyncWatcher, Watcher } from "./watcher.ts";

/** What can happen: see {@link Change}. */
export type ChangeKind = contract.Change["kind"];

/** What has happened to what is watched, or to something in it. */
export interface Change<Name extends string | Uint8Array = string> {
	/**
	 * `"create"`: a name is there, made, linked, or moved in from elsewhere. `"modify"`: content was
	 * written or cut off. `"attributes"`: permissions, owner, times, xattrs or the number of names have
	 * changed. `"delete"`: a name is gone, also by being moved elsewhere. `"rename"`: a name has become
	 * another. `"overflow"`: changes were lost.
	 */
	readonly kind: ChangeKind;
	/**
	 * Where, from the watched directory on: `"a/b"`. Of the directory itself it is empty. Of a
	 * watched file it is always the file's name, or empty if it was given by a descriptor.
	 */
	readonly path: Name;
	/** Where it was before; of a `"rename"` only. */
	readonly from?: Name | undefined;
}

interface CommonOptions {
	/** Watch all directories below, too, and those that come later. Default false. */
	recursive?: boolean | undefined;
	/** What to report; the default is all there is. `"overflow"` is reported in any case. */
	kinds?: readonly ChangeKind[] | undefined;
	/** What paths are: text (`"utf8"`, the default) or bytes (`"buffer"`). */
	encoding?: Encoding | undefined;
	/**
	 * Called for a directory in the tree that cannot be watched, such as one that may not be read
	 * (`EACCES`); all else goes on. Without it, the watch fails and ends.
	 */
	onError?: ((error: FsError) => void) | undefined;
}

/** Options of `watch`. */
export interface WatchOptions extends CommonOptions {
	/** Ends the watch: `next` rejects with an `AbortError`, at once if it is waiting. */
	signal?: AbortSignal | undefined;
}

/** Options of `watchSync`. */
export interface WatchSyncOptions extends CommonOptions {
	/** How long to wait for the next change, in milliseconds; then the watch ends. Default: for ever. */
	timeoutMs?: number | undefined;
}

const KINDS = ["create", "modify", "attributes", "delete", "rename", "overflow"] as const;

const common = (z: Zod) => ({
	recursive: schemas.flag(z),
	kinds: z.optional(z.readonly(z.array(z.enum(KINDS)).check(z.minLength(1)))),
	encoding: encodingSchema(z),
	onError: schemas.callback<(error: FsError) => void>(z),
});

const checkWatch = optionsOf<WatchOptions>("watch", (z) => ({
	...common(z),
	signal: schemas.signal(z),
}));
const checkWatchSync = optionsOf<WatchSyncOptions>("watchSync", (z) => ({
	...common(z),
	timeoutMs: schemas.integer(z),
}));

function requestOf(target: Target, options: CommonOptions, timeoutMs?: number): Request {
	const { recursive = false, kinds = KINDS, encoding = "utf8", onError: failed } = options;
	checkTarget(target);
	return { target, how: { recursive, kinds: new Set(kinds), timeoutMs, failed }, encoding };
}

/**
 * Watches a file, or a directory and what is in it, for changes.
 *
 * Changes are reported in the order in which they were made, each once, whoever made them; a change
 * that repeats the one just before it may be left out. They are kept from the moment on at which
 * `watcher.ready` resolves, or the first one arrives. Where more come than the system keeps, an
 * `"overflow"` says so: look for yourself what there is, and rely on what is reported after it.
 *
 * With `recursive`, directories that are made, or moved in, are watched from then on, and what is in
 * them by that time is reported as created. Symbolic links are not followed, save one that is the
 * target. A rename within what is watched is one change, and an exchange of two names is two. One
 * that leads in is a `"create"` of the name, one that leads out a `"delete"`. An exchange with a name
 * outside is both; where the name outside was given first, the `"delete"` comes last, though there is
 * something of that name (only of a directory in a recursive watch another `"create"` says so).
 *
 * When what is watched is itself deleted, renamed or unmounted, the last change is a `"delete"` of it,
 * and the watch ends. A file that others have open is deleted for good when they close it.
 *
 * A watcher that somebody waits for holds up `stopEngine`: close it first.
 *
 * @param target A path, `dir.at(name)`, a `File`, a `Dir` or a descriptor. A link is followed.
 * @param options `recursive`: with everything below; `kinds`: what to report; `encoding`: `"buffer"`
 * for names that are not UTF-8; `onError`: go on without a directory that cannot be watched;
 * `signal`.
 * @returns The changes: an async iterator, which is there at once. Leave the loop or close it to
 * end the watch.
 * @throws {TypeError} For wrong arguments, at once. What follows is what `ready` and `next` reject with.
 * @throws {FsError} `ENOENT`, `EACCES` for what may not be read, also for a directory below, `ENOSPC`
 * and `EMFILE` where a limit of the system's is reached, which the message names, `EXDEV` for a name
 * that leaves a confined directory, `ESTALE` for a tree that a rename above it has taken elsewhere.
 * @throws {AbortError} When the signal fires.
 *
 * Linux: inotify, one queue for each watcher and one watch for each directory. Waiting takes an entry
 * of the io_uring and no thread; without one, the queue is looked at every 1 to 20 ms. A tree given
 * by a path is not kept open, so that it can be unmounted. What other machines change on a server is
 * not seen.
 *
 * Windows: NtNotifyChangeDirectoryFile, one handle for a whole tree, on the completion port. 64 KiB of
 * changes are kept between two calls of `next`. Changes of content and of attributes are not told from
 * each other: where both are asked for, either is a `"modify"`. A move from one directory to another is
 * a `"delete"` and a `"create"`. A file is watched by its directory. A watched directory that is
 * renamed is watched on, wherever it is, and changes of its own attributes are not reported.
 *
 * @example
 * ```ts
 * import { mkdir, watch, writeFile } from "bun-fs-extended";
 *
 * await using watcher = watch(".", { recursive: true, kinds: ["create"] });
 * await watcher.ready;
 * await mkdir("a/b", { recursive: true });
 * await writeFile("a/b/file", "content");
 * for await (const { path } of watcher) if (path === "a/b/file") break;
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man7/inotify.7.html | inotify(7)}
 */
export function watch(
	target: Target,
	options: WatchOptions & { encoding: "buffer" },
): Watcher<Uint8Array<ArrayBuffer>>;
export function watch(
	target: Target,
	options?: WatchOptions & { encoding?: "utf8" | undefined },
): Watcher;
export function watch(
	target: Target,
	options?: WatchOptions,
): Watcher<string | Uint8Array<ArrayBuffer>>;
export function watch(target: Target, options?: WatchOptions): Watcher<never> {
	const checked = checkWatch(options);
	return new Watcher(requestOf(target, checked), checked.signal);
}

/**
 * The synchronous form of {@link watch}. The watch is there when it returns. `next` waits on this
 * thread, and `timeoutMs` says for how long: after that many milliseconds without a change the watch
 * ends. There is no `signal`, since nobody could give it meanwhile.
 */
export function watchSync(
	target: Target,
	options: WatchSyncOptions & { encoding: "buffer" },
): SyncWatcher<Uint8Array<ArrayBuffer>>;
export function watchSync(
	target: Target,
	options?: WatchSyncOptions & { encoding?: "utf8" | undefined },
): SyncWatcher;
export function watchSync(
	target: Target,
	options?: WatchSyncOptions,
): SyncWatcher<string | Uint8Array<ArrayBuffer>>;
export function watchSync(target: Target, options?: WatchSyncOptions): SyncWatcher<never> {
	const checked = checkWatchSync(options);
	return new SyncWatcher(requestOf(target, checked, checked.timeoutMs));
}
