import type { Entry } from "./entry.ts";
import { nr } from "./calls.ts";
import { Memory } from "../../engine/memory.ts";
import { AT_FDCWD, O } from "./layouts.ts";

/**
 * Filesystems whose metadata is in this machine's memory or on its disks. For all others, those
 * of servers and of programs (FUSE), an answer from the cache may be out of date.
 */
const localTypes = new Set([
	"bcachefs",
	"btrfs",
	"cgroup2",
	"devtmpfs",
	"erofs",
	"exfat",
	"ext2",
	"ext3",
	"ext4",
	"f2fs",
	"iso9660",
	"overlay",
	"proc",
	"ramfs",
	"squashfs",
	"sysfs",
	"tmpfs",
	"vfat",
	"xfs",
	"zfs",
]);

/** One line of /proc/self/mountinfo, as far as it is of use here. */
export interface Mount {
	readonly id: number;
	readonly point: string;
	readonly type: string;
}

const unescape = (text: string) =>
	text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));

/** The mounts that this process sees. Reading /proc waits for no disk and no server. */
export function readMounts(call: Entry): Mount[] {
	const memory = new Memory();
	try {
		const path = memory.cstring("/proc/self/mountinfo");
		const fd = call(nr.openat, AT_FDCWD, path, O.O_CLOEXEC, 0, 0, 0);
		if (fd < 0) return [];
		const buffer = memory.reserve(64 * 1024);
		let text = "";
		for (;;) {
			const length = call(nr.read, fd, buffer.address, buffer.size, 0, 0, 0);
			if (length <= 0) break;
			text += Buffer.from(buffer.bytes(0, length)).toString("latin1");
		}
		call(nr.close, fd, 0, 0, 0, 0, 0);
		return text.split("\n").flatMap((line) => {
			const [before, after] = line.split(" - ");
			if (before === undefined || after === undefined) return [];
			const [id, , , , point = ""] = before.split(" ");
			return [{ id: Number(id), point: unescape(point), type: after.split(" ")[0] ?? "" }];
		});
	} finally {
		memory.free();
		memory.discard();
	}
}

let known = new Map<number, boolean>();

/** Whether the mount with this id is of a filesystem whose cached answers are the truth. */
export function isLocalMount(call: Entry, id: number): boolean {
	let local = known.get(id);
	if (local === undefined) {
		known = new Map(readMounts(call).map((mount) => [mount.id, localTypes.has(mount.type)]));
		local = known.get(id) ?? false;
		known.set(id, local);
	}
	return local;
}
