import { FFIType } from "bun:ffi";
import { bound, enteredBy, type Native } from "../binding.ts";
import { type Declaration, functions, type Name, names, type Parameter } from "./calls.ts";
import { Status, statusOfWin32 } from "./errno.ts";

/**
 * Addresses go as integers: they come out of numbers here, and a pointer of 0 would be refused.
 */
const parameterTypes: Readonly<Record<Parameter, FFIType>> = {
	handle: FFIType.i64_fast,
	pointer: FFIType.i64_fast,
	u8: FFIType.u8,
	u32: FFIType.u32,
	i32: FFIType.i32,
	u64: FFIType.i64_fast,
};

const resultTypes: Readonly<Record<Declaration["gives"], FFIType>> = {
	status: FFIType.i32,
	hresult: FFIType.i32,
	bool: FFIType.i32,
	boolean: FFIType.u8,
	count: FFIType.u32,
	number: FFIType.u32,
	handle: FFIType.i64_fast,
	nothing: FFIType.void,
};

/**
 * A library to look for functions in before the system's own: a stand-in for what the system that
 * tests run on lacks.
 */
const standIn = process.env.BUN_FS_EXTENDED_WINDOWS_LIBRARY;

/** Whether there is one. */
export const hasStandIn = standIn !== undefined;

function bind(name: Name, { library, takes, gives, isNew = false }: Declaration): Native {
	const types = { args: takes.map((one) => parameterTypes[one]), returns: resultTypes[gives] };
	try {
		return bound(name, types, standIn, `${library}.dll`);
	} catch (error) {
		if (!isNew) throw error;
		return () => Status.STATUS_NOT_IMPLEMENTED;
	}
}

/** Results that are 0 when a function has failed. */
const saysByLastError = new Set<Declaration["gives"]>(["bool", "boolean", "count"]);

/** A function as it answers: with a negative number when it has failed. */
function answering(name: Name): Native {
	const declaration: Declaration = functions[name];
	const native = bind(name, declaration);
	if (!saysByLastError.has(declaration.gives)) return native;
	const lastError = enter("RtlGetLastWin32Error");
	// The error belongs to the thread: nothing may run between the call and the reading.
	return (...args) => native(...args) || statusOfWin32(lastError());
}

/** The functions of the system as they answer, by index and by name. */
export const { entered, enter } = enteredBy(names, answering);

/** The Win32 error that an NTSTATUS stands for. */
export function dosError(status: number): number {
	return enter("RtlNtStatusToDosError")(status | 0);
}
