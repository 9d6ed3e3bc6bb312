/** Accounts as Windows names them: by SIDs, which are numbers that are written `S-1-5-32-544`. */
import { invalidArgument } from "../../errors.ts";

const MOST_PARTS = 15;
const MOST_PART = 0xffffffff;
const MOST_AUTHORITY = 0xffffffffffffn;

/** The SID that a string names, in bytes. */
export function parseSid(text: string): Uint8Array<ArrayBuffer> {
	const [, authority, rest] = /^S-1-(\d+|0x[\da-f]{12})((?:-\d+)+)$/i.exec(text) ?? [];
	const parts = rest?.slice(1).split("-").map(Number) ?? [];
	const first = authority === undefined ? MOST_AUTHORITY + 1n : BigInt(authority);
	const isSid =
		first <= MOST_AUTHORITY &&
		parts.length <= MOST_PARTS &&
		parts.every((part) => part <= MOST_PART);
	if (!isSid) {
		throw invalidArgument(
			"ERR_INVALID_ARG_VALUE",
			`An account is named by its SID, such as S-1-5-32-544. Received ${JSON.stringify(text)}`,
		);
	}
	const sid = new Uint8Array(8 + parts.length * 4);
	const view = new DataView(sid.buffer);
	view.setUint8(0, 1);
	view.setUint8(1, parts.length);
	view.setUint16(2, Number(first >> 32n));
	view.setUint32(4, Number(first & 0xffffffffn));
	for (const [index, part] of parts.entries()) view.setUint32(8 + index * 4, part, true);
	return sid;
}
