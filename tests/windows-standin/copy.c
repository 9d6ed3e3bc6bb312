/* Copying content in the kernel, which Windows 11 can. */
#include "standin.h"

enum { LARGEST = 0x10000000 };

static NTSTATUS copied(int from, int to, u32 length, i64 source, i64 target, u64 *done) {
	u8 *buffer = heap_alloc(length);
	i64 result = linux_read(from, buffer, length, source);
	u64 size = result > 0 ? (u64)result : 0;
	while (result > 0 && *done < size) {
		result = linux_write(to, buffer + *done, size - *done, target + (i64)*done);
		if (result > 0) *done += (u64)result;
	}
	heap_free(buffer);
	if (result < 0) return status_of_linux(result);
	return size == 0 && length > 0 ? STATUS_END_OF_FILE : STATUS_SUCCESS;
}

/*
 * IFS, NtCopyFileChunk: it reads one file and writes another, each opened for that, and says how much
 * in the status block; it can be waited for by the event. What it fails with is what NtReadFile and
 * NtWriteFile do. Here it ends at once.
 */
__declspec(dllexport) NTSTATUS NTAPI NtCopyFileChunk(HANDLE source, HANDLE target, HANDLE event,
	IO_STATUS_BLOCK *status, u32 length, LARGE_INTEGER *source_offset, LARGE_INTEGER *target_offset,
	u32 *source_key, u32 *target_key, u32 flags) {
	(void)source_key, (void)target_key;
	if (flags != 0 || length > LARGEST) return STATUS_INVALID_PARAMETER;
	if ((access_of(source) & FILE_READ_DATA) == 0) return STATUS_ACCESS_DENIED;
	if ((access_of(target) & FILE_WRITE_DATA) == 0) return STATUS_ACCESS_DENIED;
	int from = fd_of(source), to = fd_of(target);
	u64 done = 0;
	NTSTATUS result = STATUS_INVALID_DEVICE_REQUEST;
	if (from >= 0 && to >= 0) {
		result = copied(from, to, length, source_offset->QuadPart, target_offset->QuadPart, &done);
	}
	if (from >= 0) linux_close(from);
	if (to >= 0) linux_close(to);
	if (result < 0) return result;
	status->Status = result;
	status->Information = done;
	if (event != NULL) SetEvent(event);
	return result;
}
