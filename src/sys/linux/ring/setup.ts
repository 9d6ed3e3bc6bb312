import { dlopen, type Pointer } from "bun:ffi";
import type { Memory, Region } from "../../../engine/memory.ts";
import { settings } from "../../../engine/settings.ts";
import { keptOpen, shimFile } from "../entry.ts";
import { errnoTable } from "../errno.ts";
import { callAtThreadExit } from "./thread-exit.ts";

/** `struct io_uring_params`: 10 words, then where things lie in the ring's memory. */
export const params = {
	size: 120,
	sqEntries: 0,
	cqEntries: 4,
	flags: 8,
	features: 20,
	sqHead: 40,
	sqTail: 44,
	sqMask: 48,
	sqArray: 64,
	cqHead: 80,
	cqTail: 84,
	cqMask: 88,
	cqes: 100,
} as const;

const SETUP_CQSIZE = 1 << 3;
const SETUP_CLAMP = 1 << 4;

/** A ring that the kernel has made, and its memory as this process has mapped it. */
export interface RingMemory {
	/** Who set it up. */
	readonly by: "shim" | "liburing";
	readonly fd: number;
	readonly entries: number;
	readonly completions: number;
	readonly ring: { readonly address: number; readonly size: number };
	readonly sqes: { readonly address: number; readonly size: number };
	/** Offsets into `ring`, in bytes. */
	readonly offsets: Readonly<
		Record<
			"sqHead" | "sqTail" | "sqMask" | "sqArray" | "cqHead" | "cqTail" | "cqMask" | "cqes",
			number
		>
	>;
	close(): void;
}

/** The struct that our shim fills: five 64-bit fields. */
const shimRing = { size: 40, fd: 0, ring: 8, ringSize: 16, sqes: 24, sqesSize: 32 } as const;
/** `struct io_uring` of liburing 2, which maps the ring and says where. */
const liburingRing = {
	size: 216,
	sqes: 56,
	ringSize: 72,
	ring: 80,
	ringFd: 196,
} as const;

interface Mapped {
	readonly fd: number;
	readonly ring: RingMemory["ring"];
	readonly sqes: RingMemory["sqes"];
	close(): void;
}

type SetUp = (entries: number, parameters: Region, memory: Memory) => Mapped;

function refused(result: number): Error {
	const [code, reason] = errnoTable.get(-result) ?? [`E${-result}`, "unknown error"];
	return new Error(`${code}: ${reason}, io_uring_setup`);
}

const openShim = keptOpen(
	(file) =>
		dlopen(file, {
			fsx_ring_setup: { args: ["u32", "ptr", "ptr"], returns: "i32" },
			fsx_ring_close: { args: ["ptr"], returns: "i32" },
		}).symbols,
);

const byShim: SetUp = (entries, parameters, memory) => {
	const file = shimFile();
	if (file === undefined) throw new Error("the shim is not there");
	const symbols = openShim(file);
	const out = memory.reserveZeroed(shimRing.size);
	const result = symbols.fsx_ring_setup(entries, parameters.address as never, out.address as never);
	if (result < 0) throw refused(result);
	const { ptr } = symbols.fsx_ring_close as { ptr?: Pointer };
	const kept = ptr === undefined ? undefined : callAtThreadExit(ptr, out);
	return {
		fd: out.u32(shimRing.fd),
		ring: { address: out.u64(shimRing.ring), size: out.u64(shimRing.ringSize) },
		sqes: { address: out.u64(shimRing.sqes), size: out.u64(shimRing.sqesSize) },
		close: () => symbols.fsx_ring_close(kept ?? (out.address as never)),
	};
};

const openLiburing = keptOpen(
	(file) =>
		dlopen(file, {
			io_uring_queue_init_params: { args: ["u32", "ptr", "ptr"], returns: "i32" },
			io_uring_queue_exit: { args: ["ptr"], returns: "void" },
		}).symbols,
);

/** Not told of the thread's end: its `io_uring_queue_exit` must not be called twice. */
const byLiburing: SetUp = (entries, parameters, memory) => {
	const symbols = openLiburing("liburing.so.2");
	const out = memory.reserveZeroed(liburingRing.size);
	const result = symbols.io_uring_queue_init_params(
		entries,
		out.address as never,
		parameters.address as never,
	);
	if (result < 0) throw refused(result);
	return {
		fd: out.u32(liburingRing.ringFd),
		ring: { address: out.u64(liburingRing.ring), size: out.u64(liburingRing.ringSize) },
		sqes: { address: out.u64(liburingRing.sqes), size: parameters.u32(params.sqEntries) * 64 },
		close: () => symbols.io_uring_queue_exit(out.address as never),
	};
};

/** Who may set up a ring, in the order in which they are asked. */
const providers = { shim: byShim, liburing: byLiburing } as const;

/** Has a ring made. Throws an error that says why there is none, from whoever was asked last. */
export function setUpRing(entries: number, completions: number, memory: Memory): RingMemory {
	const names =
		settings.ring === "shim" || settings.ring === "liburing"
			? [settings.ring]
			: settings.kernel === "libc"
				? (["liburing"] as const)
				: (["shim", "liburing"] as const);
	let reason: unknown;
	for (const name of names) {
		const parameters = memory.reserveZeroed(params.size);
		parameters.setU32(params.flags, SETUP_CQSIZE | SETUP_CLAMP);
		parameters.setU32(params.cqEntries, completions);
		try {
			return describe(name, providers[name](entries, parameters, memory), parameters);
		} catch (error) {
			reason = error;
		}
	}
	throw reason;
}

function describe(by: RingMemory["by"], mapped: Mapped, parameters: Region): RingMemory {
	const { sqHead, sqTail, sqMask, sqArray, cqHead, cqTail, cqMask, cqes } = params;
	const names = { sqHead, sqTail, sqMask, sqArray, cqHead, cqTail, cqMask, cqes };
	const offsets = Object.fromEntries(
		Object.entries(names).map(([name, offset]) => [name, parameters.u32(offset)]),
	) as RingMemory["offsets"];
	const entries = parameters.u32(params.sqEntries);
	const completions = parameters.u32(params.cqEntries);
	return { ...mapped, by, entries, completions, offsets };
}
