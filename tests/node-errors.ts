/** Holds an error of the library against the one that node:fs throws for the same. */
import { expect } from "bun:test";
import { getSystemErrorMap } from "node:util";
import { failureOf } from "./forms.ts";

/** The number that Node has for an error on this system. */
export function errnoOf(code: string): number {
	const found = [...getSystemErrorMap()].find(([, [name]]) => name === code);
	if (found === undefined) throw new Error(`Node has no number for ${code}`);
	return found[0];
}

const FIELDS = ["code", "errno", "syscall", "path", "dest", "message"] as const;

export async function failsAsNode(ours: Promise<unknown>, theirs: () => unknown): Promise<void> {
	const error = (await failureOf(ours)) as unknown as Record<string, unknown>;
	const expected = (await failureOf((async () => theirs())())) as unknown as Record<
		string,
		unknown
	>;
	const shape = (of: Record<string, unknown>) => FIELDS.map((field) => [field, of[field]]);
	expect(shape(error)).toEqual(shape(expected));
	expect(expected.errno).toBeLessThan(0);
}
