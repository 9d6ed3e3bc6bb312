/**
 * Locks of open files. A lock of this system keeps others from reading and writing the bytes that it
 * covers, and its owner's other handles as well. So that it keeps out only those who ask for one, as
 * everywhere else, all of them lie where no file has content: the lock of a byte is that of another
 * one, 2^62 further on. Programs that lock the bytes themselves are not met there.
 *
 * The system can neither change a lock nor cut one in two: it has to be given up for that, and others
 * made. Whoever does so locks the same range elsewhere before, exclusively, and whoever makes a first
 * lock locks it there shared, for as long as that takes: so nobody gets in between.
 */

import type { Region } from "../../engine/memory.ts";
import type { Operation } from "../../engine/operation.ts";
import { Pause } from "../../engine/pause.ts";
import type { Scope } from "../../engine/scope.ts";
import { FsError } from "../../errors.ts";
import type { Handle, LockSystem } from "../system.ts";
import { call } from "./calls.ts";
import { osCodeOf, Status, statusOfWin32, win32 } from "./errno.ts";
import { checked } from "./failure.ts";
import { type HeldRanges, heldBy, type Stretch, tidy, without } from "./held-ranges.ts";
import {
	LOCKFILE_EXCLUSIVE_LOCK,
	LOCKFILE_FAIL_IMMEDIATELY,
	overlapped,
	STATUS_PENDING,
} from "./layouts.ts";
import { isRemote, lacking } from "./volume.ts";

/** Where locks of each purpose lie: the upper halves of offsets that no content ever has. */
const area = { locks: 0x40000000, guards: 0x50000000, claims: 0x60000000 } as const;
type Area = (typeof area)[keyof typeof area];

/** The end of all that a file may ever have. */
const END = 2 ** 53;

/** Milliseconds between two tries for a guard, which others have for less than one. */
const GUARD_PAUSE = 1;
/** Who wants a lock tries again anyway; who gives one back, or a part of it, is not to fail. */
const TRIES = { toLock: 20, toUnlock: 5000 } as const;

/** What the system says to those who want a lock, or to end one. */
const answers = {
	inTheWay: statusOfWin32(win32.ERROR_LOCK_VIOLATION[0]),
	notLocked: statusOfWin32(win32.ERROR_NOT_LOCKED[0]),
	denied: statusOfWin32(win32.ERROR_ACCESS_DENIED[0]),
	lacking: new Set<number>(
		[win32.ERROR_INVALID_FUNCTION, win32.ERROR_NOT_SUPPORTED, win32.ERROR_CALL_NOT_IMPLEMENTED].map(
			([error]) => statusOfWin32(error),
		),
	),
} as const;

/** The same of what is in the way, by a server that did not answer at once. */
const LATE_REFUSALS = new Set<number>([
	Status.STATUS_LOCK_NOT_GRANTED,
	Status.STATUS_FILE_LOCK_CONFLICT,
]);

const WORD = 2 ** 32;

export const lock: LockSystem = {
	*set(scope, handle, kind, offset, length) {
		const bytes = { start: offset, end: length === undefined ? END : offset + length };
		const wanted = kind === "unlocked" ? undefined : { ...bytes, kind };
		const held = heldBy(handle);
		if (!(yield* enter(held, wanted))) return false;
		try {
			return yield* change(scope, handle, held, bytes, wanted);
		} finally {
			held.isBusy = false;
			tidy(handle);
		}
	},

	// The system does not tell what others have: what this open file has not got is taken for theirs.
	// biome-ignore lint/correctness/useYield: nothing is asked of the system
	*isBlocked(_scope, handle, kind, offset, length) {
		const held = heldBy(handle);
		const end = length === undefined ? END : offset + length;
		const isOwn = held.isChanging || held.has({ start: offset, end, kind });
		tidy(handle);
		return !isOwn;
	},

	*claim(scope, handle, kind) {
		const whole: Stretch = { start: 0, end: 1, kind };
		// A claim is changed by giving it up and asking anew, as flock(2) does it too.
		yield* unlock(scope, handle, area.claims, whole);
		const result = yield* ask(scope, handle, area.claims, whole);
		if (result === answers.inTheWay) return false;
		return result >= 0 ? true : undefined;
	},

	// A server keeps the locks of all its clients, but whether it does so is its business.
	*reach(scope, directory) {
		return (yield* isRemote(scope, directory)) ? undefined : "";
	},
};

/** Waits for one's turn at the locks of an open file. */
function* enter(held: HeldRanges, wanted: Stretch | undefined): Operation<boolean> {
	for (let tries = 1; held.isBusy; tries++) {
		if (givesUp(tries, wanted)) return false;
		yield new Pause(GUARD_PAUSE);
	}
	held.isBusy = true;
	return true;
}

/** Whether it is time to do without a lock; without an unlock nobody can go on. */
function givesUp(tries: number, wanted: Stretch | undefined): boolean {
	if (wanted !== undefined) return tries === TRIES.toLock;
	if (tries < TRIES.toUnlock) return false;
	const detail = "somebody else is changing locks of the same file, and does not come to an end";
	throw new FsError("ETIMEDOUT", "operation timed out", { syscall: "lock", detail });
}

function* change(
	scope: Scope,
	handle: Handle,
	held: HeldRanges,
	bytes: Pick<Stretch, "start" | "end">,
	wanted: Stretch | undefined,
): Operation<boolean> {
	const before = held.overlapping(bytes);
	const [first] = before;
	if (first === undefined) {
		if (wanted === undefined) return true;
		const make = () => obtain(scope, handle, held, wanted);
		return yield* guarded(scope, handle, { ...wanted, kind: "shared" }, wanted, make);
	}
	if (before.length === 1 && first.start === bytes.start && first.end === bytes.end) {
		if (wanted === undefined) return yield* release(scope, handle, held, first);
		if (wanted.kind === "shared" && first.kind === "exclusive") {
			return yield* weaken(scope, handle, held, first, wanted);
		}
	}
	const rest = before.flatMap((one) => without(one, bytes));
	const after = wanted === undefined ? rest : [wanted, ...rest];
	const guard: Stretch = {
		start: Math.min(bytes.start, ...before.map(({ start }) => start)),
		end: Math.max(bytes.end, ...before.map(({ end }) => end)),
		kind: "exclusive",
	};
	const make = () => exchange(scope, handle, held, before, after);
	return yield* guarded(scope, handle, guard, wanted, make);
}

/**
 * Makes an exclusive lock shared without ever letting go of it: an open file may lock what it has
 * exclusively once more, shared, and of the two the exclusive one is the first to be unlocked.
 */
function* weaken(
	scope: Scope,
	handle: Handle,
	held: HeldRanges,
	before: Stretch,
	after: Stretch,
): Operation<boolean> {
	if (!(yield* obtain(scope, handle, held, after))) return false;
	return yield* release(scope, handle, held, before);
}

/** Gives locks up for others of the same bytes; all is as it was before if one cannot be had. */
function* exchange(
	scope: Scope,
	handle: Handle,
	held: HeldRanges,
	before: readonly Stretch[],
	after: readonly Stretch[],
): Operation<boolean> {
	const released: Stretch[] = [];
	const obtained: Stretch[] = [];
	let isDone = false;
	held.isChanging = true;
	try {
		for (const one of before) {
			if (yield* release(scope, handle, held, one)) released.push(one);
		}
		for (const one of after) {
			if (!(yield* obtain(scope, handle, held, one))) return false;
			obtained.push(one);
		}
		isDone = true;
		return true;
	} finally {
		held.isChanging = false;
		if (!isDone) {
			for (const one of obtained) yield* release(scope, handle, held, one);
			for (const one of released) yield* obtain(scope, handle, held, one);
		}
	}
}

/** Does something while nobody else makes locks in a range, or, with a shared guard, changes them. */
function* guarded(
	scope: Scope,
	handle: Handle,
	guard: Stretch,
	wanted: Stretch | undefined,
	body: () => Operation<boolean>,
): Operation<boolean> {
	for (let tries = 1; ; tries++) {
		const result = yield* ask(scope, handle, area.guards, guard);
		if (result !== answers.inTheWay) {
			yield* check(scope, handle, result);
			break;
		}
		if (givesUp(tries, wanted)) return false;
		yield new Pause(GUARD_PAUSE);
	}
	try {
		return yield* body();
	} finally {
		yield* unlock(scope, handle, area.guards, guard);
	}
}

/** Makes a lock; false if others have what is in its way. */
function* obtain(
	scope: Scope,
	handle: Handle,
	held: HeldRanges,
	stretch: Stretch,
): Operation<boolean> {
	const result = yield* ask(scope, handle, area.locks, stretch, held);
	if (result === answers.inTheWay) return false;
	yield* check(scope, handle, result);
	held.add(stretch);
	return true;
}

/** Ends a lock; false if there was none. */
function* release(
	scope: Scope,
	handle: Handle,
	held: HeldRanges,
	stretch: Stretch,
): Operation<boolean> {
	const result = yield* unlock(scope, handle, area.locks, stretch);
	// What there was belonged to another open file, which had this number before.
	const isLocked = result !== answers.notLocked && result !== answers.inTheWay;
	if (isLocked) yield* check(scope, handle, result);
	held.remove(stretch);
	return isLocked;
}

/** Asks the system for a lock, which gives it at once or not at all. */
function* ask(
	scope: Scope,
	handle: Handle,
	where: Area,
	stretch: Stretch,
	held?: HeldRanges,
): Operation<number> {
	const mark = scope.mark();
	const status = requestFor(scope, where, stretch);
	const [low, high] = lengthOf(stretch);
	const isExclusive = stretch.kind === "exclusive" ? LOCKFILE_EXCLUSIVE_LOCK : 0;
	const flags = LOCKFILE_FAIL_IMMEDIATELY | isExclusive;
	if (held !== undefined) held.asked = { stretch, status };
	try {
		const result = yield call("LockFileEx", handle, flags, 0, low, high, status.address);
		return LATE_REFUSALS.has(result) ? answers.inTheWay : result;
	} finally {
		if (held !== undefined) held.asked = undefined;
		scope.release(mark);
	}
}

function* unlock(scope: Scope, handle: Handle, where: Area, stretch: Stretch): Operation<number> {
	const mark = scope.mark();
	const { address } = requestFor(scope, where, stretch);
	const [low, high] = lengthOf(stretch);
	const result = yield call("UnlockFileEx", handle, 0, low, high, address);
	scope.release(mark);
	return result;
}

/** An OVERLAPPED, which says where the bytes are. */
function requestFor(scope: Scope, where: Area, { start }: Stretch): Region {
	const request = scope.memory.reserveZeroed(overlapped.size);
	request.setU32(overlapped.internal, STATUS_PENDING);
	request.setU32(overlapped.offset, start % WORD);
	request.setU32(overlapped.offsetHigh, Math.floor(start / WORD) + where);
	return request;
}

function lengthOf({ start, end }: Stretch): [low: number, high: number] {
	const length = end - start;
	return [length % WORD, Math.floor(length / WORD)];
}

function* check(scope: Scope, handle: Handle, result: number): Operation<void> {
	if (result === answers.denied) {
		const osCode = osCodeOf(result);
		const detail = "a lock needs a file that is open for reading or writing";
		throw new FsError("EBADF", "bad file descriptor", { syscall: "lock", osCode, detail });
	}
	if (answers.lacking.has(result)) throw yield* lacking(scope, handle, "lock", "lock open files");
	checked(result, "lock");
}
