/** Steps that read. */
import { alignedBuffer, type Metadata } from "../../src/index.ts";
import { Choices, type Range } from "./choices.ts";
import { isZero } from "./content.ts";
import { sameBytes } from "./real.ts";
import {
	after,
	call,
	Divergence,
	type Expectation,
	type Form,
	type Maker,
	method,
	returns,
	type Step,
	type Weighted,
	type Which,
} from "./step.ts";

/** The array must hold exactly these bytes. */
function gives(expected: Uint8Array): Expectation {
	return { check: (value) => sameBytes("what was read", value as Uint8Array, expected) };
}

/** A buffer, or a part of one at an odd address. */
function bufferOf(length: number): Uint8Array<ArrayBuffer> {
	if (length % 2 === 0) return new Uint8Array(length);
	return new Uint8Array(new ArrayBuffer(length + 9), 5, length);
}

/** What was filled of a buffer of zeros; the rest must be as it was. */
function filled(buffer: Uint8Array, count: number): Uint8Array {
	if (!isZero(buffer.subarray(count))) {
		throw new Divergence(`more than the ${count} bytes that were read are in the buffer`);
	}
	return buffer.subarray(0, count);
}

export function readAtStep(form: Form, which: Which, { offset, length }: Range): Step {
	return {
		text: `${form} readAt(${which}, ${length} bytes, ${offset})`,
		expect: ({ files }) => gives(files[which].read(offset, length)),
		perform(real) {
			const buffer = bufferOf(length);
			const { file } = real.of(which);
			const count = method(form, file, "readAt", buffer, offset);
			return after(count, (count) => filled(buffer, count));
		},
	};
}

export function readvAtStep(
	form: Form,
	which: Which,
	offset: number,
	lengths: readonly number[],
): Step {
	const total = lengths.reduce((sum, length) => sum + length, 0);
	return {
		text: `${form} readvAt(${which}, [${lengths}], ${offset})`,
		expect: ({ files }) => gives(files[which].read(offset, total)),
		perform(real) {
			const buffers = lengths.map(bufferOf);
			const count = method(form, real.of(which).file, "readvAt", buffers, offset);
			return after(count, (count) => filled(Buffer.concat(buffers), count));
		},
	};
}

/**
 * Past the page cache; the range is of whole blocks. It is cut off after the block in which the file
 * ends: XFS answers EIO to those who ask for more where it has reserved blocks past the end. Of that
 * block the kernel may fill in all.
 */
export function readDirectlyStep(form: Form, which: Which, { offset, length }: Range): Step {
	return {
		text: `${form} direct readAt(${which}, ${length} bytes, ${offset})`,
		expect: ({ files }) => gives(files[which].read(offset, length)),
		perform(real) {
			const { direct, file, size } = real.of(which);
			const { block } = real.abilities;
			const end = Math.ceil(size / block) * block;
			const buffer = alignedBuffer(Math.min(length, Math.max(block, end - offset)), block);
			const count = method(form, direct ?? file, "readAt", buffer, offset);
			return after(count, (count) => buffer.subarray(0, count));
		},
	};
}

const readAt: Maker = (random, model) => {
	const choices = new Choices(random, model);
	return readAtStep(choices.form, choices.which, choices.range());
};

const readvAt: Maker = (random, model) => {
	const choices = new Choices(random, model);
	const { offset, length } = choices.range();
	return readvAtStep(choices.form, choices.which, offset, choices.lengths(length));
};

const readDirectly: Maker = (random, model) => {
	const choices = new Choices(random, model);
	return readDirectlyStep(choices.form, choices.which, choices.blocks());
};

const read: Maker = (random, model) => {
	const choices = new Choices(random, model);
	const { form, which } = choices;
	const { offset, length } = choices.range();
	return {
		text: `${form} read(${which}, ${length}, ${offset})`,
		expect: ({ files }) => gives(files[which].read(offset, length)),
		perform: (real) => method(form, real.of(which).file, "read", length, offset),
	};
};

/** Reads on from where the file itself stands. */
const readOn: Maker = (random, model) => {
	const choices = new Choices(random, model);
	const { form, which } = choices;
	const length = choices.length();
	return {
		text: `${form} read(${which}, ${length})`,
		expect({ files }) {
			const content = files[which];
			const expected = content.read(content.position, length);
			content.position += expected.length;
			return gives(expected);
		},
		perform: (real) => method(form, real.of(which).file, "read", length),
	};
};

const readFile: Maker = (random, model) => {
	const { form, which } = new Choices(random, model);
	const via = random.pick(["path", "at"]);
	return {
		text: `${form} readFile(${which} by ${via})`,
		expect: ({ files }) => gives(files[which].read(0, files[which].size)),
		perform: (real) => call(form, "readFile", real.of(which).location(via)),
	};
};

const stat: Maker = (random, model) => {
	const choices = new Choices(random, model);
	const { form, which } = choices;
	const via = choices.via();
	const itself = via === "file" && random.chance(0.5);
	return {
		text: `${form} stat(${which} by ${itself ? "its method" : via})`,
		expect({ files }) {
			const { size } = files[which];
			const check = (value: unknown) => {
				const found = value as Metadata;
				if (found.isFile() && found.size === size) return;
				throw new Divergence(`stat says ${found.kind} of ${found.size} bytes, not ${size}`);
			};
			return { check };
		},
		perform(real) {
			const file = real.of(which);
			return itself ? method(form, file.file, "stat") : call(form, "stat", file.target(via));
		},
	};
};

/** Closes the file and opens it once more. */
const reopen: Maker = (random, model) => {
	const { form, which } = new Choices(random, model);
	const via = random.pick(["path", "at"]);
	return {
		text: `${form} open(${which} by ${via})`,
		expect({ files }) {
			files[which].position = 0;
			return returns(undefined);
		},
		perform(real) {
			const file = real.of(which);
			const opened = call(form, "open", file.location(via), "r+");
			return after(opened, (opened) => {
				const former = file.file;
				file.file = opened;
				return method(form, former, "close");
			});
		},
	};
};

export const reading: readonly Weighted[] = [
	[20, readAt],
	[8, readvAt],
	[8, readDirectly],
	[5, read],
	[6, readOn],
	[2, readFile],
	[6, stat],
	[1, reopen],
];
