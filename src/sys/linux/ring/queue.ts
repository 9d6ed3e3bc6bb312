import { toArrayBuffer } from "bun:ffi";
import type { Memory } from "../../../engine/memory.ts";
import { nr } from "../calls.ts";
import type { Entry as SystemEntry } from "../entry.ts";
import type { Entry } from "./opcodes.ts";
import { type RingMemory, setUpRing } from "./setup.ts";

const WORDS_PER_ENTRY = 16;
const WORDS_PER_COMPLETION = 4;

/**
 * The two queues of an io_uring, in the memory that the kernel shares with this process. Entries
 * are written and completions read without a call; only `enter` is one.
 */
export class Queue {
	readonly fd: number;
	readonly entries: number;
	/** How many completions find room: more calls than that must not be under way. */
	readonly completions: number;
	private readonly memory: RingMemory;
	private readonly ring: Uint32Array;
	private readonly results: Int32Array;
	private readonly sqes: Uint32Array;
	private readonly at: RingMemory["offsets"];
	private tail: number;

	constructor(
		private readonly call: SystemEntry,
		entries: number,
		completions: number,
		memory: Memory,
	) {
		this.memory = setUpRing(entries, completions, memory);
		const { ring, sqes, offsets } = this.memory;
		this.fd = this.memory.fd;
		this.entries = this.memory.entries;
		this.completions = this.memory.completions;
		const shared = toArrayBuffer(ring.address as never, 0, ring.size & ~3);
		this.ring = new Uint32Array(shared);
		this.results = new Int32Array(shared);
		this.sqes = new Uint32Array(toArrayBuffer(sqes.address as never, 0, sqes.size));
		this.at = Object.fromEntries(
			Object.entries(offsets).map(([name, offset]) => [name, offset >> 2]),
		) as RingMemory["offsets"];
		// Newer libraries ask the kernel for rings without this array.
		if (this.at.sqArray !== 0) {
			for (let i = 0; i < this.entries; i++) this.ring[this.at.sqArray + i] = i;
		}
		this.tail = Atomics.load(this.ring, this.at.sqTail);
	}

	/** Entries that are written and that the kernel has not taken yet. */
	get waiting(): number {
		return (this.tail - Atomics.load(this.ring, this.at.sqHead)) >>> 0;
	}

	get isFull(): boolean {
		return this.waiting >= this.entries;
	}

	/** Writes an entry; the kernel sees it at the next `enter`. The queue must not be full. */
	push(entry: Entry, id: number, flags = 0): void {
		const { sqes } = this;
		const mask = this.ring[this.at.sqMask] as number;
		const at = (this.tail & mask) * WORDS_PER_ENTRY;
		sqes[at] = entry.opcode | (flags << 8);
		sqes[at + 1] = entry.fd;
		sqes[at + 2] = entry.off;
		sqes[at + 3] = Math.floor(entry.off / 0x100000000);
		sqes[at + 4] = entry.address;
		sqes[at + 5] = Math.floor(entry.address / 0x100000000);
		sqes[at + 6] = entry.length;
		sqes[at + 7] = entry.flags;
		sqes[at + 8] = id;
		sqes.fill(0, at + 9, at + WORDS_PER_ENTRY);
		this.tail = (this.tail + 1) >>> 0;
	}

	/** Hands over what is written: how many entries the kernel took, or a negative number. */
	enter(): number {
		Atomics.store(this.ring, this.at.sqTail, this.tail);
		return this.call(nr.io_uring_enter, this.fd, this.waiting, 0, 0, 0, 0);
	}

	/** Takes back what is written and was not taken, and says how many entries that was. */
	retract(): number {
		const { waiting } = this;
		this.tail = (this.tail - waiting) >>> 0;
		Atomics.store(this.ring, this.at.sqTail, this.tail);
		return waiting;
	}

	/** Reads all completions that are there, each before it is given back to the kernel. */
	drain(completed: (id: number, result: number) => void): void {
		const { ring, results, at } = this;
		const mask = ring[at.cqMask] as number;
		let head = Atomics.load(ring, at.cqHead);
		while (head !== Atomics.load(ring, at.cqTail)) {
			const entry = at.cqes + (head & mask) * WORDS_PER_COMPLETION;
			const id = ring[entry] as number;
			const result = results[entry + 2] as number;
			head = (head + 1) >>> 0;
			Atomics.store(ring, at.cqHead, head);
			completed(id, result);
		}
	}

	/** Who set it up. */
	get by(): RingMemory["by"] {
		return this.memory.by;
	}

	close(): void {
		this.memory.close();
	}
}
