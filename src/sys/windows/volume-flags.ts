/**
 * What a volume says that it can do. Nothing has to be tried out, so nothing is made or written where
 * somebody only asks.
 */
import type { Capability } from "../system.ts";
import {
	FILE_CASE_SENSITIVE_SEARCH,
	FILE_FILE_COMPRESSION,
	FILE_NAMED_STREAMS,
	FILE_PERSISTENT_ACLS,
	FILE_READ_ONLY_VOLUME,
	FILE_SUPPORTS_BLOCK_REFCOUNTING,
	FILE_SUPPORTS_ENCRYPTION,
	FILE_SUPPORTS_HARD_LINKS,
	FILE_SUPPORTS_POSIX_UNLINK_RENAME,
	FILE_SUPPORTS_REPARSE_POINTS,
	FILE_SUPPORTS_SPARSE_FILES,
	FILE_UNICODE_ON_DISK,
} from "./layouts.ts";

/** Each property, the flag that says so, and what to know about it. */
const properties: readonly (readonly [
	name: string,
	flag: Readonly<Record<string, number>>,
	note?: string,
])[] = [
	["reflinks", { FILE_SUPPORTS_BLOCK_REFCOUNTING }],
	["holes", { FILE_SUPPORTS_SPARSE_FILES }],
	["punching of holes", { FILE_SUPPORTS_SPARSE_FILES }],
	["hard links", { FILE_SUPPORTS_HARD_LINKS }],
	[
		"symbolic links",
		{ FILE_SUPPORTS_REPARSE_POINTS },
		"making them takes developer mode or the right to create symbolic links; junctions do not",
	],
	["junctions", { FILE_SUPPORTS_REPARSE_POINTS }],
	["xattrs", { FILE_NAMED_STREAMS }],
	["access control lists", { FILE_PERSISTENT_ACLS }],
	["compression", { FILE_FILE_COMPRESSION }],
	["encryption", { FILE_SUPPORTS_ENCRYPTION }],
	["rename and delete of files that are open", { FILE_SUPPORTS_POSIX_UNLINK_RENAME }],
	["names that differ in case alone", { FILE_CASE_SENSITIVE_SEARCH }],
	[
		"names that are not UTF-8",
		{ FILE_UNICODE_ON_DISK },
		"half of a surrogate pair, standing alone",
	],
];

function described(
	flags: number,
	type: string,
	[name, flag, note]: (typeof properties)[number],
): Capability {
	const [[by, bit] = ["", 0]] = Object.entries(flag);
	const supported = (flags & bit) !== 0;
	if (!supported) note = `${type} does not say so of this volume`;
	return { name, of: "filesystem", supported, by, ...(note !== undefined && { note }) };
}

/** The capabilities of a volume, by its flags. */
export function saidBy(flags: number, type: string): Capability[] {
	const readOnly = (flags & FILE_READ_ONLY_VOLUME) !== 0;
	return [
		{
			name: "writing",
			of: "filesystem",
			supported: !readOnly,
			by: "FILE_READ_ONLY_VOLUME",
			...(readOnly && { note: "the volume is read-only" }),
		},
		{
			name: "files without a name",
			of: "filesystem",
			supported: false,
			note: "Windows has none",
		},
		...properties.map((property) => described(flags, type, property)),
	];
}
