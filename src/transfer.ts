/** Reading and writing: the loops that make short reads and writes whole. */
import { addressOf } from "./engine/memory.ts";
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { byteLengthOf, checkAttached, checkFixed } from "./engine/view.ts";
import { invalidArgument } from "./errors.ts";
import { checkedInteger, descriptorOf, type Handle } from "./location.ts";
import { received } from "./received.ts";
import { system } from "./sys/index.ts";
import { readWhole, writeWhole } from "./sys/whole.ts";

const encoder = new TextEncoder();

/** Bytes that an array of the runtime's can have at most. */
export const MOST_BYTES = 2 ** 32;

/** The bytes of what is to be written. */
export function bytesOf(data: unknown): ArrayBufferView {
	if (typeof data === "string") return encoder.encode(data);
	if (ArrayBuffer.isView(data)) return checkedView(data, "data");
	throw invalidArgument(
		"ERR_INVALID_ARG_TYPE",
		`The "data" argument must be a string or a typed array. Received ${received(data)}`,
	);
}

function checkedBuffer(buffer: unknown): ArrayBufferView {
	if (ArrayBuffer.isView(buffer)) return checkedView(buffer, "buffer");
	throw invalidArgument(
		"ERR_INVALID_ARG_TYPE",
		`The "buffer" argument must be a typed array. Received ${received(buffer)}`,
	);
}

/** Memory that is there, and stays where it is and as large as it is while calls use it. */
function checkedView(view: ArrayBufferView, what: string): ArrayBufferView {
	checkAttached(view);
	checkFixed(view, what);
	return view;
}

function checkedPosition(position: number | null): number | null {
	return position === null ? null : checkedInteger(position, "position");
}

/** The list as it is now: the caller may change it while the first of it is on its way. */
function checkedList<T>(list: unknown, what: string, check: (item: unknown) => T): T[] {
	if (!Array.isArray(list)) {
		throw invalidArgument("ERR_INVALID_ARG_TYPE", `The "${what}" argument must be an array`);
	}
	const checked: T[] = [];
	for (const item of list) checked.push(check(item));
	return checked;
}

export function* readvAt(
	scope: Scope,
	file: Handle,
	buffers: readonly ArrayBufferView[],
	position: number | null,
): Operation<number> {
	let at = checkedPosition(position);
	const views = checkedList(buffers, "buffers", checkedBuffer);
	const handle = scope.hold(descriptorOf(file));
	let total = 0;
	for (const view of views) {
		const address = scope.pin(view);
		const length = byteLengthOf(view);
		const done = yield* readWhole(system.file, scope, handle, address, length, at);
		// What was read is not where the caller looks for it.
		checkAttached(view);
		total += done;
		if (at !== null) at += done;
		if (done < length) break;
	}
	return total;
}

export function readAt(
	scope: Scope,
	file: Handle,
	buffer: ArrayBufferView,
	position: number | null,
): Operation<number> {
	return readvAt(scope, file, [buffer], position);
}

export function* read(
	scope: Scope,
	file: Handle,
	length: number,
	position: number | null,
): Operation<Uint8Array<ArrayBuffer>> {
	const bytes = new Uint8Array(new ArrayBuffer(checkedInteger(length, "length", 0, MOST_BYTES)));
	const done = yield* readvAt(scope, file, [bytes], position);
	return done === length ? bytes : bytes.slice(0, done);
}

export function* writevAt(
	scope: Scope,
	file: Handle,
	data: readonly unknown[],
	position: number | null | "end",
): Operation<number> {
	let at = position === "end" ? position : checkedPosition(position);
	const pieces = checkedList(data, "data", bytesOf);
	const handle = scope.hold(descriptorOf(file));
	let total = 0;
	for (const piece of pieces) {
		const address = scope.pin(piece);
		const length = byteLengthOf(piece);
		yield* writeWhole(system.file, scope, handle, address, length, at);
		// What was written may be what its memory was used for since.
		checkAttached(piece);
		total += length;
		if (typeof at === "number") at += length;
	}
	return total;
}

export function writeAt(
	scope: Scope,
	file: Handle,
	data: unknown,
	position: number | null,
): Operation<number> {
	return writevAt(scope, file, [data], position);
}

export function append(scope: Scope, file: Handle, data: unknown): Operation<number> {
	return writevAt(scope, file, [data], "end");
}

export function sync(scope: Scope, file: Handle): Operation<void> {
	return system.file.sync(scope, scope.hold(descriptorOf(file)));
}

export function datasync(scope: Scope, file: Handle): Operation<void> {
	return system.file.datasync(scope, scope.hold(descriptorOf(file)));
}

export function truncate(scope: Scope, file: Handle, length: number): Operation<void> {
	const bytes = checkedInteger(length, "length");
	return system.file.truncate(scope, scope.hold(descriptorOf(file)), bytes);
}

/** A view whose address is a multiple of `alignment`. */
export function aligned(length: number, alignment: number): Uint8Array<ArrayBuffer> {
	const buffer = new ArrayBuffer(length + alignment);
	const address = addressOf(new Uint8Array(buffer));
	return new Uint8Array(buffer, (alignment - (address % alignment)) % alignment, length);
}
