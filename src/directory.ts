import { nameOf } from "./encoding.ts";
import type { Batches, Operation } from "./engine/operation.ts";
import { iterate, iterateSync, run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { isCode } from "./errors.ts";
import { At, checkedName, descriptorOf, Handle, type Location, locate } from "./location.ts";
import { optionsOf, schemas } from "./options.ts";
import { system } from "./sys/index.ts";
import { type FileKind, ITSELF, type Metadata } from "./sys/metadata.ts";
import type { DirectoryRecord } from "./sys/system.ts";

/** Options of `openDir`. */
export interface OpenDirOptions {
	/**
	 * Confine what is reached through this directory to what lies in it: `..`, absolute paths and
	 * symbolic links that lead out give `EXDEV`, whoever changes what meanwhile. Default false.
	 */
	beneath?: boolean | undefined;
}

/** Options of `Dir.entries`. */
export interface EntriesOptions {
	/** Look up the metadata of each entry, of links themselves. Default false. */
	metadata?: boolean | undefined;
	/** What names are: text (`"utf8"`, the default) or bytes (`"buffer"`). */
	encoding?: "utf8" | "buffer" | undefined;
}

/**
 * One entry of a directory, as `dir.entries()` gives it.
 *
 * @example
 * ```ts
 * import { chmodSync, openDirSync } from "bun-fs-extended";
 * import { writeFileSync } from "node:fs";
 *
 * writeFileSync("secret", "");
 * using dir = openDirSync(".");
 * for (const entry of dir.entriesSync({ metadata: true })) {
 *   if (!entry.isFile() || entry.metadata?.size !== 0) throw new Error("an empty file");
 *   chmodSync(entry.location, 0o600);
 * }
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/getdents.2.html | getdents64(2)}
 */
export class DirEntry<Name extends string | Uint8Array = string> {
	/** @internal */
	constructor(
		/** Its name, without the directory. */
		readonly name: Name,
		/** What it is; of a symbolic link, that it is one. */
		readonly kind: FileKind,
		/** The inode number, as the directory has it. */
		readonly ino: bigint,
		/** Where it is, for the functions of this library. */
		readonly location: At,
		/** What is known about it, if `entries` was asked for that. */
		readonly metadata: Metadata | undefined,
	) {}

	/** True for a regular file. */
	isFile(): boolean {
		return this.kind === "file";
	}

	/** True for a directory. */
	isDirectory(): boolean {
		return this.kind === "directory";
	}

	/** True for a symbolic link, whatever it leads to. */
	isSymbolicLink(): boolean {
		return this.kind === "symlink";
	}
}

const checkOpenDir = optionsOf<OpenDirOptions>("openDir", (z) => ({ beneath: schemas.flag(z) }));
const checkEntries = optionsOf<EntriesOptions>("entries", (z) => ({
	metadata: schemas.flag(z),
	encoding: schemas.choice(z, "utf8", "buffer"),
}));
const DIRECTORY = { read: true, directory: true } as const;

function* openDirOperation(scope: Scope, location: Location, options: OpenDirOptions | undefined) {
	const place = locate(scope, location);
	// What is reached through a confined directory stays confined.
	const { beneath = place.beneath } = checkOpenDir(options);
	return new Dir(yield* system.file.open(scope, place, DIRECTORY), beneath || place.beneath);
}

/**
 * Opens a directory, to list it and to reach what is in it by name.
 *
 * Names looked up through an open directory (`dir.at("a/b")`) mean the same files even when the
 * directory is renamed or its path leads elsewhere by then.
 *
 * @param location A path or `dir.at(name)`.
 * @param options `beneath`: confine every name to what lies in the directory.
 * @returns The open directory; close it, or declare it with `await using`.
 * @throws {FsError} `ENOENT`, `ENOTDIR`, `EACCES`, `EMFILE`.
 *
 * Linux: openat2; confined names are walked by the kernel with RESOLVE_BENEATH.
 *
 * @example
 * ```ts
 * import { openDir, stat } from "bun-fs-extended";
 *
 * await using dir = await openDir(".", { beneath: true });
 * const error = await stat(dir.at("../outside")).catch((reason) => reason);
 * if (error.code !== "EXDEV") throw new Error("it leads out");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/openat2.2.html | openat2(2)}
 */
export function openDir(location: Location, options?: OpenDirOptions): Promise<Dir> {
	return run(openDirOperation, location, options);
}

/** The synchronous form of {@link openDir}. */
export function openDirSync(location: Location, options?: OpenDirOptions): Dir {
	return runSync(openDirOperation, location, options);
}

/**
 * An open directory.
 *
 * @example
 * ```ts
 * import { openDirSync } from "bun-fs-extended";
 *
 * using dir = openDirSync("/etc");
 * for (const { name, kind } of dir.entriesSync()) console.log(kind, name);
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/openat2.2.html | openat2(2)}
 */
export class Dir extends Handle {
	/** @internal */
	constructor(
		handle: number,
		/** Whether names are confined to what lies in the directory. */
		readonly beneath: boolean,
	) {
		super(handle);
	}

	/** A name in this directory: a location for every function that takes one. */
	at(name: string | Uint8Array): At {
		return new At(descriptorOf(this), checkedName(name, "name"), this.beneath);
	}

	/**
	 * The entries, without `.` and `..`, in the order in which the filesystem has them. Each call
	 * begins anew. What is made or removed meanwhile may or may not be among them.
	 */
	entries(
		options: EntriesOptions & { encoding: "buffer" },
	): AsyncGenerator<DirEntry<Uint8Array<ArrayBuffer>>>;
	entries(options?: EntriesOptions): AsyncGenerator<DirEntry>;
	entries(options?: EntriesOptions): AsyncGenerator<DirEntry<never>> {
		return iterate("entries", listing(this, options)) as AsyncGenerator<DirEntry<never>>;
	}

	/** The synchronous form of `entries`. */
	entriesSync(
		options: EntriesOptions & { encoding: "buffer" },
	): Generator<DirEntry<Uint8Array<ArrayBuffer>>>;
	entriesSync(options?: EntriesOptions): Generator<DirEntry>;
	entriesSync(options?: EntriesOptions): Generator<DirEntry<never>> {
		return iterateSync("entries", listing(this, options)) as Generator<DirEntry<never>>;
	}

	/** What the system knows about the directory; see `stat`. */
	stat(): Promise<Metadata> {
		return run(statOperation, this);
	}

	/** The synchronous form of `stat`. */
	statSync(): Metadata {
		return runSync(statOperation, this);
	}
}

function statOperation(scope: Scope, dir: Dir): Operation<Metadata> {
	return system.metadata.stat(scope, scope.hold(descriptorOf(dir)), ITSELF);
}

/** The entries of a directory in batches, through a descriptor of their own. */
function listing(dir: Dir, options: EntriesOptions | undefined) {
	return function* (scope: Scope): Operation<Batches<DirEntry<string | Uint8Array>>> {
		const { metadata = false, encoding = "utf8" } = checkEntries(options);
		const place = locate(scope, new At(descriptorOf(dir), ".", dir.beneath));
		const handle = yield* system.file.open(scope, place, DIRECTORY);
		return {
			*next(scope) {
				const records = yield* system.directory.read(scope, handle);
				const entries = [];
				for (const record of records) {
					const entry = yield* describe(scope, dir, handle, record, metadata, encoding);
					if (entry !== undefined) entries.push(entry);
				}
				return records.length === 0 ? undefined : entries;
			},
			*close(scope) {
				yield* system.file.close(scope, handle);
			},
		};
	};
}

/** An entry as the caller sees it; undefined for one that has gone meanwhile. */
function* describe(
	scope: Scope,
	dir: Dir,
	handle: number,
	{ name, kind, ino }: DirectoryRecord,
	wanted: boolean,
	encoding: "utf8" | "buffer",
): Operation<DirEntry<string | Uint8Array> | undefined> {
	let metadata: Metadata | undefined;
	if (wanted || kind === undefined) {
		const mark = scope.mark();
		try {
			const place = { directory: handle, path: name, beneath: false };
			metadata = yield* system.metadata.stat(scope, place, ITSELF);
		} catch (error) {
			if (isCode(error, "ENOENT")) return undefined;
			throw error;
		} finally {
			scope.release(mark);
		}
	}
	const shown = encoding === "buffer" ? name.slice() : nameOf(name);
	const found = metadata?.kind ?? kind ?? "unknown";
	return new DirEntry(shown, found, ino, dir.at(name), wanted ? metadata : undefined);
}
