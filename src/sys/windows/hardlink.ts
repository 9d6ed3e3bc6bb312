import type { HardlinkSystem } from "../system.ts";
import { Status } from "./errno.ts";
import { checked } from "./failure.ts";
import { FILE_WRITE_ATTRIBUTES, FileLinkInformation } from "./layouts.ts";
import { setName, withNames } from "./naming.ts";
import { asksForDirectory } from "./path.ts";

export const hardlink: HardlinkSystem = {
	*link(scope, existing, place, follow) {
		const details = { path: existing.path, dest: place.path };
		const how = { access: FILE_WRITE_ATTRIBUTES, reach: follow ? "follow" : "link" } as const;
		yield* withNames(scope, [existing, place], how, "link", function* (handle, target) {
			let result: number;
			if (target.name === "") result = Status.STATUS_OBJECT_NAME_COLLISION;
			else if (asksForDirectory(place)) result = Status.STATUS_OBJECT_NAME_NOT_FOUND;
			else result = yield* setName(scope, handle, target, FileLinkInformation, 0);
			// As elsewhere: a directory is not of the wrong kind, it may not have a second name.
			if (result === Status.STATUS_FILE_IS_A_DIRECTORY) result = Status.STATUS_ACCESS_DENIED;
			checked(result, "link", details);
		});
	},
};
