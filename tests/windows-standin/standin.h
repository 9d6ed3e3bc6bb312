/*
 * A stand-in for what Wine lacks of Windows' filesystems. Under Wine the files are those of Linux, and
 * a program may call Linux itself: holes are holes there, and what Linux has no place for (that a file
 * is sparse, when it was made, where a link leads) is kept with the file, in its extended attributes.
 * So it is as the file is: the same for every process, gone with the file, and moved with it.
 *
 * "MS-FSA" in comments is Microsoft's [MS-FSA], the algorithms of its filesystems, and "IFS" the
 * documentation of Windows drivers, where each request and each kind of information has its page.
 */
#ifndef STANDIN_H
#define STANDIN_H

#define WIN32_LEAN_AND_MEAN
/* The functions themselves are declared here, as the stand-in takes them. */
#define NtCreateFile NtCreateFile_of_winternl
#define NtOpenFile NtOpenFile_of_winternl
#define NtClose NtClose_of_winternl
#define NtFsControlFile NtFsControlFile_of_winternl
#define NtQueryInformationFile NtQueryInformationFile_of_winternl
#define NtSetInformationFile NtSetInformationFile_of_winternl
#define NtQueryDirectoryFile NtQueryDirectoryFile_of_winternl
#define NtQueryVolumeInformationFile NtQueryVolumeInformationFile_of_winternl
#define NtQueryAttributesFile NtQueryAttributesFile_of_winternl
#define NtQueryFullAttributesFile NtQueryFullAttributesFile_of_winternl
#define CreateSymbolicLinkW CreateSymbolicLinkW_of_winbase
#define CreateFileW CreateFileW_of_winbase
#include <windows.h>
#include <winternl.h>
#undef NtCreateFile
#undef NtOpenFile
#undef NtClose
#undef NtFsControlFile
#undef NtQueryInformationFile
#undef NtSetInformationFile
#undef NtQueryDirectoryFile
#undef NtQueryVolumeInformationFile
#undef NtQueryAttributesFile
#undef NtQueryFullAttributesFile
#undef CreateSymbolicLinkW
#undef CreateFileW

/* Names that mingw's winternl.h leaves out, or has in other headers. */
#ifndef FILE_ATTRIBUTE_INTEGRITY_STREAM
#define FILE_ATTRIBUTE_INTEGRITY_STREAM 0x8000
#endif
#define STATUS_SUCCESS ((NTSTATUS)0)
#define STATUS_BUFFER_OVERFLOW ((NTSTATUS)0x80000005)
#define STATUS_INFO_LENGTH_MISMATCH ((NTSTATUS)0xC0000004)
#define STATUS_NO_SUCH_FILE ((NTSTATUS)0xC000000F)
#define STATUS_INVALID_DEVICE_REQUEST ((NTSTATUS)0xC0000010)
#define STATUS_END_OF_FILE ((NTSTATUS)0xC0000011)
#define STATUS_ACCESS_DENIED ((NTSTATUS)0xC0000022)
#define STATUS_BUFFER_TOO_SMALL ((NTSTATUS)0xC0000023)
#define STATUS_OBJECT_NAME_INVALID ((NTSTATUS)0xC0000033)
#define STATUS_OBJECT_NAME_NOT_FOUND ((NTSTATUS)0xC0000034)
#define STATUS_OBJECT_NAME_COLLISION ((NTSTATUS)0xC0000035)
#define STATUS_OBJECT_PATH_NOT_FOUND ((NTSTATUS)0xC000003A)
#define STATUS_DELETE_PENDING ((NTSTATUS)0xC0000056)
#define STATUS_DISK_FULL ((NTSTATUS)0xC000007F)
#define STATUS_PRIVILEGE_NOT_HELD ((NTSTATUS)0xC0000061)
#define STATUS_FILE_IS_A_DIRECTORY ((NTSTATUS)0xC00000BA)
#define STATUS_NOT_SUPPORTED ((NTSTATUS)0xC00000BB)
#define STATUS_NOT_SAME_DEVICE ((NTSTATUS)0xC00000D4)
#define STATUS_DIRECTORY_NOT_EMPTY ((NTSTATUS)0xC0000101)
#define STATUS_NOT_A_DIRECTORY ((NTSTATUS)0xC0000103)
#define STATUS_CANNOT_DELETE ((NTSTATUS)0xC0000121)
#define STATUS_NOT_A_REPARSE_POINT ((NTSTATUS)0xC0000275)
#define STATUS_IO_REPARSE_TAG_INVALID ((NTSTATUS)0xC0000276)
#define STATUS_IO_REPARSE_TAG_MISMATCH ((NTSTATUS)0xC0000277)
#define STATUS_IO_REPARSE_DATA_INVALID ((NTSTATUS)0xC0000278)
#define STATUS_IO_REPARSE_TAG_NOT_HANDLED ((NTSTATUS)0xC0000279)
#define STATUS_REPARSE_POINT_NOT_RESOLVED ((NTSTATUS)0xC0000280)

typedef signed long long i64;
typedef unsigned long long u64;
typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned char u8;

#define CLUSTER 4096
#define ROUND_UP(n, unit) (((n) + (unit) - 1) / (unit) * (unit))
#define ROUND_DOWN(n, unit) ((n) / (unit) * (unit))

/* What Linux is asked for, under its own names; failures are negative (linux.c). */
struct linux_stat {
	u64 dev, ino, nlink;
	u32 mode;
	i64 size, birth; /* the time of its making, as Windows counts: 100 ns since 1601 */
};
int linux_stat_of(int fd, struct linux_stat *stat);
BOOLEAN is_directory(const struct linux_stat *stat);
i64 linux_seek(int fd, i64 offset, int whence);
enum { SEEK_DATA = 3, SEEK_HOLE = 4 };
i64 linux_read(int fd, void *buffer, u64 size, i64 offset);
i64 linux_write(int fd, const void *buffer, u64 size, i64 offset);
i64 linux_truncate(int fd, i64 size);
i64 linux_punch(int fd, i64 offset, i64 length);
i64 linux_free(int fd);
i64 linux_get_xattr(int fd, const char *name, void *value, u64 size);
i64 linux_get_xattr_at(const char *path, const char *name, void *value, u64 size);
i64 linux_set_xattr(int fd, const char *name, const void *value, u64 size);
i64 linux_remove_xattr(int fd, const char *name);
i64 linux_unlink(const char *path);
i64 linux_rmdir(const char *path);
i64 linux_mkdir(const char *path, int mode);
i64 linux_rename(const char *from, const char *to);
i64 linux_link(const char *from, const char *to);
i64 linux_path_of(int fd, char *path, u64 size);
i64 linux_open(const char *path);
i64 linux_entries(int fd, void *buffer, u64 size);
void linux_random(void *buffer, u64 size);
i64 linux_chmod(int fd, u32 mode);
void linux_close(int fd);
NTSTATUS status_of_linux(i64 failure);

#define PATH_SIZE 4096

/* The Linux file of a handle; to be closed. Negative if it is no file. */
int fd_of(HANDLE handle);

/* What is kept with a file (record.c). */
struct record {
	u32 attributes; /* those that Linux knows nothing of */
	u32 tag;        /* of its reparse point */
	i64 birth;      /* 0 as long as nobody has set it */
	u64 id;         /* what its streams are kept under; 0 as long as there are none */
	u32 set;        /* those of SETTABLE that it has, if it `is_set` which */
	u32 is_set;
	u32 shared;     /* whether clusters of it have been shared with another file */
	u32 unused;
};

/* The attributes that a program sets, and Linux has no bits for. */
#define SETTABLE \
	(FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM | FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_TEMPORARY | \
		FILE_ATTRIBUTE_OFFLINE | FILE_ATTRIBUTE_NOT_CONTENT_INDEXED)
void put_attributes(u32 *attributes, const struct record *record);
struct record record_of(int fd);
struct record record_at(const char *path);
NTSTATUS keep_record(int fd, const struct record *record);
i64 birth_of(int fd, const struct record *record);

/* Functions that the stand-in has in place of the system's, and the system's own behind them (hook.c). */
#define EXPORT __declspec(dllexport) NTSTATUS NTAPI
#define REAL(name, ...) \
	EXPORT name(__VA_ARGS__); \
	typedef NTSTATUS(NTAPI *name##_t)(__VA_ARGS__); \
	extern name##_t real_##name;
REAL(NtCreateFile, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *, IO_STATUS_BLOCK *, LARGE_INTEGER *,
	ULONG, ULONG, ULONG, ULONG, void *, ULONG)
REAL(NtOpenFile, HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *, IO_STATUS_BLOCK *, ULONG, ULONG)
REAL(NtClose, HANDLE)
REAL(NtFsControlFile, HANDLE, HANDLE, void *, void *, IO_STATUS_BLOCK *, ULONG, void *, ULONG, void *,
	ULONG)
REAL(NtQueryInformationFile, HANDLE, IO_STATUS_BLOCK *, void *, ULONG, ULONG)
REAL(NtSetInformationFile, HANDLE, IO_STATUS_BLOCK *, void *, ULONG, ULONG)
REAL(NtQueryDirectoryFile, HANDLE, HANDLE, void *, void *, IO_STATUS_BLOCK *, void *, ULONG, ULONG,
	BOOLEAN, UNICODE_STRING *, BOOLEAN)
REAL(NtQueryVolumeInformationFile, HANDLE, IO_STATUS_BLOCK *, void *, ULONG, ULONG)
REAL(NtQueryAttributesFile, const OBJECT_ATTRIBUTES *, void *)
REAL(NtQueryFullAttributesFile, const OBJECT_ATTRIBUTES *, void *)
#undef REAL
typedef HANDLE(WINAPI *CreateFileW_t)(const WCHAR *, DWORD, DWORD, SECURITY_ATTRIBUTES *, DWORD, DWORD,
	HANDLE);
extern CreateFileW_t real_CreateFileW;
__declspec(dllexport) HANDLE WINAPI CreateFileW(const WCHAR *, DWORD, DWORD, SECURITY_ATTRIBUTES *, DWORD,
	DWORD, HANDLE);

/* Numbers of information classes. */
enum {
	DirectoryClass = 1,
	FullDirectoryClass = 2,
	BothDirectoryClass = 3,
	BasicClass = 4,
	StandardClass = 5,
	AccessClass = 8,
	RenameClass = 10,
	LinkClass = 11,
	DispositionClass = 13,
	AllClass = 18,
	AllocationClass = 19,
	EndOfFileClass = 20,
	StreamClass = 22,
	NetworkOpenClass = 34,
	AttributeTagClass = 35,
	IdBothDirectoryClass = 37,
	IdFullDirectoryClass = 38,
	DispositionExClass = 64,
	RenameExClass = 65,
	LinkExClass = 72,
};

/* What a handle was opened for. */
ACCESS_MASK access_of(HANDLE handle);

/* Opening, links and streams with it (create.c). */
NTSTATUS open_any(HANDLE *handle, ACCESS_MASK access, OBJECT_ATTRIBUTES *attributes,
	IO_STATUS_BLOCK *status, LARGE_INTEGER *allocation, ULONG file_attributes, ULONG share,
	ULONG disposition, ULONG options);

/* A request to a file, and where its answer goes (control.c). */
struct request {
	HANDLE handle;
	int fd;
	const void *input;
	u32 input_size;
	void *output;
	u32 output_size;
	u64 written; /* how much of the output the answer takes */
};
NTSTATUS set_sparse(struct request *);
NTSTATUS set_zero_data(struct request *);
NTSTATUS query_allocated_ranges(struct request *);
NTSTATUS get_retrieval_pointers(struct request *);
NTSTATUS get_retrieval_pointers_and_refcount(struct request *);
NTSTATUS get_reparse_point(struct request *);
NTSTATUS set_reparse_point(struct request *);
NTSTATUS delete_reparse_point(struct request *);
NTSTATUS duplicate_extents(struct request *);
NTSTATUS get_integrity(struct request *);
NTSTATUS set_integrity(struct request *);
NTSTATUS get_compression(struct request *);
NTSTATUS set_compression(struct request *);

/* A stretch of a file that has clusters, or the end of the file twice (sparse.c). */
struct range {
	i64 start, end;
};
struct range next_allocated(int fd, const struct record *record, i64 from, i64 size);

/* Clusters of a file, in bytes, with those reserved past its end (allocation.c). */
i64 allocation_of(int fd, const struct record *record);
NTSTATUS set_allocation(HANDLE handle, int fd, i64 size);
void release_allocation(HANDLE handle);

__declspec(dllexport) BOOLEAN NTAPI CreateSymbolicLinkW(const WCHAR *, const WCHAR *, DWORD);

/* Paths through links (links.c). `name` is replaced by what it leads to, to be freed with `heap_free`. */
struct target {
	OBJECT_ATTRIBUTES attributes;
	UNICODE_STRING name;
	WCHAR *text;
};
OBJECT_ATTRIBUTES attributes_of(HANDLE root, UNICODE_STRING *name);
NTSTATUS follow(const OBJECT_ATTRIBUTES *attributes, BOOLEAN last_too, struct target *target);
NTSTATUS linux_name(const OBJECT_ATTRIBUTES *attributes, char *path);
NTSTATUS linux_name_to_make(const OBJECT_ATTRIBUTES *attributes, char *path);
NTSTATUS windows_name(const char *path, WCHAR *name, u32 units);

/* Named streams (streams.c). */
BOOLEAN names_stream(const OBJECT_ATTRIBUTES *attributes);
NTSTATUS open_stream(HANDLE *handle, ACCESS_MASK access, OBJECT_ATTRIBUTES *attributes,
	IO_STATUS_BLOCK *status, ULONG share, ULONG disposition, ULONG options);
NTSTATUS stream_information(HANDLE handle, int fd, void *info, ULONG size, u64 *written);
void remove_streams(const struct record *record);
void forget_stream(HANDLE handle);
int host_of_stream(HANDLE handle);
NTSTATUS rename_stream(int fd, const WCHAR *name, u32 units, BOOLEAN replace);

/* Names that go away, or change (disposition.c, rename.c). */
NTSTATUS dispose(HANDLE handle, int fd, u32 flags);
void carry_out_disposition(HANDLE handle);
BOOLEAN is_disposed(const OBJECT_ATTRIBUTES *attributes);
BOOLEAN is_empty(int fd);
BOOLEAN is_marked(HANDLE handle);
NTSTATUS rename_or_link(HANDLE handle, int fd, IO_STATUS_BLOCK *status, void *info, ULONG size, ULONG kind);

/* Settings, by the environment (settings.c). */
BOOLEAN setting_is(const char *name, const char *value);
BOOLEAN on_refs(void);
i64 sparse_unit(void);

void enter_tables(void);
void leave_tables(void);
void *heap_alloc(u64 size);
void heap_free(void *memory);

#endif
