import { afterEach, expect, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Change, open, watch, watchSync } from "../src/index.ts";
import { confines, IN_MEMORY } from "./confined.ts";
import {
	failureOf,
	forms,
	notUnderWine,
	ON_WINDOWS,
	onLinux,
	onWindows,
	withSymlinks,
} from "./forms.ts";
import { rootForms } from "./root.ts";
import {
	brief,
	changesIn,
	changesToEnd,
	changesUntil,
	queues,
	touch,
	watching,
} from "./watched.ts";
import { output } from "./witnesses.ts";

const before = queues().length;
afterEach(() => expect(queues().length).toBe(before));

onLinux("permissions and fifos")(
	"what happens in a directory",
	async ({ form, directory, path }) => {
		fs.writeFileSync(path("old"), "old");
		fs.mkdirSync(path("folder"));
		await using watcher = await watching(form, directory);
		fs.writeFileSync(path("new"), "content");
		fs.appendFileSync(path("old"), "more");
		fs.truncateSync(path("old"), 1);
		fs.chmodSync(path("old"), 0o600);
		fs.renameSync(path("old"), path("renamed"));
		fs.linkSync(path("new"), path("linked"));
		fs.symlinkSync("new", path("link"));
		fs.unlinkSync(path("link"));
		touch(path("folder/not seen"));
		fs.chmodSync(path("folder"), 0o700);
		fs.rmSync(path("folder"), { recursive: true });
		output("mkfifo", path("fifo"));
		expect(await changesIn(watcher, directory)).toEqual([
			"create new",
			"modify new",
			// Two writes in a row are one change to the kernel.
			"modify old",
			"attributes old",
			"rename old -> renamed",
			"create linked",
			"create link",
			"delete link",
			"attributes folder",
			"delete folder",
			"create fifo",
		]);
	},
);

onLinux("sh(1)")("what a child process does", async ({ form, directory, path }) => {
	await using watcher = await watching(form, directory);
	output(
		"sh",
		"-c",
		`cd "$0" && echo 1 > a && mv a b && touch c && rm b && mkdir "the end"`,
		directory,
	);
	expect(await changesUntil(watcher, "create the end")).toEqual([
		"create a",
		"modify a",
		"rename a -> b",
		"create c",
		"attributes c",
		"delete b",
	]);
	expect(fs.readdirSync(path("."))).toContain("the end");
});

forms("a name that is moved in or out is one more or less", async ({ form, path }) => {
	for (const name of ["in", "out", "out/was outside"]) fs.mkdirSync(path(name));
	touch(path("in/a"));
	touch(path("out/b"));
	await using watcher = await watching(form, path("in"));
	fs.renameSync(path("in/a"), path("out/a"));
	fs.renameSync(path("out/b"), path("in/b"));
	fs.renameSync(path("out/was outside"), path("in/folder"));
	fs.renameSync(path("in/b"), path("in/c"));
	expect(await changesIn(watcher, path("in"))).toEqual([
		"delete a",
		"create b",
		"create folder",
		"rename b -> c",
	]);
});

onLinux("changes of content told from those of permissions")("a file", async ({ form, path }) => {
	touch(path("file"));
	touch(path("other"));
	fs.symlinkSync("file", path("link"));
	for (const name of ["file", "link"]) {
		await using watcher = await watching(form, path(name));
		fs.writeFileSync(path("other"), "not watched");
		fs.writeFileSync(path("file"), "content");
		fs.chmodSync(path("file"), 0o600);
		fs.appendFileSync(path("file"), "more");
		const seen: string[] = [];
		for (let count = 0; count < 3; count++) {
			const { value } = await watcher.next();
			seen.push(value === undefined ? "the end" : brief(value));
		}
		expect(seen).toEqual([`modify ${name}`, `attributes ${name}`, `modify ${name}`]);
	}
});

forms("the end of a file: deleted, replaced, renamed", async ({ form, path }) => {
	const ends: Record<string, () => void> = {
		deleted: () => fs.unlinkSync(path("deleted")),
		replaced: () => {
			touch(path("new"));
			fs.renameSync(path("new"), path("replaced"));
		},
		renamed: () => fs.renameSync(path("renamed"), path("other")),
	};
	for (const [name, act] of Object.entries(ends)) {
		touch(path(name));
		await using watcher = await watching(form, path(name));
		act();
		const seen = await changesToEnd(watcher);
		// One name less is a change of its attributes, before there is none.
		const fewer = name === "renamed" || ON_WINDOWS ? [] : [`attributes ${name}`];
		expect(seen).toEqual([...fewer, `delete ${name}`]);
		expect(await watcher.next()).toEqual({ done: true, value: undefined });
	}
});

for (const recursive of [false, true]) {
	onLinux("the end of a watch by a rename")(
		`the end of a directory, recursive: ${recursive}`,
		async ({ form, path }) => {
			const ends: Record<string, () => void> = {
				deleted: () => fs.rmSync(path("deleted"), { recursive: true }),
				renamed: () => fs.renameSync(path("renamed"), path("other")),
			};
			for (const [name, act] of Object.entries(ends)) {
				fs.mkdirSync(path(name));
				touch(path(`${name}/file`));
				await using watcher = await watching(form, path(name), { recursive, kinds: ["delete"] });
				act();
				expect(await changesToEnd(watcher)).toEqual(
					name === "deleted" ? ["delete file", "delete "] : ["delete "],
				);
			}
		},
	);

	rootForms(`the end of a filesystem, recursive: ${recursive}`, async ({ form, path }) => {
		fs.mkdirSync(path("point"));
		output("mount", "-t", "tmpfs", "tmpfs", path("point"));
		let mounted = true;
		try {
			fs.mkdirSync(path("point/a/b"), { recursive: true });
			await using watcher = await watching(form, path("point"), { recursive });
			touch(path("point/file"));
			touch(path("point/a/b/file"));
			// Nothing is kept open in it.
			output("umount", path("point"));
			mounted = false;
			const below = recursive ? ["create a/b/file"] : [];
			expect(await changesToEnd(watcher)).toEqual(["create file", ...below, "delete "]);
		} finally {
			if (mounted) output("umount", "-l", path("point"));
		}
	});
}

onLinux("changes of the watched directory itself")(
	"the directory itself",
	async ({ form, directory }) => {
		for (const recursive of [false, true]) {
			await using watcher = await watching(form, directory, { recursive });
			fs.chmodSync(directory, recursive ? 0o755 : 0o711);
			expect((await watcher.next()).value).toEqual({ kind: "attributes", path: "" });
		}
	},
);

forms("every kind of target", async ({ fsx, form, directory, path }) => {
	fs.mkdirSync(path("folder"));
	touch(path("folder/file"));
	await using dir = await fsx.openDir(directory);
	await using folder = await fsx.openDir(path("folder"));
	await using confined = await fsx.openDir(directory, { beneath: true });
	await using file = await fsx.open(path("folder/file"));
	// Its numbers of open files are others there.
	const fd = ON_WINDOWS ? undefined : fs.openSync(path("folder"), "r");
	const cases = [
		[path("folder"), "file"],
		[new TextEncoder().encode(path("folder")), "file"],
		[Bun.pathToFileURL(path("folder")), "file"],
		[dir.at("folder"), "file"],
		[confined.at("folder"), "file"],
		[folder, "file"],
		...(fd === undefined ? [] : ([[fd, "file"]] as const)),
		[dir.at("folder/file"), "file"],
		[folder.at(new TextEncoder().encode("file")), "file"],
		// Nobody knows what it is called.
		[file, ""],
		[file.fd, ""],
	] as const;
	try {
		for (const recursive of [false, true]) {
			for (const [target, seen] of cases) {
				await using watcher = await watching(form, target, { recursive });
				fs.appendFileSync(path("folder/file"), "more");
				expect((await watcher.next()).value).toEqual({ kind: "modify", path: seen });
			}
		}
	} finally {
		if (fd !== undefined) fs.closeSync(fd);
	}
});

forms("what is given open is watched wherever it goes", async ({ fsx, form, path }) => {
	fs.mkdirSync(path("above/tree"), { recursive: true });
	const dir = await fsx.openDir(path("above/tree"));
	await using watcher = await watching(form, dir, { recursive: true });
	await dir.close();
	fs.renameSync(path("above"), path("elsewhere"));
	fs.mkdirSync(path("elsewhere/tree/new"));
	expect((await watcher.next()).value).toEqual({ kind: "create", path: "new" });
	touch(path("elsewhere/tree/new/file"));
	expect((await watcher.next()).value).toEqual({ kind: "create", path: "new/file" });
});

forms("names that are not UTF-8", async ({ form, directory, path }) => {
	const odd = Buffer.concat([Buffer.from(`${directory}/`), Uint8Array.of(0x66, 0xff, 0xfe)]);
	try {
		touch(odd);
	} catch {
		console.log("skipped: names that are not UTF-8: this filesystem refuses them");
		return;
	}
	fs.rmSync(odd);
	for (const encoding of ["buffer", "utf8"] as const) {
		const watcher =
			form === "async"
				? watch(directory, { encoding, recursive: true })
				: watchSync(directory, { encoding, recursive: true });
		if ("ready" in watcher) await watcher.ready;
		fs.mkdirSync(odd);
		const name = Uint8Array.of(0x66, 0xff, 0xfe);
		const made = (await watcher.next()).value as Change<never>;
		expect(made.path).toEqual((encoding === "buffer" ? name : "f\ufffd\ufffd") as never);
		if (encoding === "buffer") expect(Object.getPrototypeOf(made.path)).toBe(Uint8Array.prototype);
		touch(Buffer.concat([odd, Buffer.from("/ä")]));
		const below = (await watcher.next()).value as Change<never>;
		const bytes = new Uint8Array([...name, 0x2f, 0xc3, 0xa4]);
		expect(below.path).toEqual((encoding === "buffer" ? bytes : "f\ufffd\ufffd/ä") as never);
		fs.renameSync(odd, path("plain"));
		const renamed = (await watcher.next()).value as Change<never>;
		expect(renamed).toEqual({
			kind: "rename",
			path: (encoding === "buffer" ? new TextEncoder().encode("plain") : "plain") as never,
			from: (encoding === "buffer" ? name : "f\ufffd\ufffd") as never,
		});
		await watcher.return();
		fs.rmSync(path("plain"), { recursive: true });
	}
});

forms("kinds that are asked for, and no others", async ({ form, directory, path }) => {
	const act = () => {
		fs.writeFileSync(path("file"), "content");
		fs.chmodSync(path("file"), 0o600);
		fs.renameSync(path("file"), path("renamed"));
		fs.unlinkSync(path("renamed"));
		fs.mkdirSync(path("folder/below"), { recursive: true });
		fs.rmSync(path("folder"), { recursive: true });
	};
	const expected = {
		create: ["create file", "create folder"],
		modify: ["modify file"],
		attributes: ["attributes file"],
		rename: ["rename file -> renamed"],
		delete: ["delete renamed", "delete folder"],
		overflow: [],
	};
	for (const [kind, seen] of Object.entries(expected)) {
		const kinds = [kind as keyof typeof expected];
		await using watcher = await watching(form, directory, { kinds });
		act();
		fs.writeFileSync(path("last"), "content");
		fs.chmodSync(path("last"), 0o600);
		fs.renameSync(path("last"), path("gone"));
		fs.unlinkSync(path("gone"));
		if (kind === "overflow") continue;
		const all = seen.map((one) => one.replace(/file|folder/, "last"));
		const last = (all[0] as string)
			.replace("renamed", "gone")
			.replace("last -> renamed", "last -> gone");
		expect(await changesUntil(watcher, last)).toEqual(seen);
	}
});

forms("two watchers of one directory", async ({ form, directory, path }) => {
	await using one = await watching(form, directory);
	await using two = await watching(form, directory, { recursive: true });
	fs.mkdirSync(path("new"));
	for (const watcher of [one, two]) {
		expect((await watcher.next()).value).toEqual({ kind: "create", path: "new" });
	}
});

forms("what cannot be watched", async ({ form, path, fsx }) => {
	touch(path("file"));
	const begin = (target: string | number) => failureOf(watching(form, target));
	expect(await begin(path("nothing"))).toMatchObject({
		code: "ENOENT",
		syscall: "watch",
		path: path("nothing"),
		operation: "watch",
		message: `ENOENT: no such file or directory, watch '${path("nothing")}'`,
	});
	expect(await begin(path("file/below"))).toMatchObject({
		code: ON_WINDOWS ? "ENOENT" : "ENOTDIR",
	});
	expect(await begin(1_000_000)).toMatchObject({ code: "EBADF" });
	const dir = await fsx.openDir(path("."));
	await dir.close();
	expect(await failureOf(watching(form, dir))).toMatchObject({ code: "EBADF" });
});

withSymlinks()(
	"watching is confined",
	async (given) => {
		await confines(given, true, async (target) => {
			await using _ = await watching(given.form, target, { recursive: true });
		});
	},
	IN_MEMORY,
);

test("wrong arguments are refused at once", () => {
	const wrong: [unknown, string][] = [
		[{ recursive: 1 }, "ERR_INVALID_ARG_TYPE"],
		[{ kinds: ["change"] }, "ERR_INVALID_ARG_VALUE"],
		[{ kinds: [] }, "ERR_OUT_OF_RANGE"],
		[{ encoding: "latin1" }, "ERR_INVALID_ARG_VALUE"],
		[{ persistent: true }, "ERR_INVALID_ARG_VALUE"],
		[{ onError: "ignore" }, "ERR_INVALID_ARG_TYPE"],
		["utf8", "ERR_INVALID_ARG_TYPE"],
	];
	for (const act of [watch, watchSync] as ((...args: unknown[]) => unknown)[]) {
		for (const [options, code] of wrong) {
			expect(() => act("/", options)).toThrow(expect.objectContaining({ code }));
		}
		for (const target of [undefined, null, {}, "a\0b", -1, 1.5]) {
			expect(() => act(target)).toThrow(
				expect.objectContaining({ code: expect.stringMatching(/^ERR_(INVALID_ARG|OUT_OF_RANGE)/) }),
			);
		}
	}
	expect(() => watch("/", { timeoutMs: 1 } as never)).toThrow("known options: recursive, kinds");
	expect(() => watchSync("/", { signal: AbortSignal.abort() } as never)).toThrow("timeoutMs");
	expect(() => watchSync("/", { timeoutMs: -1 })).toThrow(RangeError);
});

test("the sync form ends when nothing has happened for so long", () => {
	const directory = fs.mkdtempSync(join(tmpdir(), "fsx-test-"));
	try {
		touch(join(directory, "before"));
		const watcher = watchSync(directory, { timeoutMs: 60, kinds: ["create"] });
		touch(join(directory, "after"));
		const started = performance.now();
		expect([...watcher].map(brief)).toEqual(["create after"]);
		expect(performance.now() - started).toBeWithin(55, 5000);
		expect(watcher.next()).toEqual({ done: true, value: undefined });
		// What is there already is given without a wait.
		const none = watchSync(directory, { timeoutMs: 0 });
		fs.mkdirSync(join(directory, "folder"));
		expect([...none].map(brief)).toEqual(["create folder"]);
		// Changes that nobody asked for do not make it longer.
		const filtered = watchSync(directory, { timeoutMs: 60, kinds: ["delete"] });
		fs.mkdirSync(join(directory, "another"));
		expect([...filtered]).toEqual([]);
	} finally {
		fs.rmSync(directory, { recursive: true });
	}
});

test("leaving the loop of the sync form ends the watch", () => {
	const directory = fs.mkdtempSync(join(tmpdir(), "fsx-test-"));
	try {
		const watcher = watchSync(directory);
		fs.mkdirSync(join(directory, "a"));
		fs.mkdirSync(join(directory, "b"));
		for (const { path } of watcher) {
			expect(path).toBe("a");
			break;
		}
		expect(watcher.next()).toEqual({ done: true, value: undefined });
		watcher.close();
		using another = watchSync(directory);
		expect(queues().length).toBe(before + 1);
		expect(another[Symbol.iterator]()).toBe(another);
	} finally {
		fs.rmSync(directory, { recursive: true });
	}
});

test("the types say what paths are", async () => {
	const file = await open("/dev/null");
	await using _ = file;
	const directory = fs.mkdtempSync(join(tmpdir(), "fsx-test-"));
	try {
		await using text = watch(directory);
		await using bytes = watch(directory, { encoding: "buffer" });
		await Promise.all([text.ready, bytes.ready]);
		fs.mkdirSync(join(directory, "a"));
		const path: string | undefined = (await text.next()).value?.path;
		const raw: Uint8Array | undefined = (await bytes.next()).value?.path;
		expect([path, raw]).toEqual(["a", Uint8Array.of(0x61)]);
	} finally {
		fs.rmSync(directory, { recursive: true });
	}
});

onWindows("changes that are not told from each other")(
	"what happens in a directory on Windows",
	async ({ form, directory, path }) => {
		fs.writeFileSync(path("old"), "old");
		fs.mkdirSync(path("folder"));
		await using watcher = await watching(form, directory);
		fs.mkdirSync(path("new"));
		fs.appendFileSync(path("old"), "more");
		fs.renameSync(path("old"), path("renamed"));
		fs.linkSync(path("renamed"), path("linked"));
		fs.unlinkSync(path("linked"));
		touch(path("folder/not seen"));
		fs.rmSync(path("folder"), { recursive: true });
		const seen = await changesIn(watcher, directory);
		expect(seen.filter((change) => !change.startsWith("modify"))).toEqual([
			"create new",
			"rename old -> renamed",
			"create linked",
			"delete linked",
			"delete folder",
		]);
		expect(seen).toContain("modify old");
		expect(seen).not.toContain("modify folder");
	},
);

onWindows("files that are watched by their directory")(
	"a file on Windows",
	async ({ form, fsx, path }) => {
		touch(path("file"));
		touch(path("other"));
		await using open = await fsx.open(path("file"));
		for (const [target, name] of [
			[path("file"), "file"],
			[path("FILE"), "FILE"],
			[open, ""],
		] as const) {
			await using watcher = await watching(form, target, { kinds: ["modify", "delete"] });
			fs.writeFileSync(path("other"), "not watched");
			fs.appendFileSync(path("file"), "more");
			expect((await watcher.next()).value).toEqual({ kind: "modify", path: name });
		}
	},
);

notUnderWine("word of the end of a watched directory", onWindows("STATUS_DELETE_PENDING"))(
	"the end of a directory on Windows",
	async ({ form, path }) => {
		for (const recursive of [false, true]) {
			fs.mkdirSync(path("deleted"));
			touch(path("deleted/file"));
			await using watcher = await watching(form, path("deleted"), { recursive, kinds: ["delete"] });
			fs.rmSync(path("deleted"), { recursive: true });
			expect(await changesToEnd(watcher)).toEqual(["delete file", "delete "]);
		}
	},
);
