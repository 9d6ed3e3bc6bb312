/**
 * What killed processes leave, call by call, and what becomes of it: the next one clears it away, and
 * nothing else.
 */
import { describe, expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { copyTreeSync, writeFileSync } from "../src/index.ts";
import {
	checkNames,
	checkSubject,
	makeSources,
	refusal,
	restore,
	type Scenario,
	scenarios,
	seen,
	subjectOf,
} from "./fault-scenarios.ts";
import { bothForms, type Given, onLinux } from "./forms.ts";
import { type CallName, interpose } from "./interposed.ts";
import { build, checkWhole, place, runOnce, temporaries } from "./kill-stage.ts";

const MINUTE = 60_000;
const asRoot = process.getuid?.() === 0;
const program = join(import.meta.dir, "fixtures/kill-at.ts");

/** Runs a scenario in a process that is killed in place of one of its calls. */
async function killAt(directory: string, title: string, step: number): Promise<void> {
	const args = [program, directory, title, String(step)];
	const child = Bun.spawn([process.execPath, ...args], { stdio: ["ignore", "ignore", "inherit"] });
	await child.exited;
	expect([step, child.signalCode]).toEqual([step, "SIGKILL"]);
}

/** Calls that give names, or take them away. */
const naming = new Set<CallName>(["linkat", "symlinkat", "renameat2", "unlinkat"]);

/** The calls of a scenario, and what it makes. */
async function rehearse(given: Given, scenario: Scenario) {
	restore(given, scenario, undefined);
	let calls = 0;
	await using _ = await interpose((name, call, make) => {
		calls++;
		return refusal(scenario, name, call) ?? make();
	});
	await act(given, scenario);
	return { calls, whole: seen(subjectOf(given, scenario)) };
}

const act = ({ fsx, path }: Given, { act, source }: Scenario) => act(fsx, path(source), path("to"));

/** The same on a system that lacks what the scenario says. */
async function actAgain(given: Given, scenario: Scenario): Promise<void> {
	await using _ = await interpose((name, call, make) => refusal(scenario, name, call) ?? make());
	await act(given, scenario);
}

// Windows has no files without a name, and so none that is given one to be moved away from.
onLinux("its calls, and files without names", describe)("killed before each call", () => {
	for (const title of [
		"copy to a new name",
		"copy over a file",
		"copy through a link",
		"write over a file",
		"write to a new name",
		"copy over a file, without nameless files",
		"copy to a new name, without nameless files",
		"write over a file, without nameless files",
	]) {
		const scenario = scenarios.find((one) => one.title === title);
		if (scenario === undefined) throw new Error(`no scenario is called ${title}`);
		test(
			title,
			async () => {
				using at = place("memory");
				const path = (name: string) => join(at.directory, name);
				const given = { ...at, path, fsx: bothForms.sync, form: "sync" } as const;
				makeSources(given);
				const { calls, whole } = await rehearse(given, scenario);
				for (let step = 0; step < calls; step++) {
					const before = restore(given, scenario, undefined);
					await killAt(at.directory, title, step);
					const state = { before, whole, notPreserved: [] };
					const what = `killed in place of call ${step}`;
					checkSubject(given, scenario, what, { ...state, done: false });
					await actAgain(given, scenario);
					checkSubject(given, scenario, what, { ...state, done: true });
					checkNames(given, scenario, what);
				}
			},
			MINUTE,
		);
	}

	test(
		"copyTree over a tree with links",
		async () => {
			using at = place("memory");
			const directory = join(at.directory, "stage");
			build(directory);
			const calls: CallName[] = [];
			{
				await using _ = await interpose((name, _call, make) => {
					calls.push(name);
					return make();
				});
				copyTreeSync(join(directory, "tree-1"), join(directory, "tree"), { preserve: "all" });
			}
			let left = 0;
			for (const step of calls.keys()) {
				// Only what has names is seen from outside.
				if (!naming.has(calls[step - 1] as CallName)) continue;
				runOnce(directory, "tree-1");
				await killAt(directory, "tree", step);
				checkWhole(directory);
				if (temporaries(directory).length > 0) left++;
				runOnce(directory);
				checkWhole(directory);
				expect([step, temporaries(directory)]).toEqual([step, []]);
			}
			expect(left).toBeGreaterThan(5);
		},
		MINUTE,
	);
});

/** What a process does that is killed while somebody else is at work on the same file. */
onLinux("its calls, and flock", test)(
	"killed before each call while others have the name, or work beside it",
	async () => {
		const title = "write over a file";
		for (const nameless of [true, false]) {
			const named = nameless ? title : `${title}, without nameless files`;
			const scenario = scenarios.find((one) => one.title === named);
			if (scenario === undefined) throw new Error(`no scenario is called ${named}`);
			using at = place("memory");
			const path = (name: string) => join(at.directory, name);
			const given = { ...at, path, fsx: bothForms.sync, form: "sync" } as const;
			makeSources(given);
			const prefix = path(`.fsx-${crc32("to").toString(16).padStart(8, "0")}`);
			const taken = `${prefix}${nameless ? "" : `-${process.geteuid?.()}`}.tmp`;
			const lock = nameless ? "-x" : "-s";
			for (let [step, left] = [0, true]; left; step++) {
				restore(given, scenario, undefined);
				fs.writeFileSync(taken, "");
				const holder = Bun.spawn(["flock", lock, taken, "sh", "-c", "echo locked; read _"], {
					stdin: "pipe",
					stdout: "pipe",
				});
				await holder.stdout.getReader().read();
				const args = [program, at.directory, named, String(step)];
				const child = Bun.spawn([process.execPath, ...args], { stderr: "inherit" });
				await child.exited;
				left = child.signalCode === "SIGKILL";
				expect(fs.existsSync(taken)).toBe(true);
				holder.stdin.end();
				await holder.exited;
				await actAgain(given, scenario);
				checkNames(given, scenario, `${named}: killed in place of call ${step}`);
				// The last one was not killed: then it has done all that it does.
				if (!left) expect(step).toBeGreaterThan(10);
			}
		}
	},
	MINUTE,
);

onLinux("its calls", test)("two that make the same link at once leave one", async () => {
	using at = place("memory");
	const directory = join(at.directory, "stage");
	build(directory);
	const name = (path: string) => join(directory, path);
	let raced = 0;
	await using _ = await interpose((call, _call, make) => {
		const beside = temporaries(directory).some((path) => path.includes("tree/sub/.fsx-"));
		if (call === "renameat2" && beside && fs.existsSync(name("tree/sub/same"))) {
			// Renaming one name of a file to another does nothing at all.
			fs.rmSync(name("tree/sub/same"));
			fs.linkSync(name("tree/file"), name("tree/sub/same"));
			raced++;
		}
		return make();
	});
	copyTreeSync(name("tree-0"), name("tree"));
	expect(raced).toBeGreaterThan(0);
	checkWhole(directory);
	expect(temporaries(directory)).toEqual([]);
});

/** What may have the name under which a file is made, and whether it is taken away. */
const squatters: [what: string, make: (path: string) => unknown, cleared: boolean][] = [
	["a file that a killed process left", (path) => fs.writeFileSync(path, "left"), true],
	["a file that nobody may read", (path) => fs.writeFileSync(path, "left", { mode: 0 }), asRoot],
	["a link", (path) => fs.symlinkSync("/etc/hostname", path), false],
	["a directory", (path) => fs.mkdirSync(path), false],
	["a fifo", (path) => Bun.spawnSync(["mkfifo", path]), false],
];

onLinux("files without names", test)(
	"only what was left by one that was killed is cleared away",
	() => {
		using at = place("memory");
		for (const [what, make, cleared] of squatters) {
			const file = join(at.directory, what);
			const squatter = join(at.directory, `.fsx-${crc32(what).toString(16).padStart(8, "0")}.tmp`);
			fs.writeFileSync(file, "old");
			make(squatter);
			const before = fs.lstatSync(squatter).ino;
			writeFileSync(file, "new", { atomic: true });
			expect([what, fs.readFileSync(file, "utf8")]).toEqual([what, "new"]);
			const after = fs.lstatSync(squatter, { throwIfNoEntry: false })?.ino;
			expect([what, after]).toEqual([what, cleared ? undefined : before]);
		}
	},
);

onLinux("files without names", test)(
	"a file that somebody holds locked is left to them",
	async () => {
		using at = place("memory");
		const file = join(at.directory, "file");
		const taken = join(at.directory, `.fsx-${crc32("file").toString(16).padStart(8, "0")}.tmp`);
		fs.writeFileSync(file, "old");
		fs.writeFileSync(taken, "in use");
		const holder = Bun.spawn(["flock", taken, "sh", "-c", "echo locked; read _"], {
			stdin: "pipe",
			stdout: "pipe",
		});
		await holder.stdout.getReader().read();
		writeFileSync(file, "new", { atomic: true });
		expect(fs.readFileSync(file, "utf8")).toBe("new");
		expect(fs.readdirSync(at.directory).length).toBe(2);
		holder.stdin.end();
		await holder.exited;
		writeFileSync(file, "newer", { atomic: true });
		expect(fs.readdirSync(at.directory)).toEqual(["file"]);
	},
);
