/**
 * The completion port of this JavaScript thread. A read or write is begun at once and, when it has
 * ended, the system puts a packet on the port; one worker waits for packets and passes them on in
 * batches. Until its packet has come the memory of a call belongs to the system, cancelled or not.
 */
import { type Pointer, read } from "bun:ffi";
import type { Call, Completion, Lane } from "../../engine/call.ts";
import { Memory } from "../../engine/memory.ts";
import { fn } from "./calls.ts";
import { enter, entered } from "./entry.ts";
import { checked } from "./failure.ts";
import {
	FileCompletionInformation,
	fileCompletionInformation,
	IO_COMPLETION_ALL_ACCESS,
	ioStatusBlock,
} from "./layouts.ts";
import { PollLane } from "./poll-lane.ts";
import { IN_FLIGHT, type Packets, STATE, State, type Task } from "./port-state.ts";

/** The calls that are made here: those that this system can end later. */
const taken = new Set<number>([fn.NtReadFile, fn.NtWriteFile, fn.NtNotifyChangeDirectoryFile]);

/** Whether promise forms make a call here, of files that the port can be told of. */
export function endsLater(index: number): boolean {
	return taken.has(index);
}

export class PortLane implements Lane {
	readonly by = "iocp";
	private readonly memory = new Memory();
	private readonly port: number;
	private readonly waiter: Worker;
	private readonly state = new Int32Array(new SharedArrayBuffer(8));
	private readonly ended = Promise.withResolvers<void>();
	/** Whether packets for a file come here: asked of the system once for each. */
	private readonly associated = new Map<number, boolean>();
	private readonly inFlight = new Map<number, Completion>();
	private whenDrained: (() => void) | undefined;
	private isBroken = false;

	constructor() {
		const handle = this.memory.reserve(8);
		const made = enter("NtCreateIoCompletion")(handle.address, IO_COMPLETION_ALL_ACCESS, 0, 0);
		checked(made, "port");
		this.port = handle.u64(0);
		this.waiter = new Worker(new URL("./port-waiter.ts", import.meta.url).href);
		this.waiter.onmessage = ({ data }: MessageEvent<Packets>) => this.deliver(data);
		this.waiter.onerror = () => this.break();
		this.waiter.addEventListener("close", () => this.break());
		this.waiter.unref();
	}

	accepts({ fn: index, a }: Call): boolean {
		return taken.has(index) && !this.isBroken && this.associate(a);
	}

	submit(call: Call, completion: Completion): void {
		const { fn: index, a, c, e, f, rest = [] } = call;
		// The context that comes back with the packet; without one there would be none.
		this.inFlight.set(e, completion);
		Atomics.store(this.state, IN_FLIGHT, this.inFlight.size);
		if (this.inFlight.size === 1) this.begin();
		const result = entered(index)(a, 0, c, e, e, f, ...rest);
		// Of a call that the system has refused no packet comes.
		if (result < 0 && isError(result)) queueMicrotask(() => this.end(e, result));
	}

	/** Has the worker wait, if it does not, and this thread live until it has told of all. */
	private begin(): void {
		const { port, state, waiter } = this;
		waiter.ref();
		const before = Atomics.compareExchange(state, STATE, State.IDLE, State.WAITING);
		if (before === State.IDLE) waiter.postMessage({ port, state } satisfies Task);
	}

	/** A file is about to be closed; its number may be another's next. */
	forget(handle: number): void {
		this.associated.delete(handle);
	}

	async stop(): Promise<void> {
		if (this.inFlight.size > 0) {
			const { promise, resolve } = Promise.withResolvers<void>();
			this.whenDrained = resolve;
			await promise;
		}
		if (!this.isBroken) this.dismiss();
		await this.ended.promise;
		enter("NtClose")(this.port);
		this.memory.free();
		this.memory.discard();
	}

	/** Has the worker end, by a packet that no call belongs to. */
	private dismiss(): void {
		// It counts as in flight: who is about to rest looks for it once more.
		Atomics.store(this.state, IN_FLIGHT, 1);
		enter("NtSetIoCompletion")(this.port, 0, 0, 0, 0);
		this.begin();
	}

	/**
	 * Has the system put packets for a file here. It refuses that for files of which each call ends
	 * when it returns, and for those that have another port.
	 */
	private associate(handle: number): boolean {
		const known = this.associated.get(handle);
		if (known !== undefined) return known;
		const mark = this.memory.mark();
		const status = this.memory.reserve(ioStatusBlock.size).address;
		const wanted = this.memory.reserve(fileCompletionInformation.size);
		wanted.setU64(fileCompletionInformation.port, this.port);
		wanted.setU64(fileCompletionInformation.key, handle);
		const set = enter("NtSetInformationFile");
		const { address, size } = wanted;
		const isOurs = set(handle, status, address, size, FileCompletionInformation) >= 0;
		this.memory.release(mark);
		this.associated.set(handle, isOurs);
		return isOurs;
	}

	private deliver(packets: Packets): void {
		for (const packet of packets)
			this.end(packet, read.i32(packet as Pointer, ioStatusBlock.status));
	}

	private end(packet: number, result: number): void {
		this.taken(packet)?.complete(result);
	}

	/** Who waits for a packet that has come, and no more. */
	private taken(packet: number): Completion | undefined {
		const completion = this.inFlight.get(packet);
		if (completion === undefined) return undefined;
		this.inFlight.delete(packet);
		Atomics.store(this.state, IN_FLIGHT, this.inFlight.size);
		if (this.inFlight.size === 0) {
			this.waiter.unref();
			this.whenDrained?.();
		}
		return completion;
	}

	/**
	 * Nobody waits for packets any more. What is in flight has not ended by that: the system may still
	 * write to its memory. So it is looked at until it has, and other calls go elsewhere.
	 */
	private break(): void {
		if (this.isBroken) return;
		this.isBroken = true;
		this.waiter.terminate();
		this.ended.resolve();
		const rest = new PollLane();
		for (const [packet, completion] of this.inFlight) {
			rest.follow(packet, {
				complete: (result) => this.end(packet, result),
				fail: (error) => completion.fail(error),
			});
		}
	}
}

/** Warnings are failures to those who asked, but packets come of them. */
function isError(result: number): boolean {
	return result >>> 30 === 3;
}
