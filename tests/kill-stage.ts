/** What processes that are killed are at work on: files and a tree that all of them replace. */
import { expect } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { copyFileSync, copyTreeSync, writeFileSync } from "../src/index.ts";
import { IN_MEMORY, ON_WINDOWS } from "./forms.ts";
import { generation, generationOf } from "./generations.ts";
import { type FilesystemName, mount } from "./mounts.ts";
import { output } from "./witnesses.ts";

/** What the processes replace, and what they make it from. */
export function build(directory: string): void {
	const name = (path: string) => join(directory, path);
	fs.mkdirSync(directory);
	for (let i = 0; i < 4; i++) fs.writeFileSync(name(`source-${i}`), generation(i * 3));
	for (const [i, tree] of ["tree-0", "tree-1", "tree"].entries()) {
		fs.mkdirSync(name(`${tree}/sub`), { recursive: true });
		fs.writeFileSync(name(`${tree}/file`), generation(i));
		fs.writeFileSync(name(`${tree}/sub/file`), generation(i + 10));
		fs.linkSync(name(`${tree}/file`), name(`${tree}/sub/same`));
		fs.symlinkSync(`target-${i}`, name(`${tree}/link`));
	}
	for (const file of ["written", "copied"]) fs.writeFileSync(name(file), generation(0));
}

/**
 * Fails unless each of the files is one generation, and each link one of the links, at the latest when
 * it was looked at so often.
 */
export function checkWhole(directory: string, looks = 1): void {
	for (const file of ["written", "copied", "tree/file", "tree/sub/file", "tree/sub/same"]) {
		const content = found(looks, () => fs.readFileSync(join(directory, file)));
		expect(generationOf(content)).toBeGreaterThanOrEqual(0);
	}
	const target = found(looks, () => fs.readlinkSync(join(directory, "tree/link")));
	expect(target).toMatch(/^target-[012]$/);
}

/** What is there, though a look that meets a rename may say that nothing is. */
function found<T>(looks: number, look: () => T): T {
	for (let left = looks; ; left--) {
		try {
			return look();
		} catch (error) {
			if (left <= 1 || (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
		}
	}
}

export const temporaries = (directory: string) =>
	fs
		.readdirSync(directory, { recursive: true })
		.map(String)
		.filter((path) => path.includes(".fsx-"));

/**
 * Waits until nobody has locked what was left: a request to io_uring that meets the end of its process
 * keeps its file, and so the lock, for some milliseconds longer.
 */
export function awaitUnlocked(directory: string): void {
	// Windows has taken all that a process had by the time that it is seen to have ended.
	if (ON_WINDOWS) return;
	const isLocked = (path: string) => /\.fsx-[^.]+\.tmp$/.test(path);
	for (const path of temporaries(directory).filter(isLocked)) {
		output("flock", join(directory, path), "true");
	}
}

/** What the next run does. */
export function runOnce(directory: string, tree = "tree-0"): void {
	writeFileSync(join(directory, "written"), generation(1), { atomic: true });
	copyFileSync(join(directory, "source-1"), join(directory, "copied"));
	copyTreeSync(join(directory, tree), join(directory, "tree"));
}

/** Lines of what a process prints, as they come. */
async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
	const decoder = new TextDecoder();
	let rest = "";
	for await (const chunk of stream) {
		const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
		rest = lines.pop() ?? "";
		yield* lines;
	}
	if (rest !== "") yield rest;
}

/** Functions of the library that a process uses again and again. */
export type Replacing = "writeFile" | "copyFile" | "copyTree";

/** A process that replaces what is in a directory, until something fails or it is killed. */
export interface Loop extends AsyncDisposable {
	/** Has it begin, and waits until it has. */
	go(): Promise<void>;
	/** What it fails with, once it does. */
	failure(): Promise<{ code: string; done: number[] }>;
	/** Kills it, and says in the middle of what; fails if it had ended before. */
	kill(): Promise<Replacing>;
	/** Kills it whether it has ended or not, and waits until it is no more. */
	[Symbol.asyncDispose](): Promise<void>;
}

/** Starts such a process, which waits to be told to begin; `how` is its functions, and `sync`. */
export async function startLoop(
	directory: string,
	rehearsal: string,
	form: "sync" | "async",
	...how: (Replacing | "sync")[]
): Promise<Loop> {
	const note = join(IN_MEMORY, `fsx-note-${crypto.randomUUID()}`);
	const program = join(import.meta.dir, "fixtures/kill-loop.ts");
	const command = [process.execPath, program, directory, rehearsal, note, form, ...how];
	const child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
	const lines = linesOf(child.stdout);
	const line = async () => (await lines.next()).value ?? "";
	await using stack = new AsyncDisposableStack();
	stack.defer(async () => {
		child.kill("SIGKILL");
		await child.exited;
		fs.rmSync(note, { force: true });
	});
	expect(await line()).toBe("ready");
	const said = fs.openSync(note, "r");
	stack.defer(() => fs.closeSync(said));
	fs.unlinkSync(note);
	const started = stack.move();
	return {
		async go() {
			child.stdin.write("go\n");
			child.stdin.flush();
			expect(await line()).toBe("begun");
		},
		failure: async () => JSON.parse(await line()),
		async kill() {
			child.kill("SIGKILL");
			await child.exited;
			if (child.signalCode !== "SIGKILL") {
				throw new Error(`it was not killed, but ended: ${await line()}`);
			}
			return fs.readFileSync(said, "latin1").trim() as Replacing;
		},
		[Symbol.asyncDispose]: () => started.disposeAsync(),
	};
}

/** Processes of which none is left once this is disposed of, not even one that is still starting. */
export class Crew implements AsyncDisposable {
	private readonly starting: Promise<Loop>[] = [];

	start(...how: Parameters<typeof startLoop>): Promise<Loop> {
		const loop = startLoop(...how);
		this.starting.push(loop);
		// Whoever waits for it is told; nobody does any more once something else has failed.
		loop.catch(() => {});
		return loop;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const loop of await Promise.allSettled(this.starting)) {
			if (loop.status === "fulfilled") await loop.value[Symbol.asyncDispose]();
		}
	}
}

/** A directory on a filesystem of its own, or in memory. */
export function place(name: FilesystemName | "memory"): { directory: string } & Disposable {
	const mounted = name === "memory" ? undefined : mount(name);
	const directory = fs.mkdtempSync(join(mounted?.root ?? IN_MEMORY, "fsx-kill-"));
	return {
		directory,
		[Symbol.dispose]() {
			fs.rmSync(directory, { recursive: true });
			mounted?.[Symbol.dispose]();
		},
	};
}
