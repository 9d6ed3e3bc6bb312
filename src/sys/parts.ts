import type { System } from "./system.ts";

/** Parts of a system, each loaded by a function. */
type Parts = { [K in keyof System]?: () => System[K] };

/**
 * A system, of which not every program uses every part: those are loaded when they are first used, as
 * all of them together would take longer to load than most programs take to do their work.
 */
export function assembled(always: Partial<System>, parts: Parts): System {
	const system = always as System;
	for (const [name, load] of Object.entries(parts)) {
		Object.defineProperty(system, name, loadedOnUse(name, load));
	}
	return system;
}

/** A getter that puts what it has loaded in its own place. */
function loadedOnUse(name: string, load: () => unknown): PropertyDescriptor {
	return {
		configurable: true,
		enumerable: true,
		get() {
			const value = load();
			Object.defineProperty(this, name, { value, enumerable: true });
			return value;
		},
	};
}
