/** The completion port of Windows: what is in flight, how it ends, and that nothing is touched after. */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Memory } from "../src/engine/memory.ts";
import { open, stopEngine, watch } from "../src/index.ts";
import { STATUS_PENDING } from "../src/sys/windows/layouts.ts";
import { IN_FLIGHT, STATE, State, type Task } from "../src/sys/windows/port-state.ts";
import { runScript } from "./fixtures/run.ts";
import { ON_WINDOWS, skipped } from "./forms.ts";

/** Everything of Windows is loaded there alone. */
function parts() {
	const { call } =
		require("../src/sys/windows/calls.ts") as typeof import("../src/sys/windows/calls.ts");
	const { PortLane } =
		require("../src/sys/windows/port.ts") as typeof import("../src/sys/windows/port.ts");
	const { cancel, kernel } =
		require("../src/sys/windows/kernel.ts") as typeof import("../src/sys/windows/kernel.ts");
	const { Status } =
		require("../src/sys/windows/errno.ts") as typeof import("../src/sys/windows/errno.ts");
	return { call, PortLane, cancel, kernel, Status };
}

const PIPE_ACCESS_DUPLEX = 3;
const FILE_FLAG_OVERLAPPED = 0x40000000;
const GENERIC_READ_WRITE = 0xc0000000;
const OPEN_EXISTING = 3;

const wide = (text: string) => Buffer.from(`${text}\0`, "utf16le");
let pipes = 0;

/** Both ends of a new pipe, by their handles; the first is read without waiting. */
function openPipe(): { reading: number; writing: number } {
	const { u32, ptr: pointer, i64_fast } = FFIType;
	const { symbols } = dlopen("kernel32.dll", {
		CreateNamedPipeW: {
			args: [pointer, u32, u32, u32, u32, u32, u32, i64_fast],
			returns: i64_fast,
		},
		CreateFileW: { args: [pointer, u32, u32, i64_fast, u32, u32, i64_fast], returns: i64_fast },
	});
	const name = wide(`\\\\.\\pipe\\fsx-test-${process.pid}-${pipes++}`);
	const mode = PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED;
	const reading = Number(symbols.CreateNamedPipeW(ptr(name), mode, 0, 1, 4096, 4096, 0, 0));
	const access = GENERIC_READ_WRITE;
	const writing = Number(symbols.CreateFileW(ptr(name), access, 0, 0, OPEN_EXISTING, 0, 0));
	return { reading, writing };
}

/** A read that is to be handed to a lane, and where it leaves what it has read. */
function readOf(memory: Memory, handle: number, length = 16, offset = 0) {
	const { call } = parts();
	const status = memory.reserveZeroed(16);
	const buffer = memory.reserveZeroed(length);
	const at = memory.reserve(8);
	at.setU64(0, offset);
	const { address } = status;
	const read = call("NtReadFile", handle, 0, 0, 0, address, buffer.address, length, at.address, 0);
	return { read, status, text: () => Buffer.from(buffer.bytes(0, status.u64(8))).toString() };
}

/** Runs something that makes workers, with others in their place. */
function withWorkers<T>(other: typeof Worker, body: () => T): T {
	const { Worker: own } = globalThis;
	globalThis.Worker = other;
	try {
		return body();
	} finally {
		globalThis.Worker = own;
	}
}

let directory: string;
const path = (name: string) => join(directory, name);

if (!ON_WINDOWS) skipped("completion ports", "it rests on Windows");
else {
	beforeEach(() => {
		directory = fs.mkdtempSync(join(tmpdir(), "fsx-test-"));
	});

	afterEach(async () => {
		await stopEngine();
		fs.rmSync(directory, { recursive: true });
	});

	describe("a lane", () => {
		const { call, PortLane, cancel, kernel, Status } = ON_WINDOWS ? parts() : ({} as never);
		let lane: InstanceType<typeof PortLane>;
		let memory: Memory;

		beforeEach(() => {
			lane = new PortLane();
			memory = new Memory();
		});

		afterEach(async () => {
			await lane.stop();
			memory.free();
			memory.discard();
		});

		const submit = (read: ReturnType<typeof readOf>["read"]) => {
			const { promise, resolve, reject } = Promise.withResolvers<number>();
			expect(lane.accepts(read)).toBe(true);
			lane.submit(read, { complete: resolve, fail: reject });
			return promise;
		};
		const write = (handle: number, text: string) => {
			const status = memory.reserveZeroed(16).address;
			const bytes = memory.reserve(text.length);
			bytes.bytes().set(Buffer.from(text));
			const { address, size } = bytes;
			return kernel.direct(call("NtWriteFile", handle, 0, 0, 0, status, address, size, 0, 0));
		};
		const close = (...handles: number[]) => {
			for (const handle of handles) {
				lane.forget(handle);
				kernel.direct(call("NtClose", handle));
			}
		};

		test("a read of a pipe waits until something is there, and holds up nothing", async () => {
			const { reading, writing } = openPipe();
			const { read, text } = readOf(memory, reading);
			const waiting = submit(read);
			expect(await Promise.race([waiting, Bun.sleep(50).then(() => "waits")])).toBe("waits");
			expect(write(writing, "hello")).toBe(0);
			expect([await waiting, text()]).toEqual([0, "hello"]);
			close(reading, writing);
		});

		test("what is there already comes by a packet, too", async () => {
			const { reading, writing } = openPipe();
			write(writing, "early");
			const { read, text } = readOf(memory, reading);
			expect([await submit(read), text()]).toEqual([0, "early"]);
			close(reading, writing);
		});

		test("a cancelled read ends with its packet, and leaves its memory alone until then", async () => {
			const { reading, writing } = openPipe();
			const { read, status } = readOf(memory, reading);
			const waiting = submit(read);
			await Bun.sleep(10);
			expect(cancel(reading, status.address)).toBe(true);
			expect(await waiting).toBe(Status.STATUS_CANCELLED);
			expect(cancel(reading, status.address)).toBe(false);
			// What is written after that is for the next one.
			write(writing, "later");
			const next = readOf(memory, reading);
			expect([await submit(next.read), next.text()]).toEqual([0, "later"]);
			close(reading, writing);
		});

		test("the other end of a pipe is closed", async () => {
			const { reading, writing } = openPipe();
			const waiting = submit(readOf(memory, reading).read);
			await Bun.sleep(10);
			close(writing);
			expect(await waiting).toBe(Status.STATUS_PIPE_BROKEN);
			// Refused at once, of which no packet comes.
			expect(await submit(readOf(memory, reading).read)).toBe(Status.STATUS_PIPE_BROKEN);
			close(reading);
		});

		test("the end of a file", async () => {
			fs.writeFileSync(path("file"), "content");
			const file = await open(path("file"));
			const { read } = readOf(memory, file.descriptor.handle, 16, 7);
			expect(await submit(read)).toBe(Status.STATUS_END_OF_FILE);
			const last = readOf(memory, file.descriptor.handle, 16, 3);
			expect([await submit(last.read), last.text()]).toEqual([0, "tent"]);
			await file.close();
		});

		test("stopping waits for what is in flight", async () => {
			const { reading, writing } = openPipe();
			const waiting = submit(readOf(memory, reading).read);
			let stopped = false;
			const stopping = lane.stop().then(() => {
				stopped = true;
			});
			await Bun.sleep(50);
			expect(stopped).toBe(false);
			write(writing, "last");
			expect(await waiting).toBe(0);
			await stopping;
			lane = new PortLane();
			close(reading, writing);
		});

		test("a file that has a port is no other's, and can be waited for all the same", async () => {
			fs.writeFileSync(path("file"), "content");
			const file = await open(path("file"));
			const mine = readOf(memory, file.descriptor.handle);
			expect([await submit(mine.read), mine.text()]).toEqual([0, "content"]);
			// As of another thread, which has a port of its own.
			const other = new PortLane();
			const theirs = readOf(memory, file.descriptor.handle);
			expect(other.accepts(theirs.read)).toBe(false);
			expect([kernel.direct(theirs.read), theirs.text()]).toEqual([0, "content"]);
			await other.stop();
			await file.close();
		});

		test("what is in flight ends as it would have, when nobody waits for packets", async () => {
			const { reading, writing } = openPipe();
			const waiter = Promise.withResolvers<Worker>();
			const unwatched = withWorkers(
				class extends Worker {
					constructor(script: string | URL) {
						super(script);
						waiter.resolve(this);
					}
				},
				() => new PortLane(),
			);
			const { read, status, text } = readOf(memory, reading);
			status.setU32(0, STATUS_PENDING);
			expect(unwatched.accepts(read)).toBe(true);
			const ended = Promise.withResolvers<number>();
			unwatched.submit(read, { complete: ended.resolve, fail: ended.reject });
			const gone = Promise.withResolvers<void>();
			(await waiter.promise).addEventListener("close", () => gone.resolve());
			(await waiter.promise).terminate();
			await gone.promise;
			// Its memory is the system's until then.
			expect(await Promise.race([ended.promise, Bun.sleep(50).then(() => "waits")])).toBe("waits");
			expect(unwatched.accepts(read)).toBe(false);
			write(writing, "late");
			expect([await ended.promise, text()]).toEqual([0, "late"]);
			await unwatched.stop();
			close(reading, writing);
		});

		test("a waiter that is about to rest is told to end all the same", async () => {
			const tasks: Task[] = [];
			let closed = () => {};
			class Waiter {
				ref() {}
				unref() {}
				terminate() {}
				addEventListener(_: "close", then: () => void) {
					closed = then;
				}
				postMessage(task: Task) {
					tasks.push(task);
				}
			}
			const unrested = withWorkers(Waiter as unknown as typeof Worker, () => new PortLane());
			const refused = Promise.withResolvers<number>();
			const { resolve, reject } = refused;
			unrested.submit(readOf(memory, 0).read, { complete: resolve, fail: reject });
			expect(await refused.promise).toBe(Status.STATUS_INVALID_HANDLE);
			// It has waited, in vain, and is told of the end before it has said that it rests.
			const stopping = unrested.stop();
			const { state } = tasks[0] as Task;
			Atomics.store(state, STATE, State.IDLE);
			expect(Atomics.load(state, IN_FLIGHT)).toBeGreaterThan(0);
			closed();
			await stopping;
		});

		test("1,000 reads in flight end in any order", async () => {
			const { reading, writing } = openPipe();
			const all = Array.from({ length: 1000 }, () => readOf(memory, reading, 1));
			const waiting = all.map(({ read }) => submit(read));
			for (let sent = 0; sent < 1000; sent += 100) write(writing, "x".repeat(100));
			expect(new Set(await Promise.all(waiting))).toEqual(new Set([0]));
			expect(new Set(all.map(({ text }) => text()))).toEqual(new Set(["x"]));
			close(reading, writing);
		});
	});

	test("1,000 reads of one file at once", async () => {
		const bytes = new Uint8Array(1000 * 512).map((_, at) => at >> 9);
		fs.writeFileSync(path("file"), bytes);
		const file = await open(path("file"));
		const parts = await Promise.all(
			Array.from({ length: 1001 }, (_, index) => file.read(512, index * 512)),
		);
		expect(Buffer.concat(parts).equals(bytes)).toBe(true);
		expect(parts.at(-1)?.length).toBe(0);
		await file.close();
	});

	test("reads go on after the engine was stopped", async () => {
		fs.writeFileSync(path("file"), "content");
		const file = await open(path("file"));
		for (let round = 0; round < 3; round++) {
			expect(Buffer.from(await file.read(7, 0)).toString()).toBe("content");
			await stopEngine();
		}
		await file.close();
	});

	test("a call that waits for changes ends, and its memory is given back after that", async () => {
		for (let round = 0; round < 20; round++) {
			const watcher = watch(directory);
			await watcher.ready;
			const waiting = watcher.next();
			if (round % 2 === 0) await Bun.sleep(1);
			await watcher.close();
			expect(await waiting).toEqual({ done: true, value: undefined });
		}
	});

	test("a process ends although calls are in flight", async () => {
		const script = `
			const { watch } = await import("library");
			const watchers = Array.from({ length: 20 }, () => watch(process.argv[1]));
			await Promise.all(watchers.map(({ ready }) => ready));
			for (const watcher of watchers) watcher.next();
			setTimeout(() => {
				console.log("ends");
				process.exit(0);
			}, 50);
		`;
		expect(await runScript(script, directory)).toBe("ends\n");
	}, 60_000);
}
