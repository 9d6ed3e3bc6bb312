import type { RenameSystem } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { Errno } from "./errno.ts";
import { checked, unsupported } from "./failure.ts";
import { RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from "./layouts.ts";
import { atBoth } from "./path.ts";

const flagsOf = {
	replace: 0,
	noReplace: RENAME_NOREPLACE,
	exchange: RENAME_EXCHANGE,
	whiteout: RENAME_WHITEOUT,
} as const;

export const rename: RenameSystem = {
	*rename(scope, from, to, how) {
		const flags = flagsOf[how];
		const result = yield* atBoth(
			scope,
			[from, "entry"],
			[to, "entry"],
			"rename",
			(dirfd, path, newDirfd, newPath) =>
				sys(nr.renameat2, dirfd, path, newDirfd, newPath, flags),
		);
		const details = { path: from.path, dest: to.path };
		// EINVAL is also a directory moved into itself, which is no matter of the flags.
		if (result === -Errno.EINVAL && flags !== 0 && how !== "noReplace") {
			throw unsupported("rename", `this filesystem cannot rename with ${how}`, details);
		}
		checked(result, "rename", details);
	},
};
