/** The tables of one system against its headers, for each architecture: the tests of all systems. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { skipped } from "../forms.ts";
import { type Claim, type Headers, judge, type Verdict } from "./claims.ts";
import { NO_ZIG, zig } from "./compiler.ts";
import { mutated, seeded } from "./mutation.ts";
import { judgeSignatures, type Kind, type Signature } from "./signatures.ts";

/** What headers lack, as documentation has it. */
export interface Documented {
	readonly numbers: Readonly<Record<string, number>>;
	readonly prototypes: Readonly<Record<string, readonly [gives: Kind, ...takes: Kind[]]>>;
}

/** What a system's tables claim, and what they are held against. */
export interface Tables {
	readonly system: string;
	readonly targets: readonly string[];
	/** Headers that do not all go together; each is asked, and one that knows is enough. */
	headersOf(target: string): readonly Headers[];
	claims(): Claim[];
	signatures(): Signature[];
	readonly documented: Documented;
}

const MUTATIONS = 20;
const MILLISECONDS = 60_000;

/** What some headers contradict, and what none of them knows. */
function together(verdicts: readonly Verdict[]): Verdict {
	const wrong = new Set(verdicts.flatMap((verdict) => verdict.wrong));
	const [first, ...others] = verdicts;
	const unknown = first?.unknown.filter((name) =>
		others.every((verdict) => verdict.unknown.includes(name)),
	);
	return { wrong: [...wrong], unknown: unknown ?? [] };
}

function scratchDirectory(): Disposable & { readonly path: string } {
	const path = mkdtempSync(join(tmpdir(), "fsx-abi-"));
	return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

function wrongNumbers({ headersOf, documented }: Tables, target: string, all: readonly Claim[]) {
	using scratch = scratchDirectory();
	const verdict = together(headersOf(target).map((headers) => judge(headers, all, scratch.path)));
	const values = new Map(all.map(([name, , value]) => [name, value]));
	const others = verdict.unknown.filter((name) => values.get(name) !== documented.numbers[name]);
	return [...verdict.wrong, ...others].sort();
}

function wrongSignatures(
	{ headersOf, documented }: Tables,
	target: string,
	all: readonly Signature[],
) {
	using scratch = scratchDirectory();
	const judged = headersOf(target).map((headers) => judgeSignatures(headers, all, scratch.path));
	const verdict = together(judged);
	const isAsDocumented = ({ name, gives, takes }: Signature) =>
		Bun.deepEquals(documented.prototypes[name], [gives, ...takes]);
	const others = all.filter((one) => verdict.unknown.includes(one.name) && !isAsDocumented(one));
	return [...verdict.wrong, ...others.map(({ name }) => name)].sort();
}

/** Declares the tests, where there is a cross compiler. */
export function describeTables(tables: Tables): void {
	const { system, targets, claims, signatures } = tables;
	if (zig === undefined) {
		skipped(`the tables of the ${system} part against its headers`, NO_ZIG);
		return;
	}
	describe.each(targets)("for %s", (target) => {
		test(
			"numbers, offsets and sizes are those of the headers",
			() => {
				expect(wrongNumbers(tables, target, claims())).toEqual([]);
			},
			MILLISECONDS,
		);

		test(
			"functions take and give what the headers say",
			() => {
				expect(wrongSignatures(tables, target, signatures())).toEqual([]);
			},
			MILLISECONDS,
		);

		test(
			`${MUTATIONS} wrong entries are each named, and no other`,
			() => {
				const random = seeded(`wrong entries for ${target}`);
				const all = mutated(random, [...claims(), ...signatures()], MUTATIONS);
				const isClaim = (one: Claim | Signature): one is Claim => Array.isArray(one);
				const isSignature = (one: Claim | Signature): one is Signature => !isClaim(one);
				const found = [
					...wrongNumbers(tables, target, all.entries.filter(isClaim)),
					...wrongSignatures(tables, target, all.entries.filter(isSignature)),
				];
				expect(found.sort()).toEqual(all.names);
			},
			MILLISECONDS,
		);
	});
}
