/** Calls that do less than they were asked to, as they do when signals come or disks fill up. */
import type { Call } from "../../src/engine/call.ts";
import { system } from "../../src/sys/index.ts";
import { nr } from "../../src/sys/linux/calls.ts";

/**
 * Which parameter of a call is how many bytes to transfer. Reading on without a position is left as
 * it is: there one answer is taken, however short.
 */
const lengths = new Map<number, "c" | "e">([
	[nr.write, "c"],
	[nr.pread64, "c"],
	[nr.pwrite64, "c"],
	[nr.copy_file_range, "e"],
]);

/** What direct I/O is done in multiples of. */
const ALIGNED = 4096;

/** About a third, and so much that what remains is as well aligned as it was. */
function shorter(length: number): number {
	const unit = length % ALIGNED === 0 ? ALIGNED : 1;
	return Math.ceil(length / 3 / unit) * unit;
}

function shortened(call: Call): Call {
	const parameter = lengths.get(call.fn);
	return parameter === undefined ? call : { ...call, [parameter]: shorter(call[parameter]) };
}

/** Shortens the transfers that this thread makes itself, until it is disposed of. */
export function shortTransfers(): Disposable {
	const { kernel } = system;
	const { direct, immediate } = kernel;
	kernel.direct = (call) => direct(shortened(call));
	kernel.immediate = (call) => immediate(shortened(call));
	return {
		[Symbol.dispose]() {
			Object.assign(kernel, { direct, immediate });
		},
	};
}
