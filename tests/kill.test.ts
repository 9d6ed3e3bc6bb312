/**
 * Processes killed in the middle of replacing files: what they were replacing is old or new, whole, and
 * what they leave is cleared away by whoever comes next, who takes nothing from those that live.
 */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { notUnderWine, skipped } from "./forms.ts";
import {
	awaitUnlocked,
	build,
	Crew,
	checkWhole,
	type Loop,
	place,
	type Replacing,
	runOnce,
	temporaries,
} from "./kill-stage.ts";

/** In all, on the filesystems together; `FSX_KILLS` asks for more. */
const KILLS = Number(process.env.FSX_KILLS ?? 40);
const MINUTES = 60_000;

/** What they do. Promise forms need not copy trees as well: a worker does that as a sync form would. */
const functions = {
	sync: ["writeFile", "copyFile", "copyTree"],
	async: ["writeFile", "copyFile"],
} as const;
/** Long enough for some rounds, in milliseconds, and short enough to be in the first. */
const LONGEST_LIFE = 20;

const start = (crew: Crew, directory: string, form: keyof typeof functions) =>
	crew.start(join(directory, "stage"), join(directory, "rehearsal"), form, ...functions[form]);

/** How many were killed in the middle of each function. */
type Tally = Partial<Record<Replacing, number>>;

/** Lets a process work for a moment, and kills it. */
async function killSoon(loops: readonly Loop[], tally: Tally): Promise<void> {
	await Promise.all(loops.map((loop) => loop.go()));
	await Bun.sleep(Math.random() * LONGEST_LIFE);
	for (const loop of loops) {
		await using killed = loop;
		const act = await killed.kill();
		tally[act] = (tally[act] ?? 0) + 1;
	}
}

/** Kills pairs of processes that work on the same files, and gives how many pairs left something. */
async function killPairs(directory: string, pairs: number, tally: Tally): Promise<number> {
	const stage = join(directory, "stage");
	await using crew = new Crew();
	const pair = () => [start(crew, directory, "sync"), start(crew, directory, "async")];
	let next = pair();
	let left = 0;
	for (let killed = 1; killed <= pairs; killed++) {
		const loops = await Promise.all(next);
		// Starting takes longer than all the rest.
		if (killed < pairs) next = pair();
		await killSoon(loops, tally);
		checkWhole(stage);
		if (temporaries(stage).length > 0) left++;
		awaitUnlocked(stage);
		runOnce(stage);
		checkWhole(stage);
		expect(temporaries(stage)).toEqual([]);
	}
	return left;
}

/** Kills processes beside one that lives on, which must not notice, and then that one too. */
async function killBeside(
	directory: string,
	kills: number,
	tally: Tally,
	looks: number,
): Promise<void> {
	const stage = join(directory, "stage");
	await using crew = new Crew();
	const survivor = await start(crew, directory, "sync");
	await survivor.go();
	for (let killed = 1; killed < kills; killed++) {
		await killSoon([await start(crew, directory, "async")], tally);
		checkWhole(stage, looks);
	}
	const act = await survivor.kill();
	tally[act] = (tally[act] ?? 0) + 1;
	awaitUnlocked(stage);
	runOnce(stage);
	expect(temporaries(stage)).toEqual([]);
}

notUnderWine("renaming over a file that others replace", describe)(
	"at a moment that nobody knows",
	() => {
		for (const [name, share] of [
			["memory", 0.5],
			["ext4", 0.1],
			["xfs", 0.1],
			["btrfs", 0.1],
			// Files cannot be made without a name there, and others may not see its locks.
			["bindfs", 0.2],
		] as const) {
			// The one that lives takes much of a processor.
			const beside = Math.ceil((KILLS * share) / 10);
			const pairs = Math.ceil((KILLS * share - beside) / 2);
			// A server that opens files by their names finds none where one is replaced meanwhile.
			const looks = name === "bindfs" ? 100 : 1;
			const title = `${pairs * 2 + beside} processes: ${name}`;
			if (name !== "memory" && process.getuid?.() !== 0) {
				skipped(title, "mounting needs root");
				continue;
			}
			test(
				title,
				async () => {
					using at = place(name);
					for (const folder of ["stage", "rehearsal"]) build(join(at.directory, folder));
					const tally: Tally = {};
					const left = await killPairs(at.directory, pairs, tally);
					await killBeside(at.directory, beside, tally, looks);
					const killed = Object.entries(tally).map(([act, times]) => `${times} in ${act}`);
					console.log(`killed: ${killed.join(", ")}; ${left} of ${pairs} pairs left something`);
					const { writeFile = 0, copyFile = 0, copyTree = 0 } = tally;
					expect(writeFile + copyFile + copyTree).toBe(pairs * 2 + beside);
					// Of few, all may happen to be in the middle of something else.
					if (pairs > 10) expect([copyFile > 0, copyTree > 0]).toEqual([true, true]);
				},
				10 * MINUTES,
			);
		}
	},
);
