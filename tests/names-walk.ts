/** How a path is walked through a tree in memory, as the kernel walks it. */

/** The code of the error that the system must give. */
export class Refused extends Error {
	constructor(readonly code: string) {
		super(code);
	}
}

/** The model has no say: a path leads out of the tree, or what holds the tree up would be moved. */
export class Unknown extends Error {}

/** Links that a path may lead through, of all its parts together. */
const MOST_LINKS = 40;

/** In what filesystems differ, each within its rights. */
export interface Traits {
	/** Bytes of the longest name. */
	readonly longestName: number;
	/** What looking up a longer one gives. */
	readonly longer: "ENAMETOOLONG" | "ENOENT";
	/** What replacing a directory gives that is not empty. */
	readonly full: "ENOTEMPTY" | "EEXIST";
	/** Whether subdirectories count as names of a directory. */
	readonly countsSubdirectories: boolean;
	/** Whether a directory and a file can be exchanged; where some cannot, none is tried. */
	readonly exchangesKinds: boolean;
}

/** What a name leads to: of files and links, one may have many names. */
export class Node {
	names = 0;
	/** What the filesystem calls it, once that has been seen. */
	ino: bigint | undefined;

	constructor(
		readonly kind: "file" | "directory" | "symlink",
		/** Where a symbolic link leads. */
		readonly target = "",
	) {}
}

export class Directory extends Node {
	readonly entries = new Map<string, Node>();

	/** Without a parent it is the root, or has been removed. */
	constructor(public parent: Directory | undefined) {
		super("directory");
	}

	get subdirectories(): number {
		return [...this.entries.values()].filter(isDirectory).length;
	}
}

export function isDirectory(node: Node | undefined): node is Directory {
	return node instanceof Directory;
}

/** A path as it is given: from a directory, which it must not leave if it is confined. */
export interface Place {
	readonly from: Directory;
	readonly confined: boolean;
	readonly path: string;
}

/** Where all of a path but its last name has led. */
export interface Last {
	readonly directory: Directory;
	readonly name: string;
	/** Slashes after the name ask for a directory. */
	readonly slash: boolean;
}

export const isDots = (name: string) => name === "." || name === "..";

/** The tree, as far as walking takes it. */
export interface Tree {
	readonly root: Directory;
	readonly traits: Traits;
	/** What remains of an absolute path within the tree. */
	insideRoot(path: string): string;
	isRemoved(directory: Directory): boolean;
}

/** One path on its way, with what the kernel counts and forbids meanwhile. */
export class Walk {
	private links = 0;

	constructor(
		private readonly tree: Tree,
		private readonly place: Place,
	) {}

	/** All of it but the last name. */
	last(from = this.place.from, path = this.place.path): Last {
		if (path === "") throw new Refused("ENOENT");
		let directory = from;
		let names = path;
		if (path.startsWith("/")) {
			if (this.place.confined) throw new Refused("EXDEV");
			directory = this.tree.root;
			names = this.tree.insideRoot(path);
		}
		const parts = names.split("/").filter((part) => part !== "");
		const name = parts.pop() ?? ".";
		for (const part of parts) {
			const next = this.arrive({ directory, name: part, slash: false }, true);
			if (!isDirectory(next)) throw new Refused("ENOTDIR");
			directory = next;
		}
		return { directory, name, slash: names.endsWith("/") };
	}

	/** What is at the end; `follow` if a link there is followed. */
	arrive(last: Last, follow: boolean): Node {
		const node = this.lookup(last);
		if (node === undefined) throw new Refused("ENOENT");
		const found =
			node.kind === "symlink" && (follow || last.slash)
				? this.arrive(this.through(last.directory, node), true)
				: node;
		if (last.slash && !isDirectory(found)) throw new Refused("ENOTDIR");
		return found;
	}

	/** What has the last name, if anything; links are not followed. */
	lookup({ directory, name }: Last): Node | undefined {
		if (name === ".") return directory;
		if (name === "..") return this.above(directory);
		if (this.tree.isRemoved(directory)) throw new Refused("ENOENT");
		const { longestName, longer } = this.tree.traits;
		if (name.length > longestName && longer !== "ENOENT") throw new Refused(longer);
		return directory.entries.get(name);
	}

	/** Where a link in a directory leads, but for the last name. */
	through(directory: Directory, link: Node): Last {
		if (++this.links > MOST_LINKS) throw new Refused("ELOOP");
		return this.last(directory, link.target);
	}

	private above(directory: Directory): Directory {
		if (this.place.confined && directory === this.place.from) throw new Refused("EXDEV");
		if (directory.parent === undefined) throw new Unknown();
		return directory.parent;
	}
}
