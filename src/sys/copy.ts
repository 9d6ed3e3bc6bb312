/** Making copies, over the calls of any system: whole, or gone again. */
import type { Operation } from "../engine/operation.ts";
import type { Scope } from "../engine/scope.ts";
import { FsError } from "../errors.ts";
import { BUFFER_SIZE, type Content, type ContentParts } from "./content.ts";
import { ITSELF } from "./metadata.ts";
import type { ContentHow, CopySystem, DirectorySystem, Handle, MetadataSystem } from "./system.ts";
import { writeWhole } from "./whole.ts";

/**
 * Readable too, so that the copy can be compared with its source. What is replaced is emptied when it
 * is known to be no link, and not the source, which may have got the name meanwhile; opened to be
 * truncated it would lose the streams and attributes that Windows gives it as well.
 */
const howToOpen = {
	new: { read: true, write: true, create: true, exclusive: true },
	replacement: { read: true, write: true, create: true, noFollow: true },
	unnamed: { read: true, write: true, temporary: true },
} as const;

/** What a system has for making copies. */
export interface CopyParts extends ContentParts {
	readonly directory: DirectorySystem;
	readonly metadata: MetadataSystem;
	/** The content of one file on its way, with what the system does for it. */
	readonly Transfer: new (
		parts: ContentParts,
		scope: Scope,
		source: Handle,
		destination: Handle,
		how: ContentHow,
	) => Content;
	/** Takes what is to come from those who might see what was there. */
	readonly conceal?: (scope: Scope, handle: Handle, mode: number) => Operation<void>;
}

/** What the system's parts make possible. */
export function copying(parts: CopyParts): Pick<CopySystem, "create" | "range"> {
	const { file, directory, kernel, Transfer } = parts;
	return {
		*create(scope, source, destination, how) {
			const { mode, as } = how;
			const handle = yield* file.open(scope, destination, { ...howToOpen[as], mode });
			let whole = false;
			try {
				if (as === "replacement") yield* empty(parts, scope, source, handle, mode);
				const transfer = new Transfer(parts, scope, source, handle, how);
				yield* transfer.fill();
				whole = true;
				const { done: bytes, holes, method } = transfer;
				return { bytes, holes, method, handle };
			} finally {
				if (!whole) {
					yield* quietly(file.close(scope, handle));
					if (as === "new") yield* quietly(directory.unlink(scope, destination));
				}
			}
		},

		*range(scope, range) {
			const copied = yield* kernel.copy(scope, range);
			if (copied !== undefined && copied > 0) return copied;
			// 0 is the end of the file, or a file such as those of /proc that only reading can tell.
			const { source, sourceOffset, destination, destinationOffset, length } = range;
			const size = Math.min(length, BUFFER_SIZE);
			const { address } = scope.memory.reserve(size);
			const read = yield* file.read(scope, source, address, size, sourceOffset);
			yield* writeWhole(file, scope, destination, address, read, destinationOffset);
			return read;
		},
	};
}

function* empty(
	{ file, metadata, conceal }: CopyParts,
	scope: Scope,
	source: Handle,
	destination: Handle,
	mode: number,
): Operation<void> {
	const from = yield* metadata.stat(scope, source, ITSELF);
	const to = yield* metadata.stat(scope, destination, ITSELF);
	if (from.ino === to.ino && from.dev === to.dev) {
		throw new FsError("EINVAL", "invalid argument", {
			syscall: "copyfile",
			detail: "source and destination are the same file",
		});
	}
	yield* file.truncate(scope, destination, 0);
	if (conceal !== undefined) yield* conceal(scope, destination, mode);
}

/** What failed before it is what the caller is told. */
function* quietly(operation: Operation<void>): Operation<void> {
	try {
		yield* operation;
	} catch {
		// Nothing more can be done about it.
	}
}
