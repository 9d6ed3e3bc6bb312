/* Paths, and where links in them lead. */
#include <string.h>
#include "standin.h"

/* Win32, CreateFileW: at most 63 reparse points on any path. */
enum { MOST_LINKS = 63, MOST_UNITS = 32767 };

static const char REPARSE[] = "user.windows-standin-reparse";

static void *of_ntdll(const char *name) {
	return (void *)GetProcAddress(GetModuleHandleA("ntdll.dll"), name);
}

OBJECT_ATTRIBUTES attributes_of(HANDLE root, UNICODE_STRING *name) {
	OBJECT_ATTRIBUTES attributes = {0};
	attributes.Length = sizeof attributes;
	attributes.RootDirectory = root;
	attributes.ObjectName = name;
	attributes.Attributes = OBJ_CASE_INSENSITIVE;
	return attributes;
}

static NTSTATUS converted(const OBJECT_ATTRIBUTES *attributes, char *path, UINT disposition) {
	static NTSTATUS(CDECL * convert)(const OBJECT_ATTRIBUTES *, char *, ULONG *, UINT);
	ULONG size = PATH_SIZE;
	i64 length = 0;
	if (convert == NULL) convert = of_ntdll("wine_nt_to_unix_file_name");
	NTSTATUS result = convert(attributes, path, &size, disposition);
	if ((result < 0 && result != STATUS_NO_SUCH_FILE) || path[0] == '/') return result;
	/* A name in a directory comes back as one. */
	char directory[PATH_SIZE];
	int fd = fd_of(attributes->RootDirectory);
	if (fd >= 0) length = linux_path_of(fd, directory, sizeof directory);
	linux_close(fd);
	if (length <= 0 || length + 1 + strlen(path) >= PATH_SIZE) return STATUS_INVALID_HANDLE;
	memmove(path + length + 1, path, strlen(path) + 1);
	memcpy(path, directory, (u64)length);
	path[length] = '/';
	return result;
}

/* The Linux name of what is there. */
NTSTATUS linux_name(const OBJECT_ATTRIBUTES *attributes, char *path) {
	return converted(attributes, path, FILE_OPEN);
}

/* The Linux name of what is to be there. */
NTSTATUS linux_name_to_make(const OBJECT_ATTRIBUTES *attributes, char *path) {
	NTSTATUS result = converted(attributes, path, FILE_OPEN_IF);
	return result == STATUS_NO_SUCH_FILE ? STATUS_SUCCESS : result;
}

NTSTATUS windows_name(const char *path, WCHAR *name, u32 units) {
	static NTSTATUS(CDECL * convert)(const char *, WCHAR *, ULONG *);
	ULONG size = units;
	if (convert == NULL) convert = of_ntdll("wine_unix_to_nt_file_name");
	return convert(path, name, &size);
}

static u32 units_of(const WCHAR *text) {
	u32 length = 0;
	while (text[length] != 0) length++;
	return length;
}

/* How much of a name stands for the root of its drive; 0 if it begins with no drive. */
static u32 root_length(const WCHAR *name, u32 units) {
	if (units < 7 || memcmp(name, L"\\??\\", 8) != 0 || name[5] != ':' || name[6] != '\\') return 0;
	return 7;
}

/* A name from the root of its drive, with a 0 after it; how much of it was there already, in `base`. */
static NTSTATUS full_name(const OBJECT_ATTRIBUTES *attributes, WCHAR *name, u32 units, u32 *base) {
	const UNICODE_STRING *given = attributes->ObjectName;
	u32 length = given->Length / 2;
	*base = 0;
	if (attributes->RootDirectory != NULL) {
		char path[PATH_SIZE];
		int fd = fd_of(attributes->RootDirectory);
		if (fd < 0) return STATUS_INVALID_HANDLE;
		i64 found = linux_path_of(fd, path, sizeof path);
		linux_close(fd);
		if (found < 0 || windows_name(path, name, units) < 0) return STATUS_INVALID_HANDLE;
		*base = units_of(name);
		if (length > 0 && name[*base - 1] != '\\') name[(*base)++] = '\\';
	}
	if (*base + length + 1 > units) return STATUS_OBJECT_NAME_INVALID;
	memcpy(name + *base, given->Buffer, length * 2);
	name[*base + length] = 0;
	if (*base == 0) *base = root_length(name, length);
	return *base == 0 ? STATUS_OBJECT_NAME_INVALID : STATUS_SUCCESS;
}

static NTSTATUS linux_name_of(const WCHAR *name, u32 units, char *path) {
	UNICODE_STRING string = {(USHORT)(units * 2), (USHORT)(units * 2), (WCHAR *)name};
	OBJECT_ATTRIBUTES attributes = attributes_of(NULL, &string);
	return linux_name(&attributes, path);
}

/* Appends a path to a name, one component after the other; `..` takes one away. */
static u32 append(WCHAR *name, u32 units, u32 root, const WCHAR *path, u32 length) {
	u32 at = 0;
	while (at < length) {
		u32 end = at;
		while (end < length && path[end] != '\\') end++;
		u32 count = end - at;
		BOOLEAN dot = count == 1 && path[at] == '.';
		BOOLEAN up = count == 2 && path[at] == '.' && path[at + 1] == '.';
		if (up) {
			while (units > root && name[units - 1] != '\\') units--;
			if (units > root) units--;
		} else if (count > 0 && !dot && units + count + 2 < MOST_UNITS) {
			if (name[units - 1] != '\\') name[units++] = '\\';
			memcpy(name + units, path + at, count * 2);
			units += count;
		}
		at = end + 1;
	}
	return units;
}

/*
 * IFS, symbolic link reparse data: an absolute link leads to its substitute name; a relative one is
 * looked up from where the link is, or from the root of the drive if it begins with `\`. `..` in it
 * takes a component of the name away, whatever that leads to.
 */
static NTSTATUS lead(WCHAR *name, u32 start, u32 end, const char *path) {
	u8 data[4096];
	i64 size = linux_get_xattr_at(path, REPARSE, data, sizeof data);
	if (size < 16) return STATUS_IO_REPARSE_DATA_INVALID;
	u32 tag = *(u32 *)data;
	BOOLEAN symlink = tag == IO_REPARSE_TAG_SYMLINK;
	if (!symlink && tag != IO_REPARSE_TAG_MOUNT_POINT) return STATUS_IO_REPARSE_TAG_NOT_HANDLED;
	const u8 *buffer = data + (symlink ? 20 : 16);
	const WCHAR *substitute = (const WCHAR *)(buffer + *(u16 *)(data + 8));
	u32 length = *(u16 *)(data + 10) / 2;
	BOOLEAN relative = symlink && (*(u32 *)(data + 16) & 1) != 0;
	u32 rest = units_of(name + end);
	WCHAR *after = heap_alloc((rest + 1) * 2);
	memcpy(after, name + end, rest * 2);
	u32 root = root_length(name, units_of(name)), units;
	if (!relative) {
		memcpy(name, substitute, length * 2);
		units = length;
		root = root_length(name, units);
	} else {
		units = substitute[0] == '\\' || start <= root ? root : start - 1;
		units = append(name, units, root, substitute, length);
	}
	units = append(name, units, root == 0 ? 1 : root, after, rest);
	heap_free(after);
	name[units] = 0;
	return STATUS_SUCCESS;
}

/* Goes through the first link in a name; whether there is one, in `found`. */
static NTSTATUS lead_once(WCHAR *name, u32 base, BOOLEAN last_too, BOOLEAN *found) {
	char path[PATH_SIZE];
	u32 units = units_of(name);
	*found = FALSE;
	for (u32 start = base; start < units;) {
		u32 end = start;
		while (end < units && name[end] != '\\') end++;
		if (end == units && !last_too) break;
		if (linux_name_of(name, end, path) < 0) break;
		if (record_at(path).tag != 0) {
			*found = TRUE;
			return lead(name, start, end, path);
		}
		start = end + 1;
	}
	return STATUS_SUCCESS;
}

/* Whether what a name is in is there, and is no link. */
static BOOLEAN is_plain_parent(const OBJECT_ATTRIBUTES *attributes) {
	char path[PATH_SIZE];
	UNICODE_STRING name = *attributes->ObjectName;
	OBJECT_ATTRIBUTES parent = *attributes;
	u32 units = name.Length / 2;
	while (units > 0 && name.Buffer[units - 1] != '\\') units--;
	if (units == 0) return TRUE;
	name.Length = (USHORT)((units - 1) * 2);
	parent.ObjectName = &name;
	return linux_name(&parent, path) >= 0 && record_at(path).tag == 0;
}

NTSTATUS follow(const OBJECT_ATTRIBUTES *attributes, BOOLEAN last_too, struct target *target) {
	char path[PATH_SIZE];
	u32 base;
	target->attributes = *attributes;
	target->text = NULL;
	if (attributes->ObjectName == NULL || attributes->ObjectName->Length == 0) return STATUS_SUCCESS;
	/* What is in a directory is behind no link: those are empty. Names that are missing cost Wine a search. */
	if (last_too) {
		NTSTATUS there = linux_name(attributes, path);
		if (there >= 0 && record_at(path).tag == 0) return STATUS_SUCCESS;
		if (there == STATUS_NO_SUCH_FILE) last_too = FALSE;
	}
	if (!last_too && is_plain_parent(attributes)) return STATUS_SUCCESS;
	WCHAR *name = heap_alloc((MOST_UNITS + 1) * 2);
	NTSTATUS result = full_name(attributes, name, MOST_UNITS, &base);
	BOOLEAN found = result >= 0, any = FALSE;
	if (result < 0) result = STATUS_SUCCESS;
	for (int links = 0; found && result >= 0; links++) {
		result = lead_once(name, base, last_too, &found);
		any |= found;
		if (found && links == MOST_LINKS) result = STATUS_REPARSE_POINT_NOT_RESOLVED;
		base = root_length(name, units_of(name));
		if (base == 0) break;
	}
	if (!any || result < 0) {
		heap_free(name);
		return result;
	}
	target->text = name;
	target->name.Buffer = name;
	target->name.Length = target->name.MaximumLength = (USHORT)(units_of(name) * 2);
	target->attributes.RootDirectory = NULL;
	target->attributes.ObjectName = &target->name;
	return STATUS_SUCCESS;
}
