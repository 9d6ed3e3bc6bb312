import { Descriptor } from "./engine/descriptor.ts";
import type { Operation } from "./engine/operation.ts";
import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { isBytes, plainBytes } from "./engine/view.ts";
import { invalidArgument } from "./errors.ts";
import { inspected, received } from "./received.ts";
import { system } from "./sys/index.ts";
import type { DescriptorSystem, Place, Subject } from "./sys/system.ts";

/**
 * Where a file is: a path, or a name inside an open directory (`dir.at(name)`).
 *
 * A path is a string, a `file:` URL, or the bytes of it, for names that are not UTF-8. A string with a
 * lone surrogate is refused where names are bytes (Linux): UTF-8 has none for it.
 */
export type Location = string | Uint8Array | URL | At;

/** A location, or something open: a `File`, a `Dir`, or a descriptor, also one from `node:fs`. */
export type Target = Location | Handle | number;

/**
 * A name inside an open directory: what `dir.at(name)` gives, and every function that takes a
 * location takes.
 *
 * @example
 * ```ts
 * import { At, mkdirSync, openDirSync, statSync } from "bun-fs-extended";
 *
 * using dir = openDirSync(".");
 * const place: At = dir.at("made");
 * mkdirSync(place);
 * if (!statSync(place).isDirectory()) throw new Error("a directory");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/openat.2.html | openat(2)}
 */
export class At {
	/** @internal */
	constructor(
		/** The open directory. */
		readonly directory: Descriptor,
		/** The name, or a path of several. */
		readonly name: string | Uint8Array,
		/** Whether the name must not lead out of the directory. */
		readonly beneath: boolean,
	) {}
}

function numberOperation(scope: Scope, handle: number): Operation<number> {
	return (system.descriptors as DescriptorSystem).of(scope, handle);
}

function* closeOperation(scope: Scope, handle: number) {
	yield* system.file.close(scope, handle);
}

/**
 * Something open, a `File` or a `Dir`, which is closed once: by hand, by `using`, or by
 * `await using`.
 *
 * @example
 * ```ts
 * import { type Handle, openDirSync, openSync } from "bun-fs-extended";
 *
 * const handles: Handle[] = [openDirSync("."), openSync("new", "w")];
 * for (const handle of handles) handle.closeSync();
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/close.2.html | close(2)}
 */
export abstract class Handle implements Disposable, AsyncDisposable {
	/** @internal */
	readonly descriptor: Descriptor;

	/** @internal */
	constructor(handle: number) {
		this.descriptor = new Descriptor(handle);
	}

	/**
	 * Its number, by which `node:fs` knows it too; `EBADF` once it is closed. On Windows it is made when
	 * it is first asked for.
	 */
	get fd(): number {
		const { handle } = descriptorOf(this);
		return system.descriptors === undefined ? handle : runSync(numberOperation, handle);
	}

	/** Closes it when the last operation on it has ended; closing it again does nothing. */
	close(): Promise<void> {
		return new Promise((resolve, reject) => {
			const retired = descriptorOf(this).retire((handle) => {
				run(closeOperation, handle).then(resolve, reject);
			});
			if (!retired) resolve();
		});
	}

	/** Closes it at once, or, if operations on it are under way, when the last of them has ended. */
	closeSync(): void {
		let now = true;
		descriptorOf(this).retire((handle) => {
			if (now) runSync(closeOperation, handle);
			// Nobody is left who could be told that it failed, and it is closed all the same.
			else run(closeOperation, handle).catch(() => {});
		});
		now = false;
	}

	[Symbol.dispose](): void {
		this.closeSync();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}
}

/** The descriptor of what a method was called on, which may be anything. */
export function descriptorOf(handle: Handle): Descriptor {
	const descriptor: unknown = handle?.descriptor;
	if (descriptor instanceof Descriptor) return descriptor;
	throw invalidArgument(
		"ERR_INVALID_THIS",
		`The method must be called on a File or a Dir, and not on ${received(handle)}`,
	);
}

/** Checks a path or a name: `what` is how the user calls it. */
export function checkedName(name: unknown, what: string): string | Uint8Array {
	if (typeof name === "string") {
		if (!name.includes("\0")) return fit(name, what);
	} else if (isBytes(name)) {
		// A copy: the caller may go on to use the buffer for something else.
		const bytes = new Uint8Array(plainBytes(name));
		if (!bytes.includes(0)) return fit(bytes, what);
	} else {
		throw invalidArgument(
			"ERR_INVALID_ARG_TYPE",
			`The "${what}" argument must be a string or a Uint8Array. Received ${received(name)}`,
		);
	}
	throw invalidArgument(
		"ERR_INVALID_ARG_VALUE",
		`The "${what}" argument must not contain NUL. Received ${inspected(name)}`,
	);
}

function fit<Name extends string | Uint8Array>(name: Name, what: string): Name {
	const unfit = system.names.unfit(name);
	if (unfit === undefined) return name;
	throw invalidArgument(
		"ERR_INVALID_ARG_VALUE",
		`The "${what}" argument must not contain ${unfit}. Received ${inspected(name)}`,
	);
}

/** Turns a location into what a system takes, and keeps its directory open until the end. */
export function locate(scope: Scope, location: Location, what = "path"): Place {
	if (typeof location === "string") {
		return { directory: undefined, path: checkedName(location, what), beneath: false };
	}
	if (location instanceof At) {
		const { directory, name, beneath } = location;
		if (!(directory instanceof Descriptor)) throw notALocation(location, what);
		return { directory: scope.hold(directory), path: name, beneath };
	}
	if (location instanceof URL) {
		return {
			directory: undefined,
			path: checkedName(pathOf(location, what), what),
			beneath: false,
		};
	}
	if (!isBytes(location)) throw notALocation(location, what);
	return { directory: undefined, path: checkedName(location, what), beneath: false };
}

function notALocation(value: unknown, what: string): Error {
	return invalidArgument(
		"ERR_INVALID_ARG_TYPE",
		`The "${what}" argument must be a path (string, Uint8Array or file URL) or dir.at(name). ` +
			`Received ${received(value)}`,
	);
}

/** Turns a target into what a system takes, and keeps it open until the end if it is. */
export function subjectOf(scope: Scope, target: Target, what = "target"): Subject {
	if (typeof target === "string") return locate(scope, target, what);
	if (typeof target === "number") {
		const descriptor = checkedDescriptor(target, what);
		return system.descriptors?.handleOf(descriptor) ?? descriptor;
	}
	if (target instanceof Handle && target.descriptor instanceof Descriptor) {
		return scope.hold(target.descriptor);
	}
	return locate(scope, target as Location, what);
}

/** A descriptor from outside the library: the caller sees to it that it stays open. */
function checkedDescriptor(fd: number, what: string): number {
	if (Number.isInteger(fd) && fd >= 0 && fd <= 0x7fffffff) return fd;
	throw invalidArgument(
		"ERR_OUT_OF_RANGE",
		`The "${what}" argument, as a descriptor, must be an integer from 0 to 2147483647. Received ${fd}`,
	);
}

/** Checks a whole number in a range. */
export function checkedInteger(
	value: unknown,
	what: string,
	least = 0,
	most = Number.MAX_SAFE_INTEGER,
): number {
	if (typeof value !== "number") {
		throw invalidArgument(
			"ERR_INVALID_ARG_TYPE",
			`The "${what}" argument must be a number. Received ${received(value)}`,
		);
	}
	if (Number.isInteger(value) && value >= least && value <= most) return value;
	throw invalidArgument(
		"ERR_OUT_OF_RANGE",
		`The "${what}" argument must be an integer from ${least} to ${most}. Received ${value}`,
	);
}

/** The path that a URL names; as bytes if what is escaped in it is not UTF-8. */
function pathOf(url: URL, what: string): string | Uint8Array {
	let path: string;
	try {
		path = Bun.fileURLToPath(url);
	} catch (error) {
		const { code } = error as { code?: unknown };
		// What only inherits from the class is no URL.
		throw code === "ERR_INVALID_ARG_TYPE" ? notALocation(url, what) : error;
	}
	// The runtime has no text for it, and gives none.
	return path === "" ? unescaped(url.pathname) : path;
}

function unescaped(pathname: string): Uint8Array {
	const byte = (_: string, digits: string) => String.fromCharCode(Number.parseInt(digits, 16));
	return Buffer.from(pathname.replace(/%([0-9a-f]{2})/gi, byte), "latin1");
}

export { received } from "./received.ts";
