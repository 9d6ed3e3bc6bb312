/** What system tools say about files: second opinions that share no code with the library. */
import fs from "node:fs";

/** Runs a tool; throws with what it printed if it fails. */
export function output(...command: string[]): string {
	const { success, stdout, stderr } = Bun.spawnSync(command);
	if (!success) throw new Error(`${command.join(" ")}: ${stdout}${stderr}`);
	return stdout.toString();
}

/** Whether two files have the same content, by cmp(1), or by node:fs where there is none. */
export function same(a: string, b: string): boolean {
	if (process.platform === "win32") return fs.readFileSync(a).equals(fs.readFileSync(b));
	return Bun.spawnSync(["cmp", "-s", a, b]).success;
}

/** Where data and holes begin in a file, by xfs_io(8), which works on any filesystem. */
export function holesOf(file: string): string {
	const lines = output("xfs_io", "-r", "-c", "seek -a -r 0", file).trim().split("\n");
	return lines.filter((line) => /^(DATA|HOLE)/.test(line)).join(" ");
}

/** Whether a file shares blocks with another, by filefrag(8). */
export function sharesBlocks(file: string): boolean {
	return output("filefrag", "-s", "-v", file).includes("shared");
}

/** Bytes that a file takes up. */
export function allocated(file: string): number {
	return fs.statSync(file).blocks * 512;
}

/** A file with holes between pieces of data, which need not begin where blocks do. */
export function writeSparse(file: string, size: number, data: [at: number, text: string][]): void {
	const fd = fs.openSync(file, "w");
	for (const [at, text] of data) fs.writeSync(fd, text, at);
	fs.ftruncateSync(fd, size);
	fs.fsyncSync(fd);
	fs.closeSync(fd);
}

/** Bytes in which every stretch is different from every other. */
export function pattern(length: number): Buffer {
	const bytes = Buffer.alloc(length);
	for (let i = 0; i + 4 <= length; i += 4) bytes.writeUInt32LE((i * 2654435761) >>> 0, i);
	for (let i = length & ~3; i < length; i++) bytes[i] = i | 1;
	return bytes;
}

/** Whether the system tells which files are open; elsewhere cases go without. */
export const SEES_OPEN = process.platform === "win32" || fs.existsSync("/proc/self/fd");

/** How many descriptors of this process are of a directory or of something in it. */
export function openIn(directory: string): number {
	if (process.platform === "win32") {
		const { openPaths } = require("./open-handles.ts") as typeof import("./open-handles.ts");
		const there = fs.realpathSync.native(directory).toLowerCase();
		const all = openPaths().map((name) => name.toLowerCase());
		return all.filter((name) => name === there || name.startsWith(`${there}\\`)).length;
	}
	const names = fs.readdirSync("/proc/self/fd").map((fd) => {
		try {
			return fs.readlinkSync(`/proc/self/fd/${fd}`);
		} catch {
			return ""; // Closed since, or the listing itself.
		}
	});
	return names.filter((name) => name === directory || name.startsWith(`${directory}/`)).length;
}
