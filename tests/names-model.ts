/**
 * A tree of names in memory that answers as Linux does: what each operation makes of it, or the
 * code of its error. Names and link targets are bytes, written as latin1 text.
 */
import {
	Directory,
	isDirectory,
	isDots,
	type Last,
	Node,
	type Place,
	Refused,
	type Traits,
	type Tree,
	Unknown,
	Walk,
} from "./names-walk.ts";

export class NamesModel implements Tree {
	readonly root = new Directory(undefined);
	/** Directories that stay where they are, since the tests reach the others through them. */
	private readonly pinned = new Set<Node>([this.root]);

	/** `path` is how the root is called from outside. */
	constructor(
		private readonly path: string,
		readonly traits: Traits,
	) {}

	/** What remains of an absolute path within the tree. */
	insideRoot(path: string): string {
		if (!path.startsWith(`${this.path}/`)) throw new Unknown();
		return path.slice(this.path.length + 1);
	}

	isRemoved(directory: Directory): boolean {
		return directory.parent === undefined && directory !== this.root;
	}

	/** A directory that cannot be moved or removed. */
	pin(name: string): Directory {
		const made = new Directory(this.root);
		this.put({ directory: this.root, name }, made);
		this.pinned.add(made);
		return made;
	}

	stat(place: Place, follow: boolean): Node {
		const walk = new Walk(this, place);
		return walk.arrive(walk.last(), follow);
	}

	openDir(place: Place): Directory {
		const found = this.stat(place, true);
		if (!isDirectory(found)) throw new Refused("ENOTDIR");
		return found;
	}

	entries(place: Place): ReadonlyMap<string, Node> {
		const found = this.openDir(place);
		if (this.isRemoved(found)) throw new Refused("ENOENT");
		return found.entries;
	}

	readlink(place: Place): string {
		const found = this.stat(place, false);
		if (found.kind !== "symlink") throw new Refused("EINVAL");
		return found.target;
	}

	/** Opens a file for writing, which makes it if there is none. */
	create(place: Place, exclusive: boolean): void {
		const walk = new Walk(this, place);
		for (let last = walk.last(); ; ) {
			if (last.slash && !isDots(last.name)) throw new Refused("EISDIR");
			const found = walk.lookup(last);
			if (found === undefined) {
				this.put(last, new Node("file"));
				return;
			}
			if (exclusive) throw new Refused("EEXIST");
			if (isDirectory(found)) throw new Refused("EISDIR");
			if (found.kind === "file") return;
			last = walk.through(last.directory, found);
		}
	}

	mkdir(place: Place): void {
		const last = this.free(place, true);
		this.put(last, new Directory(last.directory));
	}

	symlink(target: string, place: Place): void {
		this.resolve([place, "entry"]);
		if (target === "") throw new Refused("ENOENT");
		this.put(this.free(place, false), new Node("symlink", target));
	}

	link(existing: Place, place: Place, follow: boolean): void {
		this.resolve([existing, follow ? "follow" : "link"], [place, "entry"]);
		const found = this.stat(existing, follow);
		const last = this.free(place, false);
		if (isDirectory(found)) throw new Refused("EPERM");
		this.put(last, found);
	}

	unlink(place: Place): void {
		const walk = new Walk(this, place);
		const last = walk.last();
		const found = walk.lookup(last);
		if (found === undefined) throw new Refused("ENOENT");
		if (isDirectory(found)) throw new Refused("EISDIR");
		if (last.slash) throw new Refused("ENOTDIR");
		take(last);
	}

	rmdir(place: Place): void {
		const walk = new Walk(this, place);
		const last = walk.last();
		const found = walk.lookup(last);
		if (last.name === "..") throw new Refused("ENOTEMPTY");
		if (last.name === ".") throw new Refused("EINVAL");
		if (found === undefined) throw new Refused("ENOENT");
		if (!isDirectory(found)) throw new Refused("ENOTDIR");
		if (found.entries.size > 0) throw new Refused("ENOTEMPTY");
		if (this.pinned.has(found)) throw new Unknown();
		take(last);
	}

	/** `unlink`, or `rmdir` of a directory. */
	remove(place: Place): void {
		try {
			this.unlink(place);
		} catch (error) {
			if (!(error instanceof Refused) || error.code !== "EISDIR") throw error;
			this.rmdir(place);
		}
	}

	rename(from: Place, to: Place, how: "replace" | "noReplace" | "exchange"): void {
		this.resolve([from, "entry"], [to, "entry"]);
		const [walk, walkTo] = [new Walk(this, from), new Walk(this, to)];
		const [old, target] = [walk.last(), walkTo.last()];
		if (isDots(old.name)) throw new Refused("EBUSY");
		if (isDots(target.name)) throw new Refused(how === "noReplace" ? "EEXIST" : "EBUSY");
		const found = walk.lookup(old);
		if (found === undefined) throw new Refused("ENOENT");
		const there = walkTo.lookup(target);
		if (there !== undefined && how === "noReplace") throw new Refused("EEXIST");
		if (there === undefined && how === "exchange") throw new Refused("ENOENT");
		this.checkSlashes(old, found, target, there, how === "exchange");
		if (isWithin(target.directory, found)) throw new Refused("EINVAL");
		if (there !== undefined && isWithin(old.directory, there)) {
			throw new Refused(how === "exchange" ? "EINVAL" : "ENOTEMPTY");
		}
		// Two names of one file: there is nothing to do.
		if (found === there) return;
		if (there !== undefined && how !== "exchange") this.checkReplaceable(found, there);
		const mixed = isDirectory(found) !== isDirectory(there);
		if (how === "exchange" && mixed && !this.traits.exchangesKinds) throw new Unknown();
		if (this.pinned.has(found) || (there && this.pinned.has(there))) throw new Unknown();
		this.checkLength(target);
		take(old);
		if (there !== undefined) take(target);
		this.put(target, found);
		if (there !== undefined && how === "exchange") this.put(old, there);
	}

	/**
	 * What precedes the call: a name that is confined is walked as far as it can be without it. The
	 * last part is left to the call, unless it is followed or leads on by itself.
	 */
	private resolve(...places: (readonly [Place, "follow" | "link" | "entry"])[]): void {
		if (places.some(([{ path }]) => path === "")) throw new Refused("ENOENT");
		for (const [place, reach] of places) {
			if (!place.confined) continue;
			const walk = new Walk(this, place);
			const last = walk.last();
			if (reach === "follow" || (reach === "link" && last.slash)) walk.arrive(last, true);
			else if (last.name === "..") walk.lookup(last);
		}
	}

	private checkSlashes(
		old: Last,
		found: Node,
		target: Last,
		there: Node | undefined,
		exchange: boolean,
	): void {
		const mustBeDirectories = [
			[old.slash, found],
			[target.slash, exchange ? there : found],
		] as const;
		for (const [slash, node] of mustBeDirectories) {
			if (slash && !isDirectory(node)) throw new Refused("ENOTDIR");
		}
	}

	private checkReplaceable(found: Node, there: Node): void {
		if (isDirectory(found) && !isDirectory(there)) throw new Refused("ENOTDIR");
		if (!isDirectory(found) && isDirectory(there)) throw new Refused("EISDIR");
		if (isDirectory(there) && there.entries.size > 0) throw new Refused(this.traits.full);
	}

	/** A name in a directory that nothing has yet. */
	private free(place: Place, forDirectory: boolean): Last {
		const walk = new Walk(this, place);
		const last = walk.last();
		if (walk.lookup(last) !== undefined) throw new Refused("EEXIST");
		if (last.slash && !forDirectory) throw new Refused("ENOENT");
		return last;
	}

	private checkLength({ name }: Pick<Last, "name">): void {
		if (name.length > this.traits.longestName) throw new Refused("ENAMETOOLONG");
	}

	private put(last: Pick<Last, "directory" | "name">, node: Node): void {
		this.checkLength(last);
		last.directory.entries.set(last.name, node);
		node.names++;
		if (isDirectory(node)) node.parent = last.directory;
	}
}

function isWithin(directory: Directory, node: Node): boolean {
	for (let at: Directory | undefined = directory; at !== undefined; at = at.parent) {
		if (at === node) return true;
	}
	return false;
}

function take({ directory, name }: Last): void {
	const node = directory.entries.get(name);
	if (node === undefined) throw new Error(`nothing has the name ${name}`);
	directory.entries.delete(name);
	node.names--;
	if (isDirectory(node)) node.parent = undefined;
}
