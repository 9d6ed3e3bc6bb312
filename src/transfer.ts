/** Reading and writing: the loops that make short reads and writes whole. */
import { addressOf } from "./engine/memory.ts";
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { invalidArgument } from "./errors.ts";
import { checkedInteger, type Handle, received } from "./location.ts";
import { system } from "./sys/index.ts";
import { readWhole, writeWhole } from "./sys/whole.ts";

const encoder = new TextEncoder();

/** The bytes of what is to be written. */
export function bytesOf(data: unknown): ArrayBufferView {
	if (typeof data === "string") return encoder.encode(data);
	if (ArrayBuffer.isView(data)) return data;
	throw invalidArgument(
		"ERR_INVALID_ARG_TYPE",
		`The "data" argument must be a string or a typed array. Received ${received(data)}`,
	);
}

function checkedPosition(position: number | null): number | null {
	return position === null ? null : checkedInteger(position, "position");
}

function checkedList(list: unknown, what: string): readonly unknown[] {
	if (Array.isArray(list)) return list;
	throw invalidArgument("ERR_INVALID_ARG_TYPE", `The "${what}" argument must be an array`);
}

export function* readvAt(
	scope: Scope,
	file: Handle,
	buffers: readonly ArrayBufferView[],
	position: number | null,
): Operation<number> {
	let at = checkedPosition(position);
	for (const buffer of checkedList(buffers, "buffers")) {
		if (ArrayBuffer.isView(buffer)) continue;
		throw invalidArgument(
			"ERR_INVALID_ARG_TYPE",
			`The "buffer" argument must be a typed array. Received ${received(buffer)}`,
		);
	}
	const handle = scope.hold(file.descriptor);
	let total = 0;
	for (const buffer of buffers) {
		const length = buffer.byteLength;
		const done = yield* readWhole(system.file, scope, handle, scope.pin(buffer), length, at);
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
	const bytes = new Uint8Array(new ArrayBuffer(checkedInteger(length, "length")));
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
	const pieces = checkedList(data, "data").map(bytesOf);
	const handle = scope.hold(file.descriptor);
	let total = 0;
	for (const piece of pieces) {
		yield* writeWhole(system.file, scope, handle, scope.pin(piece), piece.byteLength, at);
		total += piece.byteLength;
		if (typeof at === "number") at += piece.byteLength;
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
	return system.file.sync(scope, scope.hold(file.descriptor));
}

export function datasync(scope: Scope, file: Handle): Operation<void> {
	return system.file.datasync(scope, scope.hold(file.descriptor));
}

export function truncate(scope: Scope, file: Handle, length: number): Operation<void> {
	const bytes = checkedInteger(length, "length");
	return system.file.truncate(scope, scope.hold(file.descriptor), bytes);
}

/** A view whose address is a multiple of `alignment`. */
export function aligned(length: number, alignment: number): Uint8Array<ArrayBuffer> {
	const buffer = new ArrayBuffer(length + alignment);
	const address = addressOf(new Uint8Array(buffer));
	return new Uint8Array(buffer, (alignment - (address % alignment)) % alignment, length);
}
