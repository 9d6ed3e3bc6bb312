/** Places beside, above and below others; the paths may be bytes. */
import type { Place } from "./sys/system.ts";

const isWindows = process.platform === "win32";

function isSeparator(unit: number | undefined): boolean {
	return unit === 0x2f || (isWindows && unit === 0x5c);
}

const unitAt = (path: string | Uint8Array, index: number) =>
	typeof path === "string" ? path.charCodeAt(index) : path[index];

/** A path cut in two: what stands before the last name, and that name. */
export interface Parts {
	/** Undefined when the path is a single name. */
	readonly parent: string | Uint8Array | undefined;
	readonly name: string | Uint8Array;
}

export function partsOf(path: string | Uint8Array): Parts {
	let end = path.length;
	while (end > 1 && isSeparator(unitAt(path, end - 1))) end--;
	let start = end;
	while (start > 0 && !isSeparator(unitAt(path, start - 1))) start--;
	const name = path.slice(start, end);
	if (start === 0) return { parent: undefined, name };
	let cut = start;
	while (cut > 1 && isSeparator(unitAt(path, cut - 1))) cut--;
	return { parent: path.slice(0, cut), name };
}

/** One name after the other: a string if both are, else bytes. */
export function joined(
	parent: string | Uint8Array,
	name: string | Uint8Array,
): string | Uint8Array {
	if (parent.length === 0) return name;
	if (name.length === 0) return parent;
	if (typeof parent === "string" && typeof name === "string") return `${parent}/${name}`;
	return Buffer.concat([
		Buffer.from(parent as string),
		Buffer.from("/"),
		Buffer.from(name as string),
	]);
}

/** The directory that holds a place; for a single name, the one it is looked up in. */
export function parentOf(place: Place): Place {
	return { ...place, path: partsOf(place.path).parent ?? "." };
}
