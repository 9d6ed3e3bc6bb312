/** Places beside, above and below others; the paths may be bytes. */
import { system } from "./sys/index.ts";
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
	/** Whether a separator follows the name, so that it can only be a directory. */
	readonly trailing: boolean;
}

/** Whether a name is `.` or `..`, which no entry can be made under. */
export function isDots(name: string | Uint8Array): boolean {
	return (
		name.length > 0 &&
		name.length < 3 &&
		unitAt(name, 0) === 0x2e &&
		unitAt(name, name.length - 1) === 0x2e
	);
}

export function partsOf(path: string | Uint8Array): Parts {
	const root = rootLength(path);
	const least = Math.max(1, root);
	let end = path.length;
	while (end > least && isSeparator(unitAt(path, end - 1))) end--;
	let start = end;
	while (start > root && !isSeparator(unitAt(path, start - 1))) start--;
	const name = path.slice(start, end);
	const trailing = end < path.length;
	if (start === 0) return { parent: undefined, name, trailing };
	let cut = start;
	while (cut > least && isSeparator(unitAt(path, cut - 1))) cut--;
	return { parent: path.slice(0, cut), name, trailing };
}

/** A drive, a share, or what else stands before the names of a path; `C:` alone is a directory too. */
const WINDOWS_ROOT =
	/^(?:[\\/]{2}[?.][\\/](?:UNC[\\/]+[^\\/]+[\\/]+)?[^\\/]+|[\\/]{2}[^\\/]+[\\/]+[^\\/]+|[a-z]:)?[\\/]?/i;

/** Whether a path says itself where it starts. */
export function isAbsolute(path: string | Uint8Array): boolean {
	return rootLength(path) > 0;
}

/** How much of a path is its root, which is above all and has no name. */
function rootLength(path: string | Uint8Array): number {
	if (!isWindows) return isSeparator(unitAt(path, 0)) ? 1 : 0;
	const text = typeof path === "string" ? path : Buffer.from(path).toString("latin1");
	return WINDOWS_ROOT.exec(text)?.[0].length ?? 0;
}

/** One name after the other: a string if both are, else bytes. */
export function joined(
	parent: string | Uint8Array,
	name: string | Uint8Array,
): string | Uint8Array {
	if (parent.length === 0) return name;
	if (name.length === 0) return parent;
	const between = separatorAfter(parent);
	if (typeof parent === "string" && typeof name === "string") return parent + between + name;
	return Buffer.concat([bytesOf(parent), Buffer.from(between), bytesOf(name)]);
}

/** A path inside a tree, whose names `/` parts, from where the tree is: parted as the path of that is. */
export function inTree(root: string | Uint8Array, path: string | Uint8Array): string | Uint8Array {
	const parted = isWindows && separatorAfter(root) !== "/";
	if (!parted) return joined(root, path);
	if (typeof path === "string") return joined(root, path.replaceAll("/", "\\"));
	return joined(
		root,
		path.map((unit) => (unit === 0x2f ? 0x5c : unit)),
	);
}

/** The separator that the path itself has: after `\\\\?\\` Windows knows no other. */
function separatorAfter(path: string | Uint8Array): string {
	if (!isWindows) return "/";
	if (unitAt(path, path.length - 1) === 0x5c) return "";
	const own = typeof path === "string" ? path.includes("\\") : path.includes(0x5c);
	return own ? "\\" : "/";
}

function bytesOf(name: string | Uint8Array): Uint8Array {
	return typeof name === "string" ? system.names.encode(name) : name;
}

/** The directory that holds a place; for a single name, the one it is looked up in. */
export function parentOf(place: Place): Place {
	return { ...place, path: partsOf(place.path).parent ?? "." };
}
