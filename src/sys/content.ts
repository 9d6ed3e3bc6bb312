/** Copying content by reading and writing, over the file operations of any system. */
import type { Region } from "../engine/memory.ts";
import type { Operation } from "../engine/operation.ts";
import type { Scope } from "../engine/scope.ts";
import { FsError } from "../errors.ts";
import { ITSELF } from "./metadata.ts";
import type { ContentHow, FileSystem, Handle, MetadataSystem } from "./system.ts";
import { readWhole, writeWhole } from "./whole.ts";

/** Bytes read at once; files up to this size are copied without a look for holes. */
export const BUFFER_SIZE = 256 * 1024;
const UNKNOWN_SIZE = 64 * 1024;
/** The unit in which zeros are looked for, and the size of most filesystems' blocks. */
const ZERO_BLOCK = 4096;

/** The content of one file on its way: how far it is, and by what means. */
export class Content {
	done = 0;
	holes = 0;
	method = "read-write";
	private inHole = false;
	private buffer: Region | undefined;

	constructor(
		private readonly file: FileSystem,
		protected readonly scope: Scope,
		protected readonly source: Handle,
		protected readonly destination: Handle,
		protected readonly how: ContentHow,
	) {}

	/** Reads and writes; with `skipZeros`, blocks of nothing but zeros become holes. */
	*byReading(end: number, skipZeros: boolean): Operation<void> {
		const { file, scope, source, destination } = this;
		// One byte more than there should be shows that there is no more. A size of 0 tells nothing:
		// the files of /proc have it.
		const room = this.how.size === 0 ? UNKNOWN_SIZE : this.how.size + 1;
		this.buffer ??= scope.memory.reserve(Math.min(BUFFER_SIZE, room));
		const { address, size } = this.buffer;
		while (this.done < end) {
			const want = Math.min(size, end - this.done);
			// Zeros are looked for in whole blocks, which a short read must not shift.
			const read = skipZeros
				? yield* readWhole(file, scope, source, address, want, this.done)
				: yield* file.read(scope, source, address, want, this.done);
			if (read === 0) return;
			if (skipZeros) yield* this.writeData(this.buffer.bytes(0, read), address);
			else yield* writeWhole(file, scope, destination, address, read, this.done);
			this.advance(read);
			// A short read of as many bytes as there should be is the end: no need to ask again.
			if (read < want && this.done === this.how.size) return;
		}
	}

	/** Called where a hole begins in the copy. */
	// biome-ignore lint/correctness/useYield: some systems have to be asked for holes
	protected *beginHole(): Operation<void> {
		this.holes++;
	}

	/** Writes the runs of blocks that are not zero, where they belong. */
	private *writeData(bytes: Uint8Array, address: number): Operation<void> {
		for (let start = 0; start < bytes.length; ) {
			let end = start;
			const zero = isZero(bytes, start);
			while (end < bytes.length && isZero(bytes, end) === zero) end += ZERO_BLOCK;
			const length = Math.min(end, bytes.length) - start;
			if (!zero) {
				const position = this.done + start;
				const { file, scope, destination } = this;
				yield* writeWhole(file, scope, destination, address + start, length, position);
			} else if (!this.inHole) {
				yield* this.beginHole();
			}
			this.inHole = zero;
			start = end;
		}
	}

	protected advance(bytes: number): void {
		this.done += bytes;
		this.how.progress?.(this.done);
	}
}

/** Emptied to be written anew, the source would be lost. */
export function* refuseSame(
	metadata: MetadataSystem,
	scope: Scope,
	source: Handle,
	destination: Handle,
): Operation<void> {
	const from = yield* metadata.stat(scope, source, ITSELF);
	const to = yield* metadata.stat(scope, destination, ITSELF);
	if (from.ino !== to.ino || from.dev !== to.dev) return;
	throw new FsError("EINVAL", "invalid argument", {
		syscall: "copyfile",
		detail: "source and destination are the same file",
	});
}

/** Whether the block that starts at `start` holds nothing but zeros. */
function isZero(bytes: Uint8Array, start: number): boolean {
	const end = Math.min(start + ZERO_BLOCK, bytes.length);
	for (let i = start; i < end; i++) if (bytes[i] !== 0) return false;
	return true;
}
