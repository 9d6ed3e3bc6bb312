/**
 * Confined directories under attack: whoever swaps what is in them for ways out, no function reaches,
 * sees or makes anything outside. `npm run test:attack` does the same for longer.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { configureEngine, type EngineOptions, openDirSync, stopEngine } from "../src/index.ts";
import { type Act, type Form, functions, groups } from "./confinement/acts.ts";
import { type Arena, makeArena } from "./confinement/arena.ts";
import { type Swap, swapsOf } from "./confinement/swaps.ts";
import { attack, type Count, Tally, trial } from "./confinement/trial.ts";
import { onLinux } from "./forms.ts";
import { interpose } from "./interposed.ts";

const MINUTE = 60_000;

/** Names of exported functions, and of methods, that take a location, by what the sources say. */
function takingLocations(): string[] {
	const source = (file: string) => readFileSync(join(import.meta.dir, "../src", file), "utf8");
	const index = source("index.ts");
	const files = new Set([...index.matchAll(/from "\.\/(.*)"/g)].map(([, file]) => file ?? ""));
	const found = new Set<string>();
	for (const file of files) {
		const text = source(file);
		for (const [, name = "", rest = ""] of text.matchAll(
			/^export (?:async )?function\*? (\w+)([\s\S]*?)\): /gm,
		)) {
			if (takesLocation(rest) && name in functions.async) found.add(name);
		}
		for (const [, type, body = ""] of text.matchAll(
			/^export class (\w+)[\s\S]*?\{\n([\s\S]*?)^\}/gm,
		)) {
			for (const [, name = "", rest = ""] of body.matchAll(/^\t(\w+)\(([\s\S]*?)\): /gm)) {
				if (takesLocation(rest) && !name.endsWith("Sync")) found.add(`${type}.${name}`);
			}
		}
	}
	return [...found].sort();
}

const takesLocation = (parameters: string) => /: (readonly )?(Location|Target)\b/.test(parameters);

test("every function that takes a location is attacked", () => {
	const attacked = groups.flat().map(({ of }) => of);
	expect([...new Set(attacked)].sort()).toEqual(takingLocations());
});

const titleOf = ([first]: readonly Act[]) =>
	`${first?.swaps.join(" and ") || "no file"} swapped beside directories`;

/** An arena for the cases of the suite that this is called in. */
function arenaOfSuite(): () => Arena {
	let arena: Arena | undefined;
	afterAll(() => arena?.[Symbol.dispose]());
	return () => {
		arena ??= makeArena();
		return arena;
	};
}

/** Fails if anything outside was reached, or if nothing led there. */
function checkCount({ faults, outcomes }: Count): void {
	expect(faults).toEqual([]);
	expect(outcomes.EXDEV).toBeGreaterThan(0);
}

/** Makes swaps between the calls of acts. */
class Interleaving {
	private calls = 0;
	private plan: { swap: Swap; from: number; until: number } | undefined;
	private swapped = false;

	constructor(
		private readonly tally: Tally,
		private readonly form: Form,
	) {}

	/** With each swap before each of its calls, until it has ended, and for the time of one call. */
	async run(swaps: readonly Swap[]): Promise<void> {
		await using _ = await interpose((_name, _call, make) => {
			this.step(this.calls++);
			return make();
		});
		await this.try();
		const { calls } = this;
		for (let from = 0; from < calls; from++) {
			for (const swap of swaps) {
				for (const until of [Number.POSITIVE_INFINITY, from + 1]) {
					this.plan = { swap, from, until };
					await this.try();
				}
			}
		}
	}

	private step(call: number): void {
		const { plan } = this;
		if (call === plan?.from) {
			plan.swap.forth();
			this.swapped = true;
		} else if (call === plan?.until) {
			this.swapBack();
		}
	}

	private swapBack(): void {
		if (this.swapped) this.plan?.swap.back();
		this.swapped = false;
	}

	private async try(): Promise<void> {
		this.calls = 0;
		if (this.form === "sync") this.tally.trySync();
		else await this.tally.tryAsync();
		this.swapBack();
	}
}

/** The attacker makes calls of Linux. */
const attacks = onLinux("the attacker", describe);

for (const form of ["sync", "async"] as const) {
	attacks(`between the calls, ${form}`, () => {
		for (const group of groups) {
			describe(titleOf(group), () => {
				const arena = arenaOfSuite();
				for (const act of group) {
					test(
						act.title,
						async () => {
							using dir = openDirSync(arena().world, { beneath: true });
							const tally = new Tally(arena(), act, form, dir);
							const { root, foreign } = arena();
							await new Interleaving(tally, form).run(swapsOf(root, foreign, act.swaps));
							checkCount(tally.count(0));
						},
						MINUTE,
					);
				}
			});
		}
	});
}

/** How promise forms are made to go: the third is not asked for every act, as workers are slow. */
const ways: readonly [form: Form, options: EngineOptions, tries: number][] = [
	["sync", {}, 2000],
	["async", { lanes: ["immediate"] }, 320],
	["async", { lanes: ["ring"] }, 320],
	["async", { lanes: ["worker"] }, 320],
];

for (const [form, options, tries] of ways) {
	attacks(`at any moment, ${form} ${options.lanes ?? ""}`, () => {
		beforeAll(async () => {
			await stopEngine();
			configureEngine(options);
		});
		afterAll(async () => {
			await stopEngine();
			configureEngine({});
		});
		for (const group of groups) {
			test(
				titleOf(group),
				async () => {
					using arena = makeArena();
					await using _ = await attack(arena, group[0]?.swaps ?? []);
					let raced = 0;
					for (const act of group) {
						const count = await trial(arena, act, form, { tries, seconds: 20 });
						expect([act.title, count.faults]).toEqual([act.title, []]);
						raced += count.flips;
					}
					// It was a race, and not one swap at a time.
					expect(raced).toBeGreaterThan(0);
				},
				MINUTE,
			);
		}
	});
}
