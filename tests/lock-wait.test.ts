/** Waiting for locks, and not for longer than asked. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
	AbortError,
	configureEngine,
	lock,
	lockSync,
	openDir,
	stat,
	stopEngine,
	tryLock,
} from "../src/index.ts";
import { lines } from "../src/lock-line.ts";
import { system } from "../src/sys/index.ts";
import { runScript } from "./fixtures/run.ts";
import { failureOf, forms, notUnderWine, PATIENCE_MILLISECONDS } from "./forms.ts";
import { lockCall, lockElsewhere, methods, until, waits } from "./lock-witnesses.ts";
import { openIn } from "./witnesses.ts";

setDefaultTimeout(PATIENCE_MILLISECONDS);

const shared = { mode: "shared" } as const;
const range = (offset: number, length?: number) => ({ range: { offset, length } });

let directory: string;
let file: string;

beforeEach(() => {
	directory = fs.mkdtempSync(join(tmpdir(), "fsx-test-"));
	file = join(directory, "file");
	fs.writeFileSync(file, "content");
});

afterEach(() => {
	const left = [openIn(directory), ...lines.keys()];
	lines.clear();
	fs.rmSync(directory, { recursive: true });
	expect(left).toEqual([0]);
});

forms("a lock is waited for until another process releases it", async ({ fsx, path, form }) => {
	fs.writeFileSync(path("file"), "");
	const log = path("log");
	await using theirs = await lockElsewhere(path("file"), {}, { log, milliseconds: 150 });
	expect(theirs.said).toBe("locked");
	const held = await fsx.lock(path("file"), { timeoutMs: 20_000 });
	fs.appendFileSync(log, "locked here\n");
	expect(fs.readFileSync(log, "utf8")).toBe("locked elsewhere\nreleased elsewhere\nlocked here\n");
	await methods(held, form).release();
});

test("another process waits until a lock is released here", async () => {
	const log = join(directory, "log");
	const held = await lock(file);
	const theirs = lockElsewhere(file, {}, { log });
	expect(await Promise.race([theirs, Bun.sleep(300).then(() => "waiting")])).toBe("waiting");
	fs.appendFileSync(log, "released here\n");
	await held.release();
	await (await theirs).release();
	expect(fs.readFileSync(log, "utf8")).toBe(
		"released here\nlocked elsewhere\nreleased elsewhere\n",
	);
});

forms("a wait ends when its time is up", async ({ fsx, path, form }) => {
	fs.writeFileSync(path("file"), "");
	const held = await fsx.lock(path("file"), range(5));
	for (const timeoutMs of [0, 1, 60]) {
		const start = performance.now();
		const error = await failureOf(fsx.lock(path("file"), { timeoutMs }));
		expect(performance.now() - start).toBeGreaterThanOrEqual(timeoutMs);
		expect(error).toMatchObject({ code: "ETIMEDOUT", path: path("file"), operation: "lock" });
	}
	await using theirs = await lockElsewhere(path("file"), range(0, 5));
	const start = performance.now();
	const error = await failureOf(fsx.lock(path("file"), { ...range(0, 5), timeoutMs: 60 }));
	expect(error).toMatchObject({ code: "ETIMEDOUT" });
	expect(performance.now() - start).toBeGreaterThanOrEqual(60);
	expect([theirs.said, openIn(path("."))]).toEqual(["locked", 1]);
	await methods(held, form).release();
	(await fsx.lock(path("file"), { ...range(5), timeoutMs: 0 })).releaseSync();
});

forms("a signal that has fired ends it before it begins", async ({ fsx, path, form }) => {
	fs.writeFileSync(path("file"), "");
	const signal = AbortSignal.abort("why");
	const error = await failureOf(fsx.lock(path("file"), { signal }));
	expect(error).toBeInstanceOf(AbortError);
	expect(error).toMatchObject({ name: "AbortError", code: "ABORT_ERR", cause: "why" });
	using held = await fsx.lock(path("file"), shared);
	const upgrade = methods(held, form).upgrade({ signal });
	expect(await failureOf(upgrade)).toMatchObject({ name: "AbortError", cause: "why" });
	expect(held.mode).toBe("shared");
});

test("the sync form does not wait for its own thread", async () => {
	using held = lockSync(file, shared);
	const dead = await failureOf((async () => lockSync(file))());
	expect(dead).toMatchObject({ code: "EDEADLK", path: file });
	using other = lockSync(file, shared);
	expect(() => held.upgradeSync()).toThrow("EDEADLK");
	expect(() => other.upgradeSync({ timeoutMs: 10 })).toThrow("ETIMEDOUT");
	expect([held.mode, other.mode]).toEqual(["shared", "shared"]);
});

notUnderWine("the status that a lock ends with, in its OVERLAPPED", test)(
	"the sync form does not wait for what its thread has and has not been told of",
	async () => {
		await stopEngine();
		configureEngine({ lanes: ["worker"] });
		await stat(file);
		const { kernel } = system;
		const { handedOver } = kernel;
		let error: unknown;
		const overtake = () => {
			// The worker has the call by now, and makes it while this thread does nothing.
			Bun.sleepSync(100);
			try {
				lockSync(file).releaseSync();
			} catch (reason) {
				error = reason;
			}
		};
		let calls = 0;
		kernel.handedOver = (call) => {
			handedOver.call(kernel, call);
			if (call.fn !== lockCall.fn || ++calls < lockCall.each) return;
			kernel.handedOver = handedOver;
			queueMicrotask(overtake);
		};
		const held = await lock(file);
		expect(error).toMatchObject({ code: "EDEADLK" });
		await held.release();
		await stopEngine();
		configureEngine({});
	},
);

test("the sync form goes before the promise forms, which cannot go on meanwhile", async () => {
	await using theirs = await lockElsewhere(file, {}, { milliseconds: 200 });
	const waiting = lock(file);
	await until(() => waits() === 1);
	const held = lockSync(file);
	expect([held.mode, theirs.said, waits()]).toEqual(["exclusive", "locked", 1]);
	held.releaseSync();
	await (await waiting).release();
});

test("a signal ends a wait at once, and those behind go on", async () => {
	const held = await lock(file, shared);
	const controller = new AbortController();
	const writing = lock(file, { signal: controller.signal });
	await until(() => waits() === 1);
	const reading = lock(file, shared);
	await until(() => waits() === 2);
	const reason = new Error("changed my mind");
	const start = performance.now();
	controller.abort(reason);
	expect(await failureOf(writing)).toMatchObject({ name: "AbortError", cause: reason });
	await (await reading).release();
	expect(performance.now() - start).toBeLessThan(1000);
	expect([waits(), openIn(directory)]).toEqual([0, 1]);
	await held.release();
});

test("a signal ends the wait for an upgrade, which leaves the lock shared", async () => {
	const held = await lock(file, shared);
	await using theirs = await lockElsewhere(file, shared);
	const controller = new AbortController();
	const upgrade = held.upgrade({ signal: controller.signal });
	await until(() => waits() === 1);
	controller.abort();
	expect(await failureOf(upgrade)).toMatchObject({ name: "AbortError" });
	expect(held.mode).toBe("shared");
	await theirs.release();
	expect(await tryLock(file)).toBeUndefined();
	await held.upgrade();
	await held.release();
});

test("the directory of a name can be closed while its lock is waited for", async () => {
	const held = await lock(file);
	const dir = await openDir(directory, { beneath: true });
	const waiting = lock(dir.at("file"));
	await until(() => waits() === 1);
	await dir.close();
	await held.release();
	await (await waiting).release();
});

test("a wait keeps the process alive, and nothing else does", async () => {
	const printed = await runScript(
		`
		const { lock } = await import("library");
		const held = await lock(process.argv[1]);
		lock(process.argv[1], { timeoutMs: 10 }).catch((error) => {
			console.log(error.code);
			setTimeout(() => held.release(), 50).unref();
		});
		lock(process.argv[1]).then(() => console.log("locked"));
		`,
		file,
	);
	expect(printed).toBe("ETIMEDOUT\nlocked\n");
});
