import { IN_CREATE, IN_DELETE, IN_ISDIR, IN_MOVED_FROM, IN_MOVED_TO } from "../layouts.ts";
import type { Watched } from "./table.ts";

/** Events about which names there are. */
export const ENTRY = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
/** No event of the kernel's: a name is to be looked at again, when all before it has been. */
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
	/** Second halves that were dealt with together with the first. */
	private readonly done = new Set<Event>();

	get size(): number {
		return this.events.length - this.head;
	}

	get first(): Event | undefined {
		return this.events[this.head];
	}

	push(event: Event): void {
		const { directory, mask, name } = event;
		if ((mask & ENTRY) !== 0) {
			if ((mask & IN_ISDIR) !== 0) directory.unsettle(name);
			if ((mask & IN_MOVED_TO) !== 0) this.arrivals.set(event.cookie, event);
			const { firstChanges } = directory;
			if (firstChanges?.has(name) === false) firstChanges.set(name, mask);
		}
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

	/** The second half of a rename, if it has been read; `take` deals with it. */
	arrivalOf(departure: Event): Event | undefined {
		const arrival = this.arrivals.get(departure.cookie);
		return arrival?.directory.isGone ? undefined : arrival;
	}

	/** Deals with a second half before its turn. */
	take(arrival: Event): void {
		this.settle(arrival);
		this.done.add(arrival);
	}

	clear(): void {
		this.events = [];
		this.head = 0;
		this.arrivals.clear();
		this.done.clear();
	}

	private settle({ directory, mask, cookie, name }: Event): void {
		if ((mask & ENTRY) !== 0 && (mask & IN_ISDIR) !== 0) directory.settle(name);
		if ((mask & IN_MOVED_TO) !== 0) this.arrivals.delete(cookie);
	}
}
