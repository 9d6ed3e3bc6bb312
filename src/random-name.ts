const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";

/** Letters and digits by chance: 36 to the power of `length` of them. */
export function randomName(length: number): string {
	const bytes = crypto.getRandomValues(new Uint8Array(length));
	return Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join("");
}
