import { IN_CREATE, IN_DELETE, IN_ISDIR, IN_MOVED_FROM, IN_MOVED_TO } from "../layouts.ts";
import type { Watched } from "./table.ts";

/** Events about which names there are. */
export const ENTRY = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
/**
 * No event of the kernel's: a name is to be looked at again, after the next move of a directory, or
 * when all that came before has been looked at.
 */
export const LOOK_AGAIN = 0;

export interface Event {
	readonly directory: Watched;
	readonly mask: number;
	readonly cookie: number;
	/** Empty when it is about the directory itself. */
	readonly name: string;
	/** When it was read, in nanoseconds. */
	readonly time: number;
	/** How often the name has been looked at in vain. */
	readonly tries: number;
}

/** Events that were read and are still to be looked at, in the order in which they came. */
export class Backlog {
	private events: Event[] = [];
	private head = 0;
	/** Second halves of renames, by what they share with the first. */
	private readonly arrivals = new Map<number, Event>();
	/** Names that are to be looked at again; not the root, all of which is. */
	private readonly again = new Set<Event>();
	/** What was dealt with before its turn. */
	private readonly done = new Set<Event>();

	get size(): number {
		return this.events.length - this.head;
	}

	get first(): Event | undefined {
		return this.events[this.head];
	}

	some(is: (event: Event) => boolean): boolean {
		return this.events.some((event, index) => index >= this.head && is(event));
	}

	push(event: Event): void {
		const { directory, mask, name } = event;
		if ((mask & ENTRY) !== 0) {
			if ((mask & IN_ISDIR) !== 0) directory.unsettle(name);
			if ((mask & IN_MOVED_TO) !== 0) this.arrivals.set(event.cookie, event);
			const { firstChanges } = directory;
			if (firstChanges?.has(name) === false) firstChanges.set(name, mask);
		}
		if (mask === LOOK_AGAIN && name !== "") this.again.add(event);
		this.events.push(event);
	}

	/** Takes the first event; undefined for one that has been dealt with. */
	shift(): Event | undefined {
		const event = this.events[this.head++];
		if (this.size === 0) {
			this.events = [];
			this.head = 0;
		}
		if (event === undefined || this.done.delete(event)) return undefined;
		this.settle(event);
		return event;
	}

	/** The names that are to be looked at again, which are dealt with thereby. */
	takeAgain(): Event[] {
		if (this.again.size === 0) return [];
		const events = [...this.again];
		for (const event of events) this.take(event);
		return events;
	}

	/** The second half of a rename, if it has been read; `take` deals with it. */
	arrivalOf(departure: Event): Event | undefined {
		const arrival = this.arrivals.get(departure.cookie);
		return arrival?.directory.isGone ? undefined : arrival;
	}

	/** Deals with an event before its turn. */
	take(event: Event): void {
		this.settle(event);
		this.done.add(event);
	}

	clear(): void {
		this.events = [];
		this.head = 0;
		this.arrivals.clear();
		this.again.clear();
		this.done.clear();
	}

	private settle(event: Event): void {
		const { directory, mask, cookie, name } = event;
		if (mask === LOOK_AGAIN) this.again.delete(event);
		if ((mask & ENTRY) !== 0 && (mask & IN_ISDIR) !== 0) directory.settle(name);
		if ((mask & IN_MOVED_TO) !== 0) this.arrivals.delete(cookie);
	}
}
