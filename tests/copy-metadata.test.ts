/** Which metadata a copy keeps: each part alone, all, and none. */
import { expect } from "bun:test";
import fs from "node:fs";
import { tool } from "./attr.ts";
import { filesystem } from "./filesystems.ts";
import { runScript } from "./fixtures/run.ts";
import { lacksUnderWine, ON_WINDOWS, onLinux, onWindows } from "./forms.ts";
import { rootForms } from "./root.ts";
import { pattern } from "./witnesses.ts";

const ext4 = filesystem("ext4");
const xfs = filesystem("xfs");
const btrfs = filesystem("btrfs");

const attributes = (file: string) =>
	tool("getfattr", "--absolute-names", "-d", "-m", "-", "-e", "hex", file)
		.split("\n")
		.slice(1)
		.filter((line) => line !== "" && !line.startsWith("system."))
		.sort();
const acl = (file: string) => tool("getfacl", "-cpEn", file);

/** Everything that a copy can keep, as system tools see it. */
function seen(file: string) {
	const { uid, gid, mode, mtimeNs, atimeNs } = fs.statSync(file, { bigint: true });
	return {
		mode: (mode & 0o7777n).toString(8),
		times: [atimeNs, mtimeNs],
		owner: [uid, gid],
		xattrs: attributes(file),
		acl: acl(file),
	};
}

/** A file with metadata of every sort. */
function make(file: string): void {
	fs.writeFileSync(file, pattern(10_000));
	fs.chownSync(file, 1234, 5678);
	tool("setfattr", "-n", "user.one", "-v", "1", file);
	tool("setfattr", "-n", "trusted.two", "-v", "0x0001ff", file);
	tool("setfacl", "-m", "u:42:rw,g:43:r", file);
	fs.chmodSync(file, 0o4751);
	tool("touch", "-a", "-d", "2001-02-03 04:05:06.123456789", file);
	tool("touch", "-m", "-d", "1969-12-31 23:59:58.987654321 UTC", file);
}

for (const place of [ext4, xfs, btrfs]) {
	place.forms("all is all", async ({ fsx, path }) => {
		make(path("from"));
		const before = seen(path("from"));
		for (const options of [{}, { atomic: false }, { verify: true, reflink: "never" }] as const) {
			const report = await fsx.copyFile(path("from"), path("to"), { preserve: "all", ...options });
			expect(report.notPreserved).toEqual([]);
			expect(seen(path("to"))).toEqual(before);
			fs.rmSync(path("to"));
			tool("touch", "-a", "-d", "2001-02-03 04:05:06.123456789", path("from"));
		}
	});
}

ext4.forms("each part alone, and nothing else", async ({ fsx, path }) => {
	make(path("from"));
	const { owner } = seen(path("from"));
	await fsx.copyFile(path("from"), path("plain"), { preserve: "none" });
	const none = seen(path("plain"));
	expect([none.mode, none.owner, none.xattrs.join("")]).toEqual([
		(0o666 & ~process.umask()).toString(8),
		[BigInt(process.getuid?.() ?? -1), BigInt(process.getgid?.() ?? -1)],
		"",
	]);
	expect(none.times[1]).toBeGreaterThan(1_500_000_000_000_000_000n);
	for (const part of ["mode", "times", "owner", "xattrs", "acl"] as const) {
		for (const atomic of [true, false]) {
			const source = seen(path("from"));
			await fsx.copyFile(path("from"), path("to"), { preserve: { [part]: true }, atomic });
			const found = seen(path("to"));
			// Set-user-id without the owner would give away what the owner did not.
			// The list is a part of the permissions: without it the group would have what it grants.
			if (part === "mode") expect([found.mode, found.acl]).toEqual(["751", source.acl]);
			else if (part === "acl") expect(found.acl.match(/:4[23]:/g)?.length).toBe(2);
			else expect(found[part]).toEqual(source[part]);
			for (const other of ["mode", "owner", "xattrs"] as const) {
				if (other === part || part === "acl") continue;
				const expected = part === "mode" && other === "owner" ? none.owner : none[other];
				// Without mode, the permissions are those of any new file.
				expect([part, other, found[other]]).toEqual([part, other, expected]);
			}
			// The clock of files ticks every few milliseconds: the same is as good as later.
			if (part !== "times") expect(found.times[1]).toBeGreaterThanOrEqual(none.times[1] ?? 0n);
			fs.rmSync(path("to"));
		}
	}
	await fsx.copyFile(path("from"), path("to"));
	expect(seen(path("to"))).toMatchObject({ mode: "751", owner: none.owner, xattrs: none.xattrs });
	await fsx.copyFile(path("from"), path("to"), { preserve: { mode: true, owner: true } });
	expect(seen(path("to"))).toMatchObject({ mode: "4751", owner });
});

ext4.forms("permissions without their list leave the group nothing", async ({ fsx, path }) => {
	make(path("from"));
	await fsx.copyFile(path("from"), path("to"), { preserve: { mode: true, acl: false } });
	expect([seen(path("to")).mode, acl(path("to")).includes(":42:")]).toEqual(["701", false]);
	// What replaces a file with a list has the list.
	const before = acl(path("from"));
	await fsx.writeFile(path("from"), "new", { atomic: true });
	expect(acl(path("from"))).toBe(before);
});

rootForms("a link in the place lends the copy nothing", async ({ fsx, path }) => {
	for (const name of ["from", "to"]) fs.mkdirSync(path(name));
	fs.writeFileSync(path("from/file"), "secret", { mode: 0o600 });
	for (const preserve of [undefined, { times: true }] as const) {
		fs.rmSync(path("to/file"), { force: true });
		fs.symlinkSync("/nowhere", path("to/file"));
		fs.lchownSync(path("to/file"), 1000, 1000);
		await fsx.copyTree(path("from"), path("to"), preserve && { preserve });
		const { uid, mode } = fs.lstatSync(path("to/file"));
		const expected = preserve ? 0o666 & ~process.umask() : 0o600;
		expect([uid, mode & 0o7777]).toEqual([process.getuid?.() ?? -1, expected]);
	}
});

rootForms("what is replaced keeps what is not copied", async ({ fsx, path }) => {
	for (const atomic of [true, false]) {
		fs.writeFileSync(path("from"), "new", { mode: 0o755 });
		fs.writeFileSync(path("to"), "old");
		fs.chownSync(path("to"), 77, 88);
		fs.chmodSync(path("to"), 0o4640);
		await fsx.copyFile(path("from"), path("to"), { preserve: "none", atomic });
		const { uid, gid, mode } = fs.statSync(path("to"));
		expect([uid, gid, mode & 0o777]).toEqual([77, 88, 0o640]);
		await fsx.copyFile(path("from"), path("to"), { atomic });
		const after = fs.statSync(path("to"));
		expect([after.uid, after.gid, after.mode & 0o7777]).toEqual([77, 88, 0o755]);
	}
});

for (const place of [ext4, xfs, btrfs]) {
	place.forms(
		"a default list of the directory is not inherited with all",
		async ({ fsx, path }) => {
			fs.mkdirSync(path("dir"));
			tool("setfacl", "-d", "-m", "u:42:rwx", path("dir"));
			fs.writeFileSync(path("from"), "content", { mode: 0o640 });
			await fsx.copyFile(path("from"), path("dir/to"), { preserve: "all" });
			expect(acl(path("dir/to"))).toBe(acl(path("from")));
			fs.mkdirSync(path("tree/sub"), { recursive: true });
			await fsx.copyTree(path("tree"), path("dir/tree"), { preserve: "all" });
			expect(acl(path("dir/tree/sub"))).toBe(acl(path("tree/sub")));
		},
	);
}

for (const place of [ext4, xfs, btrfs]) {
	place.forms("a file that is replaced gets no list from its directory", async ({ fsx, path }) => {
		fs.mkdirSync(path("dir"));
		fs.writeFileSync(path("dir/file"), "old", { mode: 0o640 });
		fs.writeFileSync(path("from"), "new", { mode: 0o600 });
		const before = acl(path("dir/file"));
		tool("setfacl", "-d", "-m", "u:42:rwx", path("dir"));
		for (const replace of [
			() => fsx.writeFile(path("dir/file"), "new", { atomic: true }),
			() => fsx.copyFile(path("from"), path("dir/file"), { preserve: "none" }),
		]) {
			await replace();
			expect(acl(path("dir/file"))).toBe(before);
		}
	});
}

onLinux("permissions")(
	"a secret is never readable by others, also while it is copied",
	async ({ fsx, path }) => {
		fs.writeFileSync(path("from"), "secret", { mode: 0o600 });
		const modes = new Set<number>();
		fs.truncateSync(path("from"), 64 * 1024 * 1024);
		await fsx.copyFile(path("from"), path("to"), {
			atomic: false,
			holes: "fill",
			onProgress: () => modes.add(fs.statSync(path("to")).mode & 0o777),
		});
		expect([...modes]).toEqual([0o600]);
	},
	"/dev/shm",
);

rootForms("what cannot be kept is reported, or fails if asked for by name", async (given) => {
	const { path, directory, form } = given;
	fs.chmodSync(directory, 0o777);
	fs.writeFileSync(path("from"), "content", { mode: 0o644 });
	tool("setfattr", "-n", "user.kept", "-v", "1", path("from"));
	// As a user to whom the file does not belong.
	const script = `
		import { copyFile, copyFileSync } from "library";
		const [from, to, form, preserve] = process.argv.slice(-4);
		process.setgid(65534);
		process.setuid(65534);
		const copy = form === "sync" ? copyFileSync : copyFile;
		try {
			console.log(JSON.stringify(await copy(from, to, { preserve: JSON.parse(preserve) })));
		} catch ({ code }) {
			console.log(JSON.stringify({ code }));
		}`;
	const all = await runScript(script, path("from"), path("to"), form, '"all"');
	expect(JSON.parse(all).notPreserved).toEqual(["owner"]);
	expect(attributes(path("to")).join()).toContain("user.kept");
	expect(fs.statSync(path("to")).uid).toBe(65534);
	fs.rmSync(path("to"));
	fs.chmodSync(path("from"), 0o6755);
	const special = JSON.parse(await runScript(script, path("from"), path("to"), form, '"all"'));
	expect(special.notPreserved).toEqual(["owner", "mode (set-id bits)"]);
	expect(fs.statSync(path("to")).mode & 0o7777).toBe(0o755);
	fs.rmSync(path("to"));
	// Its owner, who is not of its group: that the bit is lost the system does not say.
	fs.chownSync(path("from"), 65534, 1234);
	fs.chmodSync(path("from"), 0o2755);
	fs.chmodSync(directory, 0o2777);
	fs.chownSync(directory, 0, 1234);
	const group = JSON.parse(await runScript(script, path("from"), path("to"), form, '"all"'));
	const made = fs.statSync(path("to"));
	// A filesystem in user space may not hand the directory's group down, nor can the user give it.
	const owner = made.gid === 1234 ? [] : ["owner"];
	expect([group.notPreserved, made.mode & 0o7777]).toEqual([
		[...owner, "mode (set-id bits)"],
		0o755,
	]);
	fs.rmSync(path("to"));
	const both = '{"mode":true,"owner":true}';
	expect(JSON.parse(await runScript(script, path("from"), path("to"), form, both))).toEqual({
		code: "EPERM",
	});
	fs.chownSync(path("from"), 0, 0);
	const named = await runScript(script, path("from"), path("to"), form, '{"owner":true}');
	expect(JSON.parse(named)).toEqual({ code: "EPERM" });
	expect(fs.readdirSync(directory)).toEqual(["from"]);
});

onWindows("attributes, streams and lists")("each part that is asked for", async ({ fsx, path }) => {
	fs.writeFileSync(path("from"), "content");
	fs.utimesSync(path("from"), 1_000_000_000.5, 1_000_000_001.25);
	for (const atomic of [true, false]) {
		for (const there of [false, true]) {
			if (there) fs.writeFileSync(path("to"), "old");
			await fsx.copyFile(path("from"), path("to"), { preserve: { times: true }, atomic });
			const { mtimeNs } = await fsx.stat(path("to"));
			expect(mtimeNs).toBe(1_000_000_001_250_000_000n);
			const plain = await fsx.copyFile(path("from"), path("to"), { preserve: "none", atomic });
			expect(plain.notPreserved).toEqual([]);
			expect((await fsx.stat(path("to"))).mtimeNs).toBeGreaterThan(1_500_000_000_000_000_000n);
			const all = await fsx.copyFile(path("from"), path("to"), { preserve: "all", atomic });
			expect(all.notPreserved).toEqual([]);
			fs.rmSync(path("to"));
		}
	}
	await fsx.copyFile(path("from"), path("to"), { preserve: { owner: true, acl: true } });
	expect(fs.readFileSync(path("to"), "utf8")).toBe("content");
});

lacksUnderWine("what Windows keeps beside the content")(
	"attributes and streams, and the list that a file had",
	async ({ fsx, path }) => {
		if (!ON_WINDOWS) return;
		fs.writeFileSync(path("from"), "content");
		await fsx.setXattr(path("from"), "note", "in a stream");
		await fsx.setFlags(path("from"), { hidden: true, readonly: true, archive: false });
		await fsx.copyFile(path("from"), path("plain"));
		expect(await fsx.listXattrs(path("plain"))).toEqual([]);
		expect(await fsx.getFlags(path("plain"))).toMatchObject({ hidden: false, readonly: true });
		await fsx.copyFile(path("from"), path("to"), { preserve: "all" });
		expect(await fsx.listXattrs(path("to"))).toEqual(["note"]);
		const kept = { hidden: true, readonly: true, archive: false };
		expect(await fsx.getFlags(path("to"))).toMatchObject(kept);
		for (const name of ["from", "plain", "to"]) await fsx.setFlags(path(name), { readonly: false });
		const list = (name: string) => {
			const text = Bun.spawnSync(["icacls", path(name)]).stdout.toString("latin1");
			return text.replace(path(name), "");
		};
		Bun.spawnSync(["icacls", path("from"), "/inheritance:d", "/grant", "*S-1-5-32-546:R"]);
		await fsx.copyFile(path("from"), path("to"), { preserve: { acl: true } });
		expect(list("to")).toBe(list("from"));
		// What replaces a file has its list.
		await fsx.copyFile(path("plain"), path("to"));
		expect(list("to")).toBe(list("from"));
	},
);
