/** Paths, names and what is open, as functions of the library take them, at the edges of what they can be. */
import fs from "node:fs";
import fc from "fast-check";
import { At, type Dir, Dir as DirClass, File, openDirSync, openSync } from "../../src/index.ts";
import { constant, labelOf, nonsenseBut, oneOf, type Value, value } from "./value.ts";
import { oddDescriptors, type World } from "./world.ts";

const LONG = 4096;

/** A path of so many bytes to something that is there. */
const padded = (length: number) => "./".repeat((length - 4) >> 1) + (length % 2 ? "/file" : "file");

/** Names inside the arena; those that lead out of it only where they are confined. */
const edgeNames: readonly (string | [label: string, name: string])[] = [
	"",
	".",
	"file",
	"file/",
	"file/below",
	"empty",
	"folder",
	"folder/",
	"folder//inner",
	"folder/./below",
	"link",
	"link/",
	"dangling",
	"dangling/x",
	"loop",
	"nothing",
	"nothing/below",
	"folder/nothing",
	" ",
	"-rf",
	"~",
	"*",
	"new\nline",
	"%00",
	"file://file",
	"\ufefffile",
	"\u{1f600}",
	"e\u0301",
	["a name of 255 bytes", "n".repeat(255)],
	["a new name of 255 bytes", "m".repeat(255)],
	["a name of 256 bytes", "n".repeat(256)],
	["a name of 255 characters and 510 bytes", "\u00e9".repeat(255)],
	["a path of 4,095 bytes", padded(LONG - 1)],
	["a path of 4,096 bytes", padded(LONG)],
	["a path of 4,097 bytes", padded(LONG + 1)],
	["a path of 200 names that are not there", "d/".repeat(200)],
	["a path of 5,000 names", "d/".repeat(5000)],
	["a path of 70,000 characters", "x".repeat(70_000)],
	["a path of a million characters", "\u20ac".repeat(1_000_000)],
];

const outward = [
	"../outside/secret",
	"escape/secret",
	"escape",
	"folder/../../outside/folder",
	"..",
];

const named = (of: string | [label: string, name: string]) =>
	typeof of === "string" ? ([JSON.stringify(of), of] as const) : of;

/** Text as it comes, made harmless: it names something in the arena. */
const randomName = fc.string({ unit: "binary", maxLength: 300 }).map((text) => {
	const name = text.replaceAll(/[\0/]/g, "_");
	return name === ".." ? "dots" : name;
});

const textName: fc.Arbitrary<readonly [label: string, name: string]> = fc.oneof(
	{ weight: 4, arbitrary: fc.constantFrom(...edgeNames).map(named) },
	{ weight: 1, arbitrary: randomName.map((name) => [JSON.stringify(name), name] as const) },
);

class Lying extends Uint8Array {
	override get length() {
		return 1;
	}
	override get byteLength() {
		return 1 << 20;
	}
	override includes() {
		return false;
	}
}

/** The same bytes in all the ways in which there can be an array of them. */
const bytesOf: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
	Buffer: (bytes) => Buffer.from(bytes),
	Uint8Array: (bytes) => new Uint8Array(bytes),
	"a part of a Uint8Array": (bytes) => {
		const larger = new Uint8Array(bytes.length + 20).fill(0x2f);
		larger.set(bytes, 7);
		return larger.subarray(7, 7 + bytes.length);
	},
	"bytes in shared memory": (bytes) => {
		const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
		shared.set(bytes);
		return shared;
	},
	"bytes in a resizable buffer": (bytes) => {
		const { length } = bytes;
		const view = new Uint8Array(new ArrayBuffer(length, { maxByteLength: length + 100 }));
		view.set(bytes);
		return view;
	},
	"bytes of a class that lies": (bytes) => {
		const lying = new Lying(bytes.length);
		Uint8Array.prototype.set.call(lying, bytes);
		return lying;
	},
};

const byteKind = fc.constantFrom(...Object.keys(bytesOf));

function asBytes(kind: string, bytes: Uint8Array): Uint8Array {
	return (bytesOf[kind] as (bytes: Uint8Array) => Uint8Array)(bytes);
}

const byteName: fc.Arbitrary<readonly [label: string, bytes: Uint8Array]> = fc.oneof(
	textName.map(([label, name]) => [label, Buffer.from(name)] as const),
	fc.constant(["caf\\xe9", Buffer.from("caf\xe9", "latin1")] as const),
	fc.constant(["\\xff\\xfe new", Buffer.from("\xff\xfe new", "latin1")] as const),
	fc.constant(["255 bytes \\xff", Buffer.alloc(255, 0xff)] as const),
	fc.constant(["\\xc0\\x80", Buffer.from("\xc0\x80", "latin1")] as const),
);

/** A directory for `at`, in the ways in which it can be open; closed again after the call. */
export function openArena(world: World, how: "open" | "confined" | "closed"): Dir {
	const dir = openDirSync(world.arena, { beneath: how === "confined" });
	if (how === "closed") dir.closeSync();
	else world.later(() => dir.closeSync());
	return dir;
}

export const stringName: fc.Arbitrary<Value> = textName.map(([label, name]) =>
	constant(name, label),
);

export const bytes: fc.Arbitrary<Value> = fc
	.tuple(byteKind, byteName)
	.map(([kind, [label, content]]) => value(`${kind} ${label}`, () => asBytes(kind, content)));

const inDirectory: fc.Arbitrary<Value> = fc.oneof(
	fc
		.tuple(fc.constantFrom("open", "confined", "closed"), fc.oneof(stringName, bytes))
		.map(([how, name]) =>
			value(`${how} dir.at(${labelOf(name)})`, (world) =>
				openArena(world, how as "open").at(name.make(world) as string),
			),
		),
	fc
		.constantFrom(...outward)
		.map((name) =>
			value(`confined dir.at(${name})`, (world) => openArena(world, "confined").at(name)),
		),
	fc.constant(
		value("confined dir.at(an absolute path outside)", (world) =>
			openArena(world, "confined").at(`${world.base}/outside/secret`),
		),
	),
);

const urls: fc.Arbitrary<Value> = fc.oneof(
	textName.map(([label, name]) =>
		value(`URL of ${label}`, (world) => Bun.pathToFileURL(`${world.arena}/${name}`)),
	),
	fc
		.constantFrom("caf%E9", "%FF%FE", "%e2%82", "%zz", "%", "file?query", "file#hash", "file;x")
		.map((end) => value(`URL of ${end}`, (world) => new URL(`file://${world.arena}/${end}`))),
);

/** A path, `dir.at(name)`, a URL: what is taken wherever there is a location. */
export const rightLocation: fc.Arbitrary<Value> = fc.oneof(
	{ weight: 4, arbitrary: stringName },
	{ weight: 1, arbitrary: textName.map(([label, name]) => absolute(label, name)) },
	{ weight: 3, arbitrary: bytes },
	{ weight: 3, arbitrary: inDirectory },
	{ weight: 2, arbitrary: urls },
);

function absolute(label: string, name: string): Value {
	return value(`the arena and ${label}`, (world) => `${world.arena}/${name}`);
}

/** What no name of the system can have in it. */
const unfit = [
	constant("\ud800"),
	constant("a\udfff.b\ud83d"),
	constant("file\0"),
	constant("\0"),
	constant("fi\0le"),
	value("bytes with NUL", () => Buffer.from("file\0x")),
	value("bytes of a class that lies, with NUL", () => {
		const lying = new Lying(4);
		Uint8Array.prototype.set.call(lying, Buffer.from("a\0bc"));
		return lying;
	}),
];

/** Arrays that are none, or no longer. */
const unreal = [
	value("a detached Uint8Array", () => {
		const view = new Uint8Array(8).fill(0x61);
		view.buffer.transfer();
		return view;
	}),
	value("what inherits from Uint8Array", () => Object.create(Uint8Array.prototype)),
	value("a proxy of a Uint8Array", () => new Proxy(new Uint8Array([0x61]), {})),
	value("a Uint16Array", () => new Uint16Array([0x61, 0x62])),
	value("a DataView", () => new DataView(new ArrayBuffer(4))),
	value("an object like an array", () => ({ length: 1, 0: 0x61, byteLength: 1 })),
];

const wrongUrls = ["http://localhost/file", "data:,file", "file:///a%2Fb", "file:///a%00b"]
	.concat("file://elsewhere/file", "blob:nodedata:0", "javascript:0")
	.map((text) => value(`new URL(${text})`, () => new URL(text)));

const fakes = [
	value("what inherits from URL", () => Object.create(URL.prototype)),
	value("a proxy of a URL", (world) => new Proxy(Bun.pathToFileURL(world.path("file")), {})),
	value("an object like a URL", (world) => ({
		href: `file://${world.arena}/file`,
		protocol: "file:",
		pathname: world.path("file"),
	})),
	value("what inherits from At", () => Object.create(At.prototype)),
	value("At.prototype", () => At.prototype),
	value("what inherits from File", () => Object.create(File.prototype)),
	value("Dir.prototype", () => DirClass.prototype),
	value("an object like a File", () => ({ fd: 0, descriptor: { handle: 0 } })),
];

export const wrongName: fc.Arbitrary<Value> = oneOf(
	...unfit,
	...unreal,
	nonsenseBut(),
	value("a file URL for a name", () => new URL("file:///file")),
);

const wrongPlaces = [...unfit, ...unreal, ...wrongUrls, ...fakes];

export const wrongLocation: fc.Arbitrary<Value> = oneOf(
	...wrongPlaces,
	nonsenseBut(),
	constant(0),
	constant(3),
	value("an open Dir, where a location is", (world) => openArena(world, "open")),
);

const opened: fc.Arbitrary<Value> = oneOf(
	...(["r", "r+", "a"] as const).map((flags) =>
		value(`File "${flags}"`, (world) => {
			const file = openSync(world.path("file"), flags);
			world.later(() => file.closeSync());
			return file;
		}),
	),
	value("File of a directory", (world) => {
		const file = openSync(world.path("folder"));
		world.later(() => file.closeSync());
		return file;
	}),
	value("File that has lost its name", (world) => {
		const file = openSync(world.path("empty"), "a+");
		fs.rmSync(world.path("empty"), { force: true });
		world.later(() => file.closeSync());
		return file;
	}),
	value("closed File", (world) => {
		const file = openSync(world.path("file"));
		file.closeSync();
		return file;
	}),
	value("Dir", (world) => openArena(world, "open")),
	value("closed Dir", (world) => openArena(world, "closed")),
);

const numbers: fc.Arbitrary<Value> = oneOf(
	...oddDescriptors.map((kind) => value(`fd of ${kind}`, (world) => world.descriptor(kind))),
	constant(987_654),
	constant(2 ** 31 - 1),
);

const wrongNumbers = [
	-1,
	-100,
	1.5,
	Number.NaN,
	Number.POSITIVE_INFINITY,
	2 ** 31,
	2 ** 32,
	2 ** 53,
];

/** Something open, or its descriptor. */
export const rightOpen: fc.Arbitrary<Value> = fc.oneof(opened, numbers);
export const wrongOpen: fc.Arbitrary<Value> = oneOf(
	...fakes,
	...wrongNumbers.map((number) => constant(number)),
	nonsenseBut(),
	constant("file"),
	value("bytes of a path", () => Buffer.from("file")),
	value("dir.at(name), where something open is", (world) => openArena(world, "open").at("file")),
);

/** Something open, its descriptor, or where it is. */
export const rightTarget: fc.Arbitrary<Value> = fc.oneof(rightLocation, rightOpen);
export const wrongTarget: fc.Arbitrary<Value> = oneOf(
	...wrongPlaces,
	...wrongNumbers.map((number) => constant(number)),
	nonsenseBut(),
);
