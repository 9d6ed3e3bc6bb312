import { dirname } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import {
	type CopyOptions,
	type CopyProgress,
	type CopyReport,
	type CopyTreeReport,
	copyFile,
	copyTree,
	FsError,
	type Location,
	stat,
	type TreeProgress,
} from "../index.ts";
import { locationOf } from "./arguments.ts";
import { Remedied } from "./failure.ts";
import { print } from "./output.ts";
import { showProgress } from "./progress.ts";
import { countText, durationText, jsonText, safeText, sizeText } from "./text.ts";
import { treeSize } from "./tree-size.ts";

const PRESERVABLE = ["mode", "times", "owner", "xattrs", "acl", "flags"] as const;

type Preserve = NonNullable<CopyOptions["preserve"]>;

interface CopyFlags {
	readonly reflink: "auto" | "always" | "never";
	readonly holes: "keep" | "fill" | "detect";
	readonly preserve: Preserve;
	readonly overwrite?: boolean;
	readonly newer?: boolean;
	readonly sync?: boolean;
	readonly verify?: boolean;
	readonly atomic: boolean;
	readonly quiet?: boolean;
	readonly json?: boolean;
}

export function addCp(program: Command): void {
	program
		.command("cp")
		.description("copy a file or a tree with its holes, times, owner, xattrs and hard links")
		.argument("<source>", "a file or a directory")
		.argument("<destination>", "the name of the copy; a directory that is there is merged into")
		.addOption(
			new Option("--reflink <when>", "share blocks with the source")
				.choices(["auto", "always", "never"])
				.default("auto"),
		)
		.addOption(
			new Option("--holes <how>", "keep holes, fill them, or detect zeros and make holes")
				.choices(["keep", "fill", "detect"])
				.default("keep"),
		)
		.addOption(
			new Option("--preserve <list>", `all, none, or some of ${PRESERVABLE.join(",")}`)
				.argParser(parsePreserve)
				.default("all"),
		)
		.option("--overwrite", "replace what is there")
		.addOption(new Option("--newer", "replace only what is older").conflicts("overwrite"))
		.option("--sync", "wait until the copy is on the disk")
		.option("--verify", "read source and copy once more, but for holes, and compare them")
		.option("--no-atomic", "write in place instead of to another name that is then moved")
		.option("-q, --quiet", "print nothing but errors")
		.option("--json", "print the report as an object")
		.action(copy);
}

function parsePreserve(text: string): Preserve {
	if (text === "all" || text === "none") return text;
	const parts = text.split(",").map((part) => part.trim());
	const known: readonly string[] = PRESERVABLE;
	const unknown = parts.find((part) => !known.includes(part));
	if (unknown !== undefined) {
		throw new InvalidArgumentError(`"${unknown}" is none of all, none, ${known.join(", ")}.`);
	}
	return Object.fromEntries(parts.map((part) => [part, true]));
}

async function copy(source: string, destination: string, flags: CopyFlags): Promise<void> {
	const { quiet = false, json = false } = flags;
	const interruption = new AbortController();
	const interrupt = () => interruption.abort();
	process.once("SIGINT", interrupt);
	try {
		const options = { ...optionsOf(flags), signal: interruption.signal };
		const [from, to] = [locationOf(source), locationOf(destination)];
		const report = await copyShown(from, to, options, quiet || json);
		if (json) print(jsonText(report));
		else if (!quiet) print(reportText(report));
	} catch (error) {
		throw await remedied(error, source, destination, flags);
	} finally {
		process.off("SIGINT", interrupt);
	}
}

/** Says of two paths which one is meant, and what else this command could do. */
async function remedied(
	error: unknown,
	source: string,
	destination: string,
	{ atomic }: CopyFlags,
): Promise<unknown> {
	if (!(error instanceof FsError)) return error;
	if (error.code === "EACCES" && atomic && error.message.includes("atomic: false")) {
		return new Remedied(error, "--no-atomic, if you may write to the file itself");
	}
	if (error.code !== "ENOENT") return error;
	if (await isMissing(source)) return new Remedied(error, "the source is missing, check its path");
	const parent = dirname(destination);
	if (!(await isMissing(parent))) return error;
	const shown = parent.toWellFormed();
	return new Remedied(error, `the destination's directory '${shown}' is missing, make it first`);
}

async function isMissing(path: string): Promise<boolean> {
	try {
		await stat(locationOf(path));
		return false;
	} catch (error) {
		return error instanceof FsError && error.code === "ENOENT";
	}
}

function optionsOf(flags: CopyFlags): CopyOptions {
	const { reflink, holes, preserve, atomic, sync = false, verify = false } = flags;
	const { overwrite = false, newer = false } = flags;
	const replace = newer ? "newer" : overwrite;
	return { reflink, holes, preserve, atomic, sync, verify, overwrite: replace };
}

/** Copies a file or a tree, with its progress on the terminal unless it is to be `quiet`. */
export async function copyShown(
	source: Location,
	destination: Location,
	options: CopyOptions,
	quiet: boolean,
): Promise<CopyReport | CopyTreeReport> {
	const { kind, size } = await stat(source);
	if (kind !== "directory") {
		const progress = showProgress(quiet, size);
		const onProgress = ({ bytes, verified }: CopyProgress) => {
			if (verified > 0) progress.update(verified, undefined, "verifying");
			else progress.update(bytes);
		};
		return await copyFile(source, destination, { ...options, onProgress }).finally(progress.stop);
	}
	return await copyTreeShown(source, destination, options, quiet);
}

/** The same for what is known to be a tree. */
export async function copyTreeShown(
	source: Location,
	destination: Location,
	options: CopyOptions,
	quiet: boolean,
): Promise<CopyTreeReport> {
	const progress = showProgress(quiet);
	let ended = false;
	const onProgress = ({ files, bytes, current }: TreeProgress) => {
		progress.update(bytes, files, current);
	};
	if (progress.visible) {
		// Measured meanwhile: the copy does not wait for it.
		void treeSize(source, () => ended).then((total) => {
			if (total !== undefined && !ended) progress.expect(total);
		});
	}
	return await copyTree(source, destination, { ...options, onProgress }).finally(() => {
		ended = true;
		progress.stop();
	});
}

/** What a copy did, in a line; what it could not keep, in another. */
export function reportText(report: CopyReport | CopyTreeReport): string {
	const { bytes, holes, durationNs } = report;
	const parts = [sizeText(bytes)];
	if ("files" in report) {
		parts.unshift(
			countText(report.files, "file"),
			countText(report.directories, "directory", "directories"),
			countText(report.symlinks, "symbolic link"),
		);
		if (report.skipped > 0) parts.push(`${report.skipped} skipped, being not older`);
		parts.push(...Object.entries(report.methods).map(([how, count]) => `${how} ${count}`));
	} else {
		parts.push(report.method);
	}
	if (holes > 0) parts.push(`${countText(holes, "hole")} kept`);
	const line = `${parts.join(", ")} in ${durationText(durationNs)}`;
	const lost = report.notPreserved;
	return lost.length === 0 ? line : `${line}\nnot preserved: ${safeText(lost.join(", "))}`;
}
