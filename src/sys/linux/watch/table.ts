/** A directory that is watched, or the one file. Names are byte strings. */
export class Watched {
	/** What is no longer in the table: events about it that are still to come mean nothing. */
	isGone = false;
	/**
	 * While the directory is being listed for the first time: what the first change of each name was
	 * since the watch is there.
	 */
	firstChanges: Map<string, number> | undefined;
	private readonly children = new Map<string, Watched>();
	/**
	 * Directories in whose place another was moved. Either they were empty and are no more, or they
	 * were exchanged, and the next event about the name is theirs.
	 */
	private readonly displaced = new Map<string, Watched>();
	/** For how many events that are still to be looked at a subdirectory comes, goes or is moved. */
	private readonly unsettled = new Map<string, number>();

	constructor(
		/** The kernel's number of the watch. */
		readonly wd: number,
		/** Undefined for what the user watches. */
		public parent: Watched | undefined,
		public name: string,
	) {}

	child(name: string): Watched | undefined {
		return this.children.get(name);
	}

	/** Takes out what is moved away: what has the name, or had it until another was moved there. */
	release(name: string): Watched | undefined {
		const from = this.displaced.has(name) ? this.displaced : this.children;
		const child = from.get(name);
		from.delete(name);
		return child;
	}

	hasDisplaced(name: string): boolean {
		return this.displaced.has(name);
	}

	/** Whoever has the name must make room: another directory is there now. */
	vacate(name: string): void {
		const child = this.children.get(name);
		if (child === undefined) return;
		this.children.delete(name);
		this.displaced.set(name, child);
	}

	adopt(child: Watched, name: string): void {
		this.vacate(name);
		this.children.set(name, child);
		child.parent = this;
		child.name = name;
	}

	/** Whether it has lost its name to another directory. */
	get isDisplaced(): boolean {
		return this.parent?.displaced.get(this.name) === this;
	}

	disown(child: Watched): void {
		for (const names of [this.children, this.displaced]) {
			if (names.get(child.name) === child) names.delete(child.name);
		}
	}

	/** Itself and all below. */
	*all(): Generator<Watched> {
		const stack: Watched[] = [this];
		for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
			yield next;
			for (const child of next.children.values()) stack.push(child);
			for (const child of next.displaced.values()) stack.push(child);
		}
	}

	/** Notes that an event about a subdirectory is still to be looked at. */
	unsettle(name: string): void {
		this.unsettled.set(name, (this.unsettled.get(name) ?? 0) + 1);
	}

	settle(name: string): void {
		const left = (this.unsettled.get(name) ?? 1) - 1;
		if (left > 0) this.unsettled.set(name, left);
		else this.unsettled.delete(name);
	}

	/** Whether what has this name now may be another than what had it at the time that is looked at. */
	isUnsettled(name: string): boolean {
		return this.unsettled.has(name);
	}
}

/**
 * What is watched, as it was at the time of the event that is looked at: which directory each watch
 * is on, and where that is. A directory that is moved takes what is below it along.
 */
export class Table {
	private readonly byNumber = new Map<number, Watched>();
	root: Watched;
	/** The directory whose path was asked for last, and its path. */
	private known: { directory: Watched; prefix: string } | undefined;

	constructor(wd: number) {
		this.root = this.add(wd, undefined, "");
	}

	get(wd: number): Watched | undefined {
		return this.byNumber.get(wd);
	}

	add(wd: number, parent: Watched | undefined, name: string): Watched {
		const directory = new Watched(wd, parent, name);
		this.byNumber.set(wd, directory);
		parent?.adopt(directory, name);
		return directory;
	}

	move(directory: Watched, parent: Watched, name: string): void {
		this.known = undefined;
		parent.adopt(directory, name);
	}

	/** Takes out a directory with all that is below, and gives the numbers of their watches. */
	forget(directory: Watched): number[] {
		directory.parent?.disown(directory);
		const numbers: number[] = [];
		for (const one of directory.all()) {
			one.isGone = true;
			this.byNumber.delete(one.wd);
			numbers.push(one.wd);
		}
		return numbers;
	}

	/** Takes out all but what the user watches, and gives the numbers of all watches that there were. */
	clear(): number[] {
		const { wd } = this.root;
		const numbers = this.forget(this.root);
		this.known = undefined;
		this.root = this.add(wd, undefined, "");
		return numbers;
	}

	/** The path of a name in a directory, from what the user watches on. */
	pathOf(directory: Watched, name: string): string {
		if (this.known?.directory !== directory) {
			this.known = {
				directory,
				prefix: namesOf(directory)
					.map((one) => `${one}/`)
					.join(""),
			};
		}
		return this.known.prefix + name;
	}
}

/** The names that lead to a directory from what the user watches. */
export function namesOf(directory: Watched): string[] {
	const names: string[] = [];
	for (let at = directory; at.parent !== undefined; at = at.parent) names.push(at.name);
	return names.reverse();
}
