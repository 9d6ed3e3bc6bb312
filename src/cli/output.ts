/** Writing what a command has to say, and noticing when it cannot be written. */
import { writeSync } from "node:fs";

const OUT = 1;
const ERR = 2;
/** Between two tries to write to what is full and was set not to wait, as a terminal may be. */
const PAUSE_MILLISECONDS = 1;

/** Standard output could not be written. */
export class OutputError extends Error {}

/** Prints text and the end of the line. Nobody being left to read it is no failure. */
export function print(text: string): void {
	printRaw(`${text}\n`);
}

export function printRaw(text: string): void {
	try {
		write(OUT, text);
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		if (code !== "EPIPE") throw new OutputError(`the output cannot be written: ${message}`);
	}
}

/** The same for what went wrong: that it cannot be said must not hide it from the exit code. */
export function printError(text: string): void {
	try {
		write(ERR, `${text}\n`);
	} catch {
		// There is nowhere else to say it.
	}
}

function write(fd: number, text: string): void {
	const bytes = Buffer.from(text);
	for (let at = 0; at < bytes.length; ) {
		try {
			at += writeSync(fd, bytes, at);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
			Bun.sleepSync(PAUSE_MILLISECONDS);
		}
	}
}
