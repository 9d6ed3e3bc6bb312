/** Every function and method of the library, with what each of its parameters takes. */
import fs from "node:fs";
import fc from "fast-check";
import {
	openDirSync,
	openSync,
	statSync,
	tryLockSync,
	watch as watchOf,
	watchSync,
} from "../../src/index.ts";
import {
	attribute,
	buffer,
	callback,
	choice,
	content,
	flag,
	integer,
	list,
	listener,
	location,
	mode,
	name,
	nameOrUrl,
	object,
	oneOfThem,
	openFile,
	optional,
	options,
	or,
	type Parameter,
	signal,
	target,
	text,
} from "./parameters.ts";
import { constant, labelOf, nonsenseBut, oneOf, type Value, value } from "./value.ts";

export interface Described {
	readonly parameters: readonly Parameter[];
	/** What comes back is gone through, up to a few of its items. */
	readonly isSequence?: boolean;
	/** Arguments that are right one by one can be wrong together. */
	readonly excludes?: boolean;
	/** How many times as long as `stat` it takes, about. */
	readonly cost?: number;
}

const MOST = Number.MAX_SAFE_INTEGER;

function described(...parameters: Parameter[]): Described {
	return { parameters };
}

const position = or(optional(integer()), null);
const follow = { follow: flag };
const encoding = { encoding: oneOfThem("utf8", "buffer") };

/** Never as much as fills a disk, unless it is more than any has. */
const length: Parameter = {
	...integer(1),
	right: oneOf(
		...[1, 100, 4096, 5000, 65_536, 1 << 20, MOST, MOST - 4096].map((one) => constant(one)),
	),
};
const offset: Parameter = {
	...integer(),
	right: oneOf(...[0, -0, 1, 4096, 8192, 9999, 10_000, 1 << 20, MOST].map((one) => constant(one))),
};

const time: Parameter = {
	isOptional: true,
	right: oneOf(
		...[0, -1, 1.5, -1e12, 8.64e15, 1e18, 5e-324, 0n, -1n, 2n ** 63n * 10n ** 9n - 1n, "now"].map(
			(one) => constant(one),
		),
		value("a Date", () => new Date(2 ** 40)),
		value("the earliest Date", () => new Date(-8.64e15)),
		constant(undefined),
	),
	wrong: oneOf(
		...[Number.NaN, Number.NEGATIVE_INFINITY, 1e300, 2n ** 63n * 10n ** 9n, "", "then", "Now"].map(
			(one) => constant(one),
		),
		value("an invalid Date", () => new Date(Number.NaN)),
		value("what inherits from Date", () => Object.create(Date.prototype)),
		value("a proxy of a Date", () => new Proxy(new Date(), {})),
		nonsenseBut("date", "fraction", "negative", "bigint"),
	),
};

const device: Parameter = {
	isOptional: false,
	right: oneOf(
		...[0, 1, 259, 2 ** 32, MOST, 0n, 66_306n, 2n ** 64n - 1n].map((one) => constant(one)),
	),
	wrong: oneOf(
		...[-1, 1.5, 2 ** 53, Number.NaN, -1n, 2n ** 64n, 2n ** 200n, "1", undefined].map((one) =>
			constant(one),
		),
		nonsenseBut("bigint"),
	),
};

const preserve: Parameter = (() => {
	const named = object({
		mode: flag,
		times: flag,
		owner: flag,
		xattrs: flag,
		acl: flag,
		flags: flag,
	});
	return optional(or(named, "all", "none"));
})();

const copyOptions = {
	reflink: oneOfThem("auto", "always", "never"),
	holes: oneOfThem("keep", "fill", "detect"),
	preserve,
	overwrite: oneOfThem(true, false, "newer"),
	atomic: flag,
	sync: flag,
	verify: flag,
	signal,
	onProgress: listener,
};

const flagNames = ["r", "r+", "w", "wx", "w+", "a", "ax", "a+", "as", "sr+"];
const openFlags: Parameter = {
	isOptional: true,
	right: oneOf(
		...flagNames.map((one) => constant(one)),
		...[0, 1, 2, 0o100, 0o1102, 0o2001, 0o200000, 0o400000, 0o4000].map((one) => constant(one)),
		constant(undefined),
	),
	wrong: oneOf(
		...["", "x", "rw", "R", "r ", "r\0", "wxx", "__proto__", "constructor"].map((one) =>
			constant(one),
		),
		...[-1, 3, 0o40000000, 2 ** 31, 2 ** 53, 0.5, Number.NaN].map((one) => constant(one)),
		nonsenseBut(),
	),
};

const owner = object({
	uid: optional(integer(0, 2 ** 32 - 2)),
	gid: optional(integer(0, 2 ** 32 - 2)),
	owner: optional(choice("S-1-5-18", "S-1-5-32-544")),
	group: optional(choice("S-1-5-18", "S-1-5-32-544")),
});

const fileFlags = object(
	Object.fromEntries(
		["immutable", "append", "nodump", "noatime", "sync", "dirsync", "compressed", "nocompress"]
			.concat(["nocow", "journalData", "dax", "projectInherit", "casefold", "hidden", "system"])
			.concat(["archive", "readonly"])
			.map((one) => [one, flag]),
	),
);

const lockWhat = {
	mode: oneOfThem("shared", "exclusive"),
	range: optional(object({ offset, length: optional(length) }, ["offset"])),
};
const lockWait = {
	timeoutMs: optional({ ...integer(), right: oneOf(constant(0), constant(20)) }),
	signal,
};

const range = { parameters: [target, offset, length], excludes: true } as const;
const keepSize = { parameters: [...range.parameters, options({ keepSize: flag })], excludes: true };
const twoRanges = {
	parameters: [openFile, integer(), openFile, integer(), integer()],
	excludes: true,
} as const;

const kinds = ["create", "modify", "attributes", "delete", "rename", "overflow"];
const watching = {
	recursive: flag,
	kinds: optional(list(choice(...kinds), 1)),
	...encoding,
	onError: listener,
};

/** The functions, by their names without `Sync`. */
export const functions: Readonly<Record<string, Described>> = {
	access: described(location, options({ ...follow, read: flag, write: flag, execute: flag })),
	advise: {
		...described(
			target,
			choice("normal", "sequential", "random", "willneed", "dontneed", "noreuse"),
			options({ offset: optional(offset), length: optional(length) }),
		),
		excludes: true,
	},
	alignedBuffer: {
		...described(
			{ ...integer(0, 2 ** 32), right: oneOf(...[0, 1, 4096, 5e6].map((one) => constant(one))) },
			optional(choice(1, 2, 512, 4096, 65_536)),
		),
	},
	capabilities: { ...described(optional(location)), cost: 20 },
	chmod: described(target, integer(0, 0o7777), options(follow)),
	chown: described(target, owner, options(follow)),
	cloneRange: twoRanges,
	collapseRange: range,
	compareTrees: {
		...described(
			location,
			location,
			options({
				ignore: optional(
					list(choice("missing", "extra", "kind", "content", "holes", "target", "mode", "owner")),
				),
				onProgress: listener,
				signal,
			}),
		),
		cost: 5,
	},
	configureEngine: {
		...described(
			options({
				kernel: oneOfThem("shim", "libc"),
				ring: oneOfThem("shim", "liburing", "none"),
				lanes: optional(list(choice("immediate", "ring", "worker"))),
				offload: flag,
			}),
		),
	},
	copyFile: { ...described(location, location, options(copyOptions)), excludes: true, cost: 3 },
	copyOwner: described(target, target, options(follow)),
	copyRange: twoRanges,
	copyTree: {
		...described(
			location,
			location,
			options({ ...copyOptions, hardlinks: flag, filter: callback(true, false) }),
		),
		excludes: true,
		cost: 5,
	},
	copyXattrs: described(target, target, options({ ...follow, filter: callback(true, false) })),
	disableMetrics: described(),
	enableMetrics: described(),
	extents: {
		...described(
			target,
			options({ offset: optional(offset), length: optional(length), physical: flag }),
		),
		excludes: true,
		isSequence: true,
	},
	getFlags: described(target, options(follow)),
	getXattr: described(target, attributeName(), options({ ...follow, ...encoding })),
	insertRange: range,
	link: described(location, location, options(follow)),
	listXattrs: described(target, options({ ...follow, ...encoding })),
	lock: {
		...described(target, options({ ...lockWhat, wait: flag, ...lockWait })),
		excludes: true,
	},
	major: described(device),
	makeDevice: { ...described(integer(0, 2 ** 32 - 1), integer(0, 2 ** 32 - 1)), excludes: true },
	metrics: described(),
	minor: described(device),
	mkdir: described(location, options({ mode, recursive: flag })),
	mkdtemp: described(text),
	mkfifo: described(location, mode),
	mknod: {
		...described(
			location,
			object(
				{ type: choice("fifo", "char", "block", "socket", "file"), mode, device: optional(device) },
				["type"],
			),
		),
		excludes: true,
	},
	open: {
		...described(
			location,
			openFlags,
			options({ mode, direct: flag, noFollow: flag, temporary: flag }),
		),
		excludes: true,
	},
	openDir: described(location, options({ beneath: flag })),
	preallocate: keepSize,
	punchHole: range,
	readFile: described(location, or(options({ ...encoding, signal }), "utf8")),
	readlink: described(location, options(encoding)),
	remove: described(location),
	removeXattr: described(target, attributeName(), options(follow)),
	rename: {
		...described(location, location, options({ noReplace: flag, exchange: flag, whiteout: flag })),
		excludes: true,
	},
	rmdir: described(location),
	setFlags: described(target, fileFlags, options(follow)),
	setXattr: {
		...described(
			target,
			attributeName(),
			attribute,
			options({ ...follow, create: flag, replace: flag }),
		),
		excludes: true,
	},
	stat: described(target, options({ ...follow, sync: oneOfThem("auto", "force", "never") })),
	statfs: described(target),
	statMany: {
		...described(list(location), options({ ...follow, sync: oneOfThem("auto", "force", "never") })),
		cost: 3,
	},
	stopEngine: { ...described(), cost: 5 },
	symlink: described(
		nameOrUrl,
		location,
		options({ type: oneOfThem("auto", "file", "dir", "junction") }),
	),
	truncate: described(target, optional(integer())),
	tryLock: { ...described(target, options(lockWhat)), excludes: true },
	unlink: described(location),
	unshareRange: range,
	utimes: described(target, object({ atime: time, mtime: time, birthtime: time }), options(follow)),
	watch: { ...described(target, options({ ...watching, signal })), isSequence: true },
	watchSync: { ...described(target, shortWatch()), isSequence: true },
	writeFile: {
		...described(location, content, options({ atomic: flag, mode, sync: flag, signal })),
		cost: 3,
	},
	zeroRange: keepSize,
};

/** Without a time to end at it would wait for ever. */
function shortWatch(): Parameter {
	const timeoutMs = { ...optional(integer()), right: fc.constant(constant(1)) };
	const { right } = object({ ...watching, timeoutMs }, ["timeoutMs"]);
	return { ...options({ ...watching, timeoutMs }), right };
}

/** Names of attributes: with and without a namespace, short and too long. */
function attributeName(): Parameter {
	const names = ["user.a", "user.", "user", "trusted.a", "system.posix_acl_access", "a", "."];
	const long = constant(`user.${"n".repeat(250)}`, "a name of 255 bytes");
	const longer = constant(`user.${"n".repeat(251)}`, "a name of 256 bytes");
	const empty = [constant(""), value("no bytes", () => new Uint8Array(0))];
	return {
		...name,
		right: fc.oneof(
			oneOf(...names.map((one) => constant(one)), long, longer),
			name.right.filter((one) => !labelOf(one).endsWith('""')),
		),
		wrong: oneOf(name.wrong, ...empty),
	};
}

/** A class whose instances the library gives. */
export interface DescribedClass {
	/** What its methods are called on. */
	readonly instances: fc.Arbitrary<Value>;
	/** By their names without `Sync`. */
	readonly methods: Readonly<Record<string, Described>>;
	/** What is only read. */
	readonly properties: readonly string[];
}

const file = (label: string, ...how: [name: string, flags: string, closed?: boolean]) =>
	value(label, (world) => {
		const [name, flags, closed] = how;
		const opened = openSync(world.path(name), flags as "r");
		if (closed) opened.closeSync();
		else world.later(() => opened.closeSync());
		return opened;
	});

function methodsWithout(...names: string[]): Record<string, Described> {
	return Object.fromEntries(names.map((name) => [name, described()]));
}

const closing = {
	close: described(),
	"[Symbol.dispose]": described(),
	"[Symbol.asyncDispose]": described(),
};

const readLength: Parameter = {
	...integer(0, 2 ** 32),
	right: oneOf(...[0, 1, 7, 4096, 65_536, 1e6, 2 ** 31, 2 ** 32].map((one) => constant(one))),
};

export const classes: Readonly<Record<string, DescribedClass>> = {
	File: {
		instances: oneOf(
			file("File r+", "file", "r+"),
			file("File r", "file", "r"),
			file("File a", "file", "a"),
			file("File of a folder", "folder", "r"),
			file("closed File", "file", "r+", true),
		),
		properties: ["fd"],
		methods: {
			...closing,
			append: described(content),
			datasync: described(),
			link: described(location),
			read: { ...described(readLength, position), cost: 2 },
			readAt: described(buffer, position),
			readvAt: described(list(buffer), position),
			stat: described(),
			sync: described(),
			truncate: described(optional(integer())),
			writeAt: described(content, position),
			writevAt: described(list(content), position),
		},
	},
	Dir: {
		instances: oneOf(
			...(["open", "confined", "closed"] as const).map((how) =>
				value(`${how} Dir`, (world) => {
					const dir = openDirSync(world.arena, { beneath: how === "confined" });
					if (how === "closed") dir.closeSync();
					else world.later(() => dir.closeSync());
					return dir;
				}),
			),
		),
		properties: ["fd", "beneath"],
		methods: {
			...closing,
			at: described(name),
			entries: { ...described(options({ metadata: flag, ...encoding })), isSequence: true },
			stat: described(),
		},
	},
	Lock: {
		instances: oneOf(
			...(["shared", "exclusive", "released"] as const).map((how) =>
				value(`${how} Lock`, (world) => {
					const lock = tryLockSync(world.path("file"), {
						mode: how === "shared" ? "shared" : "exclusive",
					});
					if (lock === undefined) throw new Error("nobody else has a lock");
					if (how === "released") lock.releaseSync();
					else world.later(() => lock.releaseSync());
					return lock;
				}),
			),
		),
		properties: ["mode"],
		methods: {
			"[Symbol.dispose]": described(),
			"[Symbol.asyncDispose]": described(),
			downgrade: described(),
			release: described(),
			upgrade: described(options(lockWait)),
		},
	},
	DirEntry: {
		instances: oneOf(
			value("an entry", (world) => {
				using dir = openDirSync(world.arena);
				for (const entry of dir.entriesSync({ metadata: true })) return entry;
				throw new Error("the arena is empty");
			}),
		),
		properties: ["name", "kind", "ino", "location", "metadata"],
		methods: methodsWithout("isDirectory", "isFile", "isSymbolicLink"),
	},
	Metadata: {
		instances: oneOf(
			...["file", "folder", "/dev/null"].map((path) =>
				value(`metadata of ${path}`, () => statSync(path)),
			),
		),
		properties: [
			...["kind", "mode", "permissions", "size", "blocks", "blockSize", "ino", "dev", "rdev"],
			...["nlink", "uid", "gid", "atimeNs", "mtimeNs", "ctimeNs", "birthtimeNs", "atime", "mtime"],
			...["ctime", "birthtime", "mountId", "subvolume", "attributes", "directIo"],
			"atomicWrite",
		],
		methods: methodsWithout(
			...["isBlockDevice", "isCharacterDevice", "isDirectory", "isFIFO", "isFile", "isSocket"],
			...["isSymbolicLink", "toJSON"],
		),
	},
	SyncWatcher: {
		instances: oneOf(
			value("SyncWatcher", (world) => {
				const watcher = watchSync(world.arena, { timeoutMs: 1 });
				world.later(() => watcher.close());
				return watcher;
			}),
		),
		properties: [],
		methods: {
			"[Symbol.dispose]": described(),
			"[Symbol.iterator]": described(),
			...methodsWithout("close", "next", "return"),
		},
	},
	Watcher: {
		instances: oneOf(
			value("Watcher of what changes", (world) => {
				const watcher = watchOf(world.arena);
				const changes = setInterval(() => fs.appendFileSync(world.path("empty"), "x"), 5);
				world.later(() => watcher.close());
				world.later(() => clearInterval(changes));
				return watcher;
			}),
		),
		properties: ["ready"],
		methods: {
			"[Symbol.asyncDispose]": described(),
			"[Symbol.asyncIterator]": described(),
			close: described(),
			next: described(),
			return: described(),
		},
	},
};

/** What is no operation: kept apart with the reason. */
export const others: Readonly<Record<string, string>> = {
	AbortError: "an error",
	At: "it has no methods, and is made by dir.at alone",
	FsError: "an error",
	Handle: "what File and Dir have in common",
};
