/** `bun run bench [subjects…]`: measures, prints a table and writes bench/results/. */
import { mkdirSync, writeFileSync } from "node:fs";
import { machine, measure, type Outcome, type Subject } from "./harness.ts";

const subjects: Readonly<Record<string, () => Promise<{ subject: Subject }>>> = {
	metadata: () => import("./metadata.ts"),
	file: () => import("./file.ts"),
	copy: () => import("./copy.ts"),
	tree: () => import("./tree.ts"),
	import: () => import("./import.ts"),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in subjects));
if (unknown.length > 0) {
	console.error(
		`bench: unknown: ${unknown.join(", ")}; known: ${Object.keys(subjects).join(", ")}`,
	);
	process.exit(2);
}

const about = machine();
console.log(Object.values(about).join(", "));
const outcomes: Record<string, Outcome[]> = {};
for (const [name, load] of Object.entries(subjects)) {
	if (wanted.length > 0 && !wanted.includes(name)) continue;
	console.log(`\n${name}`);
	const { subject } = await load();
	outcomes[name] = await measure(subject, (outcome) => {
		for (const line of lines(outcome)) console.log(line);
	});
}
write();

/** One line for each rival, or one for a case that has none. */
function lines({ case: title, ours, rivals, ratios, targets }: Outcome): string[] {
	const own = `  ${title.padEnd(42)}${time(ours.median).padStart(10)}`;
	const compared = Object.entries(rivals).map(([rival, { median }]) => {
		const goal = targets.find((target) => "ratio" in target && target.rival === rival);
		const verdict =
			goal !== undefined && "ratio" in goal
				? `   target ${goal.ratio}x: ${goal.met ? "met" : "missed"}`
				: "";
		const ratio = `${(ratios[rival] ?? Number.NaN).toFixed(2)}x`;
		return `${own}${ratio.padStart(9)}  ${rival.padEnd(22)}${time(median).padStart(10)}${verdict}`;
	});
	const alone = targets.flatMap((target) =>
		"milliseconds" in target
			? [`${own}   target < ${target.milliseconds} ms: ${target.met ? "met" : "missed"}`]
			: [],
	);
	return compared.length + alone.length > 0 ? [...compared, ...alone] : [own];
}

function time(nanoseconds: number): string {
	if (nanoseconds < 1e4) return `${nanoseconds.toFixed(0)} ns`;
	if (nanoseconds < 1e7) return `${(nanoseconds / 1e3).toFixed(1)} us`;
	return `${(nanoseconds / 1e6).toFixed(1)} ms`;
}

function write(): void {
	const folder = new URL("results/", import.meta.url);
	mkdirSync(folder, { recursive: true });
	const when = new Date().toISOString();
	const file = new URL(`${when.replaceAll(":", "-")}.json`, folder);
	writeFileSync(file, `${JSON.stringify({ when, machine: about, outcomes }, undefined, "\t")}\n`);
	console.log(`\nwritten to ${Bun.fileURLToPath(file)}`);
}
