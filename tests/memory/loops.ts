/** What kinds of operations are made of: loops, and files for them to work on. */
import fs from "node:fs";
import { join } from "node:path";
import * as fsx from "../../src/index.ts";

/** Makes `count` operations. */
export type Loop = (count: number) => void | Promise<void>;

export interface Kind {
	/** Which lane promise forms are to use alone; undefined for all of them. */
	readonly lane?: "immediate" | "ring" | "worker";
	/** Calls that are enough however quick they are, and those that there must be however slow. */
	readonly most: number;
	readonly least: number;
	/** Where the JavaScript of it runs. */
	readonly threads: "alone" | "withWorkers";
	/** In an empty directory in memory, which is also where the process is. */
	begin(): Loop | Promise<Loop>;
}

const MILLION = 1_000_000;
export const cheap = { most: MILLION, least: MILLION };
/** Those that take long: as many as there is time for. */
export const costly = { most: MILLION, least: 20_000 };
export const heavy = { most: 20_000, least: 500 };

/** Promise forms under way at the same time. */
export const AT_ONCE = 64;

export function content(name = "file"): string {
	fs.writeFileSync(name, Buffer.alloc(4096, "0123456789abcdef"));
	return name;
}

export function sync(
	begin: () => (index: number) => unknown,
	size: Pick<Kind, "most" | "least"> = cheap,
	operations = 1,
): Kind {
	return {
		...size,
		threads: "alone",
		begin() {
			const act = begin();
			return (count) => {
				for (let index = 0; index < count; index += operations) act(index);
			};
		},
	};
}

/** Two operations, of which the second undoes the first. */
export function pair(begin: () => (index: number) => unknown, size = cheap): Kind {
	return sync(begin, size, 2);
}

export function fails(operation: () => unknown, code: string): void {
	try {
		operation();
	} catch (error) {
		if ((error as { code?: string }).code === code) return;
		throw error;
	}
	throw new Error(`no ${code}`);
}

/** What is there on some filesystems only: either way it must leave no memory behind. */
export function mayLack(operation: () => unknown): void {
	try {
		operation();
	} catch (error) {
		if ((error as { code?: string }).code !== "ENOTSUP") throw error;
	}
}

export const flags = "r+";

export function opened(): fsx.File {
	return fsx.openSync(content(), flags);
}

/** Two trees of the same few files. */
export function trees(): [string, string] {
	for (const root of ["tree", "twin"]) {
		fs.mkdirSync(join(root, "below"), { recursive: true });
		for (const name of ["one", "two", "below/three"]) content(join(root, name));
		for (const name of ["one", "two", "below/three", "below", "."]) {
			fs.utimesSync(join(root, name), 1, 1);
		}
	}
	return ["tree", "twin"];
}
