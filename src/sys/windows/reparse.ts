/** Reparse points: what a file of that kind leads to. */
import type { Region } from "../../engine/memory.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Handle } from "../system.ts";
import { call } from "./calls.ts";
import { Status } from "./errno.ts";
import { checked } from "./failure.ts";
import {
	FSCTL_GET_REPARSE_POINT,
	IO_REPARSE_TAG_MOUNT_POINT,
	IO_REPARSE_TAG_SYMLINK,
	ioStatusBlock,
	MAXIMUM_REPARSE_DATA_BUFFER_SIZE,
	reparseDataBuffer,
	SYMLINK_FLAG_RELATIVE,
} from "./layouts.ts";
import { textOf } from "./path.ts";

/** A link, as the file itself has it. */
export interface Link {
	readonly kind: "symlink" | "junction";
	/** What it leads to, as the system goes there. */
	readonly substitute: string;
	/** The same as it is shown; empty where nobody has written it. */
	readonly print: string;
	readonly isRelative: boolean;
}

/** The link that an open file is, if it is one. */
export function* linkOf(scope: Scope, handle: Handle): Operation<Link | undefined> {
	const mark = scope.mark();
	const { memory } = scope;
	const status = memory.reserve(ioStatusBlock.size);
	const data = memory.reserve(MAXIMUM_REPARSE_DATA_BUFFER_SIZE);
	const { address, size } = data;
	const code = FSCTL_GET_REPARSE_POINT;
	const result = yield call(
		"NtFsControlFile",
		handle,
		0,
		0,
		0,
		status.address,
		code,
		0,
		0,
		address,
		size,
	);
	const link = result < 0 ? undefined : read(data);
	scope.release(mark);
	if (result === Status.STATUS_NOT_A_REPARSE_POINT) return undefined;
	checked(result, "readlink");
	return link;
}

function read(data: Region): Link | undefined {
	const tag = data.u32(reparseDataBuffer.reparseTag);
	if (tag === IO_REPARSE_TAG_SYMLINK) {
		const flags = data.u32(reparseDataBuffer.symbolicLinkFlags);
		const isRelative = (flags & SYMLINK_FLAG_RELATIVE) !== 0;
		return {
			kind: "symlink",
			...names(data, reparseDataBuffer.symbolicLinkPathBuffer),
			isRelative,
		};
	}
	if (tag !== IO_REPARSE_TAG_MOUNT_POINT) return undefined;
	const both = names(data, reparseDataBuffer.mountPointPathBuffer);
	// A volume that is mounted here is a directory like others, and leads nowhere else.
	if (/^\\\?\?\\Volume\{/i.test(both.substitute)) return undefined;
	return { kind: "junction", ...both, isRelative: false };
}

function names(data: Region, start: number): Pick<Link, "substitute" | "print"> {
	const { substituteNameOffset, substituteNameLength, printNameOffset, printNameLength } =
		reparseDataBuffer;
	const text = (offset: number, length: number) =>
		textOf(data.bytes(start + data.u16(offset), data.u16(length)));
	return {
		substitute: text(substituteNameOffset, substituteNameLength),
		print: text(printNameOffset, printNameLength),
	};
}

/** Where the link that an open file is leads to; undefined if it is none. */
export function* linkTarget(scope: Scope, handle: Handle): Operation<string | undefined> {
	return (yield* linkOf(scope, handle))?.substitute;
}
