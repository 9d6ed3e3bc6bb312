import type { Operation } from "./engine/operation.ts";
import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { checkedInteger, type Target } from "./location.ts";
import { system } from "./sys/index.ts";
import { withTarget } from "./target-file.ts";

const TRUNCATE = {
	syscall: "truncate",
	access: "write",
	onPipe: "EINVAL",
	onDevice: "EINVAL",
} as const;

function* truncateOperation(scope: Scope, target: Target, length: number): Operation<void> {
	checkedInteger(length, "length");
	yield* withTarget(scope, target, TRUNCATE, ({ handle }) =>
		system.file.truncate(scope, handle, length),
	);
}

/**
 * Cuts a file off at a length, or makes it that long with a hole at its end.
 *
 * @param target A path, `dir.at(name)`, a `File` or a descriptor that is open for writing. A file
 * that has a name must be there.
 * @param length Bytes. Default 0.
 * @throws {FsError} `ENOENT`, `EACCES`, `EPERM`, `EROFS`, `EISDIR`, `EINVAL` for what is no regular file
 * or not open for writing, `EFBIG`, `ETXTBSY` for a program that runs, `EBADF`, `EXDEV` for a name that
 * leaves a confined directory.
 *
 * Linux: ftruncate. It also gives back what is reserved past the new end.
 *
 * Windows: FileEndOfFileInformation, to the same effect; what is new is a hole in a sparse file alone,
 * and has clusters in others. Of a file that is not open for writing it says `EPERM`.
 *
 * @example
 * ```ts
 * import { readFile, truncate, writeFile } from "bun-fs-extended";
 *
 * await writeFile("log", "0123456789");
 * await truncate("log", 4);
 * if ((await readFile("log", "utf8")) !== "0123") throw new Error("not cut off there");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/truncate.2.html | truncate(2)}
 */
export function truncate(target: Target, length = 0): Promise<void> {
	return run(truncateOperation, target, length);
}

/** The synchronous form of {@link truncate}. */
export function truncateSync(target: Target, length = 0): void {
	runSync(truncateOperation, target, length);
}
