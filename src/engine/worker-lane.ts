import { availableParallelism } from "node:os";
import type { Call, Completion, Lane } from "./call.ts";
import type { OperationRequest } from "./offload.ts";
import { settings } from "./settings.ts";

/** What is asked of a worker: to make a call, or to run a whole operation. */
export type Request =
	| { kind: "call"; call: Call }
	| OperationRequest;

/** What a worker says: the end of a call or operation, or something on the way there. */
export type Reply =
	| { kind: "result"; result: number }
	| { kind: "value"; value: unknown }
	| { kind: "error"; error: unknown }
	| { kind: "hook"; name: "onProgress" | "filter"; args: unknown[]; asks: boolean };

interface Job {
	readonly request: Request;
	readonly reply: (reply: Reply) => void;
}

/**
 * Calls that could block run here, on threads of their own. A worker gets one job at a time, so
 * that a slow file holds up nothing that waits behind it while another worker is free.
 */
export class WorkerLane implements Lane {
	private readonly most = Math.max(4, availableParallelism());
	private readonly waiting: Job[] = [];
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
		this.waiting.push(job);
		this.dispatch();
	}

	async stop(): Promise<void> {
		if (this.waiting.length > 0 || this.idle.length < this.threads.size) {
			const { promise, resolve } = Promise.withResolvers<void>();
			this.whenDrained = resolve;
			await promise;
		}
		await Promise.all([...this.threads].map((thread) => thread.end()));
		this.threads.clear();
		this.idle.length = 0;
	}

	private dispatch(): void {
		while (this.waiting.length > 0) {
			const thread = this.idle.pop() ?? this.start();
			if (thread === undefined) return;
			const job = this.waiting.shift();
			if (job !== undefined) thread.run(job);
		}
	}

	private start(): Thread | undefined {
		if (this.threads.size >= this.most) return undefined;
		const thread = new Thread((ended) => {
			this.idle.push(ended);
			this.dispatch();
			if (this.idle.length === this.threads.size) this.whenDrained?.();
		});
		this.threads.add(thread);
		return thread;
	}
}

/** One worker. While it has a job it keeps the process alive, and only then. */
class Thread {
	private readonly worker: Worker;
	private job: Job | undefined;

	constructor(private readonly becameIdle: (thread: Thread) => void) {
		this.worker = new Worker(new URL("./worker.ts", import.meta.url).href);
		this.worker.onmessage = ({ data }: MessageEvent<Reply>) => this.receive(data);
		this.worker.onerror = (event) => this.fail(event);
		this.worker.postMessage(settings);
	}

	run(job: Job): void {
		this.job = job;
		this.worker.ref();
		this.worker.postMessage(job.request);
	}

	end(): Promise<unknown> {
		const { promise, resolve } = Promise.withResolvers<void>();
		this.worker.addEventListener("close", () => resolve());
		this.worker.ref();
		this.worker.terminate();
		return promise;
	}

	private receive(reply: Reply): void {
		const { job } = this;
		if (reply.kind !== "hook") {
			this.job = undefined;
			this.worker.unref();
			this.becameIdle(this);
		}
		job?.reply(reply);
	}

	/** The worker itself broke: its script could not be loaded, or threw outside a job. */
	private fail(event: ErrorEvent): void {
		this.receive({ kind: "error", error: event.error ?? new Error(event.message) });
	}
}
