/** Makes the library do an act again and again while everything around it is swapped. */
import fs from "node:fs";
import { join } from "node:path";
import {
	Dir,
	File,
	FsError,
	Lock,
	Metadata,
	openDirSync,
	SyncWatcher,
	Watcher,
} from "../../src/index.ts";
import { type Act, type Form, functions, type Stage } from "./acts.ts";
import { type Arena, identity, SECRET } from "./arena.ts";

/** Promise forms under way at a time. */
const AT_ONCE = 32;
/** How anything may fail: it leads out, it is not there, it is being moved. */
const KNOWN = ["EXDEV", "ENOENT", "EAGAIN"];

/** How long to go on: until so many tries are done, or so much time has passed. */
export interface Limit {
	readonly tries: number;
	readonly seconds: number;
}

/** What came of an act that was done many times. */
export interface Count {
	readonly tries: number;
	/** How often each thing came of it: `"inside"`, or the code of an error. */
	readonly outcomes: Readonly<Record<string, number>>;
	/** How often something else came of it than the time before. */
	readonly flips: number;
	readonly nanoseconds: number;
	/** What was reached outside, and errors of no known kind; nothing, if all is well. */
	readonly faults: readonly string[];
}

/** Starts a process that swaps things around, and gives it back when it is at work. */
export async function attack(
	{ root, foreign }: Arena,
	leaves: readonly string[],
): Promise<AsyncDisposable> {
	const program = join(import.meta.dir, "swapper.ts");
	const child = Bun.spawn([process.execPath, program, root, foreign, ...leaves], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	await child.stdout.getReader().read();
	return {
		async [Symbol.asyncDispose]() {
			child.kill("SIGKILL");
			await child.exited;
			if (child.signalCode !== "SIGKILL") throw new Error("the attacker had ended by itself");
		},
	};
}

/** Tries one act in an arena that somebody else is at work in. */
export async function trial(arena: Arena, act: Act, form: Form, limit: Limit): Promise<Count> {
	using dir = openDirSync(arena.world, { beneath: true });
	const tally = new Tally(arena, act, form, dir);
	const started = Bun.nanoseconds();
	const end = started + limit.seconds * 1e9;
	const goesOn = () => tally.tries < limit.tries && Bun.nanoseconds() < end;
	if (form === "sync") {
		while (goesOn()) tally.trySync();
	} else {
		const again = async () => {
			while (goesOn()) await tally.tryAsync();
		};
		await Promise.all(Array.from({ length: AT_ONCE }, again));
	}
	return tally.count(Bun.nanoseconds() - started);
}

/** Does an act, looks at what comes of it, and counts. */
export class Tally {
	tries = 0;
	private readonly outcomes = new Map<string, number>();
	private readonly faults: string[] = [];
	private readonly stage: Stage;
	private flips = 0;
	private last = "";

	constructor(
		private readonly arena: Arena,
		private readonly act: Act,
		form: Form,
		dir: Dir,
	) {
		const { inside } = arena;
		this.stage = { fsx: functions[form], form, at: (name) => dir.at(name), inside };
	}

	trySync(): void {
		this.tries++;
		try {
			this.succeeded(this.act.run(this.stage));
		} catch (error) {
			this.failed(error);
		}
	}

	async tryAsync(): Promise<void> {
		this.tries++;
		try {
			const value = await this.act.run(this.stage);
			if (value instanceof Watcher) await value.ready;
			if (isAsyncIterable(value)) for await (const one of value) this.inspect(one);
			this.succeeded(value);
		} catch (error) {
			this.failed(error);
		}
	}

	count(nanoseconds: number): Count {
		const { tries, outcomes, flips, arena } = this;
		const faults = [...this.faults, ...arena.changes()];
		return { tries, outcomes: Object.fromEntries(outcomes), flips, nanoseconds, faults };
	}

	private succeeded(value: unknown): void {
		this.inspect(value);
		const failure = Array.isArray(value) ? value.find((one) => one instanceof FsError) : undefined;
		if (failure !== undefined) {
			this.failed(failure);
		} else {
			this.act.undo?.(this.stage);
			this.note("inside");
		}
	}

	private failed(error: unknown): void {
		const { code } = error as { code?: string };
		const known = code !== undefined && (KNOWN.includes(code) || this.act.fails.includes(code));
		if (!known) this.fault(`it failed with ${error}`);
		this.note(code ?? "an error without a code");
	}

	private note(outcome: string): void {
		this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
		if (this.last !== "" && outcome !== this.last) this.flips++;
		this.last = outcome;
	}

	private fault(what: string): void {
		if (this.faults.length < 10) this.faults.push(what);
	}

	/** Looks for anything from outside in what a function gave, and closes what it has opened. */
	private inspect(value: unknown): void {
		if (typeof value !== "object" || value === null) {
			if (typeof value === "string" && value.includes(SECRET)) this.fault(`it gave ${value}`);
		} else if (value instanceof Uint8Array) {
			this.inspect(Buffer.from(value).toString("latin1"));
		} else if (value instanceof Metadata) {
			this.identify(value);
		} else if (value instanceof File || value instanceof Dir) {
			const found = fs.fstatSync(value.fd, { bigint: true });
			this.identify(found);
			if (found.nlink === 0n) this.locate(value.fd);
			value.closeSync();
		} else if (value instanceof Lock) {
			value.releaseSync();
		} else if (value instanceof SyncWatcher) {
			value.close();
		} else if (value instanceof Watcher) {
			value.close().catch((error) => this.fault(`it failed with ${error}`));
		} else if (Symbol.iterator in value) {
			for (const one of value as Iterable<unknown>) this.inspect(one);
		} else {
			for (const one of Object.values(value)) this.inspect(one);
		}
		if (typeof value === "bigint" && value === this.arena.foreignId)
			this.fault("it saw a filesystem");
	}

	private identify(found: { dev: bigint; ino: bigint }): void {
		if (this.arena.outside.has(identity(found))) this.fault(`it reached ${identity(found)}`);
	}

	/** A file without a name is in no listing, but the system knows where it was made. */
	private locate(fd: number): void {
		const path = fs.readlinkSync(`/proc/self/fd/${fd}`);
		const { root } = this.arena;
		const known = ["world", "moved", "spare"].some((name) => path.startsWith(join(root, name)));
		if (!known) this.fault(`it made ${path}`);
	}
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
	return (
		typeof value === "object" &&
		value !== null &&
		!(value instanceof Watcher) &&
		Symbol.asyncIterator in value
	);
}
