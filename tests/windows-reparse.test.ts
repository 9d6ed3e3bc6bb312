/** Reparse points that are no links to Windows: what follows none must not take them for plain files. */
import { ptr } from "bun:ffi";
import { expect } from "bun:test";
import fs from "node:fs";
import { runSync } from "../src/engine/run.ts";
import type { Scope } from "../src/engine/scope.ts";
import { openSync } from "../src/index.ts";
import { system } from "../src/sys/index.ts";
import { enter } from "../src/sys/windows/entry.ts";
import { DELETE, FSCTL_SET_REPARSE_POINT } from "../src/sys/windows/layouts.ts";
import { opened } from "../src/sys/windows/path.ts";
import { failureOf, lacksUnderWine, onWindows, withSymlinks } from "./forms.ts";

/** A symbolic link as the Linux subsystem makes them, which nothing else on Windows follows. */
const IO_REPARSE_TAG_LX_SYMLINK = 0xa000001d;

function makeForeign(path: string): void {
	fs.writeFileSync(path, "");
	const target = new TextEncoder().encode("elsewhere");
	const data = new DataView(new ArrayBuffer(12 + target.length));
	data.setUint32(0, IO_REPARSE_TAG_LX_SYMLINK, true);
	data.setUint16(4, 4 + target.length, true);
	data.setUint32(8, 2, true);
	new Uint8Array(data.buffer).set(target, 12);
	using file = openSync(path, "r+");
	const handle = system.descriptors?.handleOf(file.fd) ?? 0;
	const [event, status] = [0, new BigUint64Array(2)];
	const addresses = [Number(ptr(status)), Number(ptr(data.buffer))] as const;
	const set = enter("NtFsControlFile");
	const code = FSCTL_SET_REPARSE_POINT;
	const result = set(
		...([handle, event, 0, 0, addresses[0], code, addresses[1], data.byteLength] as const),
		...([0, 0] as const),
	);
	expect(result).toBe(0);
}

/** Opens a directory as who is about to rename or remove it. */
const openedToMove = (path: string) =>
	runSync((scope: Scope) =>
		opened(
			scope,
			{ directory: undefined, path, beneath: false },
			{ access: DELETE, reach: "link" },
		),
	);

const forms = lacksUnderWine("reparse points", onWindows("reparse points"));

forms("a link of another system is no file without content", async (given) => {
	const { fsx, path, directory } = given;
	fs.mkdirSync(path("tree"));
	makeForeign(path("tree/foreign"));
	const code = async (act: Promise<unknown>) => (await failureOf(act)).code;
	expect(await code(fsx.readFile(path("tree/foreign")))).toBe("EACCES");
	for (const flags of ["r", "r+", "w"] as const) {
		const opening = fsx.open(path("tree/foreign"), flags, { noFollow: true });
		expect([flags, await code(opening)]).toEqual([flags, "EACCES"]);
	}
	using confined = await fsx.openDir(directory, { beneath: true });
	expect(await code(fsx.readFile(confined.at("tree/foreign")))).toBe("EACCES");
	expect(await code(fsx.writeFile(confined.at("tree/foreign"), "new"))).toBe("EACCES");
	expect(await code(fsx.copyTree(path("tree"), path("copy")))).toBe("EACCES");
	await fsx.unlink(path("tree/foreign"));
});

withSymlinks(forms)("a confined link is not made where the path may change", async (given) => {
	const { fsx, path, directory } = given;
	fs.mkdirSync(path("sub"));
	using confined = await fsx.openDir(directory, { beneath: true });
	const mover = openedToMove(path("sub"));
	try {
		const error = await failureOf(fsx.symlink("nothing", confined.at("sub/link")));
		expect(error).toMatchObject({ code: "EBUSY", syscall: "symlink" });
		expect(fs.readdirSync(path("sub"))).toEqual([]);
	} finally {
		enter("NtClose")(mover);
	}
	await fsx.symlink("nothing", confined.at("sub/link"));
	expect(fs.readlinkSync(path("sub/link"))).toBe("nothing");
});
