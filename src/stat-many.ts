import { Descriptor } from "./engine/descriptor.ts";
import { blame } from "./engine/observer.ts";
import { divisible, type InPieces } from "./engine/offload.ts";
import type { Operation } from "./engine/operation.ts";
import type { Scope } from "./engine/scope.ts";
import { FsError, type FsErrorFields, invalidArgument } from "./errors.ts";
import { At, type Location, locate } from "./location.ts";
import { type StatOptions, statOptions } from "./metadata.ts";
import { received } from "./received.ts";
import { system } from "./sys/index.ts";
import type { Metadata } from "./sys/metadata.ts";
import type { Handle, Place, StatHow } from "./sys/system.ts";

/** Locations in a part: as many as take about a millisecond on a filesystem in memory. */
const PART = 512;

const check = statOptions("statMany");

/**
 * Places that follow each other and differ in their paths alone. One string of them all goes to
 * another thread much more quickly than an object for each.
 */
interface Group {
	readonly directory: Place["directory"];
	readonly beneath: boolean;
	/** Whether the paths are bytes, of which each is a character then. */
	readonly bytes: boolean;
	/** With NUL between them, which none contains. */
	readonly paths: string;
}

/** Which of the locations of a part failed, and how. */
type Failures = readonly (readonly [index: number, error: FsErrorFields])[];

const operation = divisible(
	"statMany",
	function* (scope, locations: readonly Location[], options?: StatOptions) {
		const { follow = true, sync = "auto" } = check(options);
		const places = yield* checkedPlaces(scope, locations);
		const { recordSize } = system.metadata;
		const records: Uint32Array[] = [];
		const found = new Array<Metadata | FsError>(places.length);
		const parts = function* () {
			for (let start = 0; start < places.length; start += PART) {
				const part = places.slice(start, start + PART);
				const words = new Uint32Array(new ArrayBuffer(part.length * recordSize));
				records.push(words);
				yield [grouped(part), { follow, sync } as StatHow, scope.pin(words)] as const;
			}
		};
		const take = (part: number, failures: Failures) => {
			const words = records[part];
			if (words !== undefined) readResults(words, failures, found, part * PART);
		};
		return { parts: parts(), take, whole: () => found };
	},
	() => statPart,
);

/** All are checked before the first is asked about. */
function* checkedPlaces(scope: Scope, locations: readonly Location[]): InPieces<Place[]> {
	if (!Array.isArray(locations)) {
		throw invalidArgument(
			"ERR_INVALID_ARG_TYPE",
			`The "locations" argument must be an array. Received ${received(locations)}`,
		);
	}
	// What the caller does to the array meanwhile is of no effect.
	const given: readonly Location[] = Array.from(locations);
	// Nor is it that he closes their directories, which may happen before they are checked.
	const held = holdDirectories(scope, given);
	const places: Place[] = [];
	for (let index = 0; index < given.length; index++) {
		places.push(placeOf(scope, held, given[index] as Location, index));
		if (index % PART === PART - 1) yield;
	}
	return places;
}

type Held = ReadonlyMap<Descriptor, Handle>;

function holdDirectories(scope: Scope, locations: readonly Location[]): Held {
	const held = new Map<Descriptor, Handle>();
	for (const location of locations) {
		if (!(location instanceof At) || held.has(location.directory)) continue;
		const { directory } = location;
		if (directory instanceof Descriptor) held.set(directory, scope.hold(directory));
	}
	return held;
}

function placeOf(scope: Scope, held: Held, location: Location, index: number): Place {
	if (location instanceof At && held.has(location.directory)) {
		const { directory, name, beneath } = location;
		return { directory: held.get(directory), path: name, beneath };
	}
	try {
		return locate(scope, location);
	} catch {
		// Putting its name together takes longer than the check, so it has one only when it fails.
		return locate(scope, location, `locations[${index}]`);
	}
}

/** Asks about each location of a part; the records are written where their thread wants them. */
function* statPart(
	scope: Scope,
	_hooks: unknown,
	groups: readonly Group[],
	how: StatHow,
	address: number,
): Operation<Failures> {
	const places = groups.flatMap(placesOf);
	const failures = yield* system.metadata.statMany(scope, places, how, address);
	return failures.map(([index, error]) => [index, error.fields] as const);
}

function readResults(
	words: Uint32Array,
	failures: Failures,
	found: (Metadata | FsError)[],
	start: number,
): void {
	const { metadata } = system;
	const stride = metadata.recordSize / Uint32Array.BYTES_PER_ELEMENT;
	const count = words.length / stride;
	for (let index = 0; index < count; index++) {
		found[start + index] = metadata.recorded(words, index * stride);
	}
	for (const [index, fields] of failures) {
		const error = FsError.revive(fields);
		blame(error, { name: "statMany" });
		found[start + index] = error;
	}
}

function grouped(places: readonly Place[]): Group[] {
	const groups: { first: Place; paths: string[] }[] = [];
	for (const place of places) {
		const { path } = place;
		const text = typeof path === "string" ? path : Buffer.from(path).toString("latin1");
		const last = groups.at(-1);
		if (last !== undefined && alike(last.first, place)) last.paths.push(text);
		else groups.push({ first: place, paths: [text] });
	}
	return groups.map(({ first: { directory, path, beneath }, paths }) => ({
		directory,
		beneath,
		bytes: typeof path !== "string",
		paths: paths.join("\0"),
	}));
}

const alike = (one: Place, other: Place) =>
	one.directory === other.directory &&
	one.beneath === other.beneath &&
	typeof one.path === typeof other.path;

function placesOf({ directory, beneath, bytes, paths }: Group): Place[] {
	return paths.split("\0").map((text) => ({
		directory,
		path: bytes ? Buffer.from(text, "latin1") : text,
		beneath,
	}));
}

/**
 * What the system knows about many files, in one go: each as `stat` has it, or why it failed.
 *
 * The promise form has workers ask, several at once, and makes no promise for each file. Files that
 * follow each other and are in one directory are quickest: it is looked up once.
 *
 * @param locations Paths and `dir.at(name)`, as many as are wanted.
 * @param options `follow`: false for links themselves; `sync`: how fresh on a network filesystem.
 * @returns For each location, in their order, its metadata or an `FsError`: `ENOENT`, `ENOTDIR`,
 * `EACCES`, `ELOOP`, `ENAMETOOLONG`, `EXDEV` for a name that leaves a confined directory.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE` for what is no location; then
 * no file is asked about.
 *
 * Linux: statx.
 *
 * @example
 * ```ts
 * import { FsError, statMany, writeFile } from "bun-fs-extended";
 *
 * await writeFile("one", "1");
 * const [one, two] = await statMany(["one", "two"]);
 * if (one instanceof FsError || one?.size !== 1) throw new Error("it has a byte");
 * if (!(two instanceof FsError) || two.code !== "ENOENT") throw new Error("there is no such file");
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/statx.2.html | statx(2)}
 */
export function statMany(
	locations: readonly Location[],
	options?: StatOptions,
): Promise<(Metadata | FsError)[]> {
	return operation.async(locations, options);
}

/** The synchronous form of {@link statMany}. */
export function statManySync(
	locations: readonly Location[],
	options?: StatOptions,
): (Metadata | FsError)[] {
	return operation.sync(locations, options);
}
