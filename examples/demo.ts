/**
 * `bun run demo [SOURCE] [DESTINATION]`: what this machine can do, a real tree copied with
 * everything that belongs to it, and a comparison of the copy with the original.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyTreeShown } from "../src/cli/cp.ts";
import { doctorText } from "../src/cli/doctor.ts";
import { EXIT_FAILURE, fail, UsageError } from "../src/cli/failure.ts";
import { showProgress } from "../src/cli/progress.ts";
import {
	countText,
	durationText,
	safeText,
	showsColours,
	sizeText,
	tableText,
} from "../src/cli/text.ts";
import {
	type CompareReport,
	type CopyTreeReport,
	capabilities,
	compareTrees,
	stat,
} from "../src/index.ts";

const USAGE = "usage: bun run demo [SOURCE] [DESTINATION]";
const MOST_SHOWN = 20;

async function main(args: string[]): Promise<number> {
	if (args.some((arg) => arg === "--help" || arg === "-h")) {
		console.log(USAGE);
		return 0;
	}
	const [source = join(import.meta.dir, "../node_modules"), given, ...more] = args;
	if (more.length > 0) throw new UsageError(USAGE);
	if (!(await stat(source)).isDirectory()) {
		throw new UsageError(`${safeText(source)} is no directory: name one to copy`);
	}
	if (given !== undefined) {
		await refuseFull(given);
		return await demonstrate(source, given, "It is kept.");
	}
	const folder = await mkdtemp(join(tmpdir(), "fsx-demo-"));
	try {
		return await demonstrate(source, join(folder, "copy"), "It is removed again.");
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** A destination with something in it would be mixed with the copy. */
async function refuseFull(destination: string): Promise<void> {
	const names = await readdir(destination).catch((error) => {
		if (error.code === "ENOENT") return [];
		throw new UsageError(`${safeText(destination)} is no directory: name one that is not there`);
	});
	if (names.length > 0) {
		throw new UsageError(`${safeText(destination)} is not empty: name one that is not there yet`);
	}
}

async function demonstrate(source: string, destination: string, after: string): Promise<number> {
	const found = await capabilities(join(destination, ".."));
	console.log(`${doctorText(found, showsColours(process.stdout))}\n`);

	const interruption = new AbortController();
	const { signal } = interruption;
	process.once("SIGINT", () => interruption.abort());
	console.log(`Copying ${safeText(source)}\n     to ${safeText(destination)}. ${after}`);
	const options = { preserve: "all", overwrite: false, signal } as const;
	const copied = await copyTreeShown(source, destination, options, false);

	const progress = showProgress(false, copied.bytes);
	const compared = await compareTrees(source, destination, {
		signal,
		onProgress: ({ bytes, files, current }) => progress.update(bytes, files, current),
	}).finally(progress.stop);
	console.log(`\n${report(copied, compared)}`);
	return compared.equal ? 0 : EXIT_FAILURE;
}

function report(copied: CopyTreeReport, compared: CompareReport): string {
	const { files, directories, symlinks, others, hardlinks, bytes, holes, methods } = copied;
	const how = Object.entries(methods).map(([method, count]) => `${method} ${count}`);
	const rows = [
		["files", `${files}, ${hardlinks} of them further names of another`],
		["directories", String(directories)],
		["symbolic links", String(symlinks)],
		["others", String(others)],
		["content", `${sizeText(bytes)} (${bytes} bytes)`],
		["holes kept", String(holes)],
		["methods", how.join(", ") || "none"],
		["copied in", durationText(copied.durationNs)],
		["compared in", durationText(compared.durationNs)],
		["not preserved", copied.notPreserved.join(", ") || "nothing"],
		["result", compared.equal ? "identical" : countText(compared.differences.length, "difference")],
	];
	const shown = compared.differences.slice(0, MOST_SHOWN);
	const lines = shown.map(({ path, what, detail }) => `  ${what}: ${path}: ${detail}`);
	const rest = compared.differences.length - shown.length;
	if (rest > 0) lines.push(`  and ${rest} more`);
	return [tableText(rows), ...lines.map(safeText)].join("\n");
}

try {
	process.exitCode = await main(process.argv.slice(2));
} catch (error) {
	process.exitCode = fail(error, false);
}
