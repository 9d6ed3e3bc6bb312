/** How values are written for people. */

const UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/** Bytes, in the largest unit of which there is at least one. */
export function sizeText(bytes: number): string {
	let value = bytes;
	let unit = "B";
	for (const larger of UNITS) {
		if (value < 1024) break;
		value /= 1024;
		unit = larger;
	}
	return unit === "B" ? `${value} B` : `${value.toFixed(1)} ${unit}`;
}

export function durationText(nanoseconds: number): string {
	const milliseconds = nanoseconds / 1e6;
	if (milliseconds < 1000) return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
	return `${(milliseconds / 1000).toFixed(2)} s`;
}

export function countText(count: number, one: string, many = `${one}s`): string {
	return `${count} ${count === 1 ? one : many}`;
}

/** Text from outside, such as a file name, without what a terminal would take for a command. */
export function safeText(text: string): string {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: it is these that are looked for
	return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (control) => {
		return `\\x${control.charCodeAt(0).toString(16).padStart(2, "0")}`;
	});
}

/** Rows with their columns under each other; the last column is as long as it is. */
export function tableText(rows: readonly (readonly string[])[]): string {
	const widths: number[] = [];
	for (const row of rows) {
		row.forEach((cell, column) => {
			widths[column] = Math.max(widths[column] ?? 0, Bun.stringWidth(cell));
		});
	}
	const line = (row: readonly string[]) =>
		row
			.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - Bun.stringWidth(cell)))
			.join("  ")
			.trimEnd();
	return rows.map(line).join("\n");
}

/** Whether a stream shows colours: a terminal does, unless NO_COLOR is set and not empty. */
export function showsColours(stream: { readonly isTTY?: boolean }): boolean {
	return stream.isTTY === true && !process.env.NO_COLOR;
}

const CODES = { green: 32, red: 31, yellow: 33, bold: 1 } as const;

export function coloured(text: string, colour: keyof typeof CODES, on: boolean): string {
	return on ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text;
}

/** JSON as every command prints it: bigint as decimal strings, and what is not known as null. */
export function jsonText(value: unknown): string {
	const replace = (_key: string, given: unknown) => {
		if (typeof given === "bigint") return String(given);
		return given === undefined ? null : given;
	};
	return JSON.stringify(value, replace, 2);
}
