/** Arguments as fast-check can print and shrink them: each is made anew for its call. */
import fc from "fast-check";
import type { World } from "./world.ts";

export interface Value {
	make(world: World): unknown;
	[fc.toStringMethod](): string;
}

export function value(label: string, make: (world: World) => unknown): Value {
	return { make, [fc.toStringMethod]: () => label };
}

/** One that is the same every time. */
export const constant = (what: unknown, label = Bun.inspect(what)): Value =>
	value(label, () => what);

export const labelOf = (of: Value): string => of[fc.toStringMethod]();

export function oneOf(...values: (Value | fc.Arbitrary<Value>)[]): fc.Arbitrary<Value> {
	return fc.oneof(...values.map((one) => (one instanceof fc.Arbitrary ? one : fc.constant(one))));
}

/** What an argument throws when it is looked at; it may come out of a call as it is. */
export class Thrown extends Error {}

function thrower(): never {
	throw new Thrown("thrown by the argument");
}

const trapped = new Proxy(
	{},
	Object.fromEntries(
		Object.getOwnPropertyNames(Reflect).map((name) => [name, thrower]),
	) as ProxyHandler<object>,
);

function revoked(): object {
	const { proxy, revoke } = Proxy.revocable({}, {});
	revoke();
	return proxy;
}

/** Objects that do something when they are looked at or printed. */
export const traps: Value[] = [
	constant(trapped, "a proxy that throws"),
	constant(revoked(), "a revoked proxy"),
	value("an object that cannot be printed", () => ({
		[Bun.inspect.custom]: thrower,
		[Symbol.toPrimitive]: thrower,
		toString: thrower,
		valueOf: thrower,
		toJSON: thrower,
		constructor: { name: Symbol("name") },
	})),
	value("an object of getters that throw", () =>
		Object.defineProperties(
			{},
			Object.fromEntries(
				["constructor", "byteLength", "buffer", "length", "then", "fd", "descriptor", "name"].map(
					(name) => [name, { get: thrower, enumerable: true }],
				),
			),
		),
	),
];

/** What is wrong wherever it is given, unless a parameter says that it takes it. */
export const nonsense = {
	null: constant(null),
	true: constant(true),
	false: constant(false),
	fraction: constant(5.5),
	negative: constant(-7),
	nan: constant(Number.NaN),
	infinity: constant(Number.POSITIVE_INFINITY),
	bigint: constant(3n),
	symbol: constant(Symbol("s"), "a symbol"),
	function: constant(() => {}, "a function"),
	object: value("{}", () => ({})),
	array: value("[]", () => []),
	nested: value('["file"]', () => ["file"]),
	boxed: value('new String("file")', () => new String("file")),
	boxedNumber: value("new Number(1)", () => new Number(1)),
	date: value("new Date()", () => new Date()),
	map: value("new Map()", () => new Map()),
	promise: value('Promise.resolve("file")', () => Promise.resolve("file")),
	regexp: constant(/file/),
	arrayBuffer: value("new ArrayBuffer(8)", () => new ArrayBuffer(8)),
	sharedBuffer: value("new SharedArrayBuffer(8)", () => new SharedArrayBuffer(8)),
	class: constant(class Nothing {}, "a class"),
	global: constant(globalThis, "globalThis"),
} as const satisfies Record<string, Value>;
export type Nonsense = keyof typeof nonsense;

/** All nonsense but what is right here. */
export function nonsenseBut(...right: Nonsense[]): fc.Arbitrary<Value> {
	const names = Object.keys(nonsense) as Nonsense[];
	return oneOf(
		...names.filter((name) => !right.includes(name)).map((name) => nonsense[name]),
		...traps,
	);
}

/** Whatever may follow the last argument without a meaning. */
export const anything = oneOf(
	...Object.values(nonsense),
	...traps,
	constant(undefined),
	constant("file"),
	constant("a\0b"),
);
