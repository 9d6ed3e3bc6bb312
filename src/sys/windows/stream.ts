/**
 * The named streams of a file, which are its extended attributes. A stream is opened from the handle of
 * its file, so that it is this file's, whatever becomes of the name meanwhile.
 */
import type { Region } from "../../engine/memory.ts";
import type { Operation } from "../../engine/operation.ts";
import { Pause } from "../../engine/pause.ts";
import type { Scope } from "../../engine/scope.ts";
import { FsError, type FsErrorDetails } from "../../errors.ts";
import type { Handle } from "../system.ts";
import { call } from "./calls.ts";
import { Status } from "./errno.ts";
import { failure, unsupported } from "./failure.ts";
import { FileStreamInformation, fileStreamInformation, ioStatusBlock } from "./layouts.ts";
import { openedAt, pathOf, textOf } from "./path.ts";
import { unitsOf } from "./wtf8.ts";

/** How a stream is opened: what for, and what others may do with it meanwhile. */
export interface StreamHow {
	readonly access: number;
	readonly share: number;
	readonly disposition?: number;
}

/** Units in the name of a stream at most. */
const MOST_UNITS = 255;
/** Milliseconds, and how often: others keep a stream for as long as they read or write it. */
const TURN_PAUSE = 1;
const TURN_TRIES = 1000;

/** What filesystems say that have no streams. */
const lacksStreams = new Set<number>([
	Status.STATUS_OBJECT_NAME_INVALID,
	Status.STATUS_INVALID_PARAMETER,
	Status.STATUS_INVALID_DEVICE_REQUEST,
	Status.STATUS_NOT_SUPPORTED,
	Status.STATUS_NOT_IMPLEMENTED,
	Status.STATUS_INVALID_INFO_CLASS,
]);

/** What those say that open nothing from the handle of a file, or of anything that is no directory. */
const lacksRelative = new Set<number>([
	...lacksStreams,
	Status.STATUS_OBJECT_PATH_NOT_FOUND,
	Status.STATUS_OBJECT_TYPE_MISMATCH,
	Status.STATUS_NOT_A_DIRECTORY,
]);

/** An open file, as far as its streams go. */
export class Streams {
	constructor(
		private readonly scope: Scope,
		private readonly owner: Handle,
		private readonly syscall: string,
		private readonly details: FsErrorDetails,
	) {}

	/** The stream of an attribute's name, of which some cannot be one. */
	nameFor(name: string | Uint8Array): string {
		const units = unitsOf(name);
		if (/[:\\/]/.test(units)) {
			throw this.refused("EINVAL", "invalid argument", "the name of a stream has no : / or \\");
		}
		if (units.length <= MOST_UNITS) return units;
		throw this.refused("ERANGE", "result too large", `a name has at most ${MOST_UNITS} units`);
	}

	/** Opens one, once others are done with it; gives its handle or the failure. */
	*open(stream: string, how: StreamHow): Operation<number> {
		for (let tries = 1; ; tries++) {
			const mark = this.scope.mark();
			const handle = yield* this.openNow(stream, how);
			this.scope.release(mark);
			if (handle !== Status.STATUS_SHARING_VIOLATION || tries === TURN_TRIES) return handle;
			yield new Pause(TURN_PAUSE);
		}
	}

	/** Passes a result on, or throws the error that it stands for. */
	checked(result: number): number {
		if (result >= 0) return result;
		const { syscall, details } = this;
		if (result === Status.STATUS_OBJECT_NAME_NOT_FOUND) {
			throw this.refused("ENODATA", "no data available");
		}
		if (!lacksStreams.has(result)) throw failure(result, syscall, details);
		throw unsupported(syscall, "this filesystem has no named streams", details);
	}

	refused(code: string, reason: string, detail?: string): FsError {
		const { syscall, details } = this;
		return new FsError(code, reason, { ...details, syscall, ...(detail && { detail }) });
	}

	/** The names of all but the content itself. */
	*list(): Operation<string[]> {
		const { scope, owner } = this;
		const mark = scope.mark();
		for (let size = 4096; ; size *= 4) {
			const status = scope.memory.reserveZeroed(ioStatusBlock.size);
			const info = scope.memory.reserve(size);
			const { address } = info;
			const asked = [owner, status.address, address, size, FileStreamInformation] as const;
			const result = yield call("NtQueryInformationFile", ...asked);
			const length = status.u64(ioStatusBlock.information);
			const names = result >= 0 ? namesIn(info, length) : [];
			scope.release(mark);
			// A directory that has none says so in one of two ways.
			if (result === Status.STATUS_END_OF_FILE) return [];
			if (result !== Status.STATUS_BUFFER_OVERFLOW) {
				this.checked(result);
				return names;
			}
		}
	}

	private *openNow(stream: string, how: StreamHow): Operation<number> {
		const { scope, owner } = this;
		const inner = { ...how, reach: "link" } as const;
		const handle = yield* openedAt(scope, { root: owner, name: `:${stream}` }, inner);
		if (!lacksRelative.has(handle)) return handle;
		const path = yield* pathOf(scope, owner);
		return yield* openedAt(scope, { root: 0, name: `${path}:${stream}` }, inner);
	}
}

function namesIn(info: Region, length: number): string[] {
	const { nextEntryOffset, streamNameLength, streamName } = fileStreamInformation;
	const names: string[] = [];
	if (length === 0) return names;
	for (let at = 0, next = 1; next !== 0; at += next) {
		next = info.u32(at + nextEntryOffset);
		const text = textOf(info.bytes(at + streamName, info.u32(at + streamNameLength)));
		const [, name = ""] = /^:([^:]+):\$DATA$/.exec(text) ?? [];
		if (name !== "") names.push(name);
	}
	return names;
}
