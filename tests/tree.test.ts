/** Copying trees, with diff(1), find(1) and compareTrees as judges. */
import { expect } from "bun:test";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { compareTreesSync, copyTree, type TreeEntry } from "../src/index.ts";
import { tool } from "./attr.ts";
import { filesystem } from "./filesystems.ts";
import { runProgram, runScript } from "./fixtures/run.ts";
import {
	failureOf,
	forms,
	IN_MEMORY,
	onLinux,
	skipped,
	testElsewhere,
	UNDER_WINE,
} from "./forms.ts";
import { rootForms } from "./root.ts";
import { openIn, output, pattern, writeSparse } from "./witnesses.ts";

const ext4 = filesystem("ext4");
const xfs = filesystem("xfs");
const btrfs = filesystem("btrfs");

/** Everything about a tree but the times of access, line by line, names as they are. */
function listing(root: string): string[] {
	const format = "%P %y %m %U:%G %s %n %l %T@\\0";
	return execFileSync("find", [root, "-printf", format], { encoding: "latin1" })
		.split("\0")
		.map((line) => line.replace(/^(.* d \d+ \d+:\d+) \d+/s, "$1"))
		.sort();
}

/** What diff(1) finds; of fifos, sockets and devices it only ever says that they are such. */
function expectSameContent(from: string, to: string): void {
	const { stdout, stderr } = Bun.spawnSync(["diff", "-r", "--no-dereference", from, to]);
	const found = `${stdout}${stderr}`.trim().split("\n");
	const special = /^File \S+ is a (.*) while file \S+ is a \1$/;
	expect(found.filter((line) => line !== "" && !special.test(line))).toEqual([]);
}

function expectSame(from: string, to: string): void {
	expectSameContent(from, to);
	expect(listing(to)).toEqual(listing(from));
	// XFS shows access control lists once more, under names of its own.
	const { differences } = compareTreesSync(from, to);
	expect(differences.filter(({ detail }) => !detail.startsWith("trusted.SGI_ACL_"))).toEqual([]);
}

/** A tree with one of everything that ext4 can hold. */
function build(root: string): void {
	const at = (name: string) => join(root, name);
	fs.mkdirSync(at("a/b"), { recursive: true });
	fs.mkdirSync(at("empty"));
	fs.writeFileSync(at("nothing"), "");
	fs.writeFileSync(at("a/file"), pattern(100_000), { mode: 0o640 });
	fs.writeFileSync(at("a/b/script"), "#!/bin/sh\n", { mode: 0o755 });
	writeSparse(at("sparse"), 10_000_000, [[5_000_000, "middle"]]);
	for (const name of ["a/hard", "a/b/hard", "empty/../hard"]) fs.linkSync(at("a/file"), at(name));
	fs.symlinkSync("a/file", at("link"));
	fs.symlinkSync("nowhere", at("dangling"));
	fs.symlinkSync("..", at("a/up"));
	fs.symlinkSync("/etc", at("a/absolute"));
	execFileSync("mkfifo", [at("fifo")]);
	execFileSync("python3", ["-c", "import socket,sys;socket.socket(1).bind(sys.argv[1])", at("so")]);
	const odd = [0xff, 0x0a, 0xfe, 0x20];
	const bytes = (name: Uint8Array) => Buffer.concat([Buffer.from(`${root}/`), name]);
	fs.mkdirSync(bytes(Uint8Array.from(odd)));
	fs.writeFileSync(bytes(Uint8Array.from([...odd, 0x2f, ...odd])), "odd");
	fs.symlinkSync(Buffer.from(odd), bytes(Uint8Array.of(0xfd)));
	tool("setfattr", "-n", "user.on.file", "-v", "1", at("a/file"));
	tool("setfattr", "-n", "user.on.dir", "-v", "2", at("a/b"));
	tool("setfacl", "-m", "u:42:rx", at("a/b/script"));
	tool("setfacl", "-d", "-m", "u:42:rx", at("empty"));
	if (process.getuid?.() === 0) {
		execFileSync("mknod", [at("device"), "c", "240", "70000"]);
		execFileSync("mknod", [at("block"), "b", "259", "300"]);
		fs.chownSync(at("a/b"), 1234, 5678);
		fs.lchownSync(at("dangling"), 42, 43);
		tool("setfattr", "-h", "-n", "trusted.on.link", "-v", "3", at("link"));
	}
	fs.chmodSync(at("a/b"), 0o2550);
	for (const name of ["link", "fifo", "a/b/script", "a/b", "a", "empty", "."]) {
		tool("touch", "-h", "-d", `1969-07-20 20:17:40.${name.length}00000001`, at(name));
	}
}

for (const place of [ext4, xfs, btrfs]) {
	place.forms("a tree of everything, with all its metadata", async ({ fsx, path }) => {
		fs.mkdirSync(path("from"));
		build(path("from"));
		const report = await fsx.copyTree(path("from"), path("to"), { preserve: "all" });
		expectSame(path("from"), path("to"));
		expect(report).toMatchObject({ directories: 5, symlinks: 5, hardlinks: 3, notPreserved: [] });
		expect(report.files).toBe(8);
		expect(report.others).toBe(process.getuid?.() === 0 ? 4 : 2);
		expect(Object.values(report.methods).reduce((a, b) => a + b)).toBe(5);
		expect(fs.statSync(path("to/a/hard")).ino).toBe(fs.statSync(path("to/a/file")).ino);
		expect(fs.statSync(path("to/sparse")).blocks * 512).toBeLessThan(100_000);
		expect(tool("getfattr", "--absolute-names", "-d", path("to/a/b"))).toContain("user.on.dir");
		// Once more, over itself: nothing is lost, and several names stay one file.
		await fsx.copyTree(path("from"), path("to"), { preserve: "all" });
		expectSame(path("from"), path("to"));
		expect(openIn(path(""))).toBe(0);
		await fsx.copyTree(path("from"), path("apart"), { preserve: "all", hardlinks: false });
		expect(fs.statSync(path("apart/a/hard")).nlink).toBe(1);
		expectSameContent(path("from"), path("apart"));
	});
}

ext4.forms("to another filesystem, and preserve none", async ({ fsx, path }) => {
	fs.mkdirSync(path("from"));
	build(path("from"));
	for (const root of [xfs.root, "/dev/shm"]) {
		const to = join(root, "fsx-tree-far");
		try {
			await fsx.copyTree(path("from"), to, { preserve: "all" });
			expectSame(path("from"), to);
		} finally {
			fs.rmSync(to, { recursive: true, force: true });
		}
	}
	await fsx.copyTree(path("from"), path("plain"), { preserve: "none" });
	const plain = fs.statSync(path("plain/a/b"));
	expect(plain.mode & 0o7777).toBe(0o777 & ~process.umask());
	expect(plain.uid).toBe(process.getuid?.() ?? 0);
	expect(plain.mtimeMs).toBeGreaterThan(Date.now() - 60_000);
});

onLinux("python and find")(
	"three hundred levels, and a long way down",
	async ({ fsx, path }) => {
		// Longer as a path than any call would take.
		const program = `
import os, sys
os.chdir(sys.argv[1])
for i in range(300):
    os.mkdir("d" * 40)
    os.chdir("d" * 40)
    open("f", "w").write(str(i))`;
		fs.mkdirSync(path("from"));
		execFileSync("python3", ["-c", program, path("from")]);
		const { files, directories } = await fsx.copyTree(path("from"), path("to"));
		expect([files, directories]).toEqual([300, 301]);
		expect(openIn(path(""))).toBe(0);
		const count = (root: string) =>
			output("find", root, "-printf", "%d %f %s\n").split("\n").length;
		expect(count(path("to"))).toBe(count(path("from")));
		execFileSync("rm", ["-rf", path("from"), path("to")]);
	},
	"/dev/shm",
);

onLinux("diff", testElsewhere)(
	"twenty thousand entries",
	async () => {
		const root = fs.mkdtempSync("/dev/shm/fsx-many-");
		try {
			fs.mkdirSync(join(root, "from"));
			for (let i = 0; i < 20_000; i++)
				fs.writeFileSync(join(root, `from/${i}`), i % 7 === 0 ? "x" : "");
			const { files, bytes } = await copyTree(join(root, "from"), join(root, "to"));
			expect([files, bytes]).toEqual([20_000, 2858]);
			expect(fs.readdirSync(join(root, "to")).length).toBe(20_000);
			expect(output("diff", "-rq", join(root, "from"), join(root, "to"))).toBe("");
		} finally {
			fs.rmSync(root, { recursive: true });
		}
	},
	20_000,
);

onLinux("names that are bytes")(
	"the filter sees the bytes of names that are not UTF-8",
	async ({ fsx, path }) => {
		fs.mkdirSync(path("from"));
		const raw = (name: string) => Buffer.from(path(`from/${name}`), "latin1");
		fs.mkdirSync(raw("\xe9"));
		for (const name of ["\xe9/a", "\xe9/\xfe", "\xe9/\xff", "text"])
			fs.writeFileSync(raw(name), "");
		const asked: [string, string | undefined][] = [];
		await fsx.copyTree(path("from"), path("to"), {
			filter: ({ path, pathBytes }) => {
				const bytes = pathBytes && Buffer.from(pathBytes).toString("latin1");
				asked.push([path, bytes]);
				return bytes !== "\xe9/\xfe";
			},
		});
		expect(asked.sort()).toEqual([
			["text", undefined],
			["\ufffd", "\xe9"],
			["\ufffd/a", "\xe9/a"],
			["\ufffd/\ufffd", "\xe9/\xfe"],
			["\ufffd/\ufffd", "\xe9/\xff"],
		]);
		const copied = fs.readdirSync(Buffer.from(path("to/\xe9"), "latin1"), { encoding: "buffer" });
		expect(copied.map((name) => name.toString("latin1")).sort()).toEqual(["a", "\xff"]);
	},
);

forms("the filter is asked about each entry, and what it throws comes out", async (given) => {
	const { fsx, path } = given;
	fs.mkdirSync(path("from/skip/inside"), { recursive: true });
	fs.mkdirSync(path("from/keep"));
	fs.writeFileSync(path("from/keep/file"), "");
	fs.writeFileSync(path("from/keep/other"), "");
	const asked: TreeEntry[] = [];
	const filter = (entry: TreeEntry) => {
		asked.push(entry);
		return entry.path !== "skip" && entry.path !== "keep/other";
	};
	const { files, directories } = await fsx.copyTree(path("from"), path("to"), { filter });
	expect([files, directories]).toEqual([1, 2]);
	expect(asked.map(({ path, kind }) => `${path} ${kind}`).sort()).toEqual([
		"keep directory",
		"keep/file file",
		"keep/other file",
		"skip directory",
	]);
	expect(fs.readdirSync(path("to"))).toEqual(["keep"]);
	const mine = new Error("mine");
	const throwing = () => {
		throw mine;
	};
	expect(await failureOf(fsx.copyTree(path("from"), path("x"), { filter: throwing }))).toBe(mine);
	const reporting = fsx.copyTree(path("from"), path("y"), { onProgress: throwing });
	expect(await failureOf(reporting)).toBe(mine);
	expect(openIn(path(""))).toBe(0);
});

forms(
	"progress, and an abort in the middle",
	async ({ fsx, path }) => {
		fs.mkdirSync(path("from/sub"), { recursive: true });
		// Under Wine each call costs a turn of its server.
		const many = UNDER_WINE ? 120 : 3000;
		const third = many / 3;
		for (let i = 0; i < many; i++) fs.writeFileSync(path(`from/sub/${i}`), "content");
		const seen: number[] = [];
		const report = await fsx.copyTree(path("from"), path("to"), {
			onProgress: ({ files, bytes, current }) => {
				expect(typeof current).toBe("string");
				expect(bytes).toBeGreaterThanOrEqual(files * 7 - 7);
				seen.push(files);
			},
		});
		expect(seen.at(-1)).toBe(many);
		expect(seen).toEqual(seen.toSorted((a, b) => a - b));
		expect(seen.length).toBeLessThan(report.durationNs / 5e7 + 3);
		const controller = new AbortController();
		let asked = 0;
		const copy = fsx.copyTree(path("from"), path("half"), {
			signal: controller.signal,
			filter: () => {
				if (++asked === third) controller.abort("enough");
				return true;
			},
		});
		expect(await failureOf(copy)).toMatchObject({ name: "AbortError", cause: "enough" });
		expect(openIn(path(""))).toBe(0);
		const made = fs.readdirSync(path("half/sub"));
		expect(made.length).toBeGreaterThan(third * 0.9 - 2);
		expect(made.length).toBeLessThan(third * 1.1);
		for (const name of made) {
			expect(fs.readFileSync(path(`half/sub/${name}`), "utf8")).toBe("content");
		}
	},
	IN_MEMORY,
);

rootForms("read-only directories, and those above that may not be read", async (given) => {
	const { path, directory, form } = given;
	fs.chmodSync(directory, 0o711);
	fs.mkdirSync(path("mine/from/locked"), { recursive: true });
	fs.writeFileSync(path("mine/from/locked/file"), "content");
	execFileSync("chown", ["-R", "65534:65534", path("mine")]);
	fs.chmodSync(path("mine/from/locked"), 0o555);
	const script = `
		import { copyTree, copyTreeSync } from "library";
		const [from, to, form] = process.argv.slice(-3);
		process.setgid(65534);
		process.setuid(65534);
		const copy = form === "sync" ? copyTreeSync : copyTree;
		const { files, notPreserved } = await copy(from, to, { preserve: "all" });
		console.log(files, notPreserved.length);`;
	const printed = await runScript(script, path("mine/from"), path("mine/to"), form);
	expect(printed.trim()).toBe("1 0");
	expectSame(path("mine/from"), path("mine/to"));
});

forms("an error in the middle names the entry, and closes everything", async (given) => {
	const { fsx, path } = given;
	fs.mkdirSync(path("from/a/b"), { recursive: true });
	fs.mkdirSync(path("to/a/b/entry"), { recursive: true });
	fs.writeFileSync(path("from/a/b/entry"), "x");
	const error = await failureOf(fsx.copyTree(path("from"), path("to")));
	expect(error).toMatchObject({
		code: "EISDIR",
		path: join(path("from"), "a/b/entry"),
		dest: join(path("to"), "a/b/entry"),
	});
	expect(openIn(path(""))).toBe(0);
	expect(fs.readdirSync(path("to/a/b"))).toEqual(["entry"]);
});

const straceForms: typeof forms =
	Bun.which("strace") === null ? (title) => skipped(title, "strace is not installed") : forms;

straceForms("what has no content is whole or not there", async ({ path, form }) => {
	const script = `
		import { copyTree, copyTreeSync } from "library";
		const [from, to, form] = process.argv.slice(-3);
		const copy = form === "sync" ? copyTreeSync : copyTree;
		const preserve = { times: true };
		console.log(await (async () => copy(from, to, { preserve }))().catch(({ code }) => code));`;
	const text = script.replace(
		'"library"',
		JSON.stringify(join(import.meta.dir, "../src/index.ts")),
	);
	const inject = ["-e", "trace=utimensat", "-e", "inject=utimensat:error=EIO:when=1"];
	const strace = ["strace", "-f", "-qqq", "-o", "/dev/null", ...inject];
	for (const there of [false, true]) {
		for (const name of ["from", "to"]) fs.rmSync(path(name), { recursive: true, force: true });
		for (const name of there ? ["from", "to"] : ["from"]) {
			fs.mkdirSync(path(name));
			fs.symlinkSync(name, path(`${name}/link`));
		}
		const run = [process.execPath, "-e", text, path("from"), path("to"), form];
		expect((await runProgram([...strace, ...run])).trim()).toBe("EIO");
		expect(fs.readdirSync(path("to"))).toEqual(there ? ["link"] : []);
		if (there) expect(fs.readlinkSync(path("to/link"))).toBe("to");
	}
});
