/**
 * Names on Windows are 16-bit units, and not all of them are text: half of a surrogate pair may stand
 * alone. As bytes they are WTF-8, which is UTF-8 that writes such a half as if it were a character.
 */
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The same name as a string, whose units are those that the system is given. */
export function unitsOf(name: string | Uint8Array): string {
	if (typeof name === "string") return name;
	return holdsHalves(name) ? decodeHalves(name) : decoder.decode(name);
}

export function bytesOf(name: string): Uint8Array<ArrayBuffer> {
	return name.isWellFormed() ? encoder.encode(name) : encodeHalves(name);
}

/** What bytes have in them that no name here can have; shown all the same, it would be another name. */
export function unfit(name: string | Uint8Array): string | undefined {
	if (typeof name === "string") return undefined;
	return Buffer.compare(name, bytesOf(unitsOf(name))) === 0
		? undefined
		: "bytes that are not UTF-8";
}

const goesOn = (byte: number) => (byte & 0xc0) === 0x80;
const isHalf = (first: number, second: number, third: number) =>
	first === 0xed && second >= 0xa0 && goesOn(second) && goesOn(third);

function holdsHalves(bytes: Uint8Array): boolean {
	for (let at = bytes.indexOf(0xed); at >= 0; at = bytes.indexOf(0xed, at + 1)) {
		if (isHalf(0xed, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0)) return true;
	}
	return false;
}

function decodeHalves(bytes: Uint8Array): string {
	let name = "";
	let from = 0;
	for (let at = 0; at + 2 < bytes.length; at++) {
		const [first = 0, second = 0, third = 0] = bytes.subarray(at, at + 3);
		if (!isHalf(first, second, third)) continue;
		name += decoder.decode(bytes.subarray(from, at));
		name += String.fromCharCode(0xd000 | ((second & 0x3f) << 6) | (third & 0x3f));
		from = at + 3;
		at += 2;
	}
	return name + decoder.decode(bytes.subarray(from));
}

function encodeHalves(name: string): Uint8Array<ArrayBuffer> {
	const parts: Uint8Array[] = [];
	for (const character of name) {
		const unit = character.charCodeAt(0);
		const alone = character.length === 1 && unit >= 0xd800 && unit <= 0xdfff;
		parts.push(
			alone
				? Uint8Array.of(0xed, 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f))
				: encoder.encode(character),
		);
	}
	return new Uint8Array(Buffer.concat(parts));
}
