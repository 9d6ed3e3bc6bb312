/**
 * Has something loaded when it is first asked for, and remembered: to ask `require` again for what is
 * loaded takes a microsecond, and the runtime keeps a few bytes of every time.
 */
export function once<T>(load: () => T): () => T {
	let loaded: { readonly value: T } | undefined;
	return () => {
		loaded ??= { value: load() };
		return loaded.value;
	};
}
