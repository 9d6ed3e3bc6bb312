/* What is said by the environment, and what all parts have in common. */
#include <string.h>
#include "standin.h"

BOOLEAN setting_is(const char *name, const char *value) {
	char found[64];
	u32 length = GetEnvironmentVariableA(name, found, sizeof found);
	return length > 0 && length < sizeof found && strcmp(found, value) == 0;
}

/* Which filesystem all volumes are of: "ntfs", or "refs". */
BOOLEAN on_refs(void) {
	return setting_is("WINDOWS_STANDIN_FILESYSTEM", "refs");
}

/*
 * NTFS gives clusters to a sparse file, and takes them, 16 at a time, as to a compressed one: 64 KiB
 * for clusters of 4 KiB. "cluster" has it as on ReFS, one by one.
 */
i64 sparse_unit(void) {
	return on_refs() || setting_is("WINDOWS_STANDIN_SPARSE_UNIT", "cluster") ? CLUSTER : 16 * CLUSTER;
}

static SRWLOCK tables = SRWLOCK_INIT;

void enter_tables(void) {
	AcquireSRWLockExclusive(&tables);
}

void leave_tables(void) {
	ReleaseSRWLockExclusive(&tables);
}

void *heap_alloc(u64 size) {
	return HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, size);
}

void heap_free(void *memory) {
	if (memory != NULL) HeapFree(GetProcessHeap(), 0, memory);
}
