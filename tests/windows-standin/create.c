/* Opening files by their names: through links, and into streams. */
#include "standin.h"

/*
 * MS-FSA 2.1.5.1.2: a file that is overwritten is sparse no more, and loses its streams; what is
 * superseded is a new file.
 */
static void overwritten(HANDLE handle, BOOLEAN superseded) {
	int fd = fd_of(handle);
	if (fd < 0) return;
	struct record record = record_of(fd);
	if (record.attributes != 0 || record.id != 0 || (superseded && record.birth != 0)) {
		remove_streams(&record);
		record.id = 0;
		record.attributes &= ~FILE_ATTRIBUTE_SPARSE_FILE;
		if (superseded) record.birth = 0;
		keep_record(fd, &record);
	}
	linux_close(fd);
}

/*
 * MS-FSA 2.1.5.1.2.1: that a file is read-only keeps its content from being written, and not its
 * attributes. Wine opens no Linux file for the one without the other.
 */
static NTSTATUS open_read_only(HANDLE *handle, ACCESS_MASK access, OBJECT_ATTRIBUTES *attributes,
	IO_STATUS_BLOCK *status, ULONG share, ULONG options) {
	BOOLEAN named = attributes->ObjectName != NULL && attributes->ObjectName->Length > 0;
	enum { CONTENT = FILE_WRITE_DATA | FILE_APPEND_DATA | GENERIC_WRITE | GENERIC_ALL | MAXIMUM_ALLOWED };
	char path[PATH_SIZE];
	struct linux_stat stat;
	NTSTATUS result = STATUS_ACCESS_DENIED;
	if ((access & CONTENT) != 0 || (access & (FILE_WRITE_ATTRIBUTES | FILE_WRITE_EA)) == 0) return result;
	if (named && linux_name(attributes, path) < 0) return result;
	i64 fd = named ? linux_open(path) : fd_of(attributes->RootDirectory);
	if (fd < 0) return result;
	BOOLEAN is_read_only = linux_stat_of((int)fd, &stat) == 0 && (stat.mode & 0222) == 0;
	if (is_read_only && linux_chmod((int)fd, stat.mode | 0200) == 0) {
		result = real_NtCreateFile(handle, access, attributes, status, NULL, FILE_ATTRIBUTE_NORMAL, share,
			FILE_OPEN, options, NULL, 0);
		linux_chmod((int)fd, stat.mode);
	}
	linux_close((int)fd);
	return result;
}

NTSTATUS open_any(HANDLE *handle, ACCESS_MASK access, OBJECT_ATTRIBUTES *attributes,
	IO_STATUS_BLOCK *status, LARGE_INTEGER *allocation, ULONG file_attributes, ULONG share,
	ULONG disposition, ULONG options) {
	enum { SUPERSEDED = 0, OVERWRITTEN = 3 };
	struct target target;
	if (names_stream(attributes)) {
		return open_stream(handle, access, attributes, status, share, disposition, options);
	}
	/* What has the name of a file that is to be made new is in its way, wherever it leads. */
	BOOLEAN last_too = (options & FILE_OPEN_REPARSE_POINT) == 0 && disposition != FILE_CREATE;
	NTSTATUS result = follow(attributes, last_too, &target);
	if (result < 0) return result;
	if (is_disposed(&target.attributes)) result = STATUS_DELETE_PENDING;
	else {
		result = real_NtCreateFile(handle, access, &target.attributes, status, allocation,
			file_attributes, share, disposition, options, NULL, 0);
		if (result == STATUS_ACCESS_DENIED && (disposition == FILE_OPEN || disposition == FILE_OPEN_IF)) {
			result = open_read_only(handle, access, &target.attributes, status, share, options);
		}
	}
	heap_free(target.text);
	if (result == STATUS_SUCCESS && disposition != FILE_OPEN && disposition != FILE_CREATE) {
		if (status->Information == OVERWRITTEN) overwritten(*handle, FALSE);
		if (status->Information == SUPERSEDED) overwritten(*handle, TRUE);
	}
	return result;
}

/* Wine's CreateFileW does not pass FILE_FLAG_OPEN_REPARSE_POINT on: so it is remembered meanwhile. */
CreateFileW_t real_CreateFileW;
static DWORD wants_link = TLS_OUT_OF_INDEXES;

HANDLE WINAPI CreateFileW(const WCHAR *name, DWORD access, DWORD share, SECURITY_ATTRIBUTES *security,
	DWORD creation, DWORD flags, HANDLE template) {
	BOOLEAN link = (flags & FILE_FLAG_OPEN_REPARSE_POINT) != 0;
	if (link && wants_link == TLS_OUT_OF_INDEXES) wants_link = TlsAlloc();
	if (link) TlsSetValue(wants_link, (void *)1);
	HANDLE handle = real_CreateFileW(name, access, share, security, creation, flags, template);
	DWORD error = GetLastError();
	if (link) TlsSetValue(wants_link, NULL);
	SetLastError(error);
	return handle;
}

static ULONG wanted_options(ULONG options) {
	DWORD error = GetLastError();
	if (wants_link != TLS_OUT_OF_INDEXES && TlsGetValue(wants_link) != NULL) {
		options |= FILE_OPEN_REPARSE_POINT;
	}
	SetLastError(error);
	return options;
}

/*
 * Without a name what is opened is the file of the handle that names are looked up from: through its
 * reparse point, as by any name. Gives whether it has one that is to be gone through.
 */
static BOOLEAN is_behind_point(const OBJECT_ATTRIBUTES *attributes, ULONG options) {
	if (attributes == NULL || (options & FILE_OPEN_REPARSE_POINT) != 0) return FALSE;
	int fd = fd_of(attributes->RootDirectory);
	if (fd < 0) return FALSE;
	u32 tag = record_of(fd).tag;
	linux_close(fd);
	return tag != 0;
}

static NTSTATUS open_behind_point(HANDLE *handle, ACCESS_MASK access, const OBJECT_ATTRIBUTES *attributes,
	IO_STATUS_BLOCK *status, ULONG share, ULONG disposition, ULONG options) {
	enum { UNITS = 4096 };
	char path[PATH_SIZE];
	WCHAR *text = heap_alloc(UNITS * 2);
	int fd = fd_of(attributes->RootDirectory);
	i64 length = linux_path_of(fd, path, sizeof path);
	linux_close(fd);
	NTSTATUS result = length < 0 ? STATUS_INVALID_HANDLE : windows_name(path, text, UNITS);
	if (result >= 0) {
		USHORT size = (USHORT)(lstrlenW(text) * 2);
		UNICODE_STRING name = {size, size, text};
		OBJECT_ATTRIBUTES named = attributes_of(NULL, &name);
		result = open_any(handle, access, &named, status, NULL, 0, share, disposition, options);
	}
	heap_free(text);
	return result;
}

EXPORT NtCreateFile(HANDLE *handle, ACCESS_MASK access, OBJECT_ATTRIBUTES *attributes,
	IO_STATUS_BLOCK *status, LARGE_INTEGER *allocation, ULONG file_attributes, ULONG share,
	ULONG disposition, ULONG options, void *ea, ULONG ea_length) {
	BOOLEAN named = attributes != NULL && attributes->ObjectName != NULL &&
		attributes->ObjectName->Length > 0;
	options = wanted_options(options);
	if (!named && is_behind_point(attributes, options)) {
		return open_behind_point(handle, access, attributes, status, share, disposition, options);
	}
	if (!named || (options & FILE_OPEN_BY_FILE_ID) != 0 || ea != NULL) {
		NTSTATUS result = real_NtCreateFile(handle, access, attributes, status, allocation,
			file_attributes, share, disposition, options, ea, ea_length);
		BOOLEAN denied = result == STATUS_ACCESS_DENIED && !named && attributes != NULL;
		return denied ? open_read_only(handle, access, attributes, status, share, options) : result;
	}
	return open_any(handle, access, attributes, status, allocation, file_attributes, share, disposition,
		options);
}

EXPORT NtOpenFile(HANDLE *handle, ACCESS_MASK access, OBJECT_ATTRIBUTES *attributes,
	IO_STATUS_BLOCK *status, ULONG share, ULONG options) {
	return NtCreateFile(handle, access, attributes, status, NULL, 0, share, FILE_OPEN, options, NULL, 0);
}

EXPORT NtClose(HANDLE handle) {
	carry_out_disposition(handle);
	release_allocation(handle);
	forget_stream(handle);
	return real_NtClose(handle);
}
