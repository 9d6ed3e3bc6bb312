/** How this system makes calls: at once, from any thread; or on a port, if they can end later. */
import { type Pointer, read } from "bun:ffi";
import type { Call, Kernel, Lane } from "../../engine/call.ts";
import { WOULD_WAIT } from "../../engine/call.ts";
import { bytesAt, Memory, type Region } from "../../engine/memory.ts";
import { fn } from "./calls.ts";
import { enter, entered } from "./entry.ts";
import { statusOfWin32, win32 } from "./errno.ts";
import { failure } from "./failure.ts";
import { forgetLocks } from "./held-ranges.ts";
import {
	EVENT_ALL_ACCESS,
	ioStatusBlock,
	overlapped,
	STATUS_PENDING,
	STATUS_TIMEOUT,
	SynchronizationEvent,
} from "./layouts.ts";
import type { PortLane } from "./port.ts";

/** Calls that may end later than they return, on a file that was opened for it. */
const overlapping = new Set<number>([
	fn.NtReadFile,
	fn.NtWriteFile,
	fn.NtFsControlFile,
	fn.NtNotifyChangeDirectoryFile,
]);

/** What a Win32 function says of a call that has not ended. */
const PENDING = statusOfWin32(win32.ERROR_IO_PENDING[0]);

/** What a call of this thread that ends later is waited for by. */
let event: number | undefined;

function ownEvent(): number {
	if (event === undefined) {
		const memory = new Memory();
		const handle = memory.reserve(8);
		const made = enter("NtCreateEvent")(
			handle.address,
			EVENT_ALL_ACCESS,
			0,
			SynchronizationEvent,
			0,
		);
		event = handle.u64(0);
		memory.free();
		memory.discard();
		if (made < 0) throw failure(made, "event");
	}
	return event;
}

/**
 * Makes a call that may end later, and waits for it; no longer than `d` says, the address of a time,
 * if it is one. Then it is cancelled, and has ended all the same when this returns.
 */
function complete({ fn, a, c, d, e, f, rest = [] }: Call): number {
	const waitedFor = ownEvent();
	// Without a context (the fourth parameter) a port that the file has is told nothing.
	const result = entered(fn)(a, waitedFor, c, 0, e, f, ...rest);
	if (result !== STATUS_PENDING) return result;
	if (enter("NtWaitForSingleObject")(waitedFor, 0, d) === STATUS_TIMEOUT) {
		cancel(a, e);
		enter("NtWaitForSingleObject")(waitedFor, 0, 0);
	}
	return read.i32(e as Pointer, ioStatusBlock.status);
}

/** The same of a copy, whose event and status block come earlier. */
function completeCopy({ fn, a, b, d, e, f, rest = [] }: Call): number {
	const waitedFor = ownEvent();
	const result = entered(fn)(a, b, waitedFor, d, e, f, ...rest);
	if (result !== STATUS_PENDING) return result;
	enter("NtWaitForSingleObject")(waitedFor, 0, 0);
	return read.i32(d as Pointer, ioStatusBlock.status);
}

/** Makes a lock, which ends later only if a server is asked for it. */
function completeLock({ fn: index, a, b, c, d, e, f }: Call): number {
	const waitedFor = ownEvent();
	// The lowest bit says that a port that the file has is to be told nothing.
	bytesAt(f + overlapped.hEvent, 4).set(new Uint8Array(Uint32Array.of(waitedFor | 1).buffer));
	const result = entered(index)(a, b, c, d, e, f);
	if (result !== PENDING) return result;
	enter("NtWaitForSingleObject")(waitedFor, 0, 0);
	return read.i32(f as Pointer, overlapped.internal);
}

let cancelled: Region | undefined;

/** Has a call end that is under way, by the address of its status block; false if there is none. */
export function cancel(handle: number, status: number): boolean {
	cancelled ??= new Memory().reserve(ioStatusBlock.size);
	return enter("NtCancelIoFileEx")(handle, status, cancelled.address) >= 0;
}

let port: PortLane | undefined;

/** A file is about to be closed; its number may be another's next. */
function closing(handle: number): void {
	port?.forget(handle);
	forgetLocks(handle);
}

/** What an abort does not skip. */
const cleaning = new Set<number>([fn.NtClose, fn.UnlockFileEx]);

export const kernel: Kernel = {
	direct(call: Call): number {
		if (overlapping.has(call.fn)) return complete(call);
		if (call.fn === fn.LockFileEx) return completeLock(call);
		if (call.fn === fn.NtCopyFileChunk) return completeCopy(call);
		const { fn: index, a, b, c, d, e, f, rest } = call;
		if (index === fn.NtClose) closing(a);
		if (rest === undefined || rest.length === 0) return entered(index)(a, b, c, d, e, f);
		return entered(index)(a, b, c, d, e, f, ...rest);
	},

	// Whether the system would have to wait it does not say beforehand.
	immediate: () => WOULD_WAIT,

	interrupted: () => false,

	cleansUp: (call: Call) => cleaning.has(call.fn),

	handedOver({ fn: index, a }: Call): void {
		if (index === fn.NtClose) closing(a);
	},

	openQueue(): Lane | string {
		const { PortLane } = require("./port.ts") as typeof import("./port.ts");
		port = new PortLane();
		return port;
	},

	waits: (call: Call) => call.fn === fn.NtNotifyChangeDirectoryFile,

	openWaits(): Lane {
		const { PollLane } = require("./poll-lane.ts") as typeof import("./poll-lane.ts");
		return new PollLane();
	},

	reset(): void {
		port = undefined;
	},
};
