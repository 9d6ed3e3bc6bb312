/*
 * The stand-in takes the place of the system's functions in its whole process, as soon as it is loaded:
 * whatever else asks the system, Bun's own fs for one, sees the same files. Wine's functions are stubs
 * that work wherever they are: a copy of each is what is called as the system's own.
 */
#include <stdio.h>
#include <string.h>
#include "standin.h"

enum { STUB = 32, SLOT = 64, MOST = 16, REACH = 0x40000000 };

#define HOOKED(X) \
	X(NtCreateFile) X(NtOpenFile) X(NtClose) X(NtFsControlFile) X(NtQueryInformationFile) \
	X(NtSetInformationFile) X(NtQueryDirectoryFile) X(NtQueryVolumeInformationFile) \
	X(NtQueryAttributesFile) X(NtQueryFullAttributesFile)

#define REAL(name) name##_t real_##name;
HOOKED(REAL)
#undef REAL


/* Memory near a library, so that a short jump reaches it. */
static u8 *island_near(u8 *library) {
	for (u64 distance = 0x100000; distance < REACH; distance += 0x100000) {
		u8 *island = VirtualAlloc(library - distance, SLOT * MOST, MEM_COMMIT | MEM_RESERVE,
			PAGE_EXECUTE_READWRITE);
		if (island != NULL) return island;
	}
	return NULL;
}

/* Writes a jump over the beginning of a function, in one store: others may be calling it. */
static void jump(u8 *function, const u8 *to) {
	DWORD before;
	u64 code;
	i64 distance = to - (function + 5);
	memcpy(&code, function, sizeof code);
	code = (code & ~0xffffffffffull) | 0xe9 | ((u64)(u32)distance << 8);
	VirtualProtect(function, sizeof code, PAGE_EXECUTE_READWRITE, &before);
	*(volatile u64 *)function = code;
	VirtualProtect(function, sizeof code, before, &before);
	FlushInstructionCache(GetCurrentProcess(), function, sizeof code);
}

/* Puts the way to a replacement into a slot. */
static u8 *way_to(u8 *slot, const void *replacement) {
	static const u8 jump_to_address[] = {0xff, 0x25, 0, 0, 0, 0};
	memcpy(slot + STUB, jump_to_address, sizeof jump_to_address);
	memcpy(slot + STUB + sizeof jump_to_address, &replacement, sizeof replacement);
	return slot + STUB;
}

static BOOLEAN is_stub(const u8 *function) {
	static const u8 start[] = {0x4c, 0x8b, 0xd1, 0xb8}; /* mov r10, rcx; mov eax, … */
	return function != NULL && memcmp(function, start, sizeof start) == 0;
}

static BOOLEAN hook(HMODULE ntdll, u8 *slot, const char *name, void **real, const void *replacement) {
	u8 *function = (u8 *)(void *)GetProcAddress(ntdll, name);
	if (!is_stub(function)) return FALSE;
	memcpy(slot, function, STUB);
	*real = slot;
	jump(function, way_to(slot, replacement));
	return TRUE;
}

/* Functions of Wine's kernelbase that begin with an empty instruction, for a jump to be put there. */
static BOOLEAN hook_patchable(HMODULE library, u8 *slot, const char *name, void **real,
	const void *replacement) {
	static const u8 empty[] = {0x48, 0x8d, 0xa4, 0x24, 0, 0, 0, 0}; /* lea rsp, [rsp + 0] */
	u8 *function = (u8 *)(void *)GetProcAddress(library, name);
	if (function == NULL || memcmp(function, empty, sizeof empty) != 0) return FALSE;
	*real = function + sizeof empty;
	jump(function, way_to(slot, replacement));
	return TRUE;
}

static BOOLEAN hook_all(void) {
	HMODULE ntdll = GetModuleHandleA("ntdll.dll"), base = GetModuleHandleA("kernelbase.dll");
	if (GetProcAddress(ntdll, "wine_server_handle_to_fd") == NULL) return FALSE;
	u8 *slot = island_near((u8 *)ntdll), *links = island_near((u8 *)base);
	if (slot == NULL || links == NULL) return FALSE;
#define HOOK(name) \
	if (!hook(ntdll, slot, #name, (void **)&real_##name, (void *)name)) return FALSE; \
	slot += SLOT;
	HOOKED(HOOK)
#undef HOOK
	u8 *function = (u8 *)(void *)GetProcAddress(base, "CreateSymbolicLinkW");
	if (function != NULL) jump(function, way_to(links, (void *)CreateSymbolicLinkW));
	links += SLOT;
	return hook_patchable(base, links, "CreateFileW", (void **)&real_CreateFileW, (void *)CreateFileW);
}

BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, void *reserved) {
	(void)reserved;
	if (reason != DLL_PROCESS_ATTACH) return TRUE;
	if (!hook_all()) {
		fputs("windows-standin: this is no Wine that it knows\n", stderr);
		return FALSE;
	}
	/* It stays, since it is jumped to. */
	HMODULE kept;
	GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
		(const WCHAR *)(void *)self, &kept);
	return TRUE;
}
