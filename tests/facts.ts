/** What the filesystem of a directory does, as tools say that share no code with the library. */
import fs from "node:fs";
import { basename, join } from "node:path";
import { ON_WINDOWS, UNDER_WINE } from "./forms.ts";
import type { Traits } from "./names-walk.ts";
import { output, writeSparse } from "./witnesses.ts";

const MIB = 1024 * 1024;

/** Gives names for files to try something out on, and removes what was made of them. */
function tryOut<T>(directory: string, act: (file: string, other: string) => T): T {
	const names = ["file", "other"].map((name) => join(directory, `tried out on a ${name}`));
	const [file = "", other = ""] = names;
	try {
		return act(file, other);
	} finally {
		for (const name of names) fs.rmSync(name, { force: true });
	}
}

/** The code of the error that node:fs gives. */
function codeOf(act: () => void): string {
	try {
		act();
	} catch (error) {
		return (error as NodeJS.ErrnoException).code ?? String(error);
	}
	throw new Error("it did not fail");
}

/** Whether a tool succeeds; if not, it must say that the filesystem lacks something. */
export function does(lacks: RegExp, ...command: string[]): boolean {
	const { success, stdout, stderr } = Bun.spawnSync(command, {
		env: { ...process.env, LC_ALL: "C" },
	});
	const said = `${stdout}${stderr}`;
	if (success || lacks.test(said)) return success;
	throw new Error(`${command.join(" ")}: ${said}`);
}

const RENAME_EXCHANGE = 2;
const RENAME_WHITEOUT = 4;

/** Whether a name can be given to another with these flags. */
function renames(from: string, to: string, flags: number): boolean {
	const program = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
if libc.renameat2(-100, sys.argv[1].encode(), -100, sys.argv[2].encode(), int(sys.argv[3])) < 0:
    sys.exit(os.strerror(ctypes.get_errno()))`;
	const lacks = /Invalid (argument|cross-device link)/;
	return does(lacks, "python3", "-c", program, from, to, String(flags));
}

/** Whether holes of files are told, or all of a file passes for data (SEEK_HOLE). */
export function tellsHoles(directory: string): boolean {
	return tryOut(directory, (file) => {
		writeSparse(file, 8 * MIB, [[4 * MIB, "middle"]]);
		return output("xfs_io", "-r", "-c", "seek -h 0", file).includes("HOLE\t0\n");
	});
}

/** Whether files can share their blocks. */
export function clones(directory: string): boolean {
	return tryOut(directory, (file, other) => {
		fs.writeFileSync(file, "content");
		return does(/not supported/, "cp", "--reflink=always", file, other);
	});
}

/** Whether there are files without a name (O_TMPFILE). */
export function hasFilesWithoutName(directory: string): boolean {
	if (process.platform !== "linux") return false;
	return does(/not supported/, "xfs_io", "-T", "-c", "quit", directory);
}

/** Whether reads past the page cache must begin at a block. */
export function alignsDirectReads(directory: string): boolean {
	if (ON_WINDOWS) return !UNDER_WINE;
	return tryOut(directory, (file) => {
		fs.writeFileSync(file, Buffer.alloc(8192));
		const from = [`if=${file}`, "bs=4096", "count=1", "skip=1", "iflag=direct,skip_bytes"];
		return !does(/Invalid argument/, "dd", ...from, "of=/dev/null", "status=none");
	});
}

/** Whether the time of a file's birth is known. */
export function knowsBirth(directory: string): boolean {
	return output("stat", "-c", "%W", directory).trim() !== "0";
}

/** Whether symbolic links have attributes of their own, apart from the file they lead to. */
export function linksHaveXattrs(directory: string): boolean {
	return tryOut(directory, (file, link) => {
		fs.writeFileSync(file, "");
		// A relative one: a server that follows the link must not come back to itself.
		fs.symlinkSync(basename(file), link);
		output("setfattr", "-h", "-n", "trusted.link", "-v", "1", link);
		return !output("getfattr", "--absolute-names", "-d", "-m", "-", file).includes("trusted.link");
	});
}

/** What renaming with RENAME_WHITEOUT leaves at the old name; an overlay hides its whiteouts. */
export function whiteoutLeaves(directory: string): "an error" | "a device" | "nothing" {
	return tryOut(directory, (file, other) => {
		fs.writeFileSync(file, "");
		if (!renames(file, other, RENAME_WHITEOUT)) return "an error";
		return fs.existsSync(file) ? "a device" : "nothing";
	});
}

/** What is peculiar about names there. */
export function nameTraits(directory: string): Traits {
	const root = fs.mkdtempSync(join(directory, "tried out "));
	try {
		for (const name of ["empty", "full/inside"]) {
			fs.mkdirSync(join(root, name), { recursive: true });
		}
		const longestName = Number(output("getconf", "NAME_MAX", root));
		const longer = codeOf(() => fs.lstatSync(join(root, "n".repeat(longestName + 1))));
		const full = codeOf(() => fs.renameSync(join(root, "empty"), join(root, "full")));
		const countsSubdirectories = fs.statSync(root).nlink === 4;
		// fuse-overlayfs has trouble with names that link has made.
		fs.writeFileSync(join(root, "file"), "");
		fs.linkSync(join(root, "file"), join(root, "link"));
		const exchangesKinds = renames(join(root, "empty"), join(root, "link"), RENAME_EXCHANGE);
		return { longestName, longer, full, countsSubdirectories, exchangesKinds } as Traits;
	} finally {
		fs.rmSync(root, { recursive: true });
	}
}
