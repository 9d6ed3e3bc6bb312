import { Metadata } from "./metadata.ts";

/** Metadata in a record of a system's own, read from where that wrote it. Offsets are in bytes. */
export abstract class RecordMetadata extends Metadata {
	constructor(
		private readonly words: Uint32Array,
		private readonly start: number,
	) {
		super();
	}

	protected u32(offset: number): number {
		return this.words[this.start + (offset >> 2)] as number;
	}

	protected u64(offset: number): number {
		return this.u32(offset) + this.u32(offset + 4) * 0x100000000;
	}

	/** All 64 bits, for numbers that may use them. */
	protected big(offset: number): bigint {
		return (BigInt(this.u32(offset + 4)) << 32n) | BigInt(this.u32(offset));
	}
}
