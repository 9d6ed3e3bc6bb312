import { FsError, type FsErrorDetails } from "../../errors.ts";
import { dosError } from "./entry.ts";
import { meaningOf, osCodeOf } from "./errno.ts";

/** The error for a failed call: `result` is the negative number that it answered with. */
export function failure(result: number, syscall: string, details: FsErrorDetails = {}): FsError {
	const osCode = osCodeOf(result);
	const { code, errno, reason } = meaningOf(osCode, dosError);
	return new FsError(code, reason, { ...details, errno, syscall, osCode });
}

/** Passes a result on, or throws the error that it stands for. */
export function checked(result: number, syscall: string, details?: FsErrorDetails): number {
	if (result < 0) throw failure(result, syscall, details);
	return result;
}

/** What this system or filesystem cannot do, and why. */
export function unsupported(syscall: string, detail: string, details?: FsErrorDetails): FsError {
	return new FsError("ENOTSUP", "operation not supported", { ...details, syscall, detail });
}
