import fs from "node:fs";
import { join } from "node:path";
import { stat, statMany, statSync } from "../src/index.ts";
import { smallFiles } from "./files.ts";
import type { Case } from "./harness.ts";

const FILES = 5000;

export function* subject(directory: string): Generator<Case> {
	const paths = smallFiles(join(directory, "files"), FILES);
	// What is read of the result, so that none of it can be left out.
	let bytes = 0;

	// A slice per turn: the shorter the turns, the less of the machine's moods is in the ratio.
	const SLICE = 1000;
	let turn = 0;
	const slice = () => {
		const from = (turn++ * SLICE) % FILES;
		return paths.slice(from, from + SLICE);
	};
	yield {
		name: "statSync",
		rounds: 400,
		warmup: 60,
		targets: [{ rival: "fs.statSync", ratio: 1 }],
		ours: oneByOneSync(slice, (path) => {
			bytes += statSync(path).size;
		}),
		rivals: {
			"fs.statSync": oneByOneSync(slice, (path) => {
				bytes += fs.statSync(path).size;
			}),
		},
	};
	yield {
		name: "await stat, one by one",
		rounds: 15,
		warmup: 3,
		targets: [{ rival: "fs.promises.stat", ratio: 5 }],
		ours: {
			operations: FILES,
			run: async () => {
				for (const path of paths) bytes += (await stat(path)).size;
			},
		},
		rivals: {
			"fs.promises.stat": {
				operations: FILES,
				run: async () => {
					for (const path of paths) bytes += (await fs.promises.stat(path)).size;
				},
			},
		},
	};
	yield {
		name: `await stat, ${FILES} at once`,
		rounds: 25,
		warmup: 5,
		ours: {
			operations: FILES,
			run: () => Promise.all(paths.map((path) => stat(path))),
		},
		rivals: {
			"fs.promises.stat": {
				operations: FILES,
				run: () => Promise.all(paths.map((path) => fs.promises.stat(path))),
			},
		},
	};
	yield {
		name: `await statMany of ${FILES}`,
		rounds: 60,
		warmup: 20,
		targets: [{ rival: "fs.promises.stat", ratio: 2 }],
		ours: { operations: FILES, run: () => statMany(paths) },
		rivals: {
			"fs.promises.stat": {
				operations: FILES,
				run: () => Promise.all(paths.map((path) => fs.promises.stat(path))),
			},
		},
	};
	if (bytes === 0) throw new Error("nothing was measured");
}

function oneByOneSync(slice: () => string[], operation: (path: string) => void) {
	let paths: string[] = [];
	return {
		operations: 1000,
		prepare: () => {
			paths = slice();
		},
		run: () => {
			for (const path of paths) operation(path);
		},
	};
}
