/** Steps that copy ranges and whole files. */
import fs from "node:fs";
import type { CopyReport, OpenFile } from "../../src/index.ts";
import type { Abilities } from "./abilities.ts";
import { Choices, MOST } from "./choices.ts";
import type { Content } from "./content.ts";
import type { RealFile } from "./real.ts";
import {
	after,
	call,
	Divergence,
	type Expectation,
	type Form,
	type Maker,
	type Model,
	returns,
	type Step,
	type Weighted,
	type Which,
} from "./step.ts";

/** The unit in which zeros are looked for by `holes: "detect"`. */
const ZERO_BLOCK = 4096;

/** From where in which file to where. */
interface Ranges {
	readonly from: Which;
	readonly source: number;
	readonly to: Which;
	readonly destination: number;
	readonly length: number;
}

/** What there is to copy, or undefined where the two ranges overlap in one file. */
function lengthOf({ from, source, to, destination, length }: Ranges, model: Model) {
	const there = Math.max(0, Math.min(length, model.files[from].size - source));
	const distance = Math.abs(source - destination);
	return from === to && distance < there ? undefined : there;
}

const openFile = (file: RealFile, form: Form): OpenFile =>
	form === "sync" ? file.descriptor : file.file;

export function copyRangeStep(form: Form, ranges: Ranges): Step {
	const { from, source, to, destination, length } = ranges;
	return {
		text: `${form} copyRange(${from}, ${source}, ${to}, ${destination}, ${length})`,
		expect(model) {
			const there = lengthOf(ranges, model);
			if (there === undefined) return { code: "EINVAL" };
			const bytes = model.files[from].read(source, there).slice();
			model.files[to].write(destination, bytes);
			return returns(there);
		},
		perform(real) {
			const [first, second] = [openFile(real.of(from), form), real.of(to).file];
			return call(form, "copyRange", first, source, second, destination, length);
		},
	};
}

/** Why ranges cannot be shared, if they cannot. */
function refusalToClone(ranges: Ranges, { files, abilities }: Model): string | undefined {
	const { from, source, to, destination, length } = ranges;
	const { block } = abilities;
	if (!abilities.has("cloneRange")) return "ENOTSUP";
	if (source % block !== 0 || destination % block !== 0) return "EINVAL";
	if (source + length > files[from].size) return "EINVAL";
	if (length % block === 0) return undefined;
	// The last block may be a part of one, if it is the last one in both files.
	const ends = source + length === files[from].size && destination + length >= files[to].size;
	return ends ? undefined : "EINVAL";
}

export function cloneRangeStep(form: Form, ranges: Ranges): Step {
	const { from, source, to, destination, length } = ranges;
	return {
		text: `${form} cloneRange(${from}, ${source}, ${to}, ${destination}, ${length})`,
		expect(model) {
			if (lengthOf(ranges, model) === undefined) return { code: "EINVAL" };
			if (length === 0) return returns(undefined);
			const code = refusalToClone(ranges, model);
			model.files[to].touch(destination, length);
			if (code !== undefined) return { code };
			model.files[to].write(destination, model.files[from].read(source, length).slice());
			return returns(undefined);
		},
		perform(real) {
			const [first, second] = [real.of(from).file, openFile(real.of(to), form)];
			return call(form, "cloneRange", first, source, second, destination, length);
		},
	};
}

const copyRange: Maker = (random, model) => {
	const choices = new Choices(random, model);
	const { form, which: from } = choices;
	const to = random.pick([0, 1]);
	const { offset: destination, length } = choices.range(model.files[to].size);
	return copyRangeStep(form, { from, source: choices.offset(), to, destination, length });
};

const cloneRange: Maker = (random, model) => {
	const choices = new Choices(random, model);
	const { form, which: from, content } = choices;
	const to = random.pick([0, 1]);
	const start = choices.blocks();
	const last = Math.max(0, content.size - start.offset);
	// Mostly what is allowed: whole blocks that are there, or up to the end.
	const whole = Math.min(start.length, last - (last % model.abilities.block));
	const length = random.weighted([
		[6, whole],
		[3, last],
		[1, choices.length()],
	]);
	const source = random.chance(0.95) ? start.offset : choices.offset();
	const { offset } = choices.blocks(model.files[to].size);
	const destination = random.chance(0.95) ? offset : choices.offset();
	return cloneRangeStep(form, {
		from,
		source,
		to,
		destination,
		length: Math.max(0, Math.min(length, MOST - destination)),
	});
};

/** How many stretches of zeros a file has, looked at block by block. */
function zeroStretches(content: Content): number {
	let stretches = 0;
	let inside = false;
	for (let at = 0; at < content.size; at += ZERO_BLOCK) {
		const zero = content.isZero(at, Math.min(at + ZERO_BLOCK, content.size));
		if (zero && !inside) stretches++;
		inside = zero;
	}
	return stretches;
}

type Holes = "keep" | "fill" | "detect";
type Reflink = "auto" | "always" | "never";

/** What `copyFile` must report of a copy with this content. */
function reports(content: Content, holes: Holes, reflink: Reflink): Expectation {
	const { size } = content;
	const stretches = holes === "detect" ? zeroStretches(content) : 0;
	const differs = (what: string) => new Divergence(`the copy ${what}`);
	return {
		check(value) {
			const { report, allocated } = value as { report: CopyReport; allocated: number };
			if (report.bytes !== size) throw differs(`has ${report.bytes} bytes instead of ${size}`);
			if (holes !== "keep" && report.holes !== stretches) {
				throw differs(`says that it has ${report.holes} holes instead of ${stretches}`);
			}
			const shared = report.method === "reflink";
			const mayShare = reflink !== "never" && holes === "keep";
			if (shared ? !mayShare : reflink === "always") throw differs(`was made by ${report.method}`);
			if (holes === "fill" && allocated < size) throw differs(`takes up ${allocated} of ${size}`);
		},
	};
}

const copyFile: Maker = (random, model) => {
	const { form, which: from } = new Choices(random, model);
	const to = (1 - from) as Which;
	const holes = random.pick(["keep", "keep", "fill", "detect"]);
	const reflink = random.pick(holes === "keep" ? ["auto", "always", "never"] : ["auto", "never"]);
	const atomic = random.chance(0.5);
	const options = { holes, reflink, atomic, verify: random.chance(0.1), sync: random.chance(0.05) };
	const [source, destination] = [random.pick(["path", "at"]), random.pick(["path", "at"])];
	return {
		text: `${form} copyFile(${from} by ${source}, ${to} by ${destination}, ${JSON.stringify(options)})`,
		...(atomic ? { replaces: to } : undefined),
		expect({ files, abilities }) {
			const content = files[from];
			const bytes = content.read(0, content.size);
			const refused = reflink === "always" && !abilities.has("cloneRange");
			if (!refused && atomic) files[to].replaceFile(bytes);
			// In place, the file has been emptied before it turns out that no blocks are shared.
			else if (!atomic) files[to].replace(refused ? new Uint8Array(0) : bytes);
			return refused ? { code: "ENOTSUP" } : reports(content, holes, reflink);
		},
		perform(real) {
			const names = [real.of(from).location(source), real.of(to).location(destination)] as const;
			const report = call(form, "copyFile", ...names, options);
			const { path } = real.of(to);
			return after(report, (report) => ({ report, allocated: fs.statSync(path).blocks * 512 }));
		},
	};
};

const copyOntoItself: Maker = (random, model) => {
	const { form, which } = new Choices(random, model);
	const atomic = random.chance(0.5);
	return {
		text: `${form} copyFile(${which}, ${which}, atomic ${atomic})`,
		expect({ files }) {
			files[which].touch(0, files[which].size);
			return { code: "EINVAL" };
		},
		perform(real) {
			const file = real.of(which);
			return call(form, "copyFile", file.path, file.location("at"), { atomic });
		},
	};
};

export const copying = ({ has }: Abilities): Weighted[] => [
	[10, copyRange],
	[has("cloneRange") ? 8 : 1, cloneRange],
	[3, copyFile],
	[1, copyOntoItself],
];
