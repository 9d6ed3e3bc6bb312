/** Gives an attribute one size after the other until it is told to stop. */
import { setXattrSync } from "../src/index.ts";

declare const self: Worker;

interface Work {
	file: string;
	sizes: number[];
	/** Told to stop by the first word; the second says that the writing has begun (1), or ended (2). */
	control: Int32Array;
}

self.onmessage = ({ data: { file, sizes, control } }: MessageEvent<Work>) => {
	const values = sizes.map((size) => new Uint8Array(size).fill(size % 251));
	while (Atomics.load(control, 0) === 0) {
		for (const value of values) setXattrSync(file, "user.v", value);
		Atomics.store(control, 1, 1);
	}
	Atomics.store(control, 1, 2);
};
