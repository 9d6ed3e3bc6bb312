import { FsError } from "../errors.ts";
import { system } from "../sys/index.ts";
import type { Call, Lane } from "./call.ts";
import { pauses } from "./pause.ts";
import { applySettings, type EngineOptions, settings } from "./settings.ts";
import type { WorkerLane } from "./worker-lane.ts";

/**
 * The lanes of this JavaScript thread. Nothing is opened before the first call that needs it, and
 * every thread that imports the library has its own.
 */
interface Lanes {
	/** The queue into the kernel, or why there is none. */
	queue: Lane | string;
	workers: WorkerLane;
	/** For calls that wait, where the queue does not take them; opened when there is one. */
	waits: Lane | undefined;
}

let lanes: Lanes | undefined;

function openWorkers(): WorkerLane {
	const { WorkerLane } = require("./worker-lane.ts") as typeof import("./worker-lane.ts");
	return new WorkerLane();
}

function openLanes(): Lanes {
	lanes = {
		queue: settings.queue ? system.kernel.openQueue() : "turned off by configureEngine",
		workers: openWorkers(),
		waits: undefined,
	};
	return lanes;
}

/** Where a call goes that must not be made on this thread. */
export function laneFor(call: Call): Lane {
	if (pauses.accepts(call)) return pauses;
	const opened = lanes ?? openLanes();
	const { queue, workers } = opened;
	system.kernel.handedOver(call);
	if (typeof queue !== "string" && queue.accepts(call)) return tap?.("ring", queue) ?? queue;
	if (system.kernel.waits(call)) {
		opened.waits ??= system.kernel.openWaits();
		return opened.waits;
	}
	return tap?.("worker", workers) ?? workers;
}

let tap: ((name: "ring" | "worker", lane: Lane) => Lane) | undefined;

/** Puts something in front of each lane, or nothing any more. */
export function tapLanes(next: typeof tap): void {
	tap = next;
}

/** The workers, for those who hand them a whole operation; undefined where they are turned off. */
export function workersForOperations(): WorkerLane | undefined {
	return settings.offload ? (lanes ?? openLanes()).workers : undefined;
}

/** The queue into the kernel, or why this thread has none. Opens it to know. */
export function queue(): Lane | string {
	return (lanes ?? openLanes()).queue;
}

/**
 * Chooses how this JavaScript thread's operations reach the system, before the first one does.
 *
 * Meant for tests, measurements and places where a lane misbehaves: the defaults try the best way
 * first and fall back by themselves.
 *
 * @param options `kernel`, `ring`, `lanes` and `offload`; see {@link EngineOptions}.
 * @throws {FsError} `EBUSY` when lanes are already open: call `stopEngine` first.
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE` for an unknown option or value.
 *
 * On Linux all options apply; on other systems only `lanes` and `offload` have an effect.
 *
 * @example
 * ```ts
 * import { configureEngine, readFile } from "bun-fs-extended";
 *
 * configureEngine({ ring: "none" }); // as where io_uring is refused
 * await readFile("/etc/hostname");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man7/io_uring.7.html | io_uring(7)}
 */
export function configureEngine(options: EngineOptions): void {
	if (lanes !== undefined) {
		throw new FsError("EBUSY", "resource busy or locked", {
			syscall: "configureEngine",
			detail: "the engine of this thread is already running; stopEngine() ends it",
		});
	}
	applySettings(options);
	system.kernel.reset();
}

/** Promise forms that are not settled yet. */
let underWay = 0;
let allEnded: (() => void) | undefined;

export function operationStarted(): void {
	underWay++;
}

export function operationEnded(): void {
	underWay--;
	if (underWay === 0) allEnded?.();
}

/**
 * Ends what the engine of this JavaScript thread has started (workers, the io_uring and their
 * descriptors) once nothing is under way any more. The next operation starts it anew.
 *
 * A process need not call this: nothing of the engine keeps it alive.
 *
 * @returns A promise that resolves when all is given back.
 * @throws Nothing: the promise never rejects.
 *
 * On every system the same.
 *
 * @example
 * ```ts
 * import { stat, stopEngine } from "bun-fs-extended";
 *
 * await stat("/");
 * await stopEngine();
 * ```
 *
 * @see {@link configureEngine}
 */
export function stopEngine(): Promise<void> {
	stopping ??= stop().finally(() => {
		stopping = undefined;
	});
	return stopping;
}

let stopping: Promise<void> | undefined;

async function stop(): Promise<void> {
	while (underWay > 0) {
		const { promise, resolve } = Promise.withResolvers<void>();
		allEnded = resolve;
		await promise;
	}
	const ending = lanes;
	lanes = undefined;
	system.kernel.reset();
	if (ending === undefined) return;
	if (typeof ending.queue !== "string") await ending.queue.stop();
	await ending.waits?.stop();
	await ending.workers.stop();
}
