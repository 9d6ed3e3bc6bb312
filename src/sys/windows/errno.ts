/**
 * What the numbers of errors mean: the name that Node has for each, and a reason in words. There are
 * two kinds, which nothing but their size tells apart: an NTSTATUS, whose upper bits say that it is a
 * failure, and a Win32 error, a small number. libuv, and with it Node, maps them so.
 */

interface Meaning {
	readonly code: string;
	readonly errno: number;
	readonly reason: string;
}

/** By their names: the numbers that Node has for them on Windows, which are libuv's, and a reason. */
const meanings = {
	E2BIG: [-4093, "argument list too long"],
	EACCES: [-4092, "permission denied"],
	EAGAIN: [-4088, "resource temporarily unavailable"],
	EBADF: [-4083, "bad file descriptor"],
	EBUSY: [-4082, "resource busy or locked"],
	ECANCELED: [-4081, "operation canceled"],
	ECONNRESET: [-4077, "connection reset by peer"],
	EEXIST: [-4075, "file already exists"],
	EFAULT: [-4074, "bad address in system call argument"],
	EINVAL: [-4071, "invalid argument"],
	EIO: [-4070, "i/o error"],
	EISDIR: [-4068, "illegal operation on a directory"],
	ELOOP: [-4067, "too many symbolic links encountered"],
	EMFILE: [-4066, "too many open files"],
	EMLINK: [-4032, "too many links"],
	ENAMETOOLONG: [-4064, "name too long"],
	ENODATA: [-4024, "no data available"],
	ENOENT: [-4058, "no such file or directory"],
	ENOMEM: [-4057, "not enough memory"],
	ENOSPC: [-4055, "no space left on device"],
	ENOTDIR: [-4052, "not a directory"],
	ENOTEMPTY: [-4051, "directory not empty"],
	ENOTSUP: [-4049, "operation not supported"],
	EPERM: [-4048, "operation not permitted"],
	EPIPE: [-4047, "broken pipe"],
	ERANGE: [-4034, "result too large"],
	EROFS: [-4043, "read-only file system"],
	ETIMEDOUT: [-4039, "connection timed out"],
	EXDEV: [-4037, "cross-device link not permitted"],
} as const satisfies Record<string, readonly [errno: number, reason: string]>;

type Code = keyof typeof meanings;

/** Win32 errors, with their numbers. */
export const win32 = {
	ERROR_INVALID_FUNCTION: [1, "EISDIR"],
	ERROR_FILE_NOT_FOUND: [2, "ENOENT"],
	ERROR_PATH_NOT_FOUND: [3, "ENOENT"],
	ERROR_TOO_MANY_OPEN_FILES: [4, "EMFILE"],
	ERROR_ACCESS_DENIED: [5, "EPERM"],
	ERROR_INVALID_HANDLE: [6, "EBADF"],
	ERROR_NOT_ENOUGH_MEMORY: [8, "ENOMEM"],
	ERROR_INVALID_DATA: [13, "EINVAL"],
	ERROR_OUTOFMEMORY: [14, "ENOMEM"],
	ERROR_INVALID_DRIVE: [15, "ENOENT"],
	ERROR_NOT_SAME_DEVICE: [17, "EXDEV"],
	ERROR_WRITE_PROTECT: [19, "EROFS"],
	ERROR_CRC: [23, "EIO"],
	ERROR_GEN_FAILURE: [31, "EIO"],
	ERROR_SHARING_VIOLATION: [32, "EBUSY"],
	ERROR_LOCK_VIOLATION: [33, "EBUSY"],
	ERROR_HANDLE_DISK_FULL: [39, "ENOSPC"],
	ERROR_NOT_SUPPORTED: [50, "ENOTSUP"],
	ERROR_FILE_EXISTS: [80, "EEXIST"],
	ERROR_INVALID_PARAMETER: [87, "EINVAL"],
	ERROR_BROKEN_PIPE: [109, "EPIPE"],
	ERROR_BUFFER_OVERFLOW: [111, "EFAULT"],
	ERROR_DISK_FULL: [112, "ENOSPC"],
	ERROR_CALL_NOT_IMPLEMENTED: [120, "ENOTSUP"],
	ERROR_INSUFFICIENT_BUFFER: [122, "EINVAL"],
	ERROR_INVALID_NAME: [123, "ENOENT"],
	ERROR_MOD_NOT_FOUND: [126, "ENOENT"],
	ERROR_DIR_NOT_EMPTY: [145, "ENOTEMPTY"],
	ERROR_SIGNAL_REFUSED: [156, "EIO"],
	ERROR_NOT_LOCKED: [158, "EINVAL"],
	ERROR_BAD_PATHNAME: [161, "ENOENT"],
	ERROR_ALREADY_EXISTS: [183, "EEXIST"],
	ERROR_ENVVAR_NOT_FOUND: [203, "ENOENT"],
	ERROR_FILENAME_EXCED_RANGE: [206, "ENAMETOOLONG"],
	ERROR_META_EXPANSION_TOO_LONG: [208, "E2BIG"],
	ERROR_NO_DATA: [232, "EPIPE"],
	ERROR_DIRECTORY: [267, "ENOTDIR"],
	ERROR_EAS_NOT_SUPPORTED: [282, "ENOTSUP"],
	ERROR_DELETE_PENDING: [303, "EBUSY"],
	ERROR_BLOCK_TOO_MANY_REFERENCES: [347, "EMLINK"],
	ERROR_ELEVATION_REQUIRED: [740, "EACCES"],
	ERROR_OPERATION_ABORTED: [995, "ECANCELED"],
	ERROR_IO_PENDING: [997, "EAGAIN"],
	ERROR_NOACCESS: [998, "EACCES"],
	ERROR_INVALID_FLAGS: [1004, "EBADF"],
	ERROR_END_OF_MEDIA: [1100, "ENOSPC"],
	ERROR_IO_DEVICE: [1117, "EIO"],
	ERROR_DISK_OPERATION_FAILED: [1127, "EIO"],
	ERROR_TOO_MANY_LINKS: [1142, "EMLINK"],
	ERROR_NOT_FOUND: [1168, "ENOENT"],
	ERROR_CANCELLED: [1223, "ECANCELED"],
	ERROR_USER_MAPPED_FILE: [1224, "EBUSY"],
	ERROR_PRIVILEGE_NOT_HELD: [1314, "EPERM"],
	ERROR_DISK_QUOTA_EXCEEDED: [1295, "ENOSPC"],
	ERROR_FILE_CORRUPT: [1392, "EIO"],
	ERROR_SYMLINK_NOT_SUPPORTED: [1464, "EINVAL"],
	ERROR_CANT_ACCESS_FILE: [1920, "EACCES"],
	ERROR_CANT_RESOLVE_FILENAME: [1921, "ELOOP"],
	ERROR_NOT_A_REPARSE_POINT: [4390, "EINVAL"],
	ERROR_INVALID_REPARSE_DATA: [4392, "EINVAL"],
} as const satisfies Record<string, readonly [number: number, code: Code]>;

/** NTSTATUS values, as the unsigned numbers that the documentation has. */
export const ntstatus = {
	STATUS_BUFFER_OVERFLOW: [0x80000005, "EFAULT"],
	STATUS_NO_MORE_FILES: [0x80000006, "ENOENT"],
	STATUS_STOPPED_ON_SYMLINK: [0x8000002d, "ELOOP"],
	STATUS_UNSUCCESSFUL: [0xc0000001, "EIO"],
	STATUS_NOT_IMPLEMENTED: [0xc0000002, "ENOTSUP"],
	STATUS_INVALID_INFO_CLASS: [0xc0000003, "ENOTSUP"],
	STATUS_ACCESS_VIOLATION: [0xc0000005, "EFAULT"],
	STATUS_INVALID_HANDLE: [0xc0000008, "EBADF"],
	STATUS_INVALID_PARAMETER: [0xc000000d, "EINVAL"],
	STATUS_NO_SUCH_FILE: [0xc000000f, "ENOENT"],
	STATUS_INVALID_DEVICE_REQUEST: [0xc0000010, "ENOTSUP"],
	STATUS_END_OF_FILE: [0xc0000011, "ENODATA"],
	STATUS_NO_MEMORY: [0xc0000017, "ENOMEM"],
	STATUS_ACCESS_DENIED: [0xc0000022, "EPERM"],
	STATUS_BUFFER_TOO_SMALL: [0xc0000023, "EINVAL"],
	STATUS_OBJECT_TYPE_MISMATCH: [0xc0000024, "EBADF"],
	STATUS_OBJECT_NAME_INVALID: [0xc0000033, "ENOENT"],
	STATUS_OBJECT_NAME_NOT_FOUND: [0xc0000034, "ENOENT"],
	STATUS_OBJECT_NAME_COLLISION: [0xc0000035, "EEXIST"],
	STATUS_OBJECT_PATH_INVALID: [0xc0000039, "ENOTDIR"],
	STATUS_OBJECT_PATH_NOT_FOUND: [0xc000003a, "ENOENT"],
	STATUS_OBJECT_PATH_SYNTAX_BAD: [0xc000003b, "ENOENT"],
	STATUS_SHARING_VIOLATION: [0xc0000043, "EBUSY"],
	STATUS_EAS_NOT_SUPPORTED: [0xc000004f, "ENOTSUP"],
	STATUS_FILE_LOCK_CONFLICT: [0xc0000054, "EBUSY"],
	STATUS_LOCK_NOT_GRANTED: [0xc0000055, "EBUSY"],
	STATUS_DELETE_PENDING: [0xc0000056, "EBUSY"],
	STATUS_INVALID_OWNER: [0xc000005a, "EPERM"],
	STATUS_PRIVILEGE_NOT_HELD: [0xc0000061, "EPERM"],
	STATUS_RANGE_NOT_LOCKED: [0xc000007e, "EINVAL"],
	STATUS_DISK_FULL: [0xc000007f, "ENOSPC"],
	STATUS_INSUFFICIENT_RESOURCES: [0xc000009a, "ENOMEM"],
	STATUS_MEDIA_WRITE_PROTECTED: [0xc00000a2, "EROFS"],
	STATUS_IO_TIMEOUT: [0xc00000b5, "ETIMEDOUT"],
	STATUS_FILE_IS_A_DIRECTORY: [0xc00000ba, "EISDIR"],
	STATUS_NOT_SUPPORTED: [0xc00000bb, "ENOTSUP"],
	STATUS_NOT_SAME_DEVICE: [0xc00000d4, "EXDEV"],
	STATUS_DIRECTORY_NOT_EMPTY: [0xc0000101, "ENOTEMPTY"],
	STATUS_NOT_A_DIRECTORY: [0xc0000103, "ENOTDIR"],
	STATUS_NAME_TOO_LONG: [0xc0000106, "ENAMETOOLONG"],
	STATUS_TOO_MANY_OPENED_FILES: [0xc000011f, "EMFILE"],
	STATUS_CANCELLED: [0xc0000120, "ECANCELED"],
	STATUS_CANNOT_DELETE: [0xc0000121, "EPERM"],
	STATUS_FILE_DELETED: [0xc0000123, "EBUSY"],
	STATUS_FILE_CLOSED: [0xc0000128, "EBADF"],
	STATUS_PIPE_BROKEN: [0xc000014b, "EPIPE"],
	STATUS_USER_MAPPED_FILE: [0xc0000243, "EBUSY"],
	STATUS_NOT_FOUND: [0xc0000225, "ENOENT"],
	STATUS_TOO_MANY_LINKS: [0xc0000265, "EMLINK"],
	STATUS_VOLUME_DISMOUNTED: [0xc000026e, "EIO"],
	STATUS_NOT_A_REPARSE_POINT: [0xc0000275, "EINVAL"],
	STATUS_IO_REPARSE_TAG_INVALID: [0xc0000276, "EINVAL"],
	STATUS_IO_REPARSE_DATA_INVALID: [0xc0000278, "EINVAL"],
	STATUS_REPARSE_POINT_NOT_RESOLVED: [0xc0000280, "ELOOP"],
	STATUS_FILE_CORRUPT_ERROR: [0xc0000102, "EIO"],
	STATUS_BLOCK_TOO_MANY_REFERENCES: [0xc000048c, "EMLINK"],
} as const satisfies Record<string, readonly [number: number, code: Code]>;

/** A failure of a Win32 function as an NTSTATUS: the facility that is made for it, and the error. */
const FACILITY_WIN32 = 0xc0070000;

/** The number, negative, that a call answers with when a Win32 function has failed. */
export function statusOfWin32(error: number): number {
	return FACILITY_WIN32 | error | 0;
}

/** The negative number of an NTSTATUS, as a call answers with it. */
export type Status = keyof typeof ntstatus;
export const Status = Object.fromEntries(
	Object.entries(ntstatus).map(([name, [number]]) => [name, number | 0]),
) as Readonly<Record<Status, number>>;

const byNumber = new Map<number, Code>([
	...Object.values(win32).map(([number, code]) => [number, code] as const),
	...Object.values(ntstatus).map(([number, code]) => [number, code] as const),
]);

/** The system's own number behind the negative one that a call answered with. */
export function osCodeOf(result: number): number {
	const status = result >>> 0;
	// HRESULTs of Win32 errors have another severity, and the same facility.
	const facility = status >>> 16;
	return facility === 0xc007 || facility === 0x8007 ? status & 0xffff : status;
}

/** What such a number means; `dosError` turns an NTSTATUS that is not in the table into an error that may be. */
export function meaningOf(osCode: number, dosError: (status: number) => number): Meaning {
	const code = byNumber.get(osCode) ?? byNumber.get(dosError(osCode)) ?? "EIO";
	const [errno, reason] = meanings[code];
	return { code, errno, reason };
}

/** The number that Node has for an error; undefined for those that it has none of its own for. */
export function errnoOf(code: string): number | undefined {
	return Object.hasOwn(meanings, code) ? meanings[code as Code][0] : undefined;
}
