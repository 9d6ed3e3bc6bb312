import { isUtf8 } from "./encoding.ts";
import { printable } from "./errors.ts";
import type { FileKind } from "./sys/metadata.ts";

/** What a filter is asked about. */
export interface TreeEntry {
	/** The path from the source on, with `/` between names. */
	readonly path: string;
	/** The path as it is, where it is not UTF-8 and `path` shows it with replacement characters. */
	readonly pathBytes?: Uint8Array;
	/** What it is; of a symbolic link, that it is one. */
	readonly kind: FileKind;
}

export function treeEntry(path: string | Uint8Array, kind: FileKind): TreeEntry {
	const entry = { path: printable(path), kind };
	if (typeof path === "string" || isUtf8(path)) return entry;
	return { ...entry, pathBytes: new Uint8Array(path) };
}
