/**
 * What is on its way to its place: in which order it comes to the disk, who may look at it, and who has
 * the place if somebody else takes it meanwhile.
 */
import { expect } from "bun:test";
import fs from "node:fs";
import type { Call } from "../src/engine/call.ts";
import { O } from "../src/sys/linux/layouts.ts";
import { makeSources, refusal, type Scenario, scenarios } from "./fault-scenarios.ts";
import { changedBy, Trial } from "./fault-trial.ts";
import { failureOf, type forms, onLinux } from "./forms.ts";
import { type CallName, interpose } from "./interposed.ts";

const onCalls = onLinux("its calls");

/** Declares a case that is told of each call of a scenario that succeeds, and of the end. */
function watched(
	scenario: Scenario,
	title: string,
	told: (name: CallName, call: Call) => void,
	ended: () => void,
): void {
	const body: Parameters<typeof forms>[1] = async (given) => {
		makeSources(given);
		const trial = new Trial(given, scenario);
		await using _ = await interpose((name, call, make) => {
			const result = trial.interposer(name, call, make);
			if (result >= 0) told(name, call);
			return result;
		});
		await trial.undisturbed();
		ended();
	};
	onCalls(`${scenario.title}: ${title}`, body, "/dev/shm");
}

/** What a call has to do with what is on the disk. */
function stepOf(name: CallName, call: Call): string | undefined {
	if (name === "fsync") return fs.fstatSync(call.a).isDirectory() ? "names kept" : "content kept";
	if (name === "linkat" || name === "renameat2") return "named";
	if (name === "openat") return (call.c & O.O_CREAT) === 0 ? undefined : "made";
	return changedBy(name, call) === undefined ? undefined : "content";
}

for (const scenario of scenarios.filter(({ synced }) => synced)) {
	const steps: string[] = [];
	watched(
		scenario,
		"on the disk, in order",
		(name, call) => {
			const step = stepOf(name, call);
			if (step !== undefined) steps.push(step);
		},
		() => {
			const order = steps.splice(0).join(", ");
			// Content before the name by which it is found, and that name before all is said to be done.
			expect(order).toMatch(/content, content kept(, (named|made|names kept))*$/);
			expect(order).toMatch(/names kept$/);
			const named = order.indexOf("named");
			if (named >= 0) expect(order.indexOf("content kept")).toBeLessThan(named);
		},
	);
}

/** Those whose files have permissions that they do not begin with: of a source, or of what was there. */
const secret = scenarios.filter(
	({ isCopy, there, inPlace }) => isCopy || (there !== "nothing" && !inPlace),
);

for (const scenario of secret) {
	const modes = new Set<string>();
	watched(
		scenario,
		"nobody else may read it until it is whole",
		(name, call) => {
			const changed = changedBy(name, call);
			// What is emptied shows nothing.
			const empties = name === "ftruncate" && call.b === 0;
			if (changed !== undefined && !empties)
				modes.add(fs.fstatSync(changed).mode.toString(8).slice(-2));
		},
		() => {
			const seen = [...modes];
			modes.clear();
			const isWritten = scenario.refused === undefined && scenario.source !== "empty";
			expect(seen).toEqual(isWritten ? ["00"] : []);
		},
	);
}

for (const scenario of scenarios.filter(({ mustBeNew }) => mustBeNew)) {
	const body: Parameters<typeof forms>[1] = async (given) => {
		const { fsx, path, directory } = given;
		makeSources(given);
		const before = fs.readdirSync(directory);
		await using _ = await interpose((name, call, make) => {
			const lacking = refusal(scenario, name, call);
			const isLast = name === "linkat" || name === "renameat2";
			if (isLast && lacking === undefined && !fs.existsSync(path("to"))) {
				fs.writeFileSync(path("to"), "theirs");
			}
			return lacking ?? make();
		});
		const error = await failureOf(scenario.act(fsx, path(scenario.source), path("to")));
		expect(error).toMatchObject({ code: "EEXIST", dest: path("to") });
		expect(fs.readFileSync(path("to"), "utf8")).toBe("theirs");
		expect(fs.readdirSync(directory).sort()).toEqual([...before, "to"].sort());
	};
	onCalls(`${scenario.title}: somebody else takes the name at last`, body, "/dev/shm");
}
