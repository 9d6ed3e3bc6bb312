import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** So many files of `size` bytes in a new directory, and their paths. */
export function smallFiles(directory: string, count: number, size = 4096): string[] {
	mkdirSync(directory, { recursive: true });
	const content = new Uint8Array(size).fill(0x61);
	return Array.from({ length: count }, (_, index) => {
		const path = join(directory, `f${index}`);
		writeFileSync(path, content);
		return path;
	});
}
