/** How this system makes calls: at once, from any thread; or on a port, if they can end later. */
import { type Pointer, read } from "bun:ffi";
import type { Call, Kernel, Lane } from "../../engine/call.ts";
import { WOULD_WAIT } from "../../engine/call.ts";
import { Memory } from "../../engine/memory.ts";
import { fn } from "./calls.ts";
import { enter, entered } from "./entry.ts";
import { failure } from "./failure.ts";
import {
	EVENT_ALL_ACCESS,
	ioStatusBlock,
	STATUS_PENDING,
	SynchronizationEvent,
} from "./layouts.ts";
import type { PortLane } from "./port.ts";

/** Calls that may end later than they return, on a file that was opened for it. */
const overlapping = new Set<number>([
	fn.NtReadFile,
	fn.NtWriteFile,
	fn.NtFsControlFile,
	fn.NtLockFile,
	fn.NtNotifyChangeDirectoryFile,
]);

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

/** Makes a call that may end later, and waits for it. */
function complete({ fn, a, c, e, f, rest = [] }: Call): number {
	const waitedFor = ownEvent();
	// Without a context (the fourth parameter) a port that the file has is told nothing.
	const result = entered(fn)(a, waitedFor, c, 0, e, f, ...rest);
	if (result !== STATUS_PENDING) return result;
	enter("NtWaitForSingleObject")(waitedFor, 0, 0);
	return read.i32(e as Pointer, ioStatusBlock.status);
}

let port: PortLane | undefined;

export const kernel: Kernel = {
	direct(call: Call): number {
		if (overlapping.has(call.fn)) return complete(call);
		const { fn: index, a, b, c, d, e, f, rest } = call;
		if (index === fn.NtClose) port?.forget(a);
		if (rest === undefined || rest.length === 0) return entered(index)(a, b, c, d, e, f);
		return entered(index)(a, b, c, d, e, f, ...rest);
	},

	// Whether the system would have to wait it does not say beforehand.
	immediate: () => WOULD_WAIT,

	interrupted: () => false,

	cleansUp: (call: Call) => call.fn === fn.NtClose,

	handedOver({ fn: index, a }: Call): void {
		if (index === fn.NtClose) port?.forget(a);
	},

	openQueue(): Lane | string {
		const { PortLane } = require("./port.ts") as typeof import("./port.ts");
		port = new PortLane();
		return port;
	},

	waits: () => false,

	openWaits(): Lane {
		throw new Error("nothing is handed to this lane");
	},

	reset(): void {
		port = undefined;
	},
};
