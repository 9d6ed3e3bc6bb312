/** How the library lives in a process: when it keeps it alive, how it ends, and with Workers. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
	closeSync,
	constants,
	mkdtempSync,
	openSync,
	readdirSync,
	readlinkSync,
	rmSync,
} from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineOptions } from "../src/engine/settings.ts";
import { configureEngine, stat, stopEngine } from "../src/index.ts";
import { runScript } from "./fixtures/run.ts";
import { ON_WINDOWS, onLinux, onWindows, PATIENCE_MILLISECONDS } from "./forms.ts";

setDefaultTimeout(PATIENCE_MILLISECONDS);

/** Each lane, made to be the one that opens. */
const lanes: [name: string, options: EngineOptions][] = [
	["the defaults", {}],
	["the ring", { lanes: ["ring"] }],
	["a worker", { lanes: ["worker"] }],
	["immediate answers", { lanes: ["immediate"] }],
];

let directory: string;
let fifo: string;

beforeAll(() => {
	directory = mkdtempSync(join(tmpdir(), "fsx-process-"));
	fifo = join(directory, "fifo");
	if (!ON_WINDOWS && !Bun.spawnSync(["mkfifo", fifo]).success) throw new Error("mkfifo");
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const fromLinux = describe.skipIf(ON_WINDOWS);
if (ON_WINDOWS)
	console.log("left out: processes and Workers with fifos, which Windows has not got");

fromLinux.each(lanes)("a process that uses %s", (_, options) => {
	const START = `
		const { configureEngine, open, stat, copyFile } = await import("library");
		configureEngine(${JSON.stringify(options)});
		const [fifo] = process.argv.slice(1);
	`;

	test("ends by itself", async () => {
		const printed = await runScript(`
			${START}
			const { size } = await stat("/");
			process.on("exit", () => console.log("ended", size > 0, performance.now() < 10_000));
		`);
		expect(printed).toBe("ended true true\n");
	});

	test("stays alive until what is pending has ended", async () => {
		const printed = await runScript(
			`
			${START}
			const writer = ["sh", "-c", 'sleep 0.3; echo hello > "$0"', fifo];
			Bun.spawn(writer, { stdio: ["ignore", "ignore", "inherit"] }).unref();
			const start = performance.now();
			open(fifo).then(async (file) => {
				const waited = performance.now() - start > 250;
				console.log(waited, Buffer.from(await file.read(100)).toString());
				await file.close();
			});
			`,
			fifo,
		);
		expect(printed).toBe("true hello\n\n");
	});

	test("can exit while something is pending", async () => {
		const printed = await runScript(
			`
			${START}
			await stat("/");
			void open(fifo);
			process.on("exit", () => console.log("exit"));
			setTimeout(() => process.exit(), 100);
			`,
			fifo,
		);
		expect(printed).toBe("exit\n");
	});
});

/** What this process has open of the kind that a lane opens. */
function laneDescriptors(): string[] {
	return readdirSync("/proc/self/fd")
		.map((fd) => {
			try {
				return readlinkSync(`/proc/self/fd/${fd}`);
			} catch {
				return "";
			}
		})
		.filter((name) => /^(socket:|anon_inode:\[io_uring\])/.test(name))
		.sort();
}

function descriptorsOf(path: string): number[] {
	return readdirSync("/proc/self/fd")
		.map(Number)
		.filter((fd) => {
			try {
				return readlinkSync(`/proc/self/fd/${fd}`) === path;
			} catch {
				return false;
			}
		});
}

/** What there is beyond what was there before, once threads have had the time to end. */
async function added(before: string[]): Promise<string[]> {
	for (let tries = 0; ; tries++) {
		const rest = [...before];
		const more = laneDescriptors().filter((name) => {
			const at = rest.indexOf(name);
			if (at >= 0) rest.splice(at, 1);
			return at < 0;
		});
		if (more.length === 0 || tries === 200) return more;
		await Bun.sleep(10);
	}
}

onLinux("fifos", describe)("a Worker of the user's", () => {
	const ends = ["terminate", "exit", "stop", "pending"] as const;
	for (const name of ["ring", "worker", "immediate"] as const) {
		for (const end of ends) {
			test(`on lane ${name}, end by ${end}, leaves nothing behind`, async () => {
				await stopEngine();
				configureEngine({ lanes: ["ring"] });
				await stat("/");
				const before = laneDescriptors();
				const worker = new Worker(new URL("./fixtures/tenant.ts", import.meta.url).href);
				const closed = new Promise((done) => worker.addEventListener("close", done));
				const answer = await new Promise((done, fail) => {
					worker.onmessage = ({ data }) => done(data);
					worker.onerror = fail;
					worker.postMessage({ lanes: [name], fifo, end });
				});
				expect(answer).toBe((await stat(join(import.meta.dir, "fixtures/tenant.ts"))).size);
				if (end === "terminate" || end === "pending") worker.terminate();
				if (end === "pending" && name !== "ring") {
					// The runtime waits for the library's own worker, which waits for the fifo.
					await Bun.sleep(20);
					closeSync(openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK));
				}
				await closed;
				// The file that the call on that worker opened has nobody to close it. A ring's call ends
				// with its thread, so that there is none.
				const opened = descriptorsOf(fifo);
				if (name === "ring") expect(opened).toEqual([]);
				for (const fd of opened) closeSync(fd);
				expect(await added(before)).toEqual([]);
				// This thread goes on with its own.
				expect((await stat("/")).isDirectory()).toBe(true);
				await stopEngine();
				configureEngine({});
			});
		}
	}
});

onWindows("named pipes", describe)("with pipes for what waits", () => {
	/** A server that is there until the test has ended, and says something after a while. */
	function served(milliseconds: number): { pipe: string; [Symbol.dispose](): void } {
		const pipe = `\\\\.\\pipe\\fsx-${process.pid}-${Bun.nanoseconds()}`;
		const server = net.createServer((socket) => {
			socket.on("error", () => {});
			setTimeout(() => socket.end("hello"), milliseconds).unref();
		});
		server.listen(pipe);
		return { pipe, [Symbol.dispose]: () => void server.close() };
	}

	for (const lane of ["ring", "worker"] as const) {
		const START = `
			const { configureEngine, open, stat } = await import("library");
			configureEngine({ lanes: ["${lane}"] });
			const [pipe] = process.argv.slice(1);
		`;

		test(`a process that uses lane ${lane} ends by itself`, async () => {
			const printed = await runScript(`
				${START}
				await using file = await open(${JSON.stringify(import.meta.path)});
				const { length } = await file.read(10, 0);
				process.on("exit", () => console.log("ended", length, performance.now() < 20_000));
			`);
			expect(printed).toBe("ended 10 true\n");
		});

		test(`a process that uses lane ${lane} stays alive for what is pending`, async () => {
			using server = served(500);
			const printed = await runScript(
				`
				${START}
				open(pipe).then(async (file) => {
					console.log(Buffer.from(await file.read(100)).toString());
					console.log((await file.read(100)).length);
					await file.close();
				});
				`,
				server.pipe,
			);
			expect(printed).toBe("hello\n0\n");
		});

		test(`a process that uses lane ${lane} can exit while something is pending`, async () => {
			using server = served(60_000);
			const printed = await runScript(
				`
				${START}
				void (await open(pipe)).read(1);
				process.on("exit", () => console.log("exit"));
				setTimeout(() => process.exit(), 100);
				`,
				server.pipe,
			);
			expect(printed).toBe("exit\n");
		});

		for (const end of ["terminate", "exit", "stop", "pending"] as const) {
			test(`a Worker of the user's on lane ${lane} ends by ${end}`, async () => {
				// What a worker of the library's waits for has to come: nothing else ends it.
				using server = served(500);
				const worker = new Worker(new URL("./fixtures/pipe-tenant.ts", import.meta.url).href);
				const closed = new Promise((done) => worker.addEventListener("close", done));
				const answer = await new Promise((done, fail) => {
					worker.onmessage = ({ data }) => done(data);
					worker.onerror = fail;
					worker.postMessage({ lanes: [lane], pipe: server.pipe, end });
				});
				expect(answer).toBe(20);
				if (end === "terminate" || end === "pending") worker.terminate();
				await closed;
				expect((await stat(import.meta.dir)).isDirectory()).toBe(true);
			});
		}
	}
});
