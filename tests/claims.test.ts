/** What tells others that somebody is at work on a file, and what is left under temporary names. */
import { expect } from "bun:test";
import fs from "node:fs";
import { crc32 } from "node:zlib";
import type { Operation } from "../src/engine/operation.ts";
import { run, runSync } from "../src/engine/run.ts";
import type { Scope } from "../src/engine/scope.ts";
import { system } from "../src/sys/index.ts";
import { forms, type Given, IN_MEMORY, UNDER_WINE } from "./forms.ts";

/** Claims a file that is open, in one of the two forms. */
function claiming({ form }: Given) {
	const made = (act: (scope: Scope) => Operation<unknown>) =>
		form === "sync" ? runSync(act) : run(act);
	return async (handle: number, kind: "shared" | "exclusive") =>
		made((scope) => system.lock.claim(scope, handle, kind));
}

forms("claims stand beside each other or alone, and are changed", async (given) => {
	const { fsx, path } = given;
	const claim = claiming(given);
	fs.writeFileSync(path("file"), "");
	await using a = await fsx.open(path("file"), "r+");
	await using b = await fsx.open(path("file"), "r+");
	expect(await claim(a.descriptor.handle, "exclusive")).toBe(true);
	expect(await claim(b.descriptor.handle, "shared")).toBe(false);
	expect(await claim(a.descriptor.handle, "shared")).toBe(true);
	expect(await claim(b.descriptor.handle, "shared")).toBe(true);
	expect(await claim(a.descriptor.handle, "exclusive")).toBe(false);
	await b.close();
	expect(await claim(a.descriptor.handle, "exclusive")).toBe(true);
	expect(await claim(a.descriptor.handle, "exclusive")).toBe(true);
	await a.close();
	await using c = await fsx.open(path("file"), "r+");
	expect(await claim(c.descriptor.handle, "exclusive")).toBe(true);
});

const replacing = async (given: Given) => {
	const { fsx, path, directory } = given;
	const replace = () => fsx.writeFile(path("to"), "new", { atomic: true });
	for (let round = 0; round < 3; round++) await replace();
	expect(fs.readdirSync(directory)).toEqual(["to"]);
	// As those leave it who were killed: the file that was locked, and what they were at work on.
	const prefix = `.fsx-${crc32("to").toString(16).padStart(8, "0")}-${process.geteuid?.() ?? 0}`;
	fs.writeFileSync(path(`${prefix}.tmp`), "1");
	fs.writeFileSync(path(`${prefix}.left.tmp`), "half");
	await replace();
	expect(fs.readdirSync(directory)).toEqual(["to"]);
	const all = await Promise.allSettled(Array.from({ length: 20 }, replace));
	// Wine does not replace what another has open.
	if (!UNDER_WINE) expect(all.filter(({ status }) => status !== "fulfilled")).toEqual([]);
	expect(fs.readdirSync(directory)).toEqual(["to"]);
	expect(fs.readFileSync(path("to"), "utf8")).toBe("new");
};
// Elsewhere the names say more: who sees each other's locks.
forms("replacing a file leaves nothing, and clears away what was left", replacing, IN_MEMORY);
