/** Making copies, over the calls of any system: whole, or gone again. */
import type { Operation } from "../engine/operation.ts";
import type { Scope } from "../engine/scope.ts";
import { FsError } from "../errors.ts";
import { BUFFER_SIZE, type Content } from "./content.ts";
import { ITSELF } from "./metadata.ts";
import type {
	ContentHow,
	CopySystem,
	DirectorySystem,
	FileSystem,
	Handle,
	MetadataSystem,
} from "./system.ts";
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
export interface CopyParts {
	readonly file: FileSystem;
	readonly directory: DirectorySystem;
	readonly metadata: MetadataSystem;
	/** The content of one file on its way, with what the system does for it. */
	readonly Transfer: new (
		file: FileSystem,
		scope: Scope,
		source: Handle,
		destination: Handle,
		how: ContentHow,
	) => Content;
	/** Takes what is to come from those who might see what was there. */
	readonly conceal?: (scope: Scope, handle: Handle, mode: number) => Operation<void>;
}

/** `create` of a system. */
export function creation(parts: CopyParts): CopySystem["create"] {
	const { file, directory, Transfer } = parts;
	return function* (scope, source, destination, how) {
		const handle = yield* file.open(scope, destination, { ...howToOpen[how.as], mode: how.mode });
		let whole = false;
		try {
			if (how.as === "replacement") yield* empty(parts, scope, source, handle, how.mode);
			const transfer = new Transfer(file, scope, source, handle, how);
			yield* transfer.fill();
			whole = true;
			const { done: bytes, holes, method } = transfer;
			return { bytes, holes, method, handle };
		} finally {
			if (!whole) {
				yield* quietly(file.close(scope, handle));
				if (how.as === "new") yield* quietly(directory.unlink(scope, destination));
			}
		}
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

/** `range` of a system that reads and writes. */
export function rangeByReading(file: FileSystem): CopySystem["range"] {
	return function* (scope, source, sourceOffset, destination, destinationOffset, length) {
		const size = Math.min(length, BUFFER_SIZE);
		const { address } = scope.memory.reserve(size);
		const read = yield* file.read(scope, source, address, size, sourceOffset);
		yield* writeWhole(file, scope, destination, address, read, destinationOffset);
		return read;
	};
}
