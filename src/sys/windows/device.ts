import { deviceNumber, majorOf, minorOf } from "../device-number.ts";
import type { DeviceSystem } from "../system.ts";
import { call } from "./calls.ts";
import { checked, unsupported } from "./failure.ts";
import {
	FILE_ATTRIBUTE_NORMAL,
	FILE_ATTRIBUTE_READONLY,
	FILE_CREATE,
	FILE_NON_DIRECTORY_FILE,
	FILE_READ_ATTRIBUTES,
} from "./layouts.ts";
import { opened } from "./path.ts";

const instead =
	"named pipes are in no directory here: node:net listens at \\\\.\\pipe\\name and connects to it";

export const device: DeviceSystem = {
	makeDevice: deviceNumber,
	major: majorOf,
	minor: minorOf,

	*mknod(scope, place, kind, mode) {
		const { path } = place;
		if (kind !== "file") {
			const what = kind.replace("-", " ");
			throw unsupported("mknod", `Windows has no such file as a ${what}; ${instead}`, { path });
		}
		const handle = yield* opened(scope, place, {
			access: FILE_READ_ATTRIBUTES,
			reach: "link",
			disposition: FILE_CREATE,
			options: FILE_NON_DIRECTORY_FILE,
			// Without a bit for its owner to write, a file is read-only here.
			attributes: (mode & 0o200) === 0 ? FILE_ATTRIBUTE_READONLY : FILE_ATTRIBUTE_NORMAL,
		});
		checked(handle, "mknod", { path });
		yield call("NtClose", handle);
	},
};
