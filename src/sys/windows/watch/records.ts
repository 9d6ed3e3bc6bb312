/** What the system says of changes in a directory. */

import type { WatchHow } from "../../system.ts";
import {
	FILE_NOTIFY_CHANGE_ATTRIBUTES,
	FILE_NOTIFY_CHANGE_CREATION,
	FILE_NOTIFY_CHANGE_DIR_NAME,
	FILE_NOTIFY_CHANGE_FILE_NAME,
	FILE_NOTIFY_CHANGE_LAST_WRITE,
	FILE_NOTIFY_CHANGE_SECURITY,
	FILE_NOTIFY_CHANGE_SIZE,
	fileNotifyInformation,
} from "../layouts.ts";
import { textOf } from "../path.ts";

export interface NotifyRecord {
	readonly action: number;
	/** From what is watched on, with backslashes. */
	readonly name: string;
}

/** What the system is asked to report: no more than somebody wants to know. */
export function filterFor({ kinds }: WatchHow): number {
	let filter = FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME;
	if (kinds.has("modify")) filter |= FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_LAST_WRITE;
	if (kinds.has("attributes")) {
		filter |=
			FILE_NOTIFY_CHANGE_ATTRIBUTES | FILE_NOTIFY_CHANGE_CREATION | FILE_NOTIFY_CHANGE_SECURITY;
	}
	return filter;
}

/** The records in the answer to one call. */
export function recordsIn(bytes: Uint8Array<ArrayBuffer>): NotifyRecord[] {
	const { nextEntryOffset, action, fileNameLength, fileName } = fileNotifyInformation;
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const records: NotifyRecord[] = [];
	for (let at = 0, next = 1; next !== 0; at += next) {
		next = view.getUint32(at + nextEntryOffset, true);
		const start = at + fileName;
		const end = start + view.getUint32(at + fileNameLength, true);
		const name = textOf(bytes.subarray(start, end));
		records.push({ action: view.getUint32(at + action, true), name });
	}
	return records;
}
