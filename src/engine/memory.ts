import { type Pointer, ptr, toArrayBuffer } from "bun:ffi";
import { byteLengthOf, checkAttached } from "./view.ts";

/** Bytes in one slab: the unit in which memory is asked of the runtime. */
const SLAB_SIZE = 512 * 1024;
/** Bytes an operation starts with: a few paths and a struct or two. */
const BLOCK_SIZE = 4096;

/**
 * A piece of memory at a fixed address. It is backed by an explicit ArrayBuffer, which the garbage
 * collector never moves (a small typed array of its own would be), and its address is taken once.
 */
class Slab {
	readonly bytes: Uint8Array<ArrayBuffer>;
	readonly u16: Uint16Array;
	readonly u32: Uint32Array;
	readonly u64: BigUint64Array;
	readonly address: number;

	constructor(readonly size: number) {
		const buffer = new ArrayBuffer(size);
		this.bytes = new Uint8Array(buffer);
		this.u16 = new Uint16Array(buffer);
		this.u32 = new Uint32Array(buffer);
		this.u64 = new BigUint64Array(buffer);
		this.address = ptr(this.bytes);
	}
}

/** A struct or a buffer inside a slab. Offsets count from its start, in bytes, and are aligned. */
export class Region {
	constructor(
		private readonly slab: Slab,
		private readonly start: number,
		readonly size: number,
	) {}

	get address(): number {
		return this.slab.address + this.start;
	}

	u16(offset: number): number {
		return this.slab.u16[(this.start + offset) >> 1] as number;
	}

	u32(offset: number): number {
		return this.slab.u32[(this.start + offset) >> 2] as number;
	}

	/** A 64-bit value as a number: exact up to 2^53, which every size and offset stays under. */
	u64(offset: number): number {
		const index = (this.start + offset) >> 2;
		const words = this.slab.u32;
		return (words[index] as number) + (words[index + 1] as number) * 0x100000000;
	}

	bigU64(offset: number): bigint {
		return this.slab.u64[(this.start + offset) >> 3] as bigint;
	}

	setU32(offset: number, value: number): void {
		this.slab.u32[(this.start + offset) >> 2] = value;
	}

	/** Writes a safe integer, negative ones in two's complement. */
	setU64(offset: number, value: number): void {
		const index = (this.start + offset) >> 2;
		this.slab.u32[index] = value;
		this.slab.u32[index + 1] = Math.floor(value / 0x100000000);
	}

	setBigU64(offset: number, value: bigint): void {
		this.slab.u64[(this.start + offset) >> 3] = value;
	}

	/** The bytes themselves, good only as long as the operation that reserved them. */
	bytes(offset = 0, length = this.size - offset): Uint8Array<ArrayBuffer> {
		const from = this.start + offset;
		return this.slab.bytes.subarray(from, from + length);
	}

	/** A copy that outlives the operation. */
	copy(offset = 0, length = this.size - offset): Uint8Array<ArrayBuffer> {
		const from = this.start + offset;
		return this.slab.bytes.slice(from, from + length);
	}
}

/** Records in one buffer: enough that making and collecting it costs each of them little. */
const RECORDS = 256;

/**
 * Memory for structs that outlive the operation that had them filled, such as what `stat` returns.
 * Whoever has one keeps `words`, which holds it and others of its age, and where in them it starts:
 * an object for each would cost `statSync` more than it can afford.
 */
export class Records {
	/** The 32-bit words of the newest record. */
	words = new Uint32Array(0);
	/** Where in `words` it starts. */
	start = 0;
	private base = 0;
	private readonly stride: number;

	/** `size` of a record in bytes, a multiple of 8. */
	constructor(size: number) {
		this.stride = size >> 2;
	}

	/** Goes on to a new record, and gives its address. */
	next(): number {
		this.start += this.stride;
		if (this.start >= this.words.length) {
			this.words = new Uint32Array(new ArrayBuffer(RECORDS * this.stride * 4));
			this.base = ptr(this.words);
			this.start = 0;
		}
		return this.base + this.start * 4;
	}
}

/** Where a stretch of memory is given back to: see `Memory.mark`. */
export interface Mark {
	readonly slab: Slab;
	readonly top: number;
	readonly end: number;
	readonly depth: number;
}

interface Block {
	readonly slab: Slab;
	readonly start: number;
}

const freeBlocks: Block[] = [];
/** Slabs that operations with large buffers take turns with; a few, so that memory stays small. */
const freeSlabs: Slab[] = [];
const MOST_FREE_SLABS = 8;

function takeBlock(): Block {
	const free = freeBlocks.pop();
	if (free !== undefined) return free;
	const slab = new Slab(SLAB_SIZE);
	for (let start = BLOCK_SIZE; start < SLAB_SIZE; start += BLOCK_SIZE) {
		freeBlocks.push({ slab, start });
	}
	return { slab, start: 0 };
}

const encoder = new TextEncoder();

/**
 * The memory of one operation: everything that its calls point to, handed out one piece after the
 * other and given back together when the operation has ended, so that nothing is freed or moved
 * while the system may still write to it.
 */
export class Memory {
	private readonly block: Block = takeBlock();
	private slab: Slab = this.block.slab;
	private readonly start: number = this.block.start;
	private top: number = this.start;
	private end: number = this.start + BLOCK_SIZE;
	/** What did not fit the block; those from `depth` on are there to be used again. */
	private readonly extra: Slab[] = [];
	private depth = 0;

	/** Zeroed or not as it comes, 8-byte aligned; `size` in bytes. */
	reserve(size: number): Region {
		const padded = Math.ceil(size / 8) * 8;
		if (this.top + padded > this.end) this.grow(padded);
		const region = new Region(this.slab, this.top, size);
		this.top += padded;
		return region;
	}

	/** The same, all zero: for structs whose unused fields the kernel checks. */
	reserveZeroed(size: number): Region {
		const region = this.reserve(size);
		region.bytes().fill(0);
		return region;
	}

	/** The address of a NUL-terminated copy of a name; the caller has refused NUL inside it. */
	cstring(name: string | Uint8Array): number {
		const most = typeof name === "string" ? name.length * 3 + 1 : name.length + 1;
		if (this.top + most > this.end) this.grow(most);
		const { bytes } = this.slab;
		const start = this.top;
		let at = start;
		if (typeof name === "string") {
			// Most names are ASCII, and short enough for a loop to beat the encoder's set-up.
			const { length } = name;
			for (let i = 0; i < length; i++) {
				const unit = name.charCodeAt(i);
				if (unit > 127) {
					at = start + encoder.encodeInto(name, bytes.subarray(start)).written;
					break;
				}
				bytes[at++] = unit;
			}
		} else {
			bytes.set(name, start);
			at += name.length;
		}
		bytes[at] = 0;
		this.top = (at + 8) & ~7;
		return this.slab.address + start;
	}

	/** Remembers how much is in use, so that a loop can give back what each round took. */
	mark(): Mark {
		return { slab: this.slab, top: this.top, end: this.end, depth: this.depth };
	}

	release(mark: Mark): void {
		this.slab = mark.slab;
		this.top = mark.top;
		this.end = mark.end;
		this.depth = mark.depth;
	}

	/** Gives everything back. The operation has ended and none of its calls is in flight. */
	free(): void {
		this.top = this.start;
		if (this.extra.length === 0) return;
		this.slab = this.block.slab;
		this.end = this.start + BLOCK_SIZE;
		this.depth = 0;
		for (let slab = this.extra.pop(); slab !== undefined; slab = this.extra.pop()) {
			if (slab.size === SLAB_SIZE && freeSlabs.length < MOST_FREE_SLABS) freeSlabs.push(slab);
		}
	}

	/** Lets another operation have the block; this memory is not used again. */
	discard(): void {
		freeBlocks.push(this.block);
	}

	private grow(size: number): void {
		let slab = this.extra[this.depth];
		if (slab === undefined || slab.size < size) {
			const pooled = size <= SLAB_SIZE ? freeSlabs.pop() : undefined;
			slab = pooled ?? new Slab(Math.max(SLAB_SIZE, Math.ceil(size / 8) * 8));
			this.extra.splice(this.depth, 0, slab);
		}
		this.depth++;
		this.slab = slab;
		this.top = 0;
		this.end = slab.size;
	}
}

/**
 * The address of a buffer of the caller's. Asking for its memory first makes the runtime move a
 * small typed array out of its moving heap for good; the caller of this must keep the view
 * referenced.
 */
export function addressOf(view: ArrayBufferView): number {
	checkAttached(view);
	return byteLengthOf(view) === 0 ? 0 : ptr(view as Uint8Array);
}

/** Memory that the system, or another thread, has given the address of; good as long as theirs is. */
export function bytesAt(address: number, length: number): Uint8Array<ArrayBuffer> {
	return new Uint8Array(toArrayBuffer(address as Pointer, 0, length));
}
