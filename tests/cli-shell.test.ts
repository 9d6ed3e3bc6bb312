/** The command as a shell runs it: names of any bytes, and output that goes somewhere. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exactArguments, locationOf } from "../src/cli/arguments.ts";
import { ON_WINDOWS, PATIENCE_MILLISECONDS, skipped } from "./forms.ts";

setDefaultTimeout(PATIENCE_MILLISECONDS);

const COMMAND = join(import.meta.dir, "../src/cli/index.ts");
const SHELL = Bun.which("bash");

let directory: string;

beforeAll(() => {
	directory = fs.mkdtempSync(join(tmpdir(), "fsx-test-"));
});
afterAll(() => fs.rmSync(directory, { recursive: true }));

/** Runs a line of bash, in which `fsx` is the command; gives the exit codes of its last pipe. */
function shell(line: string): { codes: number[]; out: string; err: string } {
	const script = `fsx() { ${process.execPath} ${COMMAND} "$@"; }\n${line}\necho "\${PIPESTATUS[@]}"`;
	const env = { ...process.env, NO_COLOR: "1" };
	const ran = Bun.spawnSync([SHELL ?? "bash", "-c", script], { cwd: directory, env });
	const lines = String(ran.stdout).trimEnd().split("\n");
	const codes = lines.pop()?.split(" ").map(Number) ?? [];
	return { codes, out: lines.join("\n"), err: String(ran.stderr) };
}

/** Names in the directory, each byte as one character. */
const names = () =>
	fs.readdirSync(directory, { encoding: "buffer" }).map((name) => name.toString("latin1"));

if (SHELL === null || ON_WINDOWS) {
	skipped("the command as a shell runs it", "it needs bash, and names that are bytes");
} else {
	test("names that are not UTF-8", () => {
		const line = (text: string) => expect(shell(text)).toMatchObject({ codes: [0], err: "" });
		line("echo content > $'caf\\xe9'; fsx cp -q $'caf\\xe9' $'\\xff copy'");
		expect(names().sort()).toEqual(["caf\xe9", "\xff copy"]);
		line("fsx cp -q '' '' 2> /dev/null; fsx cp -q --holes=fill -- $'\\xff copy' $'--\\xe9'");
		expect(names()).toContain("--\xe9");
		line("fsx cp -q $'caf\\xe9' $'é€\u{1F600}\ufffd\\x80'");
		expect(names()).toContain(`${Buffer.from("é€\u{1F600}\ufffd").toString("latin1")}\x80`);
		const shown = shell("fsx stat $'caf\\xe9' $'nothing \\xe9'");
		expect(shown).toMatchObject({ codes: [1] });
		expect(shown.out).toContain("caf\ufffd\n");
		expect(shown.err).toContain("ENOENT");
		const json = shell("fsx stat --json $'caf\\xe9'");
		expect(JSON.parse(json.out)[0]).toMatchObject({ path: "caf\ufffd", size: 8 });
		line("fsx doctor $'caf\\xe9' > /dev/null");
		const usage = shell("fsx cp --holes=$'\\xe9' a b");
		expect(usage).toMatchObject({ codes: [2] });
		expect(usage.err).toContain("'\ufffd' is invalid");
	});

	test("output that cannot be written is an error, and nobody to read it is none", () => {
		fs.writeFileSync(join(directory, "a"), "content");
		for (const args of [
			"stat a",
			"stat --json a",
			"doctor",
			"cp a b1",
			"cp --json a b2",
			"--help",
		]) {
			const full = shell(`fsx ${args} > /dev/full`);
			expect([args, full.codes]).toEqual([args, [1]]);
			expect(full.err).toMatch(
				/^(fsx: |\{"error":.*)the output cannot be written: ENOSPC\b[^\n]*\n$/,
			);
			const unread = shell(`fsx ${args.replace("b", "c")} | true`);
			expect([args, unread.codes, unread.err]).toEqual([args, [0, 0], ""]);
		}
		expect(fs.readFileSync(join(directory, "b1"), "utf8")).toBe("content");
		// What went wrong is in the exit code, also where it cannot be said.
		expect(shell("fsx stat none 2> /dev/full")).toMatchObject({ codes: [1] });
		expect(shell("fsx nosuch 2> /dev/full")).toMatchObject({ codes: [2] });
		const long = shell(`fsx stat ${"a ".repeat(2000)} | grep -c ^path`);
		expect(long).toMatchObject({ codes: [0, 0], out: "2000" });
	});

	test("which of two paths is missing, and what else can be done", () => {
		const said = (args: string) => shell(`fsx cp ${args}`).err;
		fs.writeFileSync(join(directory, "there"), "");
		expect(said("nothing b")).toContain(": the source is missing, check its path");
		expect(said("there 'no dir/b'")).toContain(": the destination's directory 'no dir' is missing");
		expect(said("--json there none/b")).toContain('"dest":"none/b"');
		fs.mkdirSync(join(directory, "tree"));
		expect(said("tree none/tree")).toContain(": the destination's directory 'none' is missing");
		if (process.getuid?.() !== 0) return;
		fs.chmodSync(directory, 0o755);
		fs.writeFileSync(join(directory, "theirs"), "");
		fs.chmodSync(join(directory, "theirs"), 0o666);
		const asNobody = "setpriv --reuid=65534 --regid=65534 --clear-groups";
		const refused = shell(`${asNobody} ${process.execPath} ${COMMAND} cp --overwrite there theirs`);
		expect(refused.err).toMatch(/^fsx: EACCES: .*: --no-atomic, if you may [^\n]*\n$/);
	});

	test("how many files of a tree were skipped", () => {
		const line = "mkdir t; echo 1 > t/1; echo 2 > t/2; fsx cp -q t u; rm u/1; fsx cp --newer t u";
		const { codes, out } = shell(line);
		expect([codes, out.includes("1 file, 1 directory, ")]).toEqual([[0], true]);
		expect(out).toContain("1 skipped, being not older");
	});
}

test("where the bytes of arguments cannot be had, none are guessed", () => {
	const file = join(directory, "cmdline");
	expect(exactArguments(["a", ""], file)).toEqual(["a", ""]);
	expect(() => exactArguments(["\ufffd"], file)).toThrow("an argument is not UTF-8");
	fs.writeFileSync(file, Buffer.from("bun\0x\0caf\xe9\0\0", "latin1"));
	const [name = "", empty] = exactArguments(["caf\ufffd", ""], file);
	expect([Buffer.from(locationOf(name)).toString("latin1"), empty]).toEqual(["caf\xe9", ""]);
	for (const other of [
		["b", "caf\ufffd"],
		["caf\ufffd", "b"],
		["caf\ufffd", "", "", "", "", "x"],
	]) {
		expect(() => exactArguments(other, file)).toThrow("an argument is not UTF-8");
	}
});
