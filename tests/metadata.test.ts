import { expect } from "bun:test";
import fs from "node:fs";
import { failureOf, forms } from "./forms.ts";

forms("stat agrees with node:fs", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "content");
	fs.symlinkSync("file", path("link"));
	for (const [name, follow] of [
		["file", true],
		["link", true],
		["link", false],
		[".", true],
	] as const) {
		const ours = await fsx.stat(path(name), { follow });
		const theirs = (follow ? fs.statSync : fs.lstatSync)(path(name), { bigint: true });
		for (const field of ["ino", "dev", "rdev", "mtimeNs", "ctimeNs", "atimeNs"] as const) {
			expect([name, field, ours[field]]).toEqual([name, field, theirs[field]]);
		}
		for (const field of ["mode", "nlink", "uid", "gid", "size", "blocks"] as const) {
			expect([name, field, BigInt(ours[field])]).toEqual([name, field, theirs[field]]);
		}
	}
});

forms("stat of what is not there", async ({ fsx, path }) => {
	const error = await failureOf(fsx.stat(path("nothing")));
	expect(error).toMatchObject({ code: "ENOENT", errno: -2, syscall: "stat", path: path("nothing") });
	expect(error.message).toBe(
		`ENOENT: no such file or directory, stat '${path("nothing")}'`,
	);
});
