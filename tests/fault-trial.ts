/** Runs of copies and writes in a kernel that fails, or does less, as a test has planned it. */
import { expect } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import type { Call } from "../src/engine/call.ts";
import { FICLONE } from "../src/sys/linux/layouts.ts";
import {
	checkNames,
	checkSubject,
	errno,
	refusal,
	restore,
	type Scenario,
	type Seen,
	seen,
	subjectOf,
} from "./fault-scenarios.ts";
import type { Given } from "./forms.ts";
import type { CallName, Interposer } from "./interposed.ts";
import { openIn } from "./witnesses.ts";

/** Calls that may do less than they are asked. */
export const transfers = { pread64: "c", pwrite64: "c", copy_file_range: "e" } as const;

/** Calls that change content, and which of their parameters is the descriptor. */
const changes: Partial<Record<CallName, "a" | "c">> = {
	copy_file_range: "c",
	ftruncate: "a",
	ioctl: "a",
	pwrite64: "a",
};

/** The descriptor of the file whose content a call changes, if it does. */
export function changedBy(name: CallName, call: Call): number | undefined {
	const { [name]: parameter } = changes;
	if (parameter === undefined || (name === "ioctl" && call.b !== FICLONE)) return undefined;
	return call[parameter];
}

/** The empty file that tells who is at work stays if it cannot be locked or removed: the next run does that. */
function removeLockFile(directory: string): void {
	for (const name of fs.readdirSync(directory)) {
		const path = join(directory, name);
		const isLockFile = /^\.fsx-[0-9a-f]{8}-\d+\.tmp$/.test(name);
		if (isLockFile && fs.statSync(path).size === 0) fs.unlinkSync(path);
	}
}

/** What is done to the calls of one run, by their number in it. */
export interface Plan {
	/** The code with which a call fails; undefined to let it be made. */
	readonly fails?: (step: number, name: CallName) => string | undefined;
	/** Bytes that a transfer may move. */
	readonly most?: (step: number) => number;
	/** What the source is said not to have, so that nobody can keep it. */
	readonly lacks?: readonly string[];
}

export interface Outcome {
	readonly calls: readonly CallName[];
	/** Whether the close failed of the file that has the name, which may not have come to the disk. */
	readonly lostContent: boolean;
	readonly error: (Error & Record<string, unknown>) | undefined;
	readonly notPreserved: readonly string[];
}

/** Runs one scenario again and again, in a kernel that does to it what a plan says. */
export class Trial {
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
		const changed = changedBy(name, call);
		if (changed !== undefined) this.dirty.add(changed);
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
		if (plan.fails !== undefined) removeLockFile(given.directory);
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
