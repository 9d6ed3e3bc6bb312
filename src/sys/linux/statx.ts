import { deviceNumber } from "../device-number.ts";
import type { FileAttributes, FileKind, Metadata } from "../metadata.ts";
import { RecordMetadata } from "../record.ts";
import {
	STATX_ATTR_APPEND,
	STATX_ATTR_AUTOMOUNT,
	STATX_ATTR_COMPRESSED,
	STATX_ATTR_DAX,
	STATX_ATTR_ENCRYPTED,
	STATX_ATTR_IMMUTABLE,
	STATX_ATTR_MOUNT_ROOT,
	STATX_ATTR_NODUMP,
	STATX_ATTR_VERITY,
	STATX_ATTR_WRITE_ATOMIC,
	STATX_BTIME,
	STATX_DIOALIGN,
	STATX_MNT_ID,
	STATX_SUBVOL,
	STATX_WRITE_ATOMIC,
	statx,
	timespec,
} from "./layouts.ts";

const BILLION = 1_000_000_000n;

/** File types by the four high bits of the mode, which getdents64 also uses. */
const kinds: Readonly<Record<number, FileKind>> = {
	1: "fifo",
	2: "character-device",
	4: "directory",
	6: "block-device",
	8: "file",
	10: "symlink",
	12: "socket",
};

export function kindOf(type: number): FileKind {
	return kinds[type] ?? "unknown";
}

/** What a `struct statx` says, read from where the kernel wrote it. */
export class StatxMetadata extends RecordMetadata {
	get kind(): FileKind {
		return kindOf(this.mode >> 12);
	}

	get mode(): number {
		return this.u32(statx.mode) & 0xffff;
	}

	get size(): number {
		return this.u64(statx.sizeOfFile);
	}

	get blocks(): number {
		return this.u64(statx.blocks);
	}

	get blockSize(): number {
		return this.u32(statx.blksize);
	}

	get nlink(): number {
		return this.u32(statx.nlink);
	}

	get uid(): number {
		return this.u32(statx.uid);
	}

	get gid(): number {
		return this.u32(statx.gid);
	}

	get ino(): bigint {
		return this.big(statx.ino);
	}

	get dev(): bigint {
		return deviceNumber(this.u32(statx.devMajor), this.u32(statx.devMinor));
	}

	get rdev(): bigint {
		return deviceNumber(this.u32(statx.rdevMajor), this.u32(statx.rdevMinor));
	}

	get atimeNs(): bigint {
		return this.nanoseconds(statx.atime);
	}

	get mtimeNs(): bigint {
		return this.nanoseconds(statx.mtime);
	}

	get ctimeNs(): bigint {
		return this.nanoseconds(statx.ctime);
	}

	get birthtimeNs(): bigint | undefined {
		return this.has(STATX_BTIME) ? this.nanoseconds(statx.btime) : undefined;
	}

	get mountId(): bigint | undefined {
		return this.has(STATX_MNT_ID) ? BigInt(this.u64(statx.mountId)) : undefined;
	}

	get subvolume(): bigint | undefined {
		return this.has(STATX_SUBVOL) ? this.big(statx.subvolume) : undefined;
	}

	get attributes(): FileAttributes {
		// What a filesystem does not know of is not in its mask, and its bit means nothing.
		const bits = this.u32(statx.attributes) & this.u32(statx.attributesMask);
		const has = (bit: number) => (bits & bit) !== 0;
		return {
			compressed: has(STATX_ATTR_COMPRESSED),
			immutable: has(STATX_ATTR_IMMUTABLE),
			append: has(STATX_ATTR_APPEND),
			nodump: has(STATX_ATTR_NODUMP),
			encrypted: has(STATX_ATTR_ENCRYPTED),
			verity: has(STATX_ATTR_VERITY),
			dax: has(STATX_ATTR_DAX),
			writeAtomic: has(STATX_ATTR_WRITE_ATOMIC),
			mountRoot: has(STATX_ATTR_MOUNT_ROOT),
			automount: has(STATX_ATTR_AUTOMOUNT),
		};
	}

	get directIo(): Metadata["directIo"] {
		const memoryAlign = this.u32(statx.dioMemoryAlign);
		const offsetAlign = this.u32(statx.dioOffsetAlign);
		if (!this.has(STATX_DIOALIGN) || memoryAlign === 0) return undefined;
		return { memoryAlign, offsetAlign };
	}

	get atomicWrite(): Metadata["atomicWrite"] {
		const unitMin = this.u32(statx.atomicWriteUnitMin);
		if (!this.has(STATX_WRITE_ATOMIC) || unitMin === 0) return undefined;
		const unitMax = this.u32(statx.atomicWriteUnitMax);
		return { unitMin, unitMax, segmentsMax: this.u32(statx.atomicWriteSegmentsMax) };
	}

	/** Whether the kernel has filled this in. */
	private has(field: number): boolean {
		return (this.u32(statx.mask) & field) !== 0;
	}

	private nanoseconds(offset: number): bigint {
		const seconds = offset + timespec.seconds;
		const whole = this.u32(seconds) + (this.u32(seconds + 4) | 0) * 0x100000000;
		return BigInt(whole) * BILLION + BigInt(this.u32(offset + timespec.nanoseconds));
	}
}
