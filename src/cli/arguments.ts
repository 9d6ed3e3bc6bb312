/**
 * The arguments with all of their bytes. The runtime hands them over as text, in which bytes that are
 * not UTF-8 are lost, but names may have any. So such an argument is read where the system shows it
 * and is given to the parser as text with a lone surrogate for each byte that is none: U+DC80 for
 * 0x80 up to U+DCFF for 0xff, which no valid text has. `locationOf` makes bytes of it again.
 */
import { readFileSync } from "../index.ts";
import { UsageError } from "./failure.ts";

const COMMAND_LINE = "/proc/self/cmdline";
const LOST = "\ufffd";
const SURROGATES = 0xdc00;

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The arguments of this process, which the runtime knows as `known`. */
export function exactArguments(known: readonly string[], commandLine = COMMAND_LINE): string[] {
	if (!known.some((text) => text.includes(LOST))) return [...known];
	// What stands before them is the runtime, its own options, and the script.
	const exact = shown(commandLine)?.slice(-known.length);
	const matches = (text: string, at: number) => text.includes(LOST) || text === exact?.[at];
	if (exact?.length === known.length && known.every(matches)) return exact;
	throw new UsageError(
		`an argument is not UTF-8, and ${commandLine}, which has its bytes, cannot be read`,
	);
}

/** What a path given as an argument names. */
export function locationOf(argument: string): string | Uint8Array {
	const pieces = argument.split(/([\udc80-\udcff])/u);
	if (pieces.length === 1) return argument;
	const bytes = pieces.map((piece, at) =>
		at % 2 === 0 ? Buffer.from(piece) : Buffer.of(piece.charCodeAt(0) - SURROGATES),
	);
	return new Uint8Array(Buffer.concat(bytes));
}

/** The arguments as the system shows them, each of which ends with NUL. */
function shown(commandLine: string): string[] | undefined {
	let bytes: Buffer;
	try {
		bytes = Buffer.from(readFileSync(commandLine));
	} catch {
		return undefined;
	}
	const found: string[] = [];
	for (let at = 0; at < bytes.length; ) {
		const end = bytes.indexOf(0, at);
		if (end < 0) return undefined;
		found.push(escaped(bytes.subarray(at, end)));
		at = end + 1;
	}
	return found;
}

function escaped(bytes: Uint8Array): string {
	let text = "";
	for (let at = 0; at < bytes.length; ) {
		const first = bytes[at] as number;
		const length = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
		try {
			text += strict.decode(bytes.subarray(at, at + length));
			at += length;
		} catch {
			text += String.fromCharCode(SURROGATES + first);
			at++;
		}
	}
	return text;
}
