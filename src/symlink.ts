import { type Encoding, encodingSchema, nameOf } from "./encoding.ts";
import type { Operation } from "./engine/operation.ts";
import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { checkedName, type Location, locate } from "./location.ts";
import { optionsOf, schemas } from "./options.ts";
import { system } from "./sys/index.ts";

/** Options of `symlink`. */
export interface SymlinkOptions {
	/**
	 * What kind of link Windows is to make; other systems have one kind. `"auto"`, the default,
	 * looks at what is there.
	 */
	type?: "auto" | "file" | "dir" | "junction" | undefined;
}

/** Options of `readlink`. */
export interface ReadlinkOptions {
	/** Whether the target comes as text (`"utf8"`, the default) or as its bytes (`"buffer"`). */
	encoding?: Encoding | undefined;
}

const checkSymlink = optionsOf<SymlinkOptions>("symlink", (z) => ({
	type: schemas.choice(z, "auto", "file", "dir", "junction"),
}));
const checkReadlink = optionsOf<ReadlinkOptions>("readlink", (z) => ({
	encoding: encodingSchema(z),
}));

function symlinkOperation(
	scope: Scope,
	target: string | Uint8Array | URL,
	location: Location,
	options: SymlinkOptions | undefined,
) {
	const { type = "auto" } = checkSymlink(options);
	const text =
		target instanceof URL ? locate(scope, target, "target").path : checkedName(target, "target");
	return system.symlink.symlink(scope, text, locate(scope, location, "location"), type);
}

/**
 * Makes a symbolic link.
 *
 * @param target What the link says: a path of any kind, kept as it is. A relative one starts from
 * the directory of the link. It need not exist.
 * @param location Where the link is made: a path or `dir.at(name)`, which must not exist.
 * @param options `type`: the kind of link on Windows.
 * @throws {FsError} `EEXIST`, `ENOENT` if the directory of the link is not there or `target` is
 * empty, `ENAMETOOLONG`, `EXDEV` for a location that leaves a confined directory (the target may),
 * `EPERM` where the filesystem has no links, `EROFS`.
 *
 * Linux: symlinkat.
 *
 * Windows: CreateSymbolicLinkW, which takes developer mode or a process that runs as administrator
 * (else `EPERM`, whose message says how to turn it on). A link is for a file or for a directory: with
 * `type: "auto"` for what the target is, seen from the directory of the link, and for a file if there is
 * nothing. `/` in the target becomes `\`. `type: "junction"` (FSCTL_SET_REPARSE_POINT) takes no privilege
 * and leads to a directory on a drive of this machine; a relative target of it is made absolute.
 *
 * @example
 * ```ts
 * import { readlinkSync, symlinkSync } from "bun-fs-extended";
 *
 * symlinkSync("../elsewhere", "link");
 * if (readlinkSync("link") !== "../elsewhere") throw new Error("another target");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/symlink.2.html | symlink(2)}
 */
export function symlink(
	target: string | Uint8Array | URL,
	location: Location,
	options?: SymlinkOptions,
): Promise<void> {
	return run(symlinkOperation, target, location, options);
}

/** The synchronous form of {@link symlink}. */
export function symlinkSync(
	target: string | Uint8Array | URL,
	location: Location,
	options?: SymlinkOptions,
): void {
	runSync(symlinkOperation, target, location, options);
}

function* readlinkOperation(
	scope: Scope,
	location: Location,
	options: ReadlinkOptions | undefined,
): Operation<string | Uint8Array<ArrayBuffer>> {
	const { encoding = "utf8" } = checkReadlink(options);
	const target = yield* system.symlink.readlink(scope, locate(scope, location));
	return encoding === "buffer" ? target : nameOf(target);
}

/**
 * Reads what a symbolic link says.
 *
 * @param location The link: a path or `dir.at(name)`.
 * @param options `encoding`: `"buffer"` for the bytes, which need not be UTF-8.
 * @returns The target as it was given, of any length.
 * @throws {FsError} `EINVAL` if it is not a symbolic link, `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`,
 * `EXDEV` for a location that leaves a confined directory.
 *
 * Linux: readlinkat.
 *
 * Windows: FSCTL_GET_REPARSE_POINT, of symbolic links and of junctions; shown as Node does, without the
 * `\??\` that the system puts before a drive.
 *
 * @example
 * ```ts
 * import { readlink, symlink } from "bun-fs-extended";
 *
 * await symlink(new Uint8Array([0xff]), "link");
 * const target = await readlink("link", { encoding: "buffer" });
 * if (target[0] !== 0xff) throw new Error("another target");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/readlink.2.html | readlink(2)}
 */
export function readlink(
	location: Location,
	options: ReadlinkOptions & { encoding: "buffer" },
): Promise<Uint8Array<ArrayBuffer>>;
export function readlink(
	location: Location,
	options?: ReadlinkOptions & { encoding?: "utf8" | undefined },
): Promise<string>;
export function readlink(
	location: Location,
	options?: ReadlinkOptions,
): Promise<string | Uint8Array<ArrayBuffer>>;
export function readlink(
	location: Location,
	options?: ReadlinkOptions,
): Promise<string | Uint8Array<ArrayBuffer>> {
	return run(readlinkOperation, location, options);
}

/** The synchronous form of {@link readlink}. */
export function readlinkSync(
	location: Location,
	options: ReadlinkOptions & { encoding: "buffer" },
): Uint8Array<ArrayBuffer>;
export function readlinkSync(
	location: Location,
	options?: ReadlinkOptions & { encoding?: "utf8" | undefined },
): string;
export function readlinkSync(
	location: Location,
	options?: ReadlinkOptions,
): string | Uint8Array<ArrayBuffer>;
export function readlinkSync(
	location: Location,
	options?: ReadlinkOptions,
): string | Uint8Array<ArrayBuffer> {
	return runSync(readlinkOperation, location, options);
}
