/*
 * Sharing clusters, as ReFS does it: here they are copied, which only the free space and their places
 * would tell.
 */
#include "standin.h"

struct duplicate_extents {
	HANDLE source;
	i64 source_offset, target_offset, length;
};

static NTSTATUS copied(int from, int to, const struct duplicate_extents *given, i64 length) {
	static const u64 SIZE = 1 << 20;
	u8 *buffer = heap_alloc(SIZE);
	i64 result = 0;
	for (i64 done = 0; done < length && result >= 0; done += result) {
		u64 size = (u64)(length - done) < SIZE ? (u64)(length - done) : SIZE;
		result = linux_read(from, buffer, size, given->source_offset + done);
		if (result <= 0) break;
		result = linux_write(to, buffer, (u64)result, given->target_offset + done);
	}
	heap_free(buffer);
	return status_of_linux(result);
}

/* Holes of the source are holes of a sparse target. */
static void holes(int from, int to, const struct duplicate_extents *given, i64 length) {
	i64 at = given->source_offset, end = at + length;
	while (at < end) {
		i64 data = linux_seek(from, at, SEEK_DATA);
		if (data < 0 || data > end) data = end;
		if (data > at) linux_punch(to, given->target_offset + at - given->source_offset, data - at);
		at = data < end ? linux_seek(from, data, SEEK_HOLE) : end;
		if (at < 0) return;
	}
}

static void mark_shared(int fd) {
	struct record record = record_of(fd);
	record.shared = TRUE;
	keep_record(fd, &record);
}

/*
 * IFS, FSCTL_DUPLICATE_EXTENTS_TO_FILE, and Win32, "Block cloning": whole clusters, less than 4 GiB,
 * of the same volume; the source range lies within the source, up to the end of its last cluster, and
 * the target range within the target in the same way: it does not make it longer. A sparse source needs
 * a sparse target, and both have checksums or neither. The same file may be both if the ranges do not
 * overlap.
 */
NTSTATUS duplicate_extents(struct request *request) {
	const struct duplicate_extents *given = request->input;
	struct linux_stat source, target;
	if (request->input_size < sizeof *given) return STATUS_BUFFER_TOO_SMALL;
	if ((access_of(request->handle) & FILE_WRITE_DATA) == 0) return STATUS_ACCESS_DENIED;
	i64 all = given->source_offset | given->target_offset | given->length;
	if (all < 0 || all % CLUSTER != 0 || given->length >= 0x100000000) return STATUS_INVALID_PARAMETER;
	if ((access_of(given->source) & FILE_READ_DATA) == 0) return STATUS_ACCESS_DENIED;
	int from = fd_of(given->source);
	if (from < 0 || linux_stat_of(from, &source) < 0 || linux_stat_of(request->fd, &target) < 0) {
		if (from >= 0) linux_close(from);
		return STATUS_INVALID_PARAMETER;
	}
	u32 source_has = record_of(from).attributes, target_has = record_of(request->fd).attributes;
	i64 source_end = given->source_offset + given->length;
	i64 target_end = given->target_offset + given->length;
	i64 length = source_end < source.size ? given->length : source.size - given->source_offset;
	BOOLEAN overlaps = source.ino == target.ino && given->source_offset < target_end &&
		given->target_offset < source_end;
	NTSTATUS result;
	if (source.dev != target.dev) result = STATUS_NOT_SAME_DEVICE;
	else if (((source_has ^ target_has) & FILE_ATTRIBUTE_INTEGRITY_STREAM) != 0) {
		result = STATUS_INVALID_PARAMETER;
	} else if ((source_has & ~target_has & FILE_ATTRIBUTE_SPARSE_FILE) != 0) {
		result = STATUS_NOT_SUPPORTED;
	} else if (source_end > ROUND_UP(source.size, CLUSTER)) result = STATUS_NOT_SUPPORTED;
	else if (target_end > ROUND_UP(target.size, CLUSTER) || overlaps) result = STATUS_INVALID_PARAMETER;
	else {
		if (given->target_offset + length > target.size) length = target.size - given->target_offset;
		result = copied(from, request->fd, given, length);
		if ((target_has & FILE_ATTRIBUTE_SPARSE_FILE) != 0) holes(from, request->fd, given, length);
		if (result >= 0 && length > 0) {
			mark_shared(from);
			mark_shared(request->fd);
		}
	}
	linux_close(from);
	return result;
}

/* IFS, FSCTL_GET_INTEGRITY_INFORMATION. */
NTSTATUS get_integrity(struct request *request) {
	u32 *answer = request->output;
	if (request->output_size < 16) return STATUS_INVALID_PARAMETER;
	BOOLEAN has = (record_of(request->fd).attributes & FILE_ATTRIBUTE_INTEGRITY_STREAM) != 0;
	answer[0] = has ? 2 : 0; /* CHECKSUM_TYPE_CRC64 */
	answer[1] = 0;
	answer[2] = CLUSTER;
	answer[3] = CLUSTER;
	request->written = 16;
	return STATUS_SUCCESS;
}

/* IFS, FSCTL_SET_INTEGRITY_INFORMATION: of a file that has content nothing is changed. */
NTSTATUS set_integrity(struct request *request) {
	enum { CHECKSUM_TYPE_UNCHANGED = 0xffff };
	struct linux_stat stat;
	struct record record = record_of(request->fd);
	if (request->input_size < 8) return STATUS_INVALID_PARAMETER;
	u16 wanted = *(const u16 *)request->input;
	if (wanted == CHECKSUM_TYPE_UNCHANGED) return STATUS_SUCCESS;
	BOOLEAN has = (record.attributes & FILE_ATTRIBUTE_INTEGRITY_STREAM) != 0;
	if (has == (wanted != 0)) return STATUS_SUCCESS;
	if (linux_stat_of(request->fd, &stat) < 0 || stat.size > 0) return STATUS_INVALID_PARAMETER;
	record.attributes ^= FILE_ATTRIBUTE_INTEGRITY_STREAM;
	return keep_record(request->fd, &record);
}
