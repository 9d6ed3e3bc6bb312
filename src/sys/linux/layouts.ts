/**
 * Structs and constants of the Linux kernel interface, as data: tests hold them against the real
 * headers. Offsets are in bytes and the same on x86-64 and arm64.
 */

/** Open flags that differ between the architectures come as [x64, arm64]. */
export const openFlags = {
	O_WRONLY: [0o1, 0o1],
	O_RDWR: [0o2, 0o2],
	O_CREAT: [0o100, 0o100],
	O_EXCL: [0o200, 0o200],
	O_TRUNC: [0o1000, 0o1000],
	O_APPEND: [0o2000, 0o2000],
	O_NONBLOCK: [0o4000, 0o4000],
	O_DSYNC: [0o10000, 0o10000],
	O_DIRECT: [0o40000, 0o200000],
	O_DIRECTORY: [0o200000, 0o40000],
	O_NOFOLLOW: [0o400000, 0o100000],
	O_NOATIME: [0o1000000, 0o1000000],
	O_CLOEXEC: [0o2000000, 0o2000000],
	O_SYNC: [0o4010000, 0o4010000],
	O_PATH: [0o10000000, 0o10000000],
	O_TMPFILE: [0o20200000, 0o20040000],
} as const satisfies Record<string, readonly [x64: number, arm64: number]>;

const column = process.arch === "arm64" ? 1 : 0;

/** The open flags of this machine. */
export const O = Object.fromEntries(
	Object.entries(openFlags).map(([name, values]) => [name, values[column]]),
) as Readonly<Record<keyof typeof openFlags, number>>;

export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
export const AT_SYMLINK_FOLLOW = 0x400;
export const AT_EMPTY_PATH = 0x1000;
export const AT_STATX_FORCE_SYNC = 0x2000;
export const AT_STATX_DONT_SYNC = 0x4000;

export const STATX_BASIC_STATS = 0x7ff;
export const STATX_BTIME = 0x800;
export const STATX_MNT_ID = 0x1000;
export const STATX_DIOALIGN = 0x2000;
export const STATX_SUBVOL = 0x8000;
export const STATX_WRITE_ATOMIC = 0x10000;

export const STATX_ATTR_COMPRESSED = 0x4;
export const STATX_ATTR_IMMUTABLE = 0x10;
export const STATX_ATTR_APPEND = 0x20;
export const STATX_ATTR_NODUMP = 0x40;
export const STATX_ATTR_ENCRYPTED = 0x800;
export const STATX_ATTR_AUTOMOUNT = 0x1000;
export const STATX_ATTR_MOUNT_ROOT = 0x2000;
export const STATX_ATTR_VERITY = 0x100000;
export const STATX_ATTR_DAX = 0x200000;
export const STATX_ATTR_WRITE_ATOMIC = 0x400000;

export const statx = {
	size: 256,
	mask: 0,
	blksize: 4,
	attributes: 8,
	nlink: 16,
	uid: 20,
	gid: 24,
	mode: 28,
	ino: 32,
	sizeOfFile: 40,
	blocks: 48,
	attributesMask: 56,
	atime: 64,
	btime: 80,
	ctime: 96,
	mtime: 112,
	rdevMajor: 128,
	rdevMinor: 132,
	devMajor: 136,
	devMinor: 140,
	mountId: 144,
	dioMemoryAlign: 152,
	dioOffsetAlign: 156,
	subvolume: 160,
	atomicWriteUnitMin: 168,
	atomicWriteUnitMax: 172,
	atomicWriteSegmentsMax: 176,
} as const;

/** The seconds and nanoseconds of a `statx_timestamp` and of a `timespec` alike. */
export const timespec = { size: 16, seconds: 0, nanoseconds: 8 } as const;
export const UTIME_NOW = 0x3fffffff;
export const UTIME_OMIT = 0x3ffffffe;

export const openHow = { size: 24, flags: 0, mode: 8, resolve: 16 } as const;
export const RESOLVE_NO_MAGICLINKS = 0x02;
export const RESOLVE_BENEATH = 0x08;
export const RESOLVE_CACHED = 0x20;

export const iovec = { size: 16, base: 0, length: 8 } as const;
export const RWF_NOWAIT = 0x08;
export const RWF_APPEND = 0x10;

export const dirent = { inode: 0, recordLength: 16, type: 18, name: 19 } as const;

export const S_IFMT = 0o170000;
export const S_IFREG = 0o100000;
export const S_IFDIR = 0o040000;
export const S_IFLNK = 0o120000;
export const S_IFIFO = 0o010000;
export const S_IFCHR = 0o020000;
export const S_IFBLK = 0o060000;
export const S_IFSOCK = 0o140000;

export const XATTR_CREATE = 1;
export const XATTR_REPLACE = 2;
export const XATTR_NAME_MAX = 255;
export const XATTR_SIZE_MAX = 65536;
export const XATTR_LIST_MAX = 65536;

export const RENAME_NOREPLACE = 1;
export const RENAME_EXCHANGE = 2;
export const RENAME_WHITEOUT = 4;

export const FICLONE = 0x40049409;
export const FICLONERANGE = 0x4020940d;
export const fileCloneRange = {
	size: 32,
	sourceHandle: 0,
	sourceOffset: 8,
	sourceLength: 16,
	destinationOffset: 24,
} as const;
export const SEEK_SET = 0;
export const SEEK_END = 2;
export const SEEK_DATA = 3;
export const SEEK_HOLE = 4;

export const F_GETFL = 3;
export const F_SETFL = 4;

export const F_OFD_GETLK = 36;
export const F_OFD_SETLK = 37;
export const F_RDLCK = 0;
export const F_WRLCK = 1;
export const F_UNLCK = 2;
export const flock = { size: 32, type: 0, whence: 2, start: 8, length: 16, pid: 24 } as const;

export const LOCK_SH = 1;
export const LOCK_EX = 2;
export const LOCK_NB = 4;

export const FALLOC_FL_KEEP_SIZE = 1;
export const FALLOC_FL_PUNCH_HOLE = 2;
export const FALLOC_FL_COLLAPSE_RANGE = 8;
export const FALLOC_FL_ZERO_RANGE = 16;
export const FALLOC_FL_INSERT_RANGE = 32;
export const FALLOC_FL_UNSHARE_RANGE = 64;

export const POSIX_FADV_NORMAL = 0;
export const POSIX_FADV_RANDOM = 1;
export const POSIX_FADV_SEQUENTIAL = 2;
export const POSIX_FADV_WILLNEED = 3;
export const POSIX_FADV_DONTNEED = 4;
export const POSIX_FADV_NOREUSE = 5;

export const FS_IOC_FIEMAP = 0xc020660b;
export const FIEMAP_FLAG_SYNC = 1;
export const FIEMAP_EXTENT_LAST = 1;
export const FIEMAP_EXTENT_UNKNOWN = 2;
export const FIEMAP_EXTENT_DELALLOC = 4;
export const FIEMAP_EXTENT_ENCODED = 8;
export const FIEMAP_EXTENT_DATA_INLINE = 0x200;
export const FIEMAP_EXTENT_DATA_TAIL = 0x400;
export const FIEMAP_EXTENT_UNWRITTEN = 0x800;
export const FIEMAP_EXTENT_SHARED = 0x2000;
export const fiemap = {
	size: 32,
	start: 0,
	length: 8,
	flags: 16,
	mapped: 20,
	count: 24,
} as const;
export const fiemapExtent = { size: 56, logical: 0, physical: 8, length: 16, flags: 40 } as const;

export const FS_IOC_GETFLAGS = 0x80086601;
export const FS_IOC_SETFLAGS = 0x40086602;
export const FS_COMPR_FL = 0x4;
export const FS_SYNC_FL = 0x8;
export const FS_IMMUTABLE_FL = 0x10;
export const FS_APPEND_FL = 0x20;
export const FS_NODUMP_FL = 0x40;
export const FS_NOATIME_FL = 0x80;
export const FS_NOCOMP_FL = 0x400;
export const FS_JOURNAL_DATA_FL = 0x4000;
export const FS_DIRSYNC_FL = 0x10000;
export const FS_NOCOW_FL = 0x800000;
export const FS_DAX_FL = 0x2000000;
export const FS_PROJINHERIT_FL = 0x20000000;
export const FS_CASEFOLD_FL = 0x40000000;

export const statfs = {
	size: 120,
	type: 0,
	blockSize: 8,
	blocks: 16,
	freeBlocks: 24,
	availableBlocks: 32,
	files: 40,
	freeFiles: 48,
	id: 56,
	nameLength: 64,
	fragmentSize: 72,
	flags: 80,
} as const;
export const ST_RDONLY = 1;

export const IN_NONBLOCK = 0o4000;
export const IN_CLOEXEC = 0o2000000;
export const IN_MODIFY = 0x2;
export const IN_ATTRIB = 0x4;
export const IN_CLOSE_WRITE = 0x8;
export const IN_MOVED_FROM = 0x40;
export const IN_MOVED_TO = 0x80;
export const IN_CREATE = 0x100;
export const IN_DELETE = 0x200;
export const IN_DELETE_SELF = 0x400;
export const IN_MOVE_SELF = 0x800;
export const IN_UNMOUNT = 0x2000;
export const IN_Q_OVERFLOW = 0x4000;
export const IN_IGNORED = 0x8000;
export const IN_ONLYDIR = 0x1000000;
export const IN_DONT_FOLLOW = 0x2000000;
export const IN_EXCL_UNLINK = 0x4000000;
export const IN_MASK_CREATE = 0x10000000;
export const IN_ISDIR = 0x40000000;
export const inotifyEvent = { size: 16, wd: 0, mask: 4, cookie: 8, length: 12, name: 16 } as const;

export const pollfd = { size: 8, fd: 0, events: 4, returned: 6 } as const;
export const POLLIN = 1;
