/* What is kept with a file, in an extended attribute of Linux. */
#include <string.h>
#include "standin.h"

static const char NAME[] = "user.windows-standin";

struct record record_of(int fd) {
	struct record record = {0};
	if (linux_get_xattr(fd, NAME, &record, sizeof record) != sizeof record) {
		return (struct record){0};
	}
	return record;
}

struct record record_at(const char *path) {
	struct record record = {0};
	if (linux_get_xattr_at(path, NAME, &record, sizeof record) != sizeof record) {
		return (struct record){0};
	}
	return record;
}

static i64 keep(int fd, const struct record *record) {
	static const struct record none;
	if (memcmp(record, &none, sizeof none) != 0) {
		return linux_set_xattr(fd, NAME, record, sizeof *record);
	}
	linux_remove_xattr(fd, NAME);
	return 0;
}

/* Read-only files are not kept from it: of Windows it is only their content that they are so for. */
NTSTATUS keep_record(int fd, const struct record *record) {
	struct linux_stat stat;
	i64 result = keep(fd, record);
	if (result == -13 && linux_stat_of(fd, &stat) == 0 && linux_chmod(fd, stat.mode | 0200) == 0) {
		result = keep(fd, record);
		linux_chmod(fd, stat.mode);
	}
	return status_of_linux(result);
}

i64 birth_of(int fd, const struct record *record) {
	struct linux_stat stat;
	if (record->birth != 0) return record->birth;
	return linux_stat_of(fd, &stat) < 0 ? 0 : stat.birth;
}

/* MS-FSCC 2.6: FILE_ATTRIBUTE_NORMAL stands for none at all. */
void put_attributes(u32 *attributes, const struct record *record) {
	u32 found = *attributes & ~FILE_ATTRIBUTE_NORMAL;
	if (record->is_set) found = (found & ~SETTABLE) | record->set;
	found |= record->attributes;
	*attributes = found == 0 ? FILE_ATTRIBUTE_NORMAL : found;
}
