/**
 * Every call of a copy or a write fails once, in every way that matters, and does less than it is asked
 * once: what has the name afterwards is the old file or the new one, whole, and nothing else is left.
 */
import { expect } from "bun:test";
import { ATTRIBUTE, makeSources, scenarios } from "./fault-scenarios.ts";
import { type Outcome, Trial, transfers } from "./fault-trial.ts";
import { filesystem } from "./filesystems.ts";
import { type forms, type Given, onLinux } from "./forms.ts";
import { type CallName, interpose } from "./interposed.ts";

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
/** And these, once the file is in its place: with them the one that tells who is at work is removed. */
const tidying: readonly CallName[] = ["statx", "unlinkat"];
function tidies(calls: readonly CallName[], step: number): boolean {
	const placed = calls.findLastIndex((name) => name === "linkat" || name === "renameat2");
	const name = calls[step] as CallName;
	return step > placed && calls.lastIndexOf("flock") > placed && tidying.includes(name);
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
			if (fatal.includes(code) && !tidies(calls, step))
				checkBlame(trial, what, name, code, outcome);
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
		if (!dispensable.has(name) && !tidies(calls, step))
			expect([what, error?.code]).toEqual([what, "EIO"]);
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

const inMemory: typeof forms = (title, body) => onLinux("its calls")(title, body, "/dev/shm");

everyScenario("each call fails", inMemory, (trial) =>
	// What other ways there are does not depend on the form.
	failEach(trial, trial.form === "sync" ? [...fatal, ...others] : fatal),
);
everyScenario("each call fails, and then each close", inMemory, failTwice);
everyScenario("each call is interrupted", inMemory, interruptEach);
everyScenario("each transfer is short", inMemory, shortenEach);
// Where blocks are shared.
everyScenario("each call fails", filesystem("xfs").forms, (trial) => failEach(trial, ["EIO"]));
