import { optionsOf, schemas } from "../options.ts";

/** How the calls of this JavaScript thread reach the system: see `configureEngine`. */
export interface EngineOptions {
	/** Linux: who makes the raw calls. Default: `"shim"`, else `"libc"`. */
	kernel?: "shim" | "libc" | undefined;
	/** Linux: who sets up the io_uring. Default: `"shim"`, else `"liburing"`, else `"none"`. */
	ring?: "shim" | "liburing" | "none" | undefined;
	/**
	 * Which lanes promise forms may use; `"ring"` is the queue into the kernel: on Linux the io_uring, on
	 * Windows the completion port. What none of them takes goes to a worker all the same.
	 */
	lanes?: readonly ("immediate" | "ring" | "worker")[] | undefined;
	/** Whether copies and trees may run as a whole in a worker. Default true. */
	offload?: boolean | undefined;
}

/** The settings in force. */
export interface Settings {
	readonly kernel: EngineOptions["kernel"];
	readonly ring: EngineOptions["ring"];
	readonly immediate: boolean;
	readonly queue: boolean;
	readonly offload: boolean;
}

export let settings: Settings = {
	kernel: undefined,
	ring: undefined,
	immediate: true,
	queue: true,
	offload: true,
};

const checkOptions = optionsOf<EngineOptions>("configureEngine", (z) => ({
	kernel: schemas.choice(z, "shim", "libc"),
	ring: schemas.choice(z, "shim", "liburing", "none"),
	lanes: z.optional(z.readonly(z.array(z.enum(["immediate", "ring", "worker"])))),
	offload: schemas.flag(z),
}));

/** Takes over the settings of the thread that started this worker. */
export function adoptSettings(inherited: Settings): void {
	settings = inherited;
}

/** Replaces the settings; what is not named gets its default. */
export function applySettings(options: EngineOptions): void {
	const { kernel, ring, lanes, offload = true } = checkOptions(options);
	settings = {
		kernel,
		ring,
		immediate: lanes?.includes("immediate") ?? true,
		queue: ring !== "none" && (lanes?.includes("ring") ?? true),
		offload,
	};
}
