/** A small sample of `npm run test:memory`, and that it would see what it is there for. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { exportsOf } from "./doc-comments.ts";
import { PATIENCE_MILLISECONDS } from "./forms.ts";
import { kinds } from "./memory/kinds.ts";
import type { Measured, Sample } from "./memory/measure.ts";
import { complaint, measure } from "./memory.ts";

setDefaultTimeout(PATIENCE_MILLISECONDS);

const MIB = 1024 * 1024;

test("there is a kind for every function and every method that asks the system", () => {
	const words = new Set(Object.keys(kinds).flatMap((kind) => kind.match(/[\w.]+/g) ?? []));
	const exported = exportsOf("src/index.ts");
	const functions = exported.filter(({ kind }) => kind === "function").map(({ name }) => name);
	const file = exported.find(({ name }) => name === "File")?.members ?? [];
	const all = [...functions, ...file.map(({ name }) => `File.${name}`)];
	const covered = (name: string) => words.has(name) || words.has(`${name}Sync`);
	expect(all.filter((name) => !covered(name.replace(/Sync$/, "")))).toEqual([]);
});

describe("growth is seen", () => {
	const sample = (resident: number, objects: number, open: Sample["open"] = {}): Sample => {
		return { resident: resident * MIB, objects, open };
	};
	const measured = (
		first: Sample[],
		last: Sample[],
		threads: Measured["threads"] = "withWorkers",
	): Measured => {
		return { kind: "any", threads, operations: 1000, seconds: 1, first, last };
	};

	test("of memory", () => {
		expect(complaint(measured([sample(60, 1000)], [sample(77, 1000)]))).toBe("it grew by 17.0 MiB");
		const uneven = measured([sample(60, 0), sample(80, 0)], [sample(99, 0), sample(90, 0)]);
		expect(complaint(uneven)).toBeUndefined();
		const alone = measured([sample(60, 0)], [sample(65, 0)], "alone");
		expect(complaint(alone)).toBe("it grew by 5.0 MiB");
	});

	test("of objects", () => {
		const more = measured([sample(60, 1000)], [sample(60, 9000)]);
		expect(complaint(more)).toBe("there are 8000 more objects");
	});

	test("of descriptors", () => {
		const first = sample(60, 1000, { "/file": 1, "socket:[N]": 2 });
		const last = sample(60, 1000, { "/file": 1, "socket:[N]": 3 });
		expect(complaint(measured([first], [last]))).toBe("1 more descriptors of socket:[N]");
		expect(complaint(measured([last], [first]))).toBeUndefined();
	});
});

describe.if(process.platform === "linux")("memory stays flat", () => {
	const sampled: [kind: string, most: number][] = [
		["statSync", 60_000],
		["statSync that fails", 20_000],
		["File.readSync", 20_000],
		["File.writeAt on lane ring", 20_000],
		["open on lane worker", 5000],
	];
	test.each(sampled)("over some operations: %s", async (kind, most) => {
		const found = await measure({ kind, seconds: 1, most });
		expect([found.operations >= most, complaint(found)]).toEqual([true, undefined]);
	});
});
