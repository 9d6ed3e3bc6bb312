/** The flags that chattr(1) sets. They take a descriptor that is open for reading. */
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { FileFlags, FlagChanges, FlagsSystem, Handle, Place, Subject } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { Errno } from "./errno.ts";
import { checked, failure, unsupported } from "./failure.ts";
import { typeOf } from "./lacking.ts";
import {
	AT_FDCWD,
	FS_APPEND_FL,
	FS_CASEFOLD_FL,
	FS_COMPR_FL,
	FS_DAX_FL,
	FS_DIRSYNC_FL,
	FS_IMMUTABLE_FL,
	FS_IOC_GETFLAGS,
	FS_IOC_SETFLAGS,
	FS_JOURNAL_DATA_FL,
	FS_NOATIME_FL,
	FS_NOCOMP_FL,
	FS_NOCOW_FL,
	FS_NODUMP_FL,
	FS_PROJINHERIT_FL,
	FS_SYNC_FL,
	O,
} from "./layouts.ts";
import { metadata } from "./metadata.ts";
import { openat, opened, procPath, resolveFlags } from "./path.ts";

type FlagName = keyof FileFlags;

/** The bit of each flag; 0 for those that Linux does not have. */
const bits: Readonly<Record<FlagName, number>> = {
	immutable: FS_IMMUTABLE_FL,
	append: FS_APPEND_FL,
	nodump: FS_NODUMP_FL,
	noatime: FS_NOATIME_FL,
	sync: FS_SYNC_FL,
	dirsync: FS_DIRSYNC_FL,
	compressed: FS_COMPR_FL,
	nocompress: FS_NOCOMP_FL,
	nocow: FS_NOCOW_FL,
	journalData: FS_JOURNAL_DATA_FL,
	dax: FS_DAX_FL,
	projectInherit: FS_PROJINHERIT_FL,
	casefold: FS_CASEFOLD_FL,
	hidden: 0,
	system: 0,
	archive: 0,
	readonly: 0,
};
const names = Object.keys(bits) as FlagName[];

/** Those that take a privilege to change. */
const PRIVILEGED = FS_IMMUTABLE_FL | FS_APPEND_FL;

/** What a filesystem says that has no flags, or not these. */
const lacking = new Set<number>([Errno.ENOTTY, Errno.EOPNOTSUPP, Errno.ENOSYS]);

export const flags: FlagsSystem = {
	*get(scope, subject, follow) {
		const file = new Flagged(scope, subject, "getflags");
		const found = yield* file.whileOpen(follow, (handle) => file.read(handle));
		const flags = {} as { [Name in FlagName]: boolean };
		for (const name of names) flags[name] = (found & bits[name]) !== 0;
		return flags;
	},

	*difference(scope, from, to) {
		const wanted = yield* new Flagged(scope, from, "getflags").find(from);
		if (wanted === undefined) return {};
		const found = (yield* new Flagged(scope, to, "getflags").find(to)) ?? 0;
		const changes: { [Name in FlagName]?: boolean } = {};
		if (wanted === found) return changes;
		for (const name of names) {
			if (((wanted ^ found) & bits[name]) !== 0) changes[name] = (wanted & bits[name]) !== 0;
		}
		return changes;
	},

	*set(scope, subject, changes, follow) {
		const file = new Flagged(scope, subject, "setflags");
		const foreign = names.filter((name) => changes[name] === true && bits[name] === 0);
		if (foreign.length > 0) throw file.unsupported(`Linux has no flag ${foreign.join(", ")}`);
		yield* file.whileOpen(follow, (handle) => file.change(handle, changes));
	},
};

/** A file whose flags are asked for or changed, and what its failures are about. */
class Flagged {
	constructor(
		private readonly scope: Scope,
		private readonly subject: Subject,
		private readonly syscall: "getflags" | "setflags",
	) {}

	/** Does what takes a descriptor, of what is open or has a name. */
	whileOpen<T>(follow: boolean, body: (handle: Handle) => Operation<T>): Operation<T> {
		const { subject } = this;
		return typeof subject === "number" ? body(subject) : this.opened(subject, follow, body);
	}

	/**
	 * Opens what has a name, after a look: opening a device or a fifo may wait and may have effects.
	 * By its entry in /proc the file that was looked at is opened, whatever has the name by then; who
	 * has a lease on it is waited for.
	 */
	private *opened<T>(
		place: Place,
		follow: boolean,
		body: (handle: Handle) => Operation<T>,
	): Operation<T> {
		const { scope } = this;
		const { directory = AT_FDCWD, path } = place;
		const look = O.O_PATH | O.O_CLOEXEC | (follow ? 0 : O.O_NOFOLLOW);
		const found = yield* openat(scope, directory, path, look, 0, resolveFlags(place));
		const seen = opened(found, this.syscall, place);
		try {
			yield* this.checkKind(seen);
			const self = scope.memory.cstring(procPath(seen));
			const opened = yield sys(nr.openat, AT_FDCWD, self, O.O_CLOEXEC);
			if (opened === -Errno.ENOENT) throw this.unsupported("flags take /proc, which is not there");
			const handle = this.checked(opened);
			try {
				return yield* body(handle);
			} finally {
				yield sys(nr.close, handle);
			}
		} finally {
			yield sys(nr.close, seen);
		}
	}

	/** The bits that are set; undefined where the filesystem keeps none. */
	*find(handle: Handle): Operation<number | undefined> {
		const word = this.scope.memory.reserveZeroed(8);
		const result = yield sys(nr.ioctl, handle, FS_IOC_GETFLAGS, word.address);
		if (lacking.has(-result)) return undefined;
		this.checked(result);
		return word.u32(0);
	}

	*read(handle: Handle): Operation<number> {
		const found = yield* this.find(handle);
		if (found !== undefined) return found;
		yield* this.checkKind(handle);
		throw yield* this.lacks(handle, "keeps no flags of files");
	}

	/** Sets the bits that are named, and sees whether they are: some filesystems ignore what they lack. */
	*change(handle: Handle, changes: FlagChanges): Operation<void> {
		const before = yield* this.read(handle);
		let wanted = before;
		for (const name of names) {
			if (changes[name] === true) wanted |= bits[name];
			else if (changes[name] === false) wanted &= ~bits[name];
		}
		const differing = (found: number) => names.filter((name) => (found ^ wanted) & bits[name]);
		const changed = differing(before);
		if (changed.length === 0) return;
		const result = yield* this.write(handle, wanted);
		if (lacking.has(-result)) throw yield* this.lacks(handle, hasNot(changed));
		if (result === -Errno.EPERM && ((before ^ wanted) & PRIVILEGED) !== 0) {
			const detail = "immutable and append take the privilege CAP_LINUX_IMMUTABLE";
			throw failure(result, this.syscall, { ...this.details, detail });
		}
		this.checked(result);
		const ignored = differing(yield* this.read(handle));
		if (ignored.length === 0) return;
		const isBack = yield* this.putBack(handle, before);
		const kept = isBack ? "" : ", and those that it had before could not be put back";
		throw yield* this.lacks(handle, hasNot(ignored) + kept);
	}

	private *putBack(handle: Handle, before: number): Operation<boolean> {
		if ((yield* this.write(handle, before)) < 0) return false;
		const found = (yield* this.find(handle)) ?? 0;
		return names.every((name) => ((found ^ before) & bits[name]) === 0);
	}

	unsupported(detail: string): Error {
		return unsupported(this.syscall, detail, this.details);
	}

	private *write(handle: Handle, value: number): Operation<number> {
		const word = this.scope.memory.reserveZeroed(8);
		word.setU32(0, value);
		return yield sys(nr.ioctl, handle, FS_IOC_SETFLAGS, word.address);
	}

	private *checkKind(handle: Handle): Operation<void> {
		const { kind } = yield* metadata.stat(this.scope, handle, { follow: false, sync: "auto" });
		if (kind === "file" || kind === "directory") return;
		throw this.unsupported(`files and directories have flags, and not a ${kind}`);
	}

	/** The error for what the filesystem cannot do; it says which filesystem that is. */
	private *lacks(handle: Handle, what: string): Operation<Error> {
		return this.unsupported(`${yield* typeOf(this.scope, handle)} ${what}`);
	}

	private checked(result: number): number {
		return checked(result, this.syscall, this.details);
	}

	private get details() {
		return typeof this.subject === "number" ? {} : { path: this.subject.path };
	}
}

function hasNot(flags: readonly FlagName[]): string {
	const which = flags.length === 1 ? "no flag" : "not all of the flags";
	return `has ${which} ${flags.join(", ")} for this file`;
}
