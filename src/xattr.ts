import { type Encoding, encodingSchema, nameOf, textOf } from "./encoding.ts";
import type { Operation } from "./engine/operation.ts";
import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { isBytes, plainBytes } from "./engine/view.ts";
import { invalidArgument } from "./errors.ts";
import { checkedName, subjectOf, type Target } from "./location.ts";
import { type FollowOptions, followOptions } from "./metadata.ts";
import { optionsOf, schemas } from "./options.ts";
import { received } from "./received.ts";
import { system } from "./sys/index.ts";

/** Options of `getXattr`. */
export interface GetXattrOptions extends FollowOptions {
	/** Whether the value comes as its bytes (`"buffer"`, the default) or as text (`"utf8"`). */
	encoding?: Encoding | undefined;
}

/** Options of `setXattr`. */
export interface SetXattrOptions extends FollowOptions {
	/** Fail with `EEXIST` if the attribute is there already. Default false. */
	create?: boolean | undefined;
	/** Fail with `ENODATA` if the attribute is not there yet. Default false. */
	replace?: boolean | undefined;
}

/** Options of `listXattrs`. */
export interface ListXattrsOptions extends FollowOptions {
	/** Whether the names come as text (`"utf8"`, the default) or as their bytes (`"buffer"`). */
	encoding?: Encoding | undefined;
}

const checkGet = optionsOf<GetXattrOptions>("getXattr", (z) => ({
	follow: schemas.flag(z),
	encoding: encodingSchema(z),
}));
const checkSet = optionsOf<SetXattrOptions>("setXattr", (z) => ({
	follow: schemas.flag(z),
	create: schemas.flag(z),
	replace: schemas.flag(z),
}));
const checkList = optionsOf<ListXattrsOptions>("listXattrs", (z) => ({
	follow: schemas.flag(z),
	encoding: encodingSchema(z),
}));
const checkRemove = followOptions("removeXattr");

const encoder = new TextEncoder();

function attributeName(name: string | Uint8Array): string | Uint8Array {
	const checked = checkedName(name, "name");
	if (checked.length > 0) return checked;
	throw invalidArgument("ERR_INVALID_ARG_VALUE", 'The "name" argument must not be empty');
}

function attributeValue(value: string | Uint8Array): Uint8Array {
	if (typeof value === "string") return encoder.encode(value);
	if (isBytes(value)) return plainBytes(value);
	throw invalidArgument(
		"ERR_INVALID_ARG_TYPE",
		`The "value" argument must be a string or a Uint8Array. Received ${received(value)}`,
	);
}

function* getXattrOperation(
	scope: Scope,
	target: Target,
	name: string | Uint8Array,
	options: GetXattrOptions | undefined,
): Operation<Uint8Array<ArrayBuffer> | string> {
	const { follow = true, encoding = "buffer" } = checkGet(options);
	const checked = attributeName(name);
	const value = yield* system.xattr.get(scope, subjectOf(scope, target), checked, follow);
	return encoding === "buffer" ? value : textOf(value);
}

/**
 * Reads an extended attribute, whole, also while others change it.
 *
 * @param target A path, `dir.at(name)`, a `File`, a `Dir` or a descriptor.
 * @param name The name, on Linux with its namespace: `user.…`, `trusted.…`, `security.…` or
 * `system.…`; bytes for names that are not UTF-8. At most 255 bytes on Linux.
 * @param options `encoding`: `"utf8"` for text; `follow`: false for the attribute of a link itself.
 * @returns The value: bytes, or text if asked for.
 * @throws {FsError} `ENODATA` if the file has no such attribute, `ENOENT` if there is no such file,
 * `ERANGE` for a name that is too long, `EACCES`, `EPERM`, `ENOTSUP` where the filesystem has none
 * of that kind, `EXDEV` for a name that leaves a confined directory.
 *
 * Linux: getxattr, lgetxattr, fgetxattr.
 *
 * Windows: the named stream `file:name` of NTFS and ReFS, under the whole name, so that `user.origin`
 * comes back as it was; its case does not matter. A name has at most 255 units (`ERANGE`) and no `:`,
 * `/` or `\` (`EINVAL`). Streams that others have made, such as `Zone.Identifier`, are attributes too;
 * extended attributes of the filesystem, in which WSL keeps owners and modes, are not. At most 64 MiB
 * (`E2BIG`); `EBUSY` if another program keeps it open for writing.
 *
 * @example
 * ```ts
 * import { getXattr, setXattr } from "bun-fs-extended";
 * import { writeFileSync } from "node:fs";
 *
 * writeFileSync("file", "");
 * await setXattr("file", "user.origin", "here");
 * const origin = await getXattr("file", "user.origin", { encoding: "utf8" });
 * if (origin !== "here") throw new Error(`from ${origin}`);
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/getxattr.2.html | getxattr(2)}
 */
export function getXattr(
	target: Target,
	name: string | Uint8Array,
	options: GetXattrOptions & { encoding: "utf8" },
): Promise<string>;
export function getXattr(
	target: Target,
	name: string | Uint8Array,
	options?: GetXattrOptions & { encoding?: "buffer" | undefined },
): Promise<Uint8Array<ArrayBuffer>>;
export function getXattr(
	target: Target,
	name: string | Uint8Array,
	options?: GetXattrOptions,
): Promise<Uint8Array<ArrayBuffer> | string>;
export function getXattr(
	target: Target,
	name: string | Uint8Array,
	options?: GetXattrOptions,
): Promise<Uint8Array<ArrayBuffer> | string> {
	return run(getXattrOperation, target, name, options);
}

/** The synchronous form of {@link getXattr}. */
export function getXattrSync(
	target: Target,
	name: string | Uint8Array,
	options: GetXattrOptions & { encoding: "utf8" },
): string;
export function getXattrSync(
	target: Target,
	name: string | Uint8Array,
	options?: GetXattrOptions & { encoding?: "buffer" | undefined },
): Uint8Array<ArrayBuffer>;
export function getXattrSync(
	target: Target,
	name: string | Uint8Array,
	options?: GetXattrOptions,
): Uint8Array<ArrayBuffer> | string;
export function getXattrSync(
	target: Target,
	name: string | Uint8Array,
	options?: GetXattrOptions,
): Uint8Array<ArrayBuffer> | string {
	return runSync(getXattrOperation, target, name, options);
}

function setXattrOperation(
	scope: Scope,
	target: Target,
	name: string | Uint8Array,
	value: string | Uint8Array,
	options: SetXattrOptions | undefined,
) {
	const { create = false, replace = false, follow = true } = checkSet(options);
	if (create && replace) {
		throw invalidArgument(
			"ERR_INVALID_ARG_VALUE",
			'setXattr: options "create" and "replace" exclude each other',
		);
	}
	const how = create ? "create" : replace ? "replace" : "either";
	const checked = attributeName(name);
	const content = attributeValue(value);
	return system.xattr.set(scope, subjectOf(scope, target), checked, content, how, follow);
}

/**
 * Sets an extended attribute, all of it or nothing.
 *
 * @param target A path, `dir.at(name)`, a `File`, a `Dir` or a descriptor.
 * @param name The name, as in {@link getXattr}.
 * @param value The value: bytes, or text that is kept as UTF-8. It may be empty. Linux takes 64 KiB
 * at most, and most filesystems less.
 * @param options `create` or `replace`: only if it is not there, or is; `follow`: false for the
 * attribute of a link itself, which cannot be of the `user.` kind.
 * @throws {FsError} `EEXIST` with `create`, `ENODATA` with `replace`, `ENOENT`, `E2BIG` for a value
 * of more than 64 KiB, `ENOSPC` or `EDQUOT` for more than the filesystem has room for, `ERANGE` for
 * a name that is too long, `EACCES`, `EPERM`, `EROFS`, `ENOTSUP`, `EXDEV`.
 *
 * Linux: setxattr, lsetxattr, fsetxattr.
 *
 * Windows: the named stream is opened for nobody else and written, after room has been made for the
 * value; who reads by this library sees the old value or the new. A loss of power meanwhile can leave a
 * part of it. At most 64 MiB (`E2BIG`); `EPERM` for a read-only file; the file's mtime changes.
 *
 * @example
 * ```ts
 * import { setXattr } from "bun-fs-extended";
 * import { writeFileSync } from "node:fs";
 *
 * writeFileSync("file", "");
 * await setXattr("file", "user.seen", "1", { create: true });
 * const again = setXattr("file", "user.seen", "2", { create: true });
 * const code = await again.then(() => "none", (error) => error.code);
 * if (code !== "EEXIST") throw new Error(`${code} instead of EEXIST`);
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/setxattr.2.html | setxattr(2)}
 */
export function setXattr(
	target: Target,
	name: string | Uint8Array,
	value: string | Uint8Array,
	options?: SetXattrOptions,
): Promise<void> {
	return run(setXattrOperation, target, name, value, options);
}

/** The synchronous form of {@link setXattr}. */
export function setXattrSync(
	target: Target,
	name: string | Uint8Array,
	value: string | Uint8Array,
	options?: SetXattrOptions,
): void {
	runSync(setXattrOperation, target, name, value, options);
}

function* listXattrsOperation(
	scope: Scope,
	target: Target,
	options: ListXattrsOptions | undefined,
): Operation<string[] | Uint8Array<ArrayBuffer>[]> {
	const { follow = true, encoding = "utf8" } = checkList(options);
	const names = yield* system.xattr.list(scope, subjectOf(scope, target), follow);
	return encoding === "buffer" ? names : names.map(nameOf);
}

/**
 * Lists the names of the extended attributes of a file, in no particular order.
 *
 * @param target A path, `dir.at(name)`, a `File`, a `Dir` or a descriptor.
 * @param options `encoding`: `"buffer"` for names as bytes, which need not be UTF-8; `follow`: false
 * for the attributes of a link itself.
 * @returns The names that this process may see; none where the filesystem has no attributes but
 * says so by an empty list.
 * @throws {FsError} `ENOENT`, `EACCES`, `E2BIG` if the names take more than 64 KiB, `ENOTSUP`,
 * `EXDEV` for a name that leaves a confined directory.
 *
 * Linux: listxattr, llistxattr, flistxattr. Names in `trusted.` are listed for root alone.
 *
 * Windows: FileStreamInformation: all named streams, and not the content; `ENOTSUP` on FAT.
 *
 * @example
 * ```ts
 * import { listXattrs, setXattr } from "bun-fs-extended";
 * import { writeFileSync } from "node:fs";
 *
 * writeFileSync("file", "");
 * await setXattr("file", "user.seen", "1");
 * const names = await listXattrs("file");
 * if (!names.includes("user.seen")) throw new Error(`only ${names}`);
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/listxattr.2.html | listxattr(2)}
 */
export function listXattrs(
	target: Target,
	options: ListXattrsOptions & { encoding: "buffer" },
): Promise<Uint8Array<ArrayBuffer>[]>;
export function listXattrs(
	target: Target,
	options?: ListXattrsOptions & { encoding?: "utf8" | undefined },
): Promise<string[]>;
export function listXattrs(
	target: Target,
	options?: ListXattrsOptions,
): Promise<string[] | Uint8Array<ArrayBuffer>[]>;
export function listXattrs(
	target: Target,
	options?: ListXattrsOptions,
): Promise<string[] | Uint8Array<ArrayBuffer>[]> {
	return run(listXattrsOperation, target, options);
}

/** The synchronous form of {@link listXattrs}. */
export function listXattrsSync(
	target: Target,
	options: ListXattrsOptions & { encoding: "buffer" },
): Uint8Array<ArrayBuffer>[];
export function listXattrsSync(
	target: Target,
	options?: ListXattrsOptions & { encoding?: "utf8" | undefined },
): string[];
export function listXattrsSync(
	target: Target,
	options?: ListXattrsOptions,
): string[] | Uint8Array<ArrayBuffer>[];
export function listXattrsSync(
	target: Target,
	options?: ListXattrsOptions,
): string[] | Uint8Array<ArrayBuffer>[] {
	return runSync(listXattrsOperation, target, options);
}

function removeXattrOperation(
	scope: Scope,
	target: Target,
	name: string | Uint8Array,
	options: FollowOptions | undefined,
) {
	const { follow = true } = checkRemove(options);
	const checked = attributeName(name);
	return system.xattr.remove(scope, subjectOf(scope, target), checked, follow);
}

/**
 * Removes an extended attribute.
 *
 * @param target A path, `dir.at(name)`, a `File`, a `Dir` or a descriptor.
 * @param name The name, as in {@link getXattr}.
 * @param options `follow`: false for the attribute of a link itself.
 * @throws {FsError} `ENODATA` if the file has no such attribute, `ENOENT`, `ERANGE`, `EACCES`,
 * `EPERM`, `EROFS`, `ENOTSUP`, `EXDEV`.
 *
 * Linux: removexattr, lremovexattr, fremovexattr.
 *
 * Windows: FileDispositionInformationEx of the named stream.
 *
 * @example
 * ```ts
 * import { listXattrs, removeXattr, setXattr } from "bun-fs-extended";
 * import { writeFileSync } from "node:fs";
 *
 * writeFileSync("file", "");
 * await setXattr("file", "user.seen", "1");
 * await removeXattr("file", "user.seen");
 * if ((await listXattrs("file")).includes("user.seen")) throw new Error("still there");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/removexattr.2.html | removexattr(2)}
 */
export function removeXattr(
	target: Target,
	name: string | Uint8Array,
	options?: FollowOptions,
): Promise<void> {
	return run(removeXattrOperation, target, name, options);
}

/** The synchronous form of {@link removeXattr}. */
export function removeXattrSync(
	target: Target,
	name: string | Uint8Array,
	options?: FollowOptions,
): void {
	runSync(removeXattrOperation, target, name, options);
}
