import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Place, RenameSystem } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { Errno } from "./errno.ts";
import { checked, unsupported } from "./failure.ts";
import { RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from "./layouts.ts";
import { metadata } from "./metadata.ts";
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
			(dirfd, path, newDirfd, newPath) => sys(nr.renameat2, dirfd, path, newDirfd, newPath, flags),
		);
		const details = { path: from.path, dest: to.path };
		// A directory moved into itself gives EINVAL too, and then the option is not at fault.
		if (result === -Errno.EINVAL && flags !== 0 && !(yield* eitherIsDirectory(scope, from, to))) {
			throw unsupported("rename", `this filesystem cannot rename with ${how}`, details);
		}
		checked(result, "rename", details);
	},
};

function* eitherIsDirectory(scope: Scope, ...places: readonly Place[]): Operation<boolean> {
	for (const place of places) {
		try {
			const found = yield* metadata.stat(scope, place, { follow: false, sync: "auto" });
			if (found.isDirectory()) return true;
		} catch {
			// The new name need not exist.
		}
	}
	return false;
}
