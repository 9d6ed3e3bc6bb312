import type { Operation } from "./engine/operation.ts";
import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { isCode } from "./errors.ts";
import { type Location, locate } from "./location.ts";
import { system } from "./sys/index.ts";

function unlinkOperation(scope: Scope, location: Location): Operation<void> {
	return system.directory.unlink(scope, locate(scope, location));
}

/**
 * Removes the name of a file, and the file with it if that was its last and nobody has it open. A
 * symbolic link is removed itself.
 *
 * @param location A path or `dir.at(name)`.
 * @throws {FsError} `ENOENT`, `EISDIR` for a directory (`EPERM` on macOS), `EACCES`, `EPERM`,
 * `EROFS`.
 *
 * Linux: unlinkat.
 *
 * @example
 * ```ts
 * import { unlink, writeFile } from "bun-fs-extended";
 *
 * await writeFile("scratch", "");
 * await unlink("scratch");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/unlink.2.html | unlink(2)}
 */
export function unlink(location: Location): Promise<void> {
	return run(unlinkOperation, location);
}

/** The synchronous form of {@link unlink}. */
export function unlinkSync(location: Location): void {
	runSync(unlinkOperation, location);
}

function rmdirOperation(scope: Scope, location: Location): Operation<void> {
	return system.directory.rmdir(scope, locate(scope, location));
}

/**
 * Removes an empty directory.
 *
 * @param location A path or `dir.at(name)`.
 * @throws {FsError} `ENOENT`, `ENOTEMPTY`, `ENOTDIR`, `EBUSY` for a mount point, `EACCES`, `EROFS`.
 *
 * Linux: unlinkat with AT_REMOVEDIR.
 *
 * @example
 * ```ts
 * import { mkdirSync, rmdirSync } from "bun-fs-extended";
 *
 * mkdirSync("empty");
 * rmdirSync("empty");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/rmdir.2.html | rmdir(2)}
 */
export function rmdir(location: Location): Promise<void> {
	return run(rmdirOperation, location);
}

/** The synchronous form of {@link rmdir}. */
export function rmdirSync(location: Location): void {
	runSync(rmdirOperation, location);
}

function* removeOperation(scope: Scope, location: Location): Operation<void> {
	const place = locate(scope, location);
	try {
		yield* system.directory.unlink(scope, place);
	} catch (error) {
		// POSIX lets a system say either of a directory.
		if (!isCode(error, "EISDIR", "EPERM")) throw error;
		try {
			yield* system.directory.rmdir(scope, place);
		} catch (second) {
			throw isCode(second, "ENOTDIR") ? error : second;
		}
	}
}

/**
 * Removes a file, a symbolic link or an empty directory, whichever it is.
 *
 * @param location A path or `dir.at(name)`.
 * @throws {FsError} `ENOENT`, `ENOTEMPTY` for a directory with something in it, `EACCES`, `EPERM`,
 * `EROFS`.
 *
 * Linux: unlinkat, and for a directory once more with AT_REMOVEDIR.
 *
 * @example
 * ```ts
 * import { mkdir, remove } from "bun-fs-extended";
 *
 * await mkdir("empty");
 * await remove("empty");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man3/remove.3.html | remove(3)}
 */
export function remove(location: Location): Promise<void> {
	return run(removeOperation, location);
}

/** The synchronous form of {@link remove}. */
export function removeSync(location: Location): void {
	runSync(removeOperation, location);
}
