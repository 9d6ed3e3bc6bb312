import type { Operation } from "../../../engine/operation.ts";
import type { Scope } from "../../../engine/scope.ts";
import { FsError } from "../../../errors.ts";
import { joined } from "../../../place.ts";
import type { Change, Handle, Place, WatchHow } from "../../system.ts";
import {
	IN_ATTRIB,
	IN_CREATE,
	IN_DELETE,
	IN_DELETE_SELF,
	IN_EXCL_UNLINK,
	IN_IGNORED,
	IN_MODIFY,
	IN_MOVE_SELF,
	IN_MOVED_FROM,
	IN_MOVED_TO,
	IN_Q_OVERFLOW,
	IN_UNMOUNT,
} from "../layouts.ts";
import { Backlog, LOOK_AGAIN } from "./backlog.ts";
import type { Inotify } from "./inotify.ts";
import { Table, type Watched } from "./table.ts";

const NAMES = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
const SELF = IN_DELETE_SELF | IN_MOVE_SELF;
/** Any of these, about what the user watches, is the end of it. */
export const ENDS = SELF | IN_UNMOUNT | IN_IGNORED;

/** How often what is not where it should be is looked for. */
export const MOST_TRIES = 4;

/** What the kernel is asked to report: no more than somebody wants to know. */
export function maskFor({ recursive, kinds }: WatchHow): number {
	let mask = NAMES | SELF | IN_EXCL_UNLINK;
	if (kinds.has("modify")) mask |= IN_MODIFY;
	// A directory that becomes readable can be watched from then on.
	if (recursive || kinds.has("attributes")) mask |= IN_ATTRIB;
	return mask;
}

/** What is known of a tree, or of the one thing, that is watched. */
export class Tree {
	readonly table: Table;
	readonly backlog = new Backlog();
	/** Changes that are to be reported. */
	private changes: Change[] = [];
	/** When the last read began that left no event unread, in nanoseconds. */
	emptied = 0;
	/** What is watched is gone: there will be no more changes. */
	hasEnded = false;
	/** The directory that was opened last, until the changes at hand have been dealt with. */
	opened: { readonly directory: Watched; readonly handle: Handle } | undefined;
	/** Watches of which nobody wants to know any more, and which are to be ended. */
	private unwanted: number[] = [];

	/** Where what is watched can be opened again, if there is a tree below it. */
	root: Place = { directory: undefined, path: ".", beneath: false };

	constructor(
		readonly inotify: Inotify,
		rootWatch: number,
		readonly mask: number,
		readonly how: WatchHow,
		/** What the user calls it. */
		private readonly name: string | Uint8Array,
	) {
		this.table = new Table(rootWatch);
	}

	report(kind: Change["kind"], directory: Watched, name: string, from?: string): void {
		if (!this.how.kinds.has(kind) && kind !== "overflow") return;
		this.changes.push({
			kind,
			path: bytesOf(this.table.pathOf(directory, name)),
			from: from === undefined ? undefined : bytesOf(from),
		});
	}

	/** What was watched is no longer there, or not under its name. */
	end(): void {
		this.report("delete", this.table.root, "");
		this.hasEnded = true;
	}

	get hasChanges(): boolean {
		return this.changes.length > 0;
	}

	/** What is to be reported so far. */
	take(): Change[] {
		const { changes } = this;
		this.changes = [];
		return changes;
	}

	/** Reads events, as many as are read at once; false if there are no more. */
	*read(scope: Scope): Operation<boolean> {
		const time = Bun.nanoseconds();
		const hasMore = yield* this.inotify.read(scope, (wd, mask, cookie, name) => {
			const directory = mask & IN_Q_OVERFLOW ? this.table.root : this.table.get(wd);
			if (directory === undefined) return;
			this.backlog.push({ directory, mask, cookie, name, time, tries: 0 });
		});
		if (!hasMore) this.emptied = time;
		return hasMore;
	}

	/** Reads all events that there are. */
	*readAll(scope: Scope): Operation<void> {
		while (yield* this.read(scope));
	}

	/** Has a name looked at again, after all events that there are now. */
	*lookAgain(scope: Scope, directory: Watched, name: string, tries: number): Operation<void> {
		yield* this.readAll(scope);
		const time = Bun.nanoseconds();
		this.backlog.push({ directory, mask: LOOK_AGAIN, cookie: 0, name, time, tries });
	}

	/** The kernel has ended the watch of a directory, or will as it removes it. */
	forget(directory: Watched | undefined): void {
		if (directory !== undefined) this.table.forget(directory);
	}

	/** A directory and what is below are watched no more. */
	drop(directory: Watched | undefined): void {
		if (directory === undefined) return;
		for (const wd of this.table.forget(directory)) this.unwanted.push(wd);
	}

	/** Ends the watches that nobody wants, so that a directory that comes back gets a new one. */
	*discard(): Operation<void> {
		for (let wd = this.unwanted.pop(); wd !== undefined; wd = this.unwanted.pop()) {
			if (this.table.get(wd) === undefined) yield* this.inotify.remove(wd);
		}
	}

	/** A directory cannot be watched: whoever wants to be told is told, else it ends with that. */
	fail(error: unknown, directory: Watched, name: string): void {
		const path = joined(this.name, bytesOf(this.table.pathOf(directory, name)));
		const named = error instanceof FsError ? error.renamed(path) : error;
		if (this.how.failed === undefined || !(named instanceof FsError)) throw named;
		this.how.failed(named);
	}
}

/** The bytes that a byte string stands for. */
export function bytesOf(text: string): Uint8Array {
	return Buffer.from(text, "latin1");
}
