import { FsError } from "../errors.ts";
import type { Call, Completion, Lane } from "./call.ts";
import type { Reply, Request } from "./messages.ts";
import { settings } from "./settings.ts";

/** What a worker is to do, and who is told how it ends. */
export interface Job {
	readonly request: Request;
	readonly reply: (reply: Reply) => void;
}

/**
 * Calls that could block run here, on threads of their own. A worker gets one job at a time, so
 * that a slow file holds up nothing that waits behind it while another worker is free. Whole
 * operations, which may take minutes, get at most half of the workers, so that single calls have the others.
 */
export class WorkerLane implements Lane {
	private readonly most = Math.max(4, navigator.hardwareConcurrency);
	/** How many whole operations run at once. */
	readonly mostOperations = this.most >> 1;
	private readonly waiting: Job[] = [];
	private readonly waitingOperations: Job[] = [];
	private operations = 0;
	private readonly idle: Thread[] = [];
	private readonly threads = new Set<Thread>();
	private whenDrained: (() => void) | undefined;

	accepts(): boolean {
		return true;
	}

	submit(call: Call, completion: Completion): void {
		this.enqueue({
			request: { kind: "call", call },
			reply: (reply) => {
				if (reply.kind === "result") completion.complete(reply.result);
				else if (reply.kind === "error") completion.fail(reply.error);
			},
		});
	}

	/** Runs a whole operation on one worker; see `offload`. */
	enqueue(job: Job): void {
		(isLong(job) ? this.waitingOperations : this.waiting).push(job);
		this.dispatch();
	}

	/** Takes back a job, which is not told of any more; false if a worker has begun it. */
	withdraw(job: Job): boolean {
		const from = isLong(job) ? this.waitingOperations : this.waiting;
		const at = from.indexOf(job);
		if (at < 0) return false;
		from.splice(at, 1);
		this.next();
		return true;
	}

	async stop(): Promise<void> {
		while (!this.isIdle) {
			const { promise, resolve } = Promise.withResolvers<void>();
			this.whenDrained = resolve;
			await promise;
		}
		const threads = [...this.threads];
		this.threads.clear();
		this.idle.length = 0;
		await Promise.all(threads.map((thread) => thread.end()));
	}

	private get isIdle(): boolean {
		const waiting = this.waiting.length + this.waitingOperations.length;
		return waiting === 0 && this.idle.length === this.threads.size;
	}

	private dispatch(): void {
		for (let from = this.dispatchable(); from !== undefined; from = this.dispatchable()) {
			const thread = this.idle.pop() ?? this.start();
			if (thread === undefined) return;
			const job = from.shift();
			if (job === undefined) continue;
			if (isLong(job)) this.operations++;
			thread.run(job);
		}
	}

	/** The list whose first job is run next: each of the two has half of the workers for certain. */
	private dispatchable(): Job[] | undefined {
		const more = this.waitingOperations.length > 0 && this.operations < this.mostOperations;
		if (more) return this.waitingOperations;
		return this.waiting.length > 0 ? this.waiting : undefined;
	}

	/** One more thread, if there may be one more: without any at all, what waits has failed. */
	private start(): Thread | undefined {
		if (this.threads.size >= this.most) return undefined;
		try {
			const thread = new Thread(this);
			this.threads.add(thread);
			return thread;
		} catch (error) {
			if (this.threads.size > 0) return undefined;
			for (const { reply } of [...this.waiting.splice(0), ...this.waitingOperations.splice(0)]) {
				queueMicrotask(() => reply({ kind: "error", error }));
			}
			return undefined;
		}
	}

	/** Called by a thread whose job has ended. */
	becameIdle(thread: Thread, job: Job | undefined): void {
		if (isLong(job)) this.operations--;
		this.idle.push(thread);
		this.next();
	}

	/** Called by a thread that is no more: another takes its place when there is need. */
	died(thread: Thread, job: Job | undefined): void {
		if (isLong(job)) this.operations--;
		this.threads.delete(thread);
		const at = this.idle.indexOf(thread);
		if (at >= 0) this.idle.splice(at, 1);
		this.next();
	}

	private next(): void {
		this.dispatch();
		if (this.isIdle) this.whenDrained?.();
	}
}

const isLong = (job: Job | undefined) => job?.request.kind === "operation" && !job.request.brief;

/** One worker. While it has a job it keeps the process alive, and only then. */
class Thread {
	private readonly worker: Worker;
	private readonly ended = Promise.withResolvers<void>();
	private job: Job | undefined;
	private hasAnswered = false;
	private dead = false;

	constructor(private readonly lane: WorkerLane) {
		this.worker = new Worker(new URL("./worker.ts", import.meta.url).href);
		this.worker.onmessage = ({ data }: MessageEvent<Reply>) => this.receive(data);
		this.worker.onerror = ({ error, message }) => {
			this.die(this.hasAnswered ? (error ?? new Error(message)) : notLoaded(message));
		};
		this.worker.addEventListener("close", () => {
			this.die(new Error("the worker ended before the operation did"));
			this.ended.resolve();
		});
		this.worker.postMessage(settings);
	}

	run(job: Job): void {
		this.job = job;
		this.worker.ref();
		this.worker.postMessage(job.request);
	}

	end(): Promise<void> {
		this.worker.ref();
		this.worker.terminate();
		return this.ended.promise;
	}

	private receive(reply: Reply): void {
		const { job } = this;
		this.hasAnswered = true;
		if (reply.kind !== "hook") {
			this.job = undefined;
			this.worker.unref();
			this.lane.becameIdle(this, job);
		}
		job?.reply(reply);
	}

	/** The worker itself broke: its script could not be loaded, or threw outside a job, or it ended. */
	private die(error: unknown): void {
		if (this.dead) return;
		this.dead = true;
		const { job } = this;
		this.job = undefined;
		this.worker.unref();
		// One whose script could not be loaded may still be there.
		this.worker.terminate();
		this.lane.died(this, job);
		job?.reply({ kind: "error", error });
	}
}

/** Where the runtime shows what is inside of an executable: all it has is what was bundled. */
const IS_EXECUTABLE = /\/(\$bunfs|~BUN)\//.test(import.meta.url);

/** A worker broke before it answered anything: most likely a bundler has left its script behind. */
export function notLoaded(reason: string): FsError {
	const detail = IS_EXECUTABLE
		? "it needs a worker, which an executable of bun build --compile does not contain; the Sync form works"
		: `the worker's script could not be loaded: ${reason}; a bundle does not contain it and must ` +
			"keep the package external (bun build --external bun-fs-extended)";
	return new FsError("ENOTSUP", "operation not supported", { detail });
}
