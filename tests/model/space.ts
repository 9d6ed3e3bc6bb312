/** Steps that change the blocks behind a file. */
import { extentsSync } from "../../src/index.ts";
import type { Abilities, Ability } from "./abilities.ts";
import { Choices, MOST, type Range, type Via } from "./choices.ts";
import type { Content } from "./content.ts";
import type { RealFile } from "./real.ts";
import {
	after,
	call,
	Divergence,
	type Form,
	type Maker,
	returns,
	type Step,
	type Weighted,
	type Which,
} from "./step.ts";

type ChangeName =
	| "preallocate"
	| "punchHole"
	| "zeroRange"
	| "unshareRange"
	| "collapseRange"
	| "insertRange";

/** A change of a range, as the model makes it. */
interface Change {
	readonly name: ChangeName;
	readonly options?: { readonly keepSize: true };
	readonly ability: Ability;
	apply(content: Content, range: Range): void;
	/** True if a file as it is refuses this range. */
	refuses?(content: Content, range: Range, block: number): boolean;
	/** Throws unless the blocks of the file are as they must be after the change. */
	inspect?(file: RealFile, range: Range, abilities: Abilities): void;
}

const isWhole = ({ offset, length }: Range, block: number) =>
	offset % block === 0 && length % block === 0;

/** What of a range is whole blocks. */
function wholeBlocks({ offset, length }: Range, block: number): Range {
	const start = Math.ceil(offset / block) * block;
	const end = Math.floor((offset + length) / block) * block;
	return { offset: start, length: Math.max(0, end - start) };
}

function hasBlocks(file: RealFile, range: Range, { block }: Abilities): void {
	const { length } = wholeBlocks(range, block);
	const { allocated } = file;
	if (allocated >= length) return;
	throw new Divergence(`${allocated} bytes are reserved, where ${length} were asked for`);
}

/** Of what is inside the file nothing but holes may be left. */
function isHole(file: RealFile, range: Range, { block, has }: Abilities): void {
	if (!has("holes")) return;
	const { offset, length } = wholeBlocks(range, block);
	const whole = Math.min(length, file.size - offset);
	if (whole <= 0) return;
	const found = [...extentsSync(file.path, { offset, length: whole })];
	if (found.length === 1 && found[0]?.kind === "hole") return;
	throw new Divergence(`no hole: ${JSON.stringify(found)}`);
}

const preallocate: Change = {
	name: "preallocate",
	ability: "preallocate",
	apply: (content, { offset, length }) => content.grow(offset + length),
	inspect: hasBlocks,
};

const reserve: Change = {
	...preallocate,
	options: { keepSize: true },
	ability: "preallocateKeepSize",
	apply() {},
};

const punchHole: Change = {
	name: "punchHole",
	ability: "punchHole",
	apply: (content, { offset, length }) => content.zero(offset, length),
	inspect: isHole,
};

const zeroRange: Change = {
	name: "zeroRange",
	ability: "zeroRange",
	apply(content, { offset, length }) {
		content.zero(offset, length);
		content.grow(offset + length);
	},
	inspect: hasBlocks,
};

const zeroKeepingSize: Change = {
	...zeroRange,
	options: { keepSize: true },
	ability: "zeroRangeKeepSize",
	apply: (content, { offset, length }) => content.zero(offset, length),
};

const unshareRange: Change = {
	name: "unshareRange",
	ability: "unshareRange",
	apply() {},
};

const collapseRange: Change = {
	name: "collapseRange",
	ability: "collapseRange",
	apply: (content, { offset, length }) => content.collapse(offset, length),
	refuses: ({ size }, range, block) =>
		!isWhole(range, block) || range.offset + range.length >= size,
};

const insertRange: Change = {
	name: "insertRange",
	ability: "insertRange",
	apply: (content, { offset, length }) => content.insert(offset, length),
	refuses: ({ size }, range, block) => !isWhole(range, block) || range.offset >= size,
};

/** Any range, of one byte or more. */
function anyRange(choices: Choices): Range {
	const { offset, length } = choices.random.chance(0.4) ? choices.blocks() : choices.range();
	return { offset, length: Math.max(1, length) };
}

/** Mostly what can be taken out: whole blocks before the end. */
function toTakeOut(choices: Choices): Range {
	if (choices.random.chance(0.1)) return anyRange(choices);
	return choices.blocks(choices.content.size >> 1);
}

/** Mostly what can be put in; into a file that is long already, only what is refused. */
function toPutIn(choices: Choices): Range {
	const { random, content } = choices;
	const { offset, length } = random.chance(0.1) ? anyRange(choices) : toTakeOut(choices);
	return content.size + length < MOST ? { offset, length } : { offset: MOST, length };
}

function changeStep(form: Form, which: Which, via: Via, change: Change, range: Range): Step {
	const { name, options, ability } = change;
	const { offset, length } = range;
	const kept = options === undefined ? "" : ", keepSize";
	return {
		text: `${form} ${name}(${which} by ${via}, ${offset}, ${length}${kept})`,
		expect({ files, abilities }) {
			const content = files[which];
			content.touch(offset, length);
			if (!abilities.has(ability)) return { code: "ENOTSUP" };
			if (change.refuses?.(content, range, abilities.block)) return { code: "EINVAL" };
			change.apply(content, range);
			return returns(undefined);
		},
		perform(real) {
			const file = real.of(which);
			const given = [file.target(via), offset, length] as const;
			const changed =
				name === "preallocate" || name === "zeroRange"
					? call(form, name, ...given, options)
					: call(form, name, ...given);
			return after(changed, (changed) => {
				change.inspect?.(file, range, real.abilities);
				return changed;
			});
		},
	};
}

const changing =
	(change: Change, rangeOf: (choices: Choices) => Range): Maker =>
	(random, model) => {
		const choices = new Choices(random, model);
		const { form, which } = choices;
		return changeStep(form, which, choices.via(), change, rangeOf(choices));
	};

/**
 * Zeroes a range that is inside the file, in one way or the other, while others work elsewhere. Where
 * they make the kernel read ahead, XFS may tell the zeros that it has read as data.
 */
export function clearStep(choices: Choices, form: Form, which: Which, range: Range): Step {
	const { inspect: _, ...change } = choices.random.pick([punchHole, punchHole, zeroKeepingSize]);
	return changeStep(form, which, choices.via(), change, range);
}

const truncate: Maker = (random, model) => {
	const choices = new Choices(random, model);
	const { form, which } = choices;
	const length = choices.offset();
	const via = choices.via();
	return {
		text: `${form} truncate(${which} by ${via}, ${length})`,
		expect({ files }) {
			files[which].truncate(length);
			return returns(undefined);
		},
		perform: (real) => call(form, "truncate", real.of(which).target(via), length),
	};
};

const changes: readonly (readonly [weight: number, Change, (choices: Choices) => Range])[] = [
	[4, preallocate, anyRange],
	[4, reserve, anyRange],
	[8, punchHole, anyRange],
	[5, zeroRange, anyRange],
	[4, zeroKeepingSize, anyRange],
	[4, unshareRange, anyRange],
	[5, collapseRange, toTakeOut],
	[4, insertRange, toPutIn],
];

export function space({ has }: Abilities): Weighted[] {
	// What a filesystem lacks need not be refused all the time.
	const rarely = (weight: number, ability: Ability) => (has(ability) ? weight : 1);
	return [
		[4, truncate],
		...changes.map(
			([weight, change, rangeOf]): Weighted => [
				rarely(weight, change.ability),
				changing(change, rangeOf),
			],
		),
	];
}
