/** A random walk over two files, held at each step against the model. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Abilities } from "./abilities.ts";
import { Content } from "./content.ts";
import { copying } from "./copying.ts";
import { checkAgainstTool, mapping } from "./mapping.ts";
import { Random } from "./random.ts";
import { reading } from "./reading.ts";
import { Real } from "./real.ts";
import { space } from "./space.ts";
import { attempt, judge, type Model, type Step, type Weighted } from "./step.ts";
import { together } from "./together.ts";
import { writing } from "./writing.ts";

/** Steps in one walk: few enough that one that fails is soon taken again. */
export const LONGEST = 2000;
/** After so many steps the files are compared from end to end. */
const BETWEEN_WHOLE = 64;
/** How many of its last steps are told of a walk that fails. */
const LOGGED = 50;
/** How long a walk that fails is made shorter, in milliseconds. */
const SHRINKING = 20_000;

const makersFor = (abilities: Abilities): Weighted[] => [
	...reading,
	...writing,
	...copying(abilities),
	...mapping,
	...space(abilities),
	...together,
];

/** A walk that went wrong at its last step. */
interface Failed {
	readonly steps: readonly Step[];
	readonly error: unknown;
}

/** Takes steps on new files until there are no more, or one goes wrong. */
async function take(
	root: string,
	abilities: Abilities,
	next: (model: Model, taken: number) => Step | undefined,
): Promise<Failed | undefined> {
	const directory = mkdtempSync(join(root, "fsx-model-"));
	const model: Model = { files: [new Content(), new Content()], abilities };
	const real = new Real(directory, abilities);
	const steps: Step[] = [];
	try {
		for (;;) {
			const step = next(model, steps.length);
			if (step === undefined) break;
			steps.push(step);
			const expected = step.expect(model);
			const under = attempt(step, real);
			const outcome = under instanceof Promise ? await under : under;
			judge(expected, outcome);
			if (step.replaces !== undefined && "value" in outcome) {
				real.of(step.replaces).replaced(model.files[step.replaces].former);
			}
			compare(real, model, steps.length % BETWEEN_WHOLE === 0);
		}
		compare(real, model, true);
		real.compareOnDisk(model.files);
		real.files.forEach(checkAgainstTool);
		return undefined;
	} catch (error) {
		return { steps, error };
	} finally {
		real.close();
		rmSync(directory, { recursive: true });
	}
}

function compare(real: Real, { files }: Model, whole: boolean): void {
	for (const which of [0, 1] as const) {
		if (whole) real.of(which).compareAll(files[which]);
		else real.of(which).compare(files[which]);
	}
}

/** The same steps again, and no others. */
function retake(root: string, abilities: Abilities, steps: readonly Step[]) {
	return take(root, abilities, (_, taken) => steps[taken]);
}

/** Leaves out steps, ever fewer at a time, for as long as what is left goes wrong. */
async function shrink(root: string, abilities: Abilities, failed: Failed): Promise<Failed> {
	const end = performance.now() + SHRINKING;
	let shortest = failed;
	for (let count = failed.steps.length >> 1; count > 0; count >>= 1) {
		for (let at = 0; at < shortest.steps.length && performance.now() < end; ) {
			const rest = shortest.steps.toSpliced(at, count);
			const again = await retake(root, abilities, rest);
			if (again === undefined) at += count;
			else shortest = again;
		}
	}
	return shortest;
}

/** One walk, all of which follows from its seed. */
export interface Course {
	/** The directory in which its files are made. */
	readonly root: string;
	readonly abilities: Abilities;
	readonly seed: number;
	readonly operations: number;
	/** The command that takes the walk again. */
	readonly repeat: string;
}

/** Takes a walk; throws with all that is needed to take it again if it goes wrong. */
export async function walk({ root, abilities, seed, operations, repeat }: Course): Promise<void> {
	const random = new Random(seed);
	const makers = makersFor(abilities);
	const failed = await take(root, abilities, (model, taken) =>
		taken < operations ? random.weighted(makers)(random, model) : undefined,
	);
	if (failed === undefined) return;
	const { steps, error } = failed;
	const shortest = await shrink(root, abilities, failed);
	const fewest =
		shortest === failed
			? "With fewer it does not fail."
			: `The fewest that fail, with ${said(shortest.error)}:\n${list(shortest.steps)}`;
	throw new Error(
		`${said(error)}, after ${steps.length} operations.\n` +
			`To repeat it: ${repeat}\n` +
			`The last of them:\n${list(steps.slice(-LOGGED))}\n${fewest}`,
		{ cause: error },
	);
}

const list = (steps: readonly Step[]) => steps.map(({ text }) => `  ${text}`).join("\n");
const said = (error: unknown) => (error instanceof Error ? error.message : String(error));
