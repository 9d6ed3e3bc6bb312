/**
 * The system functions that this system uses, as data: where each is, what it takes and what it
 * answers with. Tests hold this against the real headers.
 */
import { tableOf } from "../functions.ts";

/**
 * What a parameter is: a handle, an address, or an integer of 8 bits (BOOLEAN), 32 or 64. A 32-bit
 * one is passed on modulo 2^32.
 */
export type Parameter = "handle" | "pointer" | "u8" | "u32" | "i32" | "u64";

/**
 * How a function says that it failed: by an NTSTATUS, by an HRESULT, by a BOOL (or BOOLEAN, of one
 * byte, or a count) that is 0 and then by the thread's last error; or never, and then its result is a number, or a
 * handle that says so itself.
 */
export type Result =
	| "status"
	| "hresult"
	| "bool"
	| "boolean"
	| "count"
	| "number"
	| "handle"
	| "nothing";

export interface Declaration {
	readonly library: "ntdll" | "kernel32" | "advapi32";
	readonly takes: readonly Parameter[];
	readonly gives: Result;
	/** Whether older Windows lacks it: then it answers STATUS_NOT_IMPLEMENTED. */
	readonly isNew?: boolean;
}

const H = "handle";
const P = "pointer";
const B = "u8";
const U = "u32";
const Q = "u64";

function from(library: Declaration["library"], gives: Result, ...takes: Parameter[]): Declaration {
	return { library, takes, gives };
}

export const functions = {
	NtCreateFile: from("ntdll", "status", P, U, P, P, P, U, U, U, U, P, U),
	NtClose: from("ntdll", "status", H),
	NtReadFile: from("ntdll", "status", H, H, P, P, P, P, U, P, P),
	NtWriteFile: from("ntdll", "status", H, H, P, P, P, P, U, P, P),
	// Windows 11 22H2.
	NtCopyFileChunk: { ...from("ntdll", "status", H, H, H, P, U, P, P, P, P, U), isNew: true },
	NtFlushBuffersFile: from("ntdll", "status", H, P),
	NtFlushBuffersFileEx: from("ntdll", "status", H, U, P, U, P),
	NtQueryInformationFile: from("ntdll", "status", H, P, P, U, U),
	NtSetInformationFile: from("ntdll", "status", H, P, P, U, U),
	NtQueryVolumeInformationFile: from("ntdll", "status", H, P, P, U, U),
	NtQueryDirectoryFile: from("ntdll", "status", H, H, P, P, P, P, U, U, B, P, B),
	NtFsControlFile: from("ntdll", "status", H, H, P, P, P, U, P, U, P, U),
	NtNotifyChangeDirectoryFile: from("ntdll", "status", H, H, P, P, P, P, U, U, B),
	NtCancelIoFileEx: from("ntdll", "status", H, P, P),
	NtDuplicateObject: from("ntdll", "status", H, H, H, P, U, U, U),
	NtQueryObject: from("ntdll", "status", H, U, P, U, P),
	NtQuerySecurityObject: from("ntdll", "status", H, U, P, U, P),
	NtSetSecurityObject: from("ntdll", "status", H, U, P),
	NtCreateEvent: from("ntdll", "status", P, U, P, U, B),
	NtWaitForSingleObject: from("ntdll", "status", H, B, P),
	NtCreateIoCompletion: from("ntdll", "status", P, U, P, U),
	NtSetIoCompletion: from("ntdll", "status", H, P, P, "i32", Q),
	NtRemoveIoCompletionEx: from("ntdll", "status", H, P, U, P, P, B),
	RtlDosPathNameToNtPathName_U_WithStatus: from("ntdll", "status", P, P, P, P),
	RtlFreeUnicodeString: from("ntdll", "nothing", P),
	RtlNtStatusToDosError: from("ntdll", "number", "i32"),
	RtlGetLastWin32Error: from("ntdll", "number"),
	GetFinalPathNameByHandleW: from("kernel32", "count", H, P, U, U),
	GetSystemTimePreciseAsFileTime: from("kernel32", "nothing", P),
	CreateSymbolicLinkW: from("kernel32", "boolean", P, P, U),
	GetVolumePathNameW: from("kernel32", "bool", P, P, U),
	LockFileEx: from("kernel32", "bool", H, U, U, U, U, P),
	UnlockFileEx: from("kernel32", "bool", H, U, U, U, P),
	ReOpenFile: from("kernel32", "handle", H, U, U, U),
	GetCurrentProcess: from("kernel32", "handle"),
} as const satisfies Record<string, Declaration>;

export type Name = keyof typeof functions;

/** Their names, the index of each, and how a call of one is made. */
export const { names, fn, call } = tableOf<Name>(functions);
