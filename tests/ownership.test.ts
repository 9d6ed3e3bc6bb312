import { expect } from "bun:test";
import fs from "node:fs";
import { confines, IN_MEMORY } from "./confined.ts";
import { type Forms, failureOf, forms, onLinux, onWindows } from "./forms.ts";
import { failsAsNode } from "./node-errors.ts";
import { rootForms } from "./root.ts";

/** The owner as stat(1) sees it, of a link itself if it is one. */
function ownerOf(file: string): string {
	return Bun.spawnSync(["stat", "-c", "%u:%g", file]).stdout.toString().trim();
}

/** What `copyOwner` says of a name that nothing has. */
async function copyOwnerFindsNothing(fsx: Forms, file: string, nothing: string): Promise<void> {
	const error = { code: "ENOENT", path: nothing };
	expect(await failureOf(fsx.copyOwner(nothing, file))).toMatchObject(error);
	const syscall = "chown";
	expect(await failureOf(fsx.copyOwner(file, nothing))).toMatchObject({ ...error, syscall });
}

rootForms("chown sets one id or both and keeps the other", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "");
	const fd = fs.openSync(path("file"), "r");
	using dir = await fsx.openDir(directory);
	using confined = await fsx.openDir(directory, { beneath: true });
	try {
		for (const target of [
			path("file"),
			Buffer.from(path("file")),
			Bun.pathToFileURL(path("file")),
			dir.at("file"),
			confined.at("file"),
			fd,
		]) {
			fs.chownSync(path("file"), 1, 2);
			await fsx.chown(target, { uid: 1000 });
			expect(ownerOf(path("file"))).toBe("1000:2");
			await fsx.chown(target, { gid: 2000 });
			expect(ownerOf(path("file"))).toBe("1000:2000");
			await fsx.chown(target, { uid: undefined, gid: undefined });
			expect(ownerOf(path("file"))).toBe("1000:2000");
			await fsx.chown(target, { uid: 0, gid: 4294967294 });
			expect(ownerOf(path("file"))).toBe("0:4294967294");
			await fsx.chown(target, { uid: 4294967294, gid: 0 });
			expect(await fsx.stat(target)).toMatchObject({ uid: 4294967294, gid: 0 });
		}
	} finally {
		fs.closeSync(fd);
	}
});

rootForms("chown of a link, and of what it leads to", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	fs.symlinkSync("file", path("link"));
	fs.symlinkSync("nothing", path("dangling"));
	await fsx.chown(path("link"), { uid: 11 }, { follow: false });
	expect([ownerOf(path("file")), ownerOf(path("link"))]).toEqual(["0:0", "11:0"]);
	await fsx.chown(path("link"), { gid: 12 });
	expect([ownerOf(path("file")), ownerOf(path("link"))]).toEqual(["0:12", "11:0"]);
	await fsx.chown(path("dangling"), { gid: 13 }, { follow: false });
	expect(ownerOf(path("dangling"))).toBe("0:13");
	await failsAsNode(fsx.chown(path("dangling"), { uid: 1, gid: 1 }), () =>
		fs.chownSync(path("dangling"), 1, 1),
	);
});

rootForms("chown takes set-user-id off, as documented", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	fs.chmodSync(path("file"), 0o6755);
	await fsx.chown(path("file"), { uid: 5 });
	expect(fs.statSync(path("file")).mode & 0o7777).toBe(0o755);
});

rootForms("copyOwner", async ({ fsx, path, directory }) => {
	for (const name of ["from", "to"]) fs.writeFileSync(path(name), "");
	fs.symlinkSync("from", path("fromLink"));
	fs.symlinkSync("to", path("toLink"));
	fs.chownSync(path("from"), 21, 22);
	fs.lchownSync(path("fromLink"), 31, 32);
	await fsx.copyOwner(path("fromLink"), path("toLink"));
	expect([ownerOf(path("to")), ownerOf(path("toLink"))]).toEqual(["21:22", "0:0"]);
	await fsx.copyOwner(path("fromLink"), path("toLink"), { follow: false });
	expect([ownerOf(path("to")), ownerOf(path("toLink"))]).toEqual(["21:22", "31:32"]);
	using dir = await fsx.openDir(directory, { beneath: true });
	const fd = fs.openSync(path("fromLink"), "r");
	try {
		fs.chownSync(path("from"), 41, 42);
		await fsx.copyOwner(fd, dir.at("to"));
		expect(ownerOf(path("to"))).toBe("41:42");
		await fsx.copyOwner(dir, fd);
		expect(ownerOf(path("from"))).toBe("0:0");
	} finally {
		fs.closeSync(fd);
	}
	await copyOwnerFindsNothing(fsx, path("to"), path("nothing"));
	expect(await failureOf(fsx.copyOwner(undefined as never, path("to")))).toMatchObject({
		code: "ERR_INVALID_ARG_TYPE",
		message: expect.stringContaining('"from"'),
	});
});

rootForms("chown fails as in Node", async ({ fsx, path }) => {
	const owner = { uid: 0, gid: 0 };
	await failsAsNode(fsx.chown(path("nothing"), owner), () => fs.chownSync(path("nothing"), 0, 0));
	await failsAsNode(fsx.chown(path("nothing"), owner, { follow: false }), () =>
		fs.lchownSync(path("nothing"), 0, 0),
	);
	await failsAsNode(fsx.chown(1_000_000, owner), () => fs.fchownSync(1_000_000, 0, 0));
});

rootForms("ids and options that chown refuses", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	const code = async (owner: unknown, options?: unknown) =>
		(await failureOf(fsx.chown(path("file"), owner as never, options as never))).code;
	for (const id of [-1, 4294967295, 2 ** 53]) {
		expect([id, await code({ uid: id })]).toEqual([id, "ERR_OUT_OF_RANGE"]);
		expect([id, await code({ gid: id })]).toEqual([id, "ERR_OUT_OF_RANGE"]);
	}
	for (const id of [1.5, Number.NaN, "0", null, 0n]) {
		expect([id, await code({ uid: id })]).toEqual([id, expect.stringMatching(/^ERR_/)]);
	}
	for (const owner of [undefined, null, 0, "root"]) {
		expect(await code(owner)).toBe("ERR_INVALID_ARG_TYPE");
	}
	expect(await code({ user: 0 })).toBe("ERR_INVALID_ARG_VALUE");
	expect(await code({ uid: 1 }, { follow: 1 })).toBe("ERR_INVALID_ARG_TYPE");
	expect(await code({ uid: 1 }, { nofollow: true })).toBe("ERR_INVALID_ARG_VALUE");
	expect(ownerOf(path("file"))).toBe("0:0");
});

onLinux("numbers")("what names accounts on Windows is refused here", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	const error = await failureOf(fsx.chown(path("file"), { owner: "S-1-5-18" }));
	expect(error).toMatchObject({ code: "ENOTSUP", syscall: "chown" });
	expect(error.message).toContain("accounts of Linux have numbers");
});

onWindows("SIDs")("numbers name no account on Windows", async ({ fsx, path }) => {
	for (const owner of [{ uid: 0 }, { gid: 0 }, { uid: 0, owner: "S-1-5-18" }]) {
		const error = await failureOf(fsx.chown(path("nothing"), owner));
		expect(error).toMatchObject({ code: "ENOTSUP", syscall: "chown", path: path("nothing") });
		expect(error.message).toContain("give owner and group, as SIDs");
	}
});

/** The SID of the user that runs this, by whoami(1). */
function ownSid(): string | undefined {
	try {
		const { stdout } = Bun.spawnSync(["whoami", "/user", "/fo", "csv", "/nh"]);
		return /S-1-[\d-]+/.exec(stdout.toString())?.[0];
	} catch {
		return undefined; // Wine may have no such program.
	}
}

onWindows("SIDs")("a file can be given to oneself, and copyOwner does so", async (given) => {
	const { fsx, path, directory } = given;
	for (const name of ["from", "to"]) fs.writeFileSync(path(name), "content");
	const owner = ownSid();
	using dir = await fsx.openDir(directory);
	await using file = await fsx.open(path("to"));
	for (const target of [path("to"), dir.at("to"), file, dir]) {
		if (owner !== undefined) await fsx.chown(target, { owner });
		await fsx.chown(target, {});
		await fsx.copyOwner(path("from"), target);
	}
	await copyOwnerFindsNothing(fsx, path("to"), path("nothing"));
});

onWindows("SIDs")("what is no SID is refused before any call", async ({ fsx, path }) => {
	for (const owner of ["", "me", "S-1", "S-1-5", "S-2-5-18", "S-1-5-4294967296", "S-1-5-18 "]) {
		const error = await failureOf(fsx.chown(path("nothing"), { owner }));
		expect([owner, error.code]).toEqual([owner, "ERR_INVALID_ARG_VALUE"]);
	}
});

forms("owners that are neither numbers nor strings", async ({ fsx, path }) => {
	const code = async (owner: unknown) =>
		(await failureOf(fsx.chown(path("nothing"), owner as never))).code;
	expect(await code({ owner: 18 })).toBe("ERR_INVALID_ARG_TYPE");
	expect(await code({ group: null })).toBe("ERR_INVALID_ARG_TYPE");
	expect(await code({ name: "me" })).toBe("ERR_INVALID_ARG_VALUE");
});

for (const follow of [true, false]) {
	rootForms(
		`chown confined, follow: ${follow}`,
		async (given) => {
			const { fsx } = given;
			await confines(given, follow, (location) => fsx.chown(location, { uid: 7 }, { follow }));
			await confines({ ...given, path: (name) => given.path(`copy-${name}`) }, follow, (location) =>
				fsx.copyOwner(location, location, { follow }),
			);
		},
		IN_MEMORY,
	);
}
