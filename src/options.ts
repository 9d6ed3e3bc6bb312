import type * as zod from "zod/mini";
import { invalidArgument } from "./errors.ts";
import { inspected } from "./received.ts";

/** The library of schemas, as the functions below hand it to those who describe their options. */
export type Zod = typeof zod;

/** A schema for each option that an operation knows. */
export type Shape<T> = { [K in keyof Required<T>]: zod.ZodMiniType<T[K] | undefined> };

const none: Readonly<Record<string, never>> = Object.freeze({});

/**
 * A check of an options object: unknown names, wrong types and values out of range are refused by
 * name. The schema is built when the first options object comes, because loading zod takes longer
 * than loading the whole library.
 */
export function optionsOf<T extends object>(
	operation: string,
	shape: (z: Zod) => Shape<T>,
): (value: T | undefined) => T {
	let schema: zod.ZodMiniObject<Shape<T>> | undefined;
	return (value) => {
		if (value === undefined) return none as T;
		if (schema === undefined) {
			const z: Zod = require("zod/mini");
			schema = z.strictObject(shape(z));
		}
		const result = isPlain(value) ? schema.safeParse(value, { reportInput: true }) : undefined;
		// What was checked, and not what a getter may say the next time.
		if (result?.success) return result.data as T;
		throw refusal(operation, value, result?.error.issues[0], Object.keys(schema.shape));
	};
}

/** A class of its own is something else: a Date in the place of options is a mistake. */
function isPlain(value: unknown): boolean {
	if (typeof value !== "object" || value === null) return false;
	const prototype = Object.getPrototypeOf(value);
	return prototype === Object.prototype || prototype === null;
}

/** What only inherits from the class has no state, and its getters throw. */
function isSignal(value: unknown): boolean {
	try {
		return value instanceof AbortSignal && typeof value.aborted === "boolean";
	} catch {
		return false;
	}
}

function isDate(value: unknown): boolean {
	try {
		return value instanceof Date && !Number.isNaN(value.getTime());
	} catch {
		return false;
	}
}

/** Schemas that more than one operation needs. */
export const schemas = {
	flag: (z: Zod) => z.optional(z.boolean()),
	integer: (z: Zod, least = 0, most = Number.MAX_SAFE_INTEGER) =>
		z.optional(z.int().check(z.minimum(least), z.maximum(most))),
	choice: <const V extends string | boolean>(z: Zod, ...values: V[]) =>
		z.optional(
			z.union(
				values.map((value) => z.literal(value)),
				{ error: `expected one of ${values.map((value) => JSON.stringify(value)).join(", ")}` },
			),
		) as zod.ZodMiniType<V | undefined>,
	signal: (z: Zod) =>
		z.optional(z.custom<AbortSignal>(isSignal, { error: "expected an AbortSignal" })),
	date: (z: Zod) => z.custom<Date>(isDate, { error: "expected a valid Date" }),
	callback: <F>(z: Zod) =>
		z.optional(
			z.custom<F>((value) => typeof value === "function", { error: "expected a function" }),
		),
	/** An options object in another: as strict, and as plain. */
	object: <T extends object>(z: Zod, shape: Shape<T>) =>
		z.pipe(
			z.custom(isPlain, { error: "expected a plain object" }),
			z.strictObject(shape),
		) as unknown as zod.ZodMiniType<T>,
};

function refusal(
	operation: string,
	value: unknown,
	issue: zod.core.$ZodIssue | undefined,
	known: string[],
): Error {
	if (!isPlain(value)) {
		return invalidArgument(
			"ERR_INVALID_ARG_TYPE",
			`${operation}: the options must be a plain object. Received ${inspected(value)}`,
		);
	}
	if (issue?.code === "unrecognized_keys") {
		const names = issue.keys.map((key) => `"${[...issue.path, key].join(".")}"`).join(", ");
		if (issue.path.length > 0) {
			return invalidArgument("ERR_INVALID_ARG_VALUE", `${operation}: unknown option ${names}`);
		}
		return invalidArgument(
			"ERR_INVALID_ARG_VALUE",
			`${operation}: unknown option ${names}; known options: ${known.join(", ")}`,
		);
	}
	const name = issue?.path.join(".") ?? "";
	const code =
		issue?.code === "too_big" || issue?.code === "too_small"
			? "ERR_OUT_OF_RANGE"
			: issue?.code === "invalid_type" || issue?.code === "custom"
				? "ERR_INVALID_ARG_TYPE"
				: "ERR_INVALID_ARG_VALUE";
	const given = inspected(issue?.input);
	const reason = issue === undefined ? "it is wrong" : reasonOf(issue);
	return invalidArgument(code, `${operation}: option "${name}": ${reason}, got ${given}`);
}

/** What would have been right. The library of schemas has words for it only if more of it is loaded. */
function reasonOf(issue: zod.core.$ZodIssue): string {
	switch (issue.code) {
		case "invalid_type":
			return `expected ${issue.expected === "int" ? "an integer" : issue.expected}`;
		case "too_small":
			return `expected at least ${issue.minimum}${unitOf(issue.origin)}`;
		case "too_big":
			return `expected at most ${issue.maximum}${unitOf(issue.origin)}`;
		case "invalid_value":
			return `expected one of ${issue.values.map((value) => JSON.stringify(value)).join(", ")}`;
		case "unrecognized_keys":
			return `no option ${issue.keys.map((key) => `"${key}"`).join(", ")}`;
		case "invalid_union":
			if (issue.message !== UNSAID) return issue.message;
			return issue.errors.map(([first]) => within(first)).join(", or ");
		default:
			return issue.message;
	}
}

/** What it says where it has no words. */
const UNSAID = "Invalid input";

const unitOf = (origin: string) => (origin === "array" ? " items" : "");

/** The reason why one of several ways was not taken, with the part of the value that it is about. */
function within(issue: zod.core.$ZodIssue | undefined): string {
	if (issue === undefined) return UNSAID;
	const where = issue.path.length > 0 ? `"${issue.path.join(".")}": ` : "";
	return where + reasonOf(issue);
}
