/** Binding the functions of a table: each when it is first called, from the library that has it. */
import { dlopen, type FFIType } from "bun:ffi";

/** A function of the system, in its own types. */
export type Native = (...args: number[]) => number;

/** What a function takes and gives, as the runtime is told it. */
export interface Types {
	readonly args: readonly FFIType[];
	readonly returns: FFIType;
}

/**
 * Finds a function in the first of these libraries that has it. A stand-in for what the system that
 * tests run on lacks is asked first, if there is one.
 */
export function bound(
	name: string,
	{ args, returns }: Types,
	standIn: string | undefined,
	library: string,
): Native {
	const open = (file: string) =>
		dlopen(file, { [name]: { args: [...args], returns } }).symbols[name] as unknown as Native;
	if (standIn !== undefined) {
		try {
			return open(standIn);
		} catch {
			// It stands in for other functions only.
		}
	}
	return open(library);
}

/** Functions by their index in the table. */
export interface Entered<Name extends string> {
	/** A function by its index, bound when it is first called. */
	entered(index: number): Native;
	/** The same by its name: for what asks no disk and waits for nobody, and so need be no call. */
	enter(name: Name): Native;
}

/** `bind` gives a function as it answers: with a negative number when it has failed. */
export function enteredBy<Name extends string>(
	names: readonly Name[],
	bind: (name: Name) => Native,
): Entered<Name> {
	const opened: (Native | undefined)[] = names.map(() => undefined);
	const entered = (index: number): Native => {
		let native = opened[index];
		if (native === undefined) {
			native = bind(names[index] as Name);
			opened[index] = native;
		}
		return native;
	};
	return { entered, enter: (name) => entered(names.indexOf(name)) };
}
