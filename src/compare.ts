import { offloadable } from "./engine/offload.ts";
import type { Scope } from "./engine/scope.ts";
import { type Location, locate } from "./location.ts";
import { optionsOf, schemas } from "./options.ts";
import type { Place } from "./sys/system.ts";

/** The kinds of difference that can be left out of account. */
export const ignorable = [
	"missing",
	"extra",
	"kind",
	"content",
	"holes",
	"target",
	"device",
	"mode",
	"owner",
	"mtime",
	"xattrs",
	"hardlinks",
] as const;

/** What two trees can differ in; `"unreadable"` is an entry that could not be compared. */
export type DifferenceKind = (typeof ignorable)[number] | "unreadable";

/** One thing in which the second tree differs from the first. */
export interface Difference {
	/** The path inside both trees; `"."` for their roots. */
	readonly path: string;
	/** The path as it is, where it is not UTF-8 and `path` shows it with replacement characters. */
	readonly pathBytes?: Uint8Array;
	/** The kind of difference, by which it can be ignored. */
	readonly what: DifferenceKind;
	/** How they differ, in words. */
	readonly detail: string;
}

/** How far `compareTrees` is. */
export interface CompareProgress {
	/** Entries that have been compared. */
	readonly files: number;
	/** Bytes of content that have been compared. */
	readonly bytes: number;
	/** The path inside the trees that is being compared. */
	readonly current: string;
}

/** Options of `compareTrees`. */
export interface CompareOptions {
	/** Kinds of difference that do not count: they are not looked for. */
	ignore?: readonly (typeof ignorable)[number][] | undefined;
	/** Called at most 20 times a second while it goes on, and once when all is done. */
	onProgress?: ((progress: CompareProgress) => void) | undefined;
	/** Gives up when it fires. */
	signal?: AbortSignal | undefined;
}

/** What `compareTrees` found. */
export interface CompareReport {
	/** True when there is no difference. */
	readonly equal: boolean;
	/** Regular files compared; a file of several names counts once for each. */
	readonly files: number;
	/** Directories compared, the roots included. */
	readonly directories: number;
	/** Symbolic links compared, by what they say. */
	readonly symlinks: number;
	/** Fifos, sockets and devices. */
	readonly others: number;
	/** Bytes of content compared, holes included; a file of several names counts once. */
	readonly bytes: number;
	/** The differences, in the order of the paths within each directory. */
	readonly differences: readonly Difference[];
	/** How long it took, in nanoseconds. */
	readonly durationNs: number;
}

const checkOptions = optionsOf<CompareOptions>("compareTrees", (z) => ({
	ignore: z.optional(z.readonly(z.array(z.enum(ignorable)))),
	onProgress: schemas.callback<(progress: CompareProgress) => void>(z),
	signal: schemas.signal(z),
}));

function prepare(scope: Scope, first: Location, second: Location, options?: CompareOptions) {
	const { ignore = [], onProgress, signal } = checkOptions(options);
	const places = [locate(scope, first, "first"), locate(scope, second, "second")] as const;
	const args: [Place, Place, readonly string[]] = [...places, [...ignore]];
	return { args, hooks: { onProgress, signal } };
}

const { sync, async } = offloadable(
	"compareTrees",
	prepare,
	() => (require("./compare-walk.ts") as typeof import("./compare-walk.ts")).compareOperation,
);

/**
 * Compares two trees, or two files, entry by entry: content, kind, permissions, owner, modification
 * time to the nanosecond, extended attributes (access control lists among them), targets of
 * symbolic links, numbers of devices, which names are links to one file, and whether the second has
 * lost holes of the first.
 *
 * Not compared: times of access, change and birth, and the allocation of what is no hole. An entry
 * that cannot be read counts as a difference. The roots are followed if they are symbolic links.
 *
 * @param first The original: a path or `dir.at(name)`.
 * @param second What is compared with it.
 * @param options `ignore`: kinds of difference that do not count; `onProgress`; `signal`.
 * @returns Whether they are equal, how much was compared, and every difference.
 * @throws {FsError} `ENOENT` or `EACCES` when one of the roots itself cannot be read.
 * @throws {AbortError} When the signal fires.
 *
 * The promise form runs as a whole on a worker. Linux: getdents64, statx, pread64; holes by lseek
 * with SEEK_HOLE, so that what is a hole in both trees is not read. Windows: NtQueryDirectoryFile,
 * NtReadFile; holes by FSCTL_QUERY_ALLOCATED_RANGES.
 *
 * @example
 * ```ts
 * import { compareTrees, mkdirSync, writeFileSync } from "bun-fs-extended";
 *
 * for (const name of ["one", "two"]) {
 *   mkdirSync(name);
 *   writeFileSync(`${name}/file`, name);
 * }
 * const { equal, differences } = await compareTrees("one", "two", { ignore: ["mtime"] });
 * if (equal || differences[0]?.what !== "content") throw new Error("the content differs");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/lseek.2.html | lseek(2)}
 */
export function compareTrees(
	first: Location,
	second: Location,
	options?: CompareOptions,
): Promise<CompareReport> {
	return async(first, second, options);
}

/** The synchronous form of {@link compareTrees}. */
export function compareTreesSync(
	first: Location,
	second: Location,
	options?: CompareOptions,
): CompareReport {
	return sync(first, second, options);
}
