import type { Call } from "../../../engine/call.ts";
import type { Region } from "../../../engine/memory.ts";
import type { Operation } from "../../../engine/operation.ts";
import type { Scope } from "../../../engine/scope.ts";
import type { Change, ChangeSource, Handle, WatchHow } from "../../system.ts";
import { call } from "../calls.ts";
import { Status } from "../errno.ts";
import { checked } from "../failure.ts";
import { cancel, kernel } from "../kernel.ts";
import {
	FILE_ACTION_MODIFIED,
	FILE_ACTION_REMOVED,
	FILE_ACTION_RENAMED_NEW_NAME,
	FILE_ACTION_RENAMED_OLD_NAME,
	ioStatusBlock,
	STATUS_NOTIFY_CLEANUP,
	STATUS_NOTIFY_ENUM_DIR,
	STATUS_PENDING,
} from "../layouts.ts";
import { bytesOf } from "../wtf8.ts";
import { isDirectoryAt, namesBelow } from "./below.ts";
import { filterFor, type NotifyRecord, recordsIn } from "./records.ts";

/**
 * Bytes of an answer, and of what the system keeps between two calls: it takes the size that the first
 * call has. Servers refuse more.
 */
const BUFFER_SIZE = 64 * 1024;

/** Milliseconds after which even a server has told of what had happened before. */
const LATEST_WORD = 2000;

/** What the system says once the directory is no more. */
const gone = new Set<number>([
	Status.STATUS_DELETE_PENDING,
	Status.STATUS_FILE_DELETED,
	Status.STATUS_VOLUME_DISMOUNTED,
]);

/**
 * A directory that is watched, or the one file in it that is. From the first call on the system keeps
 * what happens until the next one asks for it, as much as fits a buffer.
 */
export class DirectoryWatch implements ChangeSource {
	private readonly buffer = new Uint8Array(new ArrayBuffer(BUFFER_SIZE));
	private readonly filter: number;
	private changes: Change[] = [];
	private hasEnded = false;
	/** The address of the status block of the call that is waited for. */
	private asking: number | undefined;
	/** The first half of a rename whose second is still to come. */
	private oldName: string | undefined;
	/** What was found in directories that came, and no event has told of so far. */
	private readonly found = new Set<string>();
	/** What was reported though no event had told of it; one may have been late. */
	private readonly listed = new Set<string>();
	/** Directories that had come, and another name by the time that they were to be listed. */
	private readonly missed = new Set<string>();
	/** What events have told of below those: it is not to be told of again when they are listed. */
	private readonly early = new Set<string>();
	private lastListing = 0;

	constructor(
		private readonly handle: Handle,
		private readonly how: WatchHow,
		/** The one name that is watched; undefined if it is all of the directory. */
		private readonly file: string | undefined,
		/** What the user calls it. */
		private readonly path: string | Uint8Array,
	) {
		this.filter = filterFor(how);
	}

	get isDirectory(): boolean {
		return this.file === undefined;
	}

	/** From here on the system keeps what happens. */
	begin(scope: Scope): Operation<boolean> {
		return this.poll(scope);
	}

	*next(scope: Scope): Operation<Change[] | undefined> {
		const deadline = performance.now() + (this.how.timeoutMs ?? Number.POSITIVE_INFINITY);
		while (this.changes.length === 0 && !this.hasEnded) {
			yield* this.wait(scope, deadline - performance.now());
			yield* this.settle(scope);
		}
		const { changes } = this;
		this.changes = [];
		return changes.length === 0 ? undefined : changes;
	}

	*close(): Operation<void> {
		yield call("NtClose", this.handle);
	}

	wake(): void {
		this.hasEnded = true;
		const { asking } = this;
		if (asking === undefined || cancel(this.handle, asking)) return;
		// The call is still to be begun, or has just ended.
		setImmediate(() => {
			if (this.asking === asking) this.wake();
		});
	}

	/** Waits for changes, no longer than so many milliseconds; then it is the end. */
	private *wait(scope: Scope, milliseconds: number): Operation<void> {
		const mark = scope.mark();
		const { request, status } = this.request(scope, milliseconds);
		this.asking = status.address;
		let result: number;
		try {
			result = yield request;
		} finally {
			this.asking = undefined;
		}
		const length = status.u64(ioStatusBlock.information);
		scope.release(mark);
		if (result !== Status.STATUS_CANCELLED) return yield* this.take(scope, result, length);
		// A thread that ends takes its calls along as well: then the next one goes on.
		if (milliseconds !== Number.POSITIVE_INFINITY) this.hasEnded = true;
	}

	/** Takes what there is without waiting; whether there was anything. */
	private *poll(scope: Scope): Operation<boolean> {
		const mark = scope.mark();
		const { request, status } = this.request(scope, 0);
		const result = kernel.direct(request);
		const length = status.u64(ioStatusBlock.information);
		scope.release(mark);
		if (result === Status.STATUS_CANCELLED) return false;
		yield* this.take(scope, result, length);
		return true;
	}

	/**
	 * The other half of a rename is there by now, and so are the events about what a listing has shown:
	 * what none tells of came along with its directory.
	 */
	private *settle(scope: Scope): Operation<void> {
		while (this.found.size > 0 || this.missed.size > 0 || this.oldName !== undefined) {
			if (this.hasEnded) return;
			if (yield* this.poll(scope)) continue;
			this.flush();
			this.missed.clear();
			this.early.clear();
			for (const name of this.found) {
				this.report("create", name);
				this.listed.add(name);
			}
			this.found.clear();
			this.lastListing = performance.now();
		}
		if (performance.now() - this.lastListing > LATEST_WORD) this.listed.clear();
	}

	private request(scope: Scope, milliseconds: number): { request: Call; status: Region } {
		const status = scope.memory.reserveZeroed(ioStatusBlock.size);
		status.setU32(ioStatusBlock.status, STATUS_PENDING);
		const { address } = status;
		const most = timeIn(scope, milliseconds);
		const buffer = scope.pin(this.buffer);
		const tree = this.how.recursive && this.file === undefined ? 1 : 0;
		const [name, size] = ["NtNotifyChangeDirectoryFile", BUFFER_SIZE] as const;
		const request = call(name, this.handle, 0, 0, most, address, buffer, size, this.filter, tree);
		return { request, status };
	}

	private *take(scope: Scope, result: number, length: number): Operation<void> {
		if (gone.has(result)) return this.end();
		if (result === STATUS_NOTIFY_CLEANUP) {
			this.hasEnded = true;
			return;
		}
		checked(result, "watch", this.path === "" ? {} : { path: this.path });
		if (result === STATUS_NOTIFY_ENUM_DIR || length === 0) {
			this.oldName = undefined;
			this.report("overflow", "");
			return;
		}
		for (const record of recordsIn(this.buffer.subarray(0, length))) {
			if (this.hasEnded) return;
			if (this.file === undefined) yield* this.look(scope, record);
			else this.lookAtFile(record, this.file);
		}
	}

	/** What happens to the one file that is watched: what takes its name away ends it. */
	private lookAtFile({ action, name }: NotifyRecord, file: string): void {
		if (name.toUpperCase() !== file.toUpperCase()) return;
		if (action === FILE_ACTION_MODIFIED) this.modified("");
		else this.end();
	}

	private *look(scope: Scope, { action, name }: NotifyRecord): Operation<void> {
		const from = this.oldName;
		if (action === FILE_ACTION_RENAMED_NEW_NAME && from !== undefined) {
			this.oldName = undefined;
			this.unlist(name);
			this.report("rename", name, from);
			return yield* this.moved(scope, from, name);
		}
		this.flush();
		if (action === FILE_ACTION_RENAMED_OLD_NAME) {
			this.told(name);
			this.oldName = name;
		} else if (action === FILE_ACTION_REMOVED) {
			this.told(name);
			this.unlist(name);
			this.report("delete", name);
		} else if (action !== FILE_ACTION_MODIFIED) yield* this.created(scope, name);
		// Of a directory it says no more than that something in it has changed.
		else if (!(yield* isDirectoryAt(scope, this.handle, name))) {
			this.told(name);
			this.modified(name);
		}
	}

	/** A name has come, and with it whatever is below, of which the system may say nothing. */
	private *created(scope: Scope, name: string): Operation<void> {
		if (this.listed.delete(name)) return;
		this.found.delete(name);
		this.report("create", name);
		for (const one of this.missed) if (isBelow(name, one)) this.early.add(name);
		if (this.how.recursive && this.how.kinds.has("create")) yield* this.list(scope, name);
	}

	private *list(scope: Scope, name: string): Operation<void> {
		const names = yield* namesBelow(scope, this.handle, name);
		if (names === undefined) this.missed.add(name);
		for (const below of names ?? []) {
			if (!this.listed.has(below) && !this.early.has(below)) this.found.add(below);
		}
	}

	/** What no event has told of so far comes before an event that tells what has become of it. */
	private told(name: string): void {
		if (this.found.delete(name)) this.report("create", name);
	}

	/** What was found, and what was to be listed, is now elsewhere. */
	private *moved(scope: Scope, from: string, to: string): Operation<void> {
		for (const rest of takenFrom(this.found, from)) this.found.add(to + rest);
		takenFrom(this.listed, from);
		for (const rest of takenFrom(this.early, from)) this.early.add(to + rest);
		for (const rest of takenFrom(this.missed, from)) yield* this.list(scope, to + rest);
	}

	/** Another file has a name, or none: what a listing has shown there, and below, counts no more. */
	private unlist(name: string): void {
		for (const names of [this.found, this.listed, this.missed, this.early]) takenFrom(names, name);
	}

	/** The first half of a rename, of which the second has not come: the name is gone. */
	private flush(): void {
		const { oldName } = this;
		if (oldName === undefined) return;
		this.oldName = undefined;
		this.unlist(oldName);
		this.report("delete", oldName);
	}

	/** The system does not tell content from attributes if it is asked about both. */
	private modified(name: string): void {
		const kind = this.how.kinds.has("modify") ? "modify" : "attributes";
		const last = this.changes.at(-1);
		const path = pathOf(name);
		if (last?.kind === kind && Buffer.compare(last.path, path) === 0) return;
		this.report(kind, name);
	}

	private report(kind: Change["kind"], name: string, from?: string): void {
		if (!this.how.kinds.has(kind) && kind !== "overflow") return;
		const before = from === undefined ? undefined : pathOf(from);
		this.changes.push({ kind, path: pathOf(name), from: before });
	}

	/** What is watched is no longer there. */
	private end(): void {
		this.report("delete", "");
		this.hasEnded = true;
	}
}

const isBelow = (name: string, directory: string) => name.startsWith(`${directory}\\`);

/** Takes a name, and those below it, out of a set, and gives what each has after that name. */
function takenFrom(names: Set<string>, name: string): string[] {
	const taken = [...names].filter((one) => one === name || isBelow(one, name));
	for (const one of taken) names.delete(one);
	return taken.map((one) => one.slice(name.length));
}

/** The address of a time to wait for; 0, which is none, for ever. */
function timeIn(scope: Scope, milliseconds: number): number {
	if (milliseconds === Number.POSITIVE_INFINITY) return 0;
	const time = scope.memory.reserve(8);
	// In 100 ns, and negative: from now on.
	time.setU64(0, -Math.ceil(Math.max(0, milliseconds) * 10_000));
	return time.address;
}

/** A name as the library has it. */
function pathOf(name: string): Uint8Array {
	return bytesOf(name.replaceAll("\\", "/"));
}
