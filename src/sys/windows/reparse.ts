/** Reparse points: what a file of that kind leads to. */
import type { Region } from "../../engine/memory.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { FsError, type FsErrorDetails } from "../../errors.ts";
import type { Handle } from "../system.ts";
import { call } from "./calls.ts";
import { control } from "./control.ts";
import { dispose } from "./directory.ts";
import { Status } from "./errno.ts";
import { checked } from "./failure.ts";
import {
	DELETE,
	FILE_CREATE,
	FILE_DIRECTORY_FILE,
	FILE_WRITE_ATTRIBUTES,
	FSCTL_GET_REPARSE_POINT,
	FSCTL_SET_REPARSE_POINT,
	IO_REPARSE_TAG_MOUNT_POINT,
	IO_REPARSE_TAG_SYMLINK,
	ioStatusBlock,
	MAXIMUM_REPARSE_DATA_BUFFER_SIZE,
	reparseDataBuffer,
	SYMLINK_FLAG_RELATIVE,
} from "./layouts.ts";
import type { LinkPlace } from "./link-place.ts";
import { openedAt, putText, textOf } from "./path.ts";

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

/** What a link says, as Node shows it: without what the system has put before a path from a drive. */
export function shown({ substitute }: Link): string {
	const native = /^\\\?\?\\(?:(?=[a-z]:\\)|UNC(?=\\))/i;
	return native.test(substitute)
		? substitute.replace(native, (prefix) => (prefix.length > 4 ? "\\" : ""))
		: substitute;
}

/**
 * Makes a junction: a directory, by the handle of the one that it is in, that leads to another. If it
 * cannot be made to lead there, it is removed.
 */
export function* makeJunction(
	scope: Scope,
	{ parent, name }: LinkPlace,
	target: string,
	details: FsErrorDetails,
): Operation<void> {
	if (!/^\\\?\?\\[a-z]:\\/i.test(target)) {
		const detail = "a junction leads to a directory on a drive of this machine";
		throw new FsError("EINVAL", "invalid argument", { ...details, syscall: "symlink", detail });
	}
	const handle = yield* openedAt(
		scope,
		{ root: parent, name },
		{
			access: DELETE | FILE_WRITE_ATTRIBUTES,
			reach: "link",
			disposition: FILE_CREATE,
			options: FILE_DIRECTORY_FILE,
		},
	);
	checked(handle, "symlink", details);
	try {
		const input = mountPoint(scope, target);
		const result = yield* control(scope, handle, FSCTL_SET_REPARSE_POINT, { input });
		if (result >= 0) return;
		yield* dispose(scope, handle, "symlink", details);
		checked(result, "symlink", details);
	} finally {
		yield call("NtClose", handle);
	}
}

/** What is written to a directory to make it a junction. */
function mountPoint(scope: Scope, substitute: string): Region {
	const print = substitute.slice(4);
	const both = `${substitute}\0${print}\0`;
	const { reparseDataLength, substituteNameOffset, mountPointPathBuffer } = reparseDataBuffer;
	const size = mountPointPathBuffer + both.length * 2;
	const data = scope.memory.reserveZeroed(size);
	// Each of these is two numbers of 16 bits.
	data.setU32(reparseDataBuffer.reparseTag, IO_REPARSE_TAG_MOUNT_POINT);
	data.setU32(reparseDataLength, size - substituteNameOffset);
	data.setU32(substituteNameOffset, (substitute.length * 2) << 16);
	const printAt = (substitute.length + 1) * 2;
	data.setU32(reparseDataBuffer.printNameOffset, printAt | ((print.length * 2) << 16));
	putText(data, mountPointPathBuffer, both);
	return data;
}

/** Where the link that an open file is leads to; undefined if it is none. */
export function* linkTarget(scope: Scope, handle: Handle): Operation<string | undefined> {
	return (yield* linkOf(scope, handle))?.substitute;
}
