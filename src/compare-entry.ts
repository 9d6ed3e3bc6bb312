/** A comparison under way: one pair of entries after the other, and what it has found so far. */

import { Buffer } from "node:buffer";
import type { Difference, DifferenceKind } from "./compare.ts";
import {
	type Buffers,
	bytesOfLostHoles,
	dataOfEither,
	extentsOf,
	firstDifference,
	mayHaveHoles,
	reserveBuffers,
} from "./compare-content.ts";
import { isUtf8, nameOf } from "./encoding.ts";
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { FsError, isCode } from "./errors.ts";
import { openFile } from "./open-file.ts";
import { ACL_ALIAS } from "./preserved.ts";
import { throttled } from "./progress.ts";
import { closeAfter } from "./replace.ts";
import { system } from "./sys/index.ts";
import type { Metadata } from "./sys/metadata.ts";
import type { Place } from "./sys/system.ts";

/** The same entry of both trees. */
export interface Pair {
	readonly first: Place;
	readonly second: Place;
	/** Inside the trees. */
	readonly path: Uint8Array;
	/** Whether a symbolic link stands for what it leads to: so with the roots. */
	readonly follow: boolean;
}

export type Progress = (progress: { files: number; bytes: number; current: string }) => void;

/** A file of one tree, to be told apart from all others. */
const identity = ({ dev, ino }: Metadata) => `${dev}:${ino}`;

export class Comparison {
	readonly differences: Difference[] = [];
	readonly counts = { files: 0, directories: 0, symlinks: 0, others: 0, bytes: 0 };
	private entries = 0;
	private readonly tellSometimes: (make: () => Parameters<Progress>[0]) => void;
	private readonly buffers: Buffers;
	/** Files of several names: which file of the other tree goes with each, and its first name. */
	private readonly firstLinks = new Map<string, { other: string; path: Uint8Array }>();
	private readonly secondLinks = new Map<string, { other: string; path: Uint8Array }>();

	constructor(
		private readonly scope: Scope,
		private readonly ignored: ReadonlySet<string>,
		private readonly onProgress: Progress | undefined,
	) {
		this.tellSometimes = throttled(onProgress);
		this.buffers = reserveBuffers(scope);
	}

	report(path: Uint8Array, what: DifferenceKind, detail: string): void {
		if (this.ignored.has(what)) return;
		const shown = path.length === 0 ? "." : nameOf(path);
		const difference = { path: shown, what, detail };
		this.differences.push(isUtf8(path) ? difference : { ...difference, pathBytes: path });
	}

	/** Compares one entry; true when both are directories, whose entries are then to be compared. */
	*pair(pair: Pair): Operation<boolean> {
		const { scope } = this;
		const { path, follow } = pair;
		const how = { follow, sync: "auto" } as const;
		const a = yield* system.metadata.stat(scope, pair.first, how);
		const b = yield* system.metadata.stat(scope, pair.second, how);
		this.count(a);
		this.tellSometimes(() => this.progress(path));
		if (a.kind !== b.kind) {
			this.report(path, "kind", `${a.kind} in the first, ${b.kind} in the second`);
			return false;
		}
		this.metadata(path, a, b);
		if (!this.ignored.has("xattrs")) yield* this.xattrs(pair);
		if (a.kind === "directory") return true;
		const seen = this.hardlinks(path, a, b);
		if (a.kind === "symlink") yield* this.target(pair);
		if (a.kind === "file" && !seen) yield* this.file(pair, a, b);
		return false;
	}

	/** Says how far it is, also when it has just been said. */
	tell(path: Uint8Array): void {
		this.onProgress?.(this.progress(path));
	}

	private progress(path: Uint8Array): Parameters<Progress>[0] {
		const current = path.length === 0 ? "." : nameOf(path);
		return { files: this.entries, bytes: this.counts.bytes, current };
	}

	private count({ kind }: Metadata): void {
		this.entries++;
		if (kind === "file") this.counts.files++;
		else if (kind === "directory") this.counts.directories++;
		else if (kind === "symlink") this.counts.symlinks++;
		else this.counts.others++;
	}

	private metadata(path: Uint8Array, a: Metadata, b: Metadata): void {
		const differs = (what: DifferenceKind, first: unknown, second: unknown) => {
			if (first !== second) this.report(path, what, `${first} became ${second}`);
		};
		// A symbolic link has no permissions of its own.
		if (a.kind !== "symlink") differs("mode", octal(a), octal(b));
		differs("owner", `${a.uid}:${a.gid}`, `${b.uid}:${b.gid}`);
		differs("mtime", a.mtimeNs, b.mtimeNs);
		if (a.kind.endsWith("device")) differs("device", a.rdev, b.rdev);
	}

	/** Whether links tie the same names together; true for a file that has been compared before. */
	private hardlinks(path: Uint8Array, a: Metadata, b: Metadata): boolean {
		if (a.nlink < 2 && b.nlink < 2) return false;
		const first = identity(a);
		const second = identity(b);
		const asFirst = this.firstLinks.get(first);
		const asSecond = this.secondLinks.get(second);
		if (asFirst?.other === second) return true;
		if (asFirst !== undefined) {
			const name = nameOf(asFirst.path);
			this.report(path, "hardlinks", `one file with ${name} in the first, not in the second`);
		} else if (asSecond !== undefined) {
			const name = nameOf(asSecond.path);
			this.report(path, "hardlinks", `one file with ${name} in the second, not in the first`);
		}
		if (asFirst === undefined) this.firstLinks.set(first, { other: second, path });
		if (asSecond === undefined) this.secondLinks.set(second, { other: first, path });
		return false;
	}

	private *target({ first, second, path }: Pair): Operation<void> {
		if (this.ignored.has("target")) return;
		const a = yield* system.symlink.readlink(this.scope, first);
		const b = yield* system.symlink.readlink(this.scope, second);
		if (Buffer.compare(a, b) === 0) return;
		this.report(path, "target", `${nameOf(a)} became ${nameOf(b)}`);
	}

	private *xattrs({ first, second, path, follow }: Pair): Operation<void> {
		const { scope } = this;
		const a = yield* namesOf(scope, first, follow);
		const b = yield* namesOf(scope, second, follow);
		for (const [key, name] of a) {
			const shown = nameOf(name);
			if (!b.has(key)) {
				this.report(path, "xattrs", `${shown} is missing`);
				continue;
			}
			const before = yield* system.xattr.get(scope, first, name, follow);
			const after = yield* system.xattr.get(scope, second, name, follow);
			if (Buffer.compare(before, after) !== 0) this.report(path, "xattrs", `${shown} differs`);
		}
		for (const [key, name] of b) {
			if (!a.has(key)) this.report(path, "xattrs", `${nameOf(name)} is only in the second`);
		}
	}

	private *file(pair: Pair, a: Metadata, b: Metadata): Operation<void> {
		const { scope, ignored } = this;
		if (a.size !== b.size) {
			this.report(pair.path, "content", `${a.size} bytes became ${b.size}`);
			return;
		}
		if (a.size === 0 || (ignored.has("content") && ignored.has("holes"))) return;
		const how = { read: true, noFollow: !pair.follow };
		const first = yield* openFile(scope, pair.first, how);
		try {
			const second = yield* openFile(scope, pair.second, how);
			try {
				yield* this.content(pair.path, first, second, a, b);
			} finally {
				yield* closeAfter(scope, second, false);
			}
		} finally {
			yield* closeAfter(scope, first, false);
		}
	}

	private *content(
		path: Uint8Array,
		first: number,
		second: number,
		a: Metadata,
		b: Metadata,
	): Operation<void> {
		const { scope, ignored, counts } = this;
		const { size } = a;
		let ranges = [{ start: 0, end: size }];
		if (mayHaveHoles(a)) {
			const firstExtents = yield* extentsOf(scope, first, size);
			const secondExtents = yield* extentsOf(scope, second, size);
			ranges = dataOfEither(firstExtents, secondExtents);
			const block = Math.max(a.blockSize, b.blockSize, 512);
			const lost = bytesOfLostHoles(firstExtents, secondExtents, block, size);
			if (lost > 0) this.report(path, "holes", `${lost} bytes of holes are filled`);
		}
		if (ignored.has("content")) return;
		const before = counts.bytes;
		const compared = (done: number) => {
			// Holes that both have are compared by being there.
			counts.bytes = before + done;
			this.tellSometimes(() => this.progress(path));
		};
		const { buffers } = this;
		const at = yield* firstDifference(scope, first, second, ranges, buffers, compared);
		if (at !== undefined) this.report(path, "content", `differs from byte ${at} on`);
		else counts.bytes = before + size;
	}
}

/** The names of an entry's xattrs, by a key; none where the filesystem has none at all. */
function* namesOf(scope: Scope, place: Place, follow: boolean): Operation<Map<string, Uint8Array>> {
	try {
		const names = yield* system.xattr.list(scope, place, follow);
		const keyed = names.map((name) => [Buffer.from(name).toString("latin1"), name] as const);
		return new Map(keyed.filter(([key]) => !key.startsWith(ACL_ALIAS)));
	} catch (error) {
		if (isCode(error, "ENOTSUP")) return new Map();
		throw error;
	}
}

const octal = ({ permissions }: Metadata) => `0${permissions.toString(8)}`;

/** The failure of an entry as a difference; others are passed on. */
export function reasonOf(error: unknown): string {
	if (error instanceof FsError) return error.message;
	throw error;
}
