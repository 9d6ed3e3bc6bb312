/** What a user gets: the packed package, installed in a project of its own. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { PATIENCE_MILLISECONDS, skipped } from "./forms.ts";

setDefaultTimeout(PATIENCE_MILLISECONDS);

const ROOT = join(import.meta.dir, "..");
const BIN = join(ROOT, "node_modules/.bin");

/** The user's program: types and values, both forms, a worker, and the shim. */
const PROGRAM = `
import { capabilities, compareTrees, copyFile, FsError, statSync } from "bun-fs-extended";

await Bun.write("a", "content");
const { bytes, method }: { bytes: number; method: string } = await copyFile("a", "b");
const size: number = statSync("b").size;
const { equal } = await compareTrees("a", "b", { ignore: ["mtime"] });
const { engine } = await capabilities();
let code = "";
try {
	statSync("none");
} catch (error) {
	if (error instanceof FsError) code = error.code;
}
// @ts-expect-error: an option that there is not
await copyFile("a", "c", { relink: "auto" }).catch(() => {});
console.log(JSON.stringify({ bytes, method: typeof method, size, equal, by: engine.kernel.by, code }));
`;

let work: string;
let project: string;

function command(cwd: string, ...words: string[]): string {
	const env = { ...process.env, PATH: `${BIN}:${process.env.PATH}`, NO_COLOR: "1" };
	const { exitCode, stdout, stderr } = Bun.spawnSync(words, { cwd, env });
	if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${exitCode}\n${stdout}\n${stderr}`);
	return String(stdout);
}

/** A project of a user's, into which the library is still to be installed. */
function userProject(name: string): string {
	const folder = join(work, name);
	fs.mkdirSync(folder);
	fs.writeFileSync(join(folder, "program.ts"), PROGRAM);
	const compilerOptions = {
		...{ strict: true, noEmit: true, target: "ESNext", module: "Preserve", skipLibCheck: false },
		...{ types: ["bun"], typeRoots: [join(ROOT, "node_modules/@types")] },
	};
	fs.writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
	return folder;
}

/** A file: dependency on a package of this project's own, so that nothing is fetched. */
const local = (name: string) => `file:${join(ROOT, "node_modules", name)}`;

const NPM = Bun.which("npm");

if (NPM === null || process.platform !== "linux") {
	skipped("the packed package", "it is packed and installed on Linux, with npm");
} else {
	beforeAll(() => {
		work = fs.mkdtempSync(join(tmpdir(), "fsx-test-"));
		// A copy: building in place would pull the rug out from under those who use dist.
		const copy = clone();
		fs.mkdirSync(copy);
		for (const name of ["src", "scripts", "native-shims", "package.json", "tsconfig.json"]) {
			fs.cpSync(join(ROOT, name), join(copy, name), { recursive: true });
		}
		for (const name of ["README.md", "LICENSE", "DESIGN.md", "CHANGELOG.md"]) {
			if (fs.existsSync(join(ROOT, name))) fs.copyFileSync(join(ROOT, name), join(copy, name));
		}
		fs.symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
		command(copy, NPM, "pack", "--pack-destination", work);

		project = userProject("project");
		fs.writeFileSync(
			join(project, "package.json"),
			JSON.stringify({
				name: "user",
				type: "module",
				dependencies: { [manifest.name]: `file:${tarball()}`, zod: local("zod") },
				overrides: { zod: local("zod") },
			}),
		);
		command(project, process.execPath, "install", "--ignore-scripts");
	}, 120_000);
	afterAll(() => fs.rmSync(work, { recursive: true }));

	const clone = () => join(work, "package");
	const tarball = () => join(work, `${manifest.name}-${manifest.version}.tgz`);
	const installed = () => join(project, "node_modules", manifest.name);

	test("it brings sources, declarations, the command and the shims, and nothing else", () => {
		const files = command(work, "tar", "-tzf", tarball()).trim().split("\n");
		const top = new Set(files.map((file) => file.split("/")[1]));
		for (const name of ["tests", "bench", "examples", "scripts", "node_modules", "tsconfig.json"]) {
			expect([name, top.has(name)]).toEqual([name, false]);
		}
		for (const file of [
			"dist/fsx.js",
			"dist/types/index.d.ts",
			"src/engine/worker.ts",
			"native-shims/prebuilt/linux-x64.so",
			"native-shims/prebuilt/linux-arm64.so",
			"LICENSE",
		]) {
			expect(files).toContain(`package/${file}`);
		}
		// Neither the library nor a path of this machine is inside the command.
		const bundle = fs.readFileSync(join(installed(), "dist/fsx.js"), "utf8");
		expect(bundle).toStartWith("#!/usr/bin/env bun\n");
		expect(bundle.includes('from "../src/index.ts"')).toBe(true);
		expect(bundle.includes(ROOT)).toBe(false);
		expect(bundle.includes(work)).toBe(false);
		const licences = fs.readFileSync(join(installed(), "dist/LICENSES.txt"), "utf8");
		for (const name of ["commander", "cli-progress"]) expect(licences).toContain(`${name}\n\n`);
		expect(Object.keys(manifest.dependencies)).toEqual(["zod"]);
	});

	test("a program is type-checked against it under strict options", () => {
		command(project, join(BIN, "tsc"), "--project", project);
	});

	test("a program runs with it", () => {
		const said = command(project, process.execPath, "program.ts");
		expect(JSON.parse(said)).toEqual({
			bytes: 7,
			method: "string",
			size: 7,
			equal: true,
			by: "shim",
			code: "ENOENT",
		});
	});

	test("a clone is as good, once npm install has had it prepared", () => {
		fs.rmSync(join(clone(), "dist"), { recursive: true });
		command(clone(), NPM, "run", "prepare");
		const user = userProject("user of the clone");
		fs.mkdirSync(join(user, "node_modules"));
		const linked = join(user, "node_modules", manifest.name);
		fs.symlinkSync(clone(), linked);
		command(user, join(BIN, "tsc"), "--project", user);
		expect(command(user, join(linked, manifest.bin.fsx), "--version")).toBe(
			`${manifest.version}\n`,
		);
		const inClone = command(clone(), NPM, "run", "--silent", "fsx", "--", "--version");
		expect(inClone).toBe(`${manifest.version}\n`);
	});

	test("the command runs", () => {
		const fsx = join(project, "node_modules/.bin/fsx");
		expect(command(project, fsx, "--version")).toBe(`${manifest.version}\n`);
		expect(command(project, fsx, "doctor")).toContain("reflinks");
		expect(command(project, fsx, "cp", "-q", installed(), "copy")).toBe("");
		expect(fs.existsSync(join(project, "copy/package.json"))).toBe(true);
		const bunx = command(project, process.execPath, "x", "--no-install", "fsx", "--version");
		expect(bunx).toBe(`${manifest.version}\n`);
	});
}
