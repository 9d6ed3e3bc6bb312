/** The copy of a tree, as one operation made of the copies of its entries. */

import { type CopyHow, type CopyJob, copyOpenFile, mayReplace } from "./copy-file.ts";
import { notAFile } from "./copy-named.ts";
import { copySpecial } from "./copy-special.ts";
import type { Hooks } from "./engine/offload.ts";
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { FsError, isCode, printable } from "./errors.ts";
import { FirstCopies } from "./first-copies.ts";
import { isInside } from "./inside.ts";
import { openFile } from "./open-file.ts";
import { inTree, joined, parentOf } from "./place.ts";
import { handsDownLists, preserve } from "./preserve.ts";
import { type Seal, setSeals } from "./preserve-flags.ts";
import { throttled } from "./progress.ts";
import { closeAfter, isSame, type Slot, statIfThere } from "./replace.ts";
import { system } from "./sys/index.ts";
import { ITSELF, type Metadata } from "./sys/metadata.ts";
import type { DirectoryRecord, Handle, Place } from "./sys/system.ts";
import { takePlace } from "./temporary.ts";
import type { TreeProgress } from "./tree.ts";
import { type TreeEntry, treeEntry } from "./tree-entry.ts";

/** What a copy has made. */
export interface TreeCopied {
	/** Regular files, each name of them. */
	files: number;
	/** Directories made or found, the root included. */
	directories: number;
	/** Symbolic links, each made anew. */
	symlinks: number;
	/** Fifos, sockets and devices. */
	others: number;
	/** Those of all these that became another name of one copied before. */
	hardlinks: number;
	/** Files that were there already and not older. */
	skipped: number;
	/** Bytes of content, holes included. */
	bytes: number;
	/** How many holes the copies were given. */
	holes: number;
	/** How many files were copied by which method. */
	methods: Record<string, number>;
	/** With `preserve: "all"`: what could not be kept of some entry. */
	notPreserved: string[];
}

export interface TreeHooks extends Hooks {
	onProgress?: ((progress: TreeProgress) => void) | undefined;
	filter?: ((entry: TreeEntry) => boolean) | undefined;
}

type TreeHow = CopyHow & { readonly hardlinks: boolean };

const DIRECTORY = { read: true, directory: true } as const;
/** Until a directory is full, only its owner may enter it. */
const PRIVATE = 0o700;

/** A directory on its way: both sides open, and what is left of its listing. */
interface Level {
	readonly from: Handle;
	readonly to: Handle;
	/** From the root of the source on. */
	readonly path: string | Uint8Array;
	readonly metadata: Metadata;
	/** Whether the copy made the directory, or found it. */
	readonly made: boolean;
	/** Whether nobody else can enter it until it is complete; see `CopyJob`. */
	readonly unseen: boolean;
	/** Whether the copy's directory gives access control lists to what is made in it. */
	mayInherit: boolean;
	/** What this filesystem has refused to do for its files; see `ContentHow`. */
	readonly refused: CopyJob["refused"];
	records: DirectoryRecord[];
	next: number;
}

export function* copyTreeOf(
	scope: Scope,
	hooks: TreeHooks,
	source: Place,
	destination: Place,
	how: TreeHow,
): Operation<TreeCopied & { durationNs: number }> {
	const started = Bun.nanoseconds();
	const copier = new TreeCopy(scope, hooks, source, destination, how);
	yield* copier.run();
	return { ...copier.copied, durationNs: Bun.nanoseconds() - started };
}

class TreeCopy {
	readonly copied: TreeCopied = {
		files: 0,
		directories: 0,
		symlinks: 0,
		others: 0,
		hardlinks: 0,
		skipped: 0,
		bytes: 0,
		holes: 0,
		methods: {},
		notPreserved: [],
	};
	private readonly lost = new Set<string>();
	private readonly firstCopies: FirstCopies;
	/** A loop over an explicit stack: nested generators would make each call cost the depth. */
	private readonly levels: Level[] = [];
	private readonly tell: (make: () => TreeProgress) => void;

	constructor(
		private readonly scope: Scope,
		private readonly hooks: TreeHooks,
		private readonly source: Place,
		private readonly destination: Place,
		private readonly how: TreeHow,
	) {
		this.tell = throttled(hooks.onProgress);
		this.firstCopies = new FirstCopies(scope, this.lost);
	}

	*run(): Operation<void> {
		const { levels, copied } = this;
		try {
			yield* this.begin();
			for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
				const mark = this.scope.mark();
				yield* this.step(level);
				this.scope.release(mark);
			}
		} finally {
			// After a failure: what is still open.
			for (const { from, to } of levels) {
				yield* closeAfter(this.scope, from, false);
				yield* closeAfter(this.scope, to, false);
			}
		}
		copied.notPreserved = [...this.lost];
		this.hooks.onProgress?.(this.progress(""));
	}

	/** How far it is, with so much of the file at `path` that is not counted yet. */
	private progress(path: string | Uint8Array, done = 0, verified = 0): TreeProgress {
		const { files, bytes } = this.copied;
		const before = this.how.verify ? bytes : 0;
		return { files, bytes: bytes + done, verified: before + verified, current: printable(path) };
	}

	private *begin(): Operation<void> {
		const { scope, source } = this;
		const metadata = yield* system.metadata.stat(scope, source, { follow: true, sync: "auto" });
		if (!metadata.isDirectory()) {
			const details = { syscall: "copytree", path: source.path };
			throw new FsError("ENOTDIR", "not a directory", details);
		}
		yield* this.refuseInside(metadata);
		const from = yield* system.file.open(scope, source, DIRECTORY);
		yield* this.enterOr(from, this.destination, "");
	}

	/** A destination inside the source would be copied into itself without end. */
	private *refuseInside(source: Metadata): Operation<void> {
		const { scope, destination } = this;
		const there = yield* statIfThere(scope, destination, true);
		const directory = there === undefined ? parentOf(destination) : destination;
		if (yield* isInside(scope, directory, source)) throw this.inside();
	}

	private inside(): FsError {
		return new FsError("EINVAL", "invalid argument", {
			syscall: "copytree",
			path: this.source.path,
			dest: this.destination.path,
			detail: "the destination lies inside the source",
		});
	}

	/** Makes or finds the copy of an open directory; its entries come next. */
	private *enter(
		from: Handle,
		metadata: Metadata,
		place: Place,
		path: string | Uint8Array,
	): Operation<void> {
		const { scope, how, levels } = this;
		let made = true;
		try {
			yield* system.directory.mkdir(scope, place, how.preserve.mode ? PRIVATE : 0o777);
		} catch (error) {
			if (!isCode(error, "EEXIST")) throw error;
			made = false;
		}
		// Inside the tree, a link in the place of a directory is not followed.
		const to = yield* system.file.open(scope, place, { ...DIRECTORY, noFollow: levels.length > 0 });
		const above = levels.at(-1);
		// What is mounted in either tree may be able to do other things.
		const alike = made && above?.metadata.dev === metadata.dev;
		const refused = alike ? above.refused : new Set<never>();
		const level: Level = {
			...{ from, to, path, metadata, made, refused, records: [], next: 0 },
			unseen: made && how.preserve.mode && system.metadata.modeHides,
			mayInherit: false,
		};
		levels.push(level);
		level.mayInherit = yield* handsDownLists(scope, to);
		this.copied.directories++;
		// A mount of part of the source elsewhere makes a way around what the paths tell.
		const target = yield* system.metadata.stat(scope, levels[0]?.to ?? to, ITSELF);
		if (isSame(target, metadata)) throw this.inside();
	}

	/** The next entry of a directory, or its end. */
	private *step(level: Level): Operation<void> {
		let { path } = level;
		try {
			if (level.next === level.records.length) {
				level.records = yield* system.directory.read(this.scope, level.from);
				level.next = 0;
			}
			const record = level.records[level.next++];
			if (record === undefined) return yield* this.leave(level);
			path = joined(level.path, record.name);
			yield* this.entry(level, record, path);
		} catch (error) {
			if (!(error instanceof FsError)) throw error;
			throw error.renamed(inTree(this.source.path, path), inTree(this.destination.path, path));
		}
	}

	/** Sets the metadata of a directory last: each entry made in it changed its times. */
	private *leave(level: Level): Operation<void> {
		const { scope, how, levels, lost } = this;
		const { from, to, metadata } = level;
		// A directory that was there keeps what is its own, unless it is to be made like the source.
		let seals: readonly Seal[] = [];
		if (level.made || (how.preserve.explicit && how.overwrite === true)) {
			seals = yield* preserve(scope, [from, metadata], to, how.preserve, lost);
		}
		if (how.sync) yield* system.file.sync(scope, to);
		const keeping = { ...how.preserve, lost };
		if (levels.length === 1) yield* this.firstCopies.seal(keeping, how.sync);
		yield* setSeals(scope, to, seals, keeping, how.sync);
		levels.pop();
		try {
			yield* system.file.close(scope, from);
		} finally {
			yield* system.file.close(scope, to);
		}
	}

	private *entry(
		level: Level,
		record: DirectoryRecord,
		path: string | Uint8Array,
	): Operation<void> {
		const { scope, hooks } = this;
		const { name } = record;
		const source: Place = { directory: level.from, path: name, beneath: false };
		const kind = record.kind ?? (yield* system.metadata.stat(scope, source, ITSELF)).kind;
		if (hooks.filter !== undefined && !hooks.filter(treeEntry(path, kind))) return;
		this.tell(() => this.progress(path));
		const slot = slotIn(level.to, name);
		if (kind === "directory") {
			const how = { ...DIRECTORY, noFollow: true };
			yield* this.enterOr(yield* system.file.open(scope, source, how), slot.place, path);
		} else if (kind === "file") yield* this.file(level, source, slot, path);
		else yield* this.special(level, source, slot, path);
	}

	/** Enters an open directory, or closes it if that fails before its level has it to close. */
	private *enterOr(from: Handle, destination: Place, path: string | Uint8Array): Operation<void> {
		try {
			const metadata = yield* system.metadata.stat(this.scope, from, ITSELF);
			yield* this.enter(from, metadata, destination, path);
		} finally {
			if (this.levels.at(-1)?.from !== from) yield* closeAfter(this.scope, from, false);
		}
	}

	private *file(
		level: Level,
		source: Place,
		slot: Slot,
		path: string | Uint8Array,
	): Operation<void> {
		const { scope, how, copied, lost } = this;
		const from = yield* openFile(scope, source, { read: true, noFollow: true });
		try {
			const metadata = yield* system.metadata.stat(scope, from, ITSELF);
			if (!metadata.isFile()) throw notAFile(metadata, source, slot.place);
			const existing = yield* this.existing(level, slot.place, metadata);
			if (existing === "newer" || (yield* this.linked(metadata, existing, slot, path))) return;
			const { bytes, holes, method } = yield* copyOpenFile(scope, {
				from,
				source: metadata,
				slot,
				existing,
				// Written in place, a file of several names would change under all of them.
				how: existing !== undefined && existing.nlink > 1 ? { ...how, atomic: true } : how,
				lost,
				unseen: level.unseen && existing === undefined,
				mayInherit: level.mayInherit,
				refused: level.refused,
				sealLater:
					how.hardlinks && metadata.nlink > 1
						? (seals) => this.firstCopies.sealLater(this.levels[0]?.to, path, seals)
						: undefined,
				progress: (done, verified) => this.tell(() => this.progress(path, done, verified)),
			});
			copied.files++;
			copied.bytes += bytes;
			copied.holes += holes;
			copied.methods[method] = (copied.methods[method] ?? 0) + 1;
		} finally {
			yield* closeAfter(scope, from, false);
		}
	}

	/** What has no content of its own: symbolic links, fifos, sockets, devices. */
	private *special(
		level: Level,
		source: Place,
		slot: Slot,
		path: string | Uint8Array,
	): Operation<void> {
		const { scope, how, copied, lost } = this;
		const metadata = yield* system.metadata.stat(scope, source, ITSELF);
		const existing = yield* this.existing(level, slot.place, metadata);
		if (existing === "newer" || (yield* this.linked(metadata, existing, slot, path))) return;
		yield* takePlace(scope, slot, existing, (place) =>
			copySpecial(scope, [source, metadata], place, how.preserve, lost),
		);
		if (metadata.kind === "symlink") copied.symlinks++;
		else copied.others++;
	}

	/** What has the name already; `"newer"` if it is to stay. In a new directory nothing has. */
	private *existing(
		level: Level,
		place: Place,
		source: Metadata,
	): Operation<Metadata | undefined | "newer"> {
		if (level.made) return undefined;
		const existing = yield* statIfThere(this.scope, place);
		const paths = [place.path, place.path] as const;
		if (mayReplace(source, existing, this.how.overwrite, paths)) return existing;
		this.copied.skipped++;
		return "newer";
	}

	/** Makes another name of a file that has been copied under its first; false if there is none. */
	private *linked(
		metadata: Metadata,
		existing: Metadata | undefined,
		slot: Slot,
		path: string | Uint8Array,
	): Operation<boolean> {
		if (!this.how.hardlinks || metadata.nlink < 2) return false;
		const { copied, firstCopies } = this;
		const root = this.levels[0]?.to;
		if (!(yield* firstCopies.link(metadata, existing, slot, root, path))) return false;
		if (metadata.kind === "symlink") copied.symlinks++;
		else if (metadata.kind === "file") copied.files++;
		else copied.others++;
		copied.hardlinks++;
		return true;
	}
}

function slotIn(directory: Handle, name: Uint8Array): Slot {
	return { place: { directory, path: name, beneath: false }, *release() {} };
}
