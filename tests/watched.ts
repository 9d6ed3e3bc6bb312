/** Watchers of both forms, as one, and what they saw. */
import fs from "node:fs";
import { tmpdir } from "node:os";
import {
	type Change,
	type SyncWatcher,
	type Target,
	type Watcher,
	type WatchSyncOptions,
	watch,
	watchSync,
} from "../src/index.ts";
import { output } from "./witnesses.ts";

type Options = Omit<WatchSyncOptions, "encoding" | "timeoutMs">;

/** A watcher of either form. What does not come for so long never will. */
export type Watching = (Watcher | SyncWatcher) & AsyncDisposable;

const PATIENCE_MILLISECONDS = 20_000;

/** Begins to watch, and returns when the watch is there. */
export async function watching(
	form: "async" | "sync",
	target: Target,
	options: Options = {},
): Promise<Watching> {
	if (form === "async") {
		const watcher = watch(target, options);
		await watcher.ready;
		return watcher;
	}
	const watcher = watchSync(target, { timeoutMs: PATIENCE_MILLISECONDS, ...options });
	return Object.assign(watcher, { [Symbol.asyncDispose]: async () => watcher.close() });
}

/** A change in few words: `"create a"`, `"rename a -> b"`. */
export function brief({ kind, path, from }: Change): string {
	return from === undefined ? `${kind} ${path}` : `${kind} ${from} -> ${path}`;
}

/** The changes up to one that is given in few words, without it. */
export async function changesUntil(watcher: Watching, last: string): Promise<string[]> {
	const seen: string[] = [];
	for (;;) {
		const { value } = await watcher.next();
		if (value === undefined) {
			throw new Error(`the end came before "${last}", after ${seen.length}: ${seen.slice(-9)}`);
		}
		const change = brief(value);
		if (change === last) return seen;
		seen.push(change);
	}
}

/** The changes up to now, of a directory that is watched. */
export async function changesIn(watcher: Watching, directory: string): Promise<string[]> {
	fs.mkdirSync(`${directory}/the end`);
	return changesUntil(watcher, "create the end");
}

/** All changes that are still to come. */
export async function changesToEnd(watcher: Watching): Promise<string[]> {
	const seen: string[] = [];
	for (;;) {
		const { done, value } = await watcher.next();
		if (done) return seen;
		seen.push(brief(value));
	}
}

/** On Windows each watcher has a directory open, under the temporary one. */
function watchedDirectories(): string[] {
	const { openPaths } = require("./open-handles.ts") as typeof import("./open-handles.ts");
	const above = fs.realpathSync.native(tmpdir()).toLowerCase();
	return openPaths().filter((name) => name.toLowerCase().startsWith(above));
}

/** The queues of events that this process has, each with the inodes of what is watched. */
export function queues(): string[][] {
	if (process.platform === "win32") return watchedDirectories().map((name) => [name]);
	return fs.readdirSync("/proc/self/fd").flatMap((fd) => {
		try {
			if (fs.readlinkSync(`/proc/self/fd/${fd}`) !== "anon_inode:inotify") return [];
			const info = fs.readFileSync(`/proc/self/fdinfo/${fd}`, "latin1");
			return [[...info.matchAll(/^inotify wd:\S+ ino:(\S+)/gm)].map(([, ino = ""]) => ino).sort()];
		} catch {
			return []; // The descriptor of the listing itself.
		}
	});
}

/** A directory and all that are below, by find(1), which follows no links. */
export function directoriesBelow(directory: string): string[] {
	return output("find", directory, "-type", "d").trim().split("\n");
}

/** Their inodes, as `queues` gives them. */
export function inodesBelow(directory: string): string[] {
	return directoriesBelow(directory)
		.map((name) => fs.statSync(name, { bigint: true }).ino.toString(16))
		.sort();
}

/** Makes an empty file, and does nothing more to it: the runtime's `writeFile` also truncates. */
export function touch(name: string | Buffer): void {
	fs.closeSync(fs.openSync(name, "w"));
}
