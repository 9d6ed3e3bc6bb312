/** What importing the library does to a process, which is nothing yet. */
import { describe, expect, test } from "bun:test";
import { runScript } from "./fixtures/run.ts";
import { onLinux } from "./forms.ts";

/** The start of a program that tells what a process consists of: `state()`. */
const STATE = `
	const fs = require("node:fs");
	const state = () => ({
		descriptors: fs.readdirSync("/proc/self/fd").flatMap((fd) => {
			try {
				return [fd + " " + fs.readlinkSync("/proc/self/fd/" + fd)];
			} catch {
				return []; // The listing's own.
			}
		}),
		// A Worker's thread, and those that the kernel makes for a ring, have names.
		threads: fs.readdirSync("/proc/self/task")
			.flatMap((id) => {
				try {
					return [fs.readFileSync("/proc/self/task/" + id + "/comm", "utf8").trim()];
				} catch {
					return []; // Ended since.
				}
			})
			.filter((name) => /^(Worker|iou-)/.test(name)),
		zod: Object.keys(require.cache).filter((file) => file.includes("/zod/")).length > 0,
		ffi: fs.readFileSync("/proc/self/maps", "utf8").includes("native-shims"),
	});
	const before = state();
`;
const print = (value: string) => `console.log(JSON.stringify(${value}));`;

test("importing loads neither zod nor the parts of the system that are not used", async () => {
	const printed = await runScript(`
		await import("library");
		const loaded = Object.keys(require.cache).map((file) => file.replaceAll("\\\\", "/"));
		const late = /\\/zod\\/|worker-lane|sys\\/\\w+\\/(watch|copy|lock)\\.ts/;
		${print("[loaded.length > 10, loaded.filter((file) => late.test(file))]")}
	`);
	expect(JSON.parse(printed)).toEqual([true, []]);
});

onLinux("/proc", describe)("importing", () => {
	for (const [how, load] of [
		["import", 'const fsx = await import("library");'],
		["require", 'const fsx = require("library");'],
	] as const) {
		test(`by ${how} opens nothing, starts nothing and loads no zod`, async () => {
			const after = "const after = state(); await new Promise((done) => setTimeout(done, 50));";
			const printed = await runScript(
				STATE + load + after + print("[before, after, state(), typeof fsx.stat]"),
			);
			const [before, after1, after2, type] = JSON.parse(printed);
			expect(before).toMatchObject({ threads: [], zod: false, ffi: false });
			expect(after1).toEqual(before);
			expect(after2).toEqual(before);
			expect(type).toBe("function");
		});
	}

	test("what is opened shows in the same places", async () => {
		const printed = await runScript(`
			${STATE}
			const { configureEngine, stat, stopEngine } = await import("library");
			configureEngine({ lanes: ["ring"] });
			await stat("/");
			const ring = state();
			await stopEngine();
			const between = state();
			configureEngine({ lanes: ["worker"] });
			await stat("/", { follow: true });
			${print("[ring, between, state(), before]")}
		`);
		const [ring, between, worker, before] = JSON.parse(printed);
		const rings = ring.descriptors.filter((name: string) => name.includes("[io_uring]"));
		expect(rings.length).toBe(2);
		expect(ring.ffi).toBe(true);
		expect(between.descriptors).toEqual(before.descriptors);
		expect(worker.threads).toContain("Worker");
		expect(worker.zod).toBe(true);
	});

	test("and a direct call open no ring and start no worker", async () => {
		const printed = await runScript(`
			${STATE}
			const { statSync } = await import("library");
			statSync("/");
			${print("[before, state()]")}
		`);
		const [before, after] = JSON.parse(printed);
		expect(after).toEqual({ ...before, ffi: true });
	});
});
