/** The part of a comparison that is about what files hold and where they have holes. */
import { Buffer } from "node:buffer";
import type { Region } from "./engine/memory.ts";
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { system } from "./sys/index.ts";
import type { Metadata } from "./sys/metadata.ts";
import type { Extent, Handle } from "./sys/system.ts";
import { readWhole } from "./sys/whole.ts";

const BUFFER_SIZE = 256 * 1024;

/** Two buffers to read into, one for each file: reserved once for a whole comparison. */
export interface Buffers {
	readonly first: Region;
	readonly second: Region;
}

export function reserveBuffers({ memory }: Scope): Buffers {
	return { first: memory.reserve(BUFFER_SIZE), second: memory.reserve(BUFFER_SIZE) };
}

/** A stretch from its first byte to before its end. */
interface Range {
	readonly start: number;
	readonly end: number;
}

/** Whether a file has fewer blocks, counted in 512 bytes, than its size needs. */
export function mayHaveHoles({ blocks, size }: Metadata): boolean {
	return blocks * 512 < size;
}

/** All data and holes of a file, in order. */
export function* extentsOf(scope: Scope, handle: Handle, size: number): Operation<Extent[]> {
	const extents: Extent[] = [];
	for (let at = 0; at < size; ) {
		const extent = yield* system.file.extent(scope, handle, at, size);
		extents.push(extent);
		at += extent.length;
	}
	return extents;
}

/** Where either file has data: what is a hole in both reads as zeros in both. */
export function dataOfEither(first: readonly Extent[], second: readonly Extent[]): Range[] {
	const data = [...first, ...second].filter(({ kind }) => kind === "data");
	data.sort((a, b) => a.offset - b.offset);
	const ranges: { start: number; end: number }[] = [];
	for (const { offset, length } of data) {
		const last = ranges.at(-1);
		const end = offset + length;
		if (last !== undefined && offset <= last.end) last.end = Math.max(last.end, end);
		else ranges.push({ start: offset, end });
	}
	return ranges;
}

/**
 * How many bytes of the first file's holes the second has filled. A hole counts only as far as it
 * spans whole blocks, because filesystems with other blocks cannot have the rest.
 */
export function bytesOfLostHoles(
	first: readonly Extent[],
	second: readonly Extent[],
	block: number,
	size: number,
): number {
	const holes = second.filter(({ kind }) => kind === "hole");
	let lost = 0;
	let from = 0;
	for (const { kind, offset, length } of first) {
		if (kind === "data") continue;
		const start = Math.ceil(offset / block) * block;
		const last = offset + length;
		const end = last === size ? size : Math.floor(last / block) * block;
		if (end <= start) continue;
		lost += end - start;
		for (let i = from; i < holes.length; i++) {
			const hole = holes[i] as Extent;
			const holeEnd = hole.offset + hole.length;
			if (hole.offset >= end) break;
			if (holeEnd <= start) from = i + 1;
			lost -= Math.max(0, Math.min(holeEnd, end) - Math.max(hole.offset, start));
		}
	}
	return lost;
}

/**
 * The offset of the first byte that differs within the ranges, or undefined. `compared` is told where
 * it is, from the start of the file on.
 */
export function* firstDifference(
	scope: Scope,
	first: Handle,
	second: Handle,
	ranges: readonly Range[],
	buffers: Buffers,
	compared: (at: number) => void,
): Operation<number | undefined> {
	for (const { start, end } of ranges) {
		for (let at = start; at < end; ) {
			const want = Math.min(BUFFER_SIZE, end - at);
			const firstRead = yield* readWhole(
				system.file,
				scope,
				first,
				buffers.first.address,
				want,
				at,
			);
			const secondRead = yield* readWhole(
				system.file,
				scope,
				second,
				buffers.second.address,
				want,
				at,
			);
			const a = buffers.first.bytes(0, firstRead);
			const b = buffers.second.bytes(0, secondRead);
			if (Buffer.compare(a, b) !== 0) return at + indexOfDifference(a, b);
			// Both have become shorter meanwhile.
			if (firstRead === 0) return undefined;
			at += firstRead;
			compared(at);
		}
	}
	return undefined;
}

function indexOfDifference(a: Uint8Array, b: Uint8Array): number {
	let index = 0;
	while (index < a.length && a[index] === b[index]) index++;
	return index;
}
