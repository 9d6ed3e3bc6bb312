import type { Region } from "../../engine/memory.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Extent, ExtentsSystem, Handle, MappedExtent } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { Errno } from "./errno.ts";
import { checked, failure, unsupported } from "./failure.ts";
import { lacking } from "./lacking.ts";
import {
	AT_FDCWD,
	FIEMAP_EXTENT_DATA_INLINE,
	FIEMAP_EXTENT_DATA_TAIL,
	FIEMAP_EXTENT_DELALLOC,
	FIEMAP_EXTENT_ENCODED,
	FIEMAP_EXTENT_SHARED,
	FIEMAP_EXTENT_UNKNOWN,
	FIEMAP_EXTENT_UNWRITTEN,
	FIEMAP_FLAG_SYNC,
	FS_IOC_FIEMAP,
	fiemap,
	fiemapExtent,
	O,
	SEEK_DATA,
	SEEK_END,
	SEEK_HOLE,
} from "./layouts.ts";
import { openat, procPath } from "./path.ts";

/** How often a place is asked about again because it was written or punched meanwhile. */
const MOST_RACES = 64;
/** How many extents the kernel is asked for at once: a buffer of 14 KiB. */
const MOST_EXTENTS = 256;

/** Flags of extents that no whole blocks on the device stand for, by now or ever. */
const NOWHERE =
	FIEMAP_EXTENT_UNKNOWN |
	FIEMAP_EXTENT_DELALLOC |
	FIEMAP_EXTENT_DATA_INLINE |
	FIEMAP_EXTENT_DATA_TAIL;

/**
 * Where the next data or hole begins, at `from` or after it; undefined when there is none. A file
 * that cannot be asked is data from end to end.
 */
export function* seek(
	handle: Handle,
	from: number,
	whence: typeof SEEK_DATA | typeof SEEK_HOLE,
): Operation<number | undefined> {
	const result = yield sys(nr.lseek, handle, from, whence);
	if (result >= 0) return result;
	if (result === -Errno.ENXIO) return undefined;
	if (result === -Errno.EINVAL) return whence === SEEK_DATA ? from : undefined;
	throw failure(result, "lseek");
}

/** Where the file ends by now. */
export function* endOf(handle: Handle): Operation<number> {
	const result = yield sys(nr.lseek, handle, 0, SEEK_END);
	if (result < 0) throw failure(result, "lseek");
	return result;
}

export function* extent(
	_scope: Scope,
	handle: Handle,
	offset: number,
	end: number,
): Operation<Extent> {
	for (let tries = 0; tries < MOST_RACES; tries++) {
		const data = Math.min((yield* seek(handle, offset, SEEK_DATA)) ?? end, end);
		if (data > offset) return { kind: "hole", offset, length: data - offset };
		const hole = Math.min((yield* seek(handle, offset, SEEK_HOLE)) ?? end, end);
		if (hole > offset) return { kind: "data", offset, length: hole - offset };
	}
	// Whoever reads a hole for data finds zeros, and loses nothing.
	return { kind: "data", offset, length: end - offset };
}

export const extents: ExtentsSystem = {
	*reopen(scope, handle) {
		const flags = O.O_CLOEXEC | O.O_NONBLOCK;
		const result = yield* openat(scope, AT_FDCWD, procPath(handle), flags, 0, 0);
		if (result !== -Errno.ENOENT) return checked(result, "open");
		throw unsupported("open", "to open a descriptor once more takes /proc, which is not there");
	},

	*map(scope, handle, offset, end) {
		const mark = scope.mark();
		const request = scope.memory.reserveZeroed(fiemap.size + MOST_EXTENTS * fiemapExtent.size);
		request.setU64(fiemap.start, offset);
		request.setU64(fiemap.length, end - offset);
		request.setU32(fiemap.flags, FIEMAP_FLAG_SYNC);
		request.setU32(fiemap.count, MOST_EXTENTS);
		const result = yield sys(nr.ioctl, handle, FS_IOC_FIEMAP, request.address);
		if (result === -Errno.EOPNOTSUPP || result === -Errno.ENOTTY) {
			throw yield* lacking(scope, handle, "fiemap", "tell where the blocks of a file are");
		}
		// Past the end of the largest file that there can be.
		if (result !== -Errno.EFBIG) checked(result, "fiemap");
		const found = result < 0 ? [] : inOrder(request, offset, end);
		scope.release(mark);
		return found;
	},
};

/** What the kernel has written, cut to the range that it was asked about. */
function inOrder(request: Region, offset: number, end: number): MappedExtent[] {
	const found: MappedExtent[] = [];
	let at = offset;
	for (let i = 0; i < request.u32(fiemap.mapped); i++) {
		const base = fiemap.size + i * fiemapExtent.size;
		const logical = request.u64(base + fiemapExtent.logical);
		const start = Math.max(logical, at);
		const stop = Math.min(logical + request.u64(base + fiemapExtent.length), end);
		if (stop <= start) continue;
		const flags = request.u32(base + fiemapExtent.flags);
		const encoded = (flags & FIEMAP_EXTENT_ENCODED) !== 0;
		const unwritten = (flags & FIEMAP_EXTENT_UNWRITTEN) !== 0;
		// Of what is encoded no part has a place of its own.
		const into = encoded ? 0n : BigInt(start - logical);
		found.push({
			kind: unwritten ? "hole" : "data",
			offset: start,
			length: stop - start,
			physical:
				(flags & NOWHERE) === 0 ? request.bigU64(base + fiemapExtent.physical) + into : undefined,
			shared: (flags & FIEMAP_EXTENT_SHARED) !== 0,
			unwritten,
			encoded,
		});
		at = stop;
	}
	return found;
}
