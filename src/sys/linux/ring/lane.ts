import { withinBudget } from "../../../engine/budget.ts";
import type { Call, Completion, Lane } from "../../../engine/call.ts";
import { Memory } from "../../../engine/memory.ts";
import { nr } from "../calls.ts";
import type { Entry as SystemEntry } from "../entry.ts";
import { Errno } from "../errno.ts";
import { checked, failure } from "../failure.ts";
import {
	AT_EMPTY_PATH,
	AT_STATX_DONT_SYNC,
	F_GETFL,
	O,
	S_IFMT,
	STATX_BASIC_STATS,
	STATX_MNT_ID,
	statx,
} from "../layouts.ts";
import { MountKinds } from "../mounts.ts";
import { type Entry, encode, fits, idleEntry, opcodeOf } from "./opcodes.ts";
import { Queue } from "./queue.ts";
import { Waker } from "./waker.ts";

const ENTRIES = 1024;
const COMPLETIONS = 8192;
const IOSQE_ASYNC = 1 << 4;
const REGISTER_PROBE = 8;
/** Until the kernel is asked again for what it had no memory for. */
const RETRY_MILLISECONDS = 1;

/** What the kernel answers when it may take the same entries later. */
const notNow = new Set([-Errno.EAGAIN, -Errno.EBUSY, -Errno.EINTR, 0]);

/** Copying more than this from or to the page cache would hold up the event loop. */
const MOST_BYTES = 256 * 1024;
/** Freeing the blocks of a larger file would, too. */
const MOST_FREED = 4 * 1024 * 1024;

/**
 * Reads and writes, each with the call that, with no buffers, says whether a file has positions. With
 * a position they fail on a pipe, while the ring would read or write it all the same. Without one the
 * ring takes the position of a file, and sets it, without the lock by which calls take turns: two at
 * once would write to the same place. So it gets those with a position for files that have positions,
 * and those without for files that have none.
 */
const transfers: Readonly<Record<number, { emptyCall: number; positions: boolean }>> = {
	[nr.pread64]: { emptyCall: nr.preadv2, positions: true },
	[nr.pwrite64]: { emptyCall: nr.pwritev2, positions: true },
	[nr.read]: { emptyCall: nr.preadv2, positions: false },
	[nr.write]: { emptyCall: nr.pwritev2, positions: false },
};

interface Submission {
	readonly call: Call;
	readonly completion: Completion;
}

/** The ring of this thread: calls queued in one turn of the event loop go to the kernel together. */
export class RingLane implements Lane {
	private readonly memory = new Memory();
	private readonly record = this.memory.reserveZeroed(statx.size);
	private readonly empty = this.memory.cstring("");
	private readonly queue: Queue;
	private readonly waker: Waker;
	private readonly opcodes: Uint8Array;
	/** Opened when the first direct read asks. */
	private mounts: MountKinds | undefined;
	private readonly backlog: Submission[] = [];
	/** In the order in which they were written into the queue. */
	private readonly underWay = new Map<number, Completion>();
	private nextId = 0;
	private flushing = false;
	private broken = false;
	private stopped: (() => void) | undefined;

	constructor(private readonly call: SystemEntry) {
		let queue: Queue | undefined;
		try {
			queue = this.queue = new Queue(call, ENTRIES, COMPLETIONS, this.memory);
			this.opcodes = this.probe();
			this.tryOut();
			this.waker = new Waker(call, this.queue, this.memory, {
				woken: () => this.reap(),
				// What is under way ends all the same; no more is taken.
				deaf: () => {
					this.broken = true;
				},
			});
		} catch (error) {
			queue?.close();
			this.memory.free();
			this.memory.discard();
			throw error;
		}
	}

	get by(): string {
		return this.queue.by;
	}

	accepts(call: Call): boolean {
		const { fn, a: fd } = call;
		const opcode = opcodeOf(fn);
		if (opcode === undefined || this.opcodes[opcode] !== 1 || this.broken) return false;
		if (!fits(call)) return false;
		if (fn === nr.close) return !this.closesLong(fd);
		const transfer = transfers[fn];
		if (transfer === undefined) return true;
		if (fn === nr.pread64 && this.bypassesServer(fd)) return false;
		return this.hasPositions(transfer.emptyCall, fd) === transfer.positions;
	}

	submit(call: Call, completion: Completion): void {
		if (this.isIdle) this.waker.keepAlive(true);
		this.backlog.push({ call, completion });
		this.scheduleFlush();
	}

	/** Waits for what is under way, then gives everything back, the rings before the memory. */
	async stop(): Promise<void> {
		if (!this.isIdle) {
			const { promise, resolve } = Promise.withResolvers<void>();
			this.stopped = resolve;
			await promise;
		}
		const closing = this.waker.close();
		this.queue.close();
		await closing;
		this.mounts?.end();
		this.memory.free();
		this.memory.discard();
	}

	private get isIdle(): boolean {
		return this.underWay.size === 0 && this.backlog.length === 0;
	}

	/** Once per turn, after everything that was going to be queued has been. */
	private scheduleFlush(): void {
		if (this.flushing) return;
		this.flushing = true;
		queueMicrotask(() => this.flush());
	}

	/**
	 * Hands the backlog over, as far as there is room for it and, later, for its completions. Those
	 * that are there at once are delivered at once, unless this turn of the loop has taken long
	 * enough: then timers and sockets come first.
	 */
	private flush(): void {
		const { queue } = this;
		this.flushing = false;
		let taken = 1;
		while (taken > 0) {
			this.fill();
			if (queue.waiting === 0) break;
			taken = queue.enter();
		}
		if (taken <= 0) this.refused(taken);
		if (withinBudget()) this.reap();
		else this.rest();
	}

	private fill(): void {
		const { backlog, queue, underWay } = this;
		let moved = 0;
		while (moved < backlog.length && !queue.isFull && underWay.size < queue.completions) {
			const { call, completion } = backlog[moved++] as Submission;
			const id = this.takeId();
			underWay.set(id, completion);
			queue.push(encode(call) as Entry, id, entryFlags(call));
		}
		backlog.splice(0, moved);
	}

	/** The kernel took no entry: it is asked again a little later, or, if it never will, no more. */
	private refused(result: number): void {
		if (notNow.has(result)) {
			this.flushing = true;
			setTimeout(() => this.flush(), RETRY_MILLISECONDS);
			return;
		}
		this.broken = true;
		const error = failure(result, "io_uring_enter");
		const taken = this.underWay.size - this.queue.retract();
		const lost = [...this.underWay].slice(taken);
		for (const [id] of lost) this.underWay.delete(id);
		for (const [, completion] of lost) completion.fail(error);
		for (const { completion } of this.backlog.splice(0)) completion.fail(error);
	}

	/** Delivers what has completed. */
	private reap(): void {
		const { underWay } = this;
		this.queue.drain((id, result) => {
			const completion = underWay.get(id);
			underWay.delete(id);
			completion?.complete(result);
		});
		this.rest();
	}

	/** Sees to it that somebody wakes the loop for what is not done, if anything is not. */
	private rest(): void {
		const { backlog, queue, underWay } = this;
		if (underWay.size > 0) this.waker.arm();
		// With no room for the backlog, the completions that make some wake the loop.
		if (backlog.length > 0 && underWay.size < queue.completions) this.scheduleFlush();
		if (this.isIdle) {
			this.waker.keepAlive(false);
			this.stopped?.();
		}
	}

	private takeId(): number {
		do this.nextId = (this.nextId + 1) >>> 0;
		while (this.underWay.has(this.nextId));
		return this.nextId;
	}

	/** Reading nothing asks this and no more; where the answer is no the call itself says so. */
	private hasPositions(emptyCall: number, fd: number): boolean {
		return this.call(emptyCall, fd, 0, 0, 0, 0, 0) !== -Errno.ESPIPE;
	}

	/**
	 * Direct reads from a program's filesystem, or one that may be: what is written may be in the page
	 * cache alone, and where a plain call then reads it from there, the ring takes the answer of the
	 * program, to whom the file ends before it. The program itself is not asked: it may take its time.
	 */
	private bypassesServer(fd: number): boolean {
		const flags = this.call(nr.fcntl, fd, F_GETFL, 0, 0, 0, 0);
		if (flags < 0 || (flags & O.O_DIRECT) === 0) return false;
		if (!this.look(fd, STATX_MNT_ID)) return false;
		if ((this.record.u32(statx.mask) & STATX_MNT_ID) === 0) return true;
		this.mounts ??= new MountKinds(this.call);
		return this.mounts.of(this.record.u32(statx.mountId)) === "remote";
	}

	/** Fills the record with what is known of an open file, without asking a disk or a server for it. */
	private look(fd: number, mask: number): boolean {
		const flags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
		return this.call(nr.statx, fd, this.empty, flags, mask, this.record.address, 0) >= 0;
	}

	/**
	 * Whether closing this descriptor may take long, which the ring would let this thread do: it may be
	 * what frees a large file, one without a name any more, or be no file at all. A queue of inotify's
	 * has the kernel wait for milliseconds.
	 */
	private closesLong(fd: number): boolean {
		const { record } = this;
		if (!this.look(fd, STATX_BASIC_STATS)) return false;
		if ((record.u32(statx.mode) & S_IFMT) === 0) return true;
		return record.u32(statx.nlink) === 0 && record.u64(statx.blocks) * 512 > MOST_FREED;
	}

	/** Some sandboxes let a ring be set up and then refuse its use. */
	private tryOut(): void {
		this.queue.push(idleEntry, 0);
		checked(this.queue.enter(), "io_uring_enter");
		this.queue.drain(() => {});
	}

	/** One byte per opcode: 1 where this kernel has it. */
	private probe(): Uint8Array {
		const most = 256;
		const probe = this.memory.reserveZeroed(16 + most * 8);
		const args = [this.queue.fd, REGISTER_PROBE, probe.address, most, 0, 0] as const;
		checked(this.call(nr.io_uring_register, ...args), "io_uring_register");
		const opcodes = new Uint8Array(most);
		const bytes = probe.bytes();
		for (let i = 0; i < (bytes[1] as number); i++) {
			opcodes[bytes[16 + i * 8] as number] = (bytes[16 + i * 8 + 2] as number) & 1;
		}
		return opcodes;
	}
}

/**
 * Opening a fifo waits for its other end, but the ring, when it tries an open at once, opens as if
 * by O_NONBLOCK and does not wait: so opens always go to a thread of the kernel's. So do long reads
 * and writes, which would be made on this thread if the page cache has all that they take.
 */
function entryFlags({ fn, c: length }: Call): number {
	if (fn === nr.openat || fn === nr.openat2) return IOSQE_ASYNC;
	return transfers[fn]?.positions && length > MOST_BYTES ? IOSQE_ASYNC : 0;
}
