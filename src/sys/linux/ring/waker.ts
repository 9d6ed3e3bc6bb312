import type { Socket } from "bun";
import type { Memory } from "../../../engine/memory.ts";
import { nr } from "../calls.ts";
import type { Entry as SystemEntry } from "../entry.ts";
import { checked } from "../failure.ts";
import { idleEntry, Opcode } from "./opcodes.ts";
import { Queue } from "./queue.ts";

const ENTRIES = 8;
const IOSQE_FIXED_FILE = 1 << 0;
const IOSQE_IO_LINK = 1 << 2;
const REGISTER_FILES = 2;
const POLLIN = 1;
const AF_UNIX = 1;
const SOCK_STREAM_NONBLOCK_CLOEXEC = 1 | 0o4000 | 0o2000000;
const MSG_NOSIGNAL = 0x4000;
/** Until the kernel is asked again for what it had no memory for. */
const RETRY_MILLISECONDS = 1;

/**
 * Wakes the event loop when a ring has completions, without a thread: a second, small ring waits
 * for the first to become readable and then sends a byte to a socket that the loop listens to. The
 * socket also keeps the process alive, for as long as it is told to.
 *
 * Only the loop's end of the socket has a descriptor. The other belongs to the small ring, so that
 * it goes where the ring goes.
 */
export class Waker {
	private readonly queue: Queue;
	private readonly wakeByte: number;
	private readonly connecting: Promise<void>;
	private socket: Socket<unknown> | undefined;
	private needed = false;
	private armed = false;
	private closed = false;
	private deaf = false;

	constructor(
		private readonly call: SystemEntry,
		private readonly watched: Queue,
		memory: Memory,
		private readonly told: {
			/** The loop was woken. */
			readonly woken: () => void;
			/** The loop cannot be woken any more, and looks for itself every now and then. */
			readonly deaf: () => void;
		},
	) {
		this.queue = new Queue(call, ENTRIES, 2 * ENTRIES, memory);
		try {
			this.wakeByte = memory.reserveZeroed(8).address;
			this.connecting = this.connect(this.openSocket(memory)).catch(() => this.goDeaf());
		} catch (error) {
			this.queue.close();
			throw error;
		}
	}

	/** Whether the process is to stay alive. */
	keepAlive(needed: boolean): void {
		this.needed = needed;
		if (needed) this.socket?.ref();
		else this.socket?.unref();
	}

	/** Has the loop woken once, when there is a completion to read: at once if there is one now. */
	arm(): void {
		if (this.armed) return;
		this.armed = true;
		if (this.deaf) {
			setTimeout(() => this.wake(), RETRY_MILLISECONDS);
			return;
		}
		const wait = { ...idleEntry, opcode: Opcode.POLL_ADD, fd: this.watched.fd, flags: POLLIN };
		const wake = {
			...idleEntry,
			opcode: Opcode.SEND,
			fd: 0,
			address: this.wakeByte,
			length: 1,
			flags: MSG_NOSIGNAL,
		};
		if (this.queue.waiting === 0) {
			this.queue.push(wait, 0, IOSQE_IO_LINK);
			this.queue.push(wake, 0, IOSQE_FIXED_FILE);
		}
		// Of a pair of which the kernel took only the first half, the second wakes at once: too early,
		// never too late. While it takes nothing, the loop has to look for itself.
		this.queue.enter();
		if (this.queue.waiting > 0) setTimeout(() => this.wake(), RETRY_MILLISECONDS);
	}

	/** Nobody is woken any more, from now on; the promise says when the socket is closed too. */
	async close(): Promise<void> {
		this.closed = true;
		this.queue.close();
		await this.connecting;
		this.socket?.terminate();
	}

	private wake(): void {
		if (this.closed) return;
		this.armed = false;
		this.queue.drain(() => {});
		this.told.woken();
	}

	/** Makes the pair, gives one end to the small ring and returns the other. */
	private openSocket(memory: Memory): number {
		const { call } = this;
		const pair = memory.reserveZeroed(8);
		const type = SOCK_STREAM_NONBLOCK_CLOEXEC;
		checked(call(nr.socketpair, AF_UNIX, type, 0, pair.address, 0, 0), "socketpair");
		const [ours, rings] = [pair.u32(0), pair.u32(4)];
		const { fd } = this.queue;
		const result = call(nr.io_uring_register, fd, REGISTER_FILES, pair.address + 4, 1, 0, 0);
		call(nr.close, rings, 0, 0, 0, 0, 0);
		if (result < 0) call(nr.close, ours, 0, 0, 0, 0, 0);
		checked(result, "io_uring_register");
		return ours;
	}

	private async connect(fd: number): Promise<void> {
		// Bun's types do not know that a socket can be made of a descriptor.
		const options = { fd, socket: { data: () => this.wake() } };
		const socket = await Bun.connect(options as never as Parameters<typeof Bun.connect>[0]);
		this.socket = socket;
		if (!this.needed) socket.unref();
	}

	private goDeaf(): void {
		this.deaf = true;
		this.told.deaf();
		if (this.armed) this.wake();
	}
}
