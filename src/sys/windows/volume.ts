/** What there is to know about the volume that an open file is on. */
import type { Region } from "../../engine/memory.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FsError } from "../../errors.ts";
import type { Handle } from "../system.ts";
import { call } from "./calls.ts";
import { Status } from "./errno.ts";
import { checked, unsupported } from "./failure.ts";
import {
	FILE_REMOTE_DEVICE,
	FileFsAttributeInformation,
	FileFsDeviceInformation,
	FileFsFullSizeInformation,
	fileFsAttributeInformation,
	fileFsDeviceInformation,
	fileFsFullSizeInformation,
	ioStatusBlock,
} from "./layouts.ts";
import { textOf } from "./path.ts";

/** Bytes for the name of a filesystem, which are a dozen at most. */
const NAME_ROOM = 128;

/** Asks for information of one kind; what does not fit is a text that comes last. */
export function* queryVolume(
	scope: Scope,
	handle: Handle,
	kind: number,
	size: number,
	syscall = "statfs",
): Operation<Region> {
	const status = scope.memory.reserve(ioStatusBlock.size);
	const info = scope.memory.reserveZeroed(size);
	const { address } = info;
	const asked = call("NtQueryVolumeInformationFile", handle, status.address, address, size, kind);
	const result = yield asked;
	if (result !== Status.STATUS_BUFFER_OVERFLOW) checked(result, syscall);
	return info;
}

export interface VolumeAttributes {
	/** The filesystem's name, as the system has it: `"NTFS"`. */
	readonly type: string;
	/** What it can do, bit by bit. */
	readonly flags: number;
	/** The most 16-bit units in a name. */
	readonly nameLength: number;
}

export function* volumeAttributes(scope: Scope, handle: Handle): Operation<VolumeAttributes> {
	const { size, fileSystemAttributes, maximumComponentNameLength, fileSystemNameLength } =
		fileFsAttributeInformation;
	const room = size + NAME_ROOM;
	const info = yield* queryVolume(scope, handle, FileFsAttributeInformation, room);
	const { fileSystemName } = fileFsAttributeInformation;
	return {
		type: textOf(info.bytes(fileSystemName, Math.min(NAME_ROOM, info.u32(fileSystemNameLength)))),
		flags: info.u32(fileSystemAttributes),
		nameLength: info.u32(maximumComponentNameLength),
	};
}

/** Sizes of a volume, in clusters and bytes. */
export interface VolumeSizes {
	readonly clusterSize: number;
	readonly clusters: bigint;
	readonly free: bigint;
	/** Free for this user, as far as quotas are kept. */
	readonly available: bigint;
}

export function* volumeSizes(scope: Scope, handle: Handle): Operation<VolumeSizes> {
	const layout = fileFsFullSizeInformation;
	const info = yield* queryVolume(scope, handle, FileFsFullSizeInformation, layout.size);
	return {
		clusterSize: info.u32(layout.sectorsPerAllocationUnit) * info.u32(layout.bytesPerSector),
		clusters: info.bigU64(layout.totalAllocationUnits),
		free: info.bigU64(layout.actualAvailableAllocationUnits),
		available: info.bigU64(layout.callerAvailableAllocationUnits),
	};
}

/** Whether the volume is another machine's. */
export function* isRemote(scope: Scope, handle: Handle): Operation<boolean> {
	const { size, characteristics } = fileFsDeviceInformation;
	const device = yield* queryVolume(scope, handle, FileFsDeviceInformation, size);
	return (device.u32(characteristics) & FILE_REMOTE_DEVICE) !== 0;
}

/** The error for what a filesystem cannot do; it says which filesystem that is. */
export function* lacking(
	scope: Scope,
	handle: Handle,
	syscall: string,
	cannot: string,
): Operation<FsError> {
	const { type } = yield* volumeAttributes(scope, handle);
	return unsupported(syscall, `${type} cannot ${cannot}`);
}
