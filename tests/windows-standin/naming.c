/* Names that are given to files: renaming, and further names. */
#include <string.h>
#include "standin.h"

/* What has the name already, and may be what is to get it. */
struct there {
	char path[PATH_SIZE];
	struct linux_stat stat;
	BOOLEAN is_empty;
};

static BOOLEAN is_there(const OBJECT_ATTRIBUTES *attributes, struct there *there) {
	if (linux_name(attributes, there->path) < 0) return FALSE;
	i64 fd = linux_open(there->path);
	if (fd < 0) return FALSE;
	BOOLEAN found = linux_stat_of((int)fd, &there->stat) == 0;
	if (found && is_directory(&there->stat)) there->is_empty = is_empty((int)fd);
	linux_close((int)fd);
	return found;
}

/* Takes away what has a name that another file is to get. */
static NTSTATUS make_way(const OBJECT_ATTRIBUTES *attributes, const struct there *there,
	BOOLEAN read_only_too) {
	const struct linux_stat *stat = &there->stat;
	IO_STATUS_BLOCK status;
	HANDLE handle;
	/* Who has it open without sharing its deletion keeps it. */
	NTSTATUS result = real_NtOpenFile(&handle, DELETE, (OBJECT_ATTRIBUTES *)attributes, &status, 7,
		FILE_OPEN_REPARSE_POINT);
	if (result < 0 || ((stat->mode & 0222) == 0 && !read_only_too)) {
		if (result >= 0) real_NtClose(handle);
		return STATUS_ACCESS_DENIED;
	}
	struct record record = record_at(there->path);
	BOOLEAN directory = is_directory(stat);
	result = status_of_linux(directory ? linux_rmdir(there->path) : linux_unlink(there->path));
	if (result >= 0 && (stat->nlink < 2 || directory)) remove_streams(&record);
	real_NtClose(handle);
	return result;
}

struct naming {
	u32 flags;
	HANDLE root;
	u32 length;
	WCHAR name[];
};

static NTSTATUS named(HANDLE handle, IO_STATUS_BLOCK *status, const struct naming *given, ULONG size,
	ULONG kind, const struct target *target) {
	if (target->text == NULL) {
		return real_NtSetInformationFile(handle, status, (void *)given, size, kind);
	}
	u32 whole = 20 + target->name.Length + 4;
	struct naming *led = heap_alloc(whole);
	led->flags = given->flags;
	led->length = target->name.Length;
	memcpy(led->name, target->name.Buffer, target->name.Length);
	NTSTATUS result = real_NtSetInformationFile(handle, status, led, whole, kind);
	heap_free(led);
	return result;
}

/* A file may always get its own name in other letters; Wine leaves it as it is. */
static NTSTATUS change_case(const struct there *there, const UNICODE_STRING *name) {
	char path[PATH_SIZE];
	u32 units = name->Length / 2, start = units;
	while (start > 0 && name->Buffer[start - 1] != '\\') start--;
	strcpy(path, there->path);
	char *last = strrchr(path, '/') + 1;
	int room = (int)(path + sizeof path - last) - 1;
	int bytes = WideCharToMultiByte(CP_UTF8, 0, name->Buffer + start, (int)(units - start), last, room,
		NULL, NULL);
	last[bytes] = 0;
	return status_of_linux(linux_rename(there->path, path));
}

/* MS-FSA 2.1.5.15.6 has nothing against a further name for a read-only file, as Wine does. */
static NTSTATUS link_read_only(int fd, const OBJECT_ATTRIBUTES *attributes) {
	char from[PATH_SIZE], to[PATH_SIZE];
	if (linux_path_of(fd, from, sizeof from) < 0) return STATUS_ACCESS_DENIED;
	NTSTATUS result = linux_name_to_make(attributes, to);
	return result < 0 ? result : status_of_linux(linux_link(from, to));
}

enum { REPLACE = 1, POSIX_SEMANTICS = 2, IGNORE_READONLY = 0x40 };

/*
 * IFS, FILE_RENAME_INFORMATION, and MS-FSA 2.1.5.15.12: what is replaced is a file by a file. With
 * POSIX_SEMANTICS what has the name already makes way even if it is open, as long as all who have it
 * open share its deletion, and then an empty directory may be replaced by a directory; a read-only file
 * with IGNORE_READONLY_ATTRIBUTE.
 */
static NTSTATUS check_replaced(const struct linux_stat *stat, const struct there *there, u32 flags) {
	BOOLEAN directory = is_directory(&there->stat);
	if (directory != is_directory(stat)) return STATUS_ACCESS_DENIED;
	if (!directory) return STATUS_SUCCESS;
	if ((flags & POSIX_SEMANTICS) == 0) return STATUS_ACCESS_DENIED;
	return there->is_empty ? STATUS_SUCCESS : STATUS_DIRECTORY_NOT_EMPTY;
}

static NTSTATUS rename_to(HANDLE handle, int fd, IO_STATUS_BLOCK *status, const struct naming *given,
	ULONG size, ULONG kind, u32 flags, const struct target *target) {
	struct linux_stat stat;
	struct there there;
	if (linux_stat_of(fd, &stat) < 0 || !is_there(&target->attributes, &there)) {
		return named(handle, status, given, size, kind, target);
	}
	if (stat.ino == there.stat.ino && stat.dev == there.stat.dev && stat.nlink < 2u + is_directory(&stat)) {
		return change_case(&there, target->attributes.ObjectName);
	}
	if ((flags & REPLACE) == 0) return STATUS_OBJECT_NAME_COLLISION;
	NTSTATUS result = check_replaced(&stat, &there, flags);
	if (result < 0) return result;
	if (!is_directory(&stat)) {
		result = named(handle, status, given, size, kind, target);
		if (result >= 0 || (flags & POSIX_SEMANTICS) == 0) return result;
	}
	result = make_way(&target->attributes, &there, (flags & IGNORE_READONLY) != 0);
	return result < 0 ? result : named(handle, status, given, size, kind, target);
}

/* IFS, FILE_RENAME_INFORMATION and FILE_LINK_INFORMATION; a name that begins with `:` is a stream's. */
NTSTATUS rename_or_link(HANDLE handle, int fd, IO_STATUS_BLOCK *status, void *info, ULONG size,
	ULONG kind) {
	const struct naming *given = info;
	struct linux_stat stat;
	struct target target;
	if (size < 20 || size - 20 < given->length) return STATUS_INFO_LENGTH_MISMATCH;
	BOOLEAN ex = kind == RenameExClass || kind == LinkExClass;
	u32 flags = ex ? given->flags : (given->flags & 0xff) != 0 ? REPLACE : 0;
	if (given->length > 2 && given->name[0] == ':') {
		return rename_stream(fd, given->name + 1, given->length / 2 - 1, (flags & REPLACE) != 0);
	}
	UNICODE_STRING name = {(USHORT)given->length, (USHORT)given->length, (WCHAR *)given->name};
	OBJECT_ATTRIBUTES attributes = attributes_of(given->root, &name);
	NTSTATUS result = follow(&attributes, FALSE, &target);
	if (result < 0) return result;
	if (kind == RenameExClass || kind == RenameClass) {
		if ((access_of(handle) & DELETE) == 0) result = STATUS_ACCESS_DENIED;
		else result = rename_to(handle, fd, status, given, size, kind, flags, &target);
	} else {
		result = named(handle, status, given, size, kind, &target);
		BOOLEAN read_only = linux_stat_of(fd, &stat) == 0 && (stat.mode & 0222) == 0;
		if (result == STATUS_ACCESS_DENIED && read_only && !is_directory(&stat)) {
			result = link_read_only(fd, &target.attributes);
		}
	}
	heap_free(target.text);
	return result;
}
