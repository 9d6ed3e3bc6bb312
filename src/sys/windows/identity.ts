/** What tells an open file from all others. */
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { isCode } from "../../errors.ts";
import type { Handle } from "../system.ts";
import { query } from "./information.ts";
import {
	FileFsVolumeInformation,
	FileIdInformation,
	FileInternalInformation,
	fileFsVolumeInformation,
	fileIdInformation,
	fileInternalInformation,
} from "./layouts.ts";
import { queryVolume } from "./volume.ts";

export interface Identity {
	readonly volume: number;
	/** The number of the file, in halves: the upper one is 0 but on ReFS. */
	readonly low: bigint;
	readonly high: bigint;
}

/** The identity of an open file: on ReFS half of its number may be another file's as well. */
export function* identityOf(scope: Scope, handle: Handle, syscall: string): Operation<Identity> {
	const { size, volumeSerialNumber, fileId } = fileIdInformation;
	try {
		const id = yield* query(scope, handle, FileIdInformation, size, syscall);
		// The lower half is the volume's number as everything else has it.
		const volume = id.u32(volumeSerialNumber);
		return { volume, low: id.bigU64(fileId), high: id.bigU64(fileId + 8) };
	} catch (error) {
		if (!isCode(error, "ENOTSUP", "EINVAL")) throw error;
		return yield* shortIdentityOf(scope, handle, syscall);
	}
}

/** The same where files have numbers of 64 bits alone, as on FAT. */
function* shortIdentityOf(scope: Scope, handle: Handle, syscall: string): Operation<Identity> {
	const { size, indexNumber } = fileInternalInformation;
	const file = yield* query(scope, handle, FileInternalInformation, size, syscall);
	const { size: room, volumeSerialNumber } = fileFsVolumeInformation;
	const volume = yield* queryVolume(scope, handle, FileFsVolumeInformation, room, syscall);
	return { volume: volume.u32(volumeSerialNumber), low: file.bigU64(indexNumber), high: 0n };
}
