/**
 * The worker that waits for packets on a completion port: it does nothing else. While it waits nobody
 * can end it, so it never waits for long, and not at all when nothing is in flight.
 */
import { Memory } from "../../engine/memory.ts";
import { enter } from "./entry.ts";
import { fileIoCompletionInformation, STATUS_TIMEOUT } from "./layouts.ts";
import { IN_FLIGHT, type Packets, STATE, State, type Task } from "./port-state.ts";

declare const self: Worker;

/** Packets in a batch, at most. */
const MOST = 256;

/** How long to go on waiting for the next call, and for one that is in flight; in units of 100 ns. */
const LINGERING = 50 * 10_000;
const PATIENCE = 500 * 10_000;

const memory = new Memory();
const { size, apcContext } = fileIoCompletionInformation;
const entries = memory.reserve(MOST * size);
const count = memory.reserve(8);
const timeout = memory.reserve(8);
const remove = enter("NtRemoveIoCompletionEx");

self.onmessage = ({ data: { port, state } }: MessageEvent<Task>) => {
	do {
		while (wait(port, Atomics.load(state, IN_FLIGHT) > 0));
		Atomics.store(state, STATE, State.IDLE);
		// Who began a call before that has not seen it, and wakes nobody.
	} while (
		Atomics.load(state, IN_FLIGHT) > 0 &&
		Atomics.compareExchange(state, STATE, State.IDLE, State.WAITING) === State.IDLE
	);
};

/** Passes on what comes; false when nothing does, and nothing is to come. */
function wait(port: number, isExpected: boolean): boolean {
	// A time that is negative counts from now.
	timeout.setBigU64(0, BigInt.asUintN(64, BigInt(-(isExpected ? PATIENCE : LINGERING))));
	const result = remove(port, entries.address, MOST, count.address, timeout.address, 0);
	if (result === STATUS_TIMEOUT) return isExpected;
	if (result < 0) end();
	const packets: number[] = [];
	for (let i = 0; i < count.u32(0); i++) {
		const packet = entries.u64(i * size + apcContext);
		if (packet === 0) end();
		packets.push(packet);
	}
	postMessage(packets satisfies Packets);
	return true;
}

function end(): never {
	memory.free();
	memory.discard();
	process.exit(0);
}
