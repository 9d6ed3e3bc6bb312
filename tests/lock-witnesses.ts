/** Locks as others see them: the kernel's own list, and other processes. */
import fs from "node:fs";
import { join } from "node:path";
import type { Lock, LockOptions } from "../src/index.ts";
import { lines } from "../src/lock-line.ts";
import { nr } from "../src/sys/linux/calls.ts";
import { fn } from "../src/sys/windows/calls.ts";

/** The call that locks, and how many of them a first lock takes: on Windows there is a guard as well. */
export const lockCall =
	process.platform === "win32" ? { fn: fn.LockFileEx, each: 2 } : { fn: nr.fcntl, each: 1 };

/** The methods of a lock in one of their two forms, behind promises. */
export function methods(lock: Lock, form: "async" | "sync") {
	if (form === "async") return lock;
	return {
		release: async () => lock.releaseSync(),
		upgrade: async (...given: Parameters<Lock["upgradeSync"]>) => lock.upgradeSync(...given),
		downgrade: async () => lock.downgradeSync(),
	};
}

/** The locks of open files on a file, as Linux lists them: `WRITE 0 EOF`, `READ 10 19`. */
export function listed(path: string): string[] {
	const { ino, dev } = fs.statSync(path, { bigint: true });
	const hex = (part: bigint) => part.toString(16).padStart(2, "0");
	const minor = (dev & 0xffn) | ((dev >> 12n) & 0xfff00n);
	const file = `${hex((dev >> 8n) & 0xfffn)}:${hex(minor)}:${ino}`;
	const entries = fs.readFileSync("/proc/locks", "utf8").trim().split("\n");
	return entries
		.map((entry) => entry.split(/\s+/))
		.filter(([, kind, , , , of]) => kind === "OFDLCK" && of === file)
		.map(([, , , mode, , , first, last]) => `${mode} ${first} ${last}`)
		.sort();
}

/** How many waits are under way in this thread. */
export function waits(): number {
	return lines.values().reduce((sum, line) => sum + line.length, 0);
}

/** Lets the event loop turn until something is so. */
export async function until(so: () => boolean): Promise<void> {
	const giveUp = performance.now() + 20_000;
	while (!so()) {
		if (performance.now() > giveUp) throw new Error(`it never was so: ${so}`);
		await Bun.sleep(1);
	}
}

/** A process that has a lock, or was refused one. */
export interface Elsewhere extends AsyncDisposable {
	/** What it said first: `"locked"`, or the code of an error. */
	readonly said: string;
	/** Has it release its lock and end. */
	release(): Promise<void>;
	/** Ends it by SIGKILL. */
	kill(): Promise<void>;
}

/** Starts a process that locks a file; it releases the lock when told to, or after a while. */
export async function lockElsewhere(
	path: string,
	options: LockOptions = {},
	{ log = "", milliseconds = "" as number | "" } = {},
): Promise<Elsewhere> {
	const fixture = join(import.meta.dir, "fixtures/lock-holder.ts");
	const words = [path, JSON.stringify(options), log, String(milliseconds)];
	const child = Bun.spawn([process.execPath, fixture, ...words], {
		stdin: "pipe",
		stdout: "pipe",
		stderr: "inherit",
	});
	const { value = new Uint8Array() } = await child.stdout.getReader().read();
	const release = async () => {
		await child.stdin.end();
		await child.exited;
	};
	return {
		said: new TextDecoder().decode(value).trim(),
		release,
		async kill() {
			child.kill("SIGKILL");
			await child.exited;
		},
		[Symbol.asyncDispose]: release,
	};
}
