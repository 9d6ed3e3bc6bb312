/**
 * Structs and constants of Windows, as data: tests hold them against the real headers. Constants have
 * the names that Windows gives them; structs and fields too, in this language's case. Offsets are in
 * bytes, and the same on x64 and arm64.
 */

export const DELETE = 0x10000;
export const READ_CONTROL = 0x20000;
export const WRITE_DAC = 0x40000;
export const WRITE_OWNER = 0x80000;
export const SYNCHRONIZE = 0x100000;
export const FILE_READ_DATA = 0x1;
export const FILE_WRITE_DATA = 0x2;
export const FILE_APPEND_DATA = 0x4;
export const FILE_READ_EA = 0x8;
export const FILE_WRITE_EA = 0x10;
export const FILE_EXECUTE = 0x20;
export const FILE_LIST_DIRECTORY = 0x1;
export const FILE_ADD_FILE = 0x2;
export const FILE_TRAVERSE = 0x20;
export const FILE_READ_ATTRIBUTES = 0x80;
export const FILE_WRITE_ATTRIBUTES = 0x100;

export const FILE_SHARE_READ = 0x1;
export const FILE_SHARE_WRITE = 0x2;
export const FILE_SHARE_DELETE = 0x4;

export const FILE_OPEN = 1;
export const FILE_CREATE = 2;
export const FILE_OPEN_IF = 3;
export const FILE_OVERWRITE = 4;
export const FILE_OVERWRITE_IF = 5;

export const FILE_DIRECTORY_FILE = 0x1;
export const FILE_WRITE_THROUGH = 0x2;
export const FILE_SEQUENTIAL_ONLY = 0x4;
export const FILE_NO_INTERMEDIATE_BUFFERING = 0x8;
export const FILE_SYNCHRONOUS_IO_NONALERT = 0x20;
export const FILE_NON_DIRECTORY_FILE = 0x40;
export const FILE_DELETE_ON_CLOSE = 0x1000;
export const FILE_OPEN_FOR_BACKUP_INTENT = 0x4000;
export const FILE_OPEN_REPARSE_POINT = 0x200000;

export const FILE_ATTRIBUTE_READONLY = 0x1;
export const FILE_ATTRIBUTE_HIDDEN = 0x2;
export const FILE_ATTRIBUTE_SYSTEM = 0x4;
export const FILE_ATTRIBUTE_DIRECTORY = 0x10;
export const FILE_ATTRIBUTE_ARCHIVE = 0x20;
export const FILE_ATTRIBUTE_DEVICE = 0x40;
export const FILE_ATTRIBUTE_NORMAL = 0x80;
export const FILE_ATTRIBUTE_TEMPORARY = 0x100;
export const FILE_ATTRIBUTE_SPARSE_FILE = 0x200;
export const FILE_ATTRIBUTE_REPARSE_POINT = 0x400;
export const FILE_ATTRIBUTE_COMPRESSED = 0x800;
export const FILE_ATTRIBUTE_ENCRYPTED = 0x4000;

export const IO_REPARSE_TAG_MOUNT_POINT = 0xa0000003;
export const IO_REPARSE_TAG_SYMLINK = 0xa000000c;
export const IO_REPARSE_TAG_AF_UNIX = 0x80000023;

export const OBJ_CASE_INSENSITIVE = 0x40;

export const FileBasicInformation = 4;
export const FileStandardInformation = 5;
export const FileRenameInformation = 10;
export const FileLinkInformation = 11;
export const FileDispositionInformation = 13;
export const FileAllInformation = 18;
export const FileAllocationInformation = 19;
export const FileEndOfFileInformation = 20;
export const FileStreamInformation = 22;
export const FileCompletionInformation = 30;
export const FileAttributeTagInformation = 35;
export const FileIdBothDirectoryInformation = 37;
export const FileDispositionInformationEx = 64;
export const FileRenameInformationEx = 65;
export const FileLinkInformationEx = 72;

export const FileFsVolumeInformation = 1;

/** What is found of an object by its handle: its name. */
export const ObjectNameInformation = 1;

export const FILE_DISPOSITION_DELETE = 0x1;
export const FILE_DISPOSITION_POSIX_SEMANTICS = 0x2;
export const FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE = 0x10;

export const FLUSH_FLAGS_FILE_DATA_SYNC_ONLY = 0x4;

export const STATUS_PENDING = 0x103;
export const STATUS_NOTIFY_ENUM_DIR = 0x10c;

/** The access of an event or a port to its maker. */
export const EVENT_ALL_ACCESS = 0x1f0003;
export const IO_COMPLETION_ALL_ACCESS = 0x1f0003;
export const SynchronizationEvent = 1;

export const unicodeString = { size: 16, length: 0, maximumLength: 2, buffer: 8 } as const;

export const objectAttributes = {
	size: 48,
	length: 0,
	rootDirectory: 8,
	objectName: 16,
	attributes: 24,
	securityDescriptor: 32,
	securityQualityOfService: 40,
} as const;

export const ioStatusBlock = { size: 16, status: 0, information: 8 } as const;

export const fileBasicInformation = {
	size: 40,
	creationTime: 0,
	lastAccessTime: 8,
	lastWriteTime: 16,
	changeTime: 24,
	fileAttributes: 32,
} as const;

export const fileStandardInformation = {
	size: 24,
	allocationSize: 0,
	endOfFile: 8,
	numberOfLinks: 16,
	deletePending: 20,
	directory: 21,
} as const;

export const fileAllInformation = {
	size: 104,
	basicInformation: 0,
	standardInformation: 40,
	internalInformation: 64,
} as const;

export const fileAttributeTagInformation = { size: 8, fileAttributes: 0, reparseTag: 4 } as const;

export const fileCompletionInformation = { size: 16, port: 0, key: 8 } as const;

/** Of a volume; its label follows. */
export const fileFsVolumeInformation = {
	size: 24,
	volumeCreationTime: 0,
	volumeSerialNumber: 8,
} as const;

export const fileIdBothDirInformation = {
	size: 112,
	nextEntryOffset: 0,
	endOfFile: 40,
	fileAttributes: 56,
	fileNameLength: 60,
	eaSize: 64,
	fileId: 96,
	fileName: 104,
} as const;

/** What a port says of a call that has ended. */
export const fileIoCompletionInformation = {
	size: 32,
	keyContext: 0,
	apcContext: 8,
	ioStatusBlock: 16,
} as const;

/** What comes after the beginning of a name in a request to rename a file, or to link it. */
export const fileRenameInformation = {
	size: 24,
	flags: 0,
	rootDirectory: 8,
	fileNameLength: 16,
	fileName: 20,
} as const;

export const FSCTL_SET_REPARSE_POINT = 0x900a4;
export const FSCTL_GET_REPARSE_POINT = 0x900a8;
export const FSCTL_DELETE_REPARSE_POINT = 0x900ac;
export const FSCTL_SET_SPARSE = 0x900c4;
export const FSCTL_SET_ZERO_DATA = 0x980c8;
export const FSCTL_QUERY_ALLOCATED_RANGES = 0x940cf;
export const FSCTL_DUPLICATE_EXTENTS_TO_FILE = 0x98344;

export const MAXIMUM_REPARSE_DATA_BUFFER_SIZE = 16384;
export const SYMLINK_FLAG_RELATIVE = 1;

/** The names in it are counted from the path buffer of their kind. */
export const reparseDataBuffer = {
	reparseTag: 0,
	reparseDataLength: 4,
	substituteNameOffset: 8,
	substituteNameLength: 10,
	printNameOffset: 12,
	printNameLength: 14,
	symbolicLinkFlags: 16,
	symbolicLinkPathBuffer: 20,
	mountPointPathBuffer: 16,
} as const;
