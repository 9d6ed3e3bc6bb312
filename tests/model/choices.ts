/** Where steps read and write, and what: mostly where mistakes are made. */
import type { Content } from "./content.ts";
import { Random } from "./random.ts";
import type { Form, Model, Which } from "./step.ts";

/** Files stay below this, in bytes. */
export const MOST = 1024 * 1024;

export interface Range {
	readonly offset: number;
	readonly length: number;
}

/** How a file is named to a function that takes any target. */
export type Via = "path" | "at" | "file" | "descriptor";

/** Choices for one step on one of the files. */
export class Choices {
	readonly which: Which;
	readonly form: Form;
	readonly content: Content;
	private readonly block: number;

	constructor(
		readonly random: Random,
		model: Model,
	) {
		this.which = random.pick([0, 1]);
		this.form = random.chance(0.25) ? "promise" : "sync";
		this.content = model.files[this.which];
		this.block = model.abilities.block;
	}

	via(): Via {
		return this.random.pick(["path", "at", "file", "file", "descriptor"]);
	}

	/** Anywhere, though mostly at the ends of blocks and of the file. */
	offset(size = this.content.size): number {
		const { random, block } = this;
		const near = random.pick([0, 0, 0, 1, -1, random.between(-600, 600)]);
		const at = random.weighted([
			[4, random.below(size + 2 * block)],
			[3, random.below(Math.ceil(size / block) + 2) * block + near],
			[2, size + near],
			[1, 0],
		]);
		return Math.max(0, Math.min(at, MOST - 1));
	}

	length(most = MOST): number {
		const { random, block } = this;
		const chosen = random.weighted([
			[1, 0],
			[8, random.between(1, 600)],
			[8, random.between(1, 4 * block)],
			[5, random.between(1, 8) * block],
			[2, random.between(1, 128 * 1024)],
			[1, random.between(1, 400 * 1024)],
		]);
		return Math.min(chosen, most);
	}

	range(size = this.content.size): Range {
		const offset = this.offset(size);
		return { offset, length: this.length(MOST - offset) };
	}

	/** A range of whole blocks, one block or more. */
	blocks(size = this.content.size): Range {
		const { random, block } = this;
		const last = MOST / block;
		const first = Math.min(random.below(Math.ceil(size / block) + 2), last - 1);
		const count = random.chance(0.8) ? random.between(1, 8) : random.between(1, 60);
		return { offset: first * block, length: Math.min(count, last - first) * block };
	}

	/** Lengths of several buffers that are filled or written one after the other. */
	lengths(most: number): number[] {
		const lengths: number[] = [];
		for (let left = most, i = this.random.between(0, 5); i > 0; i--) {
			const length = Math.min(left, this.random.pick([0, 1, 511, 4096, 5000, 60_000]));
			lengths.push(length);
			left -= length;
		}
		return lengths;
	}

	data(length: number): Data {
		const { random } = this;
		const kind = random.weighted([
			[8, "random"],
			[2, "zeros"],
			[2, "text"],
		]);
		return new Data(random, length, kind);
	}
}

/** Bytes that are the same in every run. */
const pool = new Uint8Array(2 * MOST);
const filling = new Random(1);
for (let i = 0; i < pool.length; i++) pool[i] = filling.below(256);
const zeros = new Uint8Array(MOST);

/** Up to here a typed array is one that the garbage collector moves. */
const SMALL = 1000;

/** Something to write: large and small arrays, parts of arrays, zeros and text. */
export class Data {
	readonly bytes: Uint8Array<ArrayBuffer>;
	readonly given: Uint8Array<ArrayBuffer> | string;
	readonly text: string;

	constructor(random: Random, length: number, kind: "random" | "zeros" | "text") {
		const start = random.below(MOST);
		this.text = kind === "random" ? `${length} from ${start}` : `${length} of ${kind}`;
		if (kind === "text") {
			this.given = start
				.toString(36)
				.padStart(7, ".")
				.repeat(length / 7 + 1)
				.slice(0, length);
			this.bytes = new Uint8Array(Buffer.from(this.given));
		} else {
			this.bytes =
				kind === "zeros" ? zeros.subarray(0, length) : pool.subarray(start, start + length);
			this.given = length < SMALL ? new Uint8Array(this.bytes) : this.bytes;
		}
	}
}
