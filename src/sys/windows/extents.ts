import type { Region } from "../../engine/memory.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Extent, ExtentsSystem, Handle, MappedExtent } from "../system.ts";
import { control, lacksRequest } from "./control.ts";
import { Status } from "./errno.ts";
import { checked } from "./failure.ts";
import { query } from "./information.ts";
import {
	FILE_ATTRIBUTE_COMPRESSED,
	FILE_ATTRIBUTE_ENCRYPTED,
	FILE_READ_ATTRIBUTES,
	FILE_READ_DATA,
	FileAllInformation,
	FSCTL_GET_RETRIEVAL_POINTERS,
	FSCTL_GET_RETRIEVAL_POINTERS_AND_REFCOUNT,
	FSCTL_QUERY_ALLOCATED_RANGES,
	fileAllInformation,
	fileAllocatedRangeBuffer,
	fileBasicInformation,
	fileStandardInformation,
	retrievalPointersAndRefcountBuffer,
	retrievalPointersBuffer,
} from "./layouts.ts";

import { duplicated, reopened } from "./reopen.ts";
import { lacking, volumeAttributes, volumeSizes } from "./volume.ts";

/** How many extents are asked for at once. */
const MOST_EXTENTS = 256;
/** Clusters that are compressed together. */
const COMPRESSION_UNIT = 16;

/**
 * The data or the hole that begins at `offset`. A file that cannot be asked is data from end to end.
 */
export function* extent(
	scope: Scope,
	handle: Handle,
	offset: number,
	end: number,
): Operation<Extent> {
	const mark = scope.mark();
	const { size, fileOffset, length } = fileAllocatedRangeBuffer;
	const input = scope.memory.reserve(size);
	input.setU64(fileOffset, offset);
	input.setU64(length, end - offset);
	const output = scope.memory.reserveZeroed(size);
	const code = FSCTL_QUERY_ALLOCATED_RANGES;
	const result = yield* control(scope, handle, code, { input, output });
	// There is room for one range, and it is said when there are more.
	const one = result === Status.STATUS_BUFFER_OVERFLOW || result >= size;
	const start = Math.min(Math.max(output.u64(fileOffset), offset), end);
	const stop = Math.min(output.u64(fileOffset) + output.u64(length), end);
	scope.release(mark);
	if (lacksRequest.has(result)) return { kind: "data", offset, length: end - offset };
	if (!one) {
		checked(result, "lseek");
		return { kind: "hole", offset, length: end - offset };
	}
	if (start > offset) return { kind: "hole", offset, length: start - offset };
	return { kind: "data", offset, length: stop - offset };
}

export const extents: ExtentsSystem = {
	*reopen(scope, handle) {
		const access = FILE_READ_DATA | FILE_READ_ATTRIBUTES;
		const again = yield* reopened(scope, handle, { access, overlapped: true });
		// A file that has lost its name cannot be opened any more.
		return again >= 0 ? again : checked(yield* duplicated(scope, handle), "open");
	},

	*map(scope, handle, offset, end) {
		const mark = scope.mark();
		try {
			return yield* mapped(scope, handle, offset, end);
		} finally {
			scope.release(mark);
		}
	},
};

function* mapped(
	scope: Scope,
	handle: Handle,
	offset: number,
	end: number,
): Operation<MappedExtent[]> {
	const { type } = yield* volumeAttributes(scope, handle);
	// Of others it is not said from where on a volume they count.
	if (type !== "NTFS" && type !== "ReFS") {
		throw yield* lacking(scope, handle, "extents", "tell where the clusters of a file are");
	}
	const { clusterSize } = yield* volumeSizes(scope, handle);
	const file = yield* contentOf(scope, handle);
	const unit = clusterSize * (file.compressed ? COMPRESSION_UNIT : 1);
	const pointers = yield* pointersOf(scope, handle, Math.floor(offset / unit) * unit, {
		clusterSize,
		counted: type === "ReFS",
	});
	if (pointers === "none") {
		// What is so small that it is kept with its name has no clusters.
		const stop = Math.min(file.size, end);
		return offset < stop ? [{ ...RESIDENT, offset, length: stop - offset }] : [];
	}
	return inOrder(pointers, file, unit, offset, end);
}

const RESIDENT = {
	kind: "data",
	physical: undefined,
	shared: false,
	unwritten: false,
	encoded: false,
} as const;

interface Content {
	readonly size: number;
	readonly compressed: boolean;
	readonly encoded: boolean;
}

function* contentOf(scope: Scope, handle: Handle): Operation<Content> {
	const all = yield* query(scope, handle, FileAllInformation, fileAllInformation.size, "extents");
	const { basicInformation, standardInformation } = fileAllInformation;
	const attributes = all.u32(basicInformation + fileBasicInformation.fileAttributes);
	return {
		size: all.u64(standardInformation + fileStandardInformation.endOfFile),
		compressed: (attributes & FILE_ATTRIBUTE_COMPRESSED) !== 0,
		encoded: (attributes & (FILE_ATTRIBUTE_COMPRESSED | FILE_ATTRIBUTE_ENCRYPTED)) !== 0,
	};
}

/** A run of clusters, in bytes; without a place on the volume it is a hole. */
interface Run {
	readonly offset: number;
	readonly end: number;
	readonly physical: bigint | undefined;
	readonly shared: boolean;
}

/** The runs of a file from `start` on, or that it has none of its own. */
function* pointersOf(
	scope: Scope,
	handle: Handle,
	start: number,
	{ clusterSize, counted }: { readonly clusterSize: number; readonly counted: boolean },
): Operation<Run[] | "none"> {
	const layout = counted ? retrievalPointersAndRefcountBuffer : retrievalPointersBuffer;
	const stride = layout.size - layout.nextVcn;
	const input = scope.memory.reserve(8);
	input.setU64(0, start / clusterSize);
	const output = scope.memory.reserveZeroed(layout.nextVcn + MOST_EXTENTS * stride);
	const code = counted ? FSCTL_GET_RETRIEVAL_POINTERS_AND_REFCOUNT : FSCTL_GET_RETRIEVAL_POINTERS;
	const result = yield* control(scope, handle, code, { input, output });
	if (result === Status.STATUS_END_OF_FILE) return "none";
	if (lacksRequest.has(result)) {
		throw yield* lacking(scope, handle, "extents", "tell where the clusters of a file are");
	}
	if (result !== Status.STATUS_BUFFER_OVERFLOW) checked(result, "extents");
	return runsOf(output, stride, clusterSize, counted);
}

function runsOf(output: Region, stride: number, clusterSize: number, counted: boolean): Run[] {
	const { extentCount, startingVcn, nextVcn, lcn, referenceCount } =
		retrievalPointersAndRefcountBuffer;
	const runs: Run[] = [];
	let offset = output.u64(startingVcn) * clusterSize;
	for (let i = 0; i < output.u32(extentCount); i++) {
		const at = i * stride;
		const end = output.u64(nextVcn + at) * clusterSize;
		const cluster = BigInt.asIntN(64, output.bigU64(lcn + at));
		const physical = cluster < 0n ? undefined : cluster * BigInt(clusterSize);
		const shared = counted && output.u32(referenceCount + at) > 1;
		runs.push({ offset, end, physical, shared });
		offset = end;
	}
	return runs;
}

/** Runs as extents, cut to the range that was asked about. */
function inOrder(
	runs: readonly Run[],
	{ size, compressed, encoded }: Content,
	unit: number,
	offset: number,
	end: number,
): MappedExtent[] {
	const found: MappedExtent[] = [];
	let at = offset;
	// Nothing can have been written past the last unit that the file reaches into.
	const written = Math.ceil(size / unit) * unit;
	const add = (start: number, stop: number, run: Run) => {
		const from = Math.max(start, at);
		const to = Math.min(stop, end);
		if (to <= from) return;
		const unwritten = from >= written;
		const { physical = 0n, shared } = run;
		found.push({
			kind: unwritten ? "hole" : "data",
			offset: from,
			length: to - from,
			// Of what is encoded no part has a place of its own.
			physical: encoded ? physical : physical + BigInt(from - run.offset),
			shared,
			unwritten,
			encoded,
		});
		at = to;
	};
	for (const run of runs) {
		if (run.physical === undefined) continue;
		// What a compressed unit has no clusters for is in those that it has.
		const stop = compressed ? Math.ceil(run.end / unit) * unit : run.end;
		add(run.offset, Math.min(stop, written), run);
		add(Math.max(run.offset, written), stop, run);
	}
	return found;
}
