/**
 * Reparse points that are no links: files whose content is elsewhere, in the cloud or deduplicated, and
 * is fetched for who opens them as usual. Opened as what they are, as whoever follows no links opens
 * everything, they read as zeros or as nothing at all.
 */
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Handle } from "../system.ts";
import { call } from "./calls.ts";
import { Status } from "./errno.ts";
import { type Identity, identityOf } from "./identity.ts";
import { FILE_ATTRIBUTE_REPARSE_POINT, FILE_OPEN } from "./layouts.ts";
import { attributesOf } from "./metadata.ts";
import type { OpenedHow } from "./path.ts";
import { reopened } from "./reopen.ts";
import { linkOf } from "./reparse.ts";

/**
 * Goes from a file that was opened without following links to the file as it is usually opened. Gives
 * that handle, the same one where there is no difference, or the failure, which a link is, too; what is
 * not given is closed.
 */
export function* openedThrough(
	scope: Scope,
	handle: Handle,
	how: Omit<OpenedHow, "reach">,
): Operation<number> {
	let kept = false;
	try {
		kept = ((yield* attributesOf(scope, handle, "open")) & FILE_ATTRIBUTE_REPARSE_POINT) === 0;
		if (kept) return handle;
		if ((yield* linkOf(scope, handle)) !== undefined) {
			return Status.STATUS_REPARSE_POINT_NOT_RESOLVED;
		}
		return yield* openedUsually(scope, handle, how);
	} finally {
		if (!kept) yield call("NtClose", handle);
	}
}

/** Opens a file once more. If it leads to another, it is a link by now, or a volume is mounted there. */
function* openedUsually(
	scope: Scope,
	handle: Handle,
	how: Omit<OpenedHow, "reach">,
): Operation<number> {
	const usual = { ...how, disposition: FILE_OPEN, reach: "follow" } as const;
	const through = yield* reopened(scope, handle, usual);
	if (through < 0) return through;
	let same = false;
	try {
		same = isSame(
			yield* identityOf(scope, handle, "open"),
			yield* identityOf(scope, through, "open"),
		);
	} finally {
		if (!same) yield call("NtClose", through);
	}
	return same ? through : Status.STATUS_NOT_SAME_DEVICE;
}

const isSame = (a: Identity, b: Identity) =>
	a.volume === b.volume && a.low === b.low && a.high === b.high;
