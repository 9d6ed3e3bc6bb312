/** What the engine makes of calls that fail for no fault of the caller's: injected by strace. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineOptions } from "../src/engine/settings.ts";
import { runProgram } from "./fixtures/run.ts";
import { skipped } from "./forms.ts";

let directory: string;
let file: string;

beforeAll(() => {
	directory = mkdtempSync(join(tmpdir(), "fsx-faults-"));
	file = join(directory, "file");
	writeFileSync(file, "0123456789".repeat(1000));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const strace = Bun.which("strace");
const faults = describe.if(process.platform === "linux" && strace !== null);
if (strace === null) skipped("faults of the kernel's", "strace is not installed");

faults("faults of the kernel's", () => {
	/** Runs a program with some of its system calls failing; it sees `fsx` and a `file`. */
	function withFault(inject: string, options: EngineOptions, body: string): Promise<string> {
		const library = JSON.stringify(join(import.meta.dir, "../src/index.ts"));
		const program = `
			const fsx = await import(${library});
			fsx.configureEngine(${JSON.stringify(options)});
			const file = ${JSON.stringify(file)};
			${body}
		`;
		const trace = ["-f", "-qq", "-o", "/dev/null", "-e", `trace=${inject.split(":")[0]}`];
		return runProgram(
			[strace ?? "", ...trace, "-e", `inject=${inject}`, process.execPath, "-e", program],
			{ GITHUB_ACTIONS: "" },
		);
	}

	test.each([
		["sync", {}],
		["async", { lanes: ["worker"] }],
	] as const)("EINTR: the %s form makes the call again", async (form, options) => {
		const printed = await withFault(
			"utimensat:error=EINTR:when=1+2",
			options as unknown as EngineOptions,
			`
			for (let i = 0; i < 10; i++) {
				${form === "sync" ? "fsx.utimesSync" : "await fsx.utimes"}(file, { mtime: i });
				if (fsx.statSync(file).mtimeNs !== BigInt(i) * 1_000_000n) throw new Error("not set");
			}
			console.log("all set");
			`,
		);
		expect(printed).toBe("all set\n");
	});

	test.each(["EAGAIN", "EBUSY", "EINTR"])("%s: the ring is asked again", async (error) => {
		const printed = await withFault(
			// The third is the first that carries a call: those before try the ring out.
			`io_uring_enter:error=${error}:when=3+2`,
			{ lanes: ["ring"] },
			`
			const one = (await fsx.stat(file)).size;
			const many = await Promise.all(Array.from({ length: 3000 }, () => fsx.stat(file)));
			console.log(one, many.filter(({ size }) => size === one).length);
			`,
		);
		expect(printed).toBe("10000 3000\n");
	});

	test("a ring that can be set up but not used is not used", async () => {
		const printed = await withFault(
			"io_uring_enter:error=EPERM",
			{ lanes: ["ring"] },
			`console.log((await fsx.stat(file)).size, (await fsx.capabilities()).engine.ring);`,
		);
		expect(printed).toStartWith("10000 ");
	});

	test("a ring that stops working fails the calls that it was given, and no more", async () => {
		const printed = await withFault(
			"io_uring_enter:error=EPERM:when=6+",
			{ lanes: ["ring"] },
			`
			const seen = [];
			for (let i = 0; i < 8; i++) {
				const result = await fsx.stat(file).then(({ size }) => size, ({ code }) => code);
				seen.push(result);
			}
			console.log(seen[0], [...new Set(seen)], seen.at(-1));
			`,
		);
		expect(printed).toBe('10000 [ 10000, "EPERM" ] 10000\n');
	});

	test.each([
		["socketpair", "EMFILE"],
		["io_uring_register", "ENOMEM"],
	])("%s fails: another lane is taken", async (call, error) => {
		const printed = await withFault(
			`${call}:error=${error}`,
			{ lanes: ["ring"] },
			`
			const { size } = await fsx.stat(file);
			const { readdirSync, readlinkSync, existsSync } = await import("node:fs");
			const names = readdirSync("/proc/self/fd").map((fd) => {
				try {
					return readlinkSync("/proc/self/fd/" + fd);
				} catch {
					return "";
				}
			});
			console.log(size, names.filter((name) => name.includes("io_uring")).length);
			`,
		);
		expect(printed).toBe("10000 0\n");
	});
});
