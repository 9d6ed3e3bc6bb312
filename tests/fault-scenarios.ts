/** What copies and writes are tried on when their calls fail, and what is to be seen afterwards. */
import { dlopen } from "bun:ffi";
import { expect } from "bun:test";
import fs from "node:fs";
import type { Call } from "../src/engine/call.ts";
import { once } from "../src/engine/once.ts";
import type { CopyFileOptions, CopyReport, WriteFileOptions } from "../src/index.ts";
import { errnoTable } from "../src/sys/linux/errno.ts";
import { O } from "../src/sys/linux/layouts.ts";
import type { Forms, Given } from "./forms.ts";
import type { CallName } from "./interposed.ts";
import { output, pattern, writeSparse } from "./witnesses.ts";

const KiB = 1024;
/** What a report calls the attribute that sources have. */
export const ATTRIBUTE = "xattr user.name";
/** When the sources were written last; copies that do not keep that have other times. */
const SOURCE_SECONDS = 5000n;

/** Loaded by those who ask: files that run elsewhere, too, have something from here. */
const libc = once(
	() =>
		dlopen("libc.so.6", {
			getxattr: { args: ["buffer", "buffer", "buffer", "u64"], returns: "i64" },
		}).symbols,
);
const value = Buffer.alloc(64);
const asRoot = process.getuid?.() === 0;

/** What a system lacks: the code with which it refuses a call that has these flags. */
export type Lacking = (name: CallName, flags: number) => string | undefined;

interface Setting {
	readonly source: "large" | "small" | "empty" | "sparse";
	/** What the name has before; a link leads to `target`. */
	readonly there: "nothing" | "file" | "link";
	readonly lacking?: Lacking;
	/** The code with which it ends though nothing goes wrong. */
	readonly refused?: string;
	/** Whether the file is written over where it is, so that what was written by then remains. */
	readonly inPlace?: boolean;
}

/** One copy or write, whose calls are going to fail. */
export interface Scenario extends Setting {
	readonly title: string;
	readonly isCopy: boolean;
	/** Whether nothing may be replaced, and nothing is there at first. */
	readonly mustBeNew: boolean;
	/** Whether all is to be on the disk when it has ended. */
	readonly synced: boolean;
	readonly act: (fsx: Forms, from: string, to: string) => Promise<CopyReport | undefined>;
	/** The names that its errors have: `path` and `dest`. */
	readonly names: (from: string, to: string) => [path: string, dest: string | undefined];
}

const copy = (title: string, setting: Setting, options: CopyFileOptions = {}): Scenario => ({
	...setting,
	title: `copy ${title}`,
	isCopy: true,
	mustBeNew: options.overwrite === false && setting.there === "nothing",
	synced: options.sync === true,
	act: (fsx, from, to) => fsx.copyFile(from, to, options),
	names: (from, to) => [from, to],
});

const write = (title: string, setting: Setting, options: WriteFileOptions = {}): Scenario => ({
	...setting,
	title: `write ${title}`,
	isCopy: false,
	mustBeNew: false,
	synced: options.sync === true,
	act: async (fsx, from, to) => {
		await fsx.writeFile(to, fs.readFileSync(from), options);
		return undefined;
	},
	names: (_from, to) => [to, undefined],
});

/** As servers and FAT are. */
const namelessFiles: Lacking = (name, flags) =>
	name === "openat" && (flags & O.O_TMPFILE) === O.O_TMPFILE ? "ENOTSUP" : undefined;
const kernelCopies: Lacking = (name) =>
	name === "copy_file_range" || name === "ioctl" ? "ENOTSUP" : undefined;
/** Before Linux 6.10 a file is named by its descriptor with a privilege only, and else through /proc. */
const proc: Lacking = (name, flags) =>
	(name === "linkat" && flags !== 0) || name === "faccessat" ? "ENOENT" : undefined;

const all = { preserve: "all" } as const;
const named = {
	preserve: { mode: true, times: true, owner: asRoot, xattrs: true, acl: true },
};

export const scenarios: readonly Scenario[] = [
	copy("to a new name", { source: "large", there: "nothing" }),
	copy("over a file", { source: "large", there: "file" }, all),
	copy("through a link", { source: "small", there: "link" }, named),
	copy("with its holes", { source: "sparse", there: "file" }, named),
	copy("with its holes filled", { source: "sparse", there: "nothing" }, { holes: "fill" }),
	copy("with holes found", { source: "sparse", there: "file" }, { holes: "detect" }),
	copy("of an empty file", { source: "empty", there: "file" }),
	copy("by reading", { source: "large", there: "file" }, { reflink: "never" }),
	copy("by reading, at last", { source: "sparse", there: "nothing", lacking: kernelCopies }),
	copy(
		"compared, and put on the disk",
		{ source: "large", there: "file" },
		{ verify: true, sync: true, preserve: { times: true } },
	),
	copy("over nothing", { source: "small", there: "nothing" }, { overwrite: false, sync: true }),
	copy("refused", { source: "small", there: "file", refused: "EEXIST" }, { overwrite: false }),
	copy("over what is older", { source: "small", there: "file" }, { overwrite: "newer" }),
	copy("of the content alone", { source: "small", there: "file" }, { preserve: "none" }),
	copy("in place", { source: "large", there: "file", inPlace: true }, { atomic: false, ...named }),
	copy(
		"under its name",
		{ source: "sparse", there: "nothing" },
		{ atomic: false, ...all, sync: true },
	),
	copy(
		"to a new name, without nameless files",
		{ source: "large", there: "nothing", lacking: namelessFiles },
		all,
	),
	copy(
		"over a file, without nameless files",
		{ source: "sparse", there: "file", lacking: namelessFiles },
		{ ...named, sync: true },
	),
	copy(
		"over nothing, without nameless files",
		{ source: "small", there: "nothing", lacking: namelessFiles },
		{ overwrite: false },
	),
	copy("over a file, without /proc", { source: "small", there: "file", lacking: proc }),
	write("over a file", { source: "large", there: "file" }, { atomic: true }),
	write(
		"to a new name",
		{ source: "small", there: "nothing" },
		{ atomic: true, mode: 0o640, sync: true },
	),
	write("through a link", { source: "small", there: "link" }, { atomic: true, sync: true }),
	write(
		"over a file, without nameless files",
		{ source: "large", there: "file", lacking: namelessFiles },
		{ atomic: true },
	),
	write(
		"to a new name, without /proc",
		{ source: "small", there: "nothing", lacking: proc },
		{ atomic: true },
	),
	write("in place", { source: "large", there: "file", inPlace: true }, { sync: true }),
	write("under its name", { source: "small", there: "nothing", inPlace: true }),
];

export function errno(code: string): number {
	for (const [number, [name]] of errnoTable) if (name === code) return -number;
	throw new Error(`no errno is called ${code}`);
}

/** The result of a call that the system of a scenario lacks. */
export function refusal({ lacking }: Scenario, name: CallName, call: Call): number | undefined {
	const code = lacking?.(name, name === "linkat" ? call.e : call.c);
	return code === undefined ? undefined : errno(code);
}

/** What copies keep, by the names that reports have for it. */
type Looks = Readonly<
	Record<"owner" | "mode" | "size" | "times" | typeof ATTRIBUTE, string | undefined>
>;

/** A file as anybody can see it. */
export interface Seen {
	readonly ino: bigint;
	readonly content: Buffer;
	readonly looks: Looks;
	/** Times and number of names: what changes with anything that is done to the file. */
	readonly touched: string;
}

export function seen(path: string): Seen | undefined {
	const stat = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
	if (stat === undefined) return undefined;
	const { ino, mode, uid, gid, size, nlink, mtimeNs, ctimeNs } = stat;
	return {
		ino,
		content: fs.readFileSync(path),
		looks: {
			owner: [uid, gid].join(),
			mode: mode.toString(8),
			size: size.toString(),
			times: mtimeNs === SOURCE_SECONDS * 1_000_000_000n ? "those of the source" : "others",
			[ATTRIBUTE]: attributeOf(path),
		},
		touched: [nlink, mtimeNs, ctimeNs].join(),
	};
}

/** The value of the attribute that sources have. */
function attributeOf(path: string): string | undefined {
	const name = Buffer.from("user.name\0");
	const length = libc().getxattr(Buffer.from(`${path}\0`), name, value, BigInt(value.length));
	return length < 0 ? undefined : value.toString("latin1", 0, Number(length));
}

/** Whether a file has what another has, but for what could not be kept. */
function isLike(a: Looks | undefined, b: Looks | undefined, notPreserved: readonly string[]) {
	if (a === undefined || b === undefined) return a === b;
	const names = Object.keys(a) as (keyof Looks)[];
	return names.every((name) => a[name] === b[name] || notPreserved.includes(name));
}

export function makeSources({ path }: Given): void {
	fs.writeFileSync(path("large"), pattern(300 * KiB));
	fs.writeFileSync(path("small"), pattern(100));
	fs.writeFileSync(path("empty"), "");
	writeSparse(path("sparse"), 600 * KiB, [
		[40 * KiB, "x".repeat(5000)],
		[200 * KiB, "y".repeat(300 * KiB)],
	]);
	for (const name of ["large", "small", "empty", "sparse"]) {
		output("setfattr", "-n", "user.name", "-v", name, path(name));
		fs.chmodSync(path(name), 0o751);
		if (asRoot) fs.chownSync(path(name), 1001, 1002);
		fs.utimesSync(path(name), 1000, Number(SOURCE_SECONDS));
	}
}

/** The file that a scenario is about. */
export const subjectOf = ({ path }: Given, { there }: Scenario) =>
	path(there === "link" ? "target" : "to");

/** Puts things as they are to be before a run; most runs leave them so. */
export function restore(
	given: Given,
	scenario: Scenario,
	before: Seen | undefined,
): Seen | undefined {
	const subject = subjectOf(given, scenario);
	const now = seen(subject);
	if (before !== undefined && isUntouched(now, before)) return now;
	fs.rmSync(subject, { force: true });
	if (scenario.there === "nothing") return undefined;
	fs.writeFileSync(subject, "old content, and not much of it");
	fs.chmodSync(subject, 0o604);
	fs.utimesSync(subject, 1, 2);
	if (asRoot) fs.chownSync(subject, 1003, 1004);
	if (scenario.there === "link") {
		fs.rmSync(given.path("to"), { force: true });
		fs.symlinkSync("target", given.path("to"));
	}
	return seen(subject);
}

export function isUntouched(now: Seen | undefined, before: Seen | undefined): boolean {
	const isSame = now?.ino === before?.ino && now?.touched === before?.touched;
	return isSame && isLike(now?.looks, before?.looks, []);
}

const sources = ["empty", "large", "small", "sparse"];
const none = Buffer.alloc(0);

/** What a run should have come to. */
export interface Expected {
	readonly before: Seen | undefined;
	/** What a run without faults makes. */
	readonly whole: Seen | undefined;
	readonly done: boolean;
	/** Metadata that the run could not keep, and said so. */
	readonly notPreserved: readonly string[];
}

/** Fails unless the directory holds what it should and nothing else. */
export function checkNames(given: Given, { there }: Scenario, what: string): void {
	const names = [...sources];
	if (there === "link") names.push("target", "to");
	else if (fs.existsSync(given.path("to"))) names.push("to");
	expect([what, fs.readdirSync(given.directory).sort()]).toEqual([what, names.sort()]);
}

/** Fails unless the subject is the old file, untouched, or the new one, whole. */
export function checkSubject(
	given: Given,
	scenario: Scenario,
	what: string,
	{ before, whole, done, notPreserved }: Expected,
): void {
	const after = seen(subjectOf(given, scenario));
	const content = after?.content ?? none;
	const looksNew = isLike(after?.looks, whole?.looks, notPreserved);
	const isNew = looksNew && content.equals(whole?.content ?? none);
	const state = isUntouched(after, before) ? "old" : isNew ? "new" : "neither";
	if (done) {
		expect([what, state]).toEqual([what, scenario.refused === undefined ? "new" : "old"]);
	} else if (scenario.inPlace && state === "neither") {
		// What has been written by then is the beginning of the new content.
		expect([what, whole?.content.indexOf(content)]).toEqual([what, 0]);
	} else {
		expect([what, state]).toBeOneOf([
			[what, "old"],
			[what, "new"],
		]);
	}
}
