/** Calls a function with what it should refuse, and with what it should take though it is odd. */
import fs from "node:fs";
import fc from "fast-check";
import { configureEngine, Dir, File, Lock, stopEngine, Watcher } from "../../src/index.ts";
import { laneCounts } from "../fixtures/lane-counts.ts";
import type { Described } from "./described.ts";
import { expectAnswer, expectRefusal, type Outcome } from "./judge.ts";
import type { Parameter } from "./parameters.ts";
import type { Subject } from "./subjects.ts";
import { anything, labelOf, type Value, value } from "./value.ts";
import type { World } from "./world.ts";

/** Items of a sequence that are asked for. */
const MOST_ITEMS = 30;
const MOST_MILLISECONDS = 5000;

const rejections: unknown[] = [];
process.on("unhandledRejection", (reason) => rejections.push(reason));

/** A call as it is printed and made. */
interface Attempt {
	readonly self: Value;
	readonly args: readonly Value[];
}

type Verdict = (outcome: Outcome, attempt: Attempt) => void;

/** Throws with the arguments of a call, as few of them as it takes, of which not the right thing came. */
export async function attack(
	subject: Subject,
	world: World,
	runs: number,
	note: number,
): Promise<void> {
	const { described } = subject;
	await checkOptionNames(subject, world);
	await property(subject, answered(described), runs);
	if (described.parameters.length > 0) await property(subject, refused(described), runs);

	async function property(
		{ self }: Subject,
		[args, verdict]: readonly [fc.Arbitrary<Value[]>, Verdict],
		numRuns: number,
	): Promise<void> {
		await fc.assert(
			fc.asyncProperty(self, args, async (on, given) => {
				const attempt = { self: on, args: given };
				tell(note, subject, attempt);
				try {
					verdict(await make(subject, attempt, world), attempt);
				} finally {
					await world.reset();
				}
				world.checkOutside();
				expectNothing("descriptors are left open", world.leftOpen());
				expectNothing("promises were rejected that nobody has", rejections.splice(0));
			}),
			{ numRuns },
		);
	}
}

/** Throws if the function knows other options than those that are described. */
async function checkOptionNames(subject: Subject, world: World): Promise<void> {
	const { parameters } = subject.described;
	for (const [index, { options }] of parameters.entries()) {
		if (options === undefined) continue;
		const right = fc.tuple(subject.self, ...parameters.map((parameter) => parameter.right));
		const [[self, ...args] = []] = fc.sample(right, { numRuns: 1, seed: 1 });
		if (self === undefined) throw new Error("there is one sample");
		args[index] = value("an unknown option", () => ({ unknownToAll: true }));
		const { error } = await make(subject, { self, args }, world);
		await world.reset();
		const known = /known options: (.*)$/.exec((error as Error | undefined)?.message ?? "")?.[1];
		if (known?.split(", ").sort().join(", ") === [...options].sort().join(", ")) continue;
		throw new Error(
			`the options of ${subject.name} are ${known}, described are ${options.join(", ")}`,
		);
	}
}

function expectNothing(what: string, found: readonly unknown[]): void {
	if (found.length > 0) throw new Error(`${what}: ${Bun.inspect(found)}`);
}

/** Arguments that are all right, with further ones that mean nothing. */
function answered({ parameters, excludes }: Described): readonly [fc.Arbitrary<Value[]>, Verdict] {
	const all = fc.tuple(...parameters.map(({ right }) => right));
	const args = fc
		.tuple(all, fc.array(anything, { maxLength: 2 }))
		.map(([given, more]) => [...given, ...more]);
	return [args, (outcome) => expectAnswer(outcome, excludes ?? false)];
}

/** Arguments of which at least one is wrong, or lacking. */
function refused({ parameters }: Described): readonly [fc.Arbitrary<Value[]>, Verdict] {
	const oneWrong = fc
		.nat({ max: parameters.length - 1 })
		.chain((wrong) =>
			fc.tuple(
				...parameters.map((parameter, index) =>
					index === wrong ? parameter.wrong : mostlyRight(parameter),
				),
			),
		);
	const needed = parameters.flatMap(({ isOptional }, index) => (isOptional ? [] : [index]));
	const lacking = needed.map((count) =>
		fc.tuple(...parameters.slice(0, count).map(({ right }) => right)),
	);
	return [
		fc.oneof({ weight: 9, arbitrary: oneWrong }, ...lacking) as fc.Arbitrary<Value[]>,
		(outcome, attempt) => expectRefusal(outcome, attempt.args.some(isClosed)),
	];
}

const mostlyRight = ({ right, wrong }: Parameter) =>
	fc.oneof({ weight: 4, arbitrary: right }, { weight: 1, arbitrary: wrong });

const isClosed = (one: Value) => labelOf(one).includes("closed");

/** Notes a call before it is made. */
function tell(file: number, { name }: Subject, { self, args }: Attempt): void {
	const on = labelOf(self);
	const shown = `${name}(${args.map(labelOf).join(", ")})${on === "undefined" ? "" : ` of ${on}`}`;
	fs.ftruncateSync(file);
	fs.writeSync(file, shown, 0);
}

async function make(subject: Subject, { self, args }: Attempt, world: World): Promise<Outcome> {
	if (subject.name === "configureEngine") await stopEngine();
	const on = self.make(world);
	const given = args.map((one) => one.make(world));
	const before = world.look();
	for (const lane of Object.keys(laneCounts) as (keyof typeof laneCounts)[]) laneCounts[lane] = 0;
	const started = performance.now();
	let came: Pick<Outcome, "threw" | "value" | "error">;
	try {
		came = { threw: false, value: await inTime(result(subject, on, given)) };
	} catch (error) {
		if (error instanceof Broken) throw error;
		came = { threw: true, error };
	}
	const outcome = {
		...came,
		calls: Object.values(laneCounts).reduce((sum, count) => sum + count),
		milliseconds: performance.now() - started,
		changed: world.look() !== before,
	};
	await giveBack(outcome.value);
	if (subject.name === "configureEngine") {
		await stopEngine();
		configureEngine({});
	}
	return outcome;
}

/** What is wrong with the form of an answer, or with there being none. */
class Broken extends Error {}

async function result({ call, form }: Subject, on: unknown, given: unknown[]): Promise<unknown> {
	if (form === "value") {
		const value = call(on, given);
		if (value instanceof Promise) throw new Broken("it returned a promise");
		return value;
	}
	let returned: unknown;
	try {
		returned = call(on, given);
	} catch (error) {
		// A watch is there, and can be closed, or it is refused.
		if (form === "sequence") throw error;
		throw new Broken(`it threw instead of rejecting: ${Bun.inspect(error)}`);
	}
	if (form === "sequence") return await itemsOf(returned);
	if (returned instanceof Promise) return await returned;
	throw new Broken(`it returned no promise but ${Bun.inspect(returned)}`);
}

async function itemsOf(sequence: unknown): Promise<unknown> {
	if (sequence instanceof Watcher) {
		try {
			await sequence.ready;
			return await Promise.race([sequence.next(), Bun.sleep(1)]);
		} finally {
			await sequence.close();
		}
	}
	const items: unknown[] = [];
	for await (const item of sequence as AsyncIterable<unknown>) {
		if (items.push(item) === MOST_ITEMS) break;
	}
	return items;
}

function inTime<T>(promise: Promise<T>): Promise<T> {
	const { promise: late, reject } = Promise.withResolvers<never>();
	const timer = setTimeout(() => reject(new Broken("it hangs")), MOST_MILLISECONDS);
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function giveBack(value: unknown): Promise<void> {
	if (value instanceof File || value instanceof Dir) await value.close();
	if (value instanceof Lock) await value.release();
}
