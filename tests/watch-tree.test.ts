/** Trees that are watched whole, while others change them. */
import { afterEach, expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { type FsError, renameSync, watch, watchSync } from "../src/index.ts";
import { IN_MEMORY } from "./confined.ts";
import {
	failureOf,
	forms,
	type Given,
	notUnderWine,
	ON_WINDOWS,
	onLinux,
	onWindows,
} from "./forms.ts";
import { rootForms } from "./root.ts";
import {
	changesIn,
	changesUntil,
	directoriesBelow,
	inodesBelow,
	queues,
	touch,
	watching,
} from "./watched.ts";
import { output } from "./witnesses.ts";

/** Those that look at the watches of inotify, or take moves for what Linux takes them for. */
const inotifyForms = onLinux("one watch for each directory");
const inotifyTest = onLinux("one watch for each directory", test);

const before = queues().length;
afterEach(() => expect(queues().length).toBe(before));

/** That each directory of the tree is watched, and nothing else. */
function expectWatched(directory: string): void {
	expect(queues().at(-1)).toEqual(inodesBelow(directory));
}

/** What files in every directory of the tree are reported as: nothing is missed, and no path is wrong. */
async function expectEachReported(
	watcher: Awaited<ReturnType<typeof watching>>,
	directory: string,
): Promise<void> {
	const made = directoriesBelow(directory).map((name) => `${name}/probe`);
	for (const name of made) touch(name);
	const seen = await changesIn(watcher, directory);
	expect(seen).toEqual(made.map((name) => `create ${name.slice(directory.length + 1)}`));
}

inotifyForms("directories that are there, and that come", async ({ form, directory, path }) => {
	fs.mkdirSync(path("there/below"), { recursive: true });
	touch(path("there/below/file"));
	await using watcher = await watching(form, directory, { recursive: true });
	expectWatched(directory);
	touch(path("there/below/new"));
	fs.chmodSync(path("there/below"), 0o700);
	fs.mkdirSync(path("a/b"), { recursive: true });
	touch(path("a/b/early"));
	expect(await changesIn(watcher, directory)).toEqual([
		"create there/below/new",
		"attributes there/below",
		"create a",
		"create a/b",
		"create a/b/early",
	]);
	fs.appendFileSync(path("a/b/early"), "more");
	fs.rmSync(path("there"), { recursive: true });
	fs.rmdirSync(path("the end"));
	const seen = await changesIn(watcher, directory);
	expect(seen.slice(0, 1)).toEqual(["modify a/b/early"]);
	expect(seen.slice(1).sort()).toEqual([
		"delete the end",
		"delete there",
		"delete there/below",
		"delete there/below/file",
		"delete there/below/new",
	]);
	expectWatched(directory);
});

inotifyForms("directories that are moved take what is below along", async ({ form, path }) => {
	fs.mkdirSync(path("tree/a/b/c"), { recursive: true });
	fs.mkdirSync(path("tree/z"));
	fs.mkdirSync(path("outside/d/e"), { recursive: true });
	touch(path("outside/d/e/file"));
	await using watcher = await watching(form, path("tree"), { recursive: true });
	fs.renameSync(path("tree/a"), path("tree/z/a"));
	touch(path("tree/z/a/b/c/one"));
	fs.renameSync(path("tree/z/a/b"), path("tree/b"));
	touch(path("tree/b/c/two"));
	expect(await changesIn(watcher, path("tree"))).toEqual([
		"rename a -> z/a",
		"create z/a/b/c/one",
		"rename z/a/b -> b",
		"create b/c/two",
	]);
	fs.rmdirSync(path("tree/the end"));

	fs.renameSync(path("tree/b"), path("outside/b"));
	touch(path("outside/b/c/not seen"));
	fs.renameSync(path("outside/d"), path("tree/d"));
	const seen = await changesIn(watcher, path("tree"));
	expect(seen).toEqual(["delete the end", "delete b", "create d", "create d/e", "create d/e/file"]);
	expectWatched(path("tree"));
	fs.rmdirSync(path("tree/the end"));
	touch(path("tree/d/e/more"));
	touch(path("outside/b/c/not seen either"));
	expect(await changesIn(watcher, path("tree"))).toEqual(["delete the end", "create d/e/more"]);
});

inotifyForms("a directory that is moved out and comes back", async ({ form, path }) => {
	fs.mkdirSync(path("tree/a/b"), { recursive: true });
	await using watcher = await watching(form, path("tree"), { recursive: true });
	fs.renameSync(path("tree/a"), path("outside"));
	touch(path("outside/b/file"));
	fs.renameSync(path("outside"), path("tree/c"));
	touch(path("tree/c/b/new"));
	const seen = await changesIn(watcher, path("tree"));
	expect(seen.slice(0, 2)).toEqual(["delete a", "create c"]);
	expect(seen.slice(2).sort()).toEqual(["create c/b", "create c/b/file", "create c/b/new"]);
	expectWatched(path("tree"));
});

inotifyForms("a directory that is moved into a new one", async ({ form, path, directory }) => {
	fs.mkdirSync(path("old/below"), { recursive: true });
	touch(path("old/below/file"));
	await using watcher = await watching(form, directory, { recursive: true });
	fs.mkdirSync(path("new"));
	fs.renameSync(path("old"), path("new/old"));
	fs.mkdirSync(path("new/old/below/last"));
	// It is found in its new place before it is told that it has left its old one.
	const seen = await changesIn(watcher, directory);
	fs.rmdirSync(path("the end"));
	seen.push(...(await changesUntil(watcher, "delete the end")));
	expect(seen.sort()).toEqual([
		"create new",
		"create new/old",
		"create new/old/below",
		"create new/old/below/file",
		"create new/old/below/last",
		"delete old",
	]);
	expectWatched(directory);
	await expectEachReported(watcher, directory);
});

inotifyForms(
	"a directory that takes the place of an empty one",
	async ({ form, directory, path }) => {
		for (const name of ["a/below", "b", "c"]) fs.mkdirSync(path(name), { recursive: true });
		await using watcher = await watching(form, directory, { recursive: true });
		fs.renameSync(path("a"), path("b"));
		fs.renameSync(path("b"), path("c"));
		fs.mkdirSync(path("b"));
		expect(await changesIn(watcher, directory)).toEqual([
			"rename a -> b",
			"rename b -> c",
			"create b",
		]);
		expectWatched(directory);
		fs.rmdirSync(path("the end"));
		await changesUntil(watcher, "delete the end");
		await expectEachReported(watcher, directory);
	},
);

inotifyForms("a directory that is exchanged for one outside", async ({ form, path }) => {
	for (const outsideFirst of [false, true]) {
		const base = path(String(outsideFirst));
		const [tree, live, staged] = [`${base}/tree`, `${base}/tree/live`, `${base}/staged`];
		for (const name of [`${live}/old`, `${staged}/new`]) fs.mkdirSync(name, { recursive: true });
		await using watcher = await watching(form, tree, { recursive: true });
		if (outsideFirst) renameSync(staged, live, { exchange: true });
		else renameSync(live, staged, { exchange: true });
		const seen = await changesIn(watcher, tree);
		expect(seen.slice(outsideFirst ? 1 : 0)).toEqual([
			"delete live",
			"create live",
			"create live/new",
		]);
		expectWatched(tree);
	}
});

inotifyForms(
	"directories that are exchanged",
	async ({ form, directory, path }) => {
		for (const name of ["a/in a", "b/in b", "sub/c/in c"])
			fs.mkdirSync(path(name), { recursive: true });
		touch(path("file"));
		await using watcher = await watching(form, directory, { recursive: true });
		fs.mkdirSync(path("new/in new"), { recursive: true });
		renameSync(path("a"), path("b"), { exchange: true });
		renameSync(path("b"), path("sub/c"), { exchange: true });
		renameSync(path("sub/c"), path("file"), { exchange: true });
		renameSync(path("new"), path("a"), { exchange: true });
		const seen = await changesIn(watcher, directory);
		expect(seen.filter((change) => change.startsWith("rename"))).toEqual([
			"rename a -> b",
			"rename b -> a",
			"rename b -> sub/c",
			"rename sub/c -> b",
			"rename sub/c -> file",
			"rename file -> sub/c",
			"rename new -> a",
			"rename a -> new",
		]);
		expectWatched(directory);
		fs.rmdirSync(path("the end"));
		await changesUntil(watcher, "delete the end");
		expect(fs.existsSync(path("file/in a"))).toBe(true);
		await expectEachReported(watcher, directory);
	},
	IN_MEMORY,
);

forms(
	"paths made by another process: every file once, and where it is",
	async ({ form, directory }) => {
		await using watcher = await watching(form, directory, {
			recursive: true,
			kinds: ["create", "rename"],
		});
		const fixture = join(import.meta.dir, "fixtures/watch-paths.ts");
		const child = Bun.spawn([process.execPath, fixture, directory, `${PATHS}`], {
			stderr: "inherit",
		});
		const counts = new Map<string, number>();
		for (let files = 0; files < 3 * PATHS; ) {
			const { value } = await watcher.next();
			if (value === undefined) throw new Error(`only ${files} files of ${3 * PATHS} were reported`);
			const { kind, path, from } = value;
			if (kind === "rename") {
				// What was reported below it before has moved along.
				for (const name of [...counts.keys()].filter((name) => name.startsWith(`${from}/`))) {
					counts.set(path + name.slice(from?.length), counts.get(name) as number);
					counts.delete(name);
				}
			} else {
				counts.set(path, (counts.get(path) ?? 0) + 1);
				if (path.endsWith("/file")) files++;
			}
		}
		await child.exited;
		expect([...counts.values()].every((count) => count === 1)).toBe(true);
		const files = [...counts.keys()].filter((name) => name.endsWith("/file")).sort();
		const there = namesBelow(directory);
		expect(files).toEqual(there.filter((name) => name.endsWith("/file")).sort());
	},
	IN_MEMORY,
);

/** All names in a tree: the runtime lists no more than a level of it under Wine. */
function namesBelow(directory: string, prefix = ""): string[] {
	return fs.readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
		const name = prefix + entry.name;
		const below = entry.isDirectory() ? namesBelow(join(directory, entry.name), `${name}/`) : [];
		return [name, ...below];
	});
}

/** How many paths another process makes. */
const PATHS = ON_WINDOWS ? 50 : 500;

/** A tree as one knows it who has been told of each change. */
class Told {
	readonly names = new Set<string>();

	apply(kind: string, path: string, from = path): void {
		const at = this.below(from);
		if (kind !== "create" && at.length === 0)
			throw new Error(`${kind} of ${from}, which is not there`);
		if (kind === "create") {
			this.names.add(path);
			return;
		}
		if (kind === "rename") for (const name of this.below(path)) this.names.delete(name);
		for (const name of at) this.names.delete(name);
		if (kind === "rename") for (const name of at) this.names.add(path + name.slice(from.length));
	}

	private below(path: string): string[] {
		return [...this.names].filter((name) => name === path || name.startsWith(`${path}/`));
	}
}

forms("what comes along with a directory that is renamed at once", async ({ form, path }) => {
	fs.mkdirSync(path("tree"));
	fs.mkdirSync(path("from outside/sub"), { recursive: true });
	touch(path("from outside/sub/file"));
	await using watcher = await watching(form, path("tree"), { recursive: true });
	fs.renameSync(path("from outside"), path("tree/old"));
	// By the time that anybody looks there, it has another name.
	fs.renameSync(path("tree/old"), path("tree/new"));
	const told = new Told();
	const there = ["new", "new/sub", "new/sub/file"];
	while (!there.every((name) => told.names.has(name))) {
		const { value } = await watcher.next();
		if (value === undefined) throw new Error(`told of no more than ${[...told.names]}`);
		told.apply(value.kind, value.path, value.from);
	}
	expect([...told.names].sort()).toEqual(there);
});

/** Has several processes change a tree, and a watcher tell of it. */
async function churn({ form, path }: Given, seed: number, exactly = true): Promise<void> {
	fs.mkdirSync(path("tree"));
	fs.mkdirSync(path("outside"));
	const kinds = ["create", "delete", "rename"] as const;
	await using watcher = await watching(form, path("tree"), { recursive: true, kinds });
	const fixture = join(import.meta.dir, "fixtures/watch-churn.ts");
	const command = [process.execPath, fixture, path("tree"), path("outside")];
	// The last of them says when all have ended, also where this thread waits for changes.
	const all = [1, 2, 3].map((one) => `"$@" ${seed + one} 2500 &`).join(" ");
	const child = Bun.spawn(["sh", "-c", `${all} wait; mkdir "$3/last"`, "sh", ...command]);
	const told = new Told();
	const changes = await changesUntil(watcher, "create last");
	await child.exited;
	// A directory that was not where it had been may have been found after that.
	for (const change of [...changes, ...(await changesIn(watcher, path("tree")))]) {
		const [, kind = "", names = ""] = /^(\w+) (.*)$/.exec(change) ?? [];
		const [from = "", to = from] = names.split(" -> ");
		told.apply(kind, to, from);
	}
	for (const name of ["last", "the end"]) fs.rmdirSync(path(`tree/${name}`));
	await changesUntil(watcher, "delete the end");
	const there = fs.readdirSync(path("tree"), { recursive: true }).map(String).sort();
	expect([...told.names].sort()).toEqual(there);
	if (exactly) return expectWatched(path("tree"));
	expect(queues().at(-1)).toEqual(expect.arrayContaining(inodesBelow(path("tree"))));
}

for (const seed of [1, 1000, 2000]) {
	inotifyForms(`what others do at random, ${seed}`, (given) => churn(given, seed), IN_MEMORY);
}
// In user space a filesystem may keep a directory that is gone, and its watch, for a while.
inotifyForms("what others do at random, here", (given) => churn(given, 3000, false));

inotifyForms(
	"links are not followed, also when they take a directory's place",
	async ({ form, path }) => {
		fs.mkdirSync(path("tree/swapped/below"), { recursive: true });
		fs.mkdirSync(path("outside/below"), { recursive: true });
		fs.symlinkSync("../outside", path("tree/link"));
		await using watcher = await watching(form, path("tree"), { recursive: true });
		expectWatched(path("tree"));
		// The path that is gone through again for a new directory leads outside by then.
		fs.mkdirSync(path("tree/swapped/below/new"));
		fs.renameSync(path("tree/swapped"), path("tree/moved"));
		fs.symlinkSync("../outside", path("tree/swapped"));
		fs.mkdirSync(path("outside/below/new"));
		touch(path("outside/below/new/secret"));
		touch(path("tree/moved/below/new/file"));
		const seen = await changesIn(watcher, path("tree"));
		expect(seen).toEqual([
			"create swapped/below/new",
			"rename swapped -> moved",
			"create moved/below/new/file",
			"create swapped",
		]);
		expectWatched(path("tree"));
	},
);

inotifyTest(
	"a directory that turns into a link and back all the time leads nowhere else",
	async () => {
		const directory = fs.mkdtempSync(`${IN_MEMORY}/fsx-test-`);
		const script = `
		const fs = require("node:fs");
		for (let i = 0; i < 1500; i++) {
			fs.mkdirSync("tree/d/e", { recursive: true });
			fs.renameSync("tree/d", "tree/gone");
			fs.symlinkSync("../outside", "tree/d");
			fs.rmSync("tree/gone", { recursive: true });
			fs.unlinkSync("tree/d");
		}
		fs.mkdirSync("tree/last");
	`;
		try {
			fs.mkdirSync(`${directory}/tree`);
			fs.mkdirSync(`${directory}/outside/e`, { recursive: true });
			touch(`${directory}/outside/e/secret`);
			await using watcher = watch(`${directory}/tree`, { recursive: true });
			await watcher.ready;
			const child = Bun.spawn([process.execPath, "-e", script], {
				cwd: directory,
				stderr: "inherit",
			});
			const seen = await changesUntil(watcher, "create last");
			expect(seen.filter((change) => change.includes("secret"))).toEqual([]);
			expect(seen.length).toBeGreaterThan(1500);
			expect(await child.exited).toBe(0);
			expectWatched(`${directory}/tree`);
		} finally {
			fs.rmSync(directory, { recursive: true });
		}
	},
);

inotifyForms(
	"paths longer than the system takes",
	async ({ form, directory }) => {
		const name = "n".repeat(200);
		const [above, below] = [15, 10].map((depth) => Array(depth).fill(name).join("/"));
		const make = (what: string) => output("sh", "-c", `cd "$0/${above}" && ${what}`, directory);
		fs.mkdirSync(`${directory}/${above}`, { recursive: true });
		make(`mkdir -p ${below}`);
		await using watcher = await watching(form, directory, { recursive: true });
		make(`mkdir ${below}/new && : > ${below}/new/file`);
		const path = `${above}/${below}/new`;
		expect((await watcher.next()).value?.path).toBe(path);
		expect((await watcher.next()).value?.path).toBe(`${path}/file`);
		output("rm", "-rf", `${directory}/${name}`);
	},
	IN_MEMORY,
);

inotifyForms(
	"a rename above a tree is no change, until a directory has to be found",
	async (given) => {
		const { form, path } = given;
		fs.mkdirSync(path("above/tree"), { recursive: true });
		await using watcher = await watching(form, path("above/tree"), { recursive: true });
		fs.renameSync(path("above"), path("moved"));
		touch(path("moved/tree/file"));
		expect((await watcher.next()).value).toEqual({ kind: "create", path: "file" });
		fs.mkdirSync(path("moved/tree/new"));
		expect((await watcher.next()).value).toEqual({ kind: "create", path: "new" });
		const error = (await failureOf(
			(async () => {
				while (!(await watcher.next()).done);
			})(),
		)) as FsError;
		expect(error).toMatchObject({ code: "ESTALE", operation: "watch" });
		expect(error.message).toContain("a directory above what is watched was renamed");
		expect(await watcher.next()).toEqual({ done: true, value: undefined });
	},
);

rootForms("a directory that is mounted in itself", async ({ form, directory, path }) => {
	fs.mkdirSync(path("a/again"), { recursive: true });
	output("mount", "--bind", directory, path("a/again"));
	try {
		await using watcher = await watching(form, directory, { recursive: true });
		touch(path("a/file"));
		fs.mkdirSync(path("a/new"));
		expect(await changesIn(watcher, directory)).toEqual(["create a/file", "create a/new"]);
	} finally {
		output("umount", path("a/again"));
	}
});

rootForms(
	"a filesystem that is mounted below, and unmounted",
	async ({ form, directory, path }) => {
		fs.mkdirSync(path("point/below"), { recursive: true });
		output("mount", "-t", "tmpfs", "tmpfs", path("point"));
		let mounted = true;
		try {
			fs.mkdirSync(path("point/mounted"));
			await using watcher = await watching(form, directory, { recursive: true });
			touch(path("point/mounted/file"));
			expect(await changesIn(watcher, directory)).toEqual(["create point/mounted/file"]);
			output("umount", path("point"));
			mounted = false;
			await changesUntil(watcher, "overflow ");
			fs.rmdirSync(path("the end"));
			touch(path("point/below/file"));
			expect(await changesUntil(watcher, "create point/below/file")).toEqual(["delete the end"]);
			expectWatched(directory);
		} finally {
			if (mounted) output("umount", "-l", path("point"));
		}
	},
);

inotifyTest("what is abandoned in the middle of a large tree leaves nothing open", async () => {
	const directory = fs.mkdtempSync(`${IN_MEMORY}/fsx-test-`);
	try {
		for (let i = 0; i < 2000; i++) fs.mkdirSync(`${directory}/${i % 40}/${i}`, { recursive: true });
		for (const delay of [0, 1, 5, 20]) {
			const abort = new AbortController();
			const watcher = watch(directory, { recursive: true, signal: abort.signal });
			await Bun.sleep(delay);
			abort.abort("enough");
			expect(await failureOf(watcher.ready)).toMatchObject({ name: "AbortError", cause: "enough" });
			await watcher.close();
			const open = fs.readdirSync("/proc/self/fd").filter((fd) => {
				const name = `/proc/self/fd/${fd}`;
				return fs.existsSync(name) && fs.readlinkSync(name).startsWith(directory);
			});
			expect(open).toEqual([]);
			expect(queues().length).toBe(before);
		}
		using whole = watchSync(directory, { recursive: true });
		expect(queues().at(-1)?.length).toBe(2041);
		expect(whole.return()).toEqual({ done: true, value: undefined });
	} finally {
		fs.rmSync(directory, { recursive: true });
	}
});

onWindows("moves between directories that are two changes")(
	"directories that come and are moved on Windows",
	async ({ form, path }) => {
		fs.mkdirSync(path("tree"));
		const kinds = ["create", "delete", "rename"] as const;
		await using watcher = await watching(form, path("tree"), { recursive: true, kinds });
		fs.mkdirSync(path("tree/a/b"), { recursive: true });
		touch(path("tree/a/b/early"));
		fs.renameSync(path("tree/a"), path("tree/c"));
		expect((await changesIn(watcher, path("tree"))).sort()).toEqual(
			["create a", "create a/b", "create a/b/early", "rename a -> c"].sort(),
		);
	},
);

onWindows("what is in a directory that is moved in")(
	"a directory that is moved in is looked through",
	async ({ form, path }) => {
		fs.mkdirSync(path("tree"));
		fs.mkdirSync(path("outside/d/e"), { recursive: true });
		touch(path("outside/d/e/file"));
		const kinds = ["create", "delete", "rename"] as const;
		await using watcher = await watching(form, path("tree"), { recursive: true, kinds });
		fs.renameSync(path("outside/d"), path("tree/d"));
		const seen = [];
		while (seen.length < 3) seen.push((await watcher.next()).value?.path);
		expect(seen).toEqual(["d", "d/e", "d/e/file"]);
		touch(path("tree/d/e/more"));
		expect(await changesIn(watcher, path("tree"))).toEqual(["create d/e/more"]);
	},
);

notUnderWine("word of what is below directories that were there", onWindows("one watch for all"))(
	"directories that are there on Windows",
	async ({ form, directory, path }) => {
		fs.mkdirSync(path("there/below"), { recursive: true });
		await using watcher = await watching(form, directory, { recursive: true, kinds: ["create"] });
		touch(path("there/below/new"));
		expect(await changesIn(watcher, directory)).toEqual(["create there/below/new"]);
	},
);
