/** What a watcher does when events are lost, come late or apart, or when there is no room for it. */

import { read, toArrayBuffer } from "bun:ffi";
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configureEngine, stopEngine, watch } from "../src/index.ts";
import { Errno } from "../src/sys/linux/errno.ts";
import { iovec } from "../src/sys/linux/layouts.ts";
import { IN_MEMORY } from "./confined.ts";
import { runProgram } from "./fixtures/run.ts";
import { failureOf, forms, onLinux, onWindows, PATIENCE_MILLISECONDS, skipped } from "./forms.ts";
import { type Interposer, interpose } from "./interposed.ts";
import {
	brief,
	changesIn,
	changesToEnd,
	changesUntil,
	directoriesBelow,
	inodesBelow,
	queues,
	touch,
	watching,
} from "./watched.ts";

setDefaultTimeout(PATIENCE_MILLISECONDS);

const LINUX = process.platform === "linux";
/** Those that stand between the library and inotify. */
const inotifyForms = onLinux("inotify");
const inotifyTest = onLinux("inotify", test);

const before = queues().length;
afterEach(() => expect(queues().length).toBe(before));

const QUEUE = "/proc/sys/fs/inotify/max_queued_events";
const LIMIT = LINUX ? Number(fs.readFileSync(QUEUE, "latin1")) : Number.POSITIVE_INFINITY;
/** More events than that in reasonable time. */
const canOverflow = LIMIT <= 100_000;

/** Makes more events than the system keeps. */
function flood(directory: string): void {
	const [one, two] = [`${directory}/flood`, `${directory}/flood-`];
	touch(one);
	for (let count = 0; count < LIMIT; count += 4) {
		fs.renameSync(one, two);
		fs.renameSync(two, one);
	}
}

if (!canOverflow) skipped("overflows", `the system keeps ${LIMIT} events`);
else {
	forms(
		"what is lost is said to be lost, and what comes after is reported",
		async ({ form, directory, path }) => {
			fs.mkdirSync(path("old/below"), { recursive: true });
			fs.mkdirSync(path("moved/below"), { recursive: true });
			await using watcher = await watching(form, directory, { recursive: true });
			touch(path("first"));
			flood(directory);
			// All of this is lost, and found.
			fs.mkdirSync(path("new/below"), { recursive: true });
			fs.rmSync(path("old"), { recursive: true });
			fs.renameSync(path("moved"), path("new/moved"));
			expect((await watcher.next()).value).toEqual({ kind: "create", path: "first" });
			const seen = await changesUntil(watcher, "overflow ");
			expect(seen.length).toBeGreaterThan(LIMIT / 3);
			expect(seen.filter((change) => !change.includes("flood"))).toEqual([]);
			expect(queues().at(-1)).toEqual(inodesBelow(directory));
			const made = directoriesBelow(directory).map((name) => `${name}/probe`);
			for (const name of made) touch(name);
			expect(await changesIn(watcher, directory)).toEqual(
				made.map((name) => `create ${name.slice(directory.length + 1)}`),
			);
		},
		IN_MEMORY,
	);

	forms(
		"an overflow is reported whatever kinds are asked for, and not only of trees",
		async ({ form, directory, path }) => {
			await using watcher = await watching(form, directory, { kinds: ["delete"] });
			flood(directory);
			// The first half of a rename whose second is lost is all that is known of it.
			const seen = await changesUntil(watcher, "overflow ");
			expect(seen.filter((change) => !change.startsWith("delete flood"))).toEqual([]);
			expect(seen.length).toBeLessThan(2);
			fs.unlinkSync(path("flood"));
			expect((await watcher.next()).value).toEqual({ kind: "delete", path: "flood" });
		},
		IN_MEMORY,
	);

	for (const recursive of [false, true]) {
		forms(
			`the end itself is lost, recursive: ${recursive}`,
			async ({ form, path }) => {
				fs.mkdirSync(path("tree"));
				await using watcher = await watching(form, path("tree"), { recursive });
				flood(path("tree"));
				fs.rmSync(path("tree"), { recursive: true });
				const seen = await changesToEnd(watcher);
				expect(seen.slice(-2)).toEqual(["overflow ", "delete "]);
			},
			IN_MEMORY,
		);
	}

	test("changes wait for who is slow, as many as the system keeps", async () => {
		const directory = fs.mkdtempSync(`${IN_MEMORY}/fsx-test-`);
		try {
			await using watcher = watch(directory);
			await watcher.ready;
			const most = LIMIT - 1;
			for (let count = 0; count < most; count++) touch(`${directory}/${count}`);
			for (let count = 0; count < most; count++) {
				const { value } = await watcher.next();
				expect(value?.path).toBe(`${count}`);
			}
		} finally {
			fs.rmSync(directory, { recursive: true });
		}
	});
}

/** Has events read one or two at a time, each `late` times said to be none at first. */
function apart(late: number): Interposer {
	let times = 0;
	return (name, call, make) => {
		if (name !== "readv") return make();
		if (times++ % (late + 1) < late) return -Errno.EAGAIN;
		const vector = new DataView(toArrayBuffer(call.b as never, 0, iovec.size));
		const length = read.u64(call.b as never, iovec.length);
		vector.setBigUint64(iovec.length, 48n, true);
		const result = make();
		vector.setBigUint64(iovec.length, length, true);
		return result;
	};
}

for (const late of [0, 1]) {
	inotifyForms(
		`halves of renames that are read apart, ${late} late`,
		async ({ form, directory, path }) => {
			await using _ = await interpose(apart(late));
			for (const name of ["a/in a", "b"]) fs.mkdirSync(path(name), { recursive: true });
			await using watcher = await watching(form, directory, { recursive: true });
			touch(path("file"));
			fs.renameSync(path("file"), path("b/file"));
			fs.renameSync(path("a"), path("b/a"));
			touch(path("b/a/in a/file"));
			fs.renameSync(path("b/file"), path("c"));
			expect(await changesIn(watcher, directory)).toEqual([
				"create file",
				"rename file -> b/file",
				"rename a -> b/a",
				"create b/a/in a/file",
				"rename b/file -> c",
			]);
		},
	);
}

inotifyForms(
	"calls that the system breaks off are made again",
	async ({ form, directory, path }) => {
		let count = 0;
		await using _ = await interpose((name, _call, make) => {
			return name !== "close" && count++ % 2 === 0 ? -Errno.EINTR : make();
		});
		fs.mkdirSync(path("a/b"), { recursive: true });
		await using watcher = await watching(form, directory, { recursive: true });
		touch(path("a/b/file"));
		expect(await changesIn(watcher, directory)).toEqual(["create a/b/file"]);
	},
);

inotifyForms("a directory that fails ends it, after what there is to report", async (given) => {
	const { form, directory, path } = given;
	let full = false;
	await using _ = await interpose((name, _call, make) =>
		full && name === "inotify_add_watch" ? -Errno.ENOSPC : make(),
	);
	const watcher = await watching(form, directory, { recursive: true });
	full = true;
	touch(path("file"));
	fs.mkdirSync(path("new"));
	expect(brief((await watcher.next()).value as never)).toBe("create file");
	expect(brief((await watcher.next()).value as never)).toBe("create new");
	const error = await failureOf((async () => watcher.next())());
	expect(error).toMatchObject({ code: "ENOSPC", path: path("new"), operation: "watch" });
	expect(error.message).toContain("sysctl fs.inotify.max_user_watches");
	expect(await watcher.next()).toEqual({ done: true, value: undefined });
	await watcher[Symbol.asyncDispose]();
});

inotifyForms("a directory that fails is told of, and all else goes on", async (given) => {
	const { form, directory, path } = given;
	for (const name of ["one/below", "two/below"]) fs.mkdirSync(path(name), { recursive: true });
	let calls = 0;
	await using _ = await interpose((name, _call, make) =>
		name === "inotify_add_watch" && ++calls === 3 ? -Errno.EACCES : make(),
	);
	const told: string[] = [];
	const onError = ({ code, path }: { code: string; path: string | undefined }) => {
		told.push(`${code} ${path}`);
	};
	await using watcher = await watching(form, directory, { recursive: true, onError });
	const [failed = ""] = told;
	expect(told).toEqual([expect.stringMatching(/^EACCES .*\/(one|two)$/)]);
	const name = failed.replace("EACCES ", "");
	const other = name.endsWith("one") ? "two" : "one";
	touch(`${name}/not seen`);
	touch(path(`${other}/below/file`));
	// It is tried again once its permissions change.
	fs.chmodSync(name, 0o711);
	touch(`${name}/below/file`);
	const seen = await changesIn(watcher, directory);
	expect(seen.slice(0, 2)).toEqual([`create ${other}/below/file`, `attributes ${name.slice(-3)}`]);
	expect(seen.slice(2).sort()).toEqual(
		["below", "below/file", "not seen"].map((below) => `create ${name.slice(-3)}/${below}`),
	);
});

const fixture = join(import.meta.dir, "fixtures/watch-limits.ts");

/** Runs the fixture on a small tree, as a user or in a namespace of its own. */
async function limits(...command: string[]) {
	const directory = fs.mkdtempSync(join(tmpdir(), "fsx-test-"));
	try {
		for (let i = 0; i < 10; i++) fs.mkdirSync(`${directory}/${i}`, { mode: 0o755 });
		fs.chmodSync(directory, 0o777);
		fs.chmodSync(`${directory}/5`, 0o700);
		const printed = await runProgram([...command, process.execPath, fixture, directory]);
		return JSON.parse(printed) as { code: string; message: string; path: string }[];
	} finally {
		fs.rmSync(directory, { recursive: true });
	}
}

const inNamespace = (limit: string, value: number) =>
	["unshare", "--user", "--map-root-user", "sh", "-c"].concat(
		`echo ${value} > /proc/sys/user/${limit} && exec "$@"`,
		"sh",
	);

if (!LINUX || !Bun.spawnSync(inNamespace("max_inotify_watches", 5).concat("true")).success) {
	skipped("limits of the system", "it needs namespaces of users, and unshare(1)");
} else {
	test("as many watches as a user may have", async () => {
		const told = await limits(...inNamespace("max_inotify_watches", 6));
		const message = expect.stringContaining(
			"watches, one for each directory of a tree: sysctl fs.inotify.max_user_watches",
		);
		const failed = { code: "ENOSPC", message, path: expect.stringMatching(/^\/(\d|new)$/) };
		// Once for the form that ends there, and for each of those that the other does without.
		expect(told).toEqual([
			failed,
			...Array(5).fill(failed),
			{ code: "", message: "file" },
			failed,
			{ code: "", message: "new" },
		]);
	});

	test("as many watchers as a user may have", async () => {
		const told = await limits(...inNamespace("max_inotify_instances", 0));
		const message = expect.stringContaining("watchers: sysctl fs.inotify.max_user_instances");
		expect(told.map(({ code }) => code)).toEqual(["EMFILE", "EMFILE"]);
		for (const one of told) expect(one).toMatchObject({ code: "EMFILE", message });
	});
}

const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
const nobodyCan =
	LINUX && Bun.spawnSync([...asNobody, process.execPath, fixture, "/nothing"]).stdout;
if (process.getuid?.() !== 0 || !nobodyCan.toString().startsWith("[")) {
	skipped(
		"directories that may not be read",
		"it needs root, setpriv(1), and files that all may read",
	);
} else {
	test("directories that may not be read", async () => {
		const told = await limits(...asNobody);
		const denied = (name: string) => ({ code: "EACCES", path: name });
		expect(told).toMatchObject([
			denied("/5"),
			denied("/5"),
			{ code: "", message: "file" },
			denied("/new"),
			{ code: "", message: "new" },
		]);
	});
}

inotifyTest("as many files as the process may have open", async () => {
	const script = `
		const { openSync } = require("node:fs");
		const { watchSync } = require(${JSON.stringify(join(import.meta.dir, "../src/index.ts"))});
		watchSync("/").close();
		try {
			for (;;) openSync("/");
		} catch {}
		try {
			watchSync("/");
		} catch ({ code, message }) {
			console.log(code, message);
		}
	`;
	const limited = ["sh", "-c", 'ulimit -n 60; exec "$@"', "sh", process.execPath, "-e", script];
	const printed = await runProgram(limited);
	expect(printed).toStartWith("EMFILE EMFILE: too many open files (the process has as many");
});

test("stopping and configuring the engine between two changes", async () => {
	const directory = fs.mkdtempSync(join(tmpdir(), "fsx-test-"));
	try {
		await using watcher = watch(directory, { recursive: true, kinds: ["create"] });
		await watcher.ready;
		for (const lanes of [["ring"], ["worker"], ["immediate"]] as const) {
			await stopEngine();
			configureEngine({ lanes });
			fs.mkdirSync(join(directory, `${lanes}`));
			expect((await watcher.next()).value?.path).toBe(`${lanes}`);
			touch(join(directory, `${lanes}`, "file"));
			expect((await watcher.next()).value?.path).toBe(`${lanes}/file`);
		}
	} finally {
		await stopEngine();
		configureEngine({});
		fs.rmSync(directory, { recursive: true });
	}
});

onWindows("a buffer of 64 KiB")(
	"more changes than the system keeps on Windows",
	async ({ form, directory, path }) => {
		await using watcher = await watching(form, directory, { kinds: ["create"] });
		const name = "n".repeat(100);
		for (let count = 0; count < 1000; count++) fs.mkdirSync(path(`${name}${count}`));
		// What is pending takes the first; the others do not fit.
		const seen = await changesUntil(watcher, "overflow ");
		expect(seen.length).toBeLessThan(1000);
		fs.mkdirSync(path("after"));
		await changesUntil(watcher, "create after");
	},
);
