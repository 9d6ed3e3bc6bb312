import fs from "node:fs";
import { join } from "node:path";
import { readFile, readFileSync } from "../src/index.ts";
import { smallFiles } from "./files.ts";
import type { Case, Work } from "./harness.ts";

const FILES = 1000;

export function* subject(directory: string): Generator<Case> {
	const paths = smallFiles(join(directory, "files"), FILES);
	// What is read of the result, so that none of it can be left out.
	let bytes = 0;
	const oneByOne = (read: (path: string) => Promise<Uint8Array>): Work => ({
		operations: FILES,
		run: async () => {
			for (const path of paths) bytes += (await read(path)).length;
		},
	});
	const oneByOneSync = (read: (path: string) => Uint8Array): Work => ({
		operations: FILES,
		run: () => {
			for (const path of paths) bytes += read(path).length;
		},
	});
	yield {
		name: "await readFile, 4 KiB, one by one",
		rounds: 40,
		warmup: 8,
		targets: [{ rival: "fs.promises.readFile", ratio: 4 }],
		ours: oneByOne((path) => readFile(path)),
		rivals: {
			"fs.promises.readFile": oneByOne((path) => fs.promises.readFile(path)),
			"Bun.file().bytes": oneByOne((path) => Bun.file(path).bytes()),
		},
	};
	yield {
		name: "readFileSync, 4 KiB",
		rounds: 150,
		warmup: 30,
		ours: oneByOneSync((path) => readFileSync(path)),
		rivals: { "fs.readFileSync": oneByOneSync((path) => fs.readFileSync(path)) },
	};
	if (bytes === 0) throw new Error("nothing was measured");
}
