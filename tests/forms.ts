/** Each case runs through both forms of the library: `forms("…", (fsx) => …)`. */
import { describe, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
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

/** Where temporary files are, and where they are memory: what differs between filesystems runs in both. */
export const HERE_AND_IN_MEMORY = [
	["here", tmpdir()],
	["in memory", "/dev/shm"],
] as const;

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
