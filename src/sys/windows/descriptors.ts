/**
 * Descriptors, which Windows does not have: the runtime, and with it node:fs, numbers the handles that
 * it has opened. Its own functions lead from one to the other.
 */
import { dlopen, FFIType } from "bun:ffi";
import fs from "node:fs";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { FsError } from "../../errors.ts";
import type { DescriptorSystem, Handle } from "../system.ts";
import { checked } from "./failure.ts";
import { query } from "./information.ts";
import { FileAccessInformation } from "./layouts.ts";

import { reopened } from "./reopen.ts";

/** The handle of nothing: each call says so of it. */
const NOTHING = 0;

/** Descriptors that have been made, by the handles that they were made for. */
const made = new Map<Handle, number>();

let functions: ReturnType<typeof bind> | undefined;

/** What the runtime exports for native modules. */
function bind() {
	return dlopen(process.execPath, {
		uv_get_osfhandle: { args: [FFIType.i32], returns: FFIType.i64_fast },
		uv_open_osfhandle: { args: [FFIType.i64_fast], returns: FFIType.i32 },
	}).symbols;
}

export const descriptors: DescriptorSystem = {
	handleOf(descriptor) {
		functions ??= bind();
		const handle = Number(functions.uv_get_osfhandle(descriptor));
		return handle < 0 ? NOTHING : handle;
	},

	*of(scope, handle) {
		const known = made.get(handle);
		if (known !== undefined) return known;
		functions ??= bind();
		const descriptor = functions.uv_open_osfhandle(yield* synchronous(scope, handle));
		if (descriptor < 0) throw new FsError("EMFILE", "too many open files", { syscall: "open" });
		made.set(handle, descriptor);
		return descriptor;
	},
};

/** Another handle of the same file, since node:fs does not wait for calls that end later. */
function* synchronous(scope: Scope, handle: Handle): Operation<Handle> {
	const granted = yield* query(scope, handle, FileAccessInformation, 4, "open");
	return checked(yield* reopened(scope, handle, { access: granted.u32(0) }), "open");
}

/** The file of a handle is about to be closed. */
export function closeDescriptor(handle: Handle): void {
	const descriptor = made.get(handle);
	if (descriptor === undefined) return;
	made.delete(handle);
	fs.closeSync(descriptor);
}
