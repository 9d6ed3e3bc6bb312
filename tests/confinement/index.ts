/**
 * Attacks every function of the library that takes a name, for long: `npm run test:attack`. Options:
 * `--tries` of each act, a million if nothing is said, `--seconds` that it may take at most, `--form`
 * (sync or async), titles of acts.
 */
import { parseArgs } from "node:util";
import { configureEngine, stopEngine } from "../../src/index.ts";
import { type Act, type Form, groups } from "./acts.ts";
import { makeArena } from "./arena.ts";
import { attack, type Count, type Limit, trial } from "./trial.ts";

/** The lanes of promise forms get a part of the tries: what they do is the same. */
const ASYNC_PART = 50;

// Most tries end in an error, and what it costs to make one is mostly its stack.
Error.stackTraceLimit = 0;
const { values, positionals } = parseArgs({
	options: { tries: { type: "string" }, seconds: { type: "string" }, form: { type: "string" } },
	allowPositionals: true,
});
const limit: Limit = {
	tries: Number(values.tries ?? 1_000_000),
	seconds: Number(values.seconds ?? Number.POSITIVE_INFINITY),
};
const total = { tries: 0, fewest: Number.POSITIVE_INFINITY, flips: 0, failed: 0 };

function report(
	act: Act,
	how: string,
	{ tries, outcomes, flips, nanoseconds, faults }: Count,
): void {
	total.tries += tries;
	total.flips += flips;
	const micros = (nanoseconds / 1000 / tries).toFixed(1);
	const came = Object.entries(outcomes).map(([outcome, times]) => `${outcome} ${times}`);
	console.log(`${act.title}, ${how}: ${tries} x ${micros} us, ${flips} flips: ${came.join(", ")}`);
	// What always ends in the same way has not been in a race. Promise forms may have too few tries.
	const raced = flips > 0 || how !== "sync";
	const wrong = raced ? faults : [...faults, "nothing was swapped while it was tried"];
	for (const fault of wrong) console.log(`!! ${fault}`);
	if (wrong.length > 0) total.failed++;
	if (how === "sync") total.fewest = Math.min(total.fewest, tries);
}

async function run(form: Form, how: string, { tries, seconds }: Limit): Promise<void> {
	for (const group of groups) {
		const chosen = group.filter(({ title }) => !positionals.length || positionals.includes(title));
		if (chosen.length === 0) continue;
		using arena = makeArena();
		await using _ = await attack(arena, chosen[0]?.swaps ?? []);
		for (const act of chosen) report(act, how, await trial(arena, act, form, { tries, seconds }));
	}
}

if (values.form !== "async") await run("sync", "sync", limit);
for (const lane of ["immediate", "ring", "worker"] as const) {
	if (values.form === "sync") break;
	await stopEngine();
	configureEngine({ lanes: [lane] });
	const { tries, seconds } = limit;
	await run("async", lane, { tries: tries / ASYNC_PART, seconds: seconds / 10 });
}
const came = total.failed === 0 ? "no escape" : `${total.failed} acts failed`;
const fewest = values.form === "async" ? "" : `, at least ${total.fewest} of each in the sync form`;
console.log(`${total.tries} tries${fewest}; ${total.flips} flips; ${came}`);
process.exit(total.failed === 0 ? 0 : 1);
