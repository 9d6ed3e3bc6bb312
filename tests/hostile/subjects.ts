/** The functions and methods to call, each with its forms. */
import fc from "fast-check";
import * as library from "../../src/index.ts";
import { classes, type Described, functions } from "./described.ts";
import { constant, type Value } from "./value.ts";

/**
 * How an answer comes: by a promise, as a value at once, or item by item. A promise form never throws:
 * what is wrong with its arguments comes by the promise too.
 */
export type Form = "promise" | "value" | "sequence";

export interface Subject {
	/** As it is called: `statSync`, `File.read`. */
	readonly name: string;
	readonly form: Form;
	readonly described: Described;
	/** What it is called on; of functions, nothing. */
	readonly self: fc.Arbitrary<Value>;
	call(self: unknown, args: readonly unknown[]): unknown;
}

type Callable = (this: unknown, ...args: unknown[]) => unknown;
type Members = Readonly<Record<string | symbol, Callable | undefined>>;

const exported = library as unknown as Members;
const nobody = fc.constant(constant(undefined));

/** What has no twin and gives a promise all the same. */
const PROMISES = new Set([
	"stopEngine",
	...["Watcher.close", "Watcher.next", "Watcher.return", "Watcher.Symbol(Symbol.asyncDispose)"],
	...["File", "Dir", "Lock"].map((name) => `${name}.Symbol(Symbol.asyncDispose)`),
]);

function formOf(name: string, described: Described, hasTwin: boolean): Form {
	if (described.isSequence) return "sequence";
	return hasTwin || PROMISES.has(name) ? "promise" : "value";
}

function functionForms(name: string): Subject[] {
	const described = functions[name] as Described;
	const twin = functions[`${name}Sync`] === undefined ? exported[`${name}Sync`] : undefined;
	const of = (called: string, form: Form): Subject => ({
		name: called,
		form,
		described,
		self: nobody,
		call: (_, args) => (exported[called] as Callable)(...args),
	});
	const first = of(name, formOf(name, described, twin !== undefined));
	if (twin === undefined) return [first];
	return [first, of(`${name}Sync`, described.isSequence ? "sequence" : "value")];
}

/** A method by its name in the table: `read`, or `[Symbol.dispose]`. */
function keyOf(method: string): string | symbol {
	const symbol = /^\[Symbol\.(.*)\]$/.exec(method)?.[1];
	return symbol === undefined ? method : Symbol[symbol as "dispose"];
}

function methodForms(className: string, method: string): Subject[] {
	const { instances, methods } = classes[className] as (typeof classes)[string];
	const described = methods[method] as Described;
	const prototype = (exported[className] as Callable).prototype as Members;
	const hasTwin = `${method}Sync` in prototype;
	const of = (key: string | symbol, form: Form): Subject => ({
		name: `${className}.${String(key)}`,
		form,
		described,
		self: instances,
		call: (self, args) => (prototype[key] as Callable).apply(self, [...args]),
	});
	const key = keyOf(method);
	const first = of(key, formOf(`${className}.${String(key)}`, described, hasTwin));
	if (!hasTwin) return [first];
	return [first, of(`${method}Sync`, described.isSequence ? "sequence" : "value")];
}

/** All that can be called, in groups: the forms of one function or of one method. */
export const subjects: ReadonlyMap<string, Subject[]> = new Map([
	...Object.keys(functions).map((name) => [name, functionForms(name)] as const),
	...Object.entries(classes).flatMap(([className, { methods }]) =>
		Object.keys(methods).map(
			(method) => [`${className}.${method}`, methodForms(className, method)] as const,
		),
	),
]);
