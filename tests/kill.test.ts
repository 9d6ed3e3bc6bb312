/**
 * Processes killed in the middle of replacing files: what they were replacing is old or new, whole, and
 * what they leave is cleared away by whoever comes next, who takes nothing from those that live.
 */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { skipped } from "./forms.ts";
import { build, checkWhole, place, runOnce, temporaries } from "./kill-stage.ts";

/** In all, on the filesystems together; `FSX_KILLS` asks for more. */
const KILLS = Number(process.env.FSX_KILLS ?? 40);
const MINUTES = 60_000;

const program = join(import.meta.dir, "fixtures/kill-loop.ts");
/** What they do. Promise forms need not copy trees as well: a worker does that as a sync form would. */
const functions = { sync: ["writeFile", "copyFile", "copyTree"], async: ["writeFile", "copyFile"] };

/** Starts a process that waits to be told to begin. */
async function start(directory: string, form: keyof typeof functions) {
	const folders = ["stage", "rehearsal"].map((name) => join(directory, name));
	const child = Bun.spawn([process.execPath, program, ...folders, form, ...functions[form]], {
		stdin: "pipe",
		stdout: "pipe",
		stderr: "inherit",
	});
	const output = child.stdout.getReader();
	const { value } = await output.read();
	expect(Buffer.from(value ?? []).toString()).toBe("ready\n");
	return {
		go() {
			child.stdin.write("go\n");
			child.stdin.flush();
		},
		/** Kills it, and fails if it had ended before. */
		async kill(): Promise<void> {
			child.kill("SIGKILL");
			await child.exited;
			if (child.signalCode === "SIGKILL") return;
			const { value } = await output.read();
			throw new Error(`it was not killed, but ended: ${Buffer.from(value ?? []).toString()}`);
		},
	};
}

/** Kills pairs of processes that work on the same files, and gives how many pairs left something. */
async function killPairs(directory: string, pairs: number): Promise<number> {
	const stage = join(directory, "stage");
	const pair = () => Promise.all([start(directory, "sync"), start(directory, "async")]);
	let next = pair();
	let left = 0;
	for (let killed = 1; killed <= pairs; killed++) {
		const children = await next;
		// Starting takes longer than all the rest.
		if (killed < pairs) next = pair();
		for (const child of children) child.go();
		await Bun.sleep(Math.random() * 10);
		for (const child of children) await child.kill();
		checkWhole(stage);
		if (temporaries(stage).length > 0) left++;
		runOnce(stage);
		checkWhole(stage);
		expect(temporaries(stage)).toEqual([]);
	}
	return left;
}

/** Kills processes beside one that lives on, which must not notice, and then that one too. */
async function killBeside(directory: string, kills: number): Promise<void> {
	const stage = join(directory, "stage");
	const survivor = await start(directory, "sync");
	survivor.go();
	for (let killed = 1; killed < kills; killed++) {
		const child = await start(directory, "async");
		child.go();
		await Bun.sleep(Math.random() * 10);
		await child.kill();
		checkWhole(stage);
	}
	await survivor.kill();
	runOnce(stage);
	expect(temporaries(stage)).toEqual([]);
}

describe("at a moment that nobody knows", () => {
	for (const [name, share] of [
		["memory", 0.7],
		["ext4", 0.1],
		["xfs", 0.1],
		["btrfs", 0.1],
	] as const) {
		// The one that lives takes much of a processor.
		const beside = Math.ceil((KILLS * share) / 10);
		const pairs = Math.ceil((KILLS * share - beside) / 2);
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
				const left = await killPairs(at.directory, pairs);
				await killBeside(at.directory, beside);
				console.log(`${left} of ${pairs} pairs left something`);
			},
			10 * MINUTES,
		);
	}
});
