/** How much memory a process has, and what it has open. */
import { heapStats } from "bun:jsc";
import fs from "node:fs";

/** What there is at one moment, once what nobody has any more is gone. */
export interface Sample {
	/** Bytes in memory. */
	readonly resident: number;
	/** Objects in the heap of this thread. */
	readonly objects: number;
	/** What is open, by what it is, since numbers come and go; with how many of each. */
	readonly open: Readonly<Record<string, number>>;
}

/** What came of the operations of one kind. */
export interface Measured {
	readonly kind: string;
	/** Whether JavaScript runs in one thread, or in workers too, which have heaps of their own. */
	readonly threads: "alone" | "withWorkers";
	readonly operations: number;
	readonly seconds: number;
	/** As it was after the first of them, from time to time. */
	readonly first: readonly Sample[];
	/** As it was before the last of them. */
	readonly last: readonly Sample[];
}

export interface MeasureRequest {
	readonly kind: string;
	/** How long those take that are not done with by their number. */
	readonly seconds: number;
	/** For a quick look: no more operations than these. */
	readonly most?: number;
}

export async function sample(): Promise<Sample> {
	for (let round = 0; round < 3; round++) {
		Bun.gc(true);
		// Some of it is given back between two turns only.
		await Bun.sleep(10);
	}
	return { resident: residentBytes(), objects: heapStats().objectCount, open: descriptors() };
}

function residentBytes(): number {
	const kib = /^VmRSS:\s*(\d+) kB/m.exec(fs.readFileSync("/proc/self/status", "latin1"))?.[1];
	return Number(kib) * 1024;
}

function descriptors(): Record<string, number> {
	const counts: Record<string, number> = {};
	for (const fd of fs.readdirSync("/proc/self/fd")) {
		try {
			const name = fs.readlinkSync(`/proc/self/fd/${fd}`).replace(/\d+/g, "N");
			counts[name] = (counts[name] ?? 0) + 1;
		} catch {
			// The one of the listing itself.
		}
	}
	return counts;
}
