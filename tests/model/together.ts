/** Steps in which several promises are under way at once. */
import { Choices, Data, MOST, type Range } from "./choices.ts";
import { cloneRangeStep, copyRangeStep } from "./copying.ts";
import type { Random } from "./random.ts";
import { readAtStep, readDirectlyStep, readvAtStep } from "./reading.ts";
import { clearStep } from "./space.ts";
import {
	attempt,
	Divergence,
	judge,
	type Maker,
	type Model,
	method,
	type Outcome,
	type Step,
	type Weighted,
	type Which,
} from "./step.ts";
import { writeAtStep, writeDirectlyStep, writevAtStep } from "./writing.ts";

/** A stretch of a file that one operation has to itself. */
interface Slot extends Range {
	readonly which: Which;
}

/** Cuts the first bytes of both files into stretches that do not meet, in any order. */
function slotsOf(random: Random, end: number, unit: number): Slot[] {
	const slots: Slot[] = [];
	for (const which of [0, 1] as const) {
		let offset = random.below(4) * unit;
		while (offset + unit <= end) {
			const most = Math.floor(Math.min(64 * 1024, end - offset) / unit);
			const length = random.between(1, most) * unit;
			slots.splice(random.below(slots.length + 1), 0, { which, offset, length });
			// Sometimes with nothing between one and the next.
			offset += length + (random.chance(0.5) ? 0 : random.below(3) * unit);
		}
	}
	return slots;
}

/**
 * A read or a write past the page cache, or a read through it. Who writes in both ways at once is warned
 * in open(2): what the one has just written the other may take for zeros, in the block next to its own.
 */
function directPartOn(choices: Choices, slot: Slot): Step {
	const { random } = choices;
	const { which, length } = slot;
	const kinds: [weight: number, () => Step][] = [
		[1, () => readAtStep("promise", which, slot)],
		[1, () => readDirectlyStep("promise", which, slot)],
		[2, () => writeDirectlyStep("promise", which, slot, choices.data(length))],
	];
	return random.weighted(kinds)();
}

/** One operation on a slot, or on two of them; now and then one that does not wait for the others. */
function partOn(choices: Choices, slot: Slot, other: Slot | undefined, whole: boolean): Step {
	const { random } = choices;
	const { which, offset, length } = slot;
	const form = random.chance(0.1) ? "sync" : "promise";
	const halves = [length >> 1, length - (length >> 1)];
	const data = () => choices.data(length);
	const pieces = () => halves.map((half) => choices.data(half));
	const kinds: [weight: number, () => Step][] = [
		[4, () => readAtStep(form, which, slot)],
		[2, () => readvAtStep(form, which, offset, halves)],
		[4, () => writeAtStep(form, which, offset, data())],
		[2, () => writevAtStep(form, which, offset, pieces())],
		[2, () => clearStep(choices, form, which, slot)],
	];
	if (whole) {
		kinds.push([4, () => readDirectlyStep(form, which, slot)]);
	}
	if (other !== undefined) {
		const ranges = {
			from: which,
			source: offset,
			to: other.which,
			destination: other.offset,
			length: Math.min(length, other.length),
		};
		kinds.push([3, () => copyRangeStep(form, ranges)]);
		if (whole) kinds.push([2, () => cloneRangeStep(form, ranges)]);
	}
	return random.weighted(kinds)();
}

/** As long as this both files are made first, so that the order changes no result. */
function grown(end: number, parts: readonly Step[]): Step {
	return {
		text: [`together, in ${end} bytes:`, ...parts.map(({ text }) => text)].join("\n    "),
		expect(model) {
			for (const content of model.files) content.grow(end);
			const expectations = parts.map((part) => part.expect(model));
			return {
				check(value) {
					const outcomes = value as Outcome[];
					for (const [i, expected] of expectations.entries()) {
						blame(parts[i]?.text, () => judge(expected, outcomes[i] as Outcome));
					}
				},
			};
		},
		perform(real) {
			for (const { file } of real.files) {
				if (file.statSync().size < end) file.truncateSync(end);
			}
			return Promise.all(parts.map((part) => attempt(part, real)));
		},
	};
}

/** Says of what is thrown which part it is about. */
function blame(text: string | undefined, judged: () => void): void {
	try {
		judged();
	} catch (error) {
		throw new Divergence(`${text}: ${error instanceof Error ? error.message : error}`);
	}
}

const apart: Maker = (random, model) => {
	const choices = new Choices(random, model);
	const { block } = model.abilities;
	const whole = random.chance(0.5);
	const end = random.pick([16, 40, 100]) * block;
	const slots = slotsOf(random, end, whole ? block : random.pick([1, 7, 512]));
	const parts: Step[] = [];
	const directly = whole && random.chance(0.3);
	while (parts.length < 16) {
		const slot = slots.pop();
		if (slot === undefined) break;
		if (directly) {
			parts.push(directPartOn(choices, slot));
			continue;
		}
		const other = random.chance(0.3) ? slots.pop() : undefined;
		parts.push(partOn(choices, slot, other, whole));
	}
	if (!directly && random.chance(0.3)) {
		// Nobody else is past the end, so the file may grow meanwhile.
		const data = choices.data(random.between(1, 20_000));
		parts.push(writeAtStep("promise", choices.which, end + random.below(9000), data));
	}
	return grown(end, parts);
};

/** The order of appended pieces, by what is in the file; throws if it is none of theirs. */
function inOrder(tail: Uint8Array, pieces: readonly Uint8Array[]): Uint8Array[] {
	const left = [...pieces].sort((a, b) => b.length - a.length);
	const found: Uint8Array[] = [];
	for (let at = 0; left.length > 0; ) {
		const next = left.findIndex(
			(piece) => Buffer.compare(piece, tail.subarray(at, at + piece.length)) === 0,
		);
		const [piece] = next < 0 ? [] : left.splice(next, 1);
		if (piece === undefined)
			throw new Divergence(`no piece is whole ${at} bytes after the old end`);
		found.push(piece);
		at += piece.length;
	}
	return found;
}

/** All to the end of one file: each must be there whole, in whatever order. */
const appends: Maker = (random, model) => {
	const choices = new Choices(random, model);
	const { which } = choices;
	// Of zeros nobody could tell where one piece ends.
	const pieces = Array.from(
		{ length: random.between(2, 8) },
		() => new Data(random, random.between(1, random.pick([20, 5000])), "random"),
	);
	const total = pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);
	return {
		text: `together append(${which}, [${pieces.map(({ text }) => text).join(", ")}])`,
		expect({ files }) {
			return {
				check(value) {
					const bytes = pieces.map(({ bytes }) => bytes);
					for (const piece of inOrder(value as Uint8Array, bytes)) files[which].append(piece);
				},
			};
		},
		async perform(real) {
			const file = real.of(which);
			const { size } = file;
			await Promise.all(pieces.map(({ given }) => method("promise", file.file, "append", given)));
			return file.witnessed(size, total);
		},
	};
};

export const together: readonly Weighted[] = [
	[3, apart],
	[1, (random, model) => (roomLeft(model) ? appends : apart)(random, model)],
];

/** Appending again and again must not make the files ever longer. */
const roomLeft = ({ files }: Model) => files.every(({ size }) => size < MOST);
