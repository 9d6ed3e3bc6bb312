/** The kinds of operations whose memory is watched, each as a loop of so many of them. */
import type { Kind } from "./loops.ts";
import { laneKinds, promiseKinds } from "./promise-kinds.ts";
import { syncKinds } from "./sync-kinds.ts";

export const kinds: Readonly<Record<string, Kind>> = {
	...syncKinds,
	...Object.fromEntries(laneKinds),
	...promiseKinds,
};
