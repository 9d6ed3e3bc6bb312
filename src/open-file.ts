/** Opening what is taken for a regular file, without waiting for what it may turn out to be. */
import type { Operation } from "./engine/operation.ts";
import { Pause } from "./engine/pause.ts";
import type { Scope } from "./engine/scope.ts";
import { isCode } from "./errors.ts";
import { system } from "./sys/index.ts";
import type { Handle, OpenHow, Place } from "./sys/system.ts";

const PAUSE_MILLISECONDS = 5;
/** The system takes a lease away after 45 seconds, unless it is told else. */
const MOST_NANOSECONDS = 60e9;

/**
 * Opens without waiting for the other end of what may be a fifo by now. Of a file that somebody has a
 * lease on (Samba, servers of NFS) the system says so instead of waiting, and asks for the lease to be
 * given up: that is waited for here.
 */
export function* openFile(scope: Scope, place: Place, how: OpenHow): Operation<Handle> {
	const started = Bun.nanoseconds();
	for (;;) {
		const mark = scope.mark();
		try {
			return yield* system.file.open(scope, place, { ...how, nonBlocking: true });
		} catch (error) {
			if (!isCode(error, "EAGAIN") || Bun.nanoseconds() - started > MOST_NANOSECONDS) throw error;
		} finally {
			scope.release(mark);
		}
		yield new Pause(PAUSE_MILLISECONDS);
	}
}
