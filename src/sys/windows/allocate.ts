import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { FsError } from "../../errors.ts";
import type { AllocateSystem, Handle, RangeChange } from "../system.ts";
import { control, lacksRequest } from "./control.ts";
import { extent } from "./extents.ts";
import { checked, failure, unsupported } from "./failure.ts";
import { file } from "./file.ts";
import { query, setNumber } from "./information.ts";
import {
	FILE_ATTRIBUTE_COMPRESSED,
	FILE_ATTRIBUTE_SPARSE_FILE,
	FILE_READ_DATA,
	FILE_WRITE_DATA,
	FileAccessInformation,
	FileAllInformation,
	FileAllocationInformation,
	FSCTL_SET_SPARSE,
	FSCTL_SET_ZERO_DATA,
	fileAllInformation,
	fileBasicInformation,
	fileStandardInformation,
	fileZeroDataInformation,
} from "./layouts.ts";

import { onSubject } from "./metadata.ts";
import { lacking } from "./volume.ts";

type Change = (scope: Scope, handle: Handle, offset: number, length: number) => Operation<void>;

const changes: Readonly<Record<RangeChange, Change>> = {
	preallocate: (scope, handle, offset, length) => reserve(scope, handle, offset, length, true),
	preallocateKeepSize: (scope, handle, offset, length) =>
		reserve(scope, handle, offset, length, false),
	punchHole,
	zeroRange: (scope, handle, offset, length) => zero(scope, handle, offset, length, true),
	zeroRangeKeepSize: (scope, handle, offset, length) => zero(scope, handle, offset, length, false),
	collapseRange: cannot("take a range out of a file"),
	insertRange: cannot("insert a range into a file"),
	unshareRange: cannot("give a file clusters of its own for shared ones"),
};

export const allocate: AllocateSystem = {
	reservesWhileOpen: true,

	*allocate(scope, handle, change, offset, length) {
		yield* demandWritable(scope, handle);
		yield* changes[change](scope, handle, offset, length);
	},
};

/** Where there is nothing to do, nothing else would refuse a file that is not open for writing. */
function* demandWritable(scope: Scope, handle: Handle): Operation<void> {
	const access = yield* query(scope, handle, FileAccessInformation, 4, "fallocate");
	if ((access.u32(0) & FILE_WRITE_DATA) !== 0) return;
	const detail = "it is not open for writing";
	throw new FsError("EBADF", "bad file descriptor", { syscall: "fallocate", detail });
}

function cannot(what: string): Change {
	return () => {
		throw unsupported("fallocate", `Windows has no call to ${what}`);
	};
}

/** What is allocated of a file now, and how. */
interface Space {
	readonly size: number;
	readonly allocated: number;
	/** Whether clusters are given to it only where something is written. */
	readonly scattered: boolean;
	readonly sparse: boolean;
}

export function* spaceOf(scope: Scope, handle: Handle): Operation<Space> {
	const all = yield* query(scope, handle, FileAllInformation, fileAllInformation.size, "fallocate");
	const { basicInformation: basic, standardInformation: standard } = fileAllInformation;
	const attributes = all.u32(basic + fileBasicInformation.fileAttributes);
	return {
		size: all.u64(standard + fileStandardInformation.endOfFile),
		allocated: all.u64(standard + fileStandardInformation.allocationSize),
		scattered: (attributes & (FILE_ATTRIBUTE_SPARSE_FILE | FILE_ATTRIBUTE_COMPRESSED)) !== 0,
		sparse: (attributes & FILE_ATTRIBUTE_SPARSE_FILE) !== 0,
	};
}

/** Reserves clusters up to the end of a range; the end of the file moves there with `grow`. */
function* reserve(
	scope: Scope,
	handle: Handle,
	offset: number,
	length: number,
	grow: boolean,
): Operation<void> {
	const space = yield* spaceOf(scope, handle);
	const end = offset + length;
	if (space.scattered) yield* refuseHoles(scope, handle, space, offset, end);
	yield* reserveTo(scope, handle, space, end);
	if (grow && end > space.size) yield* file.truncate(scope, handle, end);
}

/**
 * A size of allocation below what there is would take clusters away, and below the size of the file
 * would cut the file off: so none is ever set that is not beyond both.
 */
function* reserveTo(scope: Scope, handle: Handle, space: Space, end: number): Operation<void> {
	if (end <= space.size || end <= space.allocated) return;
	const result = yield* setNumber(scope, handle, FileAllocationInformation, end);
	if (lacksRequest.has(result)) {
		throw yield* lacking(scope, handle, "fallocate", "reserve clusters for a file");
	}
	checked(result, "fallocate");
}

/** In what is sparse or compressed only writing gives clusters to a hole, and past the end none stay. */
function* refuseHoles(
	scope: Scope,
	handle: Handle,
	{ size, sparse }: Space,
	offset: number,
	end: number,
): Operation<void> {
	if (end <= size) {
		const look = (to: Handle) => extent(scope, to, offset, end);
		// What is open for writing alone cannot be asked where it has holes.
		const found = yield* onSubject(scope, handle, FILE_READ_DATA, true, "fallocate", look);
		if (sparse && found.kind === "data" && found.length === end - offset) return;
	}
	const what = sparse ? "the holes of a sparse file" : "a compressed file";
	throw yield* lacking(scope, handle, "fallocate", `reserve clusters for ${what}`);
}

function* punchHole(scope: Scope, handle: Handle, offset: number, length: number): Operation<void> {
	const { size, sparse } = yield* spaceOf(scope, handle);
	if (offset >= size) return yield* demandHoles(scope, handle, sparse);
	if (!sparse) checkedHoles(yield* setSparse(scope, handle, true));
	const result = yield* zeroData(scope, handle, offset, Math.min(offset + length, size));
	if (result >= 0) return;
	if (!sparse) yield* setSparse(scope, handle, false);
	throw yield* refused(scope, handle, result);
}

/** What is past the end of a file stays as it is, but only where there could be a hole. */
function* demandHoles(scope: Scope, handle: Handle, sparse: boolean): Operation<void> {
	if (sparse) return;
	checkedHoles(yield* setSparse(scope, handle, true));
	yield* setSparse(scope, handle, false);
}

function checkedHoles(result: number): void {
	if (lacksRequest.has(result)) {
		throw unsupported("fallocate", "this filesystem has no sparse files");
	}
	checked(result, "fallocate");
}

/** Lets a file have holes, or no more; gives the failure where that cannot be. */
export function* setSparse(scope: Scope, handle: Handle, to: boolean): Operation<number> {
	const input = scope.memory.reserve(1);
	input.bytes()[0] = to ? 1 : 0;
	return yield* control(scope, handle, FSCTL_SET_SPARSE, { input });
}

/** Makes a range read as zeros: of a sparse file as a hole, of another with the clusters it has. */
function* zeroData(scope: Scope, handle: Handle, offset: number, end: number): Operation<number> {
	const input = scope.memory.reserve(fileZeroDataInformation.size);
	input.setU64(fileZeroDataInformation.fileOffset, offset);
	input.setU64(fileZeroDataInformation.beyondFinalZero, end);
	return yield* control(scope, handle, FSCTL_SET_ZERO_DATA, { input });
}

function* refused(scope: Scope, handle: Handle, result: number): Operation<Error> {
	if (!lacksRequest.has(result)) return failure(result, "fallocate");
	return yield* lacking(scope, handle, "fallocate", "zero a range without writing");
}

function* zero(
	scope: Scope,
	handle: Handle,
	offset: number,
	length: number,
	grow: boolean,
): Operation<void> {
	const space = yield* spaceOf(scope, handle);
	if (space.scattered) {
		const what = "the range of a sparse or compressed file would have no clusters";
		throw unsupported("fallocate", what);
	}
	const end = offset + length;
	const there = Math.min(end, space.size);
	// Past the end of a file there are zeros as soon as it is longer; the room for them comes first.
	if (end > space.size) yield* reserveTo(scope, handle, space, end);
	if (offset < there) {
		const result = yield* zeroData(scope, handle, offset, there);
		if (result < 0) throw yield* refused(scope, handle, result);
	}
	if (grow && end > space.size) yield* file.truncate(scope, handle, end);
}
