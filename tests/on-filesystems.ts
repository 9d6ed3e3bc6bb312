/**
 * Runs the tests of files once on each filesystem: `npm run test:filesystems`, or with names of
 * filesystems after it. `--reporter=junit --reporter-outfile=FILE` writes one report of all of them.
 */
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type FilesystemName, type Mount, mount } from "./mounts.ts";

/** Those that take longest first. */
const FILESYSTEMS = ["fuse", "btrfs", "xfs", "overlay", "ext4", "tmpfs"] as const;
type Name = (typeof FILESYSTEMS)[number] & FilesystemName;

/** Runs under way at the same time: they wait for disks and processes more than they compute. */
const AT_ONCE = 2;
/** For one case; more than usual, since two runs share the machine. */
const CASE_MILLISECONDS = 30_000;
const RUN_MILLISECONDS = 600_000;

/** What came of the run on one filesystem. */
interface Outcome {
	readonly passed: number;
	readonly failed: number;
	readonly skipped: number;
	readonly note: string;
	/** The suites of its JUnit report. */
	readonly suites: string;
}

/** What must not outlive this process, however it ends. */
const leftovers = new DisposableStack();
const scratch = fs.mkdtempSync(join(tmpdir(), "fsx-reports-"));
leftovers.defer(() => fs.rmSync(scratch, { recursive: true, force: true }));
process.on("exit", () => leftovers.dispose());
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
	process.on(signal, () => process.exit(1));
}

/** The test files about files: those whose cases get directories, or that ask for facts. */
function filesOfCases(): string[] {
	const aboutFiles =
		/^import \{[^}]*(\bforms\b[^}]*\} from "\.\/forms|\} from "\.\/(root|facts))\.ts";$/m;
	return fs
		.readdirSync(import.meta.dir)
		.filter((name) => name.endsWith(".test.ts"))
		.map((name) => join(import.meta.dir, name))
		.filter((file) => aboutFiles.test(fs.readFileSync(file, "utf8")))
		.sort();
}

async function runOn(name: Name): Promise<Outcome> {
	let mounted: Mount;
	try {
		mounted = mount(name);
	} catch (error) {
		const note = `not mounted: ${error instanceof Error ? error.message : error}`;
		return { passed: 0, failed: 0, skipped: 1, note, suites: "" };
	}
	leftovers.use(mounted);
	using _ = mounted;
	const [report, log] = ["xml", "log"].map((kind) => join(scratch, `${name}.${kind}`)) as [
		string,
		string,
	];
	const started = performance.now();
	const ended = await runTests(name, mounted.root, report, log);
	const seconds = Math.round((performance.now() - started) / 1000);
	const outcome = outcomeOf(report, ended, `in ${seconds} s`);
	if (outcome.failed > 0) showFailures(name, log);
	return outcome;
}

/** Runs the tests and gives how the process ended: 0 if all went well. */
async function runTests(name: Name, directory: string, report: string, log: string) {
	const output = fs.openSync(log, "w");
	const child = Bun.spawn(
		[
			process.execPath,
			"test",
			`--timeout=${CASE_MILLISECONDS}`,
			"--reporter=junit",
			`--reporter-outfile=${report}`,
			...filesOfCases(),
		],
		{
			cwd: join(import.meta.dir, ".."),
			env: {
				...process.env,
				TMPDIR: directory,
				FSX_TEST_FILESYSTEM: name,
			},
			stdio: ["ignore", output, output],
			timeout: RUN_MILLISECONDS,
			killSignal: "SIGKILL",
		},
	);
	leftovers.defer(() => child.kill("SIGKILL"));
	await child.exited;
	fs.closeSync(output);
	return child.signalCode ?? child.exitCode;
}

function outcomeOf(report: string, ended: string | number | null, note: string): Outcome {
	const text = fs.existsSync(report) ? fs.readFileSync(report, "utf8") : "";
	const [head = "", suites = ""] =
		/(<testsuites [^>]*>)(.*)<\/testsuites>/s.exec(text)?.slice(1) ?? [];
	const count = (what: string) => Number(new RegExp(`\\b${what}="(\\d+)"`).exec(head)?.[1] ?? 0);
	const [tests, failed, skipped] = [count("tests"), count("failures"), count("skipped")];
	const passed = tests - failed - skipped;
	// Errors between tests, and a run that came to no end, are in no report.
	if (failed > 0 || (ended === 0 && tests > 0)) return { passed, failed, skipped, note, suites };
	return { passed, failed: 1, skipped, note: `${note}, ended with ${ended}`, suites };
}

/** What the run printed, but for what passed; marked, so that its own sums are not taken for ours. */
function showFailures(name: Name, log: string): void {
	for (const line of fs.readFileSync(log, "utf8").split("\n")) {
		if (!line.startsWith("(pass)")) console.log(`${name} | ${line}`);
	}
}

const { values, positionals } = parseArgs({
	options: { reporter: { type: "string" }, "reporter-outfile": { type: "string" } },
	allowPositionals: true,
});
const unknown = positionals.filter((name) => !FILESYSTEMS.includes(name as Name));
if (unknown.length > 0) {
	console.error(`no such filesystem: ${unknown.join(", ")}; known: ${FILESYSTEMS.join(", ")}`);
	process.exit(2);
}

const waiting = [...((positionals.length > 0 ? positionals : FILESYSTEMS) as Name[])];
const outcomes: Outcome[] = [];

async function work(): Promise<void> {
	for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
		const outcome = await runOn(name);
		const { passed, failed, skipped, note } = outcome;
		console.log(
			`${name.padEnd(8)} ${passed} passed  ${failed} failed  ${skipped} skipped  ${note}`,
		);
		outcomes.push(outcome);
	}
}

await Promise.all(Array.from({ length: AT_ONCE }, work));
const sum = (what: "passed" | "failed" | "skipped") =>
	outcomes.reduce((total, outcome) => total + outcome[what], 0);
const [passed, failed, skipped] = [sum("passed"), sum("failed"), sum("skipped")];
console.log(`${"all".padEnd(8)} ${passed} passed  ${failed} failed  ${skipped} skipped`);
const file = values["reporter-outfile"];
if (file !== undefined) {
	const tests = passed + failed + skipped;
	const head = `<testsuites tests="${tests}" failures="${failed}" skipped="${skipped}">`;
	const suites = outcomes.map((outcome) => outcome.suites).join("");
	fs.writeFileSync(file, `<?xml version="1.0"?>\n${head}${suites}</testsuites>\n`);
}
process.exit(failed > 0 ? 1 : 0);
