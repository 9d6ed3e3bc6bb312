/**
 * Claims about functions: what each takes and gives. A prototype of the headers becomes a list of
 * kinds, which a C++ compiler compares with ours.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Headers, Verdict } from "./claims.ts";
import { compile } from "./compiler.ts";

/** What a parameter or a result is to the machine. */
export type Kind = "void" | "pointer" | `${"i" | "u"}${8 | 16 | 32 | 64}`;

/** A function: whether it is variadic, what it gives, what it takes. */
export interface Signature {
	readonly name: string;
	readonly gives: Kind;
	readonly takes: readonly Kind[];
	readonly isVariadic?: boolean;
}

const numbers: Readonly<Record<Kind, number>> = {
	void: 0,
	pointer: 1,
	...{ i8: 11, i16: 12, i32: 14, i64: 18 },
	...{ u8: 21, u16: 22, u32: 24, u64: 28 },
};

const TEMPLATES = `
template<class T, class U> struct same { static constexpr bool value = false; };
template<class T> struct same<T, T> { static constexpr bool value = true; };
template<class T> constexpr int kind() {
  if constexpr (__is_void(T)) return 0;
  else if constexpr (__is_pointer(T)) return 1;
  else if constexpr (__is_enum(T)) return kind<__underlying_type(T)>();
  else if constexpr (__is_integral(T)) return (T(-1) < T(0) ? 10 : 20) + sizeof(T);
  else return 99;
}
template<int... Kinds> struct signature {};
template<class F> struct of;
template<class R, class... A> struct of<R(A...)> { using type = signature<0, kind<R>(), kind<A>()...>; };
template<class R, class... A> struct of<R(A..., ...)> { using type = signature<1, kind<R>(), kind<A>()...>; };
template<class R, class... A> struct of<R(A...) noexcept> { using type = signature<0, kind<R>(), kind<A>()...>; };
`;

export function judgeSignatures(
	{ target, prologue, flags = [] }: Headers,
	signatures: readonly Signature[],
	scratch: string,
): Verdict {
	const before = `${prologue}\n${TEMPLATES}`;
	const lines = signatures.map(({ name, gives, takes, isVariadic = false }) => {
		const kinds = [Number(isVariadic), numbers[gives], ...takes.map((kind) => numbers[kind])];
		return `static_assert(same<of<decltype(${name})>::type, signature<${kinds}>>::value, "claim");\n`;
	});
	const source = join(scratch, "signatures.cc");
	writeFileSync(source, before + lines.join(""));
	const all = ["-std=c++20", ...flags];
	const { succeeded, diagnostics } = compile(target, all, source, scratch);
	const first = before.split("\n").length;
	const wrong = new Set<string>();
	const unknown = new Set<string>();
	for (const [, line, reason] of diagnostics.matchAll(/signatures\.cc:(\d+):\d+: error: (.*)/g)) {
		const name = signatures[Number(line) - first]?.name;
		if (name === undefined) throw new Error(diagnostics);
		(reason?.startsWith("static assertion failed") ? wrong : unknown).add(name);
	}
	if (!succeeded && wrong.size + unknown.size === 0) throw new Error(diagnostics);
	return { wrong: [...wrong], unknown: [...unknown] };
}
