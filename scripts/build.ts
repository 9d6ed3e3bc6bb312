/**
 * Builds what is published beside the sources, into dist/: the fsx command with the libraries that
 * it uses, and the declarations. The command imports the library's own sources, because the
 * library finds its workers and its shim by where its files are.
 */
import { chmod, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const dist = join(root, "dist");

await rm(dist, { recursive: true, force: true });

const result = await Bun.build({
	entrypoints: [join(root, "src/cli/index.ts")],
	outdir: dist,
	naming: "fsx.js",
	target: "bun",
	plugins: [
		{
			name: "library stays outside",
			setup(build) {
				build.onResolve({ filter: /^\.\.\/index\.ts$/ }, () => ({
					path: "../src/index.ts",
					external: true,
				}));
			},
		},
	],
});
for (const log of result.logs) console.error(log);

// Comments in the bundle name each file: by its package, not by where it lies on this machine.
const command = join(dist, "fsx.js");
const MODULE = /^\/\/ .*?node_modules\/(?=((?:@[^/\n]+\/)?[^/\n]+)\/)/gm;
const bundle = await readFile(command, "utf8");
await writeFile(command, bundle.replace(MODULE, "// node_modules/"));
await chmod(command, 0o755);

// What is inside the command is under licences that are to go with it.
const inside = new Set([...bundle.matchAll(MODULE)].map(([, name = ""]) => name));
const licences = [...inside].sort().map(async (name) => {
	const folder = join(root, "node_modules", name);
	const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
	if (file === undefined) throw new Error(`${name} has no licence file to ship`);
	return `${name}\n\n${(await readFile(join(folder, file), "utf8")).trim()}\n`;
});
await writeFile(join(dist, "LICENSES.txt"), (await Promise.all(licences)).join("\n---\n\n"));

const declarations = Bun.spawn(
	[process.execPath, "x", "tsc", "--project", join(import.meta.dir, "tsconfig.json")],
	{ cwd: root, stdout: "inherit", stderr: "inherit" },
);
if ((await declarations.exited) !== 0) process.exit(1);
