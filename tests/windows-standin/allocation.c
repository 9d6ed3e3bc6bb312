/*
 * Clusters that are reserved for a file past its end, as long as it is open. It is only remembered how
 * many: what Linux reserves it would have to take back, and that changes the times of a file.
 */
#include "standin.h"

enum { MOST = 256 };
static struct {
	HANDLE handle;
	u64 dev, ino;
	i64 size;
} reserved[MOST];

static i64 reserved_for(int fd) {
	struct linux_stat stat;
	i64 most = 0;
	if (linux_stat_of(fd, &stat) < 0) return 0;
	enter_tables();
	for (int i = 0; i < MOST; i++) {
		if (reserved[i].handle == NULL || reserved[i].ino != stat.ino) continue;
		if (reserved[i].dev == stat.dev && reserved[i].size > most) most = reserved[i].size;
	}
	leave_tables();
	return most;
}

/* As if everything could be compressed to a quarter: 16 clusters, which are compressed together, to 4. */
static i64 compressed_size(i64 size) {
	i64 unit = 16 * CLUSTER, whole = ROUND_DOWN(size, unit), rest = size - whole;
	return whole / 4 + (rest < unit / 4 ? rest : unit / 4);
}

i64 allocation_of(int fd, const struct record *record) {
	struct linux_stat stat;
	i64 sum = 0;
	BOOLEAN compressed = (record->attributes & FILE_ATTRIBUTE_COMPRESSED) != 0;
	if (linux_stat_of(fd, &stat) < 0 || (stat.mode & 0170000) != 0100000) return 0;
	if ((record->attributes & FILE_ATTRIBUTE_SPARSE_FILE) == 0) {
		i64 size = ROUND_UP(stat.size, CLUSTER), more = reserved_for(fd);
		if (compressed) return compressed_size(size);
		return more > size ? more : size;
	}
	for (i64 at = 0; at < stat.size;) {
		struct range range = next_allocated(fd, record, at, stat.size);
		sum += range.end - range.start;
		at = range.end;
	}
	return compressed ? compressed_size(sum) : sum;
}

/*
 * IFS, FILE_ALLOCATION_INFORMATION: a size below the end of the file moves the end there; a greater one
 * never moves it. MS-FSA 2.1.5.15.1: the size is rounded up to clusters first; negative ones are refused. A
 * sparse file gets no clusters for what nobody has written.
 */
NTSTATUS set_allocation(HANDLE handle, int fd, i64 size) {
	struct linux_stat stat;
	struct record record = record_of(fd);
	if ((access_of(handle) & FILE_WRITE_DATA) == 0) return STATUS_ACCESS_DENIED;
	if (size < 0 || linux_stat_of(fd, &stat) < 0) return STATUS_INVALID_PARAMETER;
	size = ROUND_UP(size, CLUSTER);
	if (size < stat.size) return status_of_linux(linux_truncate(fd, size));
	if ((record.attributes & (FILE_ATTRIBUTE_SPARSE_FILE | FILE_ATTRIBUTE_COMPRESSED)) != 0) {
		return STATUS_SUCCESS;
	}
	if (size - stat.size > linux_free(fd)) return STATUS_DISK_FULL;
	enter_tables();
	int at = 0;
	while (at < MOST && reserved[at].handle != handle) at++;
	if (at == MOST) {
		at = 0;
		while (at < MOST - 1 && reserved[at].handle != NULL) at++;
	}
	reserved[at].handle = handle;
	reserved[at].dev = stat.dev;
	reserved[at].ino = stat.ino;
	reserved[at].size = size;
	leave_tables();
	return STATUS_SUCCESS;
}

/* NTFS takes back, when a file is closed, what was reserved past its end and not used. */
void release_allocation(HANDLE handle) {
	enter_tables();
	for (int i = 0; i < MOST; i++) {
		if (reserved[i].handle == handle) reserved[i].handle = NULL;
	}
	leave_tables();
}
