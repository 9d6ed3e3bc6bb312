/** `verify`: what is compared, what is not read for it, and that it finds what differs. */
import { expect } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { run, runSync } from "../src/engine/run.ts";
import type { Scope } from "../src/engine/scope.ts";
import { type CopyOptions, type CopyProgress, statSync, type TreeProgress } from "../src/index.ts";
import { verifyCopy } from "../src/verify-copy.ts";
import { tellsHoles } from "./facts.ts";
import { failureOf, forms, ON_WINDOWS, onLinux, skipped } from "./forms.ts";
import { interpose } from "./interposed.ts";
import { pattern, writeSparse } from "./witnesses.ts";

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;

/** Bytes that this process, with all of its threads, has read. */
function bytesRead(): number {
	return Number(/^rchar: (\d+)$/m.exec(fs.readFileSync("/proc/self/io", "utf8"))?.[1]);
}

const SPARSE: [number, string][] = [
	[5, "a"],
	[3 * GiB + 17, "b"],
];

/** Where no holes are told of, such a file is all data, and takes as long as that. */
function sparseForms(title: string, body: Parameters<typeof forms>[1]): void {
	if (ON_WINDOWS || tellsHoles(tmpdir()))
		onLinux("files that have holes by themselves")(title, body);
	else skipped(title, "this filesystem tells of no holes");
}

sparseForms("holes that both have are not read", async ({ fsx, path }) => {
	fs.mkdirSync(path("from"));
	writeSparse(path("from/file"), 6 * GiB, SPARSE);
	const before = bytesRead();
	const ways: CopyOptions[] = [{}, { atomic: false }, { reflink: "never" }];
	for (const [index, options] of ways.entries()) {
		const how = { ...options, verify: true };
		await fsx.copyFile(path("from/file"), path(`file ${index}`), how);
		await fsx.copyTree(path("from"), path(`tree ${index}`), how);
	}
	expect(bytesRead() - before).toBeLessThan(16 * MiB);
});

sparseForms("what a hole of the source is in the copy", async ({ path, form }) => {
	writeSparse(path("from"), 6 * GiB, SPARSE);
	const [from, source] = [fs.openSync(path("from"), "r"), statSync(path("from"))];
	const verify = async (size: number, ...more: [number, string][]) => {
		writeSparse(path("to"), size, [...SPARSE, ...more]);
		const to = fs.openSync(path("to"), "r");
		const operation = (scope: Scope) =>
			verifyCopy(scope, [from, source], to, source.size, () => {});
		try {
			await (form === "sync" ? runSync(operation) : run(operation));
		} finally {
			fs.closeSync(to);
		}
	};
	// Zeros that are stored are as good as those that are not.
	await verify(6 * GiB, [4 * GiB, "\0".repeat(9)]);
	const differs = await failureOf(verify(6 * GiB, [4 * GiB + 3, "x"]));
	expect(differs).toMatchObject({ code: "EIO" });
	expect(differs.message).toContain(`from byte ${4 * GiB + 3} on`);
	for (const size of [6 * GiB + 1, 6 * GiB - 1]) {
		const { message } = await failureOf(verify(size));
		expect(message).toContain(`${size} bytes instead of ${6 * GiB}`);
	}
	fs.truncateSync(path("from"), 5 * GiB);
	expect((await failureOf(verify(6 * GiB))).message).toContain("the source has become shorter");
	fs.closeSync(from);
});

forms("progress goes on", async ({ fsx, path }) => {
	fs.mkdirSync(path("from"));
	for (const name of ["one", "two"]) fs.writeFileSync(path(`from/${name}`), pattern(48 * MiB));
	const rises = (seen: number[]) => expect(seen).toEqual(seen.toSorted((a, b) => a - b));

	const told: CopyProgress[] = [];
	const onProgress = (progress: CopyProgress) => void told.push(progress);
	const verify = { verify: true, reflink: "never" } as const;
	await fsx.copyFile(path("from/one"), path("to"), { ...verify, onProgress });
	expect(told.at(-1)).toEqual({ bytes: 48 * MiB, verified: 48 * MiB, total: 48 * MiB });
	rises(told.map(({ bytes }) => bytes));
	rises(told.map(({ verified }) => verified));
	expect(told.filter(({ bytes, verified }) => verified > bytes)).toEqual([]);

	const tree: TreeProgress[] = [];
	await fsx.copyTree(path("from"), path("tree"), {
		...verify,
		onProgress: (progress) => void tree.push(progress),
	});
	expect(tree.at(-1)).toEqual({ files: 2, bytes: 96 * MiB, verified: 96 * MiB, current: "" });
	rises(tree.map(({ verified }) => verified));
	fs.rmSync(path("tree"), { recursive: true });
	fs.rmSync(path("to"));
});

onLinux("its calls")(
	"an abort ends verification, and leaves nothing",
	async ({ fsx, path, directory }) => {
		fs.writeFileSync(path("from"), pattern(2 * MiB));
		const controller = new AbortController();
		const { signal } = controller;
		{
			const written = new Set<number>();
			await using _ = await interpose((name, call, make) => {
				if (name === "pwrite64") written.add(call.a);
				// What is read of the copy is read to be compared.
				if (name === "pread64" && written.has(call.a)) controller.abort();
				return make();
			});
			const how = { verify: true, reflink: "never", holes: "fill", signal } as const;
			const error = await failureOf(fsx.copyFile(path("from"), path("to"), how));
			expect(error).toMatchObject({ name: "AbortError" });
		}
		expect(fs.readdirSync(directory)).toEqual(["from"]);
	},
);
