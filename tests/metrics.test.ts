/** What is counted and published of operations, and under which names. */
import { afterEach, describe, expect, test } from "bun:test";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import fs from "node:fs";
import { join } from "node:path";
import {
	configureEngine,
	copyFile,
	disableMetrics,
	enableMetrics,
	FsError,
	metrics,
	type OperationEvent,
	open,
	openDirSync,
	stat,
	statSync,
	stopEngine,
} from "../src/index.ts";
import { failureOf, forms, ON_WINDOWS, onLinux } from "./forms.ts";

const CHANNEL = "bun-fs-extended:operation";
const source = join(import.meta.dirname, "..", "src");

afterEach(() => disableMetrics());

/** What is published while a function runs. */
async function published(body: () => unknown): Promise<OperationEvent[]> {
	const events: OperationEvent[] = [];
	const listener = (message: unknown) => events.push(message as OperationEvent);
	subscribe(CHANNEL, listener);
	try {
		await body();
	} finally {
		unsubscribe(CHANNEL, listener);
	}
	return events;
}

describe("metrics", () => {
	test("nothing is counted before they are on, nor after", async () => {
		enableMetrics();
		disableMetrics();
		statSync("/");
		await stat("/");
		const { operations, lanes } = metrics();
		expect(operations).toEqual({});
		expect(Object.values(lanes).map(({ count }) => count)).toEqual([0, 0, 0, 0, 0]);
	});

	forms("operations and failures are counted by name", async ({ fsx, path, form }) => {
		fs.writeFileSync(path("file"), "content");
		enableMetrics();
		const started = Bun.nanoseconds();
		for (let i = 0; i < 10; i++) await fsx.stat(path("file"));
		await fsx.stat(path("none")).catch(() => {});
		await fsx.chmod(path("file"), 0o600);
		const elapsed = Bun.nanoseconds() - started;
		const { operations, lanes } = metrics();
		expect(Object.keys(operations)).toEqual(["stat", "chmod"]);
		const { count, failed, totalNs, slowestNs, medianNs, p99Ns } = operations.stat ?? {};
		expect([count, failed, operations.chmod?.count]).toEqual([11, 1, 1]);
		expect(totalNs).toBeWithin(1, elapsed);
		expect(slowestNs).toBeWithin(1, (totalNs ?? 0) + 1);
		expect(medianNs).toBeWithin(1, (slowestNs ?? 0) + 1);
		expect(p99Ns).toBeWithin(medianNs ?? 0, (slowestNs ?? 0) + 1);
		if (form === "async") expect(lanes.direct.count).toBe(0);
		// On Windows each takes several calls.
		else if (ON_WINDOWS) expect(lanes.direct.count).toBeGreaterThan(12);
		else expect([lanes.direct.count, lanes.direct.failed]).toEqual([12, 1]);
	});

	test("reads are counted by lane", async () => {
		try {
			for (const lane of ["ring", "worker"] as const) {
				await stopEngine();
				configureEngine({ lanes: [lane] });
				await using file = await open(import.meta.path);
				enableMetrics();
				for (let i = 0; i < 5; i++) await file.read(10, i);
				const used = Object.entries(metrics().lanes).filter(([, { count }]) => count > 0);
				expect(used.map(([name, { count }]) => [name, count])).toEqual([[lane, 5]]);
				await file.close();
			}
		} finally {
			await stopEngine();
			configureEngine({});
		}
	});

	onLinux("immediate answers", test)("calls are counted by lane", async () => {
		const ways = [
			[{}, "immediate"],
			[{ lanes: ["ring"] }, "ring"],
			[{ lanes: ["worker"] }, "worker"],
		] as const;
		try {
			for (const [options, lane] of ways) {
				await stopEngine();
				configureEngine(options);
				enableMetrics();
				for (let i = 0; i < 5; i++) await stat("/");
				const { lanes } = metrics();
				const used = Object.entries(lanes).filter(([, { count }]) => count > 0);
				expect(used.map(([name, { count }]) => [name, count])).toEqual([[lane, 5]]);
				expect(lanes[lane].totalNs).toBeLessThanOrEqual(metrics().operations.stat?.totalNs ?? 0);
			}
		} finally {
			await stopEngine();
			configureEngine({});
		}
	});

	forms("a whole operation counts once", async ({ fsx, path, form }) => {
		fs.writeFileSync(path("file"), "content");
		enableMetrics();
		await fsx.copyFile(path("file"), path("copy"));
		const { operations, lanes } = metrics();
		expect(Object.entries(operations).map(([name, { count }]) => [name, count])).toEqual([
			["copyFile", 1],
		]);
		expect(lanes.offloaded.count).toBe(form === "async" ? 1 : 0);
	});

	test("turned on again they begin anew", () => {
		enableMetrics();
		statSync("/");
		enableMetrics();
		statSync("/");
		expect(metrics().operations.stat?.count).toBe(1);
	});

	test("what began before they were turned on again is not counted", async () => {
		enableMetrics();
		const pending = stat("/", { sync: "force" });
		enableMetrics();
		await pending;
		const { operations, lanes } = metrics();
		expect(operations).toEqual({});
		// Elsewhere it goes on with calls of its own.
		if (process.platform !== "linux") return;
		expect(Object.values(lanes).map(({ count }) => count)).toEqual([0, 0, 0, 0, 0]);
	});
});

describe("the diagnostics channel", () => {
	forms("has a message for each operation", async ({ fsx, path, form }) => {
		fs.writeFileSync(path("file"), "content");
		const options = { follow: false };
		const events = await published(async () => {
			await fsx.stat(path("file"), options);
			await fsx.stat(path("none")).catch(() => {});
			await fsx.copyFile(path("file"), path("copy"));
		});
		expect(events.map((event) => [event.operation, event.form])).toEqual([
			["stat", form],
			["stat", form],
			["copyFile", form],
		]);
		const [first, second, third] = events;
		expect(first?.arguments).toEqual([path("file"), options]);
		expect([first?.error, third?.error]).toEqual([undefined, undefined]);
		expect(second?.error).toMatchObject({ code: "ENOENT" });
		expect(events.every(({ durationNs }) => durationNs > 0)).toBe(true);
		expect(third?.offloaded).toBe(form === "async");
	});

	test("shows a sequence by its public name", async () => {
		const events = await published(async () => {
			using dir = openDirSync(source);
			for await (const _ of dir.entries()) {
				// Only listed.
			}
			for (const _ of dir.entriesSync()) {
				// Only listed.
			}
		});
		expect([...new Set(events.map(({ operation }) => operation))]).toEqual([
			"openDir",
			"entries",
			"close",
		]);
	});

	test("passes what the operation gives on to the caller", async () => {
		const missing = join(source, "none");
		const events = await published(async () => {
			expect((await stat(source)).isDirectory()).toBe(true);
			expect(statSync(source).isDirectory()).toBe(true);
			const failure = await stat(missing).catch((reason) => reason);
			expect(failure).toBeInstanceOf(FsError);
			expect(() => statSync(missing)).toThrow("ENOENT");
			// A wrong argument is a failure of the operation like any other.
			await expect(stat(1.5)).rejects.toThrow(RangeError);
		});
		expect(events.map(({ error }) => error !== undefined)).toEqual([
			false,
			false,
			true,
			true,
			true,
		]);
	});
});

test("errors say which operation they ended", async () => {
	const none = join(source, "none");
	const failures = await Promise.all(
		[stat(none), open(none), copyFile(none, `${none}-copy`)].map((promise) =>
			(promise as Promise<unknown>).then(
				() => undefined,
				(error) => error.operation,
			),
		),
	);
	expect(failures).toEqual(["stat", "open", "copyFile"]);
	try {
		statSync(none);
		throw new Error("there is such a file");
	} catch (error) {
		expect((error as FsError).operation).toBe("stat");
	}
});

test("errors say so, too, where workers run no whole operations", async () => {
	await stopEngine();
	configureEngine({ offload: false });
	try {
		const dir = openDirSync(source);
		const from = dir.at("index.ts");
		dir.closeSync();
		const failure = await failureOf(copyFile(from, "/nowhere"));
		expect(failure).toMatchObject({ code: "EBADF", operation: "copyFile" });
	} finally {
		await stopEngine();
		configureEngine({});
	}
});

/** Of each exported function or method that runs an operation, its name and that of the operation. */
function runs(): [where: string, name: string, operation: string][] {
	const call =
		/^(?:export function |\t)(\w+)(?:<[^>]*>)?\((?:[^){]|\)(?!: ))*\)(?:: [^{]*)? \{\n\t+(?:return )?(?:await )?run(?:Sync)?\((?:transfer\.|held\(\)\.)?(\w+)/gm;
	return [...new Bun.Glob("*.ts").scanSync(source)].flatMap((file) => {
		const text = fs.readFileSync(join(source, file), "utf8");
		return [...text.matchAll(call)].map(
			([, name = "", operation = ""]) => [file, name, operation] as [string, string, string],
		);
	});
}

test("each operation has the name of its public function", () => {
	const found = runs();
	expect(found.length).toBeGreaterThan(70);
	const misnamed = found.filter(
		([, name, operation]) =>
			operation.replace(/Operation$/, "") !==
			(name === "syncSync" ? "sync" : name.replace(/Sync$/, "")),
	);
	expect(misnamed).toEqual([]);
});
