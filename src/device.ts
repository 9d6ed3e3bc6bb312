import type { Operation } from "./engine/operation.ts";
import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { invalidArgument } from "./errors.ts";
import { checkedInteger, type Location, locate, received } from "./location.ts";
import { optionsOf, schemas } from "./options.ts";
import { withSpecialBits } from "./special-bits.ts";
import { system } from "./sys/index.ts";
import type { FileKind } from "./sys/metadata.ts";
import type { Place } from "./sys/system.ts";

/** What `mknod` is to make. */
export interface MknodOptions {
	/** A fifo, a device, a socket that nobody listens on, or an empty file. */
	type: "fifo" | "char" | "block" | "socket" | "file";
	/** Permissions, less the process's mask. Default 0o666. */
	mode?: number | undefined;
	/** Which device: what `makeDevice` or `stat().rdev` gives. For `"char"` and `"block"` alone. */
	device?: bigint | number | undefined;
}

const kinds = {
	fifo: "fifo",
	char: "character-device",
	block: "block-device",
	socket: "socket",
	file: "file",
} as const satisfies Record<MknodOptions["type"], FileKind>;

const checkMknod = optionsOf<MknodOptions>("mknod", (z) => ({
	type: schemas.choice(z, "fifo", "char", "block", "socket", "file"),
	mode: schemas.integer(z, 0, 0o7777),
	device: z.optional(z.union([z.bigint(), z.number()], { error: "expected a bigint or a number" })),
}));

const DEFAULT_MODE = 0o666;
/** Devices and halves of their numbers, as the system's interfaces have room for them. */
const MOST_DEVICE = 2n ** 64n - 1n;
const MOST_HALF = 2 ** 32 - 1;

/** The number of a device, in either of the forms in which Node and this library give it. */
function checkedDevice(device: unknown, what: string): bigint {
	if (typeof device === "number") return BigInt(checkedInteger(device, what));
	if (typeof device !== "bigint") {
		throw invalidArgument(
			"ERR_INVALID_ARG_TYPE",
			`The "${what}" argument must be a bigint or a number. Received ${received(device)}`,
		);
	}
	if (device >= 0n && device <= MOST_DEVICE) return device;
	throw invalidArgument(
		"ERR_OUT_OF_RANGE",
		`The "${what}" argument must be from 0 to ${MOST_DEVICE}. Received ${device}`,
	);
}

function make(
	scope: Scope,
	place: Place,
	kind: FileKind,
	mode: number,
	device: bigint,
): Operation<void> {
	const mknod = system.device.mknod(scope, place, kind, mode, device);
	return withSpecialBits(
		scope,
		{ place, kind, mode },
		mknod,
		system.directory.unlink(scope, place),
	);
}

function mkfifoOperation(scope: Scope, location: Location, mode: number): Operation<void> {
	const bits = checkedInteger(mode, "mode", 0, 0o7777);
	return make(scope, locate(scope, location), "fifo", bits, 0n);
}

function mknodOperation(scope: Scope, location: Location, options: MknodOptions): Operation<void> {
	const { type, mode = DEFAULT_MODE, device } = checkMknod(options);
	if (type === undefined) {
		throw invalidArgument("ERR_INVALID_ARG_VALUE", 'mknod: option "type" says what to make');
	}
	const isDevice = type === "char" || type === "block";
	if (isDevice !== (device !== undefined)) {
		throw invalidArgument(
			"ERR_INVALID_ARG_VALUE",
			`mknod: type "${type}" ${isDevice ? "needs" : "takes no"} option "device"`,
		);
	}
	const number = device === undefined ? 0n : checkedDevice(device, "device");
	return make(scope, locate(scope, location), kinds[type], mode, number);
}

/**
 * Makes a fifo, a pipe with a name.
 *
 * @param location Where: a path or `dir.at(name)`, which must not exist.
 * @param mode Permissions, 0 to 0o7777, less the process's mask. Set-user-id, set-group-id and
 * sticky bits are kept as far as `chmod` would keep them.
 * @throws {FsError} `EEXIST` if the name is taken, `ENOENT`, `ENOTDIR`, `EACCES`, `EROFS`, `ENOSPC`,
 * `EPERM` where the filesystem has no fifos, `EXDEV` for a name that leaves a confined directory.
 *
 * Linux: mknodat.
 *
 * Windows: `ENOTSUP`. Its named pipes are in no directory: `node:net` listens at `\\.\pipe\name`.
 *
 * @example
 * ```ts
 * import { mkfifo, stat } from "bun-fs-extended";
 *
 * await mkfifo("commands", 0o600);
 * if (!(await stat("commands")).isFIFO()) throw new Error("not a fifo");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man3/mkfifo.3.html | mkfifo(3)}
 */
export function mkfifo(location: Location, mode = DEFAULT_MODE): Promise<void> {
	return run(mkfifoOperation, location, mode);
}

/** The synchronous form of {@link mkfifo}. */
export function mkfifoSync(location: Location, mode = DEFAULT_MODE): void {
	runSync(mkfifoOperation, location, mode);
}

/**
 * Makes a fifo, a device file, a socket or an empty file.
 *
 * @param location Where: a path or `dir.at(name)`, which must not exist.
 * @param options `type`; `mode` 0 to 0o7777, of which the process's mask takes permissions but no
 * set-user-id, set-group-id or sticky bit; `device` for `"char"` and `"block"`.
 * @throws {FsError} `EEXIST` if the name is taken, `EPERM` for a device without the privilege
 * (CAP_MKNOD) or where the filesystem has no such files, `EINVAL` where it has not the number (xfs
 * keeps fewer bits), `ENOENT`, `ENOTDIR`, `EACCES`, `EROFS`, `ENOSPC`, `EXDEV` for a name that leaves
 * a confined directory.
 * @throws {RangeError} `ERR_OUT_OF_RANGE` for a device number that the system does not have: on
 * Linux a major above 4095 or a minor above 1048575.
 *
 * Linux: mknodat.
 *
 * Windows: `type: "file"`, by NtCreateFile; the others are `ENOTSUP`.
 *
 * @example
 * ```ts
 * import { mknod, stat } from "bun-fs-extended";
 *
 * await mknod("endpoint", { type: "socket", mode: 0o600 });
 * if (!(await stat("endpoint")).isSocket()) throw new Error("not a socket");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/mknod.2.html | mknod(2)}
 */
export function mknod(location: Location, options: MknodOptions): Promise<void> {
	return run(mknodOperation, location, options);
}

/** The synchronous form of {@link mknod}. */
export function mknodSync(location: Location, options: MknodOptions): void {
	runSync(mknodOperation, location, options);
}

/**
 * The number of the device that has a major and a minor number.
 *
 * @param major 0 to 4294967295.
 * @param minor 0 to 4294967295.
 * @returns The number, as `stat().rdev` has it.
 * @throws {RangeError} `ERR_OUT_OF_RANGE` for a number that is negative, too large or no integer.
 *
 * Linux: the layout of glibc; `mknod` takes less, see there.
 *
 * Windows: it has no such numbers; the layout of glibc, for those that come from elsewhere.
 *
 * @example
 * ```ts
 * import { makeDevice, statSync } from "bun-fs-extended";
 *
 * if (statSync("/dev/null").rdev !== makeDevice(1, 3)) throw new Error("another device");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man3/makedev.3.html | makedev(3)}
 */
export function makeDevice(major: number, minor: number): bigint {
	const high = checkedInteger(major, "major", 0, MOST_HALF);
	return system.device.makeDevice(high, checkedInteger(minor, "minor", 0, MOST_HALF));
}

/**
 * The major number of a device: which driver it belongs to.
 *
 * @param device What `stat` gives as `rdev` or `dev`: a bigint, or a number as `node:fs` has it.
 * @returns 0 to 4294967295.
 * @throws {RangeError} `ERR_OUT_OF_RANGE` for one that is negative or has more than 64 bits.
 *
 * Linux: the layout of glibc.
 *
 * Windows: the same, for numbers that come from elsewhere.
 *
 * @example
 * ```ts
 * import { major, minor, statSync } from "bun-fs-extended";
 *
 * const { rdev } = statSync("/dev/null");
 * if (major(rdev) !== 1 || minor(rdev) !== 3) throw new Error("another device");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man3/major.3.html | major(3)}
 */
export function major(device: bigint | number): number {
	return system.device.major(checkedDevice(device, "device"));
}

/**
 * The minor number of a device: which of its driver's devices it is.
 *
 * @param device What `stat` gives as `rdev` or `dev`: a bigint, or a number as `node:fs` has it.
 * @returns 0 to 4294967295.
 * @throws {RangeError} `ERR_OUT_OF_RANGE` for one that is negative or has more than 64 bits.
 *
 * Linux: the layout of glibc.
 *
 * Windows: the same, for numbers that come from elsewhere.
 *
 * @example
 * ```ts
 * import { minor } from "bun-fs-extended";
 * import { statSync } from "node:fs";
 *
 * if (minor(statSync("/dev/null").rdev) !== 3) throw new Error("another device");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man3/minor.3.html | minor(3)}
 */
export function minor(device: bigint | number): number {
	return system.device.minor(checkedDevice(device, "device"));
}
