/**
 * Sharing clusters between files, as ReFS can: whole clusters, less than 4 GiB at a time, not past the
 * end of the file that gets them, and only between files that are alike in being sparse and in having
 * checksums.
 */
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FsError } from "../../errors.ts";
import type { Handle, RangeCopy } from "../system.ts";
import { setSparse, spaceOf } from "./allocate.ts";
import { control, lacksRequest } from "./control.ts";
import { Status } from "./errno.ts";
import { checked, failure, unsupported } from "./failure.ts";
import { file } from "./file.ts";
import {
	duplicateExtentsData,
	FILE_SUPPORTS_BLOCK_REFCOUNTING,
	FSCTL_DUPLICATE_EXTENTS_TO_FILE,
	FSCTL_GET_INTEGRITY_INFORMATION,
	FSCTL_SET_INTEGRITY_INFORMATION,
	fsctlGetIntegrityInformationBuffer,
	fsctlSetIntegrityInformationBuffer,
} from "./layouts.ts";
import { volumeAttributes, volumeSizes } from "./volume.ts";

/** Bytes shared at once: few enough that an abort is soon seen, and whole clusters of any size. */
const CHUNK = 1024 * 1024 * 1024;

/** Failures that say "not these files", not "it went wrong". */
const notShared = new Set<number>([
	...lacksRequest,
	Status.STATUS_INVALID_PARAMETER,
	Status.STATUS_NOT_SAME_DEVICE,
	Status.STATUS_BLOCK_TOO_MANY_REFERENCES,
]);

/** Whether a volume shares clusters at all: undefined if it does, else why not. */
function* refusal(scope: Scope, destination: Handle): Operation<string | undefined> {
	const { type, flags } = yield* volumeAttributes(scope, destination);
	if ((flags & FILE_SUPPORTS_BLOCK_REFCOUNTING) !== 0) return undefined;
	return `${type} does not share clusters between files`;
}

/** Makes an empty file such that it can share all of another's clusters, or says why it cannot. */
export function* prepareClone(
	scope: Scope,
	source: Handle,
	destination: Handle,
	size: number,
): Operation<string | undefined> {
	const reason = yield* refusal(scope, destination);
	if (reason !== undefined) return reason;
	if ((yield* spaceOf(scope, source)).sparse) {
		checked(yield* setSparse(scope, destination, true), "copyfile");
	}
	yield* copyIntegrity(scope, source, destination);
	yield* file.truncate(scope, destination, size);
	return undefined;
}

/** Whether there are checksums of the content is decided as long as a file is empty. */
function* copyIntegrity(scope: Scope, source: Handle, destination: Handle): Operation<void> {
	const layout = fsctlGetIntegrityInformationBuffer;
	const found = scope.memory.reserveZeroed(layout.size);
	const code = FSCTL_GET_INTEGRITY_INFORMATION;
	if ((yield* control(scope, source, code, { output: found })) < 0) return;
	const wanted = scope.memory.reserveZeroed(fsctlSetIntegrityInformationBuffer.size);
	const { checksumAlgorithm, flags } = fsctlSetIntegrityInformationBuffer;
	wanted.setU32(checksumAlgorithm, found.u16(layout.checksumAlgorithm));
	wanted.setU32(flags, found.u32(layout.flags));
	// Where this fails, sharing says so.
	yield* control(scope, destination, FSCTL_SET_INTEGRITY_INFORMATION, { input: wanted });
}

/** Shares all clusters of a file; undefined when that is done, else why not from there on. */
export function* shareAll(
	scope: Scope,
	source: Handle,
	destination: Handle,
	size: number,
	advance: (bytes: number) => void,
): Operation<string | undefined> {
	const { clusterSize } = yield* volumeSizes(scope, destination);
	for (let at = 0; at < size; ) {
		const length = Math.min(CHUNK, size - at);
		const whole = Math.ceil(length / clusterSize) * clusterSize;
		const result = yield* duplicate(scope, {
			source,
			sourceOffset: at,
			destination,
			destinationOffset: at,
			length: whole,
		});
		if (notShared.has(result)) return refused(result);
		checked(result, "copyfile");
		at += length;
		advance(length);
	}
	return undefined;
}

function* duplicate(
	scope: Scope,
	{ source, sourceOffset, destination, destinationOffset, length }: RangeCopy,
): Operation<number> {
	const mark = scope.mark();
	const input = scope.memory.reserve(duplicateExtentsData.size);
	input.setU64(duplicateExtentsData.fileHandle, source);
	input.setU64(duplicateExtentsData.sourceFileOffset, sourceOffset);
	input.setU64(duplicateExtentsData.targetFileOffset, destinationOffset);
	input.setU64(duplicateExtentsData.byteCount, length);
	const result = yield* control(scope, destination, FSCTL_DUPLICATE_EXTENTS_TO_FILE, { input });
	scope.release(mark);
	return result;
}

function refused(result: number): string {
	if (result === Status.STATUS_NOT_SAME_DEVICE) {
		return "the two files are on different volumes, which share no clusters";
	}
	if (result === Status.STATUS_BLOCK_TOO_MANY_REFERENCES) {
		return "a cluster is shared by as many files as can be";
	}
	return "this volume does not share clusters between these files";
}

/** Shares a range, and has the destination end where the range does if it ended before. */
export function* cloneRange(scope: Scope, range: RangeCopy): Operation<void> {
	const { source, sourceOffset, destination, destinationOffset, length } = range;
	const reason = yield* refusal(scope, destination);
	if (reason !== undefined) throw unsupported("cloneRange", reason);
	const { clusterSize } = yield* volumeSizes(scope, destination);
	const from = yield* spaceOf(scope, source);
	const to = yield* spaceOf(scope, destination);
	const end = destinationOffset + length;
	const isLast = sourceOffset + length === from.size && end >= to.size;
	const aligned = [sourceOffset, destinationOffset, isLast ? 0 : length];
	if (aligned.some((at) => at % clusterSize !== 0) || sourceOffset + length > from.size) {
		throw misfit(clusterSize, from.size);
	}
	if (from.sparse && !to.sparse) checked(yield* setSparse(scope, destination, true), "cloneRange");
	if (end > to.size) yield* file.truncate(scope, destination, end);
	let done = false;
	try {
		for (let at = 0; at < length; at += CHUNK) {
			const part = Math.ceil(Math.min(CHUNK, length - at) / clusterSize) * clusterSize;
			const result = yield* duplicate(scope, {
				...range,
				sourceOffset: sourceOffset + at,
				destinationOffset: destinationOffset + at,
				length: part,
			});
			if (notShared.has(result)) throw unsupported("cloneRange", refused(result));
			checked(result, "cloneRange");
		}
		done = true;
	} finally {
		if (!done && end > to.size) yield* file.truncate(scope, destination, to.size);
	}
}

/** Ranges that are refused where others would be taken. */
function misfit(clusterSize: number, size: number): FsError {
	return failure(Status.STATUS_INVALID_PARAMETER, "cloneRange", {
		detail:
			`offsets must be multiples of the cluster size, ${clusterSize} bytes, and so must the length ` +
			`if it is not up to the end of both files; the source has ${size} bytes`,
	});
}
