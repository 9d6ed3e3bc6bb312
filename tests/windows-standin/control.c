/* Requests by their numbers. */
#include "standin.h"

typedef NTSTATUS answer(struct request *);

static const struct {
	ULONG code;
	answer *answer;
	BOOLEAN refs_only, ntfs_only;
} requests[] = {
	{0x90073, get_retrieval_pointers, FALSE, FALSE},
	{0x900a4, set_reparse_point, FALSE, FALSE},
	{0x900a8, get_reparse_point, FALSE, FALSE},
	{0x900ac, delete_reparse_point, FALSE, FALSE},
	{0x900c4, set_sparse, FALSE, FALSE},
	{0x940cf, query_allocated_ranges, FALSE, FALSE},
	{0x980c8, set_zero_data, FALSE, FALSE},
	{0x9003c, get_compression, FALSE, TRUE},
	{0x9c040, set_compression, FALSE, TRUE},
	{0x98344, duplicate_extents, TRUE, FALSE},
	{0x9027c, get_integrity, TRUE, FALSE},
	{0x9c280, set_integrity, TRUE, FALSE},
	{0x903d3, get_retrieval_pointers_and_refcount, FALSE, FALSE},
};

/* What a filesystem does not know it refuses with STATUS_INVALID_DEVICE_REQUEST. */
static NTSTATUS made(answer *answer, BOOLEAN refused, struct request *request) {
	if (refused) return STATUS_INVALID_DEVICE_REQUEST;
	return answer(request);
}

EXPORT NtFsControlFile(HANDLE handle, HANDLE event, void *apc, void *context, IO_STATUS_BLOCK *status,
	ULONG code, void *input, ULONG input_size, void *output, ULONG output_size) {
	for (u32 i = 0; i < sizeof requests / sizeof *requests; i++) {
		if (requests[i].code != code) continue;
		struct request request = {
			.handle = handle,
			.fd = fd_of(handle),
			.input = input,
			.input_size = input_size,
			.output = output,
			.output_size = output_size,
		};
		if (request.fd < 0) break;
		BOOLEAN refused = on_refs() ? requests[i].ntfs_only : requests[i].refs_only;
		NTSTATUS result = made(requests[i].answer, refused, &request);
		linux_close(request.fd);
		/* IFS, IO_STATUS_BLOCK: a call that fails at once leaves it as it is. */
		if ((ULONG)result >= 0xC0000000) return result;
		status->Status = result;
		status->Information = request.written;
		return result;
	}
	return real_NtFsControlFile(handle, event, apc, context, status, code, input, input_size, output,
		output_size);
}

ACCESS_MASK access_of(HANDLE handle) {
	IO_STATUS_BLOCK status;
	ACCESS_MASK access = 0;
	real_NtQueryInformationFile(handle, &status, &access, sizeof access, AccessClass);
	return access;
}
