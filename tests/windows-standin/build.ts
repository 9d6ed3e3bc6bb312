/**
 * Builds the stand-in for what Wine lacks of Windows' filesystems: `bun tests/windows-standin/build.ts`
 * prints where it is. It is built again only when a source has changed.
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { NO_ZIG, zig } from "../abi/compiler.ts";

const TARGET = "x86_64-windows-gnu";
const FLAGS = ["-shared", "-O1", "-fno-sanitize=all", "-Wall", "-Wextra", "-Werror", "-s"];

const sources = fs
	.readdirSync(import.meta.dir)
	.filter((name) => /\.[ch]$/.test(name))
	.sort()
	.map((name) => join(import.meta.dir, name));

const cache = join(
	process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
	"bun-fs-extended",
	"windows-standin",
);

/** The library, built if it is not there yet. */
export function standIn(): string {
	const hash = createHash("sha256").update(FLAGS.join(" "));
	for (const source of sources) hash.update(fs.readFileSync(source));
	const folder = join(cache, hash.digest("hex").slice(0, 16));
	const library = join(folder, "standin.dll");
	if (!fs.existsSync(library)) build(folder, library);
	return library;
}

function build(folder: string, library: string): void {
	if (zig === undefined || zig === null) throw new Error(NO_ZIG);
	fs.mkdirSync(folder, { recursive: true });
	const made = `${library}.${process.pid}`;
	const compiled = sources.filter((name) => name.endsWith(".c"));
	const { exitCode, stderr } = Bun.spawnSync(
		[zig, "cc", "-target", TARGET, ...FLAGS, "-o", made, ...compiled, "-lntdll"],
		{
			env: {
				...process.env,
				ZIG_LOCAL_CACHE_DIR: join(cache, "zig", "local"),
				ZIG_GLOBAL_CACHE_DIR: join(cache, "zig", "global"),
			},
		},
	);
	if (exitCode !== 0) throw new Error(`zig could not build the stand-in:\n${stderr}`);
	fs.renameSync(made, library);
}

if (import.meta.main) console.log(standIn());
