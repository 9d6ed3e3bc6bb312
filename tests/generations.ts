/** Content that says which it is and whether it is whole, for files that others replace meanwhile. */
const HEADER = 20;

/** The content of a generation: of a size of its own, up to 60 KB. */
export function generation(number: number): Buffer {
	const body = Buffer.alloc((number * 7919) % 60_000, `${number} `);
	const header = Buffer.alloc(HEADER);
	header.writeUInt32LE(number, 0);
	header.writeUInt32LE(body.length, 4);
	header.writeBigUInt64LE(BigInt(Bun.hash(body)), 8);
	return Buffer.concat([header, body]);
}

/** Which generation a content is; throws if it is not exactly one of them, whole. */
export function generationOf(content: Buffer): number {
	if (content.length < HEADER) throw new Error(`torn: ${content.length} bytes`);
	const number = content.readUInt32LE(0);
	if (!content.equals(generation(number))) {
		throw new Error(`torn: ${content.length} bytes that begin like generation ${number}`);
	}
	return number;
}
