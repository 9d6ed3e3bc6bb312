/** What an attacker does: puts links out of the tree in the place of what is in it, or moves that out. */
import { dlopen } from "bun:ffi";
import { join } from "node:path";
import { once } from "../../src/engine/once.ts";

const libc = once(
	() =>
		dlopen("libc.so.6", {
			renameat2: { args: ["i32", "ptr", "i32", "ptr", "u32"], returns: "i32" },
			symlink: { args: ["ptr", "ptr"], returns: "i32" },
			unlink: { args: ["ptr"], returns: "i32" },
		}).symbols,
);
const EXCHANGE = 2;
const AT_FDCWD = -100;

/** Text for the kernel, at an address that stays: what has a large buffer is not moved. */
function text(value: string): Buffer {
	const bytes = Buffer.from(new ArrayBuffer(4096));
	bytes.write(`${value}\0`);
	return bytes;
}

const rename = (from: Buffer, to: Buffer, flags = 0) =>
	libc().renameat2(AT_FDCWD, from, AT_FDCWD, to, flags) === 0;

/** Something that can be done to the tree, and undone. */
export interface Swap {
	readonly title: string;
	readonly forth: () => void;
	readonly back: () => void;
}

function link(root: string, name: string, target: string): Swap {
	const place = text(join(root, "world", name));
	const spare = text(join(root, "spare", name.replaceAll("/", "-")));
	const destination = text(target);
	return {
		title: `${name} -> ${target}`,
		forth() {
			// Whoever replaces a file may have replaced the link, too.
			libc().unlink(spare);
			libc().symlink(destination, spare);
			rename(place, spare, EXCHANGE);
		},
		back() {
			// Somebody may have removed the link.
			if (!rename(place, spare, EXCHANGE)) rename(spare, place);
		},
	};
}

function moveOut(root: string): Swap {
	const inside = text(join(root, "world/a/b"));
	const outside = text(join(root, "moved/b"));
	const junk = join(root, "moved/junk");
	let moved = false;
	return {
		title: "a/b moved out",
		forth() {
			moved = rename(inside, outside);
		},
		back() {
			if (!moved || rename(outside, inside)) return;
			// Somebody has made another meanwhile.
			rename(outside, inside, EXCHANGE);
			rename(outside, text(`${junk}-${performance.now()}`));
		},
	};
}

/** All swaps of a tree, with those of some names in `a/b`. */
export function swapsOf(root: string, foreign: string, leaves: readonly string[]): Swap[] {
	const outside = join(root, "outside");
	const a = ["../outside", outside, "..", `/proc/self/root${outside}`, foreign];
	const b = ["../../outside/b", outside, "../..", "../../world/../outside/b", foreign];
	return [
		...a.map((target) => link(root, "a", target)),
		...b.map((target) => link(root, "a/b", target)),
		...leaves.flatMap((leaf) =>
			[
				`../../../outside/${leaf}`,
				join(outside, "b", leaf),
				`../../../${leaf}`,
				join(foreign, leaf),
			].map((target) => link(root, `a/b/${leaf}`, target)),
		),
		moveOut(root),
	];
}
