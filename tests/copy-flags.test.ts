/** Flags that a copy keeps, above all those after which nothing about it can be changed. */
import { expect } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { copyFileSync, copyTreeSync, FsError } from "../src/index.ts";
import { system } from "../src/sys/index.ts";
import { O } from "../src/sys/linux/layouts.ts";
import { errno } from "./fault-scenarios.ts";
import { filesystem } from "./filesystems.ts";
import { runScript } from "./fixtures/run.ts";
import { failureOf, type Given } from "./forms.ts";
import { interpose } from "./interposed.ts";
import { output } from "./witnesses.ts";

const ext4 = filesystem("ext4");
const xfs = filesystem("xfs");
const btrfs = filesystem("btrfs");
const tmpfs = filesystem("tmpfs");

/** Those that are copied, as lsattr(1) has them. */
function seen(file: string): string {
	const [shown = ""] = output("lsattr", "-d", file).split(" ");
	return [...shown].filter((letter) => "iadASDP".includes(letter)).join("");
}

/** Whether they are the same whatever their order. */
const sorted = (text: string) => [...text].sort().join("");

function chattr(change: string, ...files: string[]): void {
	output("chattr", change, ...files);
}

/** A case after which all that is immutable is so no more: else it could not be removed. */
function thawing(body: (given: Given) => Promise<void>): (given: Given) => Promise<void> {
	return async (given) => {
		try {
			await body(given);
		} finally {
			// It follows no links and fails on those, and on devices.
			Bun.spawnSync(["chattr", "-R", "-f", "-ia", given.directory]);
		}
	};
}

for (const [place, sets] of [
	[ext4, ["d", "A", "S", "i", "a", "ia", "dASia"]],
	[xfs, ["d", "A", "S", "i", "a", "ia", "dASia"]],
	[btrfs, ["d", "A", "S", "i", "a", "ia", "dASia"]],
	[tmpfs, ["d", "A", "i", "a", "ia", "dAia"]],
] as const) {
	place.forms(
		"a copied file has the flags of its source",
		thawing(async ({ fsx, path, directory }) => {
			for (const letters of sets) {
				fs.writeFileSync(path("from"), "content");
				chattr(`+${letters}`, path("from"));
				for (const options of [
					{},
					{ atomic: false },
					{ sync: true, verify: true },
					{ overwrite: false },
				]) {
					for (const there of [false, true]) {
						if (there && options.overwrite === false) continue;
						if (there) fs.writeFileSync(path("to"), "old");
						const preserve = there ? ("all" as const) : { flags: true };
						const report = await fsx.copyFile(path("from"), path("to"), { ...options, preserve });
						expect(report.notPreserved).toEqual([]);
						expect([letters, sorted(seen(path("to")))]).toEqual([letters, sorted(letters)]);
						expect(fs.readFileSync(path("to"), "latin1")).toBe("content");
						expect(fs.readdirSync(directory).sort()).toEqual(["from", "to"]);
						chattr("-ia", path("to"));
						fs.rmSync(path("to"));
					}
				}
				chattr("-ia", path("from"));
				fs.rmSync(path("from"));
			}
		}),
	);

	place.forms(
		"the other metadata of what is immutable is kept too",
		thawing(async ({ fsx, path }) => {
			fs.writeFileSync(path("from"), "content");
			fs.chmodSync(path("from"), 0o4751);
			fs.chownSync(path("from"), 12, 34);
			fs.chmodSync(path("from"), 0o4751);
			output("setfattr", "-n", "user.a", "-v", "1", path("from"));
			await fsx.utimes(path("from"), { atime: 1_000_000_001n, mtime: -2n });
			chattr("+i", path("from"));
			await fsx.copyFile(path("from"), path("to"), { preserve: "all" });
			const { uid, gid, mode, mtimeNs } = fs.statSync(path("to"), { bigint: true });
			expect([uid, gid, mode & 0o7777n, mtimeNs]).toEqual([12n, 34n, 0o4751n, -2n]);
			expect(output("getfattr", "-n", "user.a", "--only-values", path("to"))).toBe("1");
			expect(seen(path("to"))).toBe("i");
		}),
	);

	place.forms(
		"a copied tree: sealed when all is in it",
		thawing(async (given) => {
			const { fsx, path } = given;
			fs.mkdirSync(path("from/frozen/deep"), { recursive: true });
			fs.mkdirSync(path("from/log"));
			for (const name of ["frozen/one", "frozen/deep/two", "log/three", "plain"]) {
				fs.writeFileSync(path(`from/${name}`), name);
			}
			// Names of one file, before and after the directories that hold the others.
			fs.linkSync(path("from/frozen/one"), path("from/a"));
			fs.linkSync(path("from/frozen/one"), path("from/frozen/deep/b"));
			fs.linkSync(path("from/log/three"), path("from/z"));
			fs.symlinkSync("plain", path("from/link"));
			chattr("+d", path("from/plain"));
			chattr("+a", path("from/log/three"), path("from/log"));
			chattr("+i", path("from/frozen/one"), path("from/frozen/deep"), path("from/frozen"));
			chattr("+A", path("from"));
			chattr("+i", path("from"));
			for (const [to, options] of [
				["one", { preserve: "all" }],
				["two", { preserve: { flags: true }, sync: true, verify: true }],
				["three", { preserve: { flags: true, mode: true }, atomic: false }],
				["four", { preserve: { flags: true }, hardlinks: false }],
			] as const) {
				const report = await fsx.copyTree(path("from"), path(to), options);
				expect(report.notPreserved).toEqual([]);
				expect(report.hardlinks).toBe(to === "four" ? 0 : 3);
				for (const name of ["", "frozen", "frozen/one", "frozen/deep", "a", "log", "z", "plain"]) {
					const flags = [name, sorted(seen(path(`${to}/${name}`)))];
					expect(flags).toEqual([name, sorted(seen(path(`from/${name}`)))]);
				}
				expect(fs.readdirSync(path(to)).sort()).toEqual(fs.readdirSync(path("from")).sort());
				const { nlink } = fs.statSync(path(`${to}/frozen/deep/b`));
				expect(nlink).toBe(to === "four" ? 1 : 3);
			}
			const { differences } = await fsx.compareTrees(path("from"), path("one"));
			expect(differences).toEqual([]);
		}),
	);
}

ext4.forms(
	"what is not asked for is not copied, and the content's own flags never are",
	thawing(async ({ fsx, path }) => {
		fs.writeFileSync(path("from"), "content");
		chattr("+dAScia", path("from"));
		for (const preserve of [undefined, "none", { mode: true, times: true }] as const) {
			await fsx.copyFile(path("from"), path("to"), { preserve });
			expect(seen(path("to"))).toBe("");
		}
		await fsx.copyFile(path("from"), path("to"), { preserve: "all" });
		expect(output("lsattr", path("to"))).not.toMatch(/^[^ ]*c/);
	}),
);

ext4.forms(
	"what a directory hands down and the source has not is taken away",
	thawing(async ({ fsx, path }) => {
		fs.mkdirSync(path("directory"));
		chattr("+dA", path("directory"));
		fs.writeFileSync(path("from"), "content");
		await fsx.copyFile(path("from"), path("directory/plain"));
		expect(sorted(seen(path("directory/plain")))).toBe("Ad");
		await fsx.copyFile(path("from"), path("directory/like"), { preserve: { flags: true } });
		expect(seen(path("directory/like"))).toBe("");
		chattr("+d", path("from"));
		await fsx.copyFile(path("from"), path("directory/like"), { preserve: "all" });
		expect(seen(path("directory/like"))).toBe("d");
	}),
);

ext4.forms(
	"a filesystem that lacks a flag of the source",
	thawing(async ({ fsx, path }) => {
		fs.writeFileSync(path("from"), "content");
		chattr("+dS", path("from"));
		const elsewhere = fs.mkdtempSync(join(tmpfs.root, "fsx-test-"));
		const to = join(elsewhere, "to");
		const report = await fsx.copyFile(path("from"), to, { preserve: "all" });
		expect(report.notPreserved).toEqual(["flag sync"]);
		expect(seen(to)).toBe("d");
		fs.writeFileSync(to, "old");
		const strict = fsx.copyFile(path("from"), to, { preserve: { flags: true } });
		expect(await failureOf(strict)).toMatchObject({ code: "ENOTSUP", syscall: "setflags" });
		expect(fs.readFileSync(to, "latin1")).toBe("old");
		expect(fs.readdirSync(elsewhere)).toEqual(["to"]);
		// One that keeps none has none to give.
		await fsx.copyFile("/proc/version", to, { preserve: { flags: true } });
		expect(seen(to)).toBe("");
	}),
);

for (const place of [ext4, tmpfs]) {
	place.forms(
		"without the privilege, seals are reported or fail before anything is replaced",
		thawing(async ({ fsx, path, directory, form }) => {
			fs.chmodSync(directory, 0o777);
			fs.mkdirSync(path("tree"));
			fs.writeFileSync(path("tree/file"), "sealed");
			fs.chmodSync(path("tree/file"), 0o644);
			fs.linkSync(path("tree/file"), path("tree/name"));
			chattr("+di", path("tree/file"));
			chattr("+a", path("tree"));
			const script = `
				import * as library from "library";
				import fs from "node:fs";
				const [form, path] = process.argv.slice(-2);
				process.setgid(65534);
				process.setuid(65534);
				const fsx = (name) => async (...args) =>
					library[form === "sync" ? name + "Sync" : name](...args);
				const say = (promise) => promise.then(
					(report) => [...report.notPreserved].sort().join(),
					(error) => error.code,
				);
				const to = path + "to";
				fs.writeFileSync(to, "old");
				const flags = { preserve: { flags: true } };
				console.log(JSON.stringify({
					strict: await say(fsx("copyFile")(path + "tree/file", to, flags)),
					inPlace: await say(fsx("copyFile")(path + "tree/file", path + "x", { ...flags, atomic: false })),
					left: fs.readFileSync(to, "latin1"),
					all: await say(fsx("copyFile")(path + "tree/file", to, { preserve: "all" })),
					tree: await say(fsx("copyTree")(path + "tree", path + "copy", { preserve: "all" })),
					names: fs.readdirSync(path).sort(),
				}));`;
			expect(JSON.parse(await runScript(script, form, `${directory}/`))).toEqual({
				strict: "EPERM",
				inPlace: "EPERM",
				left: "old",
				all: "flag immutable,owner",
				tree: "flag append,flag immutable,owner",
				names: ["copy", "to", "tree"],
			});
			expect([seen(path("to")), seen(path("copy/file")), seen(path("copy"))]).toEqual([
				"d",
				"d",
				"",
			]);
			expect((await fsx.stat(path("copy/file"))).nlink).toBe(2);
		}),
	);
}

ext4.forms(
	"a fifo of a directory that hands flags down",
	thawing(async ({ fsx, path }) => {
		fs.mkdirSync(path("from"));
		chattr("+d", path("from"));
		await fsx.mkfifo(path("from/fifo"));
		fs.symlinkSync("fifo", path("from/link"));
		const report = await fsx.copyTree(path("from"), path("to"), { preserve: { flags: true } });
		expect([report.others, report.symlinks, report.notPreserved]).toEqual([1, 1, []]);
		expect(seen(path("to"))).toBe("d");
	}),
);

tmpfs.forms(
	"where files cannot be without a name, a copy is sealed when it has its own",
	thawing(async ({ path, directory }) => {
		const [from, to] = [path("from"), path("to")] as const;
		const { open } = system.file;
		const refusing: typeof open = function* (scope, place, how) {
			if (!how.temporary) return yield* open(scope, place, how);
			throw new FsError("ENOTSUP", "operation not supported", { syscall: "open" });
		};
		// Of this thread alone: in a worker they could be without a name all the same.
		Object.assign(system.file, { open: refusing });
		try {
			fs.writeFileSync(from, "content");
			fs.writeFileSync(to, "old");
			chattr("+ia", from);
			copyFileSync(from, to, { preserve: { flags: true } });
			expect([fs.readFileSync(to, "latin1"), seen(to)]).toEqual(["content", "ia"]);
			expect(fs.readdirSync(directory).sort()).toEqual(["from", "to"]);
			// What is immutable cannot be replaced; what was made for it is not left.
			expect(() => copyFileSync(from, to, { preserve: { flags: true } })).toThrow("EPERM");
			expect(fs.readdirSync(directory).sort()).toEqual(["from", "to"]);
		} finally {
			Object.assign(system.file, { open });
		}
	}),
);

tmpfs.forms(
	"what fails while a copy is sealed leaves neither copy nor seal",
	thawing(async ({ path, directory }) => {
		fs.mkdirSync(path("tree"));
		fs.writeFileSync(path("tree/from"), "content");
		chattr("+ia", path("tree/from"));
		const { set } = system.flags;
		const failing: typeof set = function* (scope, subject, changes, follow) {
			if (changes.immutable !== true) return yield* set(scope, subject, changes, follow);
			throw new FsError("EIO", "i/o error", { syscall: "setflags" });
		};
		Object.assign(system.flags, { set: failing });
		try {
			const preserve = { flags: true };
			for (const options of [{ preserve }, { preserve, atomic: false }]) {
				expect(() => copyFileSync(path("tree/from"), path("to"), options)).toThrow("EIO");
				expect(fs.readdirSync(directory)).toEqual(["tree"]);
			}
			fs.writeFileSync(path("to"), "old");
			expect(() => copyFileSync(path("tree/from"), path("to"), { preserve })).toThrow("EIO");
			expect([fs.readFileSync(path("to"), "latin1"), seen(path("to"))]).toEqual(["old", ""]);
			expect(() => copyTreeSync(path("tree"), path("copy"), { preserve: "all" })).toThrow("EIO");
			expect(fs.readdirSync(path("copy"))).toEqual([]);
		} finally {
			Object.assign(system.flags, { set });
		}
		expect(fs.readdirSync(directory).sort()).toEqual(["copy", "to", "tree"]);
	}),
);

tmpfs.forms(
	"an abort while it is tried out whether a copy can be sealed leaves nothing",
	thawing(async ({ fsx, path, directory }) => {
		fs.writeFileSync(path("from"), "new");
		fs.writeFileSync(path("to"), "old");
		chattr("+ia", path("from"));
		for (let when = 1, aborted = true; aborted; when++) {
			const controller = new AbortController();
			const { signal } = controller;
			let [changes, sealed] = [0, false];
			await using _ = await interpose((name, call, make) => {
				// As where files cannot be made without a name.
				if (name === "openat" && (call.c & O.O_TMPFILE) === O.O_TMPFILE) return errno("ENOTSUP");
				const result = make();
				sealed ||= name === "renameat2";
				if (name === "ioctl" && ++changes === when && !sealed) controller.abort();
				return result;
			});
			const copy = fsx.copyFile(path("from"), path("to"), { preserve: { flags: true }, signal });
			const outcome = await copy.catch(({ code }) => code);
			({ aborted } = signal);
			if (aborted) expect([when, outcome]).toEqual([when, "ABORT_ERR"]);
			expect([when, fs.readdirSync(directory).sort()]).toEqual([when, ["from", "to"]]);
			expect(fs.readFileSync(path("to"), "utf8")).toBe(aborted ? "old" : "new");
		}
	}),
);
