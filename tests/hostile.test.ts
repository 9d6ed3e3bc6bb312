/**
 * Whatever is given to a function of the library: the right thing comes of it, or an error that says
 * what is wrong, and never a crash, a hang, something left open or something done elsewhere.
 */
import { describe, expect, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as library from "../src/index.ts";
import { exportsOf } from "./doc-comments.ts";
import type { HostileRequest } from "./fixtures/hostile.ts";
import { classes, functions, others } from "./hostile/described.ts";
import { subjects } from "./hostile/subjects.ts";
import { remove } from "./hostile/world.ts";

/** Calls of each kind that each form of each function gets; set it higher to look harder. */
const RUNS = Number(process.env.FSX_HOSTILE_RUNS ?? 25);
/** What one process tries, so that starting it weighs little. */
const BATCH = 8;
/** How long one call may take before the process is taken for dead; its own limit is lower. */
const STALLED_MILLISECONDS = 30_000;
/** Blocks of 512 bytes: no call makes a file so large that a disk is filled. */
const MOST_BLOCKS = 65_536;

describe("what is described", () => {
	const documented = exportsOf("src/index.ts");
	const withoutSync = (name: string) => name.replace(/Sync$/, "");

	test("is every function, with all of its parameters", () => {
		const exported = documented.filter(({ kind }) => kind === "function");
		const parameters = exported.map(({ name, parameters }) => [name, parameters.length]);
		const ours = exported.map(({ name }) => {
			const found = functions[name] ?? functions[withoutSync(name)];
			return [name, found?.parameters.length];
		});
		expect(ours).toEqual(parameters);
		const names = new Set(exported.map(({ name }) => name));
		expect(Object.keys(functions).filter((name) => !names.has(name))).toEqual([]);
	});

	test("is every class, with all of its members", () => {
		const exported = documented.filter(({ kind, name }) => kind === "class" && !(name in others));
		const handle = documented.find(({ name }) => name === "Handle")?.members ?? [];
		for (const { name, members } of exported) {
			const inherited = name === "File" || name === "Dir" ? handle : [];
			const all = [...members, ...inherited].map((member) => withoutSync(member.name));
			const { methods, properties } = classes[name] ?? { methods: {}, properties: [] };
			const ours = [...Object.keys(methods), ...properties].filter((key) => !key.startsWith("["));
			expect([name, ...ours.sort()]).toEqual([name, ...new Set(all.sort())]);
		}
	});

	test("is every value", () => {
		const known = new Set([...documented.map(({ name }) => name), ...Object.keys(others)]);
		expect(Object.keys(library).filter((name) => !known.has(name))).toEqual([]);
	});
});

/** Runs a batch in a process of its own; what it was doing when it died is part of the error. */
async function attack(names: readonly string[]): Promise<string> {
	const base = fs.mkdtempSync(join(tmpdir(), "fsx-hostile-"));
	const note = `${base}.note`;
	fs.writeFileSync(note, "none");
	const request: HostileRequest = { names, runs: RUNS, base, note };
	const limited = `trap "" XFSZ; ulimit -S -f ${MOST_BLOCKS}; exec "$@"`;
	const fixture = join(import.meta.dir, "fixtures/hostile.ts");
	const command = [process.execPath, fixture, JSON.stringify(request)];
	// None of the first descriptors may be of something that could come to harm.
	const child = Bun.spawn(["sh", "-c", limited, "sh", ...command], {
		stdin: "pipe",
		stdout: "pipe",
		stderr: "pipe",
	});
	const watchdog = setInterval(() => {
		if (Date.now() - fs.statSync(note).mtimeMs > STALLED_MILLISECONDS) child.kill("SIGKILL");
	}, 1000);
	try {
		const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
		await child.exited;
		if (child.exitCode === 0) return stdout;
		const how = child.signalCode ?? `exit code ${child.exitCode}`;
		const last = fs.readFileSync(note, "utf8");
		throw new Error(`${how}, the last call being ${last}\n${stdout}\n${stderr}`);
	} finally {
		clearInterval(watchdog);
		remove(base);
		remove(note);
	}
}

describe.if(process.platform === "linux")("hostile calls of", () => {
	const names = [...subjects.keys()];
	for (let at = 0; at < names.length; at += BATCH) {
		const batch = names.slice(at, at + BATCH);
		test(batch.join(", "), async () => {
			const printed = await attack(batch);
			const forms = batch.flatMap((name) => subjects.get(name) ?? []);
			const seen = printed.trim().split("\n");
			expect(seen.map((line) => line.split(" ")[0])).toEqual(forms.map(({ name }) => name));
		}, 600_000);
	}
});
