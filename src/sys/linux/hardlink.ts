import type { HardlinkSystem } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { checked } from "./failure.ts";
import { AT_SYMLINK_FOLLOW } from "./layouts.ts";
import { atBoth } from "./path.ts";

export const hardlink: HardlinkSystem = {
	*link(scope, existing, place, follow) {
		// A confined path that is followed ends in a name in /proc, which is itself a link.
		const flags = follow ? AT_SYMLINK_FOLLOW : 0;
		const result = yield* atBoth(
			scope,
			[existing, follow ? "follow" : "link"],
			[place, "entry"],
			"link",
			(from, name, to, newName) => sys(nr.linkat, from, name, to, newName, flags),
		);
		checked(result, "link", { path: existing.path, dest: place.path });
	},
};
