/**
 * Every call of a copy or a write fails once, in every way that matters, and does less than it is asked
 * once: what has the name afterwards is the old file or the new one, whole, and nothing else is left.
 */
import { expect } from "bun:test";
import fs from "node:fs";
import type { Call } from "../src/engine/call.ts";
import { FICLONE } from "../src/sys/linux/layouts.ts";
import {
	ATTRIBUTE,
	checkNames,
	checkSubject,
	errno,
	makeSources,
	refusal,
	restore,
	type Scenario,
	type Seen,
	scenarios,
	seen,
	subjectOf,
} from "./fault-scenarios.ts";
import { filesystem } from "./filesystems.ts";
import { forms, type Given } from "./forms.ts";
import { type CallName, type Interposer, interpose } from "./interposed.ts";
import { openIn } from "./witnesses.ts";

/** Names that errors have for calls, where those differ. */
const syscalls: Partial<Record<CallName, string[]>> = {
	fchmodat: ["chmod"],
	fchownat: ["chown"],
	ioctl: ["copyfile", "getflags", "setflags"],
	linkat: ["link"],
	openat: ["open"],
	pread64: ["read"],
	pwrite64: ["write"],
	readlinkat: ["readlink"],
	renameat2: ["rename"],
	statx: ["fstat", "lstat", "stat"],
	utimensat: ["futime"],
};

/** Calls that may fail without harm: a lock may not be needed, nor a close of what has nothing to lose. */
const dispensable = new Set<CallName>(["close", "faccessat", "flock", "fstatfs"]);
/** Calls that may do less than they are asked. */
const transfers = { pread64: "c", pwrite64: "c", copy_file_range: "e" } as const;

/** Calls that change content, and which of their parameters is the descriptor. */
const changes: Partial<Record<CallName, "a" | "c">> = {
	copy_file_range: "c",
	ftruncate: "a",
	ioctl: "a",
	pwrite64: "a",
};

/** What is done to the calls of one run, by their number in it. */
interface Plan {
	/** The code with which a call fails; undefined to let it be made. */
	readonly fails?: (step: number, name: CallName) => string | undefined;
	/** Bytes that a transfer may move. */
	readonly most?: (step: number) => number;
	/** What the source is said not to have, so that nobody can keep it. */
	readonly lacks?: readonly string[];
}

interface Outcome {
	readonly calls: readonly CallName[];
	/** Whether the close failed of the file that has the name, which may not have come to the disk. */
	readonly lostContent: boolean;
	readonly error: (Error & Record<string, unknown>) | undefined;
	readonly notPreserved: readonly string[];
}

/** Runs one scenario again and again, in a kernel that does to it what a plan says. */
class Trial {
	private calls: CallName[] = [];
	/** Descriptors of files that have been changed and not been put on the disk. */
	private readonly dirty = new Set<number>();
	/** The file whose close failed while it was one of those. */
	private lost: bigint | undefined;
	private plan: Plan = {};
	private before: Seen | undefined;
	/** What a run without faults makes. */
	private whole: Seen | undefined;

	constructor(
		private readonly given: Given,
		readonly scenario: Scenario,
	) {}

	get form(): Given["form"] {
		return this.given.form;
	}

	readonly interposer: Interposer = (name, call, make) => {
		const step = this.calls.push(name) - 1;
		const { fails, most } = this.plan;
		const code = fails?.(step, name);
		this.follow(name, call, code);
		// A close that fails has closed all the same.
		if (code !== undefined && name === "close") make();
		if (code !== undefined) return errno(code);
		const lacking = refusal(this.scenario, name, call);
		if (lacking !== undefined) return lacking;
		if (most === undefined || !(name in transfers)) return make();
		const length = transfers[name as keyof typeof transfers];
		return make({ [length]: Math.min(call[length], most(step)) });
	};

	/** Keeps account of what has been changed and may be lost. */
	private follow(name: CallName, call: Call, code: string | undefined): void {
		const { [name]: changed } = changes;
		const isOther = name === "ioctl" && call.b !== FICLONE;
		if (changed !== undefined && !isOther) this.dirty.add(call[changed]);
		if (name === "fsync") this.dirty.delete(call.a);
		if (name !== "close" || !this.dirty.delete(call.a) || code === undefined) return;
		this.lost = fs.fstatSync(call.a, { bigint: true }).ino;
	}

	/** The calls of a run in which nothing goes wrong. */
	async undisturbed(): Promise<readonly CallName[]> {
		this.before = restore(this.given, this.scenario, undefined);
		const { calls, error } = await this.perform({});
		expect(error?.code).toBe(this.scenario.refused);
		this.whole = seen(subjectOf(this.given, this.scenario));
		return calls;
	}

	/** One run by a plan, after which all must be as it should. */
	async run(what: string, plan: Plan): Promise<Outcome> {
		const { given, scenario } = this;
		this.before = restore(given, scenario, this.before);
		const outcome = await this.perform(plan);
		expect([what, openIn(given.directory)]).toEqual([what, 0]);
		const { error, notPreserved } = outcome;
		const done = error === undefined || error.code === scenario.refused;
		const unlike = [...notPreserved, ...(plan.lacks ?? [])];
		const expected = { before: this.before, whole: this.whole, done, notPreserved: unlike };
		checkNames(given, scenario, what);
		checkSubject(given, scenario, what, expected);
		if (error !== undefined) {
			const { name, path, dest } = error;
			const [from, to] = [given.path(scenario.source), given.path("to")];
			expect([what, name, path, dest]).toEqual([what, "FsError", ...scenario.names(from, to)]);
		}
		return outcome;
	}

	private async perform(plan: Plan): Promise<Outcome> {
		const { given, scenario } = this;
		const [from, to] = [given.path(scenario.source), given.path("to")];
		this.calls = [];
		this.dirty.clear();
		this.lost = undefined;
		this.plan = plan;
		let error: Outcome["error"];
		let notPreserved: readonly string[] = [];
		try {
			const report = await scenario.act(given.fsx, from, to);
			notPreserved = report?.notPreserved ?? [];
		} catch (reason) {
			error = reason as Outcome["error"];
		}
		this.plan = {};
		const lostContent =
			this.lost !== undefined && this.lost === seen(subjectOf(given, scenario))?.ino;
		return { calls: this.calls, lostContent, error, notPreserved };
	}
}

/** Failures that nothing can be done about. */
const fatal = ["EIO", "ENOSPC", "EDQUOT"];
/** Failures that may mean that another way is to be tried. */
const others = [
	...["EACCES", "EAGAIN", "EBUSY", "EFBIG", "EMFILE", "ENOMEM", "ENOSYS", "ENOTSUP", "EPERM"],
	...["EROFS", "ESTALE", "ETIMEDOUT", "EXDEV"],
];

/** Fails each call of a scenario once in each of these ways, and gives how many runs that took. */
async function failEach(trial: Trial, codes: readonly string[]): Promise<number> {
	const calls = await trial.undisturbed();
	let runs = 0;
	for (const [step, name] of calls.entries()) {
		for (const code of codes) {
			const what = `${code} from ${name}, call ${step}`;
			const outcome = await trial.run(what, {
				fails: (now) => (now === step ? code : undefined),
				lacks: name === "flistxattr" && code === "ENOTSUP" ? [ATTRIBUTE] : [],
			});
			runs++;
			if (fatal.includes(code)) checkBlame(trial, what, name, code, outcome);
		}
	}
	return runs;
}

/** What is fatal is told as it was, or reported as metadata that could not be kept. */
function checkBlame(
	{ scenario }: Trial,
	what: string,
	name: CallName,
	code: string,
	{ error, notPreserved, lostContent }: Outcome,
): void {
	if (error === undefined || error.code === scenario.refused) {
		const harmless = dispensable.has(name) && !lostContent;
		expect([what, notPreserved.length > 0 || harmless]).toEqual([what, true]);
		return;
	}
	expect([what, error.code]).toEqual([what, code]);
	const known = syscalls[name] ?? [name];
	expect([what, error.syscall, known.includes(String(error.syscall))]).toEqual([
		what,
		error.syscall,
		true,
	]);
}

/** Has what cleans up after each failure fail as well: the first failure is the one to be told. */
async function failTwice(trial: Trial): Promise<number> {
	const calls = await trial.undisturbed();
	for (const [step, name] of calls.entries()) {
		const what = `EIO from ${name}, call ${step}, and then ENOSPC from each close`;
		const { error } = await trial.run(what, {
			fails: (now, which) => {
				if (now === step) return "EIO";
				return now > step && which === "close" ? "ENOSPC" : undefined;
			},
		});
		if (!dispensable.has(name)) expect([what, error?.code]).toEqual([what, "EIO"]);
	}
	return calls.length;
}

/** Interrupts each call once: it is made again, unless it is a close, and nothing else happens. */
async function interruptEach(trial: Trial): Promise<number> {
	const calls = await trial.undisturbed();
	for (const [step, name] of calls.entries()) {
		const what = `EINTR from ${name}, call ${step}`;
		const outcome = await trial.run(what, {
			fails: (now) => (now === step ? "EINTR" : undefined),
		});
		expect([what, outcome.error?.code]).toEqual([what, trial.scenario.refused]);
		const again = calls.toSpliced(step, 0, ...(name === "close" ? [] : [name]));
		expect([what, outcome.calls]).toEqual([what, again]);
	}
	return calls.length;
}

/** Has each transfer move less than it is asked to, alone and all together. */
async function shortenEach(trial: Trial): Promise<number> {
	const calls = await trial.undisturbed();
	let runs = 0;
	for (const bytes of [1, 4095, 100_000]) {
		for (const [step, name] of calls.entries()) {
			if (!(name in transfers)) continue;
			const what = `${bytes} bytes by ${name}, call ${step}`;
			const outcome = await trial.run(what, {
				most: (now) => (now === step ? bytes : Number.POSITIVE_INFINITY),
			});
			expect([what, outcome.error]).toEqual([what, undefined]);
			runs++;
		}
	}
	const what = "at most 1777 bytes by any call";
	const outcome = await trial.run(what, { most: () => 1777 });
	expect([what, outcome.error?.code]).toEqual([what, trial.scenario.refused]);
	return runs + 1;
}

/** Declares a case for each scenario. */
function everyScenario(
	title: string,
	declare: (title: string, body: (given: Given) => Promise<void>) => void,
	body: (trial: Trial) => Promise<number>,
): void {
	for (const scenario of scenarios) {
		declare(`${scenario.title}: ${title}`, async (given) => {
			makeSources(given);
			const trial = new Trial(given, scenario);
			await using _ = await interpose(trial.interposer);
			expect(await body(trial)).toBeGreaterThan(0);
		});
	}
}

const inMemory: typeof forms = (title, body) => forms(title, body, "/dev/shm");

everyScenario("each call fails", inMemory, (trial) =>
	// What other ways there are does not depend on the form.
	failEach(trial, trial.form === "sync" ? [...fatal, ...others] : fatal),
);
everyScenario("each call fails, and then each close", inMemory, failTwice);
everyScenario("each call is interrupted", inMemory, interruptEach);
everyScenario("each transfer is short", inMemory, shortenEach);
// Where blocks are shared.
everyScenario("each call fails", filesystem("xfs").forms, (trial) => failEach(trial, ["EIO"]));
