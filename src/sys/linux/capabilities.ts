import { Buffer } from "node:buffer";
import type { Lane } from "../../engine/call.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { parentOf } from "../../place.ts";
import type { Capability, CapabilitySystem, Handle, Place } from "../system.ts";
import { type callNumbers, nr, sys } from "./calls.ts";
import { entry } from "./entry.ts";
import { Errno } from "./errno.ts";
import { failure } from "./failure.ts";
import { file } from "./file.ts";
import { AT_FDCWD, O, RESOLVE_CACHED } from "./layouts.ts";
import { metadata } from "./metadata.ts";
import { openat, opened, procPath, resolveFlags } from "./path.ts";
import { probeFilesystem } from "./probe.ts";
import { Opcode, opcodeOf } from "./ring/opcodes.ts";
import { mountOf } from "./statfs.ts";
import { symlink } from "./symlink.ts";

interface Way {
	readonly call: keyof typeof callNumbers;
	/** What does it on a kernel without that call. */
	readonly fallback?: string;
}

/** Which system call makes each operation of the library. */
const ways: Readonly<Record<string, Way>> = {
	open: { call: "openat" },
	"openDir beneath": { call: "openat2" },
	"File.readAt": { call: "pread64" },
	"File.writeAt": { call: "pwrite64" },
	"File.append": { call: "pwritev2" },
	"File.sync": { call: "fsync" },
	"File.datasync": { call: "fdatasync" },
	"File.truncate": { call: "ftruncate" },
	"File.close": { call: "close" },
	"Dir.entries": { call: "getdents64" },
	stat: { call: "statx" },
	statMany: { call: "statx" },
	statfs: { call: "statfs" },
	getFlags: { call: "ioctl" },
	setFlags: { call: "ioctl" },
	access: { call: "faccessat2", fallback: "faccessat" },
	chmod: { call: "fchmodat" },
	"chmod follow: false": { call: "fchmodat2", fallback: "/proc/self/fd" },
	utimes: { call: "utimensat" },
	chown: { call: "fchownat" },
	mkdir: { call: "mkdirat" },
	mknod: { call: "mknodat" },
	mkfifo: { call: "mknodat" },
	unlink: { call: "unlinkat" },
	rename: { call: "renameat2" },
	link: { call: "linkat" },
	symlink: { call: "symlinkat" },
	readlink: { call: "readlinkat" },
	"getXattr of a descriptor": { call: "fgetxattr" },
	"setXattr of a descriptor": { call: "fsetxattr" },
	"getXattr of a path": { call: "getxattr" },
	"setXattr of a path": { call: "setxattr" },
	lock: { call: "fcntl" },
	copyRange: { call: "copy_file_range", fallback: "pread64 and pwrite64" },
	preallocate: { call: "fallocate" },
	punchHole: { call: "fallocate" },
	zeroRange: { call: "fallocate" },
	collapseRange: { call: "fallocate" },
	insertRange: { call: "fallocate" },
	unshareRange: { call: "fallocate" },
	truncate: { call: "ftruncate" },
	extents: { call: "lseek" },
	"extents physical": { call: "ioctl" },
	advise: { call: "fadvise64" },
	watch: { call: "inotify_init1" },
};

const opcodeNames = new Map<number, string>(
	Object.entries(Opcode).map(([name, opcode]) => [opcode, name]),
);

/** Whether the kernel has a call: it is made with a descriptor and addresses that are none. */
function refusal(call: Way["call"]): string | undefined {
	const result = entry().call(nr[call], -1, 0, 0, 0, 0, 0);
	if (result === -Errno.ENOSYS) return `this kernel has no ${call}`;
	if (result === -Errno.EPERM) return `${call} is refused, as a sandbox would`;
	return undefined;
}

function describe(name: string, { call, fallback }: Way, queue: Lane | undefined): Capability {
	const refused = refusal(call);
	if (refused !== undefined) {
		const supported = fallback !== undefined;
		const note = supported ? refused : `${refused}, and nothing stands in for it`;
		return { name, of: "system", supported, ...(supported && { by: fallback }), note };
	}
	const opcode = queue?.accepts(sys(nr[call], -1)) ? opcodeOf(nr[call]) : undefined;
	const opcodeName = opcode === undefined ? undefined : opcodeNames.get(opcode);
	return {
		name,
		of: "system",
		supported: true,
		by: call,
		...(opcodeName !== undefined && { opcode: opcodeName }),
	};
}

/**
 * Opens the directory that a place is, or the one that the file is in which it leads to. Of a confined
 * place, that is the one in which its name is looked up, which is opened as confined as the place:
 * where a descriptor is by its text in /proc may be outside by now.
 */
function* openDirectoryOf(scope: Scope, place: Place): Operation<Handle> {
	const { directory = AT_FDCWD, path } = place;
	const flags = O.O_PATH | O.O_CLOEXEC;
	const found = yield* openat(scope, directory, path, flags, 0, resolveFlags(place));
	const handle = opened(found, "open", place);
	try {
		const found = yield* metadata.stat(scope, handle, { follow: true, sync: "auto" });
		const self = { directory: undefined, path: procPath(handle), beneath: false };
		if (found.kind === "directory") return yield* file.open(scope, self, { directory: true });
		if (place.beneath) return yield* openOn(scope, parentOf(place), found.mountId, path);
		const name = Buffer.from(yield* symlink.readlink(scope, self));
		const above = name.subarray(0, Math.max(1, name.lastIndexOf("/")));
		const parent = { directory: undefined, path: above, beneath: false };
		return yield* openOn(scope, parent, found.mountId, path);
	} finally {
		yield* file.close(scope, handle);
	}
}

/** Opens the directory of a name, if its file is on the same mount: a file can be mounted, too. */
function* openOn(
	scope: Scope,
	above: Place,
	mountId: bigint | undefined,
	path: Place["path"],
): Operation<Handle> {
	const parent = yield* file.open(scope, above, { directory: true });
	try {
		const found = yield* metadata.stat(scope, parent, { follow: true, sync: "auto" });
		if (found.mountId === mountId) return parent;
		throw failure(-Errno.ENOTDIR, "open", {
			path,
			detail: "the name leads to a file on another filesystem; ask about a directory there",
		});
	} catch (error) {
		yield* file.close(scope, parent);
		throw error;
	}
}

export const capabilities: CapabilitySystem = {
	entry() {
		const { by, shimRefused } = entry();
		return shimRefused === undefined ? { by } : { by, note: shimRefused };
	},

	*immediate(scope) {
		const flags = O.O_PATH | O.O_CLOEXEC;
		const result = yield* openat(scope, AT_FDCWD, "/", flags, 0, RESOLVE_CACHED);
		if (result >= 0) yield* file.close(scope, result);
		return result >= 0 || result === -Errno.EAGAIN;
	},

	// These calls fail at once, so none needs a lane.
	*machine(_scope, queue) {
		return Object.entries(ways).map(([name, way]) => describe(name, way, queue));
	},

	*filesystem(scope, place, temporarily) {
		const directory = yield* openDirectoryOf(scope, place);
		try {
			const found = yield* metadata.stat(scope, directory, { follow: true, sync: "auto" });
			const { mountId } = found;
			const mount = mountId === undefined ? undefined : yield* mountOf(scope, mountId);
			const operations = yield* probeFilesystem(scope, directory, found, temporarily);
			return { type: mount?.type, mountPoint: mount?.point, operations };
		} finally {
			yield* file.close(scope, directory);
		}
	},
};
