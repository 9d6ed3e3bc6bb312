/**
 * Swaps what is in the confined tree for ways out of it, and back, as fast as it can, until it is
 * killed. Arguments: the root of the arena, a directory on another filesystem, and names in `a/b`.
 */
import { type Swap, swapsOf } from "./swaps.ts";

const [root = "", foreign = "", ...leaves] = process.argv.slice(2);
const swaps = swapsOf(root, foreign, leaves);

/** A little while, of another length each time. */
function dwell(): void {
	for (let i = Math.random() * 300; i > 0; i--);
}

process.stdout.write("ready");
for (;;) {
	const { forth, back } = swaps[Math.floor(Math.random() * swaps.length)] as Swap;
	forth();
	dwell();
	back();
	dwell();
}
