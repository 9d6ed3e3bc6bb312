/**
 * Builds the stand-in for what Wine lacks of Windows' filesystems: `bun tests/windows-standin/build.ts`
 * prints where it is. It is built again only when a source has changed. By zig, or by mingw's compiler.
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { zig } from "../abi/compiler.ts";

const MINGW = "x86_64-w64-mingw32-gcc";
export const NO_COMPILER = `no compiler for Windows: neither zig (named by ZIG) nor ${MINGW} is here`;

const FLAGS = ["-shared", "-O1", "-Wall", "-Wextra", "-Werror", "-s"];

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

/** The compiler and what it needs to be told; undefined if there is none. */
function compiler(): [file: string, ...told: string[]] | undefined {
	if (zig) return [zig, "cc", "-target", "x86_64-windows-gnu", "-fno-sanitize=all"];
	const mingw = Bun.which(MINGW);
	return mingw === null ? undefined : [mingw];
}

/** The library, built if it is not there yet; undefined if nothing can build it. */
export function standIn(): string | undefined {
	const found = compiler();
	if (found === undefined) return undefined;
	const command = [...found, ...FLAGS];
	const hash = createHash("sha256").update([basename(found[0]), ...command.slice(1)].join(" "));
	for (const source of sources) hash.update(fs.readFileSync(source));
	const folder = join(cache, hash.digest("hex").slice(0, 16));
	const library = join(folder, "standin.dll");
	if (!fs.existsSync(library)) build(command, folder, library);
	return library;
}

function build(command: readonly string[], folder: string, library: string): void {
	fs.mkdirSync(folder, { recursive: true });
	const made = `${library}.${process.pid}`;
	const compiled = sources.filter((name) => name.endsWith(".c"));
	const { exitCode, stderr } = Bun.spawnSync([...command, "-o", made, ...compiled, "-lntdll"], {
		env: {
			...process.env,
			ZIG_LOCAL_CACHE_DIR: join(cache, "zig", "local"),
			ZIG_GLOBAL_CACHE_DIR: join(cache, "zig", "global"),
		},
	});
	if (exitCode !== 0) throw new Error(`the stand-in could not be built:\n${stderr}`);
	fs.renameSync(made, library);
}

if (import.meta.main) console.log(standIn() ?? NO_COMPILER);
