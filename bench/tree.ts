import fs from "node:fs";
import { join } from "node:path";
import { copyTree, copyTreeSync } from "../src/index.ts";
import { smallFiles } from "./files.ts";
import type { Case, Work } from "./harness.ts";

const DIRECTORIES = 200;
const FILES_IN_EACH = 100;
const FILES = DIRECTORIES * FILES_IN_EACH;

export function* subject(directory: string): Generator<Case> {
	const source = join(directory, "source");
	for (let index = 0; index < DIRECTORIES; index++) {
		const parent = `${index % 10}`;
		smallFiles(join(source, parent, `d${index}`), FILES_IN_EACH, 512);
	}
	const destination = join(directory, "copy");
	const work = (copy: () => unknown): Work => ({
		operations: FILES,
		run: copy,
		clean: () => {
			fs.rmSync(destination, { recursive: true });
		},
	});
	yield {
		name: `copyTreeSync, ${FILES} files (per file)`,
		rounds: 5,
		targets: [{ rival: "fs.cpSync", ratio: 1 }],
		ours: work(() => copyTreeSync(source, destination)),
		rivals: {
			"fs.cpSync": work(() => fs.cpSync(source, destination, { recursive: true })),
		},
	};
	yield {
		name: `await copyTree, ${FILES} files (per file)`,
		rounds: 3,
		targets: [{ rival: "fs.promises.cp", ratio: 5 }],
		ours: work(() => copyTree(source, destination)),
		rivals: {
			"fs.promises.cp": work(() => fs.promises.cp(source, destination, { recursive: true })),
		},
	};
}
