/** Each case runs through both forms of the library: `forms("…", (fsx) => …)`. */
import { dlopen } from "bun:ffi";
import { describe, test } from "bun:test";
import fs, { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as library from "../src/index.ts";

type Library = typeof library;

/** The promise forms of the library, by their names. */
export type Forms = {
	[K in keyof Library as `${K}Sync` extends keyof Library ? K : never]: Library[K];
};

const functions = library as unknown as Record<string, (...args: unknown[]) => unknown>;
const names = Object.keys(functions).filter((name) => `${name}Sync` in functions);

/** What gives a sequence, and no promise. */
const sequences = new Set(["extents"]);

/** A synchronous form behind the promise, or the asynchronous sequence, of the other one. */
function behindPromises(name: string): (...args: unknown[]) => unknown {
	const twin = functions[`${name}Sync`] as (...args: unknown[]) => unknown;
	if (!sequences.has(name)) return async (...args) => twin(...args);
	return async function* (...args) {
		yield* twin(...args) as Iterable<unknown>;
	};
}

/** The library as promises, and once more with its synchronous forms behind the same promises. */
export const bothForms: Record<"async" | "sync", Forms> = {
	async: Object.fromEntries(names.map((name) => [name, functions[name]])) as unknown as Forms,
	sync: Object.fromEntries(names.map((name) => [name, behindPromises(name)])) as unknown as Forms,
};

export const ON_WINDOWS = process.platform === "win32";

/** What is said of a name below a file that is no directory: Windows, and so Node there, finds nothing. */
export const BELOW_A_FILE = ON_WINDOWS ? "ENOENT" : "ENOTDIR";

/** Where many small files are made: in memory, where there is such a place. */
export const IN_MEMORY = process.platform === "linux" ? "/dev/shm" : tmpdir();

/** Where temporary files are, and where they are memory: what differs between filesystems runs in both. */
export const HERE_AND_IN_MEMORY: readonly (readonly [where: string, root: string])[] = [
	["here", tmpdir()],
	...(IN_MEMORY === tmpdir() ? [] : [["in memory", IN_MEMORY] as const]),
];

/** What a case is given: one form of the library, and an empty directory of its own. */
export interface Given {
	fsx: Forms;
	directory: string;
	/** A name inside the directory. */
	path: (name: string) => string;
	form: "async" | "sync";
}

/**
 * Whether cases that have a place of their own are left out: `test:filesystems` runs the suite with
 * `TMPDIR` on one filesystem after the other, and those would be the same each time.
 */
export const ELSEWHERE_LEFT_OUT = process.env.FSX_TEST_FILESYSTEM !== undefined;

/** How long a case may take: on a busy machine many times as long as on an idle one. */
export const PATIENCE_MILLISECONDS = 30_000;

/** A case, run once per form; `root` is where its directories are made, the system's by default. */
export function forms(title: string, body: (given: Given) => Promise<void>, root = tmpdir()): void {
	if (ELSEWHERE_LEFT_OUT && root !== tmpdir()) return;
	describe(title, () => {
		for (const form of ["async", "sync"] as const) {
			test(
				form,
				async () => {
					const directory = mkdtempSync(join(root, "fsx-test-"));
					try {
						const path = (name: string) => join(directory, name);
						await body({ fsx: bothForms[form], directory, path, form });
					} finally {
						rmSync(directory, { recursive: true, force: true });
					}
				},
				PATIENCE_MILLISECONDS,
			);
		}
	});
}

/** A test with a place of its own; see `ELSEWHERE_LEFT_OUT`. */
export function testElsewhere(
	title: string,
	body: () => void | Promise<void>,
	milliseconds = PATIENCE_MILLISECONDS,
): void {
	if (!ELSEWHERE_LEFT_OUT) test(title, body, milliseconds);
}

/** The error that a promise is rejected with; a test that expects one fails if there is none. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
	try {
		await promise;
	} catch (error) {
		return error as Error & { code?: string };
	}
	throw new Error("expected a failure, and there was none");
}

/** Declares a case that cannot run here, with the reason printed. */
export function skipped(title: string, reason: string): void {
	test.skip(title, () => {});
	console.log(`skipped: ${title}: ${reason}`);
}

/** Windows as Wine has it, which lacks some of it. */
export const UNDER_WINE = ON_WINDOWS && hasExport("ntdll.dll", "wine_get_version");

function hasExport(library: string, name: string): boolean {
	try {
		dlopen(library, { [name]: { args: [], returns: "ptr" } }).close();
		return true;
	} catch {
		return false;
	}
}

/** Whether something stands in for what Wine lacks, in the whole process: see tests/windows-standin. */
export const STOOD_IN =
	UNDER_WINE && hasExport(process.env.BUN_FS_EXTENDED_WINDOWS_LIBRARY ?? "", "NtCreateFile");

/** What declares a case: `forms`, `test`, or another of that kind. */
type Declare = (title: string, ...rest: never[]) => unknown;

/** Declares cases where they can run; elsewhere they are left out, and the reason is printed. */
function only(runs: boolean, reason: string, declare: Declare): Declare {
	return runs ? declare : (title) => skipped(title, reason);
}

/**
 * Declares cases that rest on what Linux alone has: `onLinux("mounts")("copying a mount", …)`, or
 * `onLinux("mounts", test)` for what declares them otherwise.
 */
export function onLinux(what: string): typeof forms;
export function onLinux<D extends Declare>(what: string, declare: D): D;
export function onLinux(what: string, declare: Declare = forms): Declare {
	return only(process.platform === "linux", `it rests on Linux: ${what}`, declare);
}

/** The same for what Windows alone has. */
export function onWindows(what: string): typeof forms;
export function onWindows<D extends Declare>(what: string, declare: D): D;
export function onWindows(what: string, declare: Declare = forms): Declare {
	return only(ON_WINDOWS, `it rests on Windows: ${what}`, declare);
}

/** Declares cases that run everywhere but under Wine as it is, for what Wine has not got. */
export function lacksUnderWine(what: string): typeof forms;
export function lacksUnderWine<D extends Declare>(what: string, declare: D): D;
export function lacksUnderWine(what: string, declare: Declare = forms): Declare {
	return only(!UNDER_WINE || STOOD_IN, `Wine lacks ${what}`, declare);
}

/** The same for what nothing stands in for either. */
export function notUnderWine(what: string): typeof forms;
export function notUnderWine<D extends Declare>(what: string, declare: D): D;
export function notUnderWine(what: string, declare: Declare = forms): Declare {
	return only(!UNDER_WINE, `Wine lacks ${what}, and nothing stands in for it`, declare);
}

/** Whether this user can make symbolic links: Wine has none, Windows wants developer mode. */
export const MAKES_SYMLINKS = !ON_WINDOWS || triesSymlink();

function triesSymlink(): boolean {
	const directory = mkdtempSync(join(tmpdir(), "fsx-test-"));
	try {
		fs.symlinkSync("nothing", join(directory, "link"), "file");
		return fs.lstatSync(join(directory, "link")).isSymbolicLink();
	} catch {
		return false;
	} finally {
		rmSync(directory, { recursive: true, force: true });
	}
}

/** Declares cases that make symbolic links. */
export function withSymlinks(): typeof forms;
export function withSymlinks<D extends Declare>(declare: D): D;
export function withSymlinks(declare: Declare = forms): Declare {
	return only(MAKES_SYMLINKS, "symbolic links cannot be made here", declare);
}
