/** A directory with a way out of every kind, for the cases about confinement. */
import { expect } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import type { Location } from "../src/index.ts";
import { failureOf, type Given, MAKES_SYMLINKS } from "./forms.ts";

export { IN_MEMORY } from "./forms.ts";

/** Names that leave the directory on the way, whatever is done at their end. */
const WAYS_OUT = ["../outside", "sub/../../outside", "out/outside", "sub/../out/outside"];
/** Links that lead out: a way out only for what follows them. */
const LINKS_OUT = ["toOutside", "toAbsolute", "sub/toOutside"];

/** Names that stay inside, or that the system refuses for reasons of its own. */
const INSIDE = [
	"file",
	"sub/inner",
	"in/inner",
	"sub//inner",
	"./file",
	"sub/../file",
	"in/../file",
	"toFile",
	"in",
	"sub",
	"sub/",
	"in/",
	"in//",
	"file/",
	"toFile/",
	".",
	"./",
	"sub/.",
	"sub/..",
	"sub/../",
	"nothing",
	"nothing/",
	"nothing/below",
	"file/below",
	"loop",
	"",
];

function build(root: string): void {
	fs.mkdirSync(join(root, "world/sub"), { recursive: true });
	fs.writeFileSync(join(root, "outside"), "outside");
	fs.writeFileSync(join(root, "world/file"), "inside");
	fs.writeFileSync(join(root, "world/sub/inner"), "inside");
	if (!MAKES_SYMLINKS) return;
	for (const [target, name, type] of [
		["sub", "in", "dir"],
		["file", "toFile", "file"],
		["..", "out", "dir"],
		[join("..", "outside"), "toOutside", "file"],
		[join("..", "..", "outside"), "sub/toOutside", "file"],
		[join(root, "outside"), "toAbsolute", "file"],
		["loop", "loop", "file"],
	] as const) {
		fs.symlinkSync(target, join(root, "world", name), type);
	}
}

/** Names that links have a part in, here. */
const LINKED = /^(in|out|to[A-Z]\w*|loop)(\/|$)|\/(out|toOutside)\b/;

/** The names that can be tried: without links only those that need none. */
function tried(names: readonly string[]): readonly string[] {
	return MAKES_SYMLINKS ? names : names.filter((name) => !LINKED.test(name));
}

if (!MAKES_SYMLINKS)
	console.log("left out of confinement: symbolic links, which cannot be made here");

/** What is outside, as far as a call could have changed it. */
function outside(root: string): string {
	const { mode, uid, mtimeMs, nlink } = fs.statSync(join(root, "outside"));
	return JSON.stringify([mode, uid, mtimeMs, nlink, fs.readdirSync(root).sort()]);
}

async function outcome(promise: Promise<unknown>): Promise<string> {
	try {
		await promise;
		return "done";
	} catch (error) {
		return (error as { code: string }).code;
	}
}

/**
 * Runs a function on every name, through a confined directory: what leaves it is refused with
 * EXDEV and changes nothing, and what stays inside ends as it does without confinement.
 */
export async function confines(
	{ fsx, path }: Given,
	follows: boolean,
	act: (location: Location) => Promise<unknown>,
): Promise<void> {
	const escapes = tried(follows ? [...WAYS_OUT, ...LINKS_OUT] : WAYS_OUT);
	fs.mkdirSync(path("escape"));
	build(path("escape"));
	const before = outside(path("escape"));
	using dir = await fsx.openDir(path("escape/world"), { beneath: true });
	for (const name of [...escapes, path("escape/outside"), path("escape/world/file"), "/"]) {
		for (const form of [name, new TextEncoder().encode(name)]) {
			expect([name, (await failureOf(act(dir.at(form)))).code]).toEqual([name, "EXDEV"]);
		}
	}
	expect(outside(path("escape"))).toBe(before);

	for (const [index, name] of tried(INSIDE).entries()) {
		const outcomes: string[] = [];
		for (const beneath of [false, true]) {
			const root = path(`inside-${index}-${beneath}`);
			build(root);
			using world = await fsx.openDir(join(root, "world"), { beneath });
			outcomes.push(await outcome(act(world.at(beneath ? new TextEncoder().encode(name) : name))));
		}
		expect([name, outcomes[1]]).toEqual([name, outcomes[0]]);
	}
}
