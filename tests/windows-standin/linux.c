/* Linux itself, which a program under Wine can call past it. */
#include <string.h>
#include "standin.h"

enum {
	SYS_close = 3,
	SYS_open = 2,
	SYS_lseek = 8,
	SYS_pread64 = 17,
	SYS_pwrite64 = 18,
	SYS_ftruncate = 77,
	SYS_rename = 82,
	SYS_mkdir = 83,
	SYS_rmdir = 84,
	SYS_link = 86,
	SYS_unlink = 87,
	SYS_readlink = 89,
	SYS_fchmod = 91,
	SYS_fstatfs = 138,
	SYS_fsetxattr = 190,
	SYS_lgetxattr = 192,
	SYS_fgetxattr = 193,
	SYS_fremovexattr = 199,
	SYS_getdents64 = 217,
	SYS_fallocate = 285,
	SYS_getrandom = 318,
	SYS_statx = 332,
};

static i64 linux_call(i64 number, i64 a, i64 b, i64 c, i64 d, i64 e) {
	register i64 fourth __asm__("r10") = d;
	register i64 fifth __asm__("r8") = e;
	i64 result;
	__asm__ volatile("syscall"
		: "=a"(result)
		: "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
		: "rcx", "r11", "memory");
	return result;
}

#define CALL(name, a, b, c, d, e) \
	linux_call(SYS_##name, (i64)(a), (i64)(b), (i64)(c), (i64)(d), (i64)(e))

struct statx {
	u32 mask, blksize;
	u64 attributes;
	u32 nlink, uid, gid;
	u16 mode, spare;
	u64 ino, size, blocks, attributes_mask;
	struct {
		i64 seconds;
		u32 nanoseconds, spare;
	} atime, btime, ctime, mtime;
	u32 rdev_major, rdev_minor, dev_major, dev_minor;
	u64 spares[14];
};

int linux_stat_of(int fd, struct linux_stat *stat) {
	enum { AT_EMPTY_PATH = 0x1000, STATX_BASIC_STATS_AND_BTIME = 0xfff };
	struct statx found;
	i64 result = CALL(statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS_AND_BTIME, &found);
	if (result < 0) return (int)result;
	stat->dev = (u64)found.dev_major << 32 | found.dev_minor;
	stat->ino = found.ino;
	stat->nlink = found.nlink;
	stat->mode = found.mode;
	stat->size = (i64)found.size;
	stat->birth = 116444736000000000 + found.btime.seconds * 10000000 + found.btime.nanoseconds / 100;
	return 0;
}

BOOLEAN is_directory(const struct linux_stat *stat) {
	return (stat->mode & 0170000) == 0040000;
}

i64 linux_read(int fd, void *buffer, u64 size, i64 offset) {
	return CALL(pread64, fd, buffer, size, offset, 0);
}

i64 linux_write(int fd, const void *buffer, u64 size, i64 offset) {
	return CALL(pwrite64, fd, buffer, size, offset, 0);
}

i64 linux_truncate(int fd, i64 size) {
	return CALL(ftruncate, fd, size, 0, 0, 0);
}

enum { FALLOC_FL_KEEP_SIZE = 1, FALLOC_FL_PUNCH_HOLE = 2 };

i64 linux_punch(int fd, i64 offset, i64 length) {
	return CALL(fallocate, fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset, length, 0);
}

/* Bytes free where a file is. */
i64 linux_free(int fd) {
	i64 found[15];
	return CALL(fstatfs, fd, found, 0, 0, 0) < 0 ? 0 : found[4] * found[1];
}

i64 linux_get_xattr(int fd, const char *name, void *value, u64 size) {
	return CALL(fgetxattr, fd, name, value, size, 0);
}

i64 linux_get_xattr_at(const char *path, const char *name, void *value, u64 size) {
	return CALL(lgetxattr, path, name, value, size, 0);
}

i64 linux_set_xattr(int fd, const char *name, const void *value, u64 size) {
	return CALL(fsetxattr, fd, name, value, size, 0);
}

i64 linux_remove_xattr(int fd, const char *name) {
	return CALL(fremovexattr, fd, name, 0, 0, 0);
}

i64 linux_unlink(const char *path) {
	return CALL(unlink, path, 0, 0, 0, 0);
}

i64 linux_rmdir(const char *path) {
	return CALL(rmdir, path, 0, 0, 0, 0);
}

i64 linux_mkdir(const char *path, int mode) {
	return CALL(mkdir, path, mode, 0, 0, 0);
}

i64 linux_rename(const char *from, const char *to) {
	return CALL(rename, from, to, 0, 0, 0);
}

i64 linux_link(const char *from, const char *to) {
	return CALL(link, from, to, 0, 0, 0);
}

static void name_of(int fd, char link[32]) {
	static const char start[] = "/proc/self/fd/";
	char digits[12];
	int count = 0, at = sizeof start - 1;
	memcpy(link, start, sizeof start - 1);
	do digits[count++] = (char)('0' + fd % 10);
	while ((fd /= 10) > 0);
	while (count > 0) link[at++] = digits[--count];
	link[at] = 0;
}

/* The name that an open file has now. */
i64 linux_path_of(int fd, char *path, u64 size) {
	char link[32];
	name_of(fd, link);
	i64 length = CALL(readlink, link, path, size - 1, 0, 0);
	if (length >= 0) path[length] = 0;
	return length;
}

/* The position that a program reads at stays where it is: the file is opened once more. */
i64 linux_seek(int fd, i64 offset, int whence) {
	char link[32];
	name_of(fd, link);
	i64 own = CALL(open, link, 0, 0, 0, 0);
	if (own < 0) return own;
	i64 result = CALL(lseek, own, offset, whence, 0, 0);
	linux_close((int)own);
	return result;
}

i64 linux_open(const char *path) {
	enum { O_NONBLOCK = 0x800, O_NOFOLLOW = 0x20000, O_CLOEXEC = 0x80000 };
	return CALL(open, path, O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, 0, 0, 0);
}

i64 linux_entries(int fd, void *buffer, u64 size) {
	return CALL(getdents64, fd, buffer, size, 0, 0);
}

void linux_random(void *buffer, u64 size) {
	CALL(getrandom, buffer, size, 0, 0, 0);
}

i64 linux_chmod(int fd, u32 mode) {
	return CALL(fchmod, fd, mode & 07777, 0, 0, 0);
}

void linux_close(int fd) {
	CALL(close, fd, 0, 0, 0, 0);
}

NTSTATUS status_of_linux(i64 failure) {
	switch (failure) {
	case -2: return STATUS_OBJECT_NAME_NOT_FOUND;
	case -1: case -13: return STATUS_ACCESS_DENIED;
	case -17: return STATUS_OBJECT_NAME_COLLISION;
	case -20: return STATUS_NOT_A_DIRECTORY;
	case -27: case -28: case -122: return STATUS_DISK_FULL;
	case -39: return STATUS_DIRECTORY_NOT_EMPTY;
	case -61: case -95: return STATUS_NOT_SUPPORTED;
	default: return failure < 0 ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
	}
}

int fd_of(HANDLE handle) {
	static NTSTATUS(CDECL * handle_to_fd)(HANDLE, unsigned, int *, unsigned *);
	if (handle_to_fd == NULL) {
		HMODULE ntdll = GetModuleHandleA("ntdll.dll");
		handle_to_fd = (void *)GetProcAddress(ntdll, "wine_server_handle_to_fd");
	}
	int fd = -1;
	return handle_to_fd(handle, 0, &fd, NULL) < 0 ? -1 : fd;
}
