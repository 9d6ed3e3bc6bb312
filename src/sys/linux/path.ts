/**
 * From a place to the directory descriptor and name that a call takes. Without confinement that
 * is one step. With it the kernel walks the path itself (openat2, RESOLVE_BENEATH) and the call
 * then acts on what the walk arrived at, so that no link swapped meanwhile leads it elsewhere.
 */
import type { Call } from "../../engine/call.ts";
import type { Operation } from "../../engine/operation.ts";
import { Pause } from "../../engine/pause.ts";
import type { Scope } from "../../engine/scope.ts";
import { printable } from "../../errors.ts";
import type { Place } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { Errno } from "./errno.ts";
import { checked, unsupported } from "./failure.ts";
import { AT_FDCWD, O, openHow, RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS } from "./layouts.ts";

/**
 * What the last component of a path stands for: `"follow"` the file that it leads to, `"link"` the
 * file of that name even if it is a symbolic link, `"entry"` the name itself, to be made or removed.
 */
export type Reach = "follow" | "link" | "entry";

/** What a call can be given. `opened`, if any, is closed when the call has been made. */
interface Resolved {
	readonly dirfd: number;
	readonly path: string | Uint8Array;
	readonly opened: number | undefined;
}

/**
 * How often a walk is begun again because something was renamed meanwhile: at once at first, then
 * after a pause each time. The kernel minds renames anywhere on the machine, and a walk that has to
 * ask a server for names takes long enough for many of them.
 */
const TRIES_AT_ONCE = 64;
const MOST_TRIES = 1064;
const PAUSE_MILLISECONDS = 1;

/** The flags that keep a path inside its directory. */
export function resolveFlags(place: Place): number {
	return place.beneath ? RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS : 0;
}

/** Passes on what opening a place gave, or throws: of a confined one, also that it leads out. */
export function opened(result: number, syscall: string, { path, beneath }: Place): number {
	const leadsOut = beneath && result === -Errno.EXDEV;
	const detail = leadsOut ? `'${printable(path)}' leads out of the directory` : undefined;
	return checked(result, syscall, { path, detail });
}

/**
 * Opens a path. What confines the walk takes openat2 (Linux 5.6), where EAGAIN says that a rename
 * raced with it: it is done again. All else is left to openat, which no sandbox forgets to allow.
 */
export function* openat(
	scope: Scope,
	dirfd: number,
	path: string | Uint8Array,
	flags: number,
	mode: number,
	resolve: number,
): Operation<number> {
	const { memory } = scope;
	if (resolve === 0) return yield sys(nr.openat, dirfd, memory.cstring(path), flags, mode);
	const how = memory.reserve(openHow.size);
	how.setU64(openHow.flags, flags);
	how.setU64(openHow.mode, mode);
	how.setU64(openHow.resolve, resolve);
	const call = sys(nr.openat2, dirfd, memory.cstring(path), how.address, openHow.size);
	let result = yield call;
	for (let tries = 1; result === -Errno.EAGAIN && tries < MOST_TRIES; tries++) {
		if (tries >= TRIES_AT_ONCE) yield new Pause(PAUSE_MILLISECONDS);
		result = yield call;
	}
	if (result === -Errno.ENOSYS) {
		throw unsupported("open", "confined directories need openat2, which this kernel lacks", {
			path,
		});
	}
	return result;
}

/** Makes the call on the place and gives its result. */
export function* at(
	scope: Scope,
	place: Place,
	reach: Reach,
	syscall: string,
	call: (dirfd: number, path: number) => Call,
): Operation<number> {
	const { directory = AT_FDCWD, path, beneath } = place;
	if (!beneath) return yield call(directory, scope.memory.cstring(path));
	const resolved = yield* resolve(scope, place, reach, syscall);
	try {
		return yield call(resolved.dirfd, scope.memory.cstring(resolved.path));
	} finally {
		yield* release(resolved);
	}
}

/** The same for a call that takes two places. */
export function* atBoth(
	scope: Scope,
	[first, firstReach]: readonly [Place, Reach],
	[second, secondReach]: readonly [Place, Reach],
	syscall: string,
	call: (dirfd: number, path: number, dirfd2: number, path2: number) => Call,
): Operation<number> {
	// The ring reads both paths before it walks either, a call the second after walking the first:
	// an empty one is found here, so that they say the same.
	if (first.path.length === 0 || second.path.length === 0) return -Errno.ENOENT;
	const from = yield* resolve(scope, first, firstReach, syscall);
	try {
		const to = yield* resolve(scope, second, secondReach, syscall);
		try {
			const { memory } = scope;
			return yield call(from.dirfd, memory.cstring(from.path), to.dirfd, memory.cstring(to.path));
		} finally {
			yield* release(to);
		}
	} finally {
		yield* release(from);
	}
}

/**
 * The same for calls that take no directory, such as those for xattrs: the directory is named by
 * its descriptor in /proc.
 */
export function* byPath(
	scope: Scope,
	place: Place,
	reach: Reach,
	syscall: string,
	call: (path: number) => Call,
): Operation<number> {
	const resolved = yield* resolve(scope, place, reach, syscall);
	try {
		const { dirfd, path } = resolved;
		// An empty path is none, and not the directory.
		const absolute = dirfd === AT_FDCWD || path.length === 0 || startsWithSlash(path);
		return yield call(scope.memory.cstring(absolute ? path : join(procPath(dirfd), path)));
	} finally {
		yield* release(resolved);
	}
}

/** The name under which /proc shows an open file: following it leads to that very file. */
export function procPath(fd: number): string {
	return `/proc/self/fd/${fd}`;
}

function* resolve(scope: Scope, place: Place, reach: Reach, syscall: string): Operation<Resolved> {
	const { directory = AT_FDCWD, path, beneath } = place;
	if (!beneath) return { dirfd: directory, path, opened: undefined };
	const { parent, name, last, trailing } = split(path);
	const flags = resolveFlags(place);
	const walk = function* (to: string | Uint8Array, extra: number): Operation<number> {
		const result = yield* openat(scope, directory, to, O.O_PATH | O.O_CLOEXEC | extra, 0, flags);
		return opened(result, syscall, place);
	};
	// With a slash after it a link is followed, and the file must be a directory.
	if (name === ".." || (reach === "link" && trailing)) {
		const found = yield* walk(path, O.O_DIRECTORY);
		if (reach !== "entry") return { dirfd: found, path: ".", opened: found };
		// It stays inside. Nothing is made or removed under this name, and the kernel says why.
		yield sys(nr.close, found);
		const above = yield* walk(parent ?? ".", O.O_DIRECTORY);
		return { dirfd: above, path: "..", opened: above };
	}
	if (reach === "follow" || name === "") {
		const found = yield* walk(path, 0);
		return { dirfd: AT_FDCWD, path: procPath(found), opened: found };
	}
	if (parent === undefined) return { dirfd: directory, path: last, opened: undefined };
	const found = yield* walk(parent, O.O_DIRECTORY);
	return { dirfd: found, path: last, opened: found };
}

function* release(resolved: Resolved): Operation<void> {
	if (resolved.opened !== undefined) yield sys(nr.close, resolved.opened);
}

interface Split {
	/** Undefined when the path is a single name. */
	readonly parent: string | Uint8Array | undefined;
	readonly name: string | Uint8Array;
	/** The name with the slashes after it, which make the kernel refuse what is no directory. */
	readonly last: string | Uint8Array;
	readonly trailing: boolean;
}

/** The last component of a path, and what stands before it. */
function split(path: string | Uint8Array): Split {
	if (typeof path !== "string") {
		const { parent, name, last, trailing } = split(Buffer.from(path).toString("latin1"));
		return {
			parent: parent === undefined ? undefined : Buffer.from(parent as string, "latin1"),
			name: name === ".." || name === "" ? name : Buffer.from(name as string, "latin1"),
			last: Buffer.from(last as string, "latin1"),
			trailing,
		};
	}
	let end = path.length;
	while (end > 1 && path[end - 1] === "/") end--;
	const slash = path.lastIndexOf("/", end - 1);
	return {
		parent: slash < 0 ? undefined : path.slice(0, slash) || "/",
		name: path.slice(slash + 1, end),
		last: path.slice(slash + 1),
		trailing: end < path.length,
	};
}

function startsWithSlash(path: string | Uint8Array): boolean {
	return typeof path === "string" ? path.startsWith("/") : path[0] === 0x2f;
}

function join(directory: string, name: string | Uint8Array): string | Uint8Array {
	if (typeof name === "string") return `${directory}/${name}`;
	return Buffer.concat([Buffer.from(`${directory}/`), name]);
}
