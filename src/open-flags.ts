import { invalidArgument } from "./errors.ts";
import { checkedInteger } from "./location.ts";
import { inspected } from "./received.ts";
import type { OpenHow } from "./sys/system.ts";

/** Node's names for ways to open a file. */
export type OpenFlags =
	| ("r" | "rs" | "sr" | "r+" | "rs+" | "sr+")
	| ("w" | "wx" | "xw" | "w+" | "wx+" | "xw+")
	| ("a" | "ax" | "xa" | "as" | "sa" | "a+" | "ax+" | "xa+" | "as+" | "sa+");

const plainFlags: Readonly<Record<string, OpenHow>> = {
	r: { read: true },
	"r+": { read: true, write: true },
	w: { write: true, create: true, truncate: true },
	"w+": { read: true, write: true, create: true, truncate: true },
	a: { write: true, append: true, create: true },
	"a+": { read: true, write: true, append: true, create: true },
};
/** The letters that Node lets stand beside the first, on either side of it. */
const flagLetters = /^(?:r|rs|sr|w|wx|xw|a|ax|xa|as|sa)\+?$/;

/** The flags of `node:fs` that have a meaning here. */
function flagBits(): readonly (readonly [bits: number | undefined, meaning: OpenHow])[] {
	// Loaded only for those who give numbers: it takes longer than half of this library does.
	const { constants } = require("node:fs") as typeof import("node:fs");
	return [
		[constants.O_APPEND, { append: true }],
		[constants.O_CREAT, { create: true }],
		[constants.O_EXCL, { exclusive: true }],
		[constants.O_TRUNC, { truncate: true }],
		[constants.O_DIRECTORY, { directory: true }],
		[constants.O_NOFOLLOW, { noFollow: true }],
		[constants.O_DIRECT, { direct: true }],
		[constants.O_SYNC, { synchronous: "full" }],
		[constants.O_DSYNC, { synchronous: "data" }],
		[constants.O_NONBLOCK, { nonBlocking: true }],
		[constants.O_NOATIME, { noAtime: true }],
	];
}

/** The lower two bits, the same on every system: read only, write only, both. */
const ACCESS = 3;
const WRITE_ONLY = 1;

/** What Node's flags ask for. */
export function howOf(flags: OpenFlags | number): OpenHow {
	if (typeof flags === "number") return howOfBits(flags);
	const letters = typeof flags === "string" && flagLetters.test(flags) ? flags : "";
	const plain = plainFlags[letters.replace(/[xs]/, "")];
	if (plain === undefined) {
		throw invalidArgument(
			"ERR_INVALID_ARG_VALUE",
			`The "flags" argument must be one of Node's open flags. Received ${inspected(flags)}`,
		);
	}
	if (letters.includes("s")) return { ...plain, synchronous: "full" };
	return letters.includes("x") ? { ...plain, exclusive: true } : plain;
}

/** A number with any other bit is refused. */
function howOfBits(flags: number): OpenHow {
	let rest = checkedInteger(flags, "flags", 0, 0x7fffffff);
	const access = rest & ACCESS;
	rest &= ~ACCESS;
	let how: OpenHow = { read: access !== WRITE_ONLY, write: access !== 0 };
	for (const [bits, meaning] of flagBits()) {
		// Windows has not all of them; O_SYNC contains O_DSYNC and stands before it.
		if (!bits || (rest & bits) !== bits) continue;
		how = { ...how, ...meaning };
		rest &= ~bits;
	}
	if (rest === 0 && access !== ACCESS) return how;
	throw invalidArgument(
		"ERR_INVALID_ARG_VALUE",
		`The "flags" argument has bits that mean nothing here: 0x${(rest || access).toString(16)}`,
	);
}
