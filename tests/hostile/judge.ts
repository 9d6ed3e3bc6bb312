/** What may come of a call, and what must not. */
import { constants } from "node:os";
import { AbortError, FsError } from "../../src/index.ts";
import { Thrown } from "./value.ts";

/** What came of a call. */
export interface Outcome {
	readonly threw: boolean;
	/** What it returned, or what its promise resolved to. */
	readonly value?: unknown;
	readonly error?: unknown;
	/** System calls that were made meanwhile, and operations that were handed to a worker. */
	readonly calls: number;
	readonly changed: boolean;
	readonly milliseconds: number;
}

const REFUSALS = new Set([
	"ERR_INVALID_ARG_TYPE",
	"ERR_INVALID_ARG_VALUE",
	"ERR_INVALID_FILE_URL_HOST",
	"ERR_INVALID_FILE_URL_PATH",
	"ERR_INVALID_STATE",
	"ERR_INVALID_THIS",
	"ERR_INVALID_URL_SCHEME",
	"ERR_OUT_OF_RANGE",
]);

/** What the runtime says when the library's own code has gone wrong, or has no words for it. */
const RAW =
	/is not an object|is not a function|evaluating|not a constructor|\[object |: option "":|"undefined"/;

/** More than any call takes on a busy machine, and less than a hang. */
const MOST_MILLISECONDS = 5000;

/** Whether arguments were refused, in so many words. */
function isRefusal(error: unknown): boolean {
	if (!(error instanceof TypeError || error instanceof RangeError)) return false;
	const { code, message } = error as { code?: unknown; message: string };
	return typeof code === "string" && REFUSALS.has(code) && message !== "" && !RAW.test(message);
}

/** What an argument itself throws when it is looked at. */
function isOfArgument(error: unknown): boolean {
	return (
		error instanceof Thrown || (error instanceof TypeError && /\brevoked\b/.test(error.message))
	);
}

function isFailure(error: unknown): boolean {
	if (error instanceof AbortError) return error.code === "ABORT_ERR";
	if (!(error instanceof FsError)) return false;
	const { code, errno, message } = error;
	return code in constants.errno && errno < 0 && message.startsWith(`${code}: `);
}

/** Throws unless the arguments were refused before anything was done; `mayBeClosed`: or another is closed. */
export function expectRefusal(outcome: Outcome, mayBeClosed = false): void {
	common(outcome);
	const { threw, error, calls, changed } = outcome;
	if (!threw) throw new Error(`it was not refused, but gave ${Bun.inspect(outcome.value)}`);
	const isClosed = mayBeClosed && error instanceof FsError && error.code === "EBADF";
	if (!isRefusal(error) && !isOfArgument(error) && !isClosed) throw unclear("a refusal", error);
	if (calls > 0) throw new Error(`${calls} calls were made before it was refused`);
	if (changed) throw new Error("it was refused, and has changed something");
}

/** Throws unless there is a value, or a failure that says what failed. */
export function expectAnswer(outcome: Outcome, mayExclude: boolean): void {
	common(outcome);
	const { threw, error } = outcome;
	if (!threw || isFailure(error) || isOfArgument(error)) return;
	if (!mayExclude || !isRefusal(error)) throw unclear("an answer or a failure", error);
	expectRefusal(outcome);
}

function common({ milliseconds }: Outcome): void {
	if (milliseconds > MOST_MILLISECONDS) throw new Error(`it took ${milliseconds.toFixed(0)} ms`);
}

function unclear(expected: string, error: unknown): Error {
	const shown = Bun.inspect(error).slice(0, 2000);
	return new Error(`instead of ${expected} it threw ${shown}`);
}
