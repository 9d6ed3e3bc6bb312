import type { FileAttributes, FileKind } from "../metadata.ts";
import { RecordMetadata } from "../record.ts";
import {
	FILE_ATTRIBUTE_COMPRESSED,
	FILE_ATTRIBUTE_DEVICE,
	FILE_ATTRIBUTE_DIRECTORY,
	FILE_ATTRIBUTE_ENCRYPTED,
	FILE_ATTRIBUTE_READONLY,
	FILE_ATTRIBUTE_REPARSE_POINT,
	FILE_DEVICE_NAMED_PIPE,
	IO_REPARSE_TAG_AF_UNIX,
	IO_REPARSE_TAG_MOUNT_POINT,
	IO_REPARSE_TAG_SYMLINK,
} from "./layouts.ts";

/** What `stat` keeps of a file: words of 32 bits, or pairs of them. Offsets in bytes. */
export const record = {
	size: 88,
	creationTime: 0,
	lastAccessTime: 8,
	lastWriteTime: 16,
	changeTime: 24,
	attributes: 32,
	reparseTag: 36,
	allocationSize: 40,
	endOfFile: 48,
	fileId: 56,
	volumeSerialNumber: 64,
	numberOfLinks: 72,
	/** Of what is no file: the kind of device that it is. */
	deviceType: 76,
	/** The upper half of a number of 128 bits. */
	fileIdHigh: 80,
} as const;

const modes = { file: 0o100000, directory: 0o040000, symlink: 0o120000 } as const;
const otherModes: Partial<Record<FileKind, number>> = {
	fifo: 0o010000,
	socket: 0o140000,
	"character-device": 0o020000,
};

/** 100 ns each since 1601. */
const EPOCH = 116_444_736_000_000_000n;

/** The time of a FILETIME, in nanoseconds since 1970. */
export function nanosecondsOf(filetime: bigint): bigint {
	return (filetime - EPOCH) * 100n;
}

/** The last FILETIME. The first, 0, and those before it would mean something else when times are set. */
const LAST = 0x7fff_ffff_ffff_ffffn;

/** The FILETIME of a time, cut to 100 ns, towards the past, and to the times that there are. */
export function filetimeOf(nanoseconds: bigint): bigint {
	const floor = nanoseconds >= 0n ? nanoseconds : nanoseconds - 99n;
	const filetime = floor / 100n + EPOCH;
	if (filetime <= 0n) return 1n;
	return filetime > LAST ? LAST : filetime;
}

/** What a file is, by its attributes and the tag of a reparse point. */
export function kindOf(attributes: number, reparseTag: number): FileKind {
	if ((attributes & FILE_ATTRIBUTE_REPARSE_POINT) !== 0) {
		const tag = reparseTag >>> 0;
		if (tag === IO_REPARSE_TAG_SYMLINK || tag === IO_REPARSE_TAG_MOUNT_POINT) return "symlink";
		if (tag === IO_REPARSE_TAG_AF_UNIX) return "socket";
	}
	if ((attributes & FILE_ATTRIBUTE_DIRECTORY) !== 0) return "directory";
	return (attributes & FILE_ATTRIBUTE_DEVICE) !== 0 ? "character-device" : "file";
}

/** What handle information says of a file, read from where `stat` has put it. */
export class HandleMetadata extends RecordMetadata {
	get kind(): FileKind {
		if (this.u32(record.deviceType) === FILE_DEVICE_NAMED_PIPE) return "fifo";
		return kindOf(this.u32(record.attributes), this.u32(record.reparseTag));
	}

	/** As Node has it: whether anybody may write is all that Windows says of permissions here. */
	get mode(): number {
		const { kind } = this;
		const type = modes[kind as keyof typeof modes] ?? otherModes[kind] ?? 0;
		return type | ((this.u32(record.attributes) & FILE_ATTRIBUTE_READONLY) === 0 ? 0o666 : 0o444);
	}

	get size(): number {
		return this.u64(record.endOfFile);
	}

	get blocks(): number {
		return Math.ceil(this.u64(record.allocationSize) / 512);
	}

	get blockSize(): number {
		return 4096;
	}

	get nlink(): number {
		return this.u32(record.numberOfLinks);
	}

	get uid(): number {
		return 0;
	}

	get gid(): number {
		return 0;
	}

	get ino(): bigint {
		return (this.big(record.fileIdHigh) << 64n) | this.big(record.fileId);
	}

	get dev(): bigint {
		return this.big(record.volumeSerialNumber);
	}

	get rdev(): bigint {
		return 0n;
	}

	get atimeNs(): bigint {
		return this.nanoseconds(record.lastAccessTime);
	}

	get mtimeNs(): bigint {
		return this.nanoseconds(record.lastWriteTime);
	}

	get ctimeNs(): bigint {
		return this.nanoseconds(record.changeTime);
	}

	get birthtimeNs(): bigint {
		return this.nanoseconds(record.creationTime);
	}

	get mountId(): undefined {
		return undefined;
	}

	get subvolume(): undefined {
		return undefined;
	}

	get directIo(): undefined {
		return undefined;
	}

	get atomicWrite(): undefined {
		return undefined;
	}

	get attributes(): FileAttributes {
		const has = (bit: number) => (this.u32(record.attributes) & bit) !== 0;
		return {
			compressed: has(FILE_ATTRIBUTE_COMPRESSED),
			immutable: false,
			append: false,
			nodump: false,
			encrypted: has(FILE_ATTRIBUTE_ENCRYPTED),
			verity: false,
			dax: false,
			writeAtomic: false,
			mountRoot: false,
			automount: false,
		};
	}

	private nanoseconds(offset: number): bigint {
		return nanosecondsOf(this.big(offset));
	}
}
