/**
 * The same battery of operations on every lane and with every provider of the kernel's entry and
 * of the ring: the results must be the same, value by value, errors included.
 */
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { EngineOptions } from "../src/engine/settings.ts";
import type { Form } from "./fixtures/battery.ts";
import type { Report } from "./fixtures/battery-run.ts";
import { runFixture } from "./fixtures/run.ts";
import { ON_WINDOWS, PATIENCE_MILLISECONDS, skipped } from "./forms.ts";

setDefaultTimeout(PATIENCE_MILLISECONDS);

async function run(form: Form, options: EngineOptions): Promise<Report> {
	return JSON.parse(await runFixture("battery-run.ts", JSON.stringify({ form, options })));
}

/** The battery as direct calls, one after the other: what all others must agree with. */
let reference: Report;

function expectSameOutcomes({ outcomes }: Report): void {
	const differing = outcomes.filter(
		(outcome, i) => !Bun.deepEquals(outcome, reference.outcomes[i]),
	);
	const titles = new Set(differing.map(({ title }) => title));
	expect(differing).toEqual(reference.outcomes.filter(({ title }) => titles.has(title)));
	expect(outcomes.length).toBe(reference.outcomes.length);
}

interface Way {
	title: string;
	form?: Form;
	options: EngineOptions;
	/** The lanes that must have been used; the others must not. */
	used: (keyof Report["counts"])[];
	kernel?: "shim" | "libc" | "ntdll";
	ring: string | undefined;
	mapped: string[];
	liburing?: boolean;
}

const off = "turned off by configureEngine";
const shim = ["native-shims"];

const onLinux: Way[] = [
	{
		title: "the sync forms through libc",
		form: "sync",
		options: { kernel: "libc" },
		used: ["direct"],
		kernel: "libc",
		ring: undefined,
		mapped: [],
	},
	{
		title: "the defaults",
		options: {},
		used: ["immediate", "ring", "worker", "offloaded"],
		ring: "shim",
		mapped: shim,
	},
	{
		title: "the defaults, copies and trees on this thread",
		options: { offload: false },
		used: ["immediate", "ring", "worker"],
		ring: "shim",
		mapped: shim,
	},
	{
		title: "immediate and workers",
		options: { lanes: ["immediate", "worker"] },
		used: ["immediate", "worker", "offloaded"],
		ring: off,
		mapped: shim,
	},
	{
		title: "ring and workers",
		options: { lanes: ["ring", "worker"] },
		used: ["ring", "worker", "offloaded"],
		ring: "shim",
		mapped: shim,
	},
	{
		title: "ring and workers, copies and trees on this thread",
		options: { lanes: ["ring", "worker"], offload: false },
		used: ["ring", "worker"],
		ring: "shim",
		mapped: shim,
	},
	{
		title: "workers alone",
		options: { lanes: ["worker"] },
		used: ["worker", "offloaded"],
		ring: off,
		mapped: shim,
	},
	{
		title: "workers alone, copies and trees on this thread",
		options: { lanes: ["worker"], offload: false },
		used: ["worker"],
		ring: off,
		mapped: shim,
	},
	{
		title: "libc without the shim, ring by liburing",
		options: { kernel: "libc", lanes: ["ring", "worker"] },
		used: ["ring", "worker", "offloaded"],
		kernel: "libc",
		ring: "liburing",
		mapped: ["liburing.so"],
		liburing: true,
	},
	{
		title: "libc without the shim, no ring",
		options: { kernel: "libc", ring: "none" },
		used: ["immediate", "worker", "offloaded"],
		kernel: "libc",
		ring: off,
		mapped: [],
	},
	{
		title: "the shim, ring by liburing",
		options: { kernel: "shim", ring: "liburing", lanes: ["ring", "worker"] },
		used: ["ring", "worker", "offloaded"],
		ring: "liburing",
		mapped: ["native-shims", "liburing.so"],
		liburing: true,
	},
	{
		title: "the shim, no ring",
		options: { kernel: "shim", ring: "none" },
		used: ["immediate", "worker", "offloaded"],
		ring: off,
		mapped: shim,
	},
];

const onWindows: Way[] = [
	{ title: "the defaults", options: {}, used: ["ring", "worker", "offloaded"], ring: "iocp" },
	{
		title: "the defaults, copies and trees on this thread",
		options: { offload: false },
		used: ["ring", "worker"],
		ring: "iocp",
	},
	{
		title: "port and workers",
		options: { lanes: ["ring", "worker"] },
		used: ["ring", "worker", "offloaded"],
		ring: "iocp",
	},
	{
		title: "workers alone",
		options: { lanes: ["worker"] },
		used: ["worker", "offloaded"],
		ring: off,
	},
	{
		title: "workers alone, copies and trees on this thread",
		options: { lanes: ["worker"], offload: false },
		used: ["worker"],
		ring: off,
	},
].map((way) => ({ ...way, kernel: "ntdll", mapped: [] }) as Way);

const ways = ON_WINDOWS ? onWindows : onLinux;

function hasLiburing(): boolean {
	const { stdout } = Bun.spawnSync(["ldconfig", "-p"], { stderr: "ignore" });
	return stdout.includes("liburing.so.2");
}

describe("the battery", () => {
	beforeAll(async () => {
		reference = await run("sync", {});
	});

	test("by direct calls", () => {
		const { counts, kernel, mapped, ringDescriptors, outcomes } = reference;
		expect({ kernel, mapped, ringDescriptors }).toEqual({
			kernel: ON_WINDOWS ? "ntdll" : "shim",
			mapped: ON_WINDOWS ? [] : shim,
			ringDescriptors: 0,
		});
		expect(counts).toEqual({
			direct: expect.any(Number),
			immediate: 0,
			ring: 0,
			worker: 0,
			offloaded: 0,
		});
		expect(counts.direct).toBeGreaterThan(outcomes.length);
		// A battery in which everything fails, or nothing, would prove little.
		const failed = outcomes.filter((outcome) => "error" in outcome).length;
		expect(failed).toBeGreaterThan(50);
		expect(outcomes.length - failed).toBeGreaterThan(80);
	});

	for (const {
		title,
		form = "async",
		options,
		used,
		kernel = "shim",
		ring,
		mapped,
		...way
	} of ways) {
		if (way.liburing && !hasLiburing()) {
			skipped(title, "liburing.so.2 is not installed");
			continue;
		}
		test(title, async () => {
			const report = await run(form, options);
			const lanes = Object.entries(report.counts);
			expect(lanes.filter(([, count]) => count > 0).map(([name]) => name)).toEqual(used);
			expect([report.kernel, report.ring, report.mapped]).toEqual([kernel, ring, mapped]);
			// The ring, and the small one that wakes the loop.
			expect(report.ringDescriptors).toBe(used.includes("ring") && !ON_WINDOWS ? 2 : 0);
			expectSameOutcomes(report);
		});
	}

	const SYSCTL = "/proc/sys/kernel/io_uring_disabled";
	if (process.getuid?.() !== 0 || !existsSync(SYSCTL)) {
		skipped("where the kernel refuses io_uring", `it takes root and ${SYSCTL}`);
	} else {
		test("where the kernel refuses io_uring", async () => {
			const before = readFileSync(SYSCTL, "latin1");
			let report: Report;
			try {
				writeFileSync(SYSCTL, "2");
				report = await run("async", {});
			} finally {
				writeFileSync(SYSCTL, before);
			}
			expect(report.ring).toStartWith("EPERM: operation not permitted");
			expect(report.ringDescriptors).toBe(0);
			expect(report.counts).toMatchObject({ ring: 0, direct: 0 });
			expect(report.counts.worker).toBeGreaterThan(0);
			expectSameOutcomes(report);
		});
	}
});
