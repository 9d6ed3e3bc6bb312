/**
 * Runs the tests of files once on each filesystem: `npm run test:filesystems`, or with names of
 * filesystems after it. `--reporter=junit --reporter-outfile=FILE` writes one report of all of them.
 */
import fs from "node:fs";
import { join } from "node:path";
import { type FilesystemName, type Mount, mount } from "./mounts.ts";
import {
	asked,
	finish,
	leftOut,
	leftovers,
	type Outcome,
	outcomeOf,
	scratchDirectory,
	showFailures,
	tell,
} from "./reports.ts";

/** Those that take longest first. */
const FILESYSTEMS = ["fuse", "btrfs", "xfs", "overlay", "ext4", "tmpfs"] as const;
type Name = (typeof FILESYSTEMS)[number] & FilesystemName;

/** Runs under way at the same time: they wait for disks and processes more than they compute. */
const AT_ONCE = 2;
/** For one case; more than usual, since two runs share the machine. */
const CASE_MILLISECONDS = 30_000;
const RUN_MILLISECONDS = 600_000;

const scratch = scratchDirectory();

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
		return leftOut(`not mounted: ${error instanceof Error ? error.message : error}`);
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

const { names, reportFile } = asked();
const unknown = names.filter((name) => !FILESYSTEMS.includes(name as Name));
if (unknown.length > 0) {
	console.error(`no such filesystem: ${unknown.join(", ")}; known: ${FILESYSTEMS.join(", ")}`);
	process.exit(2);
}

const waiting = [...((names.length > 0 ? names : FILESYSTEMS) as Name[])];
const outcomes: Outcome[] = [];

async function work(): Promise<void> {
	for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
		const outcome = await runOn(name);
		tell(name.padEnd(8), outcome);
		outcomes.push(outcome);
	}
}

await Promise.all(Array.from({ length: AT_ONCE }, work));
finish("all".padEnd(8), outcomes, reportFile);
