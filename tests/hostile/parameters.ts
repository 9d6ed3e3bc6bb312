/** What a parameter takes and what it refuses, for every kind of parameter that the library has. */
import fc from "fast-check";
import * as names from "./names.ts";
import { constant, labelOf, nonsenseBut, oneOf, Thrown, type Value, value } from "./value.ts";
import type { World } from "./world.ts";

export interface Parameter {
	readonly right: fc.Arbitrary<Value>;
	/** Refused whatever the other arguments are, before anything is done. */
	readonly wrong: fc.Arbitrary<Value>;
	readonly isOptional: boolean;
	/** The names of the options, of a parameter that takes an object of them. */
	readonly options?: readonly string[];
}

const MOST = Number.MAX_SAFE_INTEGER;
const nothing = constant(undefined);

function parameter(right: fc.Arbitrary<Value>, wrong: fc.Arbitrary<Value>): Parameter {
	return {
		right,
		wrong: fc.oneof({ weight: 5, arbitrary: wrong }, fc.constant(nothing)),
		isOptional: false,
	};
}

/** The same, where undefined means a default. */
export function optional({ right, wrong, ...rest }: Parameter): Parameter {
	return {
		...rest,
		right: fc.oneof({ weight: 4, arbitrary: right }, fc.constant(nothing)),
		wrong: wrong.filter((one) => labelOf(one) !== "undefined"),
		isOptional: true,
	};
}

/** The same, which takes these values too. */
export function or({ right, wrong, ...rest }: Parameter, ...more: unknown[]): Parameter {
	const labels = more.map((one) => labelOf(constant(one)));
	return {
		...rest,
		right: fc.oneof({ weight: 2, arbitrary: right }, oneOf(...more.map((one) => constant(one)))),
		wrong: wrong.filter((one) => !labels.includes(labelOf(one))),
	};
}

export const location = parameter(names.rightLocation, names.wrongLocation);
export const target = parameter(names.rightTarget, names.wrongTarget);
export const openFile = parameter(names.rightOpen, names.wrongOpen);
/** A name or a text of bytes, and not a URL. */
export const name = parameter(fc.oneof(names.stringName, names.bytes), names.wrongName);
export const text = parameter(
	names.stringName,
	oneOf(
		names.wrongName,
		value("bytes where text is", () => Buffer.from("file")),
	),
);
export const nameOrUrl = parameter(
	fc.oneof(names.stringName, names.bytes),
	names.wrongName.filter((one) => labelOf(one) !== "a file URL for a name"),
);

/** A whole number from `least` to `most`. */
export function integer(least = 0, most = MOST): Parameter {
	const edges = [least, most, Math.min(most, least + 1), Math.max(least, most - 1)];
	const inside = [0, 1, 7, 4095, 4096, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40];
	const right = [...edges, ...inside.filter((one) => one >= least && one <= most)];
	const around = [
		least - 1,
		most + 1,
		-1,
		-(2 ** 31),
		-(2 ** 63),
		2 ** 53,
		2 ** 64,
		1e300,
		0.5,
		1e-300,
	];
	const wrong = around.filter((one) => !Number.isSafeInteger(one) || one < least || one > most);
	if (least <= 0 && most >= 0) right.push(-0);
	return parameter(
		fc.oneof(
			fc.constantFrom(...right).map((one) => constant(one)),
			fc
				.integer({ min: Math.max(least, -(2 ** 31)), max: Math.min(most, 2 ** 31 - 1) })
				.map((one) => constant(one)),
		),
		oneOf(...wrong.map((one) => constant(one)), constant("1"), constant(""), nonsenseBut()),
	);
}

/** The first value that is right: what is left out means it. */
export function choice(...values: unknown[]): Parameter {
	const labels = values.map((one) => labelOf(constant(one)));
	const strings = [constant(""), constant("Auto"), constant("constructor"), constant("__proto__")];
	const others = oneOf(...strings, constant(0), constant("read\0"), nonsenseBut());
	return parameter(
		oneOf(...values.map((one) => constant(one))),
		others.filter((one) => !labels.includes(labelOf(one))),
	);
}

export const flag = optional(choice(true, false));
export const oneOfThem = (...values: unknown[]) => optional(choice(...values));
export const mode = optional(integer(0, 0o7777));

const data: readonly Value[] = [
	constant(""),
	constant("text"),
	constant("\ud800 half a pair"),
	constant("x".repeat(100_000), "a text of 100,000 characters"),
	value("no bytes", () => new Uint8Array(0)),
	value("7 bytes", () => new Uint8Array(7).fill(7)),
	value("a small Buffer", () => Buffer.from("from the pool")),
	value("5,000 bytes", () => new Uint8Array(5000).fill(5)),
	value("a MiB", () => new Uint8Array(1 << 20)),
	value("a part of an array", () => new Uint8Array(100).subarray(33, 44)),
	value("floats", () => new Float64Array(9).fill(Math.PI)),
	value("bigints", () => new BigInt64Array(9).fill(-1n)),
	value("a DataView with an offset", () => new DataView(new ArrayBuffer(64), 13, 17)),
	value("an empty DataView", () => new DataView(new ArrayBuffer(64), 64)),
	value("shared memory", () => new Uint8Array(new SharedArrayBuffer(100))),
	value("shared memory that grows", () => {
		const shared = new SharedArrayBuffer(100, { maxByteLength: 1 << 20 });
		queueMicrotask(() => shared.grow(1 << 20));
		return new Uint8Array(shared);
	}),
	value("an array of a class that lies", () => new Lying(16)),
	value("a DataView that lies", () =>
		Object.defineProperty(new DataView(new ArrayBuffer(16)), "byteLength", { value: 1 << 24 }),
	),
	value("an array with a length of its own", () =>
		Object.defineProperty(new Uint8Array(16), "byteLength", { value: 1 << 24 }),
	),
	value("an array of another class's looks", () =>
		Object.setPrototypeOf(new Uint8Array(16), DataView.prototype),
	),
	value("an array without a class", () => Object.setPrototypeOf(new Uint8Array(16), null)),
	value("wasm memory", () => new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer)),
];

class Lying extends Uint8Array {
	override get byteLength() {
		return 1 << 24;
	}
	override get byteOffset() {
		return -8;
	}
	override get buffer(): ArrayBuffer {
		throw new Error("no buffer of mine is looked at");
	}
}

const isText = (one: Value) => /^"|^a text/.test(labelOf(one));

function resizable(length: number): ArrayBuffer {
	return new ArrayBuffer(length, { maxByteLength: 1 << 16 });
}

/** Views that no call may be given. */
const wrongViews: readonly Value[] = [
	value("a view of a resizable buffer", () => new Uint8Array(resizable(100))),
	value("a DataView of a resizable buffer", () => new DataView(resizable(100))),
	value("a view that its buffer has shrunk away from", () => {
		const buffer = resizable(100);
		const view = new Uint8Array(buffer, 50, 50);
		buffer.resize(10);
		return view;
	}),
	value("a DataView that its buffer has shrunk away from", () => {
		const buffer = resizable(100);
		const view = new DataView(buffer, 50, 50);
		buffer.resize(10);
		return view;
	}),
	value("a detached Uint8Array", () => detached((buffer) => new Uint8Array(buffer))),
	value("a detached DataView", () => detached((buffer) => new DataView(buffer))),
	value("a detached Float32Array", () => detached((buffer) => new Float32Array(buffer))),
	value("what inherits from Uint8Array", () => Object.create(Uint8Array.prototype)),
	value("a proxy of an array", () => new Proxy(new Uint8Array(8), {})),
];

function detached(view: (buffer: ArrayBuffer) => ArrayBufferView): ArrayBufferView {
	const buffer = new ArrayBuffer(64);
	const made = view(buffer);
	structuredClone(buffer, { transfer: [buffer] });
	return made;
}

/** What is written: text or bytes. */
export const content = parameter(oneOf(...data), oneOf(...wrongViews, constant(7), nonsenseBut()));
/** Where something is read to. */
export const buffer = parameter(
	oneOf(...data.filter((one) => !isText(one))),
	oneOf(...wrongViews, constant("text"), constant(7), nonsenseBut()),
);
/** An attribute's value. */
const valueBytes = data.filter(
	(one) => isText(one) || !/float|bigint|DataView|looks|without/.test(labelOf(one)),
);
export const attribute = parameter(
	oneOf(...valueBytes),
	oneOf(
		...wrongViews
			.filter((one) => !labelOf(one).includes("resizable"))
			.filter((one) => !/shrunk/.test(labelOf(one))),
		constant(7),
		nonsenseBut(),
	),
);

/** A list of what another parameter takes; one that is wrong makes it wrong. */
export function list({ right, wrong }: Parameter, minLength = 0): Parameter {
	const many = (items: readonly Value[]) =>
		value(`[${items.map(labelOf).join(", ")}]`, (world) => items.map((item) => item.make(world)));
	const rightList = fc.array(right, { minLength, maxLength: 5 });
	const broken = fc
		.tuple(rightList, wrong, rightList)
		.map(([before, one, after]) => many([...before, one, ...after]));
	const others = nonsenseBut("array", "nested");
	return parameter(rightList.map(many), fc.oneof(broken, others, fc.constant(constant("text"))));
}

const signals = [
	value("AbortSignal.abort()", () => AbortSignal.abort()),
	value("AbortSignal.abort(null)", () => AbortSignal.abort(null)),
	value("a signal that never fires", () => new AbortController().signal),
	value("a signal that fires in a microtask", () => {
		const controller = new AbortController();
		queueMicrotask(() => controller.abort(new Error("enough")));
		return controller.signal;
	}),
	value("AbortSignal.any", () => AbortSignal.any([new AbortController().signal])),
];
const wrongSignals = [
	value("what inherits from AbortSignal", () => Object.create(AbortSignal.prototype)),
	value("a proxy of a signal", () => new Proxy(new AbortController().signal, {})),
	value("an AbortController", () => new AbortController()),
	value("an object like a signal", () => ({ aborted: true, addEventListener() {} })),
	value("an EventTarget", () => new EventTarget()),
];
export const signal = optional(
	parameter(
		oneOf(...signals),
		oneOf(...wrongSignals, constant("abort"), constant(1), nonsenseBut()),
	),
);

const throwing = value("a function that throws", () => () => {
	throw new Thrown("thrown by the callback");
});

/** A function, with what a right one may answer. */
export function callback(...answers: unknown[]): Parameter {
	const right = answers.map((answer) => value(`() => ${Bun.inspect(answer)}`, () => () => answer));
	const others = nonsenseBut("function", "class");
	return optional(
		parameter(oneOf(...right, throwing), oneOf(others, constant("name"), constant(1))),
	);
}

/** Answers that are taken, whatever they are. */
export const listener = callback(undefined, 1, "answer");

type Shape = Readonly<Record<string, Parameter>>;

/** An object of options: those that are there in a right object, all, some or none of them. */
export function object(shape: Shape, needed: readonly string[] = []): Parameter {
	const names = Object.keys(shape);
	const of = (name: string) => shape[name] as Parameter;
	const right = fc.record(Object.fromEntries(names.map((name) => [name, of(name).right])), {
		requiredKeys: [...needed],
	}) as fc.Arbitrary<Record<string, Value>>;
	const made = fc
		.tuple(fc.constantFrom(...Object.keys(dresses)), right)
		.map(([dress, values]) => dressed(dress, values));
	const oneWrong =
		names.length === 0
			? []
			: [
					fc
						.constantFrom(...names)
						.chain((name) => fc.tuple(fc.constant(name), of(name).wrong, right))
						.map(([name, wrong, rest]) => dressed("{}", { ...rest, [name]: wrong })),
				];
	const unknown = fc
		.tuple(fc.constantFrom(...unknownNames.filter((name) => !names.includes(name))), right)
		.map(([name, rest]) => dressed("{}", { ...rest, [name]: constant(true) }));
	const notPlain = oneOf(
		nonsenseBut("object"),
		constant("r"),
		constant(1),
		value("an object that inherits its options", () => Object.create({ follow: true })),
		value("an instance of a class", () => new (class Options {})()),
		value("null-prototype object that inherits", () => Object.create(Object.create(null))),
		value("an options object whose getter throws", () =>
			Object.defineProperty({}, names[0] ?? "any", {
				enumerable: true,
				get() {
					throw new Thrown("thrown by the option");
				},
			}),
		),
	);
	return {
		...parameter(made, fc.oneof(unknown, notPlain, ...oneWrong)),
		options: names,
	};
}

export const options = (shape: Shape) => optional(object(shape));

const unknownNames = [
	"folow",
	"__proto__",
	"constructor",
	"toString",
	"",
	"0",
	"mode ",
	"MODE",
	"\0",
];

type Dress = (options: Record<string, unknown>) => object;

/** Objects that are all the same to those who only read what is in them. */
const dresses: Readonly<Record<string, Dress>> = {
	"{}": (options) => options,
	frozen: (options) => Object.freeze(options),
	"without a prototype": (options) => Object.assign(Object.create(null), options),
	"of getters": (options) =>
		Object.defineProperties(
			{},
			Object.fromEntries(
				Object.entries(options).map(([name, one]) => [name, { get: () => one, enumerable: true }]),
			),
		),
	"behind a proxy": (options) => new Proxy(options, {}),
	"with symbols and hidden names": (options) =>
		Object.defineProperty({ ...options, [Symbol("more")]: 1 }, "unseen", { value: 1 }),
};

function dressed(dress: string, values: Record<string, Value>): Value {
	const shown = Object.entries(values).map(
		([name, one]) => `${JSON.stringify(name)}: ${labelOf(one)}`,
	);
	return value(`${dress === "{}" ? "" : `${dress} `}{ ${shown.join(", ")} }`, (world: World) => {
		const made: Record<string, unknown> = {};
		for (const [name, one] of Object.entries(values)) {
			// As its own, also where the name is __proto__.
			Object.defineProperty(made, name, {
				value: one.make(world),
				enumerable: true,
				writable: true,
				configurable: true,
			});
		}
		return (dresses[dress] as Dress)(made);
	});
}
