/** One operation of a walk: what it is, what must come of it, and how it is carried out. */
import * as library from "../../src/index.ts";
import type { Forms } from "../forms.ts";
import type { Abilities } from "./abilities.ts";
import type { Content } from "./content.ts";
import type { Random } from "./random.ts";
import type { Real } from "./real.ts";

export type Form = "sync" | "promise";

/** One of the two files. */
export type Which = 0 | 1;

/** Both files as they must be, and what their filesystem can do. */
export interface Model {
	readonly files: readonly [Content, Content];
	readonly abilities: Abilities;
}

/** An error with this code, or a value that this check accepts by not throwing. */
export type Expectation = { readonly code: string } | { readonly check: (value: unknown) => void };

/**
 * A step knows its own numbers and nothing of how it came to be, so that it can be taken again
 * where others before it are left out.
 */
export interface Step {
	readonly text: string;
	/** Brings the model to where the file must be after the step, and says what the step must give. */
	expect(model: Model): Expectation;
	/** Carries it out; a promise in that form. */
	perform(real: Real): unknown;
	/** The file that is another one, under the same name, if it succeeds. */
	readonly replaces?: Which;
}

/** What makes steps of one kind. */
export type Maker = (random: Random, model: Model) => Step;

/** A maker, and how often it is to be asked beside others. */
export type Weighted = readonly [weight: number, Maker];

/** What was observed is not what the model says. */
export class Divergence extends Error {}

/** The value must be this one. */
export function returns(expected: unknown): Expectation {
	return {
		check(value) {
			if (value === expected) return;
			throw new Divergence(`gave ${Bun.inspect(value)} instead of ${Bun.inspect(expected)}`);
		},
	};
}

/** What came of a step. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** Carries a step out; what comes of it is no failure yet. */
export function attempt(step: Step, real: Real): Outcome | Promise<Outcome> {
	try {
		const value = step.perform(real);
		if (!(value instanceof Promise)) return { value };
		return value.then(
			(value) => ({ value }),
			(error) => ({ error }),
		);
	} catch (error) {
		return { error };
	}
}

/** Throws unless what came of a step is what was expected. */
export function judge(expected: Expectation, outcome: Outcome): void {
	if ("check" in expected) {
		if ("error" in outcome) throw outcome.error;
		expected.check(outcome.value);
		return;
	}
	const { code } = expected;
	if ("value" in outcome) throw new Divergence(`succeeded, where ${code} was expected`);
	const { error } = outcome;
	if (error instanceof library.FsError && error.code === code) return;
	throw new Divergence(`failed with ${error}, where ${code} was expected`);
}

type MaybePromise<F> = F extends (...args: never[]) => Promise<infer R> ? R | Promise<R> : never;

const functions = library as unknown as Record<string, (...args: unknown[]) => unknown>;

/** Calls a function of the library in one of its forms. */
export function call<K extends keyof Forms>(
	form: Form,
	name: K,
	...args: Parameters<Forms[K]>
): MaybePromise<Forms[K]> {
	const run = functions[form === "sync" ? `${name}Sync` : name];
	if (run === undefined) throw new Error(`there is no ${name} in the form ${form}`);
	return run(...args) as MaybePromise<Forms[K]>;
}

type File = library.File;
type Method = Extract<
	{ [K in keyof File]: `${K & string}Sync` extends keyof File ? K : never }[keyof File],
	string
>;

/** Calls a method of an open file in one of its forms. */
export function method<K extends Method>(
	form: Form,
	file: File,
	name: K,
	...args: Parameters<File[K]>
): MaybePromise<File[K]> {
	const methods = file as unknown as Record<string, (...args: unknown[]) => unknown>;
	return methods[form === "sync" ? `${name}Sync` : name]?.(...args) as MaybePromise<File[K]>;
}

/** What follows when it is there: at once if it is there already. */
export function after<T, R>(value: T | Promise<T>, then: (value: T) => R): R | Promise<R> {
	return value instanceof Promise ? value.then(then) : then(value);
}
