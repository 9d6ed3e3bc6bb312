/** What the tables of the Windows part claim, in the terms of mingw's headers. */
import { dirname, join } from "node:path";
import { functions, type Parameter, type Result } from "../../src/sys/windows/calls.ts";
import { ntstatus, win32 } from "../../src/sys/windows/errno.ts";
import * as layouts from "../../src/sys/windows/layouts.ts";
import { type Claim, type Headers, layoutClaims } from "./claims.ts";
import { zig } from "./compiler.ts";
import type { Kind, Signature } from "./signatures.ts";
import { aliases } from "./windows-documented.ts";

export const targets = ["x86_64-windows-gnu", "aarch64-windows-gnu"] as const;

const VERSION = `
#define _WIN32_WINNT 0x0A00000C
#define NTDDI_VERSION 0x0A00000C
#define WINVER 0x0A00
`;

/** What programs include. */
function programs(target: string): Headers {
	const prologue = `
#define WIN32_NO_STATUS
${VERSION}
#include <stddef.h>
#include <winsock2.h>
#include <windows.h>
#include <winternl.h>
#include <winioctl.h>
#undef WIN32_NO_STATUS
#include <ntstatus.h>
#include <sddl.h>
#include <aclapi.h>
`;
	return { target, prologue };
}

/** What drivers include, which does not go together with that. */
function drivers(target: string): Headers {
	// Two of the headers define this struct.
	const twice = ["_REPARSE_DATA_BUFFER", "REPARSE_DATA_BUFFER", "PREPARSE_DATA_BUFFER"];
	const prologue = `
${VERSION}
#include <ntdef.h>
${twice.map((name) => `#define ${name} second${name}`).join("\n")}
#include <ntifs.h>
${twice.map((name) => `#undef ${name}`).join("\n")}
`;
	const include = join(dirname(zig ?? ""), "lib/libc/include/any-windows-any/ddk");
	return { target, prologue, flags: ["-I", include] };
}

export const headersOf = (target: string): Headers[] => [programs(target), drivers(target)];

/** `fileBasicInformation` as `FILE_BASIC_INFORMATION`. */
function typeOf(name: string): string {
	return types[name] ?? name.replace(/([A-Z])/g, "_$1").toUpperCase();
}

/** Types whose names are not ours in capitals. */
const types: Readonly<Record<string, string>> = {
	fileIdBothDirInformation: "FILE_ID_BOTH_DIR_INFORMATION",
	// To drivers FILE_ID_INFORMATION, which the headers do not have.
	fileIdInformation: "FILE_ID_INFO",
};

/** `creationTime` as `CreationTime`. */
function memberOf(type: string, field: string): string {
	return members[`${type}.${field}`] ?? `${field[0]?.toUpperCase()}${field.slice(1)}`;
}

const REPARSE = ["SymbolicLinkReparseBuffer", "MountPointReparseBuffer"] as const;

/** Members whose names are not ours with a capital. */
const members: Readonly<Record<string, string>> = {
	...Object.fromEntries(
		["substituteNameOffset", "substituteNameLength", "printNameOffset", "printNameLength"].map(
			(field) => [
				`reparseDataBuffer.${field}`,
				`${REPARSE[0]}.${field[0]?.toUpperCase()}${field.slice(1)}`,
			],
		),
	),
	"retrievalPointersBuffer.nextVcn": "Extents[0].NextVcn",
	"retrievalPointersBuffer.lcn": "Extents[0].Lcn",
	"overlapped.hEvent": "hEvent",
	"reparseDataBuffer.symbolicLinkFlags": `${REPARSE[0]}.Flags`,
	"reparseDataBuffer.symbolicLinkPathBuffer": `${REPARSE[0]}.PathBuffer`,
	"reparseDataBuffer.mountPointPathBuffer": `${REPARSE[1]}.PathBuffer`,
};

/** Everything that layouts.ts and errno.ts say. */
export function claims(): Claim[] {
	const ofLayouts = Object.entries(layouts).flatMap(([name, value]): Claim[] => {
		if (typeof value === "number") return [[name, aliases[name] ?? name, value]];
		return layoutClaims(name, value, typeOf(name), (field) => memberOf(name, field));
	});
	const ofErrors = Object.entries({ ...win32, ...ntstatus }).map(([name, [number]]): Claim => {
		return [name, `(unsigned)(${name})`, number];
	});
	return [...ofLayouts, ...ofErrors];
}

const kinds: Readonly<Record<Parameter, Kind>> = {
	handle: "pointer",
	pointer: "pointer",
	u8: "u8",
	u32: "u32",
	i32: "i32",
	u64: "u64",
};
const results: Readonly<Record<Result, Kind>> = {
	status: "i32",
	hresult: "i32",
	bool: "i32",
	boolean: "u8",
	count: "u32",
	number: "u32",
	handle: "pointer",
	nothing: "void",
};

/** Every function that calls.ts names. */
export function signatures(): Signature[] {
	return Object.entries(functions).map(([name, { takes, gives }]) => ({
		name,
		gives: results[gives],
		takes: takes.map((parameter) => kinds[parameter]),
	}));
}
