/** The documentation is true: every export has it, its examples compile and run, its files exist. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveFolder } from "../examples/file-server.ts";
import manifest from "../package.json" with { type: "json" };
import { type Documented, exportsOf, root } from "./doc-comments.ts";
import { notUnderWine, onLinux, UNDER_WINE, withSymlinks } from "./forms.ts";

const documented = exportsOf("src/index.ts");
const names = new Set(documented.map(({ name }) => name));

const tagsOf = ({ comment }: Documented, tag: string) =>
	(comment?.tags ?? []).filter(({ name }) => name === tag).map(({ text }) => text);

/** A sentence to begin with, and not an empty one. */
const hasSentence = (text: string | undefined) =>
	/^[A-Z`"][\s\S]*?[^\s][.:](\s|$)/.test(text ?? "");

/** What is missing from the documentation of an export; nothing, if all is well. */
function lacking(one: Documented): string[] {
	const { name, kind, comment, parameters, returns, members } = one;
	const lacks: string[] = [];
	const wants = (there: boolean, what: string) => {
		if (!there) lacks.push(what);
	};
	const twin = name.replace(/Sync$/, "");
	if (kind === "function" && twin !== name && names.has(twin)) {
		const sentence = `The synchronous form of {@link ${twin}}.`;
		wants(comment?.text.startsWith(sentence) === true, `"${sentence}"`);
		return lacks;
	}
	wants(hasSentence(comment?.text), "a first sentence");
	for (const member of members) {
		wants(hasSentence(member.comment?.text), `a sentence about its member ${member.name}`);
	}
	if (kind === "type") return lacks;
	wants(tagsOf(one, "example").length > 0, "an @example");
	wants(tagsOf(one, "see").length > 0, "a @see");
	if (kind === "class") return lacks;
	const described = tagsOf(one, "param").map((text) => text.split(/\s/)[0]);
	for (const parameter of parameters) {
		wants(described.includes(parameter), `a @param ${parameter}`);
	}
	for (const extra of described) {
		wants(parameters.includes(extra ?? ""), `the parameter ${extra} that its comment describes`);
	}
	if (returns) wants(tagsOf(one, "returns").length > 0, "a @returns");
	wants(tagsOf(one, "throws").length > 0, "a @throws");
	const prose = [comment?.text, ...tagsOf(one, "returns"), ...tagsOf(one, "throws")].join("\n");
	wants(/\bLinux\b|\bevery system\b/.test(prose), "a word on how each system does it");
	return lacks;
}

describe("every export is documented", () => {
	for (const one of documented) {
		test(`${one.name}, ${one.where}`, () => {
			expect(lacking(one)).toEqual([]);
		});
	}
});

test("links in doc comments lead to exports or addresses", () => {
	const lost = documented.flatMap(({ name, comment, members }) => {
		const texts = [comment, ...members.map((member) => member.comment)].flatMap((of) =>
			of === undefined ? [] : [of.text, ...of.tags.map(({ text }) => text)],
		);
		return [...texts.join("\n").matchAll(/\{@link\s+([^\s|}]+)/g)]
			.map(([, to = ""]) => to)
			.filter((to) => !names.has(to) && !to.startsWith("https://"))
			.map((to) => `${name}: ${to}`);
	});
	expect(lost).toEqual([]);
});

/** A block of code in Markdown. */
interface Block {
	readonly where: string;
	readonly language: string;
	readonly code: string;
}

function blocksOf(text: string, where: string): Block[] {
	return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language, code], index) => ({
		where: `${where} ${index + 1}`,
		language: language ?? "",
		code: code ?? "",
	}));
}

const pages = ["README.md", "DESIGN.md"].map((name) => ({
	name,
	text: readFileSync(join(root, name), "utf8"),
}));
const examples: Block[] = [
	...documented.flatMap((one) =>
		tagsOf(one, "example").flatMap((text) => blocksOf(text, `${one.name}, ${one.where}, example`)),
	),
	...pages.flatMap(({ name, text }) => blocksOf(text, `${name}, block`)),
];
const programs = examples.filter(({ language }) => language === "ts");
const commands = examples.filter(({ language, code }) => language === "sh" && /^fsx /m.test(code));

let folder: string;
const fileOf = (program: Block) => join(folder, `${programs.indexOf(program)}.ts`);

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), "fsx-documentation-"));
	mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
	makePackage(join(folder, `node_modules/${manifest.name}`));
	for (const types of ["node_modules/@types", "node_modules/bun-types"]) {
		if (!UNDER_WINE) symlinkSync(join(root, types), join(folder, types), "junction");
	}
	const command = `#!/bin/sh\nexec "${process.execPath}" "${join(root, "src/cli/index.ts")}" "$@"\n`;
	writeFileSync(join(folder, "node_modules/.bin/fsx"), command, { mode: 0o755 });
	await Promise.all(programs.map((program) => Bun.write(fileOf(program), program.code)));
});

/** The package as programs find it; a link to it would be enough, if Wine had links. */
function makePackage(at: string): void {
	mkdirSync(at);
	const { name, type } = manifest;
	writeFileSync(join(at, "package.json"), JSON.stringify({ name, type, exports: "./index.ts" }));
	const source = JSON.stringify(Bun.pathToFileURL(join(root, "src/index.ts")));
	writeFileSync(join(at, "index.ts"), `export * from ${source};\n`);
}

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a command in an empty directory: what it printed, if it failed. */
async function runIn(name: string, ...command: string[]): Promise<string> {
	const cwd = join(folder, name);
	mkdirSync(cwd);
	const PATH = `${join(folder, "node_modules/.bin")}:${process.env.PATH}`;
	const env = { ...process.env, PATH };
	const child = Bun.spawn(command, { cwd, env, stdout: "pipe", stderr: "pipe", stdin: "ignore" });
	const [out, err, code] = await Promise.all([
		new Response(child.stdout).text(),
		new Response(child.stderr).text(),
		child.exited,
	]);
	return code === 0 ? "" : `exit code ${code}\n${out}${err}`;
}

/** What Windows has not, or has otherwise. */
const OF_UNIX =
	/\/(?:dev|proc|etc|usr)\/|temporary: true|permissions|exchange|\buid\b|mkfifo|mknod|mtimeNs|(?:sym|read)link|blocks \* 512/;

describe("examples run as they stand", () => {
	for (const program of programs) {
		const [foreign] = OF_UNIX.exec(program.code) ?? [];
		const declare = foreign === undefined ? test : onLinux(foreign, test);
		declare(
			program.where,
			async () => {
				const file = fileOf(program);
				expect(await runIn(`in ${programs.indexOf(program)}`, process.execPath, file)).toBe("");
			},
			20_000,
		);
	}
	for (const { where, code } of commands) {
		onLinux("a shell", test)(
			where,
			async () => {
				expect(await runIn(where, "sh", "-euc", code)).toBe("");
			},
			20_000,
		);
	}
});

notUnderWine("a type checker", test)(
	"examples pass the type checker",
	async () => {
		const configuration = {
			extends: join(root, "tsconfig.json"),
			compilerOptions: {
				moduleDetection: "force",
				paths: { [manifest.name]: [join(root, "src/index.ts")] },
			},
			include: ["*.ts"],
		};
		await Bun.write(join(folder, "tsconfig.json"), JSON.stringify(configuration));
		const tsc = Bun.resolveSync("typescript/package.json", root).replace("package.json", "bin/tsc");
		expect(await runIn("checked", process.execPath, tsc, "--project", folder)).toBe("");
	},
	60_000,
);

withSymlinks(test)(
	"the example of a file server serves what is in its folder, and nothing else",
	async () => {
		const served = join(folder, "served");
		mkdirSync(join(served, "sub"), { recursive: true });
		writeFileSync(join(folder, "secret"), "secret");
		writeFileSync(join(served, "sub/large"), "0123456789".repeat(20_000));
		symlinkSync("../secret", join(served, "out"));
		const server = await serveFolder(served, 0);
		try {
			const statusOf = async (path: string) => (await fetch(new URL(path, server.url))).status;
			const large = await fetch(new URL("sub/large", server.url));
			expect(await large.text()).toBe("0123456789".repeat(20_000));
			expect(large.headers.get("last-modified")).toBe(
				statSync(join(served, "sub/large")).mtime.toUTCString(),
			);
			expect(await statusOf("nothing")).toBe(404);
			expect(await statusOf("sub")).toBe(404);
			expect(await statusOf("out")).toBe(404);
			expect(await statusOf("%2e%2e%2fsecret")).toBe(404);
			expect(await statusOf("a%00b")).toBe(400);
		} finally {
			await server.stop();
		}
	},
);

test("there are examples of everything", () => {
	const callable = documented.filter(({ kind }) => kind !== "type");
	expect(programs.length).toBeGreaterThan(callable.length / 2);
	expect(programs.filter(({ where }) => where.startsWith("README.md")).length).toBeGreaterThan(10);
	expect(commands.length).toBeGreaterThan(0);
});

describe.each(pages)("$name", ({ text }) => {
	test("names files that exist", () => {
		const paths = [...text.matchAll(/`((?:src|tests|bench|examples|native-shims)\/[\w./-]*)`/g)]
			.map(([, path = ""]) => path)
			.filter((path) => !existsSync(join(root, path)));
		expect(paths).toEqual([]);
	});

	test("links to files that exist", () => {
		const paths = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
			.map(([, path = ""]) => path)
			.filter((path) => !existsSync(join(root, path)));
		expect(paths).toEqual([]);
	});

	test("runs scripts that there are", () => {
		const scripts = Object.keys(manifest.scripts);
		const unknown = [...text.matchAll(/\b(?:npm|bun) run ([\w:]+)/g)]
			.map(([, script = ""]) => script)
			.filter((script) => !scripts.includes(script));
		expect(unknown).toEqual([]);
	});
});
