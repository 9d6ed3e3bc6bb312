/* Entries of directories: attributes, times, sizes and tags as the files themselves have them. */
#include <string.h>
#include "standin.h"

/* Where the name of an entry is, by the class; 0 for those that are left as they are. */
static u32 name_offset(ULONG kind) {
	switch (kind) {
	case DirectoryClass: return 64;
	case FullDirectoryClass: return 68;
	case BothDirectoryClass: return 94;
	case IdBothDirectoryClass: return 104;
	case IdFullDirectoryClass: return 80;
	default: return 0;
	}
}

static void put_entry(u8 *entry, const char *path, ULONG kind) {
	u32 *attributes = (u32 *)(entry + 56);
	i64 fd = linux_open(path);
	if (fd < 0) return;
	struct record record = record_of((int)fd);
	*(i64 *)(entry + 8) = birth_of((int)fd, &record);
	if ((*attributes & FILE_ATTRIBUTE_DIRECTORY) == 0) {
		*(i64 *)(entry + 48) = allocation_of((int)fd, &record);
	}
	put_attributes(attributes, &record);
	/* MS-FSCC 2.4.17: of a reparse point EaSize is the tag. */
	if (record.tag != 0 && kind != DirectoryClass) *(u32 *)(entry + 64) = record.tag;
	linux_close((int)fd);
}

EXPORT NtQueryDirectoryFile(HANDLE handle, HANDLE event, void *apc, void *context,
	IO_STATUS_BLOCK *status, void *info, ULONG size, ULONG kind, BOOLEAN single, UNICODE_STRING *mask,
	BOOLEAN restart) {
	NTSTATUS result = real_NtQueryDirectoryFile(handle, event, apc, context, status, info, size, kind,
		single, mask, restart);
	u32 offset = name_offset(kind);
	if (result != STATUS_SUCCESS || offset == 0) return result;
	int fd = fd_of(handle);
	if (fd < 0) return result;
	char path[PATH_SIZE];
	i64 length = linux_path_of(fd, path, sizeof path - 800);
	linux_close(fd);
	if (length < 0) return result;
	path[length++] = '/';
	for (u8 *entry = info;; entry += *(u32 *)entry) {
		int units = (int)(*(u32 *)(entry + 60) / 2);
		int bytes = WideCharToMultiByte(CP_UTF8, 0, (WCHAR *)(entry + offset), units, path + length, 799,
			NULL, NULL);
		path[length + bytes] = 0;
		if (bytes > 0) put_entry(entry, path, kind);
		if (*(u32 *)entry == 0) return result;
	}
}
