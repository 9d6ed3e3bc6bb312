/** A copy that fails: what was there stays, and nothing else is left behind. */
import { expect } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import type { CopyFileOptions } from "../src/index.ts";
import { filesystem } from "./filesystems.ts";
import { runProgram } from "./fixtures/run.ts";
import { failureOf, forms, type Given, skipped } from "./forms.ts";
import { output, pattern, same, writeSparse } from "./witnesses.ts";

const MiB = 1024 * 1024;
const program = join(import.meta.dir, "fixtures/copy-once.ts");

/** Runs a copy in a process of its own, with strace(1) injecting a fault into its calls. */
async function copyWith(
	{ form, path }: Given,
	fault: string[],
	options: CopyFileOptions,
): Promise<Record<string, unknown>> {
	const strace = ["strace", "-f", "--seccomp-bpf", "-qqq", "-o", "/dev/null", ...fault];
	const args = [program, form, path("from"), path("to"), JSON.stringify(options)];
	return JSON.parse(await runProgram([...strace, process.execPath, ...args]));
}

/** Faults of the n-th such call of a thread, in files that the runtime itself does not touch. */
const inject = (call: string, error: string, when = 1) => [
	...["-e", `trace=${call}`],
	...["-e", `inject=${call}:error=${error}:when=${when}`],
];

const straceForms: typeof forms =
	Bun.which("strace") === null ? (title) => skipped(title, "strace is not installed") : forms;

const reading = { reflink: "never" } as const;

/** Faults that end a copy, how it is made, and which path alone they are about. */
const fatal: [
	call: string,
	error: string,
	when: number,
	options: CopyFileOptions,
	only?: "from" | "to" | ".",
][] = [
	["openat", "EIO", 1, {}, "from"],
	["openat", "EMFILE", 1, {}, "."],
	["openat", "ENOSPC", 2, {}, "."],
	["readlinkat", "EIO", 1, {}, "to"],
	["statx", "EIO", 1, {}, "."],
	["ioctl", "EIO", 1, { atomic: false }, "to"],
	["lseek", "EIO", 2, {}, "from"],
	["ftruncate", "EFBIG", 1, {}],
	["flistxattr", "EIO", 1, { preserve: { xattrs: true } }],
	["fgetxattr", "EIO", 1, { preserve: { xattrs: true } }],
	["fsetxattr", "ENOSPC", 1, { preserve: { xattrs: true } }],
	["copy_file_range", "EIO", 1, {}],
	["copy_file_range", "ENOSPC", 1, {}],
	["copy_file_range", "EDQUOT", 1, { atomic: false }],
	["pwrite64", "ENOSPC", 2, reading],
	["pwrite64", "EIO", 2, { ...reading, atomic: false }],
	["pread64", "EIO", 2, reading, "from"],
	["fchmod", "EIO", 1, {}],
	["utimensat", "EIO", 1, { preserve: { times: true } }],
	["fchown", "EIO", 1, { preserve: { owner: true }, atomic: false }],
	["fsync", "EIO", 1, { sync: true }],
	["linkat", "EIO", 1, {}],
	["renameat2", "EIO", 1, {}],
];

for (const [call, error, when, options, about] of fatal) {
	straceForms(
		`${error} from ${call} ${when} ends the copy and leaves nothing`,
		async (given) => {
			const { path, directory } = given;
			fs.writeFileSync(path("from"), pattern(600_000));
			output("setfattr", "-n", "user.a", "-v", "1", path("from"));
			for (const there of [false, true]) {
				// Only what is replaced is renamed, and not in place; what is new is named at once.
				if (call === "renameat2" && !there) continue;
				if (there && options.atomic === false) continue;
				if (there) fs.writeFileSync(path("to"), "old");
				const only = about === undefined ? [] : ["-P", path(about)];
				const outcome = await copyWith(given, [...only, ...inject(call, error, when)], options);
				expect([there, outcome]).toEqual([
					there,
					{ name: "FsError", code: error, path: path("from"), dest: path("to") },
				]);
				expect(fs.readdirSync(directory).sort()).toEqual(there ? ["from", "to"] : ["from"]);
				if (there) expect(fs.readFileSync(path("to"), "utf8")).toBe("old");
				fs.rmSync(path("to"), { force: true });
			}
		},
		"/dev/shm",
	);
}

/** Faults that say only that a way is not there, or that a call is to be made again. */
const passing: [call: string, error: string, options: CopyFileOptions, method: string][] = [
	...["EXDEV", "EINVAL", "EOPNOTSUPP", "EPERM", "EACCES", "ENOSYS"].map(
		(error): (typeof passing)[number] => ["copy_file_range", error, {}, "read-write"],
	),
	["copy_file_range", "EINTR", {}, "copy_file_range"],
	["pwrite64", "EINTR", reading, "read-write"],
	["pread64", "EINTR", reading, "read-write"],
	["fchmod", "EINTR", reading, "read-write"],
];

straceForms(
	"other ways are tried, and interrupted calls made again",
	async (given) => {
		const { path, directory } = given;
		fs.writeFileSync(path("from"), pattern(600_000));
		for (const [call, error, options, method] of passing) {
			const only = call === "pread64" ? ["-P", path("from")] : [];
			const outcome = await copyWith(given, [...only, ...inject(call, error)], options);
			expect([call, error, outcome]).toEqual([call, error, { bytes: 600_000, method }]);
			expect(same(path("from"), path("to"))).toBe(true);
			expect(fs.readdirSync(directory).sort()).toEqual(["from", "to"]);
			fs.rmSync(path("to"));
		}
	},
	"/dev/shm",
);

forms("short counts are gone on with", async ({ path }) => {
	fs.writeFileSync(path("from"), pattern(100_000));
	writeSparse(path("sparse"), 600_000, [[5000, "x".repeat(9000)]]);
	for (const source of ["from", "sparse"]) {
		for (const options of [{}, reading, { holes: "fill" }, { holes: "detect" }, { verify: true }]) {
			const args = ["sync", path(source), path("to"), JSON.stringify(options), "777"];
			const printed = await runProgram([process.execPath, program, ...args]);
			expect(JSON.parse(printed).bytes).toBe(fs.statSync(path(source)).size);
			expect([source, options, same(path(source), path("to"))]).toEqual([source, options, true]);
		}
	}
});

const tiny = filesystem("tiny");

tiny.forms("no room for the copy", async ({ fsx, path, directory }) => {
	writeSparse(path("from"), 20 * MiB, [[10 * MiB, "x"]]);
	const before = fs.statfsSync(directory).bfree;
	for (const there of [false, true]) {
		for (const options of [{ holes: "fill" }, { holes: "fill", atomic: false }] as const) {
			if (there && "atomic" in options) continue;
			if (there) fs.writeFileSync(path("to"), "old");
			const error = await failureOf(fsx.copyFile(path("from"), path("to"), options));
			expect(error).toMatchObject({ code: "ENOSPC", path: path("from"), dest: path("to") });
			expect(fs.readdirSync(directory).sort()).toEqual(there ? ["from", "to"] : ["from"]);
			if (there) expect(fs.readFileSync(path("to"), "utf8")).toBe("old");
			fs.rmSync(path("to"), { force: true });
			expect(fs.statfsSync(directory).bfree).toBe(before);
		}
	}
});

forms(
	"progress: upwards, not too often, and once at the end",
	async ({ fsx, path }) => {
		writeSparse(path("from"), 192 * MiB, [[5, "x"]]);
		const seen: number[] = [];
		const started = performance.now();
		await fsx.copyFile(path("from"), path("to"), {
			holes: "fill",
			onProgress: ({ bytes, total }) => {
				expect(total).toBe(192 * MiB);
				seen.push(bytes);
			},
		});
		const most = (performance.now() - started) / 50 + 3;
		expect(seen.at(-1)).toBe(192 * MiB);
		expect(seen.length).toBeGreaterThanOrEqual(2);
		expect(seen.length).toBeLessThanOrEqual(most);
		expect(seen).toEqual(seen.toSorted((a, b) => a - b));
	},
	"/dev/shm",
);

forms(
	"an abort while bytes are copied leaves nothing",
	async ({ fsx, path, directory }) => {
		writeSparse(path("from"), 256 * MiB, [[5, "x"]]);
		for (const there of [false, true]) {
			if (there) fs.writeFileSync(path("to"), "old");
			for (const atomic of there ? [true] : [true, false]) {
				const controller = new AbortController();
				const copy = fsx.copyFile(path("from"), path("to"), {
					holes: "fill",
					atomic,
					signal: controller.signal,
					onProgress: () => controller.abort("enough"),
				});
				const error = await failureOf(copy);
				expect(error).toMatchObject({ name: "AbortError", code: "ABORT_ERR", cause: "enough" });
				expect(fs.readdirSync(directory).sort()).toEqual(there ? ["from", "to"] : ["from"]);
			}
			if (there) expect(fs.readFileSync(path("to"), "utf8")).toBe("old");
		}
		const signal = AbortSignal.abort();
		const error = await failureOf(fsx.copyFile(path("from"), path("new"), { signal }));
		expect(error).toMatchObject({ name: "AbortError" });
		expect(fs.existsSync(path("new"))).toBe(false);
	},
	"/dev/shm",
);

forms(
	"a progress report that throws ends the copy with that error",
	async (given) => {
		const { fsx, path, directory } = given;
		const mine = new Error("mine");
		const onProgress = () => {
			throw mine;
		};
		fs.writeFileSync(path("empty"), "");
		writeSparse(path("large"), 128 * MiB, [[5, "x"]]);
		for (const name of ["empty", "large"]) {
			const copy = fsx.copyFile(path(name), path("to"), { holes: "fill", onProgress });
			expect(await failureOf(copy)).toBe(mine);
			if (name === "large") expect(fs.readdirSync(directory).sort()).toEqual(["empty", "large"]);
			fs.rmSync(path("to"), { force: true });
		}
	},
	"/dev/shm",
);
