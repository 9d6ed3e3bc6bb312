import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { compareTreesSync, setXattrSync, statSync } from "../src/index.ts";
import { PATIENCE_MILLISECONDS, skipped } from "./forms.ts";

setDefaultTimeout(PATIENCE_MILLISECONDS);

const COMMAND = join(import.meta.dir, "../src/cli/index.ts");
const DEMO = join(import.meta.dir, "../examples/demo.ts");

let directory: string;

beforeAll(() => {
	directory = fs.mkdtempSync(join(tmpdir(), "fsx-test-"));
});
afterAll(() => fs.rmSync(directory, { recursive: true }));

interface Ran {
	readonly code: number | null;
	readonly out: string;
	readonly err: string;
}

function run(script: string, ...args: string[]): Ran {
	const env = { ...process.env, NO_COLOR: undefined, FORCE_COLOR: undefined };
	const ran = Bun.spawnSync([process.execPath, script, ...args], { cwd: directory, env });
	return { code: ran.exitCode, out: String(ran.stdout), err: String(ran.stderr) };
}

const fsx = (...args: string[]) => run(COMMAND, ...args);

/** Makes a directory of its own for a case, and gives the paths in it. */
function fresh(name: string): (path: string) => string {
	fs.mkdirSync(join(directory, name));
	return (path) => join(directory, name, path);
}

test("--version and --help", () => {
	expect(fsx("--version")).toEqual({ code: 0, out: `${manifest.version}\n`, err: "" });
	const help = fsx("--help");
	expect(help).toMatchObject({ code: 0, err: "" });
	for (const name of ["cp", "stat", "doctor"]) {
		expect(help.out).toContain(name);
		expect(fsx(name, "--help")).toMatchObject({ code: 0, err: "" });
	}
});

test("usage errors: exit code 2 and one line that says where help is", () => {
	for (const [args, says] of [
		[["nosuch"], "unknown command 'nosuch'"],
		[["cp"], "missing required argument 'source'"],
		[["cp", "a"], "missing required argument 'destination'"],
		[["cp", "--holes", "dig", "a", "b"], "Allowed choices are keep, fill, detect"],
		[["cp", "--preserve", "mode,soul", "a", "b"], '"soul" is none of all, none, mode, times'],
		[["cp", "--newer", "--overwrite", "a", "b"], "cannot be used with"],
		[["stat", "--bad", "a"], "unknown option '--bad'"],
		[["doctor", "a", "b"], "too many arguments"],
	] as const) {
		const { code, out, err } = fsx(...args);
		expect([args, code, out]).toEqual([args, 2, ""]);
		expect(err).toContain(says);
		expect(err).toMatch(/^fsx: [^\n]+; --help shows how it is called\n$/);
	}
});

test("cp of a file: the copy, the report, and what is refused", () => {
	const path = fresh("file");
	fs.writeFileSync(path("a"), "content", { mode: 0o640 });
	setXattrSync(path("a"), "user.a", "1");
	const first = fsx("cp", path("a"), path("b"));
	expect(first).toMatchObject({ code: 0, err: "" });
	expect(first.out).toMatch(/^7 B, [a-z_-]+ in [\d.]+ m?s\n$/);
	expect(compareTreesSync(path("a"), path("b"))).toMatchObject({ equal: true, bytes: 7 });

	const again = fsx("cp", path("a"), path("b"));
	expect(again).toMatchObject({ code: 1, out: "" });
	expect(again.err).toMatch(/^fsx: EEXIST: .*--overwrite replaces it[^\n]*\n$/);
	fs.writeFileSync(path("a"), "other");
	expect(fsx("cp", "--overwrite", "-q", path("a"), path("b"))).toEqual({
		code: 0,
		out: "",
		err: "",
	});
	expect(fs.readFileSync(path("b"), "utf8")).toBe("other");
});

test("cp --json, --newer, --preserve, --verify and --sync", () => {
	const path = fresh("json");
	fs.writeFileSync(path("a"), "content", { mode: 0o600 });
	fs.utimesSync(path("a"), 1000, 1000);
	const plain = fsx(
		"cp",
		"--json",
		"--verify",
		"--sync",
		"--preserve",
		"none",
		path("a"),
		path("b"),
	);
	expect(plain).toMatchObject({ code: 0, err: "" });
	expect(JSON.parse(plain.out)).toMatchObject({ bytes: 7, holes: 0, notPreserved: [] });
	expect(statSync(path("b")).mtimeNs).not.toBe(1000n * 1_000_000_000n);
	const skippedOne = fsx("cp", "--json", "--newer", path("a"), path("b"));
	expect(JSON.parse(skippedOne.out).method).toBe("skipped");
	expect(fsx("cp", "--preserve", "mode,times", path("a"), path("c")).code).toBe(0);
	expect(statSync(path("c")).mtimeNs).toBe(1000n * 1_000_000_000n);

	const failed = fsx("cp", "--json", path("none"), path("d"));
	expect(failed).toMatchObject({ code: 1, out: "" });
	expect(JSON.parse(failed.err).error).toMatchObject({ code: "ENOENT", path: path("none") });
});

test("cp of a sparse file keeps its holes, or fills them when asked", () => {
	const path = fresh("sparse");
	fs.writeFileSync(path("a"), "begin");
	fs.truncateSync(path("a"), 8 * 1024 * 1024);
	expect(JSON.parse(fsx("cp", "--json", path("a"), path("kept")).out).holes).toBe(1);
	expect(fsx("cp", "--holes", "fill", "--reflink", "never", path("a"), path("full")).code).toBe(0);
	expect(fs.statSync(path("kept")).blocks).toBeLessThan(100);
	expect(fs.statSync(path("full")).blocks * 512).toBeGreaterThanOrEqual(8 * 1024 * 1024);
});

test("cp of a tree", () => {
	const path = fresh("tree");
	fs.mkdirSync(path("a/sub"), { recursive: true });
	fs.writeFileSync(path("a/sub/one"), "1");
	fs.linkSync(path("a/sub/one"), path("a/two"));
	fs.symlinkSync("two", path("a/link"));
	const copied = fsx("cp", path("a"), path("b"));
	expect(copied).toMatchObject({ code: 0, err: "" });
	expect(copied.out).toMatch(/^2 files, 2 directories, 1 symbolic link, 1 B, /);
	expect(compareTreesSync(path("a"), path("b")).differences).toEqual([]);
	const { files, hardlinks } = JSON.parse(fsx("cp", "--json", path("a"), path("c")).out);
	expect([files, hardlinks]).toEqual([2, 1]);
});

test("stat shows all paths that it can, and fails for the others", () => {
	const path = fresh("stat");
	fs.writeFileSync(path("a"), "12345");
	fs.symlinkSync("a", path("link"));
	const text = fsx("stat", path("a"), path("none"));
	expect(text.code).toBe(1);
	expect(text.out).toContain("5 bytes");
	expect(text.err).toMatch(/^fsx: ENOENT: [^\n]+\n$/);
	const { ino, mtimeNs } = fs.statSync(path("a"), { bigint: true });
	const [link, itself] = ["stat --json", "stat --json --no-follow"].map(
		(command) => JSON.parse(fsx(...command.split(" "), path("link")).out)[0],
	);
	expect(link).toMatchObject({
		path: path("link"),
		kind: "file",
		ino: String(ino),
		mtimeNs: String(mtimeNs),
	});
	expect(itself).toMatchObject({ kind: "symlink", size: 1 });
});

test("names cannot command the terminal", () => {
	const path = fresh("escape");
	fs.writeFileSync(path("\u001b[2J"), "");
	const { code, out } = fsx("stat", path("\u001b[2J"));
	expect(code).toBe(0);
	expect(out).toContain("\\x1b[2J");
	expect(out).not.toContain("\u001b");
});

test("doctor prints a table, or the same as JSON", () => {
	const table = fsx("doctor", directory);
	expect(table).toMatchObject({ code: 0, err: "" });
	expect(table.out).toMatch(/reflinks +(yes|no|\?)/);
	expect(table.out).not.toContain("\u001b");
	const found = JSON.parse(fsx("doctor", "--json", directory).out);
	expect(found.system).toBe("Linux");
	expect(found.operations.length).toBeGreaterThan(30);
	expect(fsx("doctor", join(directory, "none"))).toMatchObject({ code: 1, out: "" });
});

test("Ctrl-C ends a copy with exit code 130 and leaves nothing of it", async () => {
	const path = fresh("interrupt");
	fs.writeFileSync(path("a"), "");
	// Zeros to look through for longer than the test may take.
	fs.truncateSync(path("a"), 2 ** 43);
	const args = ["cp", "--holes", "detect", "--reflink", "never", path("a"), path("b")];
	const child = Bun.spawn([process.execPath, COMMAND, ...args], {
		cwd: directory,
		stdout: "pipe",
		stderr: "pipe",
	});
	// The copy has begun when its temporary file, or the file itself, is there or open.
	const opened = () =>
		fs.readdirSync(`/proc/${child.pid}/fd`).some((fd) => {
			try {
				return fs.readlinkSync(`/proc/${child.pid}/fd/${fd}`) === path("a");
			} catch {
				return false;
			}
		});
	while (!opened()) await Bun.sleep(5);
	child.kill("SIGINT");
	expect(await child.exited).toBe(130);
	expect(await child.stderr.text()).toBe("fsx: interrupted: the copy is not complete\n");
	expect(await child.stdout.text()).toBe("");
	expect(fs.readdirSync(path("."))).toEqual(["a"]);
});

const SCRIPT = Bun.which("script");

/** Runs a command in a terminal of 100 columns and gives all that it showed. */
function inTerminal(environment: string, ...args: string[]): Ran {
	const command = ["stty cols 100;", environment, process.execPath, COMMAND, ...args].join(" ");
	const ran = Bun.spawnSync([SCRIPT ?? "script", "-qec", command, "/dev/null"], { cwd: directory });
	return { code: ran.exitCode, out: String(ran.stdout), err: String(ran.stderr) };
}

if (SCRIPT === null) {
	skipped("a terminal gets progress and colours", "it needs script(1) of util-linux");
} else {
	test("a terminal gets progress and colours, unless it wants none", () => {
		const path = fresh("terminal");
		fs.writeFileSync(path("a"), Buffer.alloc(64 * 1024 * 1024, 1));
		const shown = inTerminal("NO_COLOR=1", "cp", "--reflink never", path("a"), path("b"));
		expect(shown.code).toBe(0);
		expect(shown.out).toContain("of 64.0 MiB");
		expect(shown.out).toContain("█");
		// No colour, and the line is gone when the copy is done.
		expect(shown.out).not.toContain("\u001b[3");
		expect(shown.out).toContain("\u001b[2K64.0 MiB, ");
		for (const quiet of ["--json", "-q"]) {
			const { out } = inTerminal("", "cp", quiet, "--overwrite", path("a"), path("b"));
			expect(out).not.toContain("█");
		}
		expect(inTerminal("", "doctor", directory).out).toContain("\u001b[32myes\u001b[0m");
		expect(inTerminal("NO_COLOR=1", "doctor", directory).out).not.toContain("\u001b[32m");
	});
}

test("the demo copies, compares, reports and cleans up", () => {
	const path = fresh("demo");
	fs.mkdirSync(path("source/sub"), { recursive: true });
	fs.writeFileSync(path("source/sub/file"), "content");
	const fleeting = run(DEMO, path("source"));
	expect(fleeting).toMatchObject({ code: 0, err: "" });
	expect(fleeting.out).toMatch(/result +identical\n$/);
	const [, made = ""] = fleeting.out.match(/to (.*)\. It is removed again\./) ?? [];
	expect(made).toStartWith(tmpdir());
	expect(fs.existsSync(join(made, ".."))).toBe(false);

	expect(run(DEMO, path("source"), path("kept"))).toMatchObject({ code: 0, err: "" });
	expect(compareTreesSync(path("source"), path("kept")).equal).toBe(true);
	const full = run(DEMO, path("source"), path("kept"));
	expect(full).toMatchObject({ code: 2, out: "" });
	expect(full.err).toContain("is not empty");
	expect(run(DEMO, path("source/sub/file")).code).toBe(2);
	expect(run(DEMO, path("none")).code).toBe(1);
});
