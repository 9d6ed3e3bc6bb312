/** How the worker lane shares out its threads, with threads that do what the case says. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Reply, Request } from "../src/engine/messages.ts";
import { WorkerLane } from "../src/engine/worker-lane.ts";
import { sys } from "../src/sys/linux/calls.ts";
import { runProgram } from "./fixtures/run.ts";
import { lacksUnderWine } from "./forms.ts";

/** A worker that answers nothing by itself. */
class Thread {
	static all: Thread[] = [];
	onmessage: ((event: { data: Reply }) => void) | undefined;
	onerror: ((event: { error: unknown; message: string }) => void) | undefined;
	terminated = false;
	request: Request | undefined;
	private closed: (() => void) | undefined;

	constructor() {
		Thread.all.push(this);
	}

	static doing(kind: Request["kind"]): Thread[] {
		return Thread.all.filter(({ request }) => request?.kind === kind);
	}

	addEventListener(_event: "close", closed: () => void): void {
		this.closed = closed;
	}

	postMessage(message: Request): void {
		if (message.kind !== undefined) this.request = message;
	}

	answer(): void {
		const { request } = this;
		if (request === undefined) return;
		this.request = undefined;
		const data: Reply =
			request.kind === "call" ? { kind: "result", result: 0 } : { kind: "value", value: 0 };
		this.onmessage?.({ data });
	}

	terminate(): void {
		this.terminated = true;
		this.closed?.();
	}

	ref(): void {}
	unref(): void {}
}

const { Worker } = globalThis;
const most = Math.max(4, navigator.hardwareConcurrency);

describe("the worker lane", () => {
	let lane: WorkerLane;
	let answered: number;
	let failures: unknown[];

	beforeEach(() => {
		globalThis.Worker = Thread as unknown as typeof Worker;
		Thread.all = [];
		lane = new WorkerLane();
		answered = 0;
		failures = [];
	});

	afterEach(() => {
		globalThis.Worker = Worker;
	});

	function submit(): void {
		const complete = () => {
			answered++;
		};
		lane.submit(sys(0), { complete, fail: (error) => failures.push(error) });
	}

	function enqueue(): void {
		const control = new Int32Array(2);
		lane.enqueue({
			request: { kind: "operation", name: "copyFile", args: [], hooks: [], control },
			reply: () => answered++,
		});
	}

	test("keeps half of the threads for single calls, and half for operations", async () => {
		for (let i = 0; i < 2 * most; i++) enqueue();
		expect(Thread.doing("operation").length).toBe(most >> 1);
		for (let i = 0; i < 2 * most; i++) submit();
		expect(Thread.doing("operation").length).toBe(most >> 1);
		expect(Thread.doing("call").length).toBe(most - (most >> 1));

		// Calls that keep coming do not keep the next operation waiting.
		Thread.doing("operation")[0]?.answer();
		expect(Thread.doing("operation").length).toBe(most >> 1);

		const stopped = lane.stop();
		for (let turns = 0; turns < 8 * most; turns++) Thread.all[turns % most]?.answer();
		await stopped;
		expect(answered).toBe(4 * most);
		expect(Thread.all.map(({ terminated }) => terminated)).toEqual(Array(most).fill(true));
	});

	test("gives single calls all threads while there is no operation", () => {
		for (let i = 0; i < 2 * most; i++) submit();
		expect(Thread.doing("call").length).toBe(most);
	});

	test("an operation whose thread dies makes room for the next", () => {
		for (let i = 0; i < most; i++) enqueue();
		const [first] = Thread.doing("operation");
		if (first === undefined) throw new Error("none was started");
		first.onerror?.({ error: new Error("broken"), message: "broken" });
		expect(first.terminated).toBe(true);
		const alive = Thread.doing("operation").filter(({ terminated }) => !terminated);
		expect(alive.length).toBe(most >> 1);
	});

	test("a thread that breaks before its first answer had no script", () => {
		submit();
		Thread.all[0]?.onerror?.({ error: null, message: "ModuleNotFound" });
		submit();
		Thread.all[1]?.answer();
		submit();
		const later = new Error("out of memory");
		Thread.all[1]?.onerror?.({ error: later, message: "" });
		expect(failures).toEqual([expect.objectContaining({ code: "ENOTSUP" }), later]);
		expect(String(failures[0])).toContain("--external bun-fs-extended");
	});
});

lacksUnderWine("what the runtime needs to write a bundle", test)(
	"in a bundle that has left the worker behind, the failure says what to do",
	async () => {
		const directory = mkdtempSync(join(tmpdir(), "fsx-bundle-"));
		try {
			const library = JSON.stringify(join(import.meta.dir, "../src/index.ts"));
			const source = join(directory, "app.ts");
			writeFileSync(
				source,
				`import { copyFile } from ${library};
			await copyFile(${JSON.stringify(source)}, ${JSON.stringify(join(directory, "copy"))}).catch(
				({ name, code, message }) => console.log(name, code, message.includes("--external")),
			);`,
			);
			const outdir = join(directory, "out");
			const built = await Bun.build({ entrypoints: [source], target: "bun", outdir });
			expect(built.success).toBe(true);
			const printed = await runProgram([process.execPath, join(outdir, "app.js")]);
			expect(printed).toBe("FsError ENOTSUP true\n");
		} finally {
			rmSync(directory, { recursive: true, force: true });
		}
	},
);
