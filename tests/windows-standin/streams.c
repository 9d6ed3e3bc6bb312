/*
 * Named streams. Each is a file in a directory beside, which has the name of a number that is kept with
 * the file that the streams belong to: so they go with it, under whatever name. What is left there when
 * a file has gone unseen belongs to nobody.
 */
#include <string.h>
#include "standin.h"

static const char ROOT[] = "/tmp/.windows-standin-streams";

enum { MOST = 1024, MOST_UNITS = 255 };
static struct {
	HANDLE stream, host;
} opened[MOST];
static volatile LONG count;

static void remember(HANDLE stream, HANDLE host) {
	enter_tables();
	int at = 0;
	while (at < MOST - 1 && opened[at].stream != NULL) at++;
	opened[at].stream = stream;
	opened[at].host = host;
	count++;
	leave_tables();
}

static HANDLE host_of(HANDLE stream, BOOLEAN forget) {
	HANDLE host = NULL;
	if (count == 0 || stream == NULL) return NULL;
	enter_tables();
	for (int i = 0; i < MOST && host == NULL; i++) {
		if (opened[i].stream != stream) continue;
		host = opened[i].host;
		if (!forget) continue;
		opened[i].stream = NULL;
		count--;
	}
	leave_tables();
	return host;
}

void forget_stream(HANDLE handle) {
	HANDLE host = host_of(handle, TRUE);
	if (host != NULL) real_NtClose(host);
}

/* The Linux file that a stream belongs to; negative if the handle is of no stream. */
int host_of_stream(HANDLE handle) {
	HANDLE host = host_of(handle, FALSE);
	return host == NULL ? -1 : fd_of(host);
}

static void directory_of(u64 id, char *path) {
	static const char digits[] = "0123456789abcdef";
	strcpy(path, ROOT);
	char *at = path + sizeof ROOT - 1;
	*at++ = '/';
	for (int shift = 60; shift >= 0; shift -= 4) *at++ = digits[id >> shift & 15];
	*at = 0;
}

/* Win32, "Naming files": in names of streams characters are allowed that names of files cannot have. */
static u32 encoded(const WCHAR *name, u32 units, WCHAR *text) {
	static const WCHAR digits[] = L"0123456789abcdef";
	u32 length = 0;
	for (u32 i = 0; i < units; i++) {
		WCHAR unit = name[i];
		BOOLEAN plain = unit >= 32 && wcschr(L"*?<>|\"%", unit) == NULL;
		if (plain && !((unit == '.' || unit == ' ') && i == units - 1)) text[length++] = unit;
		else {
			text[length++] = '%';
			text[length++] = digits[unit >> 4 & 15];
			text[length++] = digits[unit & 15];
		}
	}
	text[length] = 0;
	return length;
}

static u32 digit(WCHAR unit) {
	return unit >= 'a' ? unit - 'a' + 10u : unit - (u32)'0';
}

static u32 decoded(const WCHAR *text, u32 length, WCHAR *name) {
	u32 units = 0;
	for (u32 i = 0; i < length; i++) {
		if (text[i] != '%' || i + 2 >= length) name[units++] = text[i];
		else {
			name[units++] = (WCHAR)(digit(text[i + 1]) << 4 | digit(text[i + 2]));
			i += 2;
		}
	}
	return units;
}

static u32 last_component(const UNICODE_STRING *name) {
	u32 at = name->Length / 2;
	while (at > 0 && name->Buffer[at - 1] != '\\') at--;
	return at;
}

BOOLEAN names_stream(const OBJECT_ATTRIBUTES *attributes) {
	const UNICODE_STRING *name = attributes->ObjectName;
	u32 units = name->Length / 2, start = last_component(name);
	if (attributes->RootDirectory == NULL) {
		if (units < 8 || name->Buffer[5] != ':' || memcmp(name->Buffer, L"\\??\\", 8) != 0) return FALSE;
		if (start < 7) return FALSE;
	}
	for (u32 i = start; i < units; i++) {
		if (name->Buffer[i] == ':') return TRUE;
	}
	return FALSE;
}

/* MS-FSCC 2.1.4: `name`, `name:$DATA`, or `:$DATA` for the content of the file itself. */
static NTSTATUS stream_name(const WCHAR *text, u32 length, u32 *units) {
	u32 colon = 0;
	while (colon < length && text[colon] != ':') colon++;
	*units = colon;
	if (colon < length && (length - colon != 6 || _wcsnicmp(text + colon, L":$DATA", 6) != 0)) {
		return STATUS_OBJECT_NAME_INVALID;
	}
	if (colon > MOST_UNITS || (colon == 0 && length == 0)) return STATUS_OBJECT_NAME_INVALID;
	for (u32 i = 0; i < colon; i++) {
		if (text[i] == 0 || text[i] == '/') return STATUS_OBJECT_NAME_INVALID;
	}
	return STATUS_SUCCESS;
}

/* Opens what a stream belongs to, or makes it with the stream. */
static NTSTATUS open_host(HANDLE *host, const OBJECT_ATTRIBUTES *attributes, u32 units, ULONG disposition,
	ULONG options) {
	enum { KEPT = FILE_OPEN_REPARSE_POINT | FILE_OPEN_FOR_BACKUP_INTENT };
	IO_STATUS_BLOCK status;
	UNICODE_STRING name = {(USHORT)(units * 2), (USHORT)(units * 2), attributes->ObjectName->Buffer};
	OBJECT_ATTRIBUTES its = *attributes;
	if (units == 0 && attributes->RootDirectory != NULL) {
		return DuplicateHandle(GetCurrentProcess(), attributes->RootDirectory, GetCurrentProcess(), host, 0,
			FALSE, DUPLICATE_SAME_ACCESS) ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
	}
	its.ObjectName = &name;
	BOOLEAN makes = disposition != FILE_OPEN && disposition != FILE_OVERWRITE;
	return open_any(host, FILE_READ_ATTRIBUTES | SYNCHRONIZE, &its, &status, NULL, FILE_ATTRIBUTE_NORMAL, 7,
		makes ? FILE_OPEN_IF : FILE_OPEN, (options & KEPT) | FILE_OPEN_FOR_BACKUP_INTENT);
}

/* The directory of a file's streams; made if they may be `wanted`. */
static NTSTATUS streams_of(HANDLE host, BOOLEAN wanted, ACCESS_MASK access, char *path) {
	struct linux_stat stat;
	NTSTATUS result = STATUS_SUCCESS;
	int fd = fd_of(host);
	if (fd < 0) return STATUS_INVALID_HANDLE;
	struct record record = record_of(fd);
	BOOLEAN read_only = linux_stat_of(fd, &stat) == 0 && (stat.mode & 0222) == 0;
	if (read_only && (access & (FILE_WRITE_DATA | FILE_APPEND_DATA | GENERIC_WRITE)) != 0) {
		result = STATUS_ACCESS_DENIED;
	} else if (record.id == 0 && !wanted) result = STATUS_OBJECT_NAME_NOT_FOUND;
	else if (record.id == 0) {
		linux_random(&record.id, sizeof record.id);
		result = keep_record(fd, &record);
	}
	linux_close(fd);
	if (result < 0) return result;
	directory_of(record.id, path);
	if (wanted) {
		linux_mkdir(ROOT, 0777);
		linux_mkdir(path, 0777);
	}
	return STATUS_SUCCESS;
}

static NTSTATUS open_in(HANDLE *handle, ACCESS_MASK access, const char *path, const WCHAR *name, u32 units,
	IO_STATUS_BLOCK *status, ULONG share, ULONG disposition, ULONG options) {
	WCHAR text[MOST_UNITS * 3 + 200];
	NTSTATUS result = windows_name(path, text, 150);
	if (result < 0) return result;
	u32 length = (u32)lstrlenW(text);
	text[length++] = '\\';
	length += encoded(name, units, text + length);
	UNICODE_STRING string = {(USHORT)(length * 2), (USHORT)(length * 2), text};
	OBJECT_ATTRIBUTES attributes = attributes_of(NULL, &string);
	options = (options & ~(ULONG)FILE_OPEN_REPARSE_POINT) | FILE_NON_DIRECTORY_FILE;
	result = real_NtCreateFile(handle, access, &attributes, status, NULL, FILE_ATTRIBUTE_NORMAL, share,
		disposition, options, NULL, 0);
	/* That there are no streams at all is no path that is missing. */
	return result == STATUS_OBJECT_PATH_NOT_FOUND ? STATUS_OBJECT_NAME_NOT_FOUND : result;
}

/* MS-FSA 2.1.5.1: `file:name`; the file is made if it is missing and the stream is to be made. */
NTSTATUS open_stream(HANDLE *handle, ACCESS_MASK access, OBJECT_ATTRIBUTES *attributes,
	IO_STATUS_BLOCK *status, ULONG share, ULONG disposition, ULONG options) {
	const UNICODE_STRING *given = attributes->ObjectName;
	char path[PATH_SIZE];
	HANDLE host;
	u32 all = given->Length / 2, units = last_component(given), name;
	while (given->Buffer[units] != ':') units++;
	const WCHAR *text = given->Buffer + units + 1;
	NTSTATUS result = stream_name(text, all - units - 1, &name);
	if (result < 0) return result;
	if (name == 0) {
		UNICODE_STRING content = {(USHORT)(units * 2), (USHORT)(units * 2), given->Buffer};
		OBJECT_ATTRIBUTES its = *attributes;
		its.ObjectName = &content;
		return NtCreateFile(handle, access, &its, status, NULL, FILE_ATTRIBUTE_NORMAL, share, disposition,
			options, NULL, 0);
	}
	if ((options & FILE_DIRECTORY_FILE) != 0) return STATUS_NOT_A_DIRECTORY;
	result = open_host(&host, attributes, units, disposition, options);
	if (result < 0) return result;
	BOOLEAN makes = disposition != FILE_OPEN && disposition != FILE_OVERWRITE;
	result = streams_of(host, makes, access, path);
	if (result >= 0) {
		result = open_in(handle, access, path, text, name, status, share, disposition, options);
	}
	if (result < 0) real_NtClose(host);
	else remember(*handle, host);
	return result;
}

struct entry {
	u64 ino;
	i64 offset;
	u16 length;
	u8 kind;
	char name[];
};

/* Does something with each stream, until that fails. */
static NTSTATUS each_stream(const struct record *record, NTSTATUS (*act)(void *, const char *, int),
	void *context) {
	u8 buffer[8192];
	char path[PATH_SIZE];
	NTSTATUS result = STATUS_SUCCESS;
	if (record->id == 0) return result;
	directory_of(record->id, path);
	u32 base = (u32)strlen(path);
	i64 directory = linux_open(path);
	if (directory < 0) return result;
	path[base++] = '/';
	for (i64 size; (size = linux_entries((int)directory, buffer, sizeof buffer)) > 0;) {
		for (i64 at = 0; at < size && result >= 0;) {
			struct entry *entry = (void *)(buffer + at);
			at += entry->length;
			if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0) continue;
			strcpy(path + base, entry->name);
			i64 fd = linux_open(path);
			if (fd < 0) continue;
			result = act(context, path, (int)fd);
			linux_close((int)fd);
		}
	}
	linux_close((int)directory);
	return result;
}

static NTSTATUS remove_one(void *context, const char *path, int fd) {
	(void)context, (void)fd;
	linux_unlink(path);
	return STATUS_SUCCESS;
}

void remove_streams(const struct record *record) {
	char path[PATH_SIZE];
	if (record->id == 0) return;
	each_stream(record, remove_one, NULL);
	directory_of(record->id, path);
	linux_rmdir(path);
}

struct list {
	u8 *bytes;
	u64 size, written;
	u32 *next; /* of the entry before */
};

static NTSTATUS put(struct list *list, const WCHAR *name, u32 units, int fd) {
	struct linux_stat stat = {0};
	struct record record = record_of(fd);
	u64 start = ROUND_UP(list->written, 8);
	u32 length = (units + 7) * 2;
	if (start + 24 + length > list->size) return STATUS_BUFFER_OVERFLOW;
	linux_stat_of(fd, &stat);
	u8 *entry = list->bytes + start;
	*(u32 *)entry = 0;
	*(u32 *)(entry + 4) = length;
	*(i64 *)(entry + 8) = stat.size;
	*(i64 *)(entry + 16) = allocation_of(fd, &record);
	*(WCHAR *)(entry + 24) = ':';
	memcpy(entry + 26, name, units * 2);
	memcpy(entry + 26 + units * 2, L":$DATA", 12);
	if (list->next != NULL) *list->next = (u32)(entry - (u8 *)list->next);
	list->next = (u32 *)entry;
	list->written = start + 24 + length;
	return STATUS_SUCCESS;
}

static NTSTATUS put_one(void *context, const char *path, int fd) {
	WCHAR text[1024], name[1024];
	const char *last = strrchr(path, '/') + 1;
	int length = MultiByteToWideChar(CP_UTF8, 0, last, -1, text, 1024);
	if (length <= 1) return STATUS_SUCCESS;
	return put(context, name, decoded(text, (u32)length - 1, name), fd);
}

/*
 * IFS, FILE_STREAM_INFORMATION: `::$DATA` for the content of a file, and each stream as `:name:$DATA`;
 * STATUS_BUFFER_OVERFLOW with those that there is room for.
 */
NTSTATUS stream_information(HANDLE handle, int fd, void *info, ULONG size, u64 *written) {
	struct linux_stat stat;
	struct list list = {info, size, 0, NULL};
	NTSTATUS result = STATUS_SUCCESS;
	if (size < 32) return STATUS_INFO_LENGTH_MISMATCH;
	int host = host_of_stream(handle);
	int whose = host >= 0 ? host : fd;
	struct record record = record_of(whose);
	if (linux_stat_of(whose, &stat) == 0 && (stat.mode & 0170000) == 0100000) {
		result = put(&list, L"", 0, whose);
	}
	if (result >= 0) result = each_stream(&record, put_one, &list);
	if (host >= 0) linux_close(host);
	*written = list.written;
	return result;
}

/* IFS, FILE_RENAME_INFORMATION: a stream gets another name if that begins with `:`. */
NTSTATUS rename_stream(int fd, const WCHAR *name, u32 units, BOOLEAN replace) {
	char from[PATH_SIZE], to[PATH_SIZE];
	WCHAR text[MOST_UNITS * 3 + 1];
	u32 length;
	NTSTATUS result = stream_name(name, units, &length);
	if (result < 0 || length == 0) return STATUS_OBJECT_NAME_INVALID;
	if (linux_path_of(fd, from, sizeof from) < 0 || strncmp(from, ROOT, sizeof ROOT - 1) != 0) {
		return STATUS_INVALID_PARAMETER;
	}
	encoded(name, length, text);
	strcpy(to, from);
	char *last = strrchr(to, '/') + 1;
	WideCharToMultiByte(CP_UTF8, 0, text, -1, last, 1000, NULL, NULL);
	i64 there = linux_open(to);
	if (there >= 0) linux_close((int)there);
	if (there >= 0 && !replace) return STATUS_OBJECT_NAME_COLLISION;
	return status_of_linux(linux_rename(from, to));
}
