/** Steps that ask where a file has data and where holes. */
import { type Extent, extents, extentsSync, type MappedExtent } from "../../src/index.ts";
import { Choices, type Range } from "./choices.ts";
import type { Content } from "./content.ts";
import type { RealFile } from "./real.ts";
import { Divergence, type Maker, type Weighted } from "./step.ts";

/** Throws unless extents follow each other from `from` to `end`, and what is called a hole is zeros. */
function checkExtents(found: readonly Extent[], content: Content, from: number, end: number): void {
	const wrong = (what: string) => new Divergence(`${what}: ${JSON.stringify(plain(found))}`);
	let at = from;
	for (const { kind, offset, length } of found) {
		if (offset !== at || length <= 0) throw wrong(`at ${at} is a gap or an overlap`);
		at += length;
		if (kind === "hole" && !content.isZero(offset, Math.min(at, content.size))) {
			throw wrong(`the hole at ${offset} has data`);
		}
	}
	if (at < end) throw wrong(`nothing is told from ${at} to ${end}`);
}

const plain = (found: readonly Extent[]) =>
	found.map(({ kind, offset, length }) => [kind, offset, length]);

/** A range to ask about; with a length of 0, all of the file. */
function partOf(choices: Choices): Range {
	const range = choices.range();
	return choices.random.chance(0.5) || range.length === 0 ? { offset: 0, length: 0 } : range;
}

const map: Maker = (random, model) => {
	const choices = new Choices(random, model);
	const { form, which } = choices;
	const via = choices.via();
	const { offset, length } = partOf(choices);
	const options = length === 0 ? undefined : { offset, length };
	return {
		text: `${form} extents(${which} by ${via}, ${JSON.stringify(options)})`,
		expect({ files }) {
			const content = files[which];
			const end = length === 0 ? content.size : Math.min(content.size, offset + length);
			return {
				check(value) {
					const found = value as Extent[];
					checkExtents(found, content, offset, end);
					const last = found.at(-1);
					if (last !== undefined && last.offset + last.length > end) {
						throw new Divergence(`more than up to ${end} is told: ${JSON.stringify(plain(found))}`);
					}
					if (found.some(({ kind }, i) => kind === found[i + 1]?.kind)) {
						throw new Divergence(`two of a kind in a row: ${JSON.stringify(plain(found))}`);
					}
				},
			};
		},
		perform(real) {
			const target = real.of(which).target(via);
			if (form === "sync") return [...extentsSync(target, options)];
			return Array.fromAsync(extents(target, options));
		},
	};
};

/** Where the blocks are; what is reserved past the end may be told as well. */
const mapBlocks: Maker = (random, model) => {
	const choices = new Choices(random, model);
	const { form, which } = choices;
	const via = choices.via();
	const { offset, length } = partOf(choices);
	const options = { physical: true, ...(length === 0 ? undefined : { offset, length }) } as const;
	return {
		text: `${form} extents(${which} by ${via}, ${JSON.stringify(options)})`,
		expect({ files, abilities }) {
			const content = files[which];
			// Of nothing nobody needs to tell anything.
			if (length === 0 && content.size === 0) return { check: isEmpty };
			if (!abilities.has("physical")) return { code: "ENOTSUP" };
			const end = length === 0 ? content.size : Math.min(content.size, offset + length);
			return { check: (value) => checkExtents(value as MappedExtent[], content, offset, end) };
		},
		perform(real) {
			const target = real.of(which).target(via);
			if (form === "sync") return [...extentsSync(target, options)];
			return Array.fromAsync(extents(target, options));
		},
	};
};

function isEmpty(value: unknown): void {
	const { length } = value as MappedExtent[];
	if (length > 0) throw new Divergence(`an empty file has ${length} extents`);
}

/** Where data and holes begin, as `xfs_io` says, must be what the library says. */
export function checkAgainstTool({ path, name }: RealFile): void {
	const { stdout } = Bun.spawnSync(["xfs_io", "-r", "-c", "seek -a -r 0", path]);
	const told = [...stdout.toString().matchAll(/^(DATA|HOLE)\t(\d+)$/gm)];
	const starts = told.map(([, kind, at]) => `${kind?.toLowerCase()} ${at}`).join();
	const found = [...extentsSync(path)];
	const end = found.reduce((sum, { length }) => sum + length, 0);
	// Every file ends with a hole to those who look for one.
	const own = [...found.map(({ kind, offset }) => `${kind} ${offset}`)];
	if (found.at(-1)?.kind === "data") own.push(`hole ${end}`);
	if (starts !== own.join()) throw new Divergence(`${name} has ${own}, not ${starts}`);
}

export const mapping: readonly Weighted[] = [
	[5, map],
	[2, mapBlocks],
];
