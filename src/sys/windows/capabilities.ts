import type { Lane } from "../../engine/call.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { parentOf } from "../../place.ts";
import type { Capability, CapabilitySystem, Handle, Place } from "../system.ts";
import { call, fn, type Name } from "./calls.ts";
import { entered, hasStandIn } from "./entry.ts";
import { Status } from "./errno.ts";
import { checked, failure } from "./failure.ts";
import { FILE_DIRECTORY_FILE, FILE_READ_ATTRIBUTES } from "./layouts.ts";
import { opened, textOf, withOpened } from "./path.ts";
import { endsLater } from "./port.ts";
import { volumeAttributes } from "./volume.ts";
import { saidBy } from "./volume-flags.ts";

/** The longest path that there is, in 16-bit units. */
const LONGEST_PATH = 0x8000;

/** Which function of the system makes each operation of the library. */
const ways: Readonly<Record<string, Name>> = {
	open: "NtCreateFile",
	"openDir beneath": "NtCreateFile",
	"File.readAt": "NtReadFile",
	"File.writeAt": "NtWriteFile",
	"File.append": "NtWriteFile",
	"File.sync": "NtFlushBuffersFile",
	"File.datasync": "NtFlushBuffersFileEx",
	"File.truncate": "NtSetInformationFile",
	"File.close": "NtClose",
	"Dir.entries": "NtQueryDirectoryFile",
	stat: "NtQueryInformationFile",
	statMany: "NtQueryInformationFile",
	statfs: "NtQueryVolumeInformationFile",
	getFlags: "NtQueryInformationFile",
	setFlags: "NtSetInformationFile",
	access: "NtCreateFile",
	chmod: "NtSetInformationFile",
	utimes: "NtSetInformationFile",
	copyOwner: "NtSetSecurityObject",
	mkdir: "NtCreateFile",
	unlink: "NtSetInformationFile",
	rename: "NtSetInformationFile",
	link: "NtSetInformationFile",
	symlink: "CreateSymbolicLinkW",
	readlink: "NtFsControlFile",
	copyFile: "NtWriteFile",
	cloneRange: "NtFsControlFile",
	lock: "LockFileEx",
	preallocate: "NtSetInformationFile",
	punchHole: "NtFsControlFile",
	zeroRange: "NtFsControlFile",
	truncate: "NtSetInformationFile",
	extents: "NtFsControlFile",
	watch: "NtNotifyChangeDirectoryFile",
};

/** What Windows has nothing for. */
const without: Readonly<Record<string, string>> = {
	mkfifo: "Windows has no fifos in directories; its named pipes are elsewhere, under \\\\.\\pipe",
	mknod: "Windows has no device files",
	collapseRange: "Windows has no call that takes a range out of a file",
	insertRange: "Windows has no call that inserts a range into a file",
	unshareRange: "Windows has no call that gives a file clusters of its own",
};

function describe(name: string, by: Name, queue: Lane | undefined): Capability {
	try {
		entered(fn[by]);
	} catch {
		const note = `this system has no ${by}`;
		return { name, of: "system", supported: false, note };
	}
	const opcode = queue !== undefined && endsLater(fn[by]) ? { opcode: "overlapped" } : {};
	return { name, of: "system", supported: true, by, ...opcode };
}

/** Opens the directory that a place is, or the one that the file is in which it leads to. */
function* openDirectoryOf(scope: Scope, place: Place): Operation<Handle> {
	const how = { access: FILE_READ_ATTRIBUTES, reach: "follow" } as const;
	const directory = { ...how, options: FILE_DIRECTORY_FILE };
	const found = yield* opened(scope, place, directory);
	if (found !== Status.STATUS_NOT_A_DIRECTORY) {
		return checked(found, "open", { path: place.path });
	}
	// The file may be a link to one elsewhere: then the volume that counts is the one of that.
	const volumeOf = (handle: Handle) => mountPointOf(scope, handle);
	const own = yield* withOpened(scope, place, how, "open", volumeOf);
	const parent = checked(yield* opened(scope, parentOf(place), directory), "open", {
		path: place.path,
	});
	if ((yield* volumeOf(parent)) === own) return parent;
	yield call("NtClose", parent);
	throw failure(Status.STATUS_NOT_A_DIRECTORY, "open", {
		path: place.path,
		detail: "the name leads to a file on another volume; ask about a directory there",
	});
}

/** Where the volume of an open file is mounted, such as `C:\`; undefined if it has no such place. */
function* mountPointOf(scope: Scope, handle: Handle): Operation<string | undefined> {
	const mark = scope.mark();
	const { memory } = scope;
	const path = memory.reserve(LONGEST_PATH * 2);
	const point = memory.reserveZeroed(LONGEST_PATH * 2);
	const length = yield call("GetFinalPathNameByHandleW", handle, path.address, LONGEST_PATH);
	const isNamed = length > 0 && length < LONGEST_PATH;
	const find = call("GetVolumePathNameW", path.address, point.address, LONGEST_PATH);
	const text = isNamed && (yield find) >= 0 ? textOf(point.bytes()) : "";
	scope.release(mark);
	const found = text.slice(0, text.indexOf("\0")).replace(/^\\\\\?\\(?=[A-Z]:)/i, "");
	return found === "" ? undefined : found;
}

export const capabilities: CapabilitySystem = {
	entry: () => (hasStandIn ? { by: "ntdll", note: "a stand-in comes first" } : { by: "ntdll" }),

	// Whether the system would have to wait it does not say beforehand.
	// biome-ignore lint/correctness/useYield: nothing is asked of the system
	*immediate() {
		return false;
	},

	*machine(_scope, queue) {
		const no = Object.entries(without).map(
			([name, note]): Capability => ({ name, of: "system", supported: false, note }),
		);
		return [...Object.entries(ways).map(([name, by]) => describe(name, by, queue)), ...no];
	},

	*filesystem(scope, place) {
		const handle = yield* openDirectoryOf(scope, place);
		try {
			const { type, flags } = yield* volumeAttributes(scope, handle);
			const mountPoint = yield* mountPointOf(scope, handle);
			return { type, mountPoint, operations: saidBy(flags, type) };
		} finally {
			yield call("NtClose", handle);
		}
	},
};
