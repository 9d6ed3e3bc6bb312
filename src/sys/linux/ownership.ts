import type { OwnershipSystem } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { checked, unsupported } from "./failure.ts";
import { AT_SYMLINK_NOFOLLOW } from "./layouts.ts";
import { at } from "./path.ts";

/** The id that tells the kernel to leave it as it is: (uid_t) -1. */
const KEEP = 0xffffffff;

export const ownership: OwnershipSystem = {
	*chown(scope, subject, { uid = KEEP, gid = KEEP, owner, group }, follow) {
		if (owner !== undefined || group !== undefined) {
			throw unsupported("chown", "accounts of Linux have numbers and no SIDs: give uid and gid");
		}
		if (typeof subject === "number") {
			checked(yield sys(nr.fchown, subject, uid, gid), "fchown");
			return;
		}
		const syscall = follow ? "chown" : "lchown";
		const flags = follow ? 0 : AT_SYMLINK_NOFOLLOW;
		const result = yield* at(scope, subject, follow ? "follow" : "link", syscall, (dirfd, path) =>
			sys(nr.fchownat, dirfd, path, uid, gid, flags),
		);
		checked(result, syscall, subject);
	},
};
