import { Memory } from "../../engine/memory.ts";
import { nr } from "./calls.ts";
import type { Entry } from "./entry.ts";
import { AT_FDCWD, O } from "./layouts.ts";

/**
 * Filesystems whose metadata is in this machine's memory or on its disks. For all others, those
 * of servers and of programs (FUSE), an answer from the cache may be out of date.
 */
const localTypes = new Set([
	"bcachefs",
	"btrfs",
	"cgroup2",
	"erofs",
	"exfat",
	"ext2",
	"ext3",
	"ext4",
	"f2fs",
	"iso9660",
	"overlay",
	"proc",
	"squashfs",
	"sysfs",
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

const unescaped = (text: string) =>
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
			return [{ id: Number(id), point: unescaped(point), type: after.split(" ")[0] ?? "" }];
		});
	} finally {
		memory.free();
		memory.discard();
	}
}

/** Filesystems that are memory: reading them waits no more than touching a variable does. */
const memoryTypes = new Set(["tmpfs", "ramfs", "devtmpfs"]);

/** Where a filesystem keeps its files, as far as waiting for them goes. */
export type MountKind = "memory" | "local" | "remote";

/** The kernel gives the number of a mount that is gone to another: the list is not good for long. */
const GOOD_FOR_NANOSECONDS = 1e9;

const known = new Map<number, MountKind>();
let knownSince = Number.NEGATIVE_INFINITY;

/** What kind of filesystem the mount with this id has; one that is not listed counts as remote. */
export function kindOfMount(call: Entry, id: number): MountKind {
	const now = Bun.nanoseconds();
	let kind = known.get(id);
	if (kind === undefined || now - knownSince > GOOD_FOR_NANOSECONDS) {
		if (now - knownSince > GOOD_FOR_NANOSECONDS) known.clear();
		knownSince = now;
		for (const { id, type } of readMounts(call)) known.set(id, kindOfType(type));
		kind = known.get(id) ?? "remote";
		known.set(id, kind);
	}
	return kind;
}

function kindOfType(type: string): MountKind {
	if (memoryTypes.has(type)) return "memory";
	return localTypes.has(type) ? "local" : "remote";
}
