/** A write that fails, for reasons of the kernel's: injected by strace, or the limit on the size of files. */
import { expect } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import type { WriteFileOptions } from "../src/index.ts";
import { errno } from "./fault-scenarios.ts";
import { runProgram, runScript } from "./fixtures/run.ts";
import { forms, type Given, onLinux, skipped } from "./forms.ts";
import { interpose } from "./interposed.ts";
import { rootForms } from "./root.ts";

const program = join(import.meta.dir, "fixtures/write-once.ts");
const BYTES = 100_000;
const atomic = { atomic: true, sync: true } as const;

/** Writes to `file` in a process of its own, under what stands before it on the command line. */
async function writeUnder(
	{ form, path }: Given,
	under: string[],
	options: WriteFileOptions,
): Promise<unknown> {
	const engine = { lanes: ["worker"] };
	const args = [form, path("file"), BYTES, JSON.stringify(options), JSON.stringify(engine)];
	const command = [...under, process.execPath, program, ...args.map(String)];
	const { outcome, left } = JSON.parse(await runProgram(command));
	expect(left).toBe(0);
	return outcome;
}

const strace = (call: string, fault: string, only: string[] = []) => [
	...["strace", "-f", "--seccomp-bpf", "-qqq", "-o", "/dev/null", ...only],
	...["-e", `trace=${call}`, "-e", `inject=${call}:${fault}`],
];

const straceForms: typeof forms =
	Bun.which("strace") === null ? (title) => skipped(title, "strace is not installed") : forms;

/** Each call of an atomic write, how often such a call is made before it, and what the error names. */
const calls: [call: string, when: number, syscall: string, only?: "file" | "."][] = [
	["readlinkat", 1, "readlink", "file"],
	["openat", 1, "open", "."],
	["statx", 1, "lstat", "."],
	["openat", 2, "open", "."],
	["pwrite64", 1, "write"],
	["llistxattr", 1, "llistxattr"],
	["fchmod", 1, "fchmod"],
	["fsync", 1, "fsync"],
	["linkat", 1, "link"],
	["renameat2", 1, "rename"],
];

for (const [call, when, syscall, about] of calls) {
	straceForms(
		`an atomic write: ${call} ${when} fails, or is interrupted`,
		async (given) => {
			const { path, directory } = given;
			const only = about === undefined ? [] : ["-P", path(about)];
			for (const code of ["EIO", "ENOSPC"]) {
				fs.writeFileSync(path("file"), "old");
				const before = fs.statSync(path("file"), { bigint: true });
				const fault = strace(call, `error=${code}:when=${when}`, only);
				expect(await writeUnder(given, fault, atomic)).toEqual({
					...{ name: "FsError", code, syscall, path: path("file") },
				});
				expect(fs.readFileSync(path("file"), "utf8")).toBe("old");
				const { ino, ctimeNs } = fs.statSync(path("file"), { bigint: true });
				expect([ino, ctimeNs]).toEqual([before.ino, before.ctimeNs]);
				expect(fs.readdirSync(directory)).toEqual(["file"]);
			}
			const again = strace(call, `error=EINTR:when=${when}`, only);
			expect(await writeUnder(given, again, atomic)).toBe("done");
			expect(fs.readFileSync(path("file"), "utf8")).toBe("n".repeat(BYTES));
			expect(fs.readdirSync(directory)).toEqual(["file"]);
		},
		"/dev/shm",
	);
}

straceForms(
	"an atomic write needs no lock",
	async (given) => {
		const { path, directory } = given;
		for (const [call, fault] of [
			["flock", "error=ENOLCK"],
			["fstatfs", "error=EIO"],
		] as const) {
			fs.writeFileSync(path("file"), "old");
			expect(await writeUnder(given, strace(call, fault), atomic)).toBe("done");
			expect(fs.readFileSync(path("file"), "utf8")).toBe("n".repeat(BYTES));
			expect(fs.readdirSync(directory)).toEqual(["file"]);
		}
	},
	"/dev/shm",
);

straceForms(
	"a plain write that fails leaves the file with what was written, and says which file",
	async (given) => {
		const { path, directory } = given;
		for (const [call, syscall] of [
			["pwrite64", "write"],
			["fsync", "fsync"],
		]) {
			fs.writeFileSync(path("file"), "old");
			const outcome = await writeUnder(given, strace(call ?? "", "error=ENOSPC:when=1"), {
				sync: true,
			});
			expect(outcome).toEqual({ name: "FsError", code: "ENOSPC", syscall, path: path("file") });
			expect(fs.statSync(path("file")).size).toBe(call === "fsync" ? BYTES : 0);
			expect(fs.readdirSync(directory)).toEqual(["file"]);
		}
	},
	"/dev/shm",
);

onLinux("its calls")(
	"past the limit on the size of files: EFBIG, the old file, and nothing else",
	async (given) => {
		const { path, directory } = given;
		// The kernel writes as much as there is room for, and kills who does not ignore its signal.
		const limited = ["sh", "-c", 'trap "" XFSZ; ulimit -f 64; exec "$@"', "sh"];
		fs.writeFileSync(path("file"), "old");
		const error = { name: "FsError", code: "EFBIG", syscall: "write", path: path("file") };
		expect(await writeUnder(given, limited, atomic)).toEqual(error);
		expect(fs.readFileSync(path("file"), "utf8")).toBe("old");
		expect(await writeUnder(given, limited, {})).toEqual(error);
		expect(fs.statSync(path("file")).size).toBe(64 * 512);
		expect(fs.readdirSync(directory)).toEqual(["file"]);
	},
	"/dev/shm",
);

rootForms("who may not read the directory learns so before anything is written", async (given) => {
	const { path, directory, form } = given;
	fs.writeFileSync(path("from"), "new", { mode: 0o644 });
	fs.writeFileSync(path("file"), "old");
	fs.chownSync(path("file"), 65534, 65534);
	fs.chmodSync(directory, 0o733);
	const script = `
		import * as library from "library";
		const [from, to, form] = process.argv.slice(-3);
		process.setgid(65534);
		process.setuid(65534);
		const twin = (name) => library[form === "sync" ? name + "Sync" : name];
		const codes = [];
		for (const act of [
			() => twin("writeFile")(to, "new", { sync: true }),
			() => twin("writeFile")(to, "new", { sync: true, atomic: true }),
			() => twin("copyFile")(from, to, { sync: true }),
		]) {
			try {
				codes.push(await act());
			} catch ({ code }) {
				codes.push(code);
			}
		}
		console.log(codes.join(" "));`;
	const codes = await runScript(script, path("from"), path("file"), form);
	expect(codes.trim()).toBe("EACCES EACCES EACCES");
	expect(fs.readFileSync(path("file"), "utf8")).toBe("old");
	expect(fs.readdirSync(directory).sort()).toEqual(["file", "from"]);
});

onLinux("its calls")(
	"an abort after an atomic write has taken its place comes too late",
	async (given) => {
		const { fsx, path } = given;
		fs.writeFileSync(path("file"), "old");
		const controller = new AbortController();
		const { signal } = controller;
		await using _ = await interpose((name, _call, make) => {
			const result = make();
			if (name === "renameat2") controller.abort();
			return result;
		});
		await fsx.writeFile(path("file"), "new", { ...atomic, signal });
		expect(signal.aborted).toBe(true);
		expect(fs.readFileSync(path("file"), "utf8")).toBe("new");
	},
);

onLinux("its calls")(
	"with sync, the directory is synced in which the file is made",
	async ({ fsx, path }) => {
		fs.mkdirSync(path("elsewhere"));
		fs.symlinkSync("elsewhere/file", path("link"));
		const synced: number[] = [];
		await using _ = await interpose((name, { a }, make) => {
			if (name === "fsync") synced.push(fs.fstatSync(a).ino);
			return make();
		});
		for (const content of ["made", "written again"]) {
			await fsx.writeFile(path("link"), content, { sync: true });
			const [file, directory] = ["elsewhere/file", "elsewhere"].map((name) =>
				fs.statSync(path(name)),
			);
			expect(synced.splice(0)).toEqual([file?.ino ?? 0, directory?.ino ?? 0]);
		}
		// A file without a name is in no directory.
		const fd = fs.openSync(path("gone"), "w+");
		try {
			fs.unlinkSync(path("gone"));
			fs.symlinkSync(`/proc/self/fd/${fd}`, path("magic"));
			await fsx.writeFile(path("magic"), "said", { sync: true });
			expect(fs.fstatSync(fd).size).toBe(4);
		} finally {
			fs.closeSync(fd);
		}
	},
);

onLinux("its calls")(
	"what is replaced by others meanwhile is looked at anew",
	async ({ fsx, path }) => {
		fs.writeFileSync(path("file"), "old", { mode: 0o644 });
		let looks = 0;
		{
			await using _ = await interpose((name, _call, make) => {
				if (name !== "llistxattr" || looks++ > 0) return make();
				fs.chmodSync(path("file"), 0o604);
				return errno("ENOENT");
			});
			await fsx.writeFile(path("file"), "new", atomic);
		}
		expect([looks > 1, fs.readFileSync(path("file"), "utf8")]).toEqual([true, "new"]);
		expect((fs.statSync(path("file")).mode & 0o777).toString(8)).toBe("604");
	},
);

onLinux("its calls")(
	"what is removed by others meanwhile leaves its permissions to nobody but its owner",
	async (given) => {
		const { fsx, path } = given;
		fs.writeFileSync(path("file"), "old", { mode: 0o644 });
		{
			await using _ = await interpose((name, _call, make) => {
				if (name === "llistxattr") fs.rmSync(path("file"), { force: true });
				return make();
			});
			await fsx.writeFile(path("file"), "new", atomic);
		}
		expect(fs.readFileSync(path("file"), "utf8")).toBe("new");
		expect((fs.statSync(path("file")).mode & 0o777).toString(8)).toBe("600");
	},
);
