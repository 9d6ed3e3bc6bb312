import { dlopen, type Pointer, toArrayBuffer } from "bun:ffi";
import type { Region } from "../../../engine/memory.ts";
import { keptOpen } from "../entry.ts";

const openLibc = keptOpen(
	(file) =>
		dlopen(file, {
			__cxa_thread_atexit_impl: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
			calloc: { args: ["u64", "u64"], returns: "ptr" },
		}).symbols,
);

/**
 * Has a C function called with a struct when this thread ends, and says where that struct is now:
 * in memory of libc's, which the end of the JavaScript heap does not take away. A Worker that is
 * terminated runs no JavaScript any more, but its thread still runs what libc was told to run.
 *
 * The function must bear being called again after it was called by hand. Where libc cannot do this
 * (musl), a terminated Worker leaves its ring to the process; one that ends by itself after
 * `stopEngine` does not. Undefined there, and on the main thread, which ends with the process.
 */
export function callAtThreadExit(func: Pointer, struct: Region): Pointer | undefined {
	if (Bun.isMainThread) return undefined;
	try {
		const symbols = openLibc("libc.so.6");
		const kept = symbols.calloc(1, struct.size) as Pointer | null;
		if (kept === null) return undefined;
		new Uint8Array(toArrayBuffer(kept, 0, struct.size)).set(struct.bytes());
		// The third argument names the library that must stay loaded, by any address inside it.
		symbols.__cxa_thread_atexit_impl(func, kept, func);
		return kept;
	} catch {
		return undefined;
	}
}
