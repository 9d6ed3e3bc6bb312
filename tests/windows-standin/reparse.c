/* Reparse points: the data of one is kept with the file, and its tag in the file's record. */
#include <string.h>
#include "standin.h"

static const char REPARSE[] = "user.windows-standin-reparse";

struct header {
	u32 tag;
	u16 length, reserved;
};

/*
 * IFS, FSCTL_GET_REPARSE_POINT: STATUS_NOT_A_REPARSE_POINT for other files; STATUS_BUFFER_OVERFLOW, with
 * as much as there is room for.
 */
NTSTATUS get_reparse_point(struct request *request) {
	u8 data[4096];
	if (record_of(request->fd).tag == 0) return STATUS_NOT_A_REPARSE_POINT;
	i64 size = linux_get_xattr(request->fd, REPARSE, data, sizeof data);
	if (size < 0) return STATUS_NOT_A_REPARSE_POINT;
	if (request->output_size < sizeof(struct header)) return STATUS_BUFFER_TOO_SMALL;
	BOOLEAN fits = (u64)size <= request->output_size;
	request->written = fits ? (u64)size : request->output_size;
	memcpy(request->output, data, request->written);
	return fits ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

static BOOLEAN may_change(HANDLE handle) {
	return (access_of(handle) & (FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES)) != 0;
}

static NTSTATUS check(const struct request *request, u32 *tag, u32 *length) {
	const struct header *header = request->input;
	if (request->input_size < sizeof *header) return STATUS_IO_REPARSE_DATA_INVALID;
	*tag = header->tag;
	*length = header->length;
	if (*tag <= 1) return STATUS_IO_REPARSE_TAG_INVALID;
	if (*length + sizeof *header != request->input_size) return STATUS_IO_REPARSE_DATA_INVALID;
	return may_change(request->handle) ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}

/* The names of a link lie within what is given, and there is one that it leads to. */
static BOOLEAN has_names(const u8 *data, u32 size, u32 path) {
	const u16 *names = (const u16 *)(data + 8);
	if (size < path || names[1] == 0) return FALSE;
	return path + names[0] + names[1] <= size && path + names[2] + names[3] <= size;
}

static NTSTATUS keep(struct request *request, u32 tag) {
	struct record record = record_of(request->fd);
	i64 result = linux_set_xattr(request->fd, REPARSE, request->input, request->input_size);
	if (result < 0) return status_of_linux(result);
	record.tag = tag;
	record.attributes |= FILE_ATTRIBUTE_REPARSE_POINT;
	return keep_record(request->fd, &record);
}

/*
 * IFS, FSCTL_SET_REPARSE_POINT, and MS-FSA 2.1.5.10.37: only an empty directory; a junction only on a
 * directory; a point with another tag is not replaced; a symbolic link takes a privilege.
 */
NTSTATUS set_reparse_point(struct request *request) {
	struct linux_stat stat;
	u32 tag, length;
	NTSTATUS result = check(request, &tag, &length);
	if (result < 0) return result;
	BOOLEAN symlink = tag == IO_REPARSE_TAG_SYMLINK, junction = tag == IO_REPARSE_TAG_MOUNT_POINT;
	if (symlink && !setting_is("WINDOWS_STANDIN_SYMLINKS", "elevated")) {
		return STATUS_PRIVILEGE_NOT_HELD;
	}
	if ((symlink || junction) && !has_names(request->input, request->input_size, symlink ? 20 : 16)) {
		return STATUS_IO_REPARSE_DATA_INVALID;
	}
	if (linux_stat_of(request->fd, &stat) < 0) return STATUS_INVALID_PARAMETER;
	BOOLEAN directory = (stat.mode & 0170000) == 0040000;
	if (junction && !directory) return STATUS_NOT_A_DIRECTORY;
	if (directory && !is_empty(request->fd)) return STATUS_DIRECTORY_NOT_EMPTY;
	struct record record = record_of(request->fd);
	if (record.tag != 0 && record.tag != tag) return STATUS_IO_REPARSE_TAG_MISMATCH;
	return keep(request, tag);
}

/* IFS, FSCTL_DELETE_REPARSE_POINT: the tag must be that of the point, and no data given. */
NTSTATUS delete_reparse_point(struct request *request) {
	u32 tag, length;
	NTSTATUS result = check(request, &tag, &length);
	if (result < 0) return result;
	struct record record = record_of(request->fd);
	if (record.tag == 0) return STATUS_NOT_A_REPARSE_POINT;
	if (record.tag != tag) return STATUS_IO_REPARSE_TAG_MISMATCH;
	if (length != 0) return STATUS_IO_REPARSE_DATA_INVALID;
	linux_remove_xattr(request->fd, REPARSE);
	record.tag = 0;
	record.attributes &= ~FILE_ATTRIBUTE_REPARSE_POINT;
	return keep_record(request->fd, &record);
}

NTSYSAPI NTSTATUS NTAPI RtlDosPathNameToNtPathName_U_WithStatus(const WCHAR *, UNICODE_STRING *, WCHAR **,
	void *);

static u32 link_data(u8 *data, const WCHAR *substitute, u32 length, const WCHAR *print, u32 shown,
	BOOLEAN relative) {
	u32 size = 20 + length + shown;
	struct header header = {IO_REPARSE_TAG_SYMLINK, (u16)(size - sizeof header), 0};
	u16 names[] = {(u16)shown, (u16)length, 0, (u16)shown};
	memcpy(data, &header, sizeof header);
	memcpy(data + 8, names, sizeof names);
	*(u32 *)(data + 16) = relative ? 1 : 0;
	memcpy(data + 20, print, shown);
	memcpy(data + 20 + shown, substitute, length);
	return size;
}

static NTSTATUS create_link(const WCHAR *link, const WCHAR *target, BOOLEAN directory) {
	enum { OPTIONS = FILE_OPEN_REPARSE_POINT | FILE_SYNCHRONOUS_IO_NONALERT };
	u8 data[4096];
	UNICODE_STRING name, native = {0};
	IO_STATUS_BLOCK status;
	HANDLE handle;
	u32 shown = (u32)lstrlenW(target) * 2;
	BOOLEAN drive = target[0] != 0 && target[1] == ':';
	BOOLEAN relative = !drive && !(target[0] == '\\' && target[1] == '\\');
	if (shown == 0) return STATUS_INVALID_PARAMETER;
	NTSTATUS result = RtlDosPathNameToNtPathName_U_WithStatus(link, &name, NULL, NULL);
	if (result < 0) return result;
	if (!relative) result = RtlDosPathNameToNtPathName_U_WithStatus(target, &native, NULL, NULL);
	const WCHAR *substitute = relative ? target : native.Buffer;
	u32 length = relative ? shown : native.Length;
	if (result >= 0 && 20 + length + shown > sizeof data - 200) result = STATUS_OBJECT_NAME_INVALID;
	if (result >= 0) {
		OBJECT_ATTRIBUTES attributes = attributes_of(NULL, &name);
		ULONG options = OPTIONS | (directory ? FILE_DIRECTORY_FILE : FILE_NON_DIRECTORY_FILE);
		result = open_any(&handle, DELETE | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE, &attributes, &status, NULL,
			FILE_ATTRIBUTE_NORMAL, 7, FILE_CREATE, options);
	}
	if (result >= 0) {
		struct request request = {.handle = handle, .fd = fd_of(handle), .input = data};
		request.input_size = link_data(data, substitute, length, target, shown, relative);
		result = keep(&request, IO_REPARSE_TAG_SYMLINK);
		if (result < 0) dispose(handle, request.fd, 3);
		linux_close(request.fd);
		carry_out_disposition(handle);
		real_NtClose(handle);
	}
	RtlFreeUnicodeString(&name);
	if (native.Buffer != NULL) RtlFreeUnicodeString(&native);
	return result;
}

/*
 * Win32, CreateSymbolicLinkW: 1 for a link to a directory; without the privilege only with 2, and only
 * in developer mode. The setting WINDOWS_STANDIN_SYMLINKS is "developer" (the default), "elevated", or
 * "forbidden".
 */
__declspec(dllexport) BOOLEAN NTAPI CreateSymbolicLinkW(const WCHAR *link, const WCHAR *target,
	DWORD flags) {
	BOOLEAN elevated = setting_is("WINDOWS_STANDIN_SYMLINKS", "elevated");
	BOOLEAN forbidden = setting_is("WINDOWS_STANDIN_SYMLINKS", "forbidden");
	NTSTATUS result = STATUS_SUCCESS;
	if (link == NULL || target == NULL || (flags & ~3u) != 0) result = STATUS_INVALID_PARAMETER;
	else if (!elevated && (forbidden || (flags & 2) == 0)) result = STATUS_PRIVILEGE_NOT_HELD;
	else result = create_link(link, target, (flags & 1) != 0);
	if (result >= 0) return TRUE;
	SetLastError(RtlNtStatusToDosError(result));
	return FALSE;
}
