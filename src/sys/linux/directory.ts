import type { DirectoryRecord, DirectorySystem } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { checked } from "./failure.ts";
import { AT_REMOVEDIR, dirent } from "./layouts.ts";
import { at } from "./path.ts";
import { kindOf } from "./statx.ts";

/** Bytes asked for at once: about a thousand entries. */
const LISTING_SIZE = 32 * 1024;
const DOT = 0x2e;

export const directory: DirectorySystem = {
	*read(scope, handle) {
		const listing = scope.memory.reserve(LISTING_SIZE);
		for (;;) {
			const call = sys(nr.getdents64, handle, listing.address, LISTING_SIZE);
			const length = checked(yield call, "scandir");
			const records = parse(listing.copy(0, length));
			// A batch of nothing but `.` and `..` is not the end.
			if (records.length > 0 || length === 0) return records;
		}
	},

	*mkdir(scope, place, mode) {
		const result = yield* at(scope, place, "entry", "mkdir", (dirfd, path) =>
			sys(nr.mkdirat, dirfd, path, mode),
		);
		checked(result, "mkdir", place);
	},

	*rmdir(scope, place) {
		const result = yield* at(scope, place, "entry", "rmdir", (dirfd, path) =>
			sys(nr.unlinkat, dirfd, path, AT_REMOVEDIR),
		);
		checked(result, "rmdir", place);
	},

	*unlink(scope, place) {
		const result = yield* at(scope, place, "entry", "unlink", (dirfd, path) =>
			sys(nr.unlinkat, dirfd, path, 0),
		);
		checked(result, "unlink", place);
	},
};

function parse(bytes: Uint8Array<ArrayBuffer>): DirectoryRecord[] {
	const view = new DataView(bytes.buffer);
	const records: DirectoryRecord[] = [];
	for (let at = 0; at < bytes.length; ) {
		const length = view.getUint16(at + dirent.recordLength, true);
		const start = at + dirent.name;
		const name = bytes.subarray(start, bytes.indexOf(0, start));
		const type = bytes[at + dirent.type] as number;
		if (!isDots(name)) {
			records.push({
				name,
				kind: type === 0 ? undefined : kindOf(type),
				ino: view.getBigUint64(at + dirent.inode, true),
			});
		}
		at += length;
	}
	return records;
}

function isDots(name: Uint8Array): boolean {
	return name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT));
}
