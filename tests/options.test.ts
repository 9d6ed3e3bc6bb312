/** What is refused before the first call, whatever the operation. */
import { expect } from "bun:test";
import fs from "node:fs";
import { failureOf, forms, ON_WINDOWS } from "./forms.ts";

forms("options are plain objects", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	const wrong = [new Date(), new Uint8Array(1), [], () => {}, "follow", 1, null, new Map()];
	for (const options of wrong as never[]) {
		for (const promise of [
			fsx.stat(path("file"), options),
			fsx.utimes(path("file"), options),
			fsx.copyFile(path("file"), path("copy"), options),
		]) {
			expect((await failureOf(promise)).code).toBe("ERR_INVALID_ARG_TYPE");
		}
	}
	expect(fs.readdirSync(path("."))).toEqual(["file"]);
	const bare = Object.assign(Object.create(null), { follow: false });
	expect((await fsx.stat(path("file"), bare)).isFile()).toBe(true);
});

forms("an option is read once", async ({ fsx, path }) => {
	let reads = 0;
	const options = {
		get mode() {
			return reads++ === 0 ? 0o600 : ("zz" as never);
		},
	};
	await fsx.writeFile(path("file"), "", options);
	expect([reads, fs.statSync(path("file")).mode & 0o777]).toEqual([1, ON_WINDOWS ? 0o666 : 0o600]);
});

forms("what is wrong is said by name, and what would be right", async ({ fsx, path }) => {
	const said = async (promise: Promise<unknown>) => (await failureOf(promise)).message;
	expect(await said(fsx.stat("/", { folow: true } as never))).toBe(
		'stat: unknown option "folow"; known options: follow, sync',
	);
	expect(await said(fsx.copyFile("a", "b", { preserve: { mod: true } as never }))).toContain(
		'"preserve',
	);
	expect(await said(fsx.copyFile("a", "b", { reflink: "some" as never }))).toContain(
		'expected one of "auto", "always", "never"',
	);
	expect((await failureOf(fsx.utimes(path("nothing"), {}))).code).toBe("ENOENT");
	expect((await failureOf(fsx.mkdtemp(Buffer.from("a") as never))).code).toBe(
		"ERR_INVALID_ARG_TYPE",
	);
});
