import { dlopen, FFIType, read } from "bun:ffi";
import { settings } from "../../engine/settings.ts";

/** The kernel's own entry: a system call by number, answering -errno when it fails. */
export type Entry = (
	nr: number,
	a: number,
	b: number,
	c: number,
	d: number,
	e: number,
	f: number,
) => number;

/** The file of the shim for this machine: the user's own build before the one in the package. */
export function shimFile(): string | undefined {
	return ["build", "prebuilt"]
		.map((folder) => {
			const file = `../../../native-shims/${folder}/linux-${process.arch}.so`;
			return Bun.fileURLToPath(new URL(file, import.meta.url));
		})
		.find((file) => Bun.file(file).size > 0);
}

const long = FFIType.i64_fast;
/**
 * A parameter of the shim's. On x64 an address is converted more quickly than an integer, and just
 * as exactly: any safe integer arrives as it is, negative ones too. Elsewhere that is not known.
 */
const word = process.arch === "x64" ? FFIType.ptr : long;

/**
 * Opens a library once for each file and keeps it open, however often the engine is started: each
 * that is opened costs memory, and the code of its functions is of use for as long as the thread is.
 */
export function keptOpen<T>(open: (file: string) => T): (file: string) => T {
	const opened = new Map<string, T>();
	return (file) => {
		let symbols = opened.get(file);
		if (symbols === undefined) {
			symbols = open(file);
			opened.set(file, symbols);
		}
		return symbols;
	};
}

const openShim = keptOpen((file) => {
	const { symbols } = dlopen(file, {
		fsx_syscall: { args: [FFIType.i32, word, word, word, word, word, word], returns: long },
	});
	return symbols.fsx_syscall as Entry;
});

function fromShim(): Entry {
	const file = shimFile();
	if (file === undefined) throw new Error(`no shim for linux-${process.arch} is there`);
	return openShim(file);
}

/**
 * libc's `syscall`, which keeps the error in errno. Its address belongs to the thread and is asked
 * for once; nothing may run between the call and the reading, so both stand in one function.
 */
const openLibc = keptOpen((file): Entry => {
	const { symbols } = dlopen(file, {
		syscall: { args: [long, long, long, long, long, long, long], returns: long },
		__errno_location: { args: [], returns: FFIType.ptr },
	});
	const errno = symbols.__errno_location();
	if (errno === null) throw new Error("libc has no errno for this thread");
	const { syscall } = symbols;
	return (nr, a, b, c, d, e, f) => {
		const result = syscall(nr, a, b, c, d, e, f) as number;
		return result === -1 ? -read.i32(errno, 0) : result;
	};
});

const fromLibc = () => openLibc("libc.so.6");

export interface OpenedEntry {
	readonly by: "shim" | "libc";
	readonly call: Entry;
	/** Why the shim was not taken. */
	readonly shimRefused?: string;
}

let opened: OpenedEntry | undefined;

/** The entry of this thread, opened when the first call is made. */
export function entry(): OpenedEntry {
	opened ??= open();
	return opened;
}

function open(): OpenedEntry {
	if (settings.kernel === "libc") {
		return { by: "libc", call: fromLibc(), shimRefused: "turned off by configureEngine" };
	}
	try {
		return { by: "shim", call: fromShim() };
	} catch (error) {
		if (settings.kernel === "shim") throw error;
		return { by: "libc", call: fromLibc(), shimRefused: String(error) };
	}
}

/** Makes one call by the entry of this thread. */
export let enter: Entry = openAndEnter;

function openAndEnter(...call: Parameters<Entry>): number {
	enter = entry().call;
	return enter(...call);
}

/** Forgets the entry, so that other settings can choose again. */
export function closeEntry(): void {
	opened = undefined;
	enter = openAndEnter;
}
