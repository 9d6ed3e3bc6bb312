/**
 * The tables of the macOS part against Apple's headers and libSystem's list, for both architectures, on
 * any system that has the cross compiler; and what those lack against what is documented.
 */
import { describe, expect, test } from "bun:test";
import { names } from "../src/sys/darwin/calls.ts";
import { zig } from "./abi/compiler.ts";
import * as darwin from "./abi/darwin.ts";
import * as documented from "./abi/darwin-documented.ts";
import { describeTables } from "./abi/tables.ts";

describeTables({ system: "macOS", documented, ...darwin });

if (zig !== undefined) {
	describe.each(["x86_64", "arm64"] as const)("libSystem for %s", (architecture) => {
		test("has every function", () => {
			expect(darwin.missing(architecture)).toEqual([]);
		});

		test("and a wrong name among them would be found", () => {
			const wrong = names.map((name) => `${name}_`);
			expect(darwin.missing(architecture, [...names, ...wrong])).toEqual(wrong);
		});
	});
}
