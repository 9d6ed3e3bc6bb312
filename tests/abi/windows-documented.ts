/**
 * What mingw's headers lack, as the documentation has it: learn.microsoft.com (Windows drivers,
 * ntifs.h; Win32, winternl.h) and, for what that leaves out, the NT API as System Informer's headers
 * and ReactOS describe it.
 */
import type { Kind } from "./signatures.ts";

export const numbers: Readonly<Record<string, number>> = {
	// FILE_RENAME_INFORMATION begins with a union of a BOOLEAN and flags.
	"fileRenameInformation.flags": 0,
	"fileIoCompletionInformation.size": 32,
	"fileIoCompletionInformation.keyContext": 0,
	"fileIoCompletionInformation.apcContext": 8,
	"fileIoCompletionInformation.ioStatusBlock": 16,
	FILE_RENAME_IGNORE_READONLY_ATTRIBUTE: 0x40,
	STATUS_BLOCK_TOO_MANY_REFERENCES: 0xc000048c,
	// DUPLICATE_EXTENTS_DATA: a HANDLE and three LARGE_INTEGERs.
	"duplicateExtentsData.size": 32,
	"duplicateExtentsData.fileHandle": 0,
	"duplicateExtentsData.sourceFileOffset": 8,
	"duplicateExtentsData.targetFileOffset": 16,
	"duplicateExtentsData.byteCount": 24,
	// FSCTL_GET_INTEGRITY_INFORMATION_BUFFER: two WORDs and three DWORDs; to set, without the last two.
	"fsctlGetIntegrityInformationBuffer.size": 16,
	"fsctlGetIntegrityInformationBuffer.checksumAlgorithm": 0,
	"fsctlGetIntegrityInformationBuffer.flags": 4,
	"fsctlGetIntegrityInformationBuffer.clusterSizeInBytes": 12,
	"fsctlSetIntegrityInformationBuffer.size": 8,
	"fsctlSetIntegrityInformationBuffer.checksumAlgorithm": 0,
	"fsctlSetIntegrityInformationBuffer.flags": 4,
	// RETRIEVAL_POINTERS_AND_REFCOUNT_BUFFER: as RETRIEVAL_POINTERS_BUFFER, with a DWORD in each extent.
	"retrievalPointersAndRefcountBuffer.size": 40,
	"retrievalPointersAndRefcountBuffer.extentCount": 0,
	"retrievalPointersAndRefcountBuffer.startingVcn": 8,
	"retrievalPointersAndRefcountBuffer.nextVcn": 16,
	"retrievalPointersAndRefcountBuffer.lcn": 24,
	"retrievalPointersAndRefcountBuffer.referenceCount": 32,
};

/** The same thing under a name that the headers have. */
export const aliases: Readonly<Record<string, string>> = {
	FILE_RENAME_REPLACE_IF_EXISTS: "FILE_RENAME_FLAG_REPLACE_IF_EXISTS",
	FILE_RENAME_POSIX_SEMANTICS: "FILE_RENAME_FLAG_POSIX_SEMANTICS",
	FILE_DISPOSITION_DELETE: "FILE_DISPOSITION_FLAG_DELETE",
	FILE_DISPOSITION_POSIX_SEMANTICS: "FILE_DISPOSITION_FLAG_POSIX_SEMANTICS",
	FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE: "FILE_DISPOSITION_FLAG_IGNORE_READONLY_ATTRIBUTE",
};

export const prototypes: Readonly<Record<string, readonly [gives: Kind, ...takes: Kind[]]>> = {
	NtFlushBuffersFile: ["i32", "pointer", "pointer"],
	NtCopyFileChunk: [
		...(["i32", "pointer", "pointer", "pointer", "pointer", "u32"] as const),
		...(["pointer", "pointer", "pointer", "pointer", "u32"] as const),
	],
	NtDuplicateObject: [
		...(["i32", "pointer", "pointer", "pointer", "pointer"] as const),
		...(["u32", "u32", "u32"] as const),
	],
	NtFlushBuffersFileEx: ["i32", "pointer", "u32", "pointer", "u32", "pointer"],
	NtNotifyChangeDirectoryFile: [
		...(["i32", "pointer", "pointer", "pointer", "pointer", "pointer", "pointer"] as const),
		...(["u32", "u32", "u8"] as const),
	],
	NtCancelIoFileEx: ["i32", "pointer", "pointer", "pointer"],
	NtCreateEvent: ["i32", "pointer", "u32", "pointer", "u32", "u8"],
	NtCreateIoCompletion: ["i32", "pointer", "u32", "pointer", "u32"],
	NtSetIoCompletion: ["i32", "pointer", "pointer", "pointer", "i32", "u64"],
	NtRemoveIoCompletionEx: ["i32", "pointer", "pointer", "u32", "pointer", "pointer", "u8"],
	RtlDosPathNameToNtPathName_U_WithStatus: ["i32", "pointer", "pointer", "pointer", "pointer"],
	RtlGetLastWin32Error: ["u32"],
};
