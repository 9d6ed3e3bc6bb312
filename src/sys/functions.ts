/** The functions that a system is entered by, as data: a call names one by its index in their table. */
import type { Call } from "../engine/call.ts";

export interface FunctionTable<Name extends string> {
	readonly names: readonly Name[];
	/** The index of each function. */
	readonly fn: Readonly<Record<Name, number>>;
	/** One call, as data; what is left out is 0. */
	call(name: Name, ...args: number[]): Call;
}

export function tableOf<Name extends string>(
	functions: Readonly<Record<Name, { readonly takes: readonly unknown[] }>>,
): FunctionTable<Name> {
	const names = Object.keys(functions) as Name[];
	const fn = Object.fromEntries(names.map((name, index) => [name, index])) as Record<Name, number>;
	return {
		names,
		fn,
		call(name, ...args) {
			while (args.length < functions[name].takes.length) args.push(0);
			const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, ...rest] = args;
			return { fn: fn[name], a, b, c, d, e, f, rest };
		},
	};
}
