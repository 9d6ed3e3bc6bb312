/** The files that this process has open on Windows, by the system's list of all handles there are. */
import { dlopen, FFIType, ptr } from "bun:ffi";

const FILE_TYPE_DISK = 1;
const SystemExtendedHandleInformation = 64;
/** Sizes and offsets of SYSTEM_HANDLE_INFORMATION_EX and its entries. */
const HEADER = 16;
const entry = { size: 40, uniqueProcessId: 8, handleValue: 16 } as const;

const { symbols: kernel32 } = dlopen("kernel32.dll", {
	GetFileType: { args: [FFIType.i64_fast], returns: FFIType.u32 },
	GetFinalPathNameByHandleW: {
		args: [FFIType.i64_fast, FFIType.ptr, FFIType.u32, FFIType.u32],
		returns: FFIType.u32,
	},
});
const { symbols: ntdll } = dlopen("ntdll.dll", {
	NtQuerySystemInformation: {
		args: [FFIType.u32, FFIType.ptr, FFIType.u32, FFIType.ptr],
		returns: FFIType.i32,
	},
});

function handles(): number[] {
	for (let size = 1 << 20; ; size *= 2) {
		const list = new DataView(new ArrayBuffer(size));
		const needed = new Uint32Array(new ArrayBuffer(8));
		const asked = SystemExtendedHandleInformation;
		if (ntdll.NtQuerySystemInformation(asked, ptr(list), size, ptr(needed)) < 0) continue;
		const count = Number(list.getBigUint64(0, true));
		const all = Array.from({ length: count }, (_, index) => HEADER + index * entry.size);
		return all
			.filter((at) => list.getUint32(at + entry.uniqueProcessId, true) === process.pid)
			.map((at) => list.getUint32(at + entry.handleValue, true));
	}
}

/** The paths of all open files and directories, each as often as it is open. */
export function openPaths(): string[] {
	const room = new Uint16Array(new ArrayBuffer(0x10000));
	const address = ptr(room);
	return handles().flatMap((handle) => {
		if (kernel32.GetFileType(handle) !== FILE_TYPE_DISK) return [];
		const length = kernel32.GetFinalPathNameByHandleW(handle, address, room.length, 0);
		const text = Buffer.from(room.buffer, 0, length * 2).toString("utf16le");
		return [text.replace(/^\\\\\?\\/, "")];
	});
}
