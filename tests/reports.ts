/** Runs of the test suite in other places, counted by their JUnit reports and put into one. */
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

/** What came of one run. */
export interface Outcome {
	readonly passed: number;
	readonly failed: number;
	readonly skipped: number;
	readonly note: string;
	/** The suites of its JUnit report. */
	readonly suites: string;
}

/** What must not outlive this process, however it ends. */
export const leftovers = new DisposableStack();
process.on("exit", () => leftovers.dispose());
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
	process.on(signal, () => process.exit(1));
}

/** A directory for reports and logs, until this process ends. */
export function scratchDirectory(): string {
	const scratch = fs.mkdtempSync(join(tmpdir(), "fsx-reports-"));
	leftovers.defer(() => fs.rmSync(scratch, { recursive: true, force: true }));
	return scratch;
}

/** What was asked for: `--reporter=junit --reporter-outfile=FILE`, and names to choose by. */
export function asked(): { names: string[]; reportFile: string | undefined } {
	const { values, positionals } = parseArgs({
		options: { reporter: { type: "string" }, "reporter-outfile": { type: "string" } },
		allowPositionals: true,
	});
	return { names: positionals, reportFile: values["reporter-outfile"] };
}

/** The outcome of a run that cannot take place. */
export function leftOut(note: string): Outcome {
	return { passed: 0, failed: 0, skipped: 1, note, suites: "" };
}

/** What a report says of a run, which ended with a code of 0 if all went well. */
export function outcomeOf(report: string, ended: string | number | null, note: string): Outcome {
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
export function showFailures(name: string, log: string, noise = /^\(pass\)/): void {
	for (const line of fs.readFileSync(log, "utf8").split("\n")) {
		if (!line.startsWith("(pass)") && !noise.test(line)) console.log(`${name} | ${line}`);
	}
}

/** Prints one line about a run. */
export function tell(name: string, { passed, failed, skipped, note }: Outcome): void {
	console.log(`${name} ${passed} passed  ${failed} failed  ${skipped} skipped  ${note}`);
}

/** Prints the sum, writes the report of all runs, and ends this process as its result. */
export function finish(name: string, outcomes: Outcome[], reportFile: string | undefined): never {
	const sum = (what: "passed" | "failed" | "skipped") =>
		outcomes.reduce((total, outcome) => total + outcome[what], 0);
	const [passed, failed, skipped] = [sum("passed"), sum("failed"), sum("skipped")];
	const suites = outcomes.map((outcome) => outcome.suites).join("");
	tell(name, { passed, failed, skipped, note: "", suites });
	if (reportFile !== undefined) {
		const tests = passed + failed + skipped;
		const head = `<testsuites tests="${tests}" failures="${failed}" skipped="${skipped}">`;
		fs.writeFileSync(reportFile, `<?xml version="1.0"?>\n${head}${suites}</testsuites>\n`);
	}
	process.exit(failed > 0 ? 1 : 0);
}
