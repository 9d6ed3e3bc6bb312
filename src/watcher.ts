import { type Encoding, nameOf } from "./encoding.ts";
import { named } from "./engine/observer.ts";
import type { Operation } from "./engine/operation.ts";
import { run, runSync } from "./engine/run.ts";
import { type Interrupt, type Scope, takeScope } from "./engine/scope.ts";
import { AbortError } from "./errors.ts";
import { subjectOf, type Target } from "./location.ts";
import { partsOf } from "./place.ts";
import { system } from "./sys/index.ts";
import type * as contract from "./sys/system.ts";
import type { Change } from "./watch.ts";

/** What to watch, and how. */
export interface Request {
	readonly target: Target;
	readonly how: contract.WatchHow;
	readonly encoding: Encoding;
}

type Name = string | Uint8Array;

/** A watch that is there, and how its changes are shown. */
interface Opened {
	readonly source: contract.ChangeSource;
	readonly show: (change: contract.Change) => Change<Name>;
}

/** Throws for a target that is none, before anything is begun. */
export function checkTarget(target: Target): void {
	const scope = takeScope();
	try {
		subjectOf(scope, target);
	} finally {
		scope.end();
	}
}

const openOperation = named(
	"watch",
	function* (scope: Scope, request: Request, interrupt?: Interrupt): Operation<Opened> {
		const { target, how, encoding } = request;
		scope.interrupt = interrupt;
		const subject = subjectOf(scope, target);
		const source = yield* system.watch.open(scope, subject, how);
		return { source, show: showing(subject, source, encoding) };
	},
);

const nextOperation = named(
	"watch",
	(scope: Scope, { source }: Opened, interrupt?: Interrupt): ReturnType<typeof source.next> => {
		scope.interrupt = interrupt;
		return source.next(scope);
	},
);

const closeOperation = named("watch", (scope: Scope, { source }: Opened) => source.close(scope));

function showing(
	subject: contract.Subject,
	{ isDirectory }: contract.ChangeSource,
	encoding: Encoding,
): Opened["show"] {
	const own = typeof subject === "number" ? "" : partsOf(subject.path).name;
	const itself = isDirectory ? new Uint8Array(0) : Buffer.from(own as string);
	const asName = encoding === "buffer" ? (bytes: Uint8Array) => new Uint8Array(bytes) : nameOf;
	return ({ kind, path, from }) => {
		const shown = asName(path.length === 0 ? itself : path);
		return from === undefined ? { kind, path: shown } : { kind, path: shown, from: asName(from) };
	};
}

/** Changes that are at hand. */
class Batch<N extends Name> {
	private changes: readonly contract.Change[] = [];
	private show: Opened["show"] | undefined;
	private at = 0;

	fill(changes: readonly contract.Change[], show: Opened["show"]): void {
		this.changes = changes;
		this.show = show;
		this.at = 0;
	}

	clear(): void {
		this.changes = [];
	}

	take(): Change<N> | undefined {
		const change = this.changes[this.at++];
		return change && (this.show?.(change) as Change<N> | undefined);
	}
}

const END = { done: true, value: undefined } as const;

/**
 * The changes of something that is watched, as they come: what `watch` gives.
 *
 * `for await` is the way to go through them; leaving the loop ends the watch. Changes are kept from
 * the moment on at which `ready` resolves, also while nobody asks for the next. The process stays
 * alive while somebody waits for one, and not otherwise.
 *
 * @example
 * ```ts
 * import { watch, writeFile } from "bun-fs-extended";
 *
 * await using watcher = watch(".");
 * await watcher.ready;
 * await writeFile("new", "content");
 * const { value } = await watcher.next();
 * if (value?.path !== "new") throw new Error("one file was made");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man7/inotify.7.html | inotify(7)}
 */
export class Watcher<N extends string | Uint8Array = string>
	implements AsyncIterableIterator<Change<N>, undefined, undefined>, AsyncDisposable
{
	/**
	 * Resolves when the watch is there: every change after that is reported. Rejects if it cannot be
	 * placed; so does `next`, which waits for it, so that nobody need wait for both.
	 */
	readonly ready: Promise<void>;
	private readonly opening: Promise<Opened>;
	private readonly batch = new Batch<N>();
	/** Looked at by what is under way; set when the watch is to end. */
	private readonly stopping: { aborted: boolean; reason: unknown };
	private opened: Opened | undefined;
	private fetching: Promise<void> | undefined;
	private failure: { readonly error: unknown } | undefined;
	private isClosed = false;
	private hasEnded = false;
	private readonly abort = () => this.aborted();

	/** @internal */
	constructor(
		request: Request,
		private readonly signal: AbortSignal | undefined,
	) {
		this.stopping = { aborted: signal?.aborted ?? false, reason: signal?.reason };
		this.opening = run(openOperation, request, this.stopping);
		this.ready = this.opening.then((opened) => {
			this.opened = opened;
		});
		// Whoever asks for a change is told. A signal may last longer than what could not be watched.
		this.ready.catch(() => signal?.removeEventListener("abort", this.abort));
		signal?.addEventListener("abort", this.abort);
	}

	/** The next change, as soon as there is one; `done` after the last. */
	async next(): Promise<IteratorResult<Change<N>, undefined>> {
		for (;;) {
			const { failure } = this;
			this.failure = undefined;
			if (failure !== undefined) throw failure.error;
			const value = this.batch.take();
			if (value !== undefined) return { done: false, value };
			if (this.hasEnded) return END;
			await this.fetch();
		}
	}

	/** Ends the watch, as `close` does. */
	async return(): Promise<IteratorResult<Change<N>, undefined>> {
		await this.close();
		return END;
	}

	/** Ends the watch; a `next` that waits has come to the end then. Closing it again does nothing. */
	async close(): Promise<void> {
		this.isClosed = true;
		this.stop();
		await this.fetch();
	}

	[Symbol.asyncIterator](): this {
		return this;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	private aborted(): void {
		this.stopping.reason = this.signal?.reason;
		this.stop();
		void this.fetch();
	}

	/** Ends what is under way, and lets nothing else begin. */
	private stop(): void {
		this.failure = undefined;
		this.batch.clear();
		if (this.stopping.aborted) return;
		this.stopping.aborted = true;
		this.opened?.source.wake();
	}

	/** Gets the next changes, the end, or a failure; once for all who wait. */
	private fetch(): Promise<void> {
		this.fetching ??= this.advance().finally(() => {
			if (!this.hasEnded) this.fetching = undefined;
		});
		return this.fetching;
	}

	private async advance(): Promise<void> {
		try {
			const opened = this.opened ?? (await this.opening);
			const changes = await run(nextOperation, opened, this.stopping);
			if (changes !== undefined && !this.stopping.aborted) {
				this.batch.fill(changes, opened.show);
				return;
			}
			if (this.signal?.aborted) throw new AbortError(this.signal.reason);
		} catch (error) {
			if (!this.isClosed) this.failure = { error };
		}
		this.hasEnded = true;
		this.signal?.removeEventListener("abort", this.abort);
		if (this.opened !== undefined) await run(closeOperation, this.opened);
	}
}

/**
 * The changes of something that is watched, as they come: what `watchSync` gives.
 *
 * `for` is the way to go through them; leaving the loop ends the watch.
 *
 * @example
 * ```ts
 * import { watchSync, writeFileSync } from "bun-fs-extended";
 *
 * using watcher = watchSync(".");
 * writeFileSync("new", "content");
 * if (watcher.next().value?.path !== "new") throw new Error("one file was made");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man7/inotify.7.html | inotify(7)}
 */
export class SyncWatcher<N extends string | Uint8Array = string>
	implements IterableIterator<Change<N>, undefined, undefined>, Disposable
{
	private readonly batch = new Batch<N>();
	private opened: Opened | undefined;

	/** @internal */
	constructor(request: Request) {
		this.opened = runSync(openOperation, request);
	}

	/** The next change; the thread waits until there is one. `done` after the last. */
	next(): IteratorResult<Change<N>, undefined> {
		for (;;) {
			const value = this.batch.take();
			if (value !== undefined) return { done: false, value };
			if (this.opened === undefined) return END;
			this.advance(this.opened);
		}
	}

	/** Ends the watch, as `close` does. */
	return(): IteratorResult<Change<N>, undefined> {
		this.close();
		return END;
	}

	/** Ends the watch; closing it again does nothing. */
	close(): void {
		const { opened } = this;
		this.opened = undefined;
		this.batch.clear();
		if (opened !== undefined) runSync(closeOperation, opened);
	}

	[Symbol.iterator](): this {
		return this;
	}

	[Symbol.dispose](): void {
		this.close();
	}

	private advance(opened: Opened): void {
		let changes: readonly contract.Change[] | undefined;
		try {
			changes = runSync(nextOperation, opened);
		} finally {
			if (changes === undefined) this.close();
		}
		if (changes !== undefined) this.batch.fill(changes, opened.show);
	}
}
