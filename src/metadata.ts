import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { invalidArgument } from "./errors.ts";
import { checkedInteger, type Location, locate, subjectOf, type Target } from "./location.ts";
import { optionsOf, schemas } from "./options.ts";
import { system } from "./sys/index.ts";
import { FOLLOWED, type Metadata } from "./sys/metadata.ts";
import type { TimeToSet } from "./sys/system.ts";

export { type FileAttributes, type FileKind, Metadata } from "./sys/metadata.ts";

/** Options of `stat`. */
export interface StatOptions {
	/** Of a symbolic link: the file it leads to (true, the default), or the link itself. */
	follow?: boolean | undefined;
	/**
	 * On a network filesystem: `"auto"` asks as the mount is set to, `"force"` always asks the
	 * server, `"never"` is content with what is cached. Default `"auto"`.
	 */
	sync?: "auto" | "force" | "never" | undefined;
}

/** Options of operations that act on a link itself when told not to follow it. */
export interface FollowOptions {
	/** Of a symbolic link: act on the file it leads to (true, the default), or on the link. */
	follow?: boolean | undefined;
}

/**
 * A time to set: a `Date`, milliseconds since 1970 (fractions count), nanoseconds since 1970 as
 * bigint, `"now"` for the system's own clock, or `undefined` to leave it.
 */
export type Time = Date | number | bigint | "now" | undefined;

/** The times that `utimes` sets. */
export interface Times {
	/** When the content was read last. */
	atime?: Time;
	/** When the content was written last. */
	mtime?: Time;
	/** When the file was made: macOS and Windows can set it, Linux cannot. */
	birthtime?: Time;
}

/** Options of `access`. */
export interface AccessOptions extends FollowOptions {
	/** May the content be read (or the directory listed)? Default false. */
	read?: boolean | undefined;
	/** May it be written (or entries made and removed)? Default false. */
	write?: boolean | undefined;
	/** May it be run (or the directory entered)? Default false. */
	execute?: boolean | undefined;
}

/** The options of `stat`, for the operation of that name. */
export const statOptions = (operation: string) =>
	optionsOf<StatOptions>(operation, (z) => ({
		follow: schemas.flag(z),
		sync: schemas.choice(z, "auto", "force", "never"),
	}));

/** Options with `follow` alone, for the operation of that name. */
export const followOptions = (operation: string) =>
	optionsOf<FollowOptions>(operation, (z) => ({ follow: schemas.flag(z) }));

const checkStat = statOptions("stat");
const checkChmod = followOptions("chmod");
const checkUtimes = followOptions("utimes");
const checkAccess = optionsOf<AccessOptions>("access", (z) => ({
	follow: schemas.flag(z),
	read: schemas.flag(z),
	write: schemas.flag(z),
	execute: schemas.flag(z),
}));
const checkTimes = optionsOf<Times>("utimes", (z) => {
	const time = () =>
		z.optional(
			z.union([schemas.date(z), z.number(), z.bigint(), z.literal("now")], { error: TIME }),
		);
	return { atime: time(), mtime: time(), birthtime: time() };
});

const TIME = 'expected a Date, milliseconds, nanoseconds as bigint, "now" or undefined';

function statOperation(scope: Scope, target: Target, options: StatOptions | undefined) {
	const subject = subjectOf(scope, target);
	if (options === undefined) return system.metadata.stat(scope, subject, FOLLOWED);
	const { follow = true, sync = "auto" } = checkStat(options);
	return system.metadata.stat(scope, subject, { follow, sync });
}

/**
 * What the system knows about a file or directory, with nanosecond times and the time of birth.
 *
 * @param target A path, `dir.at(name)`, a `File`, a `Dir` or a descriptor.
 * @param options `follow`: false for the link itself; `sync`: how fresh on a network filesystem.
 * @returns The metadata; every field is read when it is asked for.
 * @throws {FsError} `ENOENT` if there is no such file, `ENOTDIR` if part of the path is no
 * directory, `EACCES` if a directory on the way may not be searched, `ELOOP` for too many links,
 * `ENAMETOOLONG`, `EBADF` for a descriptor that is not open, `EXDEV` for a name that leaves a
 * confined directory.
 *
 * Linux: statx; the promise form is answered from the kernel's caches where it can be, else by
 * the ring.
 *
 * @example
 * ```ts
 * import { stat } from "bun-fs-extended";
 *
 * const { size, mtimeNs, birthtimeNs } = await stat("/etc/hostname");
 * console.log(size, mtimeNs, birthtimeNs);
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/statx.2.html | statx(2)}
 */
export function stat(target: Target, options?: StatOptions): Promise<Metadata> {
	return run(statOperation, target, options);
}

/**
 * The synchronous form of {@link stat}.
 *
 * @example
 * ```ts
 * import { statSync } from "bun-fs-extended";
 *
 * if (!statSync("/tmp").isDirectory()) throw new Error("/tmp is a directory");
 * ```
 */
export function statSync(target: Target, options?: StatOptions): Metadata {
	return runSync(statOperation, target, options);
}

function chmodOperation(
	scope: Scope,
	target: Target,
	mode: number,
	options: FollowOptions | undefined,
) {
	const bits = checkedInteger(mode, "mode", 0, 0o7777);
	const { follow = true } = checkChmod(options);
	return system.metadata.chmod(scope, subjectOf(scope, target), bits, follow);
}

/**
 * Sets the permissions of a file or directory.
 *
 * @param target A path, `dir.at(name)`, a `File`, a `Dir` or a descriptor.
 * @param mode The permission bits, 0 to 0o7777: set-user-id, set-group-id and sticky included.
 * @param options `follow`: false acts on a link itself, which Linux does not have: `ENOTSUP`.
 * @throws {FsError} `ENOENT`, `EPERM` if the file is another user's, `EROFS`, `ENOTSUP`.
 *
 * Linux: fchmodat, fchmod; for `follow: false` fchmodat2 (6.6), before that through /proc.
 *
 * @example
 * ```ts
 * import { chmodSync, statSync } from "bun-fs-extended";
 * import { writeFileSync } from "node:fs";
 *
 * writeFileSync("secret", "");
 * chmodSync("secret", 0o600);
 * if (statSync("secret").permissions !== 0o600) throw new Error("not set");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/chmod.2.html | chmod(2)}
 */
export function chmod(target: Target, mode: number, options?: FollowOptions): Promise<void> {
	return run(chmodOperation, target, mode, options);
}

/** The synchronous form of {@link chmod}. */
export function chmodSync(target: Target, mode: number, options?: FollowOptions): void {
	runSync(chmodOperation, target, mode, options);
}

/** The seconds that a 64-bit `time_t` can count, in nanoseconds. */
const MOST_NANOSECONDS = (1n << 63n) * 1_000_000_000n;

function timeToSet(time: Time, what: string): TimeToSet {
	if (time === undefined) return "keep";
	if (time === "now") return time;
	const nanoseconds = typeof time === "bigint" ? time : fromMilliseconds(Number(time), what);
	if (nanoseconds < MOST_NANOSECONDS && nanoseconds >= -MOST_NANOSECONDS) return nanoseconds;
	throw invalidArgument("ERR_OUT_OF_RANGE", `utimes: option "${what}" is out of range: ${time}`);
}

function fromMilliseconds(milliseconds: number, what: string): bigint {
	if (!Number.isFinite(milliseconds)) {
		throw invalidArgument("ERR_OUT_OF_RANGE", `utimes: option "${what}" is not a valid time`);
	}
	// The fraction apart: a double has not enough digits for nanoseconds since 1970.
	const whole = Math.floor(milliseconds);
	return BigInt(whole) * 1_000_000n + BigInt(Math.round((milliseconds - whole) * 1e6));
}

function utimesOperation(
	scope: Scope,
	target: Target,
	times: Times,
	options: FollowOptions | undefined,
) {
	if (times === undefined) {
		throw invalidArgument("ERR_INVALID_ARG_TYPE", 'The "times" argument must be an object');
	}
	const { atime, mtime, birthtime } = checkTimes(times);
	const { follow = true } = checkUtimes(options);
	const wanted = {
		atime: timeToSet(atime, "atime"),
		mtime: timeToSet(mtime, "mtime"),
		birthtime: timeToSet(birthtime, "birthtime"),
	};
	return system.metadata.utimes(scope, subjectOf(scope, target), wanted, follow);
}

/**
 * Sets the times of a file or directory, to the nanosecond.
 *
 * @param target A path, `dir.at(name)`, a `File`, a `Dir` or a descriptor.
 * @param times `atime`, `mtime`, `birthtime`: each a `Date`, milliseconds, nanoseconds as bigint,
 * `"now"`, or left out to stay as it is. Times before 1970 are negative.
 * @param options `follow`: false sets the times of a link itself.
 * @throws {FsError} `ENOENT`, `EPERM` or `EACCES` if the file is another user's, `EROFS`,
 * `ENOTSUP` for `birthtime` on Linux.
 *
 * Linux: utimensat. Filesystems round to what they can keep and to the range that they have.
 *
 * @example
 * ```ts
 * import { statSync, utimesSync } from "bun-fs-extended";
 * import { writeFileSync } from "node:fs";
 *
 * writeFileSync("old", "");
 * utimesSync("old", { mtime: -1n });
 * if (statSync("old").mtimeNs !== -1n) throw new Error("a nanosecond before 1970");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/utimensat.2.html | utimensat(2)}
 */
export function utimes(target: Target, times: Times, options?: FollowOptions): Promise<void> {
	return run(utimesOperation, target, times, options);
}

/** The synchronous form of {@link utimes}. */
export function utimesSync(target: Target, times: Times, options?: FollowOptions): void {
	runSync(utimesOperation, target, times, options);
}

function accessOperation(scope: Scope, location: Location, options: AccessOptions | undefined) {
	const { read = false, write = false, execute = false, follow = true } = checkAccess(options);
	const place = locate(scope, location);
	return system.metadata.access(scope, place, { read, write, execute }, follow);
}

/**
 * Asks whether a file is there and may be read, written or run by this process.
 *
 * The answer may be out of date by the time it arrives: to open a file, open it and see.
 *
 * @param location A path or `dir.at(name)`.
 * @param options `read`, `write`, `execute`: what to ask for, nothing but presence by default.
 * @throws {FsError} `ENOENT` if it is not there, `EACCES` if it may not be used so, `EROFS`.
 *
 * Linux: faccessat2 (5.8), before that faccessat; it asks for the real user, as access(2) does.
 *
 * @example
 * ```ts
 * import { access } from "bun-fs-extended";
 *
 * await access("/etc/hostname", { read: true });
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/access.2.html | access(2)}
 */
export function access(location: Location, options?: AccessOptions): Promise<void> {
	return run(accessOperation, location, options);
}

/** The synchronous form of {@link access}. */
export function accessSync(location: Location, options?: AccessOptions): void {
	runSync(accessOperation, location, options);
}
