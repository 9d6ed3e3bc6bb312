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
export const FileInternalInformation = 6;
export const FileAccessInformation = 8;
export const FileRenameInformation = 10;
export const FileLinkInformation = 11;
export const FileDispositionInformation = 13;
export const FileModeInformation = 16;
export const FileAllInformation = 18;
export const FileAllocationInformation = 19;
export const FileEndOfFileInformation = 20;
export const FileStreamInformation = 22;
export const FileCompletionInformation = 30;
export const FileAttributeTagInformation = 35;
export const FileIdBothDirectoryInformation = 37;
export const FileIdInformation = 59;
export const FileDispositionInformationEx = 64;
export const FileRenameInformationEx = 65;
export const FileLinkInformationEx = 72;

export const FileFsVolumeInformation = 1;
export const FileFsDeviceInformation = 4;
export const FileFsAttributeInformation = 5;
export const FileFsFullSizeInformation = 7;

/** Of a device: that it is on another machine. */
export const FILE_REMOTE_DEVICE = 0x10;

export const FILE_PERSISTENT_ACLS = 0x8;
export const FILE_CASE_SENSITIVE_SEARCH = 0x1;
export const FILE_UNICODE_ON_DISK = 0x4;
export const FILE_FILE_COMPRESSION = 0x10;
export const FILE_SUPPORTS_SPARSE_FILES = 0x40;
export const FILE_SUPPORTS_REPARSE_POINTS = 0x80;
export const FILE_SUPPORTS_POSIX_UNLINK_RENAME = 0x400;
export const FILE_SUPPORTS_ENCRYPTION = 0x20000;
export const FILE_NAMED_STREAMS = 0x40000;
export const FILE_SUPPORTS_HARD_LINKS = 0x400000;
export const FILE_READ_ONLY_VOLUME = 0x80000;
export const FILE_SUPPORTS_BLOCK_REFCOUNTING = 0x8000000;

export const OWNER_SECURITY_INFORMATION = 0x1;
export const GROUP_SECURITY_INFORMATION = 0x2;
export const DACL_SECURITY_INFORMATION = 0x4;
export const SE_DACL_AUTO_INHERIT_REQ = 0x100;
export const SE_DACL_AUTO_INHERITED = 0x400;
export const SE_SELF_RELATIVE = 0x8000;

/** What is found of an object by its handle: its name. */
export const ObjectNameInformation = 1;

export const FILE_DISPOSITION_DELETE = 0x1;
export const FILE_DISPOSITION_POSIX_SEMANTICS = 0x2;
export const FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE = 0x10;

export const FILE_RENAME_REPLACE_IF_EXISTS = 0x1;
export const FILE_RENAME_POSIX_SEMANTICS = 0x2;
export const FILE_RENAME_IGNORE_READONLY_ATTRIBUTE = 0x40;

export const SYMBOLIC_LINK_FLAG_DIRECTORY = 0x1;
export const SYMBOLIC_LINK_FLAG_ALLOW_UNPRIVILEGED_CREATE = 0x2;
/** A path from a drive or a server, without what links have led through. */
export const VOLUME_NAME_DOS = 0;
export const VOLUME_NAME_GUID = 1;

export const FLUSH_FLAGS_FILE_DATA_SYNC_ONLY = 0x4;

export const STATUS_PENDING = 0x103;
export const STATUS_TIMEOUT = 0x102;
export const STATUS_NOTIFY_CLEANUP = 0x10b;
export const STATUS_NOTIFY_ENUM_DIR = 0x10c;

export const FILE_NOTIFY_CHANGE_FILE_NAME = 0x1;
export const FILE_NOTIFY_CHANGE_DIR_NAME = 0x2;
export const FILE_NOTIFY_CHANGE_ATTRIBUTES = 0x4;
export const FILE_NOTIFY_CHANGE_SIZE = 0x8;
export const FILE_NOTIFY_CHANGE_LAST_WRITE = 0x10;
export const FILE_NOTIFY_CHANGE_CREATION = 0x40;
export const FILE_NOTIFY_CHANGE_SECURITY = 0x100;

export const FILE_ACTION_ADDED = 1;
export const FILE_ACTION_REMOVED = 2;
export const FILE_ACTION_MODIFIED = 3;
export const FILE_ACTION_RENAMED_OLD_NAME = 4;
export const FILE_ACTION_RENAMED_NEW_NAME = 5;

export const LOCKFILE_FAIL_IMMEDIATELY = 0x1;
export const LOCKFILE_EXCLUSIVE_LOCK = 0x2;

export const overlapped = {
	size: 32,
	internal: 0,
	internalHigh: 8,
	offset: 16,
	offsetHigh: 20,
	hEvent: 24,
} as const;

export const fileNotifyInformation = {
	size: 16,
	nextEntryOffset: 0,
	action: 4,
	fileNameLength: 8,
	fileName: 12,
} as const;

/** The access of an event or a port to its maker. */
export const EVENT_ALL_ACCESS = 0x1f0003;
export const DUPLICATE_SAME_ACCESS = 0x2;
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

/** The number of a file, of 128 bits, with that of its volume, of 64. */
export const fileIdInformation = { size: 24, volumeSerialNumber: 0, fileId: 8 } as const;

export const fileInternalInformation = { size: 8, indexNumber: 0 } as const;

export const fileCompletionInformation = { size: 16, port: 0, key: 8 } as const;

export const FILE_DEVICE_NAMED_PIPE = 0x11;

export const fileFsDeviceInformation = { size: 8, deviceType: 0, characteristics: 4 } as const;

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

/** One of the streams of a file; the next begins after as many bytes, if any does. */
export const fileStreamInformation = {
	size: 32,
	nextEntryOffset: 0,
	streamNameLength: 4,
	streamSize: 8,
	streamName: 24,
} as const;

export const FSCTL_SET_REPARSE_POINT = 0x900a4;
export const FSCTL_GET_REPARSE_POINT = 0x900a8;
export const FSCTL_DELETE_REPARSE_POINT = 0x900ac;
export const FSCTL_SET_SPARSE = 0x900c4;
export const FSCTL_SET_ZERO_DATA = 0x980c8;
export const FSCTL_QUERY_ALLOCATED_RANGES = 0x940cf;
export const FSCTL_DUPLICATE_EXTENTS_TO_FILE = 0x98344;
export const FSCTL_SET_COMPRESSION = 0x9c040;
export const FSCTL_GET_RETRIEVAL_POINTERS = 0x90073;
export const FSCTL_GET_RETRIEVAL_POINTERS_AND_REFCOUNT = 0x903d3;
export const FSCTL_GET_INTEGRITY_INFORMATION = 0x9027c;
export const FSCTL_SET_INTEGRITY_INFORMATION = 0x9c280;

export const COMPRESSION_FORMAT_NONE = 0;
export const COMPRESSION_FORMAT_DEFAULT = 1;

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

export const fileModeInformation = { size: 4, mode: 0 } as const;

/** The name of the filesystem comes last. */
export const fileFsAttributeInformation = {
	size: 16,
	fileSystemAttributes: 0,
	maximumComponentNameLength: 4,
	fileSystemNameLength: 8,
	fileSystemName: 12,
} as const;

export const fileFsFullSizeInformation = {
	size: 32,
	totalAllocationUnits: 0,
	callerAvailableAllocationUnits: 8,
	actualAvailableAllocationUnits: 16,
	sectorsPerAllocationUnit: 24,
	bytesPerSector: 28,
} as const;

export const fileZeroDataInformation = { size: 16, fileOffset: 0, beyondFinalZero: 8 } as const;

export const fileAllocatedRangeBuffer = { size: 16, fileOffset: 0, length: 8 } as const;

/** Its extents follow: where each ends, and where it is on the volume. */
export const retrievalPointersBuffer = {
	size: 32,
	extentCount: 0,
	startingVcn: 8,
	nextVcn: 16,
	lcn: 24,
} as const;

/** The same, with how many files have the clusters. */
export const retrievalPointersAndRefcountBuffer = {
	size: 40,
	extentCount: 0,
	startingVcn: 8,
	nextVcn: 16,
	lcn: 24,
	referenceCount: 32,
} as const;

export const duplicateExtentsData = {
	size: 32,
	fileHandle: 0,
	sourceFileOffset: 8,
	targetFileOffset: 16,
	byteCount: 24,
} as const;

export const fsctlGetIntegrityInformationBuffer = {
	size: 16,
	checksumAlgorithm: 0,
	flags: 4,
	clusterSizeInBytes: 12,
} as const;

export const fsctlSetIntegrityInformationBuffer = {
	size: 8,
	checksumAlgorithm: 0,
	flags: 4,
} as const;

/** Of its own, with everything after it: what it points to are offsets from its beginning. */
export const securityDescriptorRelative = {
	size: 20,
	revision: 0,
	control: 2,
	owner: 4,
	group: 8,
	sacl: 12,
	dacl: 16,
} as const;
