/* What is told of a file, and set: what is kept beside it is put in, and taken out. */
#include <string.h>
#include "standin.h"

struct basic {
	i64 creation, access, write, change;
	u32 attributes;
};

static void put_basic(struct basic *basic, int fd, const struct record *record) {
	basic->creation = birth_of(fd, record);
	put_attributes(&basic->attributes, record);
}

/* The standard information begins with the size of the allocation. */
static void put_standard(i64 *standard, int fd, const struct record *record) {
	*standard = allocation_of(fd, record);
}

static void put(HANDLE handle, int fd, void *info, ULONG kind) {
	u8 *bytes = info;
	struct record record = record_of(fd);
	struct record host = record;
	int host_fd = host_of_stream(handle);
	if (host_fd >= 0) {
		host = record_of(host_fd);
		host.attributes &= ~(FILE_ATTRIBUTE_SPARSE_FILE | FILE_ATTRIBUTE_COMPRESSED);
		host.attributes |= record.attributes;
	}
	int whose = host_fd >= 0 ? host_fd : fd;
	switch (kind) {
	case BasicClass:
		put_basic(info, whose, &host);
		break;
	case StandardClass:
		put_standard(info, fd, &record);
		bytes[20] |= is_marked(handle);
		break;
	case AllClass:
		put_basic(info, whose, &host);
		put_standard((i64 *)(bytes + 40), fd, &record);
		bytes[60] |= is_marked(handle);
		if (host_fd >= 0) {
			struct linux_stat stat;
			if (linux_stat_of(host_fd, &stat) == 0) *(u64 *)(bytes + 64) = stat.ino;
		}
		break;
	case NetworkOpenClass:
		*(i64 *)info = birth_of(whose, &host);
		put_standard((i64 *)(bytes + 32), fd, &record);
		put_attributes((u32 *)(bytes + 48), &host);
		break;
	case AttributeTagClass:
		put_attributes(info, &host);
		((u32 *)info)[1] = host.tag;
		break;
	default:
		break;
	}
	if (host_fd >= 0) linux_close(host_fd);
}

EXPORT NtQueryInformationFile(HANDLE handle, IO_STATUS_BLOCK *status, void *info, ULONG size,
	ULONG kind) {
	BOOLEAN touched = kind == BasicClass || kind == StandardClass || kind == AllClass ||
		kind == NetworkOpenClass || kind == AttributeTagClass || kind == StreamClass;
	if (!touched) return real_NtQueryInformationFile(handle, status, info, size, kind);
	int fd = fd_of(handle);
	if (fd < 0) return real_NtQueryInformationFile(handle, status, info, size, kind);
	NTSTATUS result;
	if (kind == StreamClass) {
		u64 written = 0;
		result = stream_information(handle, fd, info, size, &written);
		status->Status = result;
		status->Information = written;
	} else {
		result = real_NtQueryInformationFile(handle, status, info, size, kind);
		if (result == STATUS_SUCCESS || result == STATUS_BUFFER_OVERFLOW) {
			put(handle, fd, info, kind);
		}
	}
	linux_close(fd);
	return result;
}

/*
 * IFS, FILE_BASIC_INFORMATION: a time of 0 stays as it is, and so do all attributes with 0; -1 and -2
 * are about what is set later. Whether a file is sparse, compressed or a reparse point is not set here.
 */
static NTSTATUS set_basic(HANDLE handle, int fd, IO_STATUS_BLOCK *status, const struct basic *given) {
	enum { NOT_SET_HERE = FILE_ATTRIBUTE_SPARSE_FILE | FILE_ATTRIBUTE_COMPRESSED |
		FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_ENCRYPTED };
	struct basic passed = *given;
	ACCESS_MASK access = access_of(handle);
	/* Wine's own SetFileAttributesW opens files for nothing at all. */
	if ((access & FILE_WRITE_ATTRIBUTES) == 0 && access != SYNCHRONIZE) return STATUS_ACCESS_DENIED;
	passed.attributes &= ~(u32)NOT_SET_HERE;
	if (passed.attributes == 0 && given->attributes != 0) passed.attributes = FILE_ATTRIBUTE_NORMAL;
	/* Wine takes 0 for a file that is not read-only. */
	struct linux_stat stat;
	BOOLEAN is_read_only = linux_stat_of(fd, &stat) == 0 && (stat.mode & 0222) == 0;
	if (given->attributes == 0 && is_read_only) passed.attributes = FILE_ATTRIBUTE_READONLY;
	int host = host_of_stream(handle);
	int whose = host >= 0 ? host : fd;
	NTSTATUS result = real_NtSetInformationFile(handle, status, &passed, sizeof passed, BasicClass);
	if (result == STATUS_SUCCESS && (given->creation > 0 || given->attributes != 0)) {
		struct record record = record_of(whose);
		if (given->creation > 0) record.birth = given->creation;
		if (given->attributes != 0) {
			record.set = given->attributes & SETTABLE;
			record.is_set = TRUE;
		}
		result = keep_record(whose, &record);
	}
	if (host >= 0) linux_close(host);
	return result;
}

static NTSTATUS set(HANDLE handle, int fd, IO_STATUS_BLOCK *status, void *info, ULONG size, ULONG kind) {
	switch (kind) {
	case BasicClass:
		if (size < sizeof(struct basic)) break;
		return set_basic(handle, fd, status, info);
	case AllocationClass:
		if (size < 8) return STATUS_INFO_LENGTH_MISMATCH;
		return set_allocation(handle, fd, *(const i64 *)info);
	case DispositionExClass:
		if (size < 4) return STATUS_INFO_LENGTH_MISMATCH;
		return dispose(handle, fd, *(const u32 *)info);
	case RenameExClass:
	case RenameClass:
	case LinkExClass:
	case LinkClass:
		return rename_or_link(handle, fd, status, info, size, kind);
	default:
		break;
	}
	return real_NtSetInformationFile(handle, status, info, size, kind);
}

EXPORT NtSetInformationFile(HANDLE handle, IO_STATUS_BLOCK *status, void *info, ULONG size, ULONG kind) {
	BOOLEAN touched = kind == BasicClass || kind == AllocationClass || kind == DispositionExClass ||
		kind == RenameExClass || kind == RenameClass || kind == LinkExClass || kind == LinkClass;
	int fd = touched ? fd_of(handle) : -1;
	if (fd < 0) return real_NtSetInformationFile(handle, status, info, size, kind);
	NTSTATUS result = set(handle, fd, status, info, size, kind);
	linux_close(fd);
	if (result == STATUS_SUCCESS) {
		status->Status = result;
		status->Information = 0;
	}
	return result;
}

/* What is told of a file by its name alone: links are not followed, as IFS has it. */
static void put_named(const OBJECT_ATTRIBUTES *attributes, void *info, i64 *allocation, u32 *bits) {
	char path[PATH_SIZE];
	if (linux_name(attributes, path) < 0) return;
	i64 fd = linux_open(path);
	if (fd < 0) return;
	struct record record = record_of((int)fd);
	*(i64 *)info = birth_of((int)fd, &record);
	if (allocation != NULL) *allocation = allocation_of((int)fd, &record);
	put_attributes(bits, &record);
	linux_close((int)fd);
}

EXPORT NtQueryAttributesFile(const OBJECT_ATTRIBUTES *attributes, void *info) {
	struct target target;
	NTSTATUS result = follow(attributes, FALSE, &target);
	if (result < 0) return result;
	result = real_NtQueryAttributesFile(&target.attributes, info);
	if (result >= 0) put_named(&target.attributes, info, NULL, (u32 *)((u8 *)info + 32));
	heap_free(target.text);
	return result;
}

EXPORT NtQueryFullAttributesFile(const OBJECT_ATTRIBUTES *attributes, void *info) {
	struct target target;
	NTSTATUS result = follow(attributes, FALSE, &target);
	if (result < 0) return result;
	result = real_NtQueryFullAttributesFile(&target.attributes, info);
	if (result >= 0) {
		put_named(&target.attributes, info, (i64 *)((u8 *)info + 32), (u32 *)((u8 *)info + 48));
	}
	heap_free(target.text);
	return result;
}
