import type { Case } from "./harness.ts";

const library = new URL("../src/index.ts", import.meta.url).href;
const script = `
const started = Bun.nanoseconds();
await import(${JSON.stringify(library)});
console.log(Bun.nanoseconds() - started);
`;

/** Importing the library for the first time, in a process of its own each time. */
export function* subject(): Generator<Case> {
	let nanoseconds = 0;
	yield {
		name: "import, in a fresh process",
		rounds: 11,
		targets: [{ milliseconds: 15 }],
		ours: {
			run: () => {
				const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, "-e", script]);
				if (exitCode !== 0) throw new Error(stderr.toString());
				nanoseconds = Number(stdout.toString());
			},
			nanoseconds: () => nanoseconds,
		},
	};
}
