/**
 * What a view of the caller's is, asked of the runtime: its class, or a property of its own, may
 * claim more bytes than there are, and the kernel would believe it.
 */
import { invalidArgument } from "../errors.ts";

type Getter<T> = (this: ArrayBufferView) => T;

function getter<T>(prototype: object, name: keyof ArrayBufferView): Getter<T> {
	return Object.getOwnPropertyDescriptor(prototype, name)?.get as Getter<T>;
}

const typedArray: object = Object.getPrototypeOf(Uint8Array.prototype);
const buffers = {
	typed: getter<ArrayBufferLike>(typedArray, "buffer"),
	data: getter<ArrayBufferLike>(DataView.prototype, "buffer"),
};
const lengths = {
	typed: getter<number>(typedArray, "byteLength"),
	data: getter<number>(DataView.prototype, "byteLength"),
};
const offsets = getter<number>(typedArray, "byteOffset");

/** The memory behind a view. */
export function bufferOf(view: ArrayBufferView): ArrayBufferLike {
	try {
		return buffers.typed.call(view);
	} catch {
		return buffers.data.call(view);
	}
}

/** Bytes in a view that is not detached. */
export function byteLengthOf(view: ArrayBufferView): number {
	try {
		return lengths.typed.call(view);
	} catch {
		return lengths.data.call(view);
	}
}

/** True for an array of bytes, and not for what only inherits from one. */
export function isBytes(value: unknown): value is Uint8Array {
	return ArrayBuffer.isView(value) && value instanceof Uint8Array;
}

/** The same bytes as an array that is nothing but that. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
	checkAttached(bytes);
	return new Uint8Array(bufferOf(bytes), offsets.call(bytes), byteLengthOf(bytes));
}

/** Refuses a view whose memory has been given away (`transfer`, `postMessage`). */
export function checkAttached(view: ArrayBufferView): void {
	// Shared memory has neither of these two: it cannot be given away, and it never shrinks.
	const { detached } = bufferOf(view) as { detached?: boolean };
	if (detached !== true) return;
	throw invalidArgument("ERR_INVALID_STATE", "The buffer is detached: its memory was given away");
}

/** Refuses a view of memory that may be taken away while a call writes to it. */
export function checkFixed(view: ArrayBufferView, what: string): void {
	const { resizable } = bufferOf(view) as { resizable?: boolean };
	if (resizable !== true) return;
	throw invalidArgument(
		"ERR_INVALID_ARG_VALUE",
		`The "${what}" argument must not be in a resizable ArrayBuffer, which could shrink meanwhile`,
	);
}
