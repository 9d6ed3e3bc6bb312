/** Steps that write. */
import { alignedBuffer } from "../../src/index.ts";
import { Choices, type Data, MOST, type Range } from "./choices.ts";
import {
	call,
	type Form,
	type Maker,
	method,
	returns,
	type Step,
	type Weighted,
	type Which,
} from "./step.ts";

export function writeAtStep(form: Form, which: Which, offset: number, data: Data): Step {
	return {
		text: `${form} writeAt(${which}, ${data.text}, ${offset})`,
		expect({ files }) {
			files[which].write(offset, data.bytes);
			return returns(data.bytes.length);
		},
		perform: (real) => method(form, real.of(which).file, "writeAt", data.given, offset),
	};
}

export function writevAtStep(
	form: Form,
	which: Which,
	offset: number,
	pieces: readonly Data[],
): Step {
	return {
		text: `${form} writevAt(${which}, [${pieces.map(({ text }) => text).join(", ")}], ${offset})`,
		expect({ files }) {
			let at = offset;
			for (const { bytes } of pieces) {
				files[which].write(at, bytes);
				at += bytes.length;
			}
			return returns(at - offset);
		},
		perform(real) {
			const data = pieces.map(({ given }) => given);
			return method(form, real.of(which).file, "writevAt", data, offset);
		},
	};
}

/** Past the page cache; the range is of whole blocks. */
export function writeDirectlyStep(form: Form, which: Which, range: Range, data: Data): Step {
	const { offset, length } = range;
	return {
		text: `${form} direct writeAt(${which}, ${data.text}, ${offset})`,
		expect({ files }) {
			files[which].write(offset, data.bytes);
			return returns(length);
		},
		perform(real) {
			const buffer = alignedBuffer(length, real.abilities.block);
			buffer.set(data.bytes);
			const { direct, file } = real.of(which);
			return method(form, direct ?? file, "writeAt", buffer, offset);
		},
	};
}

const writeAt: Maker = (random, model) => {
	const choices = new Choices(random, model);
	const { offset, length } = choices.range();
	return writeAtStep(choices.form, choices.which, offset, choices.data(length));
};

const writevAt: Maker = (random, model) => {
	const choices = new Choices(random, model);
	const { offset, length } = choices.range();
	const pieces = choices.lengths(length).map((length) => choices.data(length));
	return writevAtStep(choices.form, choices.which, offset, pieces);
};

const writeDirectly: Maker = (random, model) => {
	const choices = new Choices(random, model);
	const range = choices.blocks();
	return writeDirectlyStep(choices.form, choices.which, range, choices.data(range.length));
};

/** Writes on from where the file itself stands. */
const writeOn: Maker = (random, model) => {
	const choices = new Choices(random, model);
	const { form, which, content } = choices;
	const data = choices.data(choices.length(Math.max(0, MOST - content.position)));
	return {
		text: `${form} writeAt(${which}, ${data.text})`,
		expect({ files }) {
			const content = files[which];
			content.write(content.position, data.bytes);
			content.position += data.bytes.length;
			return returns(data.bytes.length);
		},
		perform: (real) => method(form, real.of(which).file, "writeAt", data.given),
	};
};

const append: Maker = (random, model) => {
	const choices = new Choices(random, model);
	const { form, which, content } = choices;
	const data = choices.data(choices.length(Math.max(0, MOST - content.size)));
	return {
		text: `${form} append(${which}, ${data.text})`,
		expect({ files }) {
			files[which].append(data.bytes);
			return returns(data.bytes.length);
		},
		perform: (real) => method(form, real.of(which).file, "append", data.given),
	};
};

const writeFile: Maker = (random, model) => {
	const choices = new Choices(random, model);
	const { form, which } = choices;
	const data = choices.data(choices.length());
	const via = random.pick(["path", "at"]);
	const options = { sync: random.chance(0.1) };
	return {
		text: `${form} writeFile(${which} by ${via}, ${data.text}, ${JSON.stringify(options)})`,
		expect({ files }) {
			files[which].replace(data.bytes);
			return returns(undefined);
		},
		perform: (real) => call(form, "writeFile", real.of(which).location(via), data.given, options),
	};
};

const writeFileAtomically: Maker = (random, model) => {
	const choices = new Choices(random, model);
	const { form, which } = choices;
	const data = choices.data(choices.length());
	const via = random.pick(["path", "at"]);
	const options = { atomic: true, sync: random.chance(0.1) };
	return {
		text: `${form} writeFile(${which} by ${via}, ${data.text}, ${JSON.stringify(options)})`,
		replaces: which,
		expect({ files }) {
			files[which].replaceFile(data.bytes);
			return returns(undefined);
		},
		perform: (real) => call(form, "writeFile", real.of(which).location(via), data.given, options),
	};
};

const truncateFile: Maker = (random, model) => {
	const choices = new Choices(random, model);
	const { form, which } = choices;
	const length = choices.offset();
	return {
		text: `${form} truncate(${which} itself, ${length})`,
		expect({ files }) {
			files[which].truncate(length);
			return returns(undefined);
		},
		perform: (real) => method(form, real.of(which).file, "truncate", length),
	};
};

const synchronize: Maker = (random, model) => {
	const { form, which, content } = new Choices(random, model);
	const name = random.pick(["sync", "datasync"]);
	const offset = random.below(content.size + 1);
	return {
		text: `${form} ${name}(${which})`,
		expect({ files }) {
			// Writing back must change nothing: some of it is looked at.
			files[which].touch(offset, 8192);
			return returns(undefined);
		},
		perform: (real) => method(form, real.of(which).file, name),
	};
};

export const writing: readonly Weighted[] = [
	[24, writeAt],
	[8, writevAt],
	[8, writeDirectly],
	[6, writeOn],
	[6, append],
	[3, writeFile],
	[1, writeFileAtomically],
	[4, truncateFile],
	[1, synchronize],
];
