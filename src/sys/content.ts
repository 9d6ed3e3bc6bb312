/** Copying content, over the file operations of any system. */
import type { Region } from "../engine/memory.ts";
import type { Operation } from "../engine/operation.ts";
import type { Scope } from "../engine/scope.ts";
import type { ContentHow, FileSystem, Handle, RangeCopy } from "./system.ts";
import { readWhole, writeWhole } from "./whole.ts";

/** Bytes read at once; files up to this size are copied without a look for holes. */
export const BUFFER_SIZE = 256 * 1024;
const UNKNOWN_SIZE = 64 * 1024;
/** The unit in which zeros are looked for, and the size of most filesystems' blocks. */
const ZERO_BLOCK = 4096;

/** What a system moves content with. */
export interface ContentParts {
	readonly file: FileSystem;
	/** How content is moved without coming to the process, by the field's name for it. */
	readonly kernel: {
		readonly method: string;
		/** Undefined when it cannot be used for these files. */
		readonly copy: (scope: Scope, range: RangeCopy) => Operation<number | undefined>;
	};
}

/** The content of one file on its way: how far it is, and by what means. */
export abstract class Content {
	done = 0;
	holes = 0;
	method = "read-write";
	/** Whether the kernel is not to be asked, or not any more. */
	protected kernelRefuses = false;
	private inHole = false;
	private buffer: Region | undefined;

	constructor(
		private readonly parts: ContentParts,
		protected readonly scope: Scope,
		protected readonly source: Handle,
		protected readonly destination: Handle,
		protected readonly how: ContentHow,
	) {}

	/** Fills the destination, by the cheapest way that keeps what is asked. */
	*fill(): Operation<void> {
		const { size, sparse, reflink, refused, holes } = this.how;
		const hopeless = reflink === "never" || (reflink === "auto" && refused?.has("reflink"));
		if (!hopeless && holes === "keep" && (yield* this.reflink())) return;
		// A small file that seems to have its blocks is read at once; in a large one some may lie past its
		// end, and stand for as many that it lacks.
		if (holes === "keep" && (sparse || size > BUFFER_SIZE || this.done > 0)) {
			yield* this.segments();
			return;
		}
		const detect = holes === "detect";
		yield* this.byReading(Number.MAX_SAFE_INTEGER, detect);
		if (detect) yield* this.parts.file.truncate(this.scope, this.destination, this.done);
	}

	/** Shares all that is stored; false where that cannot be, though a part may be done then. */
	protected abstract reflink(): Operation<boolean>;

	/** Copies the stretches that hold data and leaves holes between them. */
	protected abstract segments(): Operation<void>;

	/** Copies from where the transfer stands to `end`, or to the end of the file before that. */
	protected *stretch(end: number): Operation<void> {
		const { scope, source, destination } = this;
		const { method, copy } = this.parts.kernel;
		while (this.done < end && !this.kernelRefuses) {
			const copied = yield* copy(scope, {
				source,
				sourceOffset: this.done,
				destination,
				destinationOffset: this.done,
				length: end - this.done,
			});
			if (copied === undefined || copied === 0) {
				// 0 may be a file whose content only reading shows; reading also finds the end.
				this.kernelRefuses = true;
				break;
			}
			this.method = method;
			this.advance(copied);
		}
		if (this.done < end) yield* this.byReading(end, false);
	}

	/** Reads and writes; with `skipZeros`, blocks of nothing but zeros become holes. */
	private *byReading(end: number, skipZeros: boolean): Operation<void> {
		const { scope, source, destination } = this;
		const { file } = this.parts;
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
				const { scope, destination } = this;
				const { file } = this.parts;
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

/** Whether the block that starts at `start` holds nothing but zeros. */
function isZero(bytes: Uint8Array, start: number): boolean {
	const end = Math.min(start + ZERO_BLOCK, bytes.length);
	for (let i = start; i < end; i++) if (bytes[i] !== 0) return false;
	return true;
}
