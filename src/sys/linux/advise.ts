import type { Advice, AdviseSystem } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { Errno } from "./errno.ts";
import { checked } from "./failure.ts";
import {
	POSIX_FADV_DONTNEED,
	POSIX_FADV_NOREUSE,
	POSIX_FADV_NORMAL,
	POSIX_FADV_RANDOM,
	POSIX_FADV_SEQUENTIAL,
	POSIX_FADV_WILLNEED,
} from "./layouts.ts";

const numbers: Readonly<Record<Advice, number>> = {
	normal: POSIX_FADV_NORMAL,
	sequential: POSIX_FADV_SEQUENTIAL,
	random: POSIX_FADV_RANDOM,
	willneed: POSIX_FADV_WILLNEED,
	dontneed: POSIX_FADV_DONTNEED,
	noreuse: POSIX_FADV_NOREUSE,
};

export const advise: AdviseSystem = {
	*advise(_scope, handle, advice, offset, length) {
		const result = yield sys(nr.fadvise64, handle, offset, length, numbers[advice]);
		// A kernel can be built without it, and a filesystem that has advice of its own can refuse some.
		if (result === -Errno.ENOSYS || result === -Errno.EOPNOTSUPP) return false;
		checked(result, "fadvise");
		return true;
	},
};
