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

/** The library as promises, and once more with its synchronous forms behind the same promises. */
export const bothForms: Record<"async" | "sync", Forms> = {
	async: Object.fromEntries(names.map((name) => [name, functions[name]])) as Forms,
	sync: Object.fromEntries(
		names.map((name) => [name, async (...args: unknown[]) => functions[`${name}Sync`]?.(...args)]),
	) as Forms,
};

/** What a case is given: one form of the library, and an empty directory of its own. */
export interface Given {
	fsx: Forms;
	directory: string;
	/** A name inside the directory. */
	path: (name: string) => string;
	form: "async" | "sync";
}

/** A case, run once per form; `root` is where its directories are made, the system's by default. */
export function forms(title: string, body: (given: Given) => Promise<void>, root = tmpdir()): void {
	describe(title, () => {
		for (const form of ["async", "sync"] as const) {
			test(form, async () => {
				const directory = mkdtempSync(join(root, "fsx-test-"));
				try {
					const path = (name: string) => join(directory, name);
					await body({ fsx: bothForms[form], directory, path, form });
				} finally {
					rmSync(directory, { recursive: true, force: true });
				}
			});
		}
	});
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
