/** What a command says when it fails, and the exit code of each kind of failure. */
import { AbortError, FsError } from "../index.ts";
import { OutputError, printError } from "./output.ts";
import { safeText } from "./text.ts";

export const EXIT_FAILURE = 1;
export const EXIT_USAGE = 2;
/** What shells give to a process that Ctrl-C has ended. */
export const EXIT_INTERRUPTED = 130;

/** What can be done about an error. */
const remedies: Readonly<Record<string, string>> = {
	EACCES: "run it as a user who may do this",
	EBUSY: "try again when nobody uses it",
	EDQUOT: "free some space of your quota, or copy elsewhere",
	EEXIST: "--overwrite replaces it, --newer only if it is older",
	EINVAL: "check both paths",
	EIO: "the disk or the server reports an error: check the system's log",
	EISDIR: "a file cannot replace a directory: name the file itself",
	ELOOP: "check the symbolic links in the path",
	EMFILE: "raise the limit of open files (ulimit -n)",
	ENAMETOOLONG: "use a shorter path",
	ENOENT: "check the path",
	ENOSPC: "free some space, or copy elsewhere",
	ENOTDIR: "check the path: part of it is no directory",
	ENOTEMPTY: "remove what is in it first",
	ENOTSUP: "fsx doctor PATH shows what the filesystem can do",
	EPERM: "run it as a user who may do this",
	EROFS: "the filesystem is mounted read-only: choose another",
	EXDEV: "choose a path on the same filesystem",
};

/** A failure about which more can be said than its code says. */
export class Remedied extends Error {
	constructor(
		readonly failure: FsError,
		readonly remedy: string,
	) {
		super(failure.message);
	}
}

/** A way of calling the command that it does not know. */
export class UsageError extends Error {}

/** Prints an error as one line, or with `json` as one line of JSON, and gives the exit code. */
export function fail(error: unknown, json: boolean): number {
	const { message, code } = describe(error);
	const line = json ? JSON.stringify({ error: fields(error, message) }) : `fsx: ${message}`;
	printError(line);
	return code;
}

function describe(error: unknown): { message: string; code: number } {
	if (error instanceof AbortError) {
		return { message: "interrupted: the copy is not complete", code: EXIT_INTERRUPTED };
	}
	// What the library refuses before its first call, it was asked wrongly.
	if (error instanceof Error && "code" in error && String(error.code).startsWith("ERR_")) {
		return { message: safeText(error.message), code: EXIT_USAGE };
	}
	if (error instanceof OutputError) return { message: error.message, code: EXIT_FAILURE };
	if (error instanceof UsageError) return { message: error.message, code: EXIT_USAGE };
	if (error instanceof FsError || error instanceof Remedied) {
		const remedy = error instanceof FsError ? remedies[error.code] : error.remedy;
		const text = remedy ? `${error.message}: ${remedy}` : error.message;
		return { message: safeText(text), code: EXIT_FAILURE };
	}
	const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
	return { message: `unexpected error, please report it: ${text}`, code: EXIT_FAILURE };
}

function fields(error: unknown, message: string): Record<string, unknown> {
	const failure = error instanceof Remedied ? error.failure : error;
	if (!(failure instanceof FsError)) return { message };
	const { code, syscall, path, dest } = failure;
	return { code, message, syscall, path, dest };
}
