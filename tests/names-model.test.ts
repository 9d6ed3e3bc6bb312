/**
 * Random operations on names, each held against a model in memory: by paths, through open
 * directories and through confined ones, in both forms and on every lane, on the filesystem for
 * temporary files. `FSX_MODEL_SEED` is where the random choices begin, `FSX_MODEL_OPERATIONS` how
 * many operations there are in all.
 */
import { describe, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { configureEngine, type EngineOptions, stopEngine } from "../src/index.ts";
import { nameTraits } from "./facts.ts";
import { type bothForms, onLinux } from "./forms.ts";
import { type Act, acts, type Step } from "./names-acts.ts";
import type { Traits } from "./names-walk.ts";
import { World } from "./names-world.ts";

const { FSX_MODEL_SEED, FSX_MODEL_OPERATIONS = "3000" } = process.env;

const ways: [title: string, form: keyof typeof bothForms, options: EngineOptions][] = [
	["the synchronous forms", "sync", {}],
	["promises, by the defaults", "async", {}],
	["promises, by ring and workers", "async", { lanes: ["ring", "worker"] }],
	["promises, by workers alone", "async", { lanes: ["worker"] }],
	["promises, without a ring", "async", { ring: "none" }],
];

const operations = Math.ceil(Number(FSX_MODEL_OPERATIONS) / ways.length);
const MOST_STEPS = 200;
const COMPARED_EVERY = 10;
const TIMEOUT_MILLISECONDS = 120_000 + operations * 10;
/** For so long shorter steps are looked for that fail, too. */
const SHORTENING_MILLISECONDS = 60_000;

/** Taken from the filesystem where the model holds: it is of names that are bytes. */
const isModelled = process.platform === "linux";
const traits: Traits = isModelled
	? nameTraits(tmpdir())
	: {
			longestName: 255,
			longer: "ENOENT",
			full: "ENOTEMPTY",
			countsSubdirectories: false,
			exchangesKinds: false,
		};

/** Few names, so that they meet; as bytes, one character each. */
const { longestName } = traits;
const name = fc.oneof(
	{ weight: 30, arbitrary: fc.constantFrom("a", "b", "c", "d") },
	{ weight: 2, arbitrary: fc.constantFrom("..", ".", "\xff\xfe") },
	{
		weight: 1,
		arbitrary: fc.constantFrom("", "n".repeat(longestName), "n".repeat(longestName + 1)),
	},
);
/** Most of one name, so that they lead somewhere. */
const names = fc.oneof(
	{ weight: 6, arbitrary: fc.tuple(name) },
	{ weight: 3, arbitrary: fc.tuple(name, name) },
	{ weight: 1, arbitrary: fc.tuple(name, name, name) },
);
const path = fc
	.tuple(names, fc.nat(9))
	.map(([names, slash]) => names.join("/").replace(/^\/+/, "") + (slash === 9 ? "/" : ""));
const place = fc.record({ via: fc.nat(4), path, bytes: fc.boolean() });
const step: fc.Arbitrary<Step> = fc.record({
	act: fc.oneof(
		...Object.entries(acts).map(([act, { weight }]) => ({
			weight,
			arbitrary: fc.constant(act as Act),
		})),
	),
	place,
	other: place,
	target: fc.tuple(fc.nat(4), path).map(([root, path]) => (root === 4 ? `/${path}` : path)),
	flag: fc.boolean(),
});
const steps = fc.noBias(fc.array(step, { maxLength: MOST_STEPS, size: "max" }));

async function walk(form: keyof typeof bothForms, steps: readonly Step[]): Promise<void> {
	const directory = fs.mkdtempSync(join(tmpdir(), "fsx-names-"));
	try {
		await using world = await World.open(directory, form, traits);
		for (const [index, step] of steps.entries()) {
			await world.take(step);
			if (index % COMPARED_EVERY === 0) world.compare();
		}
		world.compare();
	} finally {
		fs.rmSync(directory, { recursive: true, force: true });
	}
}

/** Throws an account of the shortest steps that were found to fail, if any do. */
async function check(form: keyof typeof bothForms, seed: number): Promise<void> {
	let enough = Number.POSITIVE_INFINITY;
	const property = fc.asyncProperty(steps, async (steps) => {
		if (performance.now() > enough) return;
		try {
			await walk(form, steps);
		} catch (error) {
			enough = Math.min(enough, performance.now() + SHORTENING_MILLISECONDS);
			throw error;
		}
	});
	const numRuns = Math.ceil(operations / (MOST_STEPS / 2));
	const { failed, errorInstance } = await fc.check(property, { numRuns, seed });
	if (failed) throw errorInstance;
}

describe("names are what the model says", () => {
	const start = Number(FSX_MODEL_SEED ?? crypto.getRandomValues(new Int32Array(1))[0]);
	const again =
		`FSX_MODEL_SEED=${start} FSX_MODEL_OPERATIONS=${FSX_MODEL_OPERATIONS} ` +
		`TMPDIR=${tmpdir()} bun test names-model`;
	console.log(again);
	for (const [index, [title, form, options]] of ways.entries()) {
		const body = async () => {
			await stopEngine();
			configureEngine(options);
			try {
				await check(form, (start + index) | 0);
			} catch (error) {
				const account = error instanceof Error ? error.message : String(error);
				throw new Error(`${account}\nagain: ${again}`);
			} finally {
				await stopEngine();
				configureEngine({});
			}
		};
		onLinux("names that are bytes", test)(title, body, TIMEOUT_MILLISECONDS);
	}
});
