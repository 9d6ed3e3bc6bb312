/** File attributes, which any handle can ask for, and the compression of the content. */
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FileFlags, FlagChanges, FlagsSystem, Handle, Subject } from "../system.ts";
import { control, lacksRequest } from "./control.ts";
import { checked, unsupported } from "./failure.ts";
import {
	COMPRESSION_FORMAT_DEFAULT,
	COMPRESSION_FORMAT_NONE,
	FILE_ATTRIBUTE_ARCHIVE,
	FILE_ATTRIBUTE_COMPRESSED,
	FILE_ATTRIBUTE_HIDDEN,
	FILE_ATTRIBUTE_NORMAL,
	FILE_ATTRIBUTE_READONLY,
	FILE_ATTRIBUTE_SYSTEM,
	FILE_READ_ATTRIBUTES,
	FILE_READ_DATA,
	FILE_WRITE_ATTRIBUTES,
	FILE_WRITE_DATA,
	FSCTL_SET_COMPRESSION,
	fileBasicInformation,
} from "./layouts.ts";
import { attributesOf, onSubject, setBasic } from "./metadata.ts";
import { lacking } from "./volume.ts";

type FlagName = keyof FileFlags;

/** The attribute of each flag; 0 for those that Windows does not have. */
const bits: Readonly<Record<FlagName, number>> = {
	immutable: 0,
	append: 0,
	nodump: 0,
	noatime: 0,
	sync: 0,
	dirsync: 0,
	compressed: FILE_ATTRIBUTE_COMPRESSED,
	nocompress: 0,
	nocow: 0,
	journalData: 0,
	dax: 0,
	projectInherit: 0,
	casefold: 0,
	hidden: FILE_ATTRIBUTE_HIDDEN,
	system: FILE_ATTRIBUTE_SYSTEM,
	archive: FILE_ATTRIBUTE_ARCHIVE,
	readonly: FILE_ATTRIBUTE_READONLY,
};
const names = Object.keys(bits) as FlagName[];

export const flags: FlagsSystem = {
	*get(scope, subject, follow) {
		const found = yield* onSubject(
			scope,
			subject,
			FILE_READ_ATTRIBUTES,
			follow,
			"getflags",
			(handle) => attributesOf(scope, handle, "getflags"),
		);
		const flags = {} as { [Name in FlagName]: boolean };
		for (const name of names) flags[name] = (found & bits[name]) !== 0;
		return flags;
	},

	*difference(scope, from, to) {
		const wanted = yield* attributesOf(scope, from, "getflags");
		const found = yield* attributesOf(scope, to, "getflags");
		const changes: { [Name in FlagName]?: boolean } = {};
		for (const name of names) {
			if (((wanted ^ found) & bits[name]) !== 0) changes[name] = (wanted & bits[name]) !== 0;
		}
		return changes;
	},

	*set(scope, subject, changes, follow) {
		const foreign = names.filter((name) => changes[name] === true && bits[name] === 0);
		if (foreign.length > 0) throw lacks(subject, `Windows has no flag ${foreign.join(", ")}`);
		const access =
			FILE_READ_ATTRIBUTES |
			FILE_WRITE_ATTRIBUTES |
			(changes.compressed === undefined ? 0 : FILE_READ_DATA | FILE_WRITE_DATA);
		yield* onSubject(scope, subject, access, follow, "setflags", (handle) =>
			change(scope, handle, changes),
		);
	},
};

function lacks(subject: Subject, detail: string): Error {
	const details = typeof subject === "number" ? {} : { path: subject.path };
	return unsupported("setflags", detail, details);
}

/**
 * Compression first, which not every filesystem has; what fails after it undoes it. Then it is seen
 * whether the attributes are what they are to be: some filesystems ignore what they lack.
 */
function* change(scope: Scope, handle: Handle, changes: FlagChanges): Operation<void> {
	const before = yield* attributesOf(scope, handle, "setflags");
	let wanted = before;
	for (const name of names) {
		if (changes[name] === true) wanted |= bits[name];
		else if (changes[name] === false) wanted &= ~bits[name];
	}
	if (wanted === before) return;
	const compresses = ((wanted ^ before) & FILE_ATTRIBUTE_COMPRESSED) !== 0;
	if (compresses) yield* compress(scope, handle, (wanted & FILE_ATTRIBUTE_COMPRESSED) !== 0);
	let done = false;
	try {
		yield* setAttributes(scope, handle, wanted);
		const after = yield* attributesOf(scope, handle, "setflags");
		const ignored = names.filter((name) => ((after ^ wanted) & bits[name]) !== 0);
		if (ignored.length > 0) {
			yield* setAttributes(scope, handle, before);
			throw yield* lacking(scope, handle, "setflags", `set ${ignored.join(", ")} of this file`);
		}
		done = true;
	} finally {
		if (!done && compresses) {
			yield* compress(scope, handle, (before & FILE_ATTRIBUTE_COMPRESSED) !== 0);
		}
	}
}

function* setAttributes(scope: Scope, handle: Handle, attributes: number): Operation<void> {
	const { fileAttributes } = fileBasicInformation;
	// No attribute at all would mean: leave them. Compression is not set in this way.
	const value = attributes & ~FILE_ATTRIBUTE_COMPRESSED || FILE_ATTRIBUTE_NORMAL;
	yield* setBasic(scope, handle, (info) => info.setU32(fileAttributes, value), "setflags");
}

function* compress(scope: Scope, handle: Handle, to: boolean): Operation<void> {
	const input = scope.memory.reserveZeroed(2);
	input.bytes()[0] = to ? COMPRESSION_FORMAT_DEFAULT : COMPRESSION_FORMAT_NONE;
	const result = yield* control(scope, handle, FSCTL_SET_COMPRESSION, { input });
	if (lacksRequest.has(result)) {
		throw yield* lacking(scope, handle, "setflags", "compress this file");
	}
	checked(result, "setflags");
}
