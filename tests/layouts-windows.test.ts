/**
 * The tables of the Windows part against mingw's headers, for both architectures, on any system that
 * has the cross compiler; and what those lack against what is documented.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Claim, judge, type Verdict } from "./abi/claims.ts";
import { NO_ZIG, zig } from "./abi/compiler.ts";
import { mutated, seeded } from "./abi/mutation.ts";
import { judgeSignatures, type Signature } from "./abi/signatures.ts";
import { claims, headersOf, signatures, targets } from "./abi/windows.ts";
import * as documented from "./abi/windows-documented.ts";
import { skipped } from "./forms.ts";

let scratch: string;
beforeAll(() => {
	scratch = mkdtempSync(join(tmpdir(), "fsx-abi-"));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What some headers contradict, and what none of them knows. */
function together(verdicts: readonly Verdict[]): Verdict {
	const wrong = new Set(verdicts.flatMap((verdict) => verdict.wrong));
	const [first, ...others] = verdicts;
	const unknown = first?.unknown.filter((name) =>
		others.every((verdict) => verdict.unknown.includes(name)),
	);
	return { wrong: [...wrong], unknown: unknown ?? [] };
}

function wrongNumbers(target: string, all: readonly Claim[]): string[] {
	const verdict = together(headersOf(target).map((headers) => judge(headers, all, scratch)));
	const values = new Map(all.map(([name, , value]) => [name, value]));
	const others = verdict.unknown.filter((name) => values.get(name) !== documented.numbers[name]);
	return [...verdict.wrong, ...others].sort();
}

function wrongSignatures(target: string, all: readonly Signature[]): string[] {
	const judged = headersOf(target).map((headers) => judgeSignatures(headers, all, scratch));
	const verdict = together(judged);
	const isAsDocumented = ({ name, gives, takes }: Signature) =>
		Bun.deepEquals(documented.prototypes[name], [gives, ...takes]);
	const others = all.filter((one) => verdict.unknown.includes(one.name) && !isAsDocumented(one));
	return [...verdict.wrong, ...others.map(({ name }) => name)].sort();
}

const MUTATIONS = 20;

if (zig === undefined) {
	skipped("the tables of the Windows part against its headers", NO_ZIG);
} else {
	describe.each(targets)("for %s", (target) => {
		test("numbers, offsets and sizes are those of the headers", () => {
			expect(wrongNumbers(target, claims())).toEqual([]);
		}, 60_000);

		test("functions take and give what the headers say", () => {
			expect(wrongSignatures(target, signatures())).toEqual([]);
		}, 60_000);

		test(`${MUTATIONS} wrong entries are each named, and no other`, () => {
			const random = seeded(`wrong entries for ${target}`);
			const all = mutated(random, [...claims(), ...signatures()], MUTATIONS);
			const isClaim = (one: Claim | Signature): one is Claim => Array.isArray(one);
			const isSignature = (one: Claim | Signature): one is Signature => !isClaim(one);
			const found = [
				...wrongNumbers(target, all.entries.filter(isClaim)),
				...wrongSignatures(target, all.entries.filter(isSignature)),
			];
			expect(found.sort()).toEqual(all.names);
		}, 60_000);
	});
}
