import { type CopyOptions, copyHow, copyShape } from "./copy.ts";
import type { TreeCopied, TreeHooks } from "./copy-tree.ts";
import { offloadable } from "./engine/offload.ts";
import { invalidArgument } from "./errors.ts";
import { type Location, locate, received } from "./location.ts";
import { optionsOf, schemas } from "./options.ts";
import type { TreeEntry } from "./tree-entry.ts";

export type { TreeEntry } from "./tree-entry.ts";

/** How far the copy of a tree is. */
export interface TreeProgress {
	/** Files that are done with. */
	readonly files: number;
	/** Bytes of content that are done with, holes included. */
	readonly bytes: number;
	/** With `verify`: those of them that have been compared with the source. */
	readonly verified: number;
	/** The path that is being copied, from the source on. */
	readonly current: string;
}

/** Options of `copyTree`. */
export interface CopyTreeOptions extends CopyOptions {
	/** Files with several names in the tree are one file in the copy too. Default true. */
	hardlinks?: boolean | undefined;
	/** Asked about each entry: false leaves it out, of a directory with all that is in it. */
	filter?: ((entry: TreeEntry) => boolean) | undefined;
	/** Called at most 20 times a second, and once at the end. */
	onProgress?: ((progress: TreeProgress) => void) | undefined;
}

/** What the copy of a tree did. */
export interface CopyTreeReport extends TreeCopied {
	/** How long it took, in nanoseconds. */
	readonly durationNs: number;
}

const checkTree = optionsOf<CopyTreeOptions>("copyTree", (z) => ({
	...copyShape(z),
	hardlinks: schemas.flag(z),
	filter: schemas.callback<(entry: TreeEntry) => boolean>(z),
	onProgress: schemas.callback<(progress: TreeProgress) => void>(z),
}));

/** A filter that must say yes or no: of a promise, either would be a guess. */
function answering(filter: (entry: TreeEntry) => boolean): (entry: TreeEntry) => boolean {
	return (entry) => {
		const answer: unknown = filter(entry);
		if (typeof answer === "boolean") return answer;
		throw invalidArgument(
			"ERR_INVALID_RETURN_VALUE",
			`copyTree: the filter must return true or false. It returned ${received(answer)}`,
		);
	};
}

const operation = offloadable(
	"copyTree",
	(scope, source: Location, destination: Location, options?: CopyTreeOptions) => {
		const { signal, onProgress, filter, hardlinks = true, ...rest } = checkTree(options);
		const hooks: TreeHooks = { signal, onProgress, filter: filter && answering(filter) };
		const from = locate(scope, source, "source");
		const to = locate(scope, destination, "destination");
		return { args: [from, to, { ...copyHow(rest), hardlinks }], hooks };
	},
	() => (require("./copy-tree.ts") as typeof import("./copy-tree.ts")).copyTreeOf,
);

/**
 * Copies a directory with all that is in it: files as `copyFile` copies them, directories, symbolic
 * links as they are, fifos, sockets and devices, and several names of one file as such.
 *
 * The source itself is followed if it is a symbolic link; links inside it never are. A destination
 * that is a directory already is merged with the source. What fails stops the copy; what has been
 * copied by then stays, each file whole.
 *
 * @param source A path or `dir.at(name)` of a directory.
 * @param destination A path or `dir.at(name)`; the directory that holds it must exist.
 * @param options How to copy; see {@link CopyTreeOptions}.
 * @returns How many files of which kind, bytes, holes and by which methods, and the time it took.
 * @throws {FsError} As `copyFile`, about the entry that `path` and `dest` name; `EINVAL` if the
 * destination lies inside the source, `ENOTDIR` if the source is no directory; for an entry of
 * another kind in the destination `EISDIR`, `ENOTDIR`, `ELOOP` or `EINVAL`, by what it is.
 * @throws {AbortError} When the signal fires.
 *
 * Linux: getdents64, openat, mkdirat, linkat, symlinkat, mknodat; the promise form runs in a
 * worker.
 *
 * Windows: NtQueryDirectoryFile and NtCreateFile from the handle of each directory, and files as
 * {@link copyFile} copies them. No mode hides what is not finished: each file is made under another
 * name first.
 *
 * @example
 * ```ts
 * import { copyTree, mkdir, readFile, writeFile } from "bun-fs-extended";
 *
 * await mkdir("site/css", { recursive: true });
 * await writeFile("site/css/main.css", "body {}");
 * const { files, directories } = await copyTree("site", "backup", { preserve: "all" });
 * if (files !== 1 || directories !== 2) throw new Error("one file in two directories");
 * await readFile("backup/css/main.css");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man1/cp.1.html | cp(1)}
 */
export function copyTree(
	source: Location,
	destination: Location,
	options?: CopyTreeOptions,
): Promise<CopyTreeReport> {
	return operation.async(source, destination, options);
}

/** The synchronous form of {@link copyTree}. */
export function copyTreeSync(
	source: Location,
	destination: Location,
	options?: CopyTreeOptions,
): CopyTreeReport {
	return operation.sync(source, destination, options);
}
