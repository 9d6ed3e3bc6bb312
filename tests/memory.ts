/**
 * Whether memory stays flat: `npm run test:memory [kinds…]` makes up to a million operations of each
 * kind, in a process of its own, and looks at what is in memory and open before and after. It takes
 * some minutes; `--seconds=N` changes how long those take that are slow.
 */
import { parseArgs } from "node:util";
import { runProgram } from "./fixtures/run.ts";
import { kinds } from "./memory/kinds.ts";
import type { Measured, MeasureRequest, Sample } from "./memory/measure.ts";

const MIB = 1024 * 1024;
/**
 * What there may be more of without anything being kept, in bytes. The heap of one thread has a size at
 * which it is content, so that what keeps 7 bytes of each of a million operations is found; those of
 * workers are collected when it pleases them.
 */
const MOST_GROWTH = { alone: 4 * MIB, withWorkers: 16 * MIB };
const MOST_OBJECTS = 5000;
const AT_ONCE = 2;
const TIMEOUT_MILLISECONDS = 180_000;

/** Measures one kind in a process of its own. */
export async function measure(request: MeasureRequest): Promise<Measured> {
	const fixture = `${import.meta.dir}/fixtures/memory.ts`;
	const command = [process.execPath, fixture, JSON.stringify(request)];
	return JSON.parse(await runProgram(command, {}, TIMEOUT_MILLISECONDS));
}

type Count = (sample: Sample) => number;
const resident: Count = (sample) => sample.resident;
const objects: Count = (sample) => sample.objects;

/** The most that there was at first, and the least at last: what is in between is kept by somebody. */
const before = ({ first }: Measured, count: Count) => Math.max(...first.map(count));
const after = ({ last }: Measured, count: Count) => Math.min(...last.map(count));

/** What is wrong with it, if anything is. */
export function complaint(measured: Measured): string | undefined {
	const growth = (count: Count) => after(measured, count) - before(measured, count);
	const most = MOST_GROWTH[measured.threads];
	if (growth(resident) > most) return `it grew by ${mib(growth(resident))} MiB`;
	if (growth(objects) > MOST_OBJECTS) return `there are ${growth(objects)} more objects`;
	const names = [...measured.first, ...measured.last].flatMap(({ open }) => Object.keys(open));
	for (const name of new Set(names)) {
		const more = growth(({ open }) => open[name] ?? 0);
		if (more > 0) return `${more} more descriptors of ${name}`;
	}
	return undefined;
}

const mib = (bytes: number) => (bytes / MIB).toFixed(1);

const columns = (...texts: string[]) =>
	texts.map((text, index) => (index === 0 ? text.padEnd(42) : text.padStart(12))).join("");

function line(measured: Measured): string {
	return columns(
		measured.kind,
		String(measured.operations),
		`${measured.seconds.toFixed(1)} s`,
		`${mib(before(measured, resident))} MiB`,
		`${mib(after(measured, resident))} MiB`,
		String(before(measured, objects)),
		String(after(measured, objects)),
	);
}

async function main(): Promise<void> {
	const { values, positionals } = parseArgs({
		args: Bun.argv.slice(2),
		options: { seconds: { type: "string", default: "3" } },
		allowPositionals: true,
	});
	const wanted = Object.keys(kinds).filter(
		(kind) => positionals.length === 0 || positionals.some((word) => kind.includes(word)),
	);
	const waiting = [...wanted];
	const failures: string[] = [];
	console.log(columns("kind", "operations", "time", "before", "after", "objects", "after"));
	const work = async () => {
		for (let kind = waiting.shift(); kind !== undefined; kind = waiting.shift()) {
			try {
				const measured = await measure({ kind, seconds: Number(values.seconds) });
				const wrong = complaint(measured);
				console.log(line(measured), wrong ?? "");
				if (wrong !== undefined) failures.push(`${kind}: ${wrong}`);
			} catch (error) {
				console.log(kind, error);
				failures.push(`${kind}: it failed`);
			}
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, work));
	for (const failure of failures) console.log(`failed: ${failure}`);
	console.log(`${wanted.length - failures.length} kinds stay flat, ${failures.length} do not`);
	process.exitCode = failures.length === 0 && wanted.length > 0 ? 0 : 1;
}

if (import.meta.main) await main();
