/** What the tables of the macOS part claim, in the terms of Apple's headers. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { functions, names, type Result } from "../../src/sys/darwin/calls.ts";
import { errors } from "../../src/sys/darwin/errno.ts";
import * as layouts from "../../src/sys/darwin/layouts.ts";
import { type Claim, type Headers, layoutClaims } from "./claims.ts";
import { zig } from "./compiler.ts";
import type { Kind, Signature } from "./signatures.ts";

export const targets = ["x86_64-macos", "aarch64-macos"] as const;

const included = [
	...["stddef.h", "errno.h", "fcntl.h", "unistd.h", "dirent.h", "time.h", "stdio.h", "copyfile.h"],
	...["sys/attr.h", "sys/clonefile.h", "sys/event.h", "sys/file.h", "sys/mount.h", "sys/stat.h"],
];

export const headersOf = (target: string): Headers[] => [
	{ target, prologue: included.map((header) => `#include <${header}>`).join("\n") },
];

/** The type of each layout, and what the names of its members begin with. */
const types: Readonly<Record<string, readonly [type: string, prefix: string]>> = {
	stat: ["struct stat", "st_"],
	timespec: ["struct timespec", "tv_"],
	dirent: ["struct dirent", "d_"],
	statfs: ["struct statfs", "f_"],
	flock: ["struct flock", "l_"],
	fstore: ["fstore_t", "fst_"],
	fpunchhole: ["fpunchhole_t", "fp_"],
	radvisory: ["struct radvisory", "ra_"],
	log2phys: ["struct log2phys", "l2p_"],
	attrlist: ["struct attrlist", ""],
	volCapabilitiesAttr: ["vol_capabilities_attr_t", ""],
	kevent: ["struct kevent", ""],
};

function claimsOfLayout(name: string, layout: Readonly<Record<string, number>>): Claim[] {
	const [type, prefix] = types[name] ?? [name, ""];
	// `size` is that of the struct itself.
	const memberOf = (field: string) => (field === "sizeOfFile" ? "size" : field.toLowerCase());
	return layoutClaims(name, layout, type, (field) => prefix + memberOf(field));
}

/** Everything that layouts.ts and errno.ts say. */
export function claims(): Claim[] {
	const ofLayouts = Object.entries(layouts).flatMap(([name, value]): Claim[] =>
		typeof value === "number" ? [[name, name, value]] : claimsOfLayout(name, value),
	);
	return [
		...ofLayouts,
		...Object.entries(errors).map(([name, [value]]): Claim => [name, name, value]),
	];
}

const results: Readonly<Record<Result, Kind>> = { int: "i32", long: "i64", pointer: "pointer" };

/** Every function that calls.ts names. */
export function signatures(): Signature[] {
	return Object.entries(functions).map(([name, { takes, gives }]) => ({
		name,
		gives: results[gives],
		takes,
	}));
}

/** What libSystem has, by architecture, from the list that a linker reads. */
export function symbolsOf(architecture: "x86_64" | "arm64"): ReadonlySet<string> {
	const list = join(dirname(zig ?? ""), "lib/libc/darwin/libSystem.tbd");
	const text = readFileSync(list, "utf8");
	const found = new Set<string>();
	const stanzas = /- targets:\s*\[([^\]]*)\]((?:\s+[a-z-]+:\s*\[[^\]]*\])*)/g;
	for (const [, of = "", lists = ""] of text.matchAll(stanzas)) {
		if (!of.split(",").some((target) => target.trim() === `${architecture}-macos`)) continue;
		for (const [, symbols = ""] of lists.matchAll(/\s(?:weak-)?symbols:\s*\[([^\]]*)\]/g)) {
			// An underscore stands before each name of C.
			for (const symbol of symbols.split(",")) found.add(symbol.trim().replace(/^'?_|'$/g, ""));
		}
	}
	return found;
}

/** The functions that libSystem has not got. */
export function missing(architecture: "x86_64" | "arm64", bound: readonly string[] = names) {
	const symbols = symbolsOf(architecture);
	return bound.filter((name) => !symbols.has(name));
}
