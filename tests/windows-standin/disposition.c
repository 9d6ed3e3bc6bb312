/* Names that go away. */
#include <string.h>
#include "standin.h"

/* Those who have a file open and have taken its name away, which goes when they close it. */
enum { MOST = 256 };
static struct {
	HANDLE handle;
	u64 dev, ino;
} marked[MOST];
static volatile LONG marks;

static void mark(HANDLE handle, const struct linux_stat *stat) {
	enter_tables();
	int at = 0;
	while (at < MOST && marked[at].handle != handle) at++;
	if (at == MOST) {
		at = 0;
		while (at < MOST - 1 && marked[at].handle != NULL) at++;
		marks++;
	}
	marked[at].handle = handle;
	marked[at].dev = stat->dev;
	marked[at].ino = stat->ino;
	leave_tables();
}

static BOOLEAN unmark(HANDLE handle) {
	BOOLEAN found = FALSE;
	if (marks == 0) return FALSE;
	enter_tables();
	for (int i = 0; i < MOST; i++) {
		if (marked[i].handle != handle) continue;
		marked[i].handle = NULL;
		marks--;
		found = TRUE;
	}
	leave_tables();
	return found;
}

BOOLEAN is_marked(HANDLE handle) {
	BOOLEAN found = FALSE;
	if (marks == 0) return FALSE;
	enter_tables();
	for (int i = 0; i < MOST && !found; i++) found = marked[i].handle == handle;
	leave_tables();
	return found;
}

/* MS-FSA 2.1.5.1: a name that is about to go is not opened any more, STATUS_DELETE_PENDING. */
BOOLEAN is_disposed(const OBJECT_ATTRIBUTES *attributes) {
	char path[PATH_SIZE];
	struct linux_stat stat;
	BOOLEAN found = FALSE;
	if (marks == 0 || linux_name(attributes, path) < 0) return FALSE;
	i64 fd = linux_open(path);
	if (fd < 0) return FALSE;
	if (linux_stat_of((int)fd, &stat) == 0 && stat.nlink < 2) {
		enter_tables();
		for (int i = 0; i < MOST && !found; i++) {
			found = marked[i].handle != NULL && marked[i].ino == stat.ino && marked[i].dev == stat.dev;
		}
		leave_tables();
	}
	linux_close((int)fd);
	return found;
}

BOOLEAN is_empty(int fd) {
	struct {
		u64 ino;
		i64 offset;
		u16 length;
		u8 kind;
		char name[];
	} *entry;
	char path[PATH_SIZE];
	u8 buffer[4096];
	BOOLEAN empty = TRUE;
	if (linux_path_of(fd, path, sizeof path) < 0) return TRUE;
	/* Opened once more, so that nobody's listing is moved on. */
	i64 own = linux_open(path);
	if (own < 0) return TRUE;
	for (i64 size; empty && (size = linux_entries((int)own, buffer, sizeof buffer)) > 0;) {
		for (i64 at = 0; at < size; at += entry->length) {
			entry = (void *)(buffer + at);
			if (strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0) empty = FALSE;
		}
	}
	linux_close((int)own);
	return empty;
}

/*
 * IFS, FILE_DISPOSITION_INFORMATION_EX. With POSIX_SEMANTICS the name is gone when this handle is
 * closed, and whoever else has the file open keeps it; else when all have closed it. Read-only files are
 * refused (STATUS_CANNOT_DELETE) without IGNORE_READONLY_ATTRIBUTE; directories must be empty.
 */
NTSTATUS dispose(HANDLE handle, int fd, u32 flags) {
	enum { DELETE_FLAG = 1, POSIX_SEMANTICS = 2, IGNORE_READONLY = 0x10 };
	struct linux_stat stat;
	IO_STATUS_BLOCK status;
	BOOLEAN remove = (flags & DELETE_FLAG) != 0;
	if ((access_of(handle) & DELETE) == 0) return STATUS_ACCESS_DENIED;
	if (!remove) unmark(handle);
	if (!remove || (flags & POSIX_SEMANTICS) == 0) {
		return real_NtSetInformationFile(handle, &status, &remove, 1, DispositionClass);
	}
	if (linux_stat_of(fd, &stat) < 0) return STATUS_INVALID_PARAMETER;
	if ((stat.mode & 0222) == 0 && (flags & IGNORE_READONLY) == 0) return STATUS_CANNOT_DELETE;
	if (is_directory(&stat) && !is_empty(fd)) return STATUS_DIRECTORY_NOT_EMPTY;
	mark(handle, &stat);
	return STATUS_SUCCESS;
}

void carry_out_disposition(HANDLE handle) {
	char path[PATH_SIZE];
	struct linux_stat stat;
	if (!unmark(handle)) return;
	int fd = fd_of(handle);
	if (fd < 0) return;
	if (linux_stat_of(fd, &stat) == 0 && linux_path_of(fd, path, sizeof path) > 0) {
		struct record record = record_of(fd);
		i64 result = is_directory(&stat) ? linux_rmdir(path) : linux_unlink(path);
		if (result >= 0 && (stat.nlink < 2 || is_directory(&stat))) remove_streams(&record);
	}
	linux_close(fd);
}
