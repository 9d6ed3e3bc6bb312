/* Sparse files: holes are those of the Linux file, and which files may have some is kept with them. */
#include <string.h>
#include "standin.h"

/*
 * IFS, FSCTL_SET_SPARSE: without input the file becomes sparse; with FALSE it is so no longer, and then
 * has clusters for all of it. MS-FSA 2.1.5.10.36: a directory is refused, and so is who can neither
 * write nor set attributes.
 */
NTSTATUS set_sparse(struct request *request) {
	enum { NEEDED = FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES | FILE_APPEND_DATA };
	struct linux_stat stat;
	struct record record = record_of(request->fd);
	BOOLEAN wanted = request->input_size == 0 || *(const u8 *)request->input != 0;
	if (linux_stat_of(request->fd, &stat) < 0 || (stat.mode & 0170000) != 0100000) {
		return STATUS_INVALID_PARAMETER;
	}
	if ((access_of(request->handle) & NEEDED) == 0) return STATUS_ACCESS_DENIED;
	if (wanted) record.attributes |= FILE_ATTRIBUTE_SPARSE_FILE;
	else record.attributes &= ~FILE_ATTRIBUTE_SPARSE_FILE;
	return keep_record(request->fd, &record);
}

static i64 write_zeros(int fd, i64 from, i64 to) {
	static const u8 zeros[65536];
	while (from < to) {
		u64 length = to - from < (i64)sizeof zeros ? (u64)(to - from) : sizeof zeros;
		i64 result = linux_write(fd, zeros, length, from);
		if (result <= 0) return result;
		from += result;
	}
	return 0;
}

/*
 * IFS, FSCTL_SET_ZERO_DATA: zeros from FileOffset up to BeyondFinalZero; the size of the file stays.
 * Of a sparse (or compressed) file the units that lie within lose their clusters. MS-FSA 2.1.5.10.38:
 * STATUS_INVALID_PARAMETER for a negative offset or an end before the beginning.
 */
NTSTATUS set_zero_data(struct request *request) {
	const i64 *given = request->input;
	struct linux_stat stat;
	struct record record = record_of(request->fd);
	if (request->input_size < 16 || given[0] < 0 || given[1] < given[0]) {
		return STATUS_INVALID_PARAMETER;
	}
	if ((access_of(request->handle) & FILE_WRITE_DATA) == 0) return STATUS_ACCESS_DENIED;
	if (linux_stat_of(request->fd, &stat) < 0) return STATUS_INVALID_PARAMETER;
	i64 from = given[0], to = given[1] < stat.size ? given[1] : stat.size;
	if (from >= to) return STATUS_SUCCESS;
	if ((record.attributes & FILE_ATTRIBUTE_SPARSE_FILE) == 0) {
		return status_of_linux(write_zeros(request->fd, from, to));
	}
	i64 unit = sparse_unit();
	i64 start = ROUND_UP(from, unit);
	/* The last unit is the file's to its end. */
	i64 end = to == stat.size ? ROUND_UP(to, unit) : ROUND_DOWN(to, unit);
	i64 result = 0;
	if (start >= end) {
		result = write_zeros(request->fd, from, to);
	} else {
		result = write_zeros(request->fd, from, start);
		if (result >= 0) result = linux_punch(request->fd, start, end - start);
		if (result >= 0 && end < to) result = write_zeros(request->fd, end, to);
	}
	return status_of_linux(result);
}

/* The first stretch with clusters that ends after `from`, in whole units. */
struct range next_allocated(int fd, const struct record *record, i64 from, i64 size) {
	struct range none = {size, size};
	if (from >= size) return none;
	if ((record->attributes & FILE_ATTRIBUTE_SPARSE_FILE) == 0) {
		return (struct range){0, ROUND_UP(size, CLUSTER)};
	}
	i64 unit = sparse_unit();
	i64 start = linux_seek(fd, ROUND_DOWN(from, unit), SEEK_DATA);
	if (start < 0 || start >= size) return none;
	struct range found = {ROUND_DOWN(start, unit), 0};
	for (;;) {
		i64 hole = linux_seek(fd, start, SEEK_HOLE);
		if (hole < 0 || hole > size) hole = size;
		found.end = ROUND_UP(hole, unit);
		start = found.end < size ? linux_seek(fd, found.end, SEEK_DATA) : -1;
		if (start < 0 || ROUND_DOWN(start, unit) > found.end) return found;
	}
}

/*
 * IFS, FSCTL_QUERY_ALLOCATED_RANGES: the ranges of a file that may have content, as whole units, cut to
 * what was asked about; of a file that is not sparse all of it. MS-FSA 2.1.5.10.24: a length of 0 has
 * no ranges; STATUS_BUFFER_TOO_SMALL without room for one, STATUS_BUFFER_OVERFLOW when there are more
 * than there is room for, with as many as there is.
 */
NTSTATUS query_allocated_ranges(struct request *request) {
	const i64 *asked = request->input;
	i64 *answer = request->output;
	struct linux_stat stat;
	struct record record = record_of(request->fd);
	if (request->input_size < 16 || asked[0] < 0 || asked[1] < 0) return STATUS_INVALID_PARAMETER;
	if (asked[0] > MAXLONGLONG - asked[1]) return STATUS_INVALID_PARAMETER;
	if ((access_of(request->handle) & FILE_READ_DATA) == 0) return STATUS_ACCESS_DENIED;
	if (linux_stat_of(request->fd, &stat) < 0) return STATUS_INVALID_PARAMETER;
	i64 end = asked[0] + asked[1] < stat.size ? asked[0] + asked[1] : stat.size;
	for (i64 at = asked[0]; at < end;) {
		struct range range = next_allocated(request->fd, &record, at, stat.size);
		if (range.start >= end) break;
		if (request->output_size < request->written + 16) {
			return request->written == 0 ? STATUS_BUFFER_TOO_SMALL : STATUS_BUFFER_OVERFLOW;
		}
		i64 start = range.start > at ? range.start : at;
		*answer++ = start;
		*answer++ = (range.end < end ? range.end : end) - start;
		request->written += 16;
		at = range.end;
	}
	return STATUS_SUCCESS;
}

/* Where the clusters of a file are: nobody knows, but they are the same ones each time. */
static i64 cluster_at(u64 ino, i64 vcn) {
	return (i64)((ino & 0xffffff) << 24) + vcn;
}

static NTSTATUS retrieval_pointers(struct request *request, u32 stride) {
	struct linux_stat stat;
	struct record record = record_of(request->fd);
	if (request->input_size < 8 || *(const i64 *)request->input < 0) return STATUS_INVALID_PARAMETER;
	if (request->output_size < 16 + stride) return STATUS_BUFFER_TOO_SMALL;
	if (linux_stat_of(request->fd, &stat) < 0) return STATUS_INVALID_PARAMETER;
	u8 *answer = request->output;
	i64 total = ROUND_UP(stat.size, CLUSTER);
	i64 reserved = allocation_of(request->fd, &record);
	if ((record.attributes & FILE_ATTRIBUTE_SPARSE_FILE) == 0 && reserved > total) total = reserved;
	i64 at = *(const i64 *)request->input * CLUSTER;
	u32 count = 0;
	if (at >= total) return STATUS_END_OF_FILE;
	memset(answer, 0, 16 + stride);
	*(i64 *)(answer + 8) = at / CLUSTER;
	request->written = 16;
	while (at < total) {
		struct range range = {0, total};
		if ((record.attributes & FILE_ATTRIBUTE_SPARSE_FILE) != 0) {
			range = next_allocated(request->fd, &record, at, stat.size);
		}
		BOOLEAN hole = range.start > at;
		i64 end = hole ? range.start : range.end;
		if ((record.attributes & FILE_ATTRIBUTE_COMPRESSED) != 0 && !hole) {
			/* Of each unit the first quarter has clusters, for all of it. */
			i64 unit = ROUND_DOWN(at, 16 * CLUSTER), quarter = unit + 4 * CLUSTER;
			hole = at >= quarter;
			end = hole ? unit + 16 * CLUSTER : quarter;
		}
		if (end > total) end = total;
		end = ROUND_UP(end, CLUSTER);
		if (request->output_size < request->written + stride) return STATUS_BUFFER_OVERFLOW;
		i64 *extent = (i64 *)(answer + request->written);
		extent[0] = end / CLUSTER;
		extent[1] = hole ? -1 : cluster_at(stat.ino, at / CLUSTER);
		if (stride > 16) extent[2] = hole || !record.shared ? 1 : 2;
		request->written += stride;
		*(u32 *)answer = ++count;
		at = end;
	}
	return STATUS_SUCCESS;
}

/*
 * IFS, FSCTL_GET_RETRIEVAL_POINTERS: from StartingVcn on, where each extent ends and where it is on the
 * volume, -1 for a hole; STATUS_BUFFER_OVERFLOW when there are more, STATUS_END_OF_FILE from the end on.
 */
NTSTATUS get_retrieval_pointers(struct request *request) {
	return retrieval_pointers(request, 16);
}

/* The same with how many files have the clusters: two of all, if any of a file were ever shared. */
NTSTATUS get_retrieval_pointers_and_refcount(struct request *request) {
	return retrieval_pointers(request, 24);
}
