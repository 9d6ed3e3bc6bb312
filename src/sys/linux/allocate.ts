import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FsError } from "../../errors.ts";
import { ITSELF } from "../metadata.ts";
import type { AllocateSystem, Handle, RangeChange } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { Errno } from "./errno.ts";
import { checked, failure } from "./failure.ts";
import { lacking, statusOf } from "./lacking.ts";
import {
	FALLOC_FL_COLLAPSE_RANGE,
	FALLOC_FL_INSERT_RANGE,
	FALLOC_FL_KEEP_SIZE,
	FALLOC_FL_PUNCH_HOLE,
	FALLOC_FL_UNSHARE_RANGE,
	FALLOC_FL_ZERO_RANGE,
} from "./layouts.ts";
import { metadata } from "./metadata.ts";

/** The mode of fallocate, and what a filesystem without it cannot do. */
interface Change {
	readonly mode: number;
	readonly cannot: string;
	/** What is demanded of the range beyond whole blocks, by those that move what comes after it. */
	readonly demands?: string;
}

const changes: Readonly<Record<RangeChange, Change>> = {
	preallocate: { mode: 0, cannot: "reserve blocks for a file" },
	preallocateKeepSize: {
		mode: FALLOC_FL_KEEP_SIZE,
		cannot: "reserve blocks past the end of a file",
	},
	// Without KEEP_SIZE the kernel refuses to punch.
	punchHole: { mode: FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, cannot: "punch holes" },
	zeroRange: { mode: FALLOC_FL_ZERO_RANGE, cannot: "zero a range without writing" },
	zeroRangeKeepSize: {
		mode: FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
		cannot: "zero a range without writing",
	},
	collapseRange: {
		mode: FALLOC_FL_COLLAPSE_RANGE,
		cannot: "take a range out of a file",
		demands: "the range must end before the end of the file",
	},
	insertRange: {
		mode: FALLOC_FL_INSERT_RANGE,
		cannot: "insert a range into a file",
		demands: "the offset must be before the end of the file",
	},
	unshareRange: {
		mode: FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE,
		cannot: "give a file blocks of its own for shared ones",
	},
};

export const allocate: AllocateSystem = {
	reservesWhileOpen: false,

	*allocate(scope, handle, change, offset, length) {
		const { mode, cannot, demands } = changes[change];
		const result = yield sys(nr.fallocate, handle, mode, offset, length);
		if (result === -Errno.EOPNOTSUPP) throw yield* lacking(scope, handle, "fallocate", cannot);
		if (result === -Errno.EINVAL && demands !== undefined) {
			throw yield* misfit(scope, handle, demands);
		}
		checked(result, "fallocate");
	},
};

/** The error for a range that cannot be taken out or put in: it says which could be. */
function* misfit(scope: Scope, handle: Handle, demands: string): Operation<FsError> {
	const { size } = yield* metadata.stat(scope, handle, ITSELF);
	const { blockSize } = yield* statusOf(scope, handle);
	const detail =
		`offset and length must be multiples of the block size, ${blockSize} bytes, or of what the ` +
		`filesystem allocates at once, if that is more; ${demands}, at ${size}`;
	return failure(-Errno.EINVAL, "fallocate", { detail });
}
