/** How the worker lane shares out its threads, with threads that do what the case says. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Reply, Request } from "../src/engine/messages.ts";
import { type Job, WorkerLane } from "../src/engine/worker-lane.ts";
import { configureEngine, copyFile, stopEngine } from "../src/index.ts";
import { sys } from "../src/sys/linux/calls.ts";
import { runProgram } from "./fixtures/run.ts";
import { failureOf, notUnderWine, onLinux } from "./forms.ts";

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

	test("takes back what no thread has begun, and nothing else", async () => {
		const control = new Int32Array(2);
		const job = (name: string): Job => ({
			request: { kind: "operation", name, args: [], hooks: [], control },
			reply: () => answered++,
		});
		const jobs = Array.from({ length: most }, (_, index) => job(String(index)));
		for (const one of jobs) lane.enqueue(one);
		expect(jobs.map((one) => lane.withdraw(one))).toEqual(
			jobs.map((_, index) => index >= most >> 1),
		);
		for (const thread of Thread.doing("operation")) thread.answer();
		await lane.stop();
		expect(answered).toBe(most >> 1);
	});

	test("an abort ends an operation that still waits for a thread", async () => {
		await stopEngine();
		// On Windows another thread, one like these, would wait for what ends later.
		configureEngine({ lanes: ["worker"] });
		const copies = Array.from({ length: most >> 1 }, () => copyFile("from", "to"));
		const controller = new AbortController();
		const waiting = failureOf(copyFile("from", "to", { signal: controller.signal }));
		controller.abort("enough");
		expect(await waiting).toMatchObject({ name: "AbortError", cause: "enough" });
		for (const thread of Thread.doing("operation")) thread.answer();
		await Promise.all(copies);
		await stopEngine();
		configureEngine({});
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

onLinux("a shell, and the ring", test)(
	"an executable does what takes no worker, leaves nothing behind, and says what works",
	async () => {
		const directory = mkdtempSync(join(tmpdir(), "fsx-bundle-"));
		try {
			const source = join(directory, "app.ts");
			writeFileSync(
				source,
				`import * as fsx from ${JSON.stringify(join(import.meta.dir, "../src/index.ts"))};
			const names = () => require("node:fs").readdirSync(".").sort().join();
			const before = names();
			// Without liburing it has no ring.
			await fsx.capabilities(".").catch(() => {});
			console.log(fsx.capabilitiesSync(".").filesystem.type.length > 0, names() === before);
			fsx.writeFileSync("a", "x".repeat(300_000));
			console.log(fsx.readFileSync("a").length, fsx.statSync("a").size);
			console.log(fsx.copyFileSync("a", "b").bytes, fsx.copyTreeSync(".", "../copy").files);
			for (const failing of [() => fsx.copyFile("a", "c"), () => fsx.chmod("a", 0o600)]) {
				await failing().catch(({ code, message }) => console.log(code, message));
			}`,
			);
			const program = join(directory, "app/app");
			const build = [process.execPath, "build", "--compile", source, "--outfile", program];
			await runProgram(build);
			const printed = await runProgram(["sh", "-c", `cd ${directory}/app && ./app`]);
			const [capable, whole, copied, ...failed] = printed.trim().split("\n");
			expect([capable, whole, copied]).toEqual(["true true", "300000 300000", "300000 3"]);
			expect(failed.length).toBe(2);
			for (const line of failed) {
				expect(line).toStartWith(
					"ENOTSUP ENOTSUP: operation not supported (it needs a worker, which",
				);
				expect(line).toContain("the Sync form works");
				expect(line).not.toContain("--external");
			}
		} finally {
			rmSync(directory, { recursive: true, force: true });
		}
	},
	60_000,
);

notUnderWine("what the runtime needs to write a bundle", test)(
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
