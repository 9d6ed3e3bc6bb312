import type { Operation } from "./engine/operation.ts";
import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { invalidArgument } from "./errors.ts";
import { received, type Target } from "./location.ts";
import { optionsOf, schemas } from "./options.ts";
import { system } from "./sys/index.ts";
import type { Advice } from "./sys/system.ts";
import { checkRange, withTarget } from "./target-file.ts";

export type { Advice } from "./sys/system.ts";

/** Options of `advise`. */
export interface AdviseOptions {
	/** Where the range begins, in bytes. Default 0. */
	offset?: number | undefined;
	/** Bytes, at least 1. Default: up to the end of the file, wherever that is by then. */
	length?: number | undefined;
}

const checkAdvise = optionsOf<AdviseOptions>("advise", (z) => ({
	offset: schemas.integer(z),
	length: schemas.integer(z, 1),
}));

const ADVISE = {
	syscall: "fadvise",
	access: "read",
	onPipe: "ESPIPE",
	onDevice: "ENODEV",
} as const;

/** All advice, and whether it is about the content, or about the open file and gone with it. */
const about: Readonly<Record<Advice, "content" | "open file">> = {
	normal: "open file",
	sequential: "open file",
	random: "open file",
	noreuse: "open file",
	willneed: "content",
	dontneed: "content",
};

function* adviseOperation(
	scope: Scope,
	target: Target,
	advice: Advice,
	options: AdviseOptions | undefined,
): Operation<boolean> {
	if (!Object.hasOwn(about, advice)) {
		throw invalidArgument(
			"ERR_INVALID_ARG_VALUE",
			`The "advice" argument must be one of ${Object.keys(about).join(", ")}. ` +
				`Received ${received(advice)}`,
		);
	}
	const { offset = 0, length } = checkAdvise(options);
	if (length !== undefined) checkRange(offset, length);
	return yield* withTarget(scope, target, ADVISE, function* ({ handle, path }) {
		if (path !== undefined && about[advice] === "open file") return false;
		return yield* system.advise.advise(scope, handle, advice, offset, length ?? 0);
	});
}

/**
 * Tells the system how a file is going to be used, so that it can read ahead, or forget what it has
 * in memory. This never changes what is read.
 *
 * @param target A path, `dir.at(name)`, a `File` or a descriptor.
 * @param advice `"sequential"`, `"random"`, `"noreuse"` and `"normal"` (the default again) say how an
 * open file is read; `"willneed"` reads ahead and `"dontneed"` forgets, whoever has the file open.
 * @param options `offset` and `length` of the range in bytes; without a length, all from `offset` on.
 * @returns Whether the system took the advice; what it makes of it is its own affair. False where it
 * takes none, and for a name with advice about an open file, which ends with the file: give the
 * `File` then.
 * @throws {FsError} `ESPIPE` for a pipe, `EISDIR` for a directory, `ENOENT`, `EACCES`, `EBADF`,
 * `EXDEV` for a name that leaves a confined directory.
 *
 * Linux: fadvise64. Filesystems that are memory (tmpfs) take advice and have nothing to do.
 * `"willneed"` begins to read a few megabytes at most per call: advise on a large range piece by
 * piece. `"dontneed"` forgets what is on the disk already, so `sync` before it, and of the page cache
 * only whole pieces, which can be of a megabyte and more. `"noreuse"` has an effect since Linux 6.3.
 *
 * Windows: `"sequential"` and `"normal"` for all of an open file, as its FILE_SEQUENTIAL_ONLY mode; it
 * takes no other advice.
 *
 * @example
 * ```ts
 * import { advise, open, writeFile } from "bun-fs-extended";
 *
 * await writeFile("log", "read from end to end\n");
 * await using file = await open("log");
 * const taken = await advise(file, "sequential");
 * console.log(taken ? "the system reads further ahead" : "the system reads as ever");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/posix_fadvise.2.html | posix_fadvise(2)}
 */
export function advise(target: Target, advice: Advice, options?: AdviseOptions): Promise<boolean> {
	return run(adviseOperation, target, advice, options);
}

/** The synchronous form of {@link advise}. */
export function adviseSync(target: Target, advice: Advice, options?: AdviseOptions): boolean {
	return runSync(adviseOperation, target, advice, options);
}
