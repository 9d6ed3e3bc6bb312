import type { Socket } from "bun";
import type { Call, Completion, Lane } from "../../../engine/call.ts";
import { Memory } from "../../../engine/memory.ts";
import { nr } from "../calls.ts";
import type { Entry as SystemEntry } from "../entry.ts";
import { checked } from "../failure.ts";
import { type Entry, encode, Opcode, opcodeOf } from "./opcodes.ts";
import { Queue } from "./queue.ts";

const ENTRIES = 1024;
const COMPLETIONS = 8192;
const WAKE_ENTRIES = 8;
const IOSQE_IO_LINK = 1 << 2;
const IOSQE_ASYNC = 1 << 4;
const POLLIN = 1;
const REGISTER_PROBE = 8;
const AF_UNIX = 1;
const SOCK_STREAM_NONBLOCK_CLOEXEC = 1 | 0o4000 | 0o2000000;
const MSG_NOSIGNAL = 0x4000;

/**
 * The ring of this thread: calls queued in one turn of the event loop go to the kernel together.
 *
 * The loop is woken through a socket. A second, small ring waits for the first to have
 * completions and then sends a byte, so that no thread is needed, and the process is kept alive
 * (`ref`) exactly as long as something is under way.
 */
export class RingLane implements Lane {
	private readonly memory = new Memory();
	private readonly queue: Queue;
	private readonly waker: Queue;
	private readonly opcodes: Uint8Array;
	private readonly sockets: readonly [number, number];
	private readonly wakeByte: number;
	private socket: Socket<unknown> | undefined;
	private readonly connecting: Promise<Socket<unknown>>;
	private readonly backlog: { call: Call; completion: Completion }[] = [];
	private readonly underWay = new Map<number, Completion>();
	private nextId = 0;
	private flushing = false;
	private armed = false;
	private stopped: (() => void) | undefined;

	constructor(private readonly call: SystemEntry) {
		this.queue = new Queue(call, ENTRIES, COMPLETIONS, this.memory);
		this.waker = new Queue(call, WAKE_ENTRIES, 2 * WAKE_ENTRIES, this.memory);
		this.opcodes = this.probe();
		this.sockets = this.openSockets();
		this.wakeByte = this.memory.reserveZeroed(8).address;
		this.connecting = this.connect();
	}

	accepts({ fn }: Call): boolean {
		const opcode = opcodeOf(fn);
		return opcode !== undefined && this.opcodes[opcode] === 1;
	}

	submit(call: Call, completion: Completion): void {
		if (this.underWay.size === 0) this.socket?.ref();
		this.backlog.push({ call, completion });
		this.scheduleFlush();
	}

	/** Waits for what is under way, then gives everything back, the rings before the memory. */
	async stop(): Promise<void> {
		if (this.underWay.size > 0 || this.backlog.length > 0) {
			const { promise, resolve } = Promise.withResolvers<void>();
			this.stopped = resolve;
			await promise;
		}
		const socket = await this.connecting;
		this.queue.close();
		this.waker.close();
		socket.end();
		this.call(nr.close, this.sockets[1], 0, 0, 0, 0, 0);
		this.memory.free();
		this.memory.discard();
	}

	/** Once per turn, after everything that was going to be queued has been. */
	private scheduleFlush(): void {
		if (this.flushing) return;
		this.flushing = true;
		queueMicrotask(() => {
			this.flushing = false;
			this.flush();
		});
	}

	/**
	 * Moves the backlog into the ring, as far as there is room for it and, later, for its
	 * completions. What the kernel does not take (EAGAIN, EBUSY) stays written and is handed over
	 * with the next batch: there is one, because something is under way.
	 */
	private flush(): void {
		const { backlog, queue, underWay } = this;
		let moved = 0;
		while (moved < backlog.length && !queue.isFull && underWay.size < COMPLETIONS) {
			const { call, completion } = backlog[moved++] as (typeof backlog)[number];
			const id = this.takeId();
			underWay.set(id, completion);
			queue.push(encode(call) as Entry, id, entryFlags(call));
		}
		backlog.splice(0, moved);
		if (queue.waiting > 0) queue.enter();
		this.reap();
	}

	/** Delivers what has completed and sees to it that somebody wakes the loop for the rest. */
	private reap(): void {
		const { queue, underWay } = this;
		queue.flushOverflow();
		queue.drain((id, result) => {
			const completion = underWay.get(id);
			underWay.delete(id);
			completion?.complete(result);
		});
		if (this.backlog.length > 0 || queue.waiting > 0) this.scheduleFlush();
		if (underWay.size > 0) this.arm();
		else if (this.backlog.length === 0) {
			this.socket?.unref();
			this.stopped?.();
		}
	}

	/** Has the second ring wait for the first and send a byte when there is something to read. */
	private arm(): void {
		if (this.armed) return;
		this.armed = true;
		const wait = { ...idleEntry, opcode: Opcode.POLL_ADD, fd: this.queue.fd, flags: POLLIN };
		const wake = {
			...idleEntry,
			opcode: Opcode.SEND,
			fd: this.sockets[1],
			address: this.wakeByte,
			length: 1,
			flags: MSG_NOSIGNAL,
		};
		this.waker.push(wait, 0, IOSQE_IO_LINK);
		this.waker.push(wake, 0);
		this.waker.enter();
	}

	private woken(): void {
		this.armed = false;
		this.waker.drain(() => {});
		this.reap();
	}

	private takeId(): number {
		do this.nextId = (this.nextId + 1) >>> 0;
		while (this.underWay.has(this.nextId));
		return this.nextId;
	}

	/** One byte per opcode: 1 where this kernel has it. */
	private probe(): Uint8Array {
		const most = 256;
		const probe = this.memory.reserveZeroed(16 + most * 8);
		const args = [this.queue.fd, REGISTER_PROBE, probe.address, most, 0, 0] as const;
		const opcodes = new Uint8Array(most);
		if (this.call(nr.io_uring_register, ...args) < 0) return opcodes;
		const bytes = probe.bytes();
		for (let i = 0; i < (bytes[1] as number); i++) {
			opcodes[bytes[16 + i * 8] as number] = (bytes[16 + i * 8 + 2] as number) & 1;
		}
		return opcodes;
	}

	private openSockets(): readonly [number, number] {
		const pair = this.memory.reserveZeroed(8);
		const type = SOCK_STREAM_NONBLOCK_CLOEXEC;
		checked(this.call(nr.socketpair, AF_UNIX, type, 0, pair.address, 0, 0), "socketpair");
		return [pair.u32(0), pair.u32(4)];
	}

	private async connect(): Promise<Socket<unknown>> {
		const socket = await Bun.connect({
			fd: this.sockets[0],
			socket: { data: () => this.woken() },
		} as never as Parameters<typeof Bun.connect>[0]);
		this.socket = socket;
		if (this.underWay.size === 0 && this.backlog.length === 0) socket.unref();
		return socket;
	}
}

const idleEntry: Entry = { opcode: Opcode.NOP, fd: -1, off: 0, address: 0, length: 0, flags: 0 };

/**
 * Opening a fifo waits for its other end, but the ring, when it tries an open at once, opens as if
 * by O_NONBLOCK and does not wait: so opens always go to a thread of the kernel's.
 */
function entryFlags({ fn }: Call): number {
	return fn === nr.openat2 ? IOSQE_ASYNC : 0;
}
