import fs from "node:fs";
import { join } from "node:path";
import { copyFile, copyFileSync } from "../src/index.ts";
import type { Case, Work } from "./harness.ts";

const MIB = 1024 * 1024;

export function* subject(directory: string): Generator<Case> {
	const small = join(directory, "small");
	fs.writeFileSync(small, new Uint8Array(4096).fill(0x61));
	yield* copies("4 KiB", small, { operations: 200, rounds: 25 });
	fs.rmSync(small);

	const dense = join(directory, "dense");
	fs.writeFileSync(dense, new Uint8Array(64 * MIB).fill(0x61));
	yield* copies("64 MiB", dense, { operations: 1, rounds: 7 });
	fs.rmSync(dense);

	// A little data at both ends and in the middle, and holes between.
	const sparse = join(directory, "sparse");
	const fd = fs.openSync(sparse, "w");
	for (const at of [0, 512 * MIB, 1024 * MIB - 4096]) {
		fs.writeSync(fd, new Uint8Array(4096).fill(0x61), 0, 4096, at);
	}
	fs.closeSync(fd);
	yield* copies("1 GiB sparse", sparse, { operations: 1, rounds: 3 });
	fs.rmSync(sparse);
}

/** Both forms, each into fresh names that are removed outside the timed part. */
function* copies(
	what: string,
	source: string,
	{ operations, rounds }: { operations: number; rounds: number },
): Generator<Case> {
	const names = Array.from({ length: operations }, (_, index) => `${source}.copy${index}`);
	const clean = () => {
		for (const name of names) fs.rmSync(name);
	};
	const sync = (copy: (from: string, to: string) => unknown): Work => ({
		operations,
		clean,
		run: () => {
			for (const name of names) copy(source, name);
		},
	});
	const promised = (copy: (from: string, to: string) => Promise<unknown>): Work => ({
		operations,
		clean,
		run: async () => {
			for (const name of names) await copy(source, name);
		},
	});
	yield {
		name: `copyFileSync, ${what}`,
		rounds,
		ours: sync((from, to) => copyFileSync(from, to)),
		rivals: { "fs.copyFileSync": sync((from, to) => fs.copyFileSync(from, to)) },
	};
	yield {
		name: `await copyFile, ${what}`,
		rounds,
		ours: promised((from, to) => copyFile(from, to)),
		rivals: { "fs.promises.copyFile": promised((from, to) => fs.promises.copyFile(from, to)) },
	};
}
