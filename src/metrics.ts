import { type Call, type Completion, type Lane, WOULD_WAIT } from "./engine/call.ts";
import { tapLanes } from "./engine/engine.ts";
import { type OperationEvent, record } from "./engine/observer.ts";
import { type Measured, Tally } from "./engine/tally.ts";
import { system } from "./sys/index.ts";

export type { OperationEvent } from "./engine/observer.ts";
export type { Measured } from "./engine/tally.ts";

/**
 * How a call was made: on this thread for a `…Sync` form, on this thread because it did not have to
 * wait, by the queue into the kernel (`"ring"`: the io_uring, on Windows the completion port), by a
 * worker; `"offloaded"` counts whole operations.
 */
export type LaneName = "direct" | "immediate" | "ring" | "worker" | "offloaded";

/** What this JavaScript thread has done since its metrics were turned on. */
export interface Metrics {
	/** Operations by their names in this library; a sequence counts one for each of its batches. */
	readonly operations: Readonly<Record<string, Measured>>;
	/** Calls of the system, and operations that a worker ran as a whole, by their lanes. */
	readonly lanes: Readonly<Record<LaneName, Measured>>;
}

class Counters {
	/** What began before is not counted. */
	private readonly since = Bun.nanoseconds();
	readonly operations = new Map<string, Tally>();
	readonly lanes: Readonly<Record<LaneName, Tally>> = {
		direct: new Tally(),
		immediate: new Tally(),
		ring: new Tally(),
		worker: new Tally(),
		offloaded: new Tally(),
	};

	ended({ operation, durationNs, error, offloaded }: OperationEvent): void {
		if (Bun.nanoseconds() - durationNs < this.since) return;
		let tally = this.operations.get(operation);
		if (tally === undefined) {
			tally = new Tally();
			this.operations.set(operation, tally);
		}
		tally.add(durationNs, error !== undefined);
		if (offloaded) this.lanes.offloaded.add(durationNs, error !== undefined);
	}

	called(lane: LaneName, started: number, result: number): void {
		if (started < this.since) return;
		this.lanes[lane].add(Bun.nanoseconds() - started, result < 0);
	}
}

let counters = new Counters();

/** The kernel's own two ways, while they are counted. */
let uncounted: Pick<typeof system.kernel, "direct" | "immediate"> | undefined;

/** A lane whose calls are counted. */
function counted(name: "ring" | "worker", lane: Lane): Lane {
	return {
		accepts: (call) => lane.accepts(call),
		submit(call, completion) {
			lane.submit(call, new TimedCompletion(name, completion));
		},
		stop: () => lane.stop(),
	};
}

class TimedCompletion implements Completion {
	private readonly started = Bun.nanoseconds();

	constructor(
		private readonly lane: LaneName,
		private readonly completion: Completion,
	) {}

	complete(result: number): void {
		counters.called(this.lane, this.started, result);
		this.completion.complete(result);
	}

	fail(error: unknown): void {
		counters.called(this.lane, this.started, -1);
		this.completion.fail(error);
	}
}

/**
 * Begins to count what this JavaScript thread does, or, if it does already, begins anew.
 *
 * @throws Nothing.
 *
 * On every system the same. Until it is called nothing is counted, and nothing is spent on it.
 *
 * @example
 * ```ts
 * import { enableMetrics, metrics, statSync } from "bun-fs-extended";
 *
 * enableMetrics();
 * statSync("/");
 * if (metrics().operations.stat?.count !== 1) throw new Error("one stat");
 * ```
 *
 * @see {@link metrics}
 */
export function enableMetrics(): void {
	disableMetrics();
	counters = new Counters();
	const { kernel } = system;
	const { direct, immediate } = kernel;
	uncounted = { direct, immediate };
	kernel.direct = (call: Call) => {
		const started = Bun.nanoseconds();
		const result = direct(call);
		counters.called("direct", started, result);
		return result;
	};
	kernel.immediate = (call: Call) => {
		const started = Bun.nanoseconds();
		const result = immediate(call);
		if (result !== WOULD_WAIT) counters.called("immediate", started, result);
		return result;
	};
	tapLanes(counted);
	record((event) => counters.ended(event));
}

/**
 * Ends the counting that `enableMetrics` began; what was counted can still be asked for.
 *
 * @throws Nothing.
 *
 * On every system the same.
 *
 * @example
 * ```ts
 * import { disableMetrics, enableMetrics, metrics, statSync } from "bun-fs-extended";
 *
 * enableMetrics();
 * disableMetrics();
 * statSync("/");
 * if (metrics().operations.stat !== undefined) throw new Error("it was not to be counted");
 * ```
 *
 * @see {@link enableMetrics}
 */
export function disableMetrics(): void {
	if (uncounted !== undefined) Object.assign(system.kernel, uncounted);
	uncounted = undefined;
	tapLanes(undefined);
	record(undefined);
}

/**
 * What this JavaScript thread has done since `enableMetrics`, operation by operation and lane by lane.
 *
 * To be told of each operation as it ends, subscribe to the channel `"bun-fs-extended:operation"` of
 * `node:diagnostics_channel`: its messages are of the type `OperationEvent`, and nothing needs to be
 * turned on for them.
 *
 * @returns Counts and times, in nanoseconds; what has not happened has a count of 0 or is not there.
 * @throws Nothing.
 *
 * On every system the same. What workers do inside a whole operation is counted as that operation.
 *
 * @example
 * ```ts
 * import { subscribe } from "node:diagnostics_channel";
 * import { enableMetrics, metrics, type OperationEvent, stat } from "bun-fs-extended";
 *
 * const seen: string[] = [];
 * subscribe("bun-fs-extended:operation", (message) => {
 *   seen.push((message as OperationEvent).operation);
 * });
 * enableMetrics();
 * await stat("/").catch(() => {});
 * const { operations, lanes } = metrics();
 * console.log(operations.stat?.medianNs, lanes.immediate.count);
 * if (seen[0] !== "stat") throw new Error("it was not published");
 * ```
 *
 * @see {@link https://nodejs.org/api/diagnostics_channel.html | Node: diagnostics_channel}
 */
export function metrics(): Metrics {
	const lanes = Object.entries(counters.lanes).map(([name, tally]) => [name, tally.measured()]);
	const operations = [...counters.operations].map(([name, tally]) => [name, tally.measured()]);
	return { operations: Object.fromEntries(operations), lanes: Object.fromEntries(lanes) };
}
