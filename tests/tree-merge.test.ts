/** Copying a tree into what is there, and which sources and destinations are refused. */
import { expect } from "bun:test";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { failureOf, forms, MAKES_SYMLINKS, ON_WINDOWS, onLinux } from "./forms.ts";
import { rootForms } from "./root.ts";
import { openIn } from "./witnesses.ts";

forms("merging into what is there", async ({ fsx, path }) => {
	const make = (): void => {
		for (const name of ["from", "to"]) fs.rmSync(path(name), { recursive: true, force: true });
		for (const name of ["from", "to"]) {
			fs.mkdirSync(path(`${name}/sub`), { recursive: true });
			fs.writeFileSync(path(`${name}/both`), `${name} content`);
			fs.writeFileSync(path(`${name}/sub/only-${name}`), name);
		}
		fs.utimesSync(path("to/both"), 2e9, 2e9);
	};
	make();
	await fsx.copyTree(path("from"), path("to"));
	expect(fs.readFileSync(path("to/both"), "utf8")).toBe("from content");
	expect(fs.readdirSync(path("to/sub")).sort()).toEqual(["only-from", "only-to"]);
	make();
	const newer = await fsx.copyTree(path("from"), path("to"), { overwrite: "newer" });
	expect([newer.skipped, newer.files]).toEqual([1, 1]);
	expect(fs.readFileSync(path("to/both"), "utf8")).toBe("to content");
	make();
	const error = await failureOf(fsx.copyTree(path("from"), path("to"), { overwrite: false }));
	expect(error).toMatchObject({
		code: "EEXIST",
		path: join(path("from"), "both"),
		dest: join(path("to"), "both"),
	});
	expect(fs.readFileSync(path("to/both"), "utf8")).toBe("to content");
	// A link in the place of a file is replaced, and not written through.
	if (!MAKES_SYMLINKS) return;
	make();
	fs.writeFileSync(path("victim"), "untouched");
	fs.rmSync(path("to/both"));
	fs.symlinkSync(path("victim"), path("to/both"));
	for (const atomic of [true, false]) {
		await fsx.copyTree(path("from"), path("to"), { atomic });
		expect(fs.lstatSync(path("to/both")).isFile()).toBe(true);
		expect(fs.readFileSync(path("victim"), "utf8")).toBe("untouched");
	}
	expect(fs.readdirSync(path("to")).sort()).toEqual(["both", "sub"]);
});

forms("entries of another kind in the place are refused", async ({ fsx, path }) => {
	const cases: [from: (name: string) => void, to: (name: string) => void][] = [
		[(name) => fs.writeFileSync(name, "x"), (name) => fs.mkdirSync(name)],
		[(name) => fs.mkdirSync(name), (name) => fs.writeFileSync(name, "old")],
	];
	if (MAKES_SYMLINKS) {
		cases.push([(name) => fs.symlinkSync("x", name), (name) => fs.mkdirSync(name)]);
		cases.push([(name) => fs.mkdirSync(name), (name) => fs.symlinkSync("/tmp", name)]);
	}
	if (!ON_WINDOWS) {
		cases.push([(name) => fs.writeFileSync(name, "x"), (name) => execFileSync("mkfifo", [name])]);
	}
	for (const [index, [makeFrom, makeTo]] of cases.entries()) {
		for (const name of ["from", "to"]) fs.mkdirSync(path(`${index}/${name}`), { recursive: true });
		makeFrom(path(`${index}/from/entry`));
		makeTo(path(`${index}/to/entry`));
		const kind = fs.lstatSync(path(`${index}/to/entry`)).mode;
		const copy = fsx.copyTree(path(`${index}/from`), path(`${index}/to`));
		const error = await failureOf(copy);
		expect([index, error.code]).toEqual([
			index,
			expect.stringMatching(/^(EISDIR|ENOTDIR|EEXIST|EINVAL|ELOOP)$/),
		]);
		expect(error).toMatchObject({
			path: join(path(`${index}/from`), "entry"),
			dest: join(path(`${index}/to`), "entry"),
		});
		expect(fs.lstatSync(path(`${index}/to/entry`)).mode).toBe(kind);
		expect(fs.readdirSync(path(`${index}/to`))).toEqual(["entry"]);
		expect(openIn(path(""))).toBe(0);
	}
});

forms("a destination inside the source is refused", async ({ fsx, path, directory }) => {
	fs.mkdirSync(path("from/a/b"), { recursive: true });
	fs.mkdirSync(path("beside"));
	fs.writeFileSync(path("from/file"), "");
	const places = ["from", "from/", "from/new", "from/a/b", "from/a/b/new"];
	if (MAKES_SYMLINKS) {
		fs.symlinkSync("from/a", path("link"));
		places.push("link/new", "link");
		// Windows takes the names away before it looks where the link leads.
		if (!ON_WINDOWS) places.push("link/b/../../x");
	}
	for (const to of [...places, "beside/../from/x", "./from/a/../new"]) {
		const destination = `${directory}/${to}`;
		for (const from of [path("from"), `${directory}/beside/../from`]) {
			const error = await failureOf(fsx.copyTree(from, destination));
			expect([to, error.code]).toEqual([to, "EINVAL"]);
			expect(error.message).toContain("inside");
		}
	}
	expect(fs.readdirSync(path("from")).sort()).toEqual(["a", "file"]);
	expect(fs.readdirSync(path("from/a/b"))).toEqual([]);
	// A name that only begins alike is another directory, and the source may lie in the destination.
	await fsx.copyTree(path("from"), path("from2"));
	await fsx.copyTree(path("from/a"), path("from"));
	expect(fs.readdirSync(path("from")).sort()).toEqual(["a", "b", "file"]);
});

forms("a source that is no directory, or not there", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "");
	fs.mkdirSync(path("dir"));
	if (MAKES_SYMLINKS) fs.symlinkSync("dir", path("link"));
	for (const [from, to, code] of [
		["file", "new", "ENOTDIR"],
		["none", "new", "ENOENT"],
		["dir", "none/new", "ENOENT"],
		["dir", "file", "ENOTDIR"],
		["dir", "file/x", "ENOTDIR"],
	] as const) {
		const error = await failureOf(fsx.copyTree(path(from), path(to)));
		expect([from, to, error.code]).toEqual([from, to, code]);
	}
	const links = MAKES_SYMLINKS ? ["link"] : [];
	expect(fs.readdirSync(directory).sort()).toEqual(["dir", "file", ...links]);
	if (!MAKES_SYMLINKS) return;
	// The source itself is followed.
	await fsx.copyTree(path("link"), path("copy"));
	expect(fs.lstatSync(path("copy")).isDirectory()).toBe(true);
});

onLinux("permissions")(
	"directories that are there stay as they are, unless asked",
	async ({ fsx, path }) => {
		fs.mkdirSync(path("from/sub"), { recursive: true });
		fs.mkdirSync(path("to/sub"), { recursive: true });
		fs.chmodSync(path("to"), 0o1777);
		fs.chmodSync(path("to/sub"), 0o2775);
		const mode = (name: string) => (fs.statSync(path(name)).mode & 0o7777).toString(8);
		await fsx.copyTree(path("from"), path("to"));
		expect([mode("to"), mode("to/sub")]).toEqual(["1777", "2775"]);
		await fsx.copyTree(path("from"), path("to"), { overwrite: false, preserve: "all" });
		expect([mode("to"), mode("to/sub")]).toEqual(["1777", "2775"]);
		// One that is made keeps the group that it was handed down, where the filesystem does that.
		fs.mkdirSync(path("to/sub/asked"), { mode: 0o755 });
		fs.mkdirSync(path("from/sub/new"), { mode: 0o755 });
		await fsx.copyTree(path("from"), path("to"));
		expect(mode("to/sub/new")).toBe(mode("to/sub/asked"));
		await fsx.copyTree(path("from"), path("to"), { preserve: { mode: true } });
		expect(mode("to")).toBe(mode("from"));
	},
);

forms("names of one file in the destination do not share what is copied", async ({ fsx, path }) => {
	fs.mkdirSync(path("from"));
	fs.mkdirSync(path("to"));
	for (const name of ["a", "b"]) fs.writeFileSync(path(`from/${name}`), name);
	fs.writeFileSync(path("to/a"), "old");
	fs.linkSync(path("to/a"), path("to/b"));
	await fsx.copyTree(path("from"), path("to"), { atomic: false });
	expect(["a", "b"].map((name) => fs.readFileSync(path(`to/${name}`), "utf8"))).toEqual(["a", "b"]);
});

rootForms("a way into the source by a mount is found", async ({ fsx, path }) => {
	fs.mkdirSync(path("from/inside"), { recursive: true });
	fs.mkdirSync(path("mounted"));
	execFileSync("mount", ["--bind", path("from/inside"), path("mounted")]);
	try {
		const error = await failureOf(fsx.copyTree(path("from"), path("mounted/to")));
		expect(error).toMatchObject({ code: "EINVAL" });
	} finally {
		execFileSync("umount", [path("mounted")]);
	}
});

forms("a filter says yes or no", async ({ fsx, path }) => {
	fs.mkdirSync(path("from"));
	fs.writeFileSync(path("from/file"), "");
	for (const answer of [Promise.resolve(false), undefined, 0]) {
		const filter = () => answer as unknown as boolean;
		const error = await failureOf(fsx.copyTree(path("from"), path("to"), { filter }));
		expect(error.code).toBe("ERR_INVALID_RETURN_VALUE");
	}
});

onLinux("permissions")(
	"what a killed copy has left is copied again, however new it is",
	async ({ fsx, path }) => {
		fs.mkdirSync(path("from"));
		fs.mkdirSync(path("to"));
		fs.writeFileSync(path("from/file"), "the whole content");
		fs.writeFileSync(path("to/file"), "the wh", { mode: 0o000 });
		await fsx.copyTree(path("from"), path("to"), { overwrite: "newer" });
		expect(fs.readFileSync(path("to/file"), "utf8")).toBe("the whole content");
	},
);
