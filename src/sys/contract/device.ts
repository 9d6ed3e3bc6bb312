import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Metadata } from "../metadata.ts";
import type { Place } from "../system.ts";

export interface DeviceSystem {
	/**
	 * Makes a fifo, a socket, a device or an empty file; `number` as `stat` gives it. One that no
	 * device file of this system can have is a `RangeError` before any call.
	 */
	mknod(
		scope: Scope,
		place: Place,
		kind: Metadata["kind"],
		mode: number,
		number: bigint,
	): Operation<void>;
	/** The number that `stat` gives for a device with these two, which are below 2^32. */
	makeDevice(major: number, minor: number): bigint;
	major(device: bigint): number;
	minor(device: bigint): number;
}
