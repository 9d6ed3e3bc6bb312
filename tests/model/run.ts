/** Walks on one filesystem, by every way in which calls reach the kernel. */
import { configureEngine, type EngineOptions, stopEngine } from "../../src/index.ts";
import type { Abilities } from "./abilities.ts";
import { shortTransfers } from "./short.ts";
import { LONGEST, walk } from "./walk.ts";

export const engines = {
	"the defaults": {},
	"ring and workers": { lanes: ["ring", "worker"] },
	"workers alone": { lanes: ["worker"] },
	"no ring": { ring: "none" },
	libc: { kernel: "libc" },
	"short transfers": {},
} as const satisfies Record<string, EngineOptions>;

export type EngineName = keyof typeof engines;

export const engineNames = Object.keys(engines) as EngineName[];

const { FSX_MODEL_SEED } = process.env;

/** What is to be run, and how it is asked for. */
export interface Run {
	/** A directory on the filesystem. */
	readonly root: string;
	readonly abilities: Abilities;
	readonly engine: EngineName;
	readonly operations: number;
	/** The command that does the same, to be given other variables. */
	readonly command: string;
}

/**
 * Walks that come to so many operations, each from a seed of its own: the first from
 * `FSX_MODEL_SEED`, or from any if it is not set.
 */
export async function run({ root, abilities, engine, operations, command }: Run): Promise<void> {
	let seed = Number(FSX_MODEL_SEED ?? crypto.getRandomValues(new Uint32Array(1))[0]);
	// Said at once: a walk that hangs or crashes says nothing any more.
	console.log(`FSX_MODEL_SEED=${seed} ${command} # ${engine}`);
	await stopEngine();
	configureEngine(engines[engine]);
	using _ = engine === "short transfers" ? shortTransfers() : undefined;
	try {
		for (let left = operations; left > 0; left -= LONGEST, seed++) {
			const operations = Math.min(LONGEST, left);
			const all = operations * engineNames.length;
			const repeat = `FSX_MODEL_SEED=${seed} FSX_MODEL_OPERATIONS=${all} ${command} # ${engine}`;
			await walk({ root, abilities, seed, operations, repeat });
		}
	} finally {
		await stopEngine();
		configureEngine({});
	}
}
