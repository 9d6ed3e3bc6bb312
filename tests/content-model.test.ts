/**
 * Random operations on real files, each held against a model in memory: in both forms, on every
 * lane, and on the filesystem of the directory for temporary files. `FSX_MODEL_SEED` is where the
 * random numbers begin, `FSX_MODEL_OPERATIONS` how many operations there are in all.
 */
import { beforeAll, describe, test } from "bun:test";
import { tmpdir } from "node:os";
import { skipped } from "./forms.ts";
import { type Abilities, abilitiesOf, TOOLS } from "./model/abilities.ts";
import { engineNames, run } from "./model/run.ts";

const { FSX_MODEL_OPERATIONS = "3000" } = process.env;
const operations = Math.ceil(Number(FSX_MODEL_OPERATIONS) / engineNames.length);
const TIMEOUT_MILLISECONDS = 60_000 + operations * 10;

const title = "files hold what the model says";
const missing = TOOLS.filter((tool) => Bun.which(tool) === null);
if (missing.length > 0) {
	skipped(title, `it asks ${missing.join(", ")} what the filesystem can do`);
} else {
	describe(title, () => {
		const root = tmpdir();
		let abilities: Abilities;
		beforeAll(() => {
			abilities = abilitiesOf(root);
		});
		const command = `TMPDIR=${root} bun test content-model`;
		for (const engine of engineNames) {
			const body = () => run({ root, abilities, engine, operations, command });
			test(engine, body, TIMEOUT_MILLISECONDS);
		}
	});
}
