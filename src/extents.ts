import { named } from "./engine/observer.ts";
import { divisible } from "./engine/offload.ts";
import type { Operation } from "./engine/operation.ts";
import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { type Found, find, Walk } from "./extent-walk.ts";
import type { Target } from "./location.ts";
import { optionsOf, schemas } from "./options.ts";
import { closeAfter } from "./replace.ts";
import { system } from "./sys/index.ts";
import type { Extent, MappedExtent } from "./sys/system.ts";
import { checkRange, openTarget, refusal } from "./target-file.ts";

export type { Extent, MappedExtent } from "./sys/system.ts";

/** Options of `extents`. */
export interface ExtentsOptions {
	/** Where to begin, in bytes. Default 0. */
	offset?: number | undefined;
	/**
	 * Bytes, at least 1. Default: up to the end of the file. With `physical`, what is reserved past the
	 * end is told as well, as far as the range reaches.
	 */
	length?: number | undefined;
	/** Tell where the filesystem keeps each extent, and how. Default false. */
	physical?: boolean | undefined;
}

const checkExtents = optionsOf<ExtentsOptions>("extents", (z) => ({
	offset: schemas.integer(z),
	length: schemas.integer(z, 1),
	physical: schemas.flag(z),
}));

const EXTENTS = { syscall: "lseek", access: "read", onPipe: "ESPIPE", onDevice: "ENODEV" } as const;

function* extentsOperation(
	scope: Scope,
	target: Target,
	options: ExtentsOptions | undefined,
): Operation<Walk> {
	const { offset: from = 0, length, physical = false } = checkExtents(options);
	if (length !== undefined) checkRange(from, length);
	const { handle, metadata, path } = yield* openTarget(scope, target, EXTENTS);
	const { size, kind } = metadata;
	if (kind !== "file") throw refusal(kind, EXTENTS);
	let own = path === undefined ? undefined : handle;
	// To ask where data begins moves the position, from which the caller may be reading on.
	if (own === undefined && !physical) own = yield* system.extents.reopen(scope, handle);
	const stop = length === undefined ? size : from + length;
	const end = physical ? stop : Math.min(stop, size);
	return new Walk({ target, own, path, physical, from, end, size });
}

/** Each call costs less than the way to a worker and back, so a worker makes many of them. */
const further = divisible(
	"extents",
	(scope, walk: Walk) => {
		let found: Found = [];
		const take = (_part: number, result: Found) => {
			found = result;
		};
		return { parts: [[walk.question(scope)]], take, whole: () => found };
	},
	() => (scope, _hooks, question) => find(scope, question),
);

const finish = named("extents", function* (scope: Scope, walk: Walk): Operation<void> {
	const { own } = walk.course;
	if (own !== undefined) yield* closeAfter(scope, own, walk.ended);
});

/**
 * Goes through the data and the holes of a file, in order, without gaps or overlaps.
 *
 * @param target A path, `dir.at(name)`, a `File` or a descriptor, of a regular file.
 * @param options `offset` and `length` of the range in bytes, by default to the end of the file;
 * `physical`: tell where on the device each extent is, and whether its blocks are shared, unwritten
 * or encoded.
 * @returns The extents, each as long as can be. A hole reads as zeros that nobody has written. It may
 * have blocks reserved for it, which `physical` shows as `unwritten`. Of a file that changes meanwhile
 * some of what is told may be as it was before; data that has been there throughout is never told as a
 * hole.
 * @throws {FsError} When the first extent is asked for: `ENOENT`, `EACCES`, `EBADF`, `EISDIR` for a
 * directory, `ESPIPE` for a pipe, `ENODEV` for a device, `ENOTSUP` with `physical` where the
 * filesystem does not tell, `EXDEV` for a name that leaves a confined directory.
 *
 * Linux: SEEK_DATA and SEEK_HOLE on a description of its own, so no position moves; what a filesystem
 * cannot tell apart is data. `physical` is FIEMAP with FIEMAP_FLAG_SYNC, which writes the file to the
 * device first.
 *
 * Windows: FSCTL_QUERY_ALLOCATED_RANGES; what is reserved and not written is data. `physical` is
 * FSCTL_GET_RETRIEVAL_POINTERS, on ReFS with the counts of those that share, and counts from the start
 * of the volume: on NTFS and ReFS alone. `unwritten` is what is past the end of the file.
 *
 * @example
 * ```ts
 * import { extents, open } from "bun-fs-extended";
 *
 * await using file = await open("sparse", "w+");
 * await file.writeAt("at the end of a hole", 1024 * 1024);
 * let end = 0;
 * for await (const { kind, offset, length } of extents(file)) {
 *   if (offset !== end) throw new Error("a gap");
 *   console.log(kind, offset, length);
 *   end = offset + length;
 * }
 * if (end !== 1024 * 1024 + 20) throw new Error("not the whole file");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/lseek.2.html | lseek(2)}
 */
export function extents(
	target: Target,
	options: ExtentsOptions & { physical: true },
): AsyncGenerator<MappedExtent>;
export function extents(target: Target, options?: ExtentsOptions): AsyncGenerator<Extent>;
export async function* extents(
	target: Target,
	options?: ExtentsOptions,
): AsyncGenerator<Extent | MappedExtent> {
	const walk = await run(extentsOperation, target, options);
	try {
		while (!walk.ended) yield* walk.take(await further.async(walk));
	} finally {
		await run(finish, walk);
	}
}

/** The synchronous form of {@link extents}. */
export function extentsSync(
	target: Target,
	options: ExtentsOptions & { physical: true },
): Generator<MappedExtent>;
export function extentsSync(target: Target, options?: ExtentsOptions): Generator<Extent>;
export function* extentsSync(
	target: Target,
	options?: ExtentsOptions,
): Generator<Extent | MappedExtent> {
	const walk = runSync(extentsOperation, target, options);
	try {
		while (!walk.ended) yield* walk.take(further.sync(walk));
	} finally {
		runSync(finish, walk);
	}
}
