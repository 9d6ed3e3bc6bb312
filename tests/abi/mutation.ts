/** Wrong entries, at random: a check that would not notice them checks nothing. */
import type { Claim } from "./claims.ts";
import type { Signature } from "./signatures.ts";

/** A generator of numbers from 0 to below `most`; its seed is printed, and can be given again. */
export type Random = (most: number) => number;

export function seeded(title: string): Random {
	let state = Number(process.env.FSX_SEED ?? Math.floor(Math.random() * 0x7fffffff)) || 1;
	console.log(`${title}: FSX_SEED=${state}`);
	return (most) => {
		// Lehmer's generator: each state follows from the last, exactly in a double.
		state = (state * 48_271) % 0x7fffffff;
		return state % most;
	};
}

/** The same entries, some of them wrong; `names` says which. */
export function mutated(random: Random, entries: readonly (Claim | Signature)[], count: number) {
	const chosen = new Set<number>();
	while (chosen.size < count) chosen.add(random(entries.length));
	const nameOf = (entry: Claim | Signature) => ("name" in entry ? entry.name : entry[0]);
	return {
		entries: entries.map((entry, index) => (chosen.has(index) ? wrong(random, entry) : entry)),
		names: entries
			.filter((_, index) => chosen.has(index))
			.map(nameOf)
			.sort(),
	};
}

function wrong(random: Random, entry: Claim | Signature): Claim | Signature {
	if ("name" in entry) {
		const { takes } = entry;
		// One parameter too many, or one of another kind.
		if (takes.length === 0 || random(2) === 0) return { ...entry, takes: [...takes, "pointer"] };
		const at = random(takes.length);
		return {
			...entry,
			takes: takes.map((kind, index) => (index !== at ? kind : kind === "u32" ? "u64" : "u32")),
		};
	}
	const [name, expression, value] = entry;
	return [name, expression, Number(value) + 1 + random(8)];
}
