import type { System } from "./sys/system.ts";

/** What an `FsError` says beyond its code and message. */
export interface FsErrorDetails {
	/** The number of the error, negative, as in Node. */
	errno?: number;
	/** The system function or Node's name for it: `open`, `stat`, `copyfile`. */
	syscall?: string;
	/** The name that it was about. */
	path?: string | Uint8Array | undefined;
	/** The second name, of functions that take two. */
	dest?: string | Uint8Array | undefined;
	/** The system's own number, where it is not an errno (Windows). */
	osCode?: number;
	/** What is lacking, or what to do about it; becomes part of the message. */
	detail?: string | undefined;
}

/** An `FsError` on its way to another thread. */
export interface FsErrorFields {
	readonly code: string;
	readonly reason: string;
	readonly details: FsErrorDetails;
}

/**
 * A failed file operation, in the shape of Node's file system errors.
 *
 * `code` is the POSIX name (`"ENOENT"`), `errno` its negative number on this system, `syscall` the
 * function that failed, `operation` that of this library, `path` and `dest` the names it was about
 * (names that are not UTF-8 are shown with replacement characters), `osCode` the system's own code
 * where that is not an errno.
 *
 * @example
 * ```ts
 * import { FsError, statSync } from "bun-fs-extended";
 *
 * try {
 *   statSync("/no/such/file");
 * } catch (error) {
 *   if (!(error instanceof FsError) || error.code !== "ENOENT") throw error;
 * }
 * ```
 *
 * @see {@link https://nodejs.org/api/errors.html#class-systemerror | Node: SystemError}
 */
export class FsError extends Error {
	override readonly name = "FsError";
	/** The POSIX name of the error: `"ENOENT"`. */
	readonly code: string;
	/** The number of the error on this system, negative. */
	readonly errno: number;
	/** The function that failed: `"open"`, `"stat"`. */
	readonly syscall: string | undefined;
	/** The name that it was about. */
	readonly path: string | undefined;
	/** The second name, of functions that take two. */
	readonly dest: string | undefined;
	/** The system's own number of the error, where that is not an errno (Windows). */
	readonly osCode: number | undefined;
	/** The function of this library that failed: `"copyFile"`. */
	readonly operation: string | undefined;
	readonly #reason: string;
	readonly #details: FsErrorDetails;

	constructor(code: string, reason: string, details: FsErrorDetails = {}) {
		const path = details.path === undefined ? undefined : printable(details.path);
		const dest = details.dest === undefined ? undefined : printable(details.dest);
		let message = `${code}: ${reason}`;
		if (details.detail !== undefined) message += ` (${details.detail})`;
		if (details.syscall !== undefined) message += `, ${details.syscall}`;
		if (path !== undefined) message += ` '${path}'`;
		if (dest !== undefined) message += ` -> '${dest}'`;
		super(message);
		this.code = code;
		this.errno = details.errno ?? numberOf(code);
		this.syscall = details.syscall;
		this.path = path;
		this.dest = dest;
		this.osCode = details.osCode;
		this.#reason = reason;
		this.#details = details;
	}

	/** The same error, about these names: where an operation knows them better than its parts. */
	renamed(path: string | Uint8Array, dest?: string | Uint8Array): FsError {
		return new FsError(this.code, this.#reason, { ...this.#details, path, dest });
	}

	/** The same error with what is lacking, or what to do about it, unless it says so already. */
	explained(detail: string): FsError {
		return new FsError(this.code, this.#reason, {
			...this.#details,
			detail: this.#details.detail ?? detail,
		});
	}

	/** What it is made of, as data: structured cloning keeps neither its class nor these. @internal */
	get fields(): FsErrorFields {
		return { code: this.code, reason: this.#reason, details: this.#details };
	}

	/** The same error again, from its fields that came out of another thread. @internal */
	static revive({ code, reason, details }: FsErrorFields): FsError {
		return new FsError(code, reason, details);
	}
}

/** The number for a code, as Node has it. Loading node:os counts processors, which takes a while. */
function numberOf(code: string): number {
	const known = thisSystem().errnoOf?.(code);
	if (known !== undefined) return known;
	const { constants } = require("node:os") as typeof import("node:os");
	return -((constants.errno as Readonly<Record<string, number>>)[code] ?? 0);
}

/** Loaded when it is needed, and by then it has been: what a system is made of throws these errors. */
function thisSystem(): System {
	return (require("./sys/index.ts") as typeof import("./sys/index.ts")).system;
}

/**
 * Thrown when the `AbortSignal` of an operation fires: `name` is `"AbortError"`, `code` is
 * `"ABORT_ERR"` and `cause` the signal's reason, as Node has it.
 *
 * @example
 * ```ts
 * import { AbortError, copyFile } from "bun-fs-extended";
 *
 * const signal = AbortSignal.abort();
 * const error = await copyFile("a", "b", { signal }).catch((reason) => reason);
 * if (!(error instanceof AbortError)) throw error;
 * ```
 *
 * @see {@link https://nodejs.org/api/errors.html#aborterror | Node: AbortError}
 */
export class AbortError extends Error {
	override readonly name = "AbortError";
	/** Always `"ABORT_ERR"`. */
	readonly code = "ABORT_ERR";

	constructor(reason?: unknown) {
		super("The operation was aborted", { cause: reason });
	}
}

/** Refuses an argument before any call is made, with the code that Node uses for the like. */
export function invalidArgument(
	code:
		| "ERR_INVALID_ARG_TYPE"
		| "ERR_INVALID_ARG_VALUE"
		| "ERR_INVALID_RETURN_VALUE"
		| "ERR_INVALID_STATE"
		| "ERR_INVALID_THIS"
		| "ERR_OUT_OF_RANGE",
	message: string,
): Error {
	const error = code === "ERR_OUT_OF_RANGE" ? new RangeError(message) : new TypeError(message);
	return Object.assign(error, { code });
}

/** True for a failed file operation with one of these codes. */
export function isCode(error: unknown, ...codes: string[]): error is FsError {
	return error instanceof FsError && codes.includes(error.code);
}

/** A path or name as an error shows it. */
export function printable(path: string | Uint8Array): string {
	return typeof path === "string" ? path : thisSystem().names.decode(path);
}
