/** What was passed, for a message; nothing about a value can keep the message from being made. */

/** The value as the runtime shows it, cut short. */
export function inspected(value: unknown): string {
	try {
		return shortened(Bun.inspect(value, { depth: 0 }));
	} catch {
		return `a value of type ${typeof value} that cannot be shown`;
	}
}

/** The value with its type. */
export function received(value: unknown): string {
	if (value === null || value === undefined) return String(value);
	if (typeof value === "object") return `an instance of ${classNameOf(value)}`;
	return `type ${typeof value} (${inspected(value)})`;
}

const MOST = 200;

function shortened(text: string): string {
	return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
}

function classNameOf(value: object): string {
	try {
		const { name } = value.constructor;
		if (typeof name === "string" && name !== "") return shortened(name);
	} catch {
		// A class of its own, or none.
	}
	return "Object";
}
