import { schemas, type Zod } from "./options.ts";
import { system } from "./sys/index.ts";

/** How names and values come back: as text, or as the bytes that they are. */
export type Encoding = "utf8" | "buffer";

/** The schema of an `encoding` option. */
export const encodingSchema = (z: Zod) => schemas.choice(z, "utf8", "buffer");

// A byte order mark is part of a value, and not to be left out.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const strict = new TextDecoder("utf-8", { fatal: true });

/** Whether bytes as text are still all that they were. */
export function isUtf8(bytes: Uint8Array): boolean {
	try {
		strict.decode(bytes);
		return true;
	} catch {
		return false;
	}
}

/** Bytes as text; what is not UTF-8 is shown with replacement characters. */
export function textOf(bytes: Uint8Array): string {
	return decoder.decode(bytes);
}

/** A name as text: as the system writes names, which need not be UTF-8. */
export function nameOf(bytes: Uint8Array): string {
	return system.names.decode(bytes);
}
