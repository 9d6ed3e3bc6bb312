import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FilesystemStatus, Handle, StatfsSystem } from "../system.ts";
import {
	FILE_READ_ATTRIBUTES,
	FILE_READ_ONLY_VOLUME,
	FileFsVolumeInformation,
	fileFsVolumeInformation,
} from "./layouts.ts";
import { onSubject } from "./metadata.ts";
import { queryVolume, volumeAttributes, volumeSizes } from "./volume.ts";

export const statfs: StatfsSystem = {
	statfs: (scope, subject) =>
		onSubject(scope, subject, FILE_READ_ATTRIBUTES, true, "statfs", (handle) =>
			statusOf(scope, handle),
		),
};

function* statusOf(scope: Scope, handle: Handle): Operation<FilesystemStatus> {
	const { type, flags, nameLength } = yield* volumeAttributes(scope, handle);
	const { clusterSize, clusters, free, available } = yield* volumeSizes(scope, handle);
	const { size, volumeSerialNumber } = fileFsVolumeInformation;
	const volume = yield* queryVolume(scope, handle, FileFsVolumeInformation, size);
	return {
		type,
		blockSize: clusterSize,
		blocks: clusters,
		freeBlocks: free,
		availableBlocks: available,
		// There is no table of a size that files use up.
		files: 0n,
		freeFiles: 0n,
		nameLength,
		id: BigInt(volume.u32(volumeSerialNumber)),
		readOnly: (flags & FILE_READ_ONLY_VOLUME) !== 0,
	};
}
