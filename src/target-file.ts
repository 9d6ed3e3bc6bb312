/** The files that operations act on by their handles: open already, or opened for the operation. */
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { FsError, invalidArgument } from "./errors.ts";
import { checkedInteger, subjectOf, type Target } from "./location.ts";
import { openFile } from "./open-file.ts";
import { closeAfter } from "./replace.ts";
import { system } from "./sys/index.ts";
import { type FileKind, FOLLOWED, ITSELF, type Metadata } from "./sys/metadata.ts";
import type { Handle, Place } from "./sys/system.ts";

/** What is to be done, as far as it matters for whom it is refused to. */
export interface Act {
	readonly syscall: string;
	readonly access: "read" | "write";
	/** What the system answers for pipes and the like, and for devices. */
	readonly onPipe: keyof typeof reasons;
	readonly onDevice: keyof typeof reasons;
}

const reasons = {
	EINVAL: "invalid argument",
	EISDIR: "illegal operation on a directory",
	ENODEV: "no such device",
	ESPIPE: "invalid seek",
} as const;

export interface TargetFile {
	readonly handle: Handle;
	readonly metadata: Metadata;
	/** The name that it was opened by, and is to be closed for; undefined if it was open already. */
	readonly path: string | Uint8Array | undefined;
}

/**
 * The file that a target means. What has a name is opened, for reading or writing, if it is a regular
 * file: opening a device may have effects, so what the name leads to is looked at before, and again
 * when it is open, because the name may lead elsewhere by then.
 */
export function* openTarget(scope: Scope, target: Target, act: Act): Operation<TargetFile> {
	const subject = subjectOf(scope, target);
	if (typeof subject === "number") {
		const metadata = yield* system.metadata.stat(scope, subject, ITSELF);
		if (metadata.isDirectory()) throw refusal("directory", act);
		return { handle: subject, metadata, path: undefined };
	}
	const { path } = subject;
	const kind = yield* kindOf(scope, subject);
	// Opening a socket does nothing, and says best why it cannot be.
	if (kind !== "file" && kind !== "socket" && kind !== undefined) throw refusal(kind, act, path);
	const handle = yield* openFile(scope, subject, { [act.access]: true });
	let metadata: Metadata | undefined;
	try {
		metadata = yield* system.metadata.stat(scope, handle, ITSELF);
		if (!metadata.isFile()) throw refusal(metadata.kind, act, path);
		return { handle, metadata, path };
	} catch (error) {
		yield* closeAfter(scope, handle, false);
		throw error;
	}
}

/** Runs an operation on the file that a target means, and closes it if it was opened for that. */
export function* withTarget<T>(
	scope: Scope,
	target: Target,
	act: Act,
	operation: (file: TargetFile) => Operation<T>,
): Operation<T> {
	const file = yield* openTarget(scope, target, act);
	let done = false;
	try {
		const result = yield* operation(file);
		done = true;
		return result;
	} catch (error) {
		throw aboutPath(error, file.path);
	} finally {
		if (file.path !== undefined) yield* closeAfter(scope, file.handle, done);
	}
}

/** The error with the name that the caller knows the file by, if it was opened by one. */
export function aboutPath(error: unknown, path: string | Uint8Array | undefined): unknown {
	return error instanceof FsError && path !== undefined ? error.renamed(path) : error;
}

/** Undefined for what cannot be looked at: the system says why when it is to be opened. */
function* kindOf(scope: Scope, place: Place): Operation<FileKind | undefined> {
	try {
		return (yield* system.metadata.stat(scope, place, FOLLOWED)).kind;
	} catch (error) {
		if (error instanceof FsError) return undefined;
		throw error;
	}
}

/** The error for what is not a regular file. */
export function refusal(
	kind: FileKind,
	{ syscall, onPipe, onDevice }: Act,
	path?: string | Uint8Array,
): FsError {
	const pipe = kind === "fifo" || kind === "socket";
	const code = kind === "directory" ? "EISDIR" : pipe ? onPipe : onDevice;
	return new FsError(code, reasons[code], { syscall, path, detail: `it is a ${kind}` });
}

/** Checks a range: whole bytes, at least one, none of them beyond what a number can say exactly. */
export function checkRange(offset: unknown, length: unknown): void {
	const from = checkedInteger(offset, "offset");
	const count = checkedInteger(length, "length", 1);
	if (count <= Number.MAX_SAFE_INTEGER - from) return;
	throw invalidArgument(
		"ERR_OUT_OF_RANGE",
		`The range must end at ${Number.MAX_SAFE_INTEGER} or before. Received offset ${offset} and ` +
			`length ${length}`,
	);
}
