/**
 * What killed processes leave, call by call, and what becomes of it: the next one clears it away, and
 * nothing else.
 */
import { describe, expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { copyTreeSync, writeFileSync } from "../src/index.ts";
import { nr } from "../src/sys/linux/calls.ts";
import { LOCK_SH } from "../src/sys/linux/layouts.ts";
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

/** Runs a scenario in a process that is killed in place of one of its calls; false if it has fewer. */
async function killAt(directory: string, title: string, step: number): Promise<boolean> {
	const args = [program, directory, title, String(step)];
	const child = Bun.spawn([process.execPath, ...args], { stdio: ["ignore", "ignore", "inherit"] });
	await child.exited;
	return child.signalCode === "SIGKILL";
}

/** Calls that give names, or take them away. */
const naming = new Set<CallName>(["linkat", "symlinkat", "renameat2", "unlinkat"]);

/** What the names of what is on its way to a place begin with. */
const prefixOf = (name: string) => `.fsx-${crc32(name).toString(16).padStart(8, "0")}`;
/** What all have locked who are at work on the destination of a scenario under names of their own. */
const lockFile = `${prefixOf("to")}-${process.geteuid?.()}.tmp`;
/** What is listed before the locked file and after it, in whichever order that is. */
const leftInOrder = ["old.tmp", "tmp", "new.tmp"].map((end) => lockFile.replace(/tmp$/, end));

/** Replaces a file by one without a name, and by one that has a name of its own. */
const bothWays = ["write over a file", "write over a file, without nameless files"] as const;

function scenarioOf(title: string): Scenario {
	const scenario = scenarios.find((one) => one.title === title);
	if (scenario === undefined) throw new Error(`no scenario is called ${title}`);
	return scenario;
}

function stageFor() {
	const at = place("memory");
	const path = (name: string) => join(at.directory, name);
	const given = { ...at, path, fsx: bothForms.sync, form: "sync" } as const;
	makeSources(given);
	return given;
}

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
		test(
			title,
			async () => {
				using given = stageFor();
				const scenario = scenarioOf(title);
				const { calls, whole } = await rehearse(given, scenario);
				for (let step = 0; step < calls; step++) {
					const before = restore(given, scenario, undefined);
					expect([step, await killAt(given.directory, title, step)]).toEqual([step, true]);
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
				expect([step, await killAt(directory, "tree", step)]).toEqual([step, true]);
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
		for (const title of bothWays) {
			using given = stageFor();
			const scenario = scenarioOf(title);
			const nameless = title === bothWays[0];
			const taken = given.path(nameless ? `${prefixOf("to")}.tmp` : lockFile);
			const lock = nameless ? "-x" : "-s";
			for (let [step, left] = [0, true]; left; step++) {
				restore(given, scenario, undefined);
				fs.writeFileSync(taken, "");
				const holder = Bun.spawn(["flock", lock, taken, "sh", "-c", "echo locked; read _"], {
					stdin: "pipe",
					stdout: "pipe",
				});
				await holder.stdout.getReader().read();
				left = await killAt(given.directory, title, step);
				expect(fs.existsSync(taken)).toBe(true);
				holder.stdin.end();
				await holder.exited;
				await actAgain(given, scenario);
				checkNames(given, scenario, `${title}: killed in place of call ${step}`);
				// The last one was not killed: then it has done all that it does.
				if (!left) expect(step).toBeGreaterThan(10);
			}
		}
	},
	MINUTE,
);

onLinux("its calls", test)(
	"killed before each call while it clears away what others left",
	async () => {
		for (const title of bothWays) {
			using given = stageFor();
			const scenario = scenarioOf(title);
			for (let [step, left] = [0, true]; left; step++) {
				restore(given, scenario, undefined);
				for (const name of leftInOrder) fs.writeFileSync(given.path(name), "");
				left = await killAt(given.directory, title, step);
				await actAgain(given, scenario);
				checkNames(given, scenario, `${title}: killed in place of call ${step}`);
				if (!left) expect(step).toBeGreaterThan(10);
			}
		}
	},
	MINUTE,
);

onLinux("its calls, and flock", test)(
	"who clears away takes no locked file of those that come meanwhile",
	async () => {
		for (const title of bothWays) {
			using given = stageFor();
			const scenario = scenarioOf(title);
			restore(given, scenario, undefined);
			for (const name of leftInOrder) fs.writeFileSync(given.path(name), "");
			const locked = given.path(lockFile);
			let theirs: number | undefined;
			{
				await using _ = await interpose((name, call, make) => {
					const before = fs.existsSync(locked);
					const result = refusal(scenario, name, call) ?? make();
					if (theirs === undefined && before && !fs.existsSync(locked)) {
						theirs = fs.openSync(locked, "wx+");
						expect(make({ fn: nr.flock, a: theirs, b: LOCK_SH })).toBe(0);
					}
					return result;
				});
				await act(given, scenario);
			}
			if (theirs === undefined) throw new Error("nothing was cleared away");
			expect([title, fs.fstatSync(theirs).nlink]).toEqual([title, 1]);
			fs.closeSync(theirs);
			await actAgain(given, scenario);
			checkNames(given, scenario, title);
		}
	},
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
			const squatter = join(at.directory, `${prefixOf(what)}.tmp`);
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
		const taken = join(at.directory, `${prefixOf("file")}.tmp`);
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
