/**
 * Measures this library and what it is compared with in the same process and in turns, so that a
 * machine that gets slower or faster meanwhile does so for both.
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { Bench, type Task } from "tinybench";

/** Something to measure; only `run` is timed. */
export interface Work {
	/** How many operations one run makes. Default 1. */
	readonly operations?: number;
	readonly prepare?: () => unknown;
	readonly run: () => unknown;
	/** Removes what `run` has made. */
	readonly clean?: () => unknown;
	/** For work that is timed elsewhere: the nanoseconds of the last run. */
	readonly nanoseconds?: () => number;
}

/** What a case is held against: so many times as fast as a rival, or below so many milliseconds. */
export type Target =
	| { readonly rival: string; readonly ratio: number }
	| { readonly milliseconds: number };

export interface Case {
	readonly name: string;
	readonly ours: Work;
	/** What the same costs otherwise, by the name of the function. */
	readonly rivals?: Readonly<Record<string, Work>>;
	readonly targets?: readonly Target[];
	/** How often each side is measured. */
	readonly rounds: number;
	/** Rounds before those, which do not count. Default 1. */
	readonly warmup?: number;
}

/** A subject: its cases, for files in `directory`. Their set-up is made as they are asked for. */
export type Subject = (directory: string) => Generator<Case>;

export interface Figures {
	readonly median: number;
	readonly fastest: number;
	readonly slowest: number;
}

export interface Outcome {
	readonly case: string;
	readonly rounds: number;
	/** Nanoseconds per operation. */
	readonly ours: Figures;
	readonly rivals: Readonly<Record<string, Figures>>;
	/** How many times as fast as each rival this library is, by the medians. */
	readonly ratios: Readonly<Record<string, number>>;
	readonly targets: readonly (Target & { readonly met: boolean })[];
}

/** Runs the cases of one subject in a directory of its own. */
export async function measure(
	subject: Subject,
	report: (outcome: Outcome) => void,
): Promise<Outcome[]> {
	const directory = mkdtempSync(join(ground(), "fsx-bench-"));
	const outcomes: Outcome[] = [];
	try {
		for (const each of subject(directory)) {
			const outcome = await measureCase(each);
			report(outcome);
			outcomes.push(outcome);
		}
	} finally {
		rmSync(directory, { recursive: true, force: true });
	}
	return outcomes;
}

/** Where the files are: in memory if that can be had, so that no disk is measured. */
export function ground(): string {
	return statSync("/dev/shm", { throwIfNoEntry: false })?.isDirectory() ? "/dev/shm" : tmpdir();
}

const OURS = "bun-fs-extended";

async function measureCase(subject: Case): Promise<Outcome> {
	// Tinybench runs a task to its end before the next; one iteration at a time, they take turns.
	const bench = new Bench({ iterations: 1, time: 0, warmup: false, throws: true });
	const sides = Object.entries({ [OURS]: subject.ours, ...subject.rivals });
	for (const [name, work] of sides) add(bench, name, work);
	const samples = new Map<string, number[]>(sides.map(([name]) => [name, []]));
	const { warmup = 1 } = subject;
	for (let round = 0; round < warmup + subject.rounds; round++) {
		for (const task of inTurn(bench.tasks, round)) {
			task.reset(false);
			const { result } = await task.run();
			if (!("latency" in result)) throw new Error(`${task.name} was not measured`);
			if (round >= warmup) samples.get(task.name)?.push(result.latency.mean * 1e6);
		}
	}
	const figures = new Map([...samples].map(([name, values]) => [name, figuresOf(values)]));
	return outcomeOf(subject, figures);
}

function add(bench: Bench, name: string, work: Work): void {
	const { operations = 1, prepare, run, clean, nanoseconds } = work;
	const timed = async () => {
		const started = Bun.nanoseconds();
		const pending = run();
		if (pending instanceof Promise) await pending;
		const elapsed = nanoseconds?.() ?? Bun.nanoseconds() - started;
		return { overriddenDuration: elapsed / operations / 1e6 };
	};
	bench.add(name, timed, {
		async: true,
		beforeEach: async () => {
			await prepare?.();
		},
		afterEach: async () => {
			await clean?.();
		},
	});
}

/** The first of one round is the last of the next: what goes before may warm or spoil a cache. */
function inTurn(tasks: readonly Task[], round: number): Task[] {
	const first = round % tasks.length;
	return [...tasks.slice(first), ...tasks.slice(0, first)];
}

function figuresOf(values: number[]): Figures {
	const sorted = values.toSorted((one, other) => one - other);
	const middle = sorted[sorted.length >> 1];
	const [fastest] = sorted;
	const slowest = sorted.at(-1);
	if (middle === undefined || fastest === undefined || slowest === undefined) {
		throw new Error("a case needs at least one round");
	}
	return { median: middle, fastest, slowest };
}

function outcomeOf(subject: Case, figures: ReadonlyMap<string, Figures>): Outcome {
	const { [OURS]: ours, ...rivals } = Object.fromEntries(figures);
	if (ours === undefined) throw new Error("this library was not measured");
	const ratios = Object.fromEntries(
		Object.entries(rivals).map(([name, { median }]) => [name, median / ours.median]),
	);
	const met = (target: Target) =>
		"ratio" in target
			? (ratios[target.rival] ?? 0) >= target.ratio
			: ours.median < target.milliseconds * 1e6;
	const targets = (subject.targets ?? []).map((target) => ({ ...target, met: met(target) }));
	return { case: subject.name, rounds: subject.rounds, ours, rivals, ratios, targets };
}

/** What the figures depend on. */
export function machine(): Record<string, string> {
	const processors = cpus();
	return {
		cpu: `${processors.length} x ${processors[0]?.model ?? "unknown"}`,
		kernel: `${process.platform} ${release()} ${process.arch}`,
		bun: Bun.version,
		filesystem: filesystemOf(ground()),
	};
}

function filesystemOf(directory: string): string {
	if (process.platform !== "linux") return "unknown";
	const mounts = readFileSync("/proc/self/mounts", "utf8")
		.split("\n")
		.map((line) => line.split(" "))
		.flatMap(([, at, type]) => (at !== undefined && type !== undefined ? [{ at, type }] : []))
		.filter(({ at }) => `${directory}/`.startsWith(at === "/" ? at : `${at}/`));
	// The longest mount point is the nearest, and of equal ones the last mounted is on top.
	const nearest = mounts.toSorted((one, other) => one.at.length - other.at.length).at(-1);
	return nearest?.type ?? "unknown";
}
