/** Names of systems that have bytes for them: text is UTF-8, and not all bytes are text. */
import type { NameSystem } from "./contract/names.ts";

// A byte order mark is part of a name, and not to be left out.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

export const utf8Names: NameSystem = {
	decode: (name) => decoder.decode(name),
	encode: (name) => encoder.encode(name),
	// Half of a surrogate pair would become U+FFFD, and so another name.
	unfit: (name) =>
		typeof name !== "string" || name.isWellFormed()
			? undefined
			: "a lone surrogate, for which UTF-8 has no bytes",
};
