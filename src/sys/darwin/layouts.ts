/**
 * Structs and constants of macOS, as data: tests hold them against Apple's headers. Constants have the
 * names that they have there; structs and fields too, without their prefixes and in this language's
 * case. Offsets are in bytes, and the same on x86-64 and arm64.
 */

export const O_WRONLY = 0x1;
export const O_RDWR = 0x2;
export const O_NONBLOCK = 0x4;
export const O_APPEND = 0x8;
export const O_SYNC = 0x80;
export const O_NOFOLLOW = 0x100;
export const O_CREAT = 0x200;
export const O_TRUNC = 0x400;
export const O_EXCL = 0x800;
export const O_EVTONLY = 0x8000;
export const O_DIRECTORY = 0x100000;
export const O_SYMLINK = 0x200000;
export const O_DSYNC = 0x400000;
export const O_CLOEXEC = 0x1000000;
export const O_NOFOLLOW_ANY = 0x20000000;
export const O_SEARCH = 0x40100000;

export const AT_FDCWD = -2;
export const AT_SYMLINK_NOFOLLOW = 0x20;
export const AT_SYMLINK_FOLLOW = 0x40;
export const AT_REMOVEDIR = 0x80;

export const R_OK = 4;
export const W_OK = 2;
export const X_OK = 1;

export const SEEK_SET = 0;
export const SEEK_CUR = 1;
export const SEEK_END = 2;
export const SEEK_HOLE = 3;
export const SEEK_DATA = 4;

export const S_IFMT = 0o170000;
export const S_IFREG = 0o100000;
export const S_IFIFO = 0o010000;
export const S_IFCHR = 0o020000;
export const S_IFBLK = 0o060000;
export const S_IFLNK = 0o120000;

export const F_GETFL = 3;
export const F_SETFL = 4;
export const F_PREALLOCATE = 42;
export const F_RDADVISE = 44;
export const F_RDAHEAD = 45;
export const F_NOCACHE = 48;
export const F_GETPATH = 50;
export const F_FULLFSYNC = 51;
export const F_LOG2PHYS_EXT = 65;
export const F_BARRIERFSYNC = 85;
export const F_OFD_SETLK = 90;
export const F_OFD_GETLK = 92;
export const F_PUNCHHOLE = 99;

/** Bytes of the longest path, with the 0 at its end. */
export const PATH_MAX = 1024;

export const F_ALLOCATECONTIG = 2;
export const F_ALLOCATEALL = 4;
export const F_PEOFPOSMODE = 3;
export const fstore = {
	size: 32,
	flags: 0,
	posMode: 4,
	offset: 8,
	length: 16,
	bytesAlloc: 24,
} as const;
export const fpunchhole = { size: 24, flags: 0, offset: 8, length: 16 } as const;
export const radvisory = { size: 16, offset: 0, count: 8 } as const;
/** Without padding: the 64-bit fields are not aligned. */
export const log2phys = { size: 20, flags: 0, contigBytes: 4, devOffset: 12 } as const;

export const F_RDLCK = 1;
export const F_UNLCK = 2;
export const F_WRLCK = 3;
export const flock = { size: 24, start: 0, len: 8, pid: 16, type: 20, whence: 22 } as const;

export const LOCK_SH = 1;
export const LOCK_EX = 2;
export const LOCK_NB = 4;
export const LOCK_UN = 8;

export const stat = {
	size: 144,
	dev: 0,
	mode: 4,
	nlink: 6,
	ino: 8,
	uid: 16,
	gid: 20,
	rdev: 24,
	atimespec: 32,
	mtimespec: 48,
	ctimespec: 64,
	birthtimespec: 80,
	sizeOfFile: 96,
	blocks: 104,
	blksize: 112,
	flags: 116,
	gen: 120,
} as const;
export const timespec = { size: 16, sec: 0, nsec: 8 } as const;
export const CLOCK_REALTIME = 0;

export const UF_NODUMP = 0x1;
export const UF_IMMUTABLE = 0x2;
export const UF_APPEND = 0x4;
export const UF_COMPRESSED = 0x20;
export const UF_HIDDEN = 0x8000;
export const SF_ARCHIVED = 0x10000;
export const SF_IMMUTABLE = 0x20000;
export const SF_APPEND = 0x40000;
/** The content is somewhere else (in a cloud), and is fetched when it is read. */
export const SF_DATALESS = 0x40000000;

export const dirent = { ino: 0, reclen: 16, namlen: 18, type: 20, name: 21 } as const;

export const ATTR_BIT_MAP_COUNT = 5;
export const ATTR_CMN_CRTIME = 0x200;
export const ATTR_CMN_MODTIME = 0x400;
export const ATTR_CMN_ACCTIME = 0x1000;
export const ATTR_CMN_FLAGS = 0x40000;
export const ATTR_VOL_CAPABILITIES = 0x20000;
export const ATTR_VOL_INFO = 0x80000000;
export const FSOPT_NOFOLLOW = 0x1;
export const attrlist = {
	size: 24,
	bitmapCount: 0,
	commonAttr: 4,
	volAttr: 8,
	dirAttr: 12,
	fileAttr: 16,
	forkAttr: 20,
} as const;
export const volCapabilitiesAttr = { size: 32, capabilities: 0, valid: 16 } as const;
/** Which of the four words of the capabilities a bit is in. */
export const VOL_CAPABILITIES_FORMAT = 0;
export const VOL_CAPABILITIES_INTERFACES = 1;
export const VOL_CAP_FMT_SPARSE_FILES = 0x40;
export const VOL_CAP_INT_EXTENDED_ATTR = 0x4000;
export const VOL_CAP_INT_CLONE = 0x10000;
export const VOL_CAP_INT_RENAME_SWAP = 0x40000;
export const VOL_CAP_INT_RENAME_EXCL = 0x80000;

export const statfs = {
	size: 2168,
	bsize: 0,
	ioSize: 4,
	blocks: 8,
	bfree: 16,
	bavail: 24,
	files: 32,
	ffree: 40,
	fsid: 48,
	flags: 64,
	fsTypeName: 72,
	mntOnName: 88,
} as const;
export const MFSTYPENAMELEN = 16;
export const MNT_RDONLY = 0x1;
/** Bytes of the longest name in a directory. */
export const NAME_MAX = 255;

export const XATTR_NOFOLLOW = 0x1;
export const XATTR_CREATE = 0x2;
export const XATTR_REPLACE = 0x4;
/** Shows the attributes in which a filesystem keeps compressed content. */
export const XATTR_SHOWCOMPRESSION = 0x20;
export const XATTR_MAXNAMELEN = 127;

export const RENAME_SWAP = 0x2;
export const RENAME_EXCL = 0x4;

export const CLONE_NOFOLLOW = 0x1;
export const CLONE_NOOWNERCOPY = 0x2;
export const CLONE_ACL = 0x4;

export const COPYFILE_DATA = 0x8;
export const COPYFILE_DATA_SPARSE = 0x8000000;
export const COPYFILE_STATE_STATUS_CB = 6;
export const COPYFILE_STATE_COPIED = 8;
export const COPYFILE_CONTINUE = 0;
export const COPYFILE_QUIT = 2;

export const EVFILT_VNODE = -4;
export const EVFILT_TIMER = -7;
export const EVFILT_USER = -10;
export const EV_ADD = 0x1;
export const EV_DELETE = 0x2;
export const EV_CLEAR = 0x20;
export const EV_RECEIPT = 0x40;
export const EV_ERROR = 0x4000;
export const NOTE_TRIGGER = 0x1000000;
export const NOTE_DELETE = 0x1;
export const NOTE_WRITE = 0x2;
export const NOTE_EXTEND = 0x4;
export const NOTE_ATTRIB = 0x8;
export const NOTE_LINK = 0x10;
export const NOTE_RENAME = 0x20;
export const NOTE_REVOKE = 0x40;
export const kevent = {
	size: 32,
	ident: 0,
	filter: 8,
	flags: 10,
	fflags: 12,
	data: 16,
	udata: 24,
} as const;
