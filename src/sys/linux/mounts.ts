import { Memory } from "../../engine/memory.ts";
import { nr } from "./calls.ts";
import type { Entry } from "./entry.ts";
import { AT_FDCWD, O, timespec } from "./layouts.ts";

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

/** Byte by byte: the kernel escapes blanks alone, and leaves all else of a name as it is. */
const unescaped = (text: string) =>
	Buffer.from(
		text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))),
		"latin1",
	).toString();

/** The list of mounts; its text is to be read as Latin-1. */
export const MOUNT_LIST = "/proc/self/mountinfo";

/** What a line of the list says; undefined for what is none. */
export function mountIn(line: string): Mount | undefined {
	const [before, after] = line.split(" - ");
	if (before === undefined || after === undefined) return undefined;
	const [id, , , , point = ""] = before.split(" ");
	return { id: Number(id), point: unescaped(point), type: after.split(" ")[0] ?? "" };
}

/** Opens the list of mounts; a negative number where there is no /proc. */
function openList(call: Entry, memory: Memory): number {
	const mark = memory.mark();
	const path = memory.cstring(MOUNT_LIST);
	const fd = call(nr.openat, AT_FDCWD, path, O.O_CLOEXEC, 0, 0, 0);
	memory.release(mark);
	return fd;
}

/** The mounts that this process sees. Reading /proc waits for no disk and no server. */
export function readMounts(call: Entry): Mount[] {
	const memory = new Memory();
	try {
		const fd = openList(call, memory);
		if (fd < 0) return [];
		const buffer = memory.reserve(64 * 1024);
		let text = "";
		for (;;) {
			const length = call(nr.read, fd, buffer.address, buffer.size, 0, 0, 0);
			if (length <= 0) break;
			text += Buffer.from(buffer.bytes(0, length)).toString("latin1");
		}
		call(nr.close, fd, 0, 0, 0, 0, 0);
		return text.split("\n").flatMap((line) => mountIn(line) ?? []);
	} finally {
		memory.free();
		memory.discard();
	}
}

/** Filesystems that are memory: reading them waits no more than touching a variable does. */
const memoryTypes = new Set(["tmpfs", "ramfs", "devtmpfs"]);

/** Where a filesystem keeps its files, as far as waiting for them goes. */
export type MountKind = "memory" | "local" | "remote";

/** The kernel gives the number of a mount that is gone to another: for so long it is trusted. */
const GOOD_FOR_NANOSECONDS = 1e9;

const POLLPRI = 2;

/**
 * The kinds of the mounts by their numbers. With thousands of mounts the list takes milliseconds to
 * read, so it is kept open: polling it tells whether it has changed.
 */
export class MountKinds {
	private readonly memory = new Memory();
	/** A `pollfd`, and the `timespec` of not waiting at all. */
	private readonly poll = this.memory.reserveZeroed(8 + timespec.size);
	private readonly known = new Map<number, MountKind>();
	private list: number | undefined;
	private checked = Number.NEGATIVE_INFINITY;

	constructor(private readonly call: Entry) {}

	/** The kind of the mount with this number; one that is not listed counts as remote. */
	of(id: number): MountKind {
		const now = Bun.nanoseconds();
		const kind = this.known.get(id);
		if (kind !== undefined && now - this.checked <= GOOD_FOR_NANOSECONDS) return kind;
		this.checked = now;
		if (this.hasChanged()) {
			this.known.clear();
			for (const { id, type } of readMounts(this.call)) this.known.set(id, kindOfType(type));
		}
		const found = this.known.get(id) ?? "remote";
		this.known.set(id, found);
		return found;
	}

	end(): void {
		if (this.list !== undefined) this.call(nr.close, this.list, 0, 0, 0, 0, 0);
		this.list = undefined;
		this.memory.free();
		this.memory.discard();
	}

	/** Whether the list has to be read: the first time, and when it is not what it was. */
	private hasChanged(): boolean {
		if (this.list === undefined) {
			// A Worker that is terminated could not close it.
			const list = Bun.isMainThread ? openList(this.call, this.memory) : -1;
			if (list >= 0) this.list = list;
			return true;
		}
		this.poll.setU32(0, this.list);
		this.poll.setU32(4, POLLPRI);
		const { address } = this.poll;
		return this.call(nr.ppoll, address, 1, address + 8, 0, 0, 0) !== 0;
	}
}

function kindOfType(type: string): MountKind {
	if (memoryTypes.has(type)) return "memory";
	return localTypes.has(type) ? "local" : "remote";
}
