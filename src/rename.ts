import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { invalidArgument } from "./errors.ts";
import { type Location, locate } from "./location.ts";
import { optionsOf, schemas } from "./options.ts";
import { system } from "./sys/index.ts";

/** Options of `rename`, of which at most one can be true. */
export interface RenameOptions {
	/** Fail with `EEXIST` if the new name exists, in one step with the renaming. */
	noReplace?: boolean | undefined;
	/** Swap the two names, both of which must exist, in one step. */
	exchange?: boolean | undefined;
	/** Leave a whiteout of an overlay filesystem at the old name (Linux). */
	whiteout?: boolean | undefined;
}

const checkRename = optionsOf<RenameOptions>("rename", (z) => ({
	noReplace: schemas.flag(z),
	exchange: schemas.flag(z),
	whiteout: schemas.flag(z),
}));

const ways = ["noReplace", "exchange", "whiteout"] as const;

function wayOf(options: RenameOptions | undefined): (typeof ways)[number] | "replace" {
	const checked = checkRename(options);
	const [first, second] = ways.filter((way) => checked[way] === true);
	if (second === undefined) return first ?? "replace";
	throw invalidArgument(
		"ERR_INVALID_ARG_VALUE",
		`rename: options "${first}" and "${second}" exclude each other`,
	);
}

function renameOperation(
	scope: Scope,
	from: Location,
	to: Location,
	options: RenameOptions | undefined,
) {
	const how = wayOf(options);
	const source = locate(scope, from, "from");
	return system.rename.rename(scope, source, locate(scope, to, "to"), how);
}

/**
 * Renames a file or directory within a filesystem, in one step for everyone who looks.
 *
 * @param from The name it has: a path or `dir.at(name)`.
 * @param to The name to give it. A file there is replaced, and so is an empty directory by a
 * directory.
 * @param options `noReplace`, `exchange` or `whiteout`, at most one of them.
 * @throws {FsError} `ENOENT`, `EEXIST` with `noReplace`, `EXDEV` for another filesystem or a name
 * that leaves a confined directory, `ENOTEMPTY`, `EISDIR` or `ENOTDIR` for what cannot be replaced,
 * `EINVAL` for a directory moved into itself, `EPERM` or `EACCES`, `ENOTSUP` where the filesystem
 * lacks the option.
 *
 * Linux: renameat2; a filesystem that lacks an option cannot be told from a directory moved into
 * itself, so that directories get `EINVAL` where files get `ENOTSUP`.
 *
 * Windows: FileRenameInformationEx, by which a file that is open or read-only is replaced too (NTFS,
 * Windows 10 1809); else FileRenameInformation, which replaces neither, and no directory. `exchange`
 * and `whiteout` are `ENOTSUP`. Of two names of one file the new one stays; a directory in which
 * something is open is `EPERM` or `EBUSY`.
 *
 * @example
 * ```ts
 * import { rename } from "bun-fs-extended";
 * import { readFileSync, writeFileSync } from "node:fs";
 *
 * writeFileSync("a", "1");
 * writeFileSync("b", "2");
 * await rename("a", "b", { exchange: true });
 * if (readFileSync("a", "utf8") !== "2") throw new Error("not exchanged");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/rename.2.html | rename(2)}
 */
export function rename(from: Location, to: Location, options?: RenameOptions): Promise<void> {
	return run(renameOperation, from, to, options);
}

/** The synchronous form of {@link rename}. */
export function renameSync(from: Location, to: Location, options?: RenameOptions): void {
	runSync(renameOperation, from, to, options);
}
