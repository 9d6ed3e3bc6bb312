import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Metadata } from "../metadata.ts";
import type { Place } from "../system.ts";

export interface DeviceSystem {
	/** Makes a fifo, a socket, a device or an empty file; `number` as `stat` gives it. */
	mknod(
		scope: Scope,
		place: Place,
		kind: Metadata["kind"],
		mode: number,
		number: bigint,
	): Operation<void>;
	/** The number that `stat` gives for a device with these two; `ERR_OUT_OF_RANGE` is the caller's. */
	makeDevice(major: number, minor: number): bigint;
	major(device: bigint): number;
	minor(device: bigint): number;
	/** The largest numbers that a device can have. */
	readonly mostMajor: number;
	readonly mostMinor: number;
}
