/**
 * Runs the tests with Bun for Windows under Wine: `npm run test:windows`, or with names of test files
 * after it. `--reporter=junit --reporter-outfile=FILE` writes one report of all of them.
 *
 * What Wine lacks is stood in for, if there is a compiler to build the stand-in (tests/windows-standin);
 * `FSX_WINE_STANDIN=no` shows what Wine does by itself.
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
import { NO_COMPILER, standIn } from "./windows-standin/build.ts";
import { bunForWindows, Lacking, wineRoot } from "./wine/root.ts";
import { OUTPUT, PROJECT, WineSession, windowsPath } from "./wine/session.ts";

/** For one case; more than usual, since Wine is slow and the machine may be busy. */
const CASE_MILLISECONDS = 30_000;
/** For one file of tests: one that takes longer hangs. */
const FILE_SECONDS = 90;

/** How `timeout` says that it had to kill. */
const KILLED = 137;

/** Files that do not run here yet, and why; named on the command line, one is run all the same. */
const NOT_YET: Readonly<Record<string, string>> = {
	"watch-lanes": "under Wine the case of a watched directory that is removed hangs",
};

/** Files that run once more without the stand-in: what is done where a system lacks what they are about. */
const ONCE_MORE = ["content", "copy", "extents", "file", "rename", "tree"];

/** What the runtime under Wine says, and what is nothing to us. */
const NOISE = /^Internal error: directory mismatch/;

/** One run of one file of tests. */
interface Run {
	readonly file: string;
	readonly title: string;
	readonly env: Readonly<Record<string, string>>;
}

/** Where the stand-in is put. */
const STAND_IN = `${OUTPUT}/standin.dll`;
const WITH_STAND_IN = { BUN_FS_EXTENDED_WINDOWS_LIBRARY: windowsPath(STAND_IN) };

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

/** The runs of files, with what stands in for what Wine lacks, or without. */
function runsOf(files: readonly string[], stoodIn: boolean): Run[] {
	if (!stoodIn) return files.map((file) => ({ file, title: file, env: {} }));
	return files.flatMap((file) => {
		const runs: Run[] = [{ file, title: file, env: WITH_STAND_IN }];
		if (plain(file) === "windows-standin") {
			const env = { ...WITH_STAND_IN, WINDOWS_STANDIN_FILESYSTEM: "refs" };
			runs.push({ file, title: `${plain(file)}, as ReFS`, env });
		}
		if (ONCE_MORE.includes(plain(file))) {
			runs.push({ file, title: `${plain(file)}, Wine alone`, env: {} });
		}
		return runs;
	});
}

/** Puts the stand-in where Wine sees it, and gives whether it is to be used; if not, says why. */
function putStandIn(root: string): boolean {
	const library = process.env.FSX_WINE_STANDIN === "no" ? undefined : standIn();
	if (library !== undefined) {
		fs.copyFileSync(library, join(root, STAND_IN));
		return true;
	}
	const reason = process.env.FSX_WINE_STANDIN === "no" ? "FSX_WINE_STANDIN=no" : NO_COMPILER;
	console.log(`left out: what stands in for what Wine lacks: ${reason}`);
	return false;
}

/** Settings of the tests, and of the library, that hold inside as well. */
function settings(): Record<string, string> {
	const known = /^(FSX|BUN_FS_EXTENDED|WINDOWS_STANDIN)_/;
	return Object.fromEntries(
		Object.entries(process.env).filter(
			(entry): entry is [string, string] => known.test(entry[0]) && entry[1] !== undefined,
		),
	);
}

async function run(session: WineSession, root: string, bun: string, { file, title, env }: Run) {
	const name = title.replaceAll(/[^\w.-]+/g, "-");
	const [report, log] = ["xml", "log"].map((kind) => `${OUTPUT}/${name}.${kind}`) as [
		string,
		string,
	];
	for (const old of [report, log]) fs.rmSync(join(root, old), { force: true });
	const started = performance.now();
	const ended = await session.run(
		[
			bun,
			"test",
			`--cwd=${windowsPath(PROJECT)}`,
			`--timeout=${CASE_MILLISECONDS}`,
			"--reporter=junit",
			`--reporter-outfile=${windowsPath(report)}`,
			`./tests/${file}`,
		],
		{ seconds: FILE_SECONDS, log: join(root, log), env: { ...settings(), ...env } },
	);
	const seconds = Math.round((performance.now() - started) / 1000);
	const outcome = outcomeOf(join(root, report), ended, `in ${seconds} s`);
	if (outcome.failed > 0) showFailures(title, join(root, log), NOISE);
	return { outcome, hung: ended === KILLED };
}

async function runAll(files: readonly string[]): Promise<Outcome[]> {
	const root = await wineRoot();
	const bun = bunForWindows();
	const outcomes: Outcome[] = [];
	let session = await WineSession.start(root);
	leftovers.defer(() => session.kill());
	for (const one of runsOf(files, putStandIn(root))) {
		const { outcome, hung } = await run(session, root, bun, one);
		tell(one.title.padEnd(30), outcome);
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
