import { expect } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { setXattrSync } from "../src/index.ts";
import { plant, seen, uproot } from "./attr.ts";
import { confines, IN_MEMORY } from "./confined.ts";
import { failureOf, lacksUnderWine, ON_WINDOWS, onLinux } from "./forms.ts";
import { rootForms } from "./root.ts";

const listed = lacksUnderWine("the list of streams");
/** Names that begin with `trusted.` are root's on Linux, and names like others on Windows. */
const trusted = ON_WINDOWS ? listed : rootForms;

trusted("copyXattrs: filter, count, and what the target keeps", async ({ fsx, path }) => {
	for (const name of ["from", "to"]) fs.writeFileSync(path(name), "");
	const values = { "user.a": "1", "user.b": "", "trusted.c": "3", "user.long": "x".repeat(2000) };
	for (const [name, value] of Object.entries(values)) {
		plant(path("from"), name, value);
	}
	plant(path("to"), "user.own", "kept");
	plant(path("to"), "user.a", "old");
	const asked: string[] = [];
	const filter = (name: string) => asked.push(name) > 0 && name !== "user.b";
	expect(await fsx.copyXattrs(path("from"), path("to"), { filter })).toBe(3);
	expect(asked.sort()).toEqual(Object.keys(values).sort());
	expect(seen(path("to"), "user.a")).toBe("1");
	expect(seen(path("to"), "user.long")).toBe("x".repeat(2000));
	expect((await fsx.listXattrs(path("to"))).sort()).toEqual(
		["trusted.c", "user.a", "user.long", "user.own"].sort(),
	);
	const thrown = new Error("from the filter");
	const throwing = () => {
		throw thrown;
	};
	expect(await failureOf(fsx.copyXattrs(path("from"), path("to"), { filter: throwing }))).toBe(
		thrown,
	);
});

listed("copyXattrs skips what vanishes, between open files and filesystems", async (given) => {
	const { fsx, path } = given;
	const other = fs.mkdtempSync(join(IN_MEMORY, "fsx-test-"));
	fs.writeFileSync(path("from"), "");
	fs.writeFileSync(join(other, "to"), "");
	const from = await fsx.open(path("from"));
	const to = await fsx.open(join(other, "to"));
	try {
		for (const name of ["user.a", "user.b", "user.c"]) setXattrSync(from, name, name);
		const left = new Set(["user.a", "user.b", "user.c"]);
		const filter = (name: string) => {
			// The first that is asked about takes another with it.
			left.delete(name);
			const [next] = left;
			if (left.size === 2 && next !== undefined) uproot(path("from"), next);
			return true;
		};
		expect(await fsx.copyXattrs(from.fd, to, { filter })).toBe(2);
		expect((await fsx.listXattrs(to.fd)).length).toBe(2);
	} finally {
		from.closeSync();
		to.closeSync();
		fs.rmSync(other, { recursive: true });
	}
});

onLinux("access control lists that are attributes")(
	"copyXattrs carries POSIX ACLs",
	async ({ fsx, path }) => {
		for (const name of ["from", "to"]) fs.writeFileSync(path(name), "", { mode: 0o600 });
		// Version 2, then tag, permissions and id of: owner, user 1234, group, mask, others.
		const entries = [
			[1, 6, -1],
			[2, 4, 1234],
			[4, 0, -1],
			[16, 4, -1],
			[32, 0, -1],
		] as const;
		const acl = Buffer.alloc(4 + 8 * entries.length);
		acl.writeUInt32LE(2, 0);
		entries.forEach(([tag, permissions, id], index) => {
			acl.writeUInt16LE(tag, 4 + 8 * index);
			acl.writeUInt16LE(permissions, 6 + 8 * index);
			acl.writeInt32LE(id, 8 + 8 * index);
		});
		await fsx.setXattr(path("from"), "system.posix_acl_access", acl);
		expect(await fsx.copyXattrs(path("from"), path("to"))).toBe(1);
		const copied = await fsx.getXattr(path("to"), "system.posix_acl_access");
		expect(Buffer.from(copied).equals(acl)).toBe(true);
		expect((await fsx.stat(path("to"))).permissions).toBe(0o640);
	},
);

for (const follow of [true, false]) {
	rootForms(
		`copyXattrs confined, follow: ${follow}`,
		async (given) => {
			const { fsx, path } = given;
			fs.writeFileSync(path("other"), "");
			setXattrSync(path("other"), "trusted.a", "1");
			await confines(given, follow, (from) => fsx.copyXattrs(from, path("other"), { follow }));
			const elsewhere = (name: string) => path(`to-${name}`);
			await confines({ ...given, path: elsewhere }, follow, (to) =>
				fsx.copyXattrs(path("other"), to, { follow }),
			);
		},
		IN_MEMORY,
	);
}
