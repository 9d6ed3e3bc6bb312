/* Compression: that a file is compressed is all that can be seen of it. */
#include "standin.h"

/* IFS, FSCTL_GET_COMPRESSION: COMPRESSION_FORMAT_LZNT1 or none. */
NTSTATUS get_compression(struct request *request) {
	struct record record = record_of(request->fd);
	if (request->output_size < 2) return STATUS_INVALID_PARAMETER;
	*(u16 *)request->output = (record.attributes & FILE_ATTRIBUTE_COMPRESSED) != 0 ? 2 : 0;
	request->written = 2;
	return STATUS_SUCCESS;
}

/* IFS, FSCTL_SET_COMPRESSION: none (0), the default (1) or LZNT1 (2), by who may read and write. */
NTSTATUS set_compression(struct request *request) {
	enum { NEEDED = FILE_READ_DATA | FILE_WRITE_DATA };
	struct record record = record_of(request->fd);
	if (request->input_size < 2 || *(const u16 *)request->input > 2) return STATUS_INVALID_PARAMETER;
	if ((access_of(request->handle) & NEEDED) != NEEDED) return STATUS_ACCESS_DENIED;
	if (*(const u16 *)request->input != 0) record.attributes |= FILE_ATTRIBUTE_COMPRESSED;
	else record.attributes &= ~FILE_ATTRIBUTE_COMPRESSED;
	return keep_record(request->fd, &record);
}
