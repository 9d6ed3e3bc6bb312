/**
 * Runs the tests with Bun for Windows under Wine: `npm run test:windows`, or with names of test files
 * after it. `--reporter=junit --reporter-outfile=FILE` writes one report of all of them.
 *
 * On Debian as root; elsewhere, and where the packages cannot be had, it says so and is skipped.
 * Wine is kept between runs in the user's cache, or in the directory that FSX_WINE_CACHE names.
 */
import fs from "node:fs";
import { basename, join } from "node:path";
import {
	asked,
	finish,
	leftOut,
	leftovers,
	type Outcome,
	outcomeOf,
	showFailures,
	tell,
} from "./reports.ts";
import { bunForWindows, Lacking, wineRoot } from "./wine/root.ts";
import { OUTPUT, PROJECT, WineSession, windowsPath } from "./wine/session.ts";

/** For one case; more than usual, since Wine is slow and the machine may be busy. */
const CASE_MILLISECONDS = 30_000;
/** For one file of tests: one that takes longer hangs. */
const FILE_SECONDS = 240;

/** How `timeout` says that it had to kill. */
const KILLED = 137;

/** Files that do not run here yet, and why; named on the command line, one is run all the same. */
const NOT_YET: Readonly<Record<string, string>> = {
	"confinement-attack": "the attackers call Linux themselves",
	"content-model": "its engine set-ups are those of Linux",
	"copy-faults": "its faults are injected into calls of Linux",
	documentation: "the examples name files and tools of Linux",
	"fault-injection": "its faults are injected into calls of Linux",
	hostile: "its world is made by tools of Linux",
	kill: "its processes are started and killed as on Linux",
	lanes: "the battery rests on Linux in part",
	memory: "it reads /proc",
	shim: "the shim is for Linux",
	"watch-lanes": "it takes longer than it may under Wine",
};

/** What the runtime under Wine says, and what is nothing to us. */
const NOISE = /^Internal error: directory mismatch/;

function filesOf(names: readonly string[]): string[] {
	const all = fs.readdirSync(import.meta.dir).filter((name) => name.endsWith(".test.ts"));
	const wanted = names.map((name) => `${basename(name).replace(/\.test\.ts$/, "")}.test.ts`);
	const unknown = wanted.filter((name) => !all.includes(name));
	if (unknown.length > 0) {
		console.error(`no such test file: ${unknown.join(", ")}`);
		process.exit(2);
	}
	return wanted.length > 0 ? wanted : all.filter((name) => !(plain(name) in NOT_YET)).sort();
}

const plain = (name: string) => name.replace(/\.test\.ts$/, "");

function tellNotYet(): Outcome[] {
	return Object.entries(NOT_YET).map(([name, reason]) => {
		const outcome = leftOut(`not run under Wine yet: ${reason}`);
		tell(`${name}.test.ts`.padEnd(30), outcome);
		return outcome;
	});
}

/** Settings of the tests, and of the library, that hold inside as well. */
function settings(): Record<string, string> {
	const known = /^(FSX|BUN_FS_EXTENDED)_/;
	return Object.fromEntries(
		Object.entries(process.env).filter(
			(entry): entry is [string, string] => known.test(entry[0]) && entry[1] !== undefined,
		),
	);
}

async function runFile(session: WineSession, root: string, bun: string, name: string) {
	const [report, log] = ["xml", "log"].map((kind) => `${OUTPUT}/${name}.${kind}`) as [
		string,
		string,
	];
	for (const file of [report, log]) fs.rmSync(join(root, file), { force: true });
	const started = performance.now();
	const ended = await session.run(
		[
			bun,
			"test",
			`--cwd=${windowsPath(PROJECT)}`,
			`--timeout=${CASE_MILLISECONDS}`,
			"--reporter=junit",
			`--reporter-outfile=${windowsPath(report)}`,
			`./tests/${name}`,
		],
		{ seconds: FILE_SECONDS, log: join(root, log), env: settings() },
	);
	const seconds = Math.round((performance.now() - started) / 1000);
	const outcome = outcomeOf(join(root, report), ended, `in ${seconds} s`);
	if (outcome.failed > 0) showFailures(name, join(root, log), NOISE);
	return { outcome, hung: ended === KILLED };
}

async function runAll(files: readonly string[]): Promise<Outcome[]> {
	const root = await wineRoot();
	const bun = bunForWindows();
	const outcomes: Outcome[] = [];
	let session = await WineSession.start(root);
	leftovers.defer(() => session.kill());
	for (const name of files) {
		const { outcome, hung } = await runFile(session, root, bun, name);
		tell(name.padEnd(30), outcome);
		outcomes.push(outcome);
		if (!hung) continue;
		// Who knows what it has left behind: another Wine for the others.
		await session.stop();
		session = await WineSession.start(root);
	}
	await session.stop();
	return outcomes;
}

const { names, reportFile } = asked();
const files = filesOf(names);
try {
	const notYet = names.length > 0 ? [] : tellNotYet();
	finish("all".padEnd(30), [...notYet, ...(await runAll(files))], reportFile);
} catch (error) {
	if (!(error instanceof Lacking)) throw error;
	console.log(`skipped: the tests under Wine: ${error.message}`);
	finish("all".padEnd(30), [leftOut("")], reportFile);
}
