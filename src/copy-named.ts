/** Copying a file that has a name to another name. */
import type { CopyProgress, CopyReport } from "./copy.ts";
import { type CopyHow, copyOpenFile, mayReplace } from "./copy-file.ts";
import type { Hooks } from "./engine/offload.ts";
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { FsError } from "./errors.ts";
import { openFile } from "./open-file.ts";
import { throttled } from "./progress.ts";
import {
	beside,
	closeAfter,
	resolveLinks,
	slotOf,
	statIfThere,
	withNamesSynced,
} from "./replace.ts";
import { system } from "./sys/index.ts";
import { FOLLOWED, type Metadata } from "./sys/metadata.ts";
import type { Place } from "./sys/system.ts";

export interface FileHooks extends Hooks {
	onProgress?: ((progress: CopyProgress) => void) | undefined;
}

/** A copy is about two names, whichever of its parts fails. */
export function* copyNamed(
	scope: Scope,
	hooks: FileHooks,
	source: Place,
	destination: Place,
	how: CopyHow,
): Operation<CopyReport> {
	try {
		return yield* copyNow(scope, hooks, source, destination, how);
	} catch (error) {
		throw error instanceof FsError ? error.renamed(source.path, destination.path) : error;
	}
}

function* copyNow(
	scope: Scope,
	{ onProgress }: FileHooks,
	source: Place,
	destination: Place,
	how: CopyHow,
): Operation<CopyReport> {
	const started = Bun.nanoseconds();
	// A fifo must not keep the copy waiting for a writer: it is no file and will be refused.
	const from = yield* openFile(scope, source, { read: true });
	try {
		const metadata = yield* system.metadata.stat(scope, from, FOLLOWED);
		if (!metadata.isFile()) throw notAFile(metadata, source, destination);
		const slot = yield* slotOf(scope, yield* resolveLinks(scope, destination));
		try {
			const existing = yield* statIfThere(scope, slot.place);
			const lost = new Set<string>();
			const report = (copied: { bytes: number; holes: number; method: string }) => ({
				bytes: copied.bytes,
				holes: copied.holes,
				method: copied.method,
				notPreserved: [...lost],
				durationNs: Bun.nanoseconds() - started,
			});
			const paths = [source.path, destination.path] as const;
			if (!mayReplace(metadata, existing, how.overwrite, paths)) {
				return report({ bytes: 0, holes: 0, method: "skipped" });
			}
			const total = metadata.size;
			const tell = throttled(onProgress);
			const progress = (bytes: number, verified: number) =>
				tell(() => ({ bytes, verified, total }));
			const copy = copyOpenFile(scope, {
				from,
				source: metadata,
				slot,
				existing,
				how,
				lost,
				unseen: false,
				mayInherit: true,
				refused: new Set(),
				progress,
			});
			const copied = yield* withNamesSynced(scope, beside(slot, "."), how.sync, copy);
			const { bytes } = copied;
			onProgress?.({ bytes, verified: how.verify ? bytes : 0, total: bytes });
			return report(copied);
		} finally {
			yield* slot.release();
		}
	} finally {
		yield* closeAfter(scope, from, false);
	}
}

export function notAFile(metadata: Metadata, { path }: Place, destination: Place): FsError {
	const details = { syscall: "copyfile", path, dest: destination.path };
	if (metadata.isDirectory()) {
		const detail = "copyTree copies directories";
		return new FsError("EISDIR", "illegal operation on a directory", { ...details, detail });
	}
	const detail = `the source is a ${metadata.kind.replace("-", " ")}, not a file`;
	return new FsError("EINVAL", "invalid argument", { ...details, detail });
}
