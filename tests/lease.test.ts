/** Files that another process has a lease on, as servers do: opening them takes until it has given that up. */
import { expect } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { type Forms, onLinux } from "./forms.ts";

const program = join(import.meta.dir, "fixtures/lease-holder.py");

/** Does something with a file that is leased, which must end the lease. */
async function whileLeased(file: string, act: () => Promise<unknown>): Promise<void> {
	await using holder = Bun.spawn(["python3", program, file], { stdout: "pipe" });
	expect((await holder.stdout.getReader().read()).value).toBeDefined();
	await act();
	expect(await holder.exited).toBe(0);
}

const acts: Record<string, (fsx: Forms, file: string, other: string) => Promise<unknown>> = {
	advise: (fsx, file) => fsx.advise(file, "willneed"),
	compareTrees: async (fsx, file) => {
		expect(await fsx.compareTrees(join(file, ".."), join(file, "../../twin"))).toMatchObject({
			differences: [],
		});
	},
	copyFile: (fsx, file, other) => fsx.copyFile(file, other),
	copyTree: (fsx, file, other) => fsx.copyTree(join(file, ".."), other),
	extents: async (fsx, file) => {
		for await (const { kind } of fsx.extents(file)) expect(kind).toBe("data");
	},
	getFlags: (fsx, file) => fsx.getFlags(file),
	truncate: (fsx, file) => fsx.truncate(file, 4),
};

for (const [name, act] of Object.entries(acts)) {
	onLinux("leases")(`${name} waits for the end of a lease`, async ({ fsx, path }) => {
		fs.mkdirSync(path("directory"));
		const file = path("directory/file");
		fs.writeFileSync(file, "content");
		fs.cpSync(path("directory"), path("twin"), { recursive: true, preserveTimestamps: true });
		for (const name of ["directory", "twin", "directory/file", "twin/file"]) {
			fs.utimesSync(path(name), 1, 1);
		}
		await whileLeased(file, () => act(fsx, file, path("other")));
		expect(fs.readFileSync(file, "utf8")).toBe(name === "truncate" ? "cont" : "content");
		if (name === "copyFile") expect(fs.readFileSync(path("other"), "utf8")).toBe("content");
	});
}
