/**
 * Claims about numbers in headers: constants, sizes and offsets. A compiler is asked to find each of
 * them wrong.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile } from "./compiler.ts";

/** One thing to check: a constant expression of C, and what it should be. */
export type Claim = readonly [name: string, expression: string, value: number | bigint];

/** Headers that go together, for one target. */
export interface Headers {
	readonly target: string;
	/** What a source begins with: definitions and includes. */
	readonly prologue: string;
	readonly flags?: readonly string[];
}

/** What the headers say: the claims that they contradict, and those that they know nothing of. */
export interface Verdict {
	readonly wrong: readonly string[];
	readonly unknown: readonly string[];
}

export function judge(headers: Headers, claims: readonly Claim[], scratch: string): Verdict {
	const { target, prologue, flags = [] } = headers;
	const before = `${prologue}\n`;
	const lines = claims.map(
		([, expression, value]) =>
			`_Static_assert((long long)(${expression}) == (long long)(${value}LL), "claim");\n`,
	);
	const source = join(scratch, "claims.c");
	writeFileSync(source, before + lines.join(""));
	const { succeeded, diagnostics } = compile(target, flags, source, scratch);
	const first = before.split("\n").length;
	const wrong = new Set<string>();
	const unknown = new Set<string>();
	for (const [, line, reason] of diagnostics.matchAll(/claims\.c:(\d+):\d+: error: (.*)/g)) {
		const name = claims[Number(line) - first]?.[0];
		if (name === undefined) throw new Error(diagnostics);
		(reason?.startsWith("static assertion failed") ? wrong : unknown).add(name);
	}
	if (!succeeded && wrong.size + unknown.size === 0) throw new Error(diagnostics);
	return { wrong: [...wrong], unknown: [...unknown] };
}

/** The claims of a layout: its size, and where its fields are. */
export function layoutClaims(
	name: string,
	layout: Readonly<Record<string, number>>,
	type: string,
	memberOf: (field: string) => string,
): Claim[] {
	return Object.entries(layout).map(([field, value]) =>
		field === "size"
			? [`${name}.size`, `sizeof(${type})`, value]
			: [`${name}.${field}`, `__builtin_offsetof(${type}, ${memberOf(field)})`, value],
	);
}
