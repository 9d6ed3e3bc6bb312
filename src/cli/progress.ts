import { SingleBar } from "cli-progress";
import { countText, safeText, sizeText } from "./text.ts";

/** A line on the terminal that says how far something is. */
export interface ProgressLine {
	/** Whether there is a terminal to show it on. */
	readonly visible: boolean;
	/** Bytes and files that are done with, and what is under way. */
	update(bytes: number, files?: number, current?: string): void;
	/** Tells how many bytes there will be, once that is known. */
	expect(total: number): void;
	/** Takes the line off the terminal again. */
	stop(): void;
}

const silent: ProgressLine = { visible: false, update() {}, expect() {}, stop() {} };

interface Shown {
	readonly files: number | undefined;
	readonly current: string;
}

/** Shows progress on standard error, if that is a terminal; nothing with `quiet`. */
export function showProgress(quiet: boolean, total?: number): ProgressLine {
	if (quiet || !process.stderr.isTTY) return silent;
	let expected = total;
	let latest = 0;
	const bar = new SingleBar({
		format: (options, { progress, eta }, { files, current }: Shown) => {
			const { barsize = 24 } = options;
			const done = Math.round(barsize * Math.min(1, progress));
			const parts = [sizeText(latest)];
			if (files !== undefined) parts.push(countText(files, "file"));
			if (expected !== undefined && expected > 0) {
				const filled = "█".repeat(done) + "░".repeat(barsize - done);
				const percent = `${Math.floor(Math.min(1, progress) * 100)}`.padStart(3);
				parts[0] = `${filled} ${percent}%  ${sizeText(latest)} of ${sizeText(expected)}`;
				if (Number.isFinite(eta) && eta > 0) parts.push(`${eta} s left`);
			}
			return fitted([...parts, current].filter(Boolean).join("  "));
		},
		barsize: 24,
		clearOnComplete: true,
		hideCursor: true,
		stream: process.stderr,
		fps: 10,
	});
	const payload: Shown = { files: undefined, current: "" };
	bar.start(Math.max(1, total ?? 1), 0, payload);
	return {
		visible: true,
		update(bytes, files, current = "") {
			latest = bytes;
			bar.update(bytes, { files, current: safeText(current) } satisfies Shown);
		},
		expect(bytes) {
			expected = bytes;
			bar.setTotal(Math.max(1, bytes));
		},
		stop: () => bar.stop(),
	};
}

/** The line as long as the terminal is wide, with its end, the current path, cut off. */
function fitted(line: string): string {
	const width = (process.stderr.columns || 80) - 1;
	if (Bun.stringWidth(line) <= width) return line;
	let cut = line.slice(0, width);
	while (Bun.stringWidth(cut) >= width) cut = cut.slice(0, -1);
	return `${cut}…`;
}
