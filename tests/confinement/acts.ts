/** What each function of the library that takes a name is made to do in a tree that is being swapped. */
import fs from "node:fs";
import * as library from "../../src/index.ts";

type Library = typeof library;
export type Form = "async" | "sync";

/** The functions of the library in one of their two forms: whoever calls them awaits the result. */
export type Functions = {
	readonly [Name in keyof Library as `${Name}Sync` extends keyof Library ? Name : never]: (
		...args: Library[Name] extends (...args: infer Args) => unknown ? Args : never
	) => unknown;
};

const byName = library as unknown as Record<string, (...args: unknown[]) => unknown>;
const names = Object.keys(byName).filter((name) => `${name}Sync` in byName);
const inForm = (suffix: string) =>
	Object.fromEntries(names.map((name) => [name, byName[name + suffix]])) as unknown as Functions;

export const functions: Record<Form, Functions> = { async: inForm(""), sync: inForm("Sync") };

/** What an act is given. */
export interface Stage {
	readonly fsx: Functions;
	readonly form: Form;
	/** A name in the confined directory. */
	readonly at: (name: string) => library.At;
	/** A name in `a/b` for somebody who is not confined, wherever that has been moved to. */
	readonly inside: (name: string) => string;
}

export interface Act {
	readonly title: string;
	/** The function that it attacks, without `Sync`. */
	readonly of: string;
	readonly run: (stage: Stage) => unknown;
	/** Puts back what a run has changed that was successful. */
	readonly undo?: (stage: Stage) => void;
	/** Names in `a/b` that are swapped as well. */
	readonly swaps: readonly string[];
	/** How it may fail, apart from the ways in which anything may. */
	readonly fails: readonly string[];
}

const acts: Act[] = [];

function act(of: string, run: Act["run"], more: Partial<Act> = {}): void {
	acts.push({ of, title: of, run, swaps: ["x"], fails: [], ...more });
}

const X = "a/b/x";
const NEW = "a/b/new";
const GONE = "a/b/gone";

/** With promise forms side by side, another may have put it back, or swapped it away again. */
function unlessDone(work: () => void): void {
	try {
		work();
	} catch (error) {
		if (!["ENOENT", "EEXIST"].includes((error as { code: string }).code)) throw error;
	}
}

/** What makes something under a new name, which is taken away again. */
function makes(of: string, run: Act["run"], more: Partial<Act> = {}): void {
	const undo: Act["undo"] = ({ inside }) => unlessDone(() => fs.unlinkSync(inside("new")));
	act(of, run, { undo, swaps: [], fails: ["EEXIST"], ...more });
}

/** What takes a file away, which is put back. */
function removes(of: string, run: Act["run"]): void {
	const undo: Act["undo"] = ({ inside }) => fs.writeFileSync(inside("gone"), "again");
	act(of, run, { undo, swaps: [] });
}

act("access", ({ fsx, at }) => fsx.access(at(X), { execute: true }));
act("access", ({ fsx, at }) => fsx.access(at("a/b/link"), { follow: false }), {
	title: "access of a link",
	swaps: ["link"],
});
act("advise", ({ fsx, at }) => fsx.advise(at(X), "willneed"));
act("capabilities", ({ fsx, at }) => fsx.capabilities(at("a/b/hollow")), { swaps: [] });
act("chmod", ({ fsx, at }) => fsx.chmod(at(X), 0o755));
act("chmod", ({ fsx, at }) => fsx.chmod(at(X), 0o755, { follow: false }), {
	title: "chmod of the name itself",
	fails: ["ENOTSUP"],
});
act("chown", ({ fsx, at }) => fsx.chown(at(X), { uid: process.getuid?.() }));
act("collapseRange", ({ fsx, at }) => fsx.collapseRange(at(X), 0, 4096), {
	fails: ["ENOTSUP", "EINVAL"],
});
act("compareTrees", ({ fsx, at }) => fsx.compareTrees(at("a/b/dir"), at("a/b/dir")), {
	swaps: ["dir"],
});
makes("copyFile", ({ fsx, at }) => fsx.copyFile(at(X), at(NEW)), { swaps: ["x"] });
act("copyFile", ({ fsx, at }) => fsx.copyFile(at(GONE), at(X), { preserve: "all" }), {
	title: "copyFile over a file",
});
act("copyFile", ({ fsx, at }) => fsx.copyFile(at(GONE), at(X), { atomic: false }), {
	title: "copyFile in place",
	fails: ["EEXIST", "ELOOP"],
});
act("copyOwner", ({ fsx, at }) => fsx.copyOwner(at(X), at(GONE)));
makes("copyTree", ({ fsx, at }) => fsx.copyTree(at("a/b/dir"), at(NEW), { preserve: "all" }), {
	swaps: ["dir"],
	undo: ({ inside }) => fs.rmSync(inside("new"), { recursive: true, force: true }),
});
act("copyXattrs", ({ fsx, at }) => fsx.copyXattrs(at(X), at(GONE)));
act("extents", ({ fsx, at }) => fsx.extents(at("a/b/holes")), { swaps: ["holes"] });
makes("File.link", ({ form, at, inside }) => {
	// It is closed when the link has been made.
	using file = library.openSync(inside("."), "r+", { temporary: true });
	return form === "sync" ? file.linkSync(at(NEW)) : file.link(at(NEW));
});
act("getFlags", ({ fsx, at }) => fsx.getFlags(at(X)), { fails: ["ENOTSUP"] });
act("getXattr", ({ fsx, at }) => fsx.getXattr(at(X), "user.side"), { fails: ["ENODATA"] });
act("getXattr", ({ fsx, at }) => fsx.getXattr(at(X), "user.side", { follow: false }), {
	title: "getXattr of the name itself",
	fails: ["ENODATA"],
});
act("insertRange", ({ fsx, at }) => fsx.insertRange(at(X), 0, 4096), {
	fails: ["ENOTSUP", "EINVAL"],
});
makes("link", ({ fsx, at }) => fsx.link(at(X), at(NEW)), { swaps: ["x"] });
makes("link", ({ fsx, at }) => fsx.link(at(X), at(NEW), { follow: true }), {
	title: "link to what a link leads to",
	swaps: ["x"],
});
act("listXattrs", ({ fsx, at }) => fsx.listXattrs(at(X)));
act("lock", ({ fsx, at }) => fsx.lock(at(X), { wait: false }));
makes("mkdir", ({ fsx, at }) => fsx.mkdir(at(NEW)), {
	undo: ({ inside }) => unlessDone(() => fs.rmdirSync(inside("new"))),
});
makes("mkdir", ({ fsx, at }) => fsx.mkdir(at("a/b/hollow/new/below"), { recursive: true }), {
	title: "mkdir of all above",
	// What is above has been found to be a link by then.
	fails: ["EEXIST", "ENOTDIR"],
	swaps: ["hollow"],
	undo: ({ inside }) => fs.rmSync(inside("hollow/new"), { recursive: true, force: true }),
});
makes("mkfifo", ({ fsx, at }) => fsx.mkfifo(at(NEW)));
makes("mknod", ({ fsx, at }) => fsx.mknod(at(NEW), { type: "socket" }));
act("open", ({ fsx, at }) => fsx.open(at(X)));
act("open", ({ fsx, at }) => fsx.open(at(X), "r+"), { title: "open for writing" });
act("open", ({ fsx, at }) => fsx.open(at(X), "r", { noFollow: true }), {
	title: "open of no link",
	fails: ["ELOOP"],
});
makes("open", ({ fsx, at }) => fsx.open(at(NEW), "wx"), { title: "open of a new file" });
act("open", ({ fsx, at }) => fsx.open(at("a/b"), "r+", { temporary: true }), {
	title: "open without a name",
	swaps: [],
});
act("openDir", ({ fsx, at }) => fsx.openDir(at("a/b/dir")), { swaps: ["dir"] });
act("openDir", ({ fsx, at }) => fsx.openDir(at("a/b/dir"), { beneath: true }), {
	title: "openDir to confine to",
	swaps: ["dir"],
});
act(
	"openDir",
	({ at }) => {
		using dir = library.openDirSync(at("a/b/dir"));
		return [...dir.entriesSync({ metadata: true })].map(({ name, metadata }) => [name, metadata]);
	},
	{ title: "entries", swaps: ["dir"] },
);
act("preallocate", ({ fsx, at }) => fsx.preallocate(at(X), 0, 4096));
act("punchHole", ({ fsx, at }) => fsx.punchHole(at("a/b/holes"), 0, 4096), { swaps: ["holes"] });
act("readFile", ({ fsx, at }) => fsx.readFile(at(X)));
act("readlink", ({ fsx, at }) => fsx.readlink(at("a/b/link")), { swaps: ["link"] });
removes("remove", ({ fsx, at }) => fsx.remove(at(GONE)));
act("removeXattr", ({ fsx, at }) => fsx.removeXattr(at(X), "user.side"), { fails: ["ENODATA"] });
act("rename", ({ fsx, at }) => fsx.rename(at(GONE), at(NEW)), {
	swaps: [],
	undo: ({ inside }) => unlessDone(() => fs.renameSync(inside("new"), inside("gone"))),
});
act("rename", ({ fsx, at }) => fsx.rename(at(X), at(GONE), { exchange: true }), {
	title: "rename, exchanging",
	swaps: [],
});
act("rmdir", ({ fsx, at }) => fsx.rmdir(at("a/b/hollow")), {
	swaps: [],
	undo: ({ inside }) => unlessDone(() => fs.mkdirSync(inside("hollow"))),
});
act("setFlags", ({ fsx, at }) => fsx.setFlags(at(X), { nodump: false }), { fails: ["ENOTSUP"] });
act("setXattr", ({ fsx, at }) => fsx.setXattr(at(X), "user.side", "inside"));
act("stat", ({ fsx, at }) => fsx.stat(at(X)));
act("stat", ({ fsx, at }) => fsx.stat(at("a/b/dir/")), {
	title: "stat of a directory",
	swaps: ["dir"],
});
act("stat", ({ fsx, at }) => fsx.stat(at("a/b/dir/../x")), { title: "stat by a way up" });
act("statfs", ({ fsx, at }) => fsx.statfs(at(X)));
act("statMany", ({ fsx, at }) => fsx.statMany([at(X), at(GONE), at("a/b/dir/file")]));
makes("symlink", ({ fsx, at }) => fsx.symlink("../../../outside", at(NEW)));
act("truncate", ({ fsx, at }) => fsx.truncate(at(X), 10));
act("tryLock", ({ fsx, at }) => fsx.tryLock(at(X)));
removes("unlink", ({ fsx, at }) => fsx.unlink(at(GONE)));
act("unshareRange", ({ fsx, at }) => fsx.unshareRange(at(X), 0, 4096), { fails: ["ENOTSUP"] });
act("utimes", ({ fsx, at }) => fsx.utimes(at(X), { mtime: "now" }));
act("utimes", ({ fsx, at }) => fsx.utimes(at(X), { mtime: "now" }, { follow: false }), {
	title: "utimes of the name itself",
});
act("watch", ({ fsx, at }) => fsx.watch(at("a/b/dir")), { swaps: ["dir"] });
act("writeFile", ({ fsx, at }) => fsx.writeFile(at(X), "written"));
act("writeFile", ({ fsx, at }) => fsx.writeFile(at(X), "written", { atomic: true }), {
	title: "writeFile, atomic",
});
act("zeroRange", ({ fsx, at }) => fsx.zeroRange(at("a/b/holes"), 0, 4096), {
	swaps: ["holes"],
	fails: ["ENOTSUP"],
});

/** Acts that the same names are swapped for, which need but one attacker. */
export const groups = [...Map.groupBy(acts, ({ swaps }) => swaps.join()).values()];
