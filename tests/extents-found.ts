/** What `extents` finds, and what it should. */
import { expect } from "bun:test";
import type { Extent, ExtentsOptions, MappedExtent, Target } from "../src/index.ts";
import type { Given } from "./forms.ts";

export const list = (given: Given, target: Target, options?: ExtentsOptions): Promise<Extent[]> =>
	Array.fromAsync(given.fsx.extents(target, options));

export const map = (
	given: Given,
	target: Target,
	options: ExtentsOptions = {},
): Promise<MappedExtent[]> =>
	Array.fromAsync(given.fsx.extents(target, { ...options, physical: true }));

export const data = (offset: number, end: number): Extent => ({
	kind: "data",
	offset,
	length: end - offset,
});
export const hole = (offset: number, end: number): Extent => ({
	kind: "hole",
	offset,
	length: end - offset,
});

/** Extents without what says where they are, those of a kind put together. */
export function kindsOf(found: readonly Extent[]): Extent[] {
	const kinds: Extent[] = [];
	for (const { kind, offset, length } of found) {
		const last = kinds.at(-1);
		const goesOn = last?.kind === kind;
		if (goesOn) kinds.pop();
		const from = goesOn ? last.offset : offset;
		kinds.push({ kind, offset: from, length: offset + length - from });
	}
	return kinds;
}

/** Holds extents to what they promise: all of the range, in order, nothing twice, none empty. */
export function expectCovered(found: readonly Extent[], offset: number, end: number): void {
	let at = offset;
	for (const extent of found) {
		expect(extent.offset).toBe(at);
		expect(extent.length).toBeGreaterThan(0);
		at += extent.length;
	}
	expect(at).toBe(end);
}
