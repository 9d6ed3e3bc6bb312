import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { type Location, locate } from "./location.ts";
import { optionsOf, schemas } from "./options.ts";
import { system } from "./sys/index.ts";

/** Options of `link`. */
export interface LinkOptions {
	/** If `existing` is a symbolic link: name the file it leads to, or the link (the default). */
	follow?: boolean | undefined;
}

const checkLink = optionsOf<LinkOptions>("link", (z) => ({ follow: schemas.flag(z) }));

function linkOperation(
	scope: Scope,
	existing: Location,
	location: Location,
	options: LinkOptions | undefined,
) {
	const { follow = false } = checkLink(options);
	const from = locate(scope, existing, "existing");
	return system.hardlink.link(scope, from, locate(scope, location, "location"), follow);
}

/**
 * Gives a file one more name, in the same filesystem.
 *
 * @param existing A name that the file has: a path or `dir.at(name)`.
 * @param location The name to give it, which must not exist.
 * @param options `follow`: true names what a symbolic link leads to; false, the default, names the
 * link itself.
 * @throws {FsError} `EEXIST` if the new name exists, `ENOENT` if the old one does not, `EXDEV` for
 * another filesystem or a name that leaves a confined directory, `EPERM` for a directory, `EMLINK`
 * for too many names, `EROFS`.
 *
 * Linux: linkat.
 *
 * Windows: FileLinkInformation, on NTFS and ReFS (Windows Server 2022); `ENOTSUP` or `EINVAL` on FAT.
 *
 * @example
 * ```ts
 * import { link, stat } from "bun-fs-extended";
 * import { writeFileSync } from "node:fs";
 *
 * writeFileSync("one", "");
 * await link("one", "two");
 * if ((await stat("two")).nlink !== 2) throw new Error("not two names");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/link.2.html | link(2)}
 */
export function link(existing: Location, location: Location, options?: LinkOptions): Promise<void> {
	return run(linkOperation, existing, location, options);
}

/** The synchronous form of {@link link}. */
export function linkSync(existing: Location, location: Location, options?: LinkOptions): void {
	runSync(linkOperation, existing, location, options);
}
