/**
 * Builds what is published beside the sources, into dist/: the fsx command with the libraries that
 * it uses, and the declarations. The command imports the library's own sources, because the
 * library finds its workers and its shim by where its files are.
 */
import { chmod, rm } from "node:fs/promises";
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
await chmod(join(dist, "fsx.js"), 0o755);

const declarations = Bun.spawn(
	[process.execPath, "x", "tsc", "--project", join(import.meta.dir, "tsconfig.json")],
	{ cwd: root, stdout: "inherit", stderr: "inherit" },
);
if ((await declarations.exited) !== 0) process.exit(1);
