/* What a volume says that it can do. */
#include <string.h>
#include "standin.h"

/* Win32, GetVolumeInformationW: what volumes of Windows 11 say, without what is not stood in for. */
enum {
	BOTH = 0x1 | 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x200, /* case, Unicode, ACLs, sparse, reparse, POSIX */
	NTFS = BOTH | 0x10 | 0x40000 | 0x400000,            /* compression, streams, hard links */
	REFS = BOTH | 0x40000 | 0x8000000,                  /* streams, block cloning */
};

/* Wine asks by the name of a file, which one that is removed has no more: its directory is asked then. */
static NTSTATUS ask_directory(HANDLE handle, IO_STATUS_BLOCK *status, void *info, ULONG size, ULONG kind,
	NTSTATUS failure) {
	char path[PATH_SIZE];
	WCHAR text[PATH_SIZE];
	HANDLE directory;
	int fd = fd_of(handle);
	if (fd < 0) return failure;
	i64 length = linux_path_of(fd, path, sizeof path);
	linux_close(fd);
	while (length > 1 && path[length - 1] != '/') length--;
	if (length <= 1) return failure;
	path[length - 1] = 0;
	if (windows_name(path, text, PATH_SIZE) < 0) return failure;
	UNICODE_STRING name;
	RtlInitUnicodeString(&name, text);
	OBJECT_ATTRIBUTES attributes = attributes_of(NULL, &name);
	if (real_NtOpenFile(&directory, SYNCHRONIZE, &attributes, status, 7, 0) < 0) return failure;
	NTSTATUS result = real_NtQueryVolumeInformationFile(directory, status, info, size, kind);
	real_NtClose(directory);
	return result;
}

EXPORT NtQueryVolumeInformationFile(HANDLE handle, IO_STATUS_BLOCK *status, void *info, ULONG size,
	ULONG kind) {
	enum { FileFsAttributeInformation = 5 };
	NTSTATUS result = real_NtQueryVolumeInformationFile(handle, status, info, size, kind);
	if (result < 0 && result != STATUS_BUFFER_OVERFLOW) {
		result = ask_directory(handle, status, info, size, kind, result);
	}
	if (kind != FileFsAttributeInformation || size < 12) return result;
	if (result != STATUS_SUCCESS && result != STATUS_BUFFER_OVERFLOW) return result;
	u32 *flags = info;
	*flags |= on_refs() ? REFS : NTFS;
	if (on_refs() && size >= 20 && flags[2] == 8) memcpy(flags + 3, L"ReFS", 8);
	return result;
}
