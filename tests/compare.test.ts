import { expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import {
	AbortError,
	type CompareProgress,
	compareTrees,
	configureEngine,
	setXattr,
	stopEngine,
	utimes,
} from "../src/index.ts";
import { tellsHoles } from "./facts.ts";
import { errno } from "./fault-scenarios.ts";
import {
	failureOf,
	forms,
	IN_MEMORY,
	MAKES_SYMLINKS,
	ON_WINDOWS,
	onLinux,
	UNDER_WINE,
	withSymlinks,
} from "./forms.ts";
import { interpose } from "./interposed.ts";
import { rootForms } from "./root.ts";
import { openIn } from "./witnesses.ts";

/** Wine keeps streams as files of their own. */
const HAS_STREAMS = !UNDER_WINE;

/** Makes the same tree twice, `a` and `b`, and hands both over to be changed. */
async function twins(
	path: (name: string) => string,
	make: (root: string) => void | Promise<void>,
): Promise<[a: string, b: string]> {
	const roots = [path("a"), path("b")] as const;
	for (const root of roots) {
		fs.mkdirSync(root);
		await make(root);
	}
	for (const root of roots) {
		const names = fs.readdirSync(root, { recursive: true }) as string[];
		for (const name of ["", ...names.sort().reverse()]) {
			await utimes(join(root, name), { mtime: 1_500_000_000_123_456_700n }, { follow: false });
		}
	}
	return [roots[0], roots[1]];
}

forms("equal trees are equal, and counted", async ({ fsx, path }) => {
	const [a, b] = await twins(path, async (root) => {
		fs.mkdirSync(join(root, "sub/deep"), { recursive: true });
		fs.writeFileSync(join(root, "sub/file"), "content");
		fs.writeFileSync(join(root, "large"), Buffer.alloc(700_000, 7));
		fs.linkSync(join(root, "large"), join(root, "sub/large"));
		if (MAKES_SYMLINKS) fs.symlinkSync("nowhere", join(root, "link"));
		if (HAS_STREAMS) await setXattr(join(root, "sub/file"), "user.a", "1");
	});
	const { durationNs, ...report } = await fsx.compareTrees(a, b);
	expect(durationNs).toBeGreaterThan(0);
	expect(report).toEqual({
		equal: true,
		files: 3,
		directories: 3,
		symlinks: MAKES_SYMLINKS ? 1 : 0,
		others: 0,
		bytes: 700_007,
		differences: [],
	});
});

forms("each kind of difference is found, and can be ignored", async ({ fsx, path }) => {
	const cases: [what: string, detail: string, change: (b: string) => unknown][] = [
		["missing", "the second has no such entry", (b) => fs.rmSync(join(b, "x"))],
		[
			"kind",
			"file in the first, directory in the second",
			(b) => {
				fs.rmSync(join(b, "x"));
				fs.mkdirSync(join(b, "x"));
			},
		],
		["content", "differs from byte 300000 on", (b) => poke(join(b, "x"), 300_000)],
		["content", "400000 bytes became 400001", (b) => fs.appendFileSync(join(b, "x"), "+")],
		[
			"mode",
			ON_WINDOWS ? "0666 became 0444" : "0600 became 0440",
			(b) => fs.chmodSync(join(b, "x"), 0o440),
		],
		[
			"mtime",
			"1500000000123456700 became 1500000000123456600",
			(b) => utimes(join(b, "x"), { mtime: 1_500_000_000_123_456_600n }),
		],
		["xattrs", "user.kept differs", (b) => setXattr(join(b, "x"), "user.kept", "other")],
		["xattrs", "user.new is only in the second", (b) => setXattr(join(b, "x"), "user.new", "")],
	];
	for (const [what, detail, change] of cases) {
		if (what === "xattrs" && !HAS_STREAMS) continue;
		fs.rmSync(path("a"), { recursive: true, force: true });
		fs.rmSync(path("b"), { recursive: true, force: true });
		const [a, b] = await twins(path, async (root) => {
			fs.writeFileSync(join(root, "x"), Buffer.alloc(400_000, 1), { mode: 0o600 });
			if (HAS_STREAMS) await setXattr(join(root, "x"), "user.kept", "value");
		});
		await change(b);
		const { equal, differences } = await fsx.compareTrees(a, b);
		expect(equal).toBe(false);
		expect(differences).toContainEqual({ path: "x", what, detail } as never);
		// A change may touch the times too; nothing but these may be left.
		const ignore = [what, "mtime", ...(what === "kind" ? ["mode", "xattrs"] : [])] as never;
		expect((await fsx.compareTrees(a, b, { ignore })).differences).toEqual([]);
	}
});

/** Changes one byte and puts the time back. */
function poke(file: string, position: number): Promise<void> {
	const fd = fs.openSync(file, "r+");
	fs.writeSync(fd, "!", position);
	fs.closeSync(fd);
	return utimes(file, { mtime: 1_500_000_000_123_456_700n });
}

forms("entries of one side alone, with their paths", async ({ fsx, path }) => {
	const [a, b] = await twins(path, (root) => fs.mkdirSync(join(root, "sub")));
	fs.mkdirSync(join(a, "sub/gone/inside"), { recursive: true });
	fs.writeFileSync(join(b, "sub/added"), "");
	const ignore = ["mtime"] as const;
	expect((await fsx.compareTrees(a, b, { ignore })).differences).toEqual([
		{ path: "sub/gone", what: "missing", detail: "the second has no such entry" },
		{ path: "sub/added", what: "extra", detail: "the first has no such entry" },
	]);
});

onLinux("names of bytes")("names that are not UTF-8", async ({ fsx, path }) => {
	const name = Buffer.from([0x6e, 0xff, 0x6e]);
	const [a, b] = await twins(path, () => {});
	fs.mkdirSync(Buffer.concat([Buffer.from(`${a}/`), name]));
	fs.mkdirSync(Buffer.concat([Buffer.from(`${b}/`), name]));
	fs.writeFileSync(Buffer.concat([Buffer.from(`${a}/`), name, Buffer.from("/x")]), "1");
	fs.writeFileSync(Buffer.concat([Buffer.from(`${b}/`), name, Buffer.from("/x")]), "2");
	const { differences } = await fsx.compareTrees(a, b, { ignore: ["mtime"] });
	expect(differences).toHaveLength(1);
	expect(differences[0]).toMatchObject({ path: "n\ufffdn/x", what: "content" });
	expect(Buffer.from(differences[0]?.pathBytes ?? [])).toEqual(
		Buffer.concat([name, Buffer.from("/x")]),
	);
});

onLinux("holes made in passing")(
	"holes that are lost are found; holes kept or gained are not",
	async (given) => {
		const { fsx, path, directory } = given;
		const size = 64 * 1024 * 1024;
		const [a, b] = await twins(path, (root) => {
			const fd = fs.openSync(join(root, "sparse"), "w");
			fs.writeSync(fd, "data", 8 * 1024 * 1024);
			fs.ftruncateSync(fd, size);
			fs.closeSync(fd);
		});
		const kept = await fsx.compareTrees(a, b);
		expect(kept).toMatchObject({ equal: true, bytes: size });

		// The same bytes, but four megabytes of the hole written out.
		const fd = fs.openSync(join(b, "sparse"), "r+");
		fs.writeSync(fd, Buffer.alloc(4 * 1024 * 1024), 0, undefined, 1024 * 1024);
		fs.closeSync(fd);
		await utimes(join(b, "sparse"), { mtime: 1_500_000_000_123_456_700n });
		const filled = { path: "sparse", what: "holes", detail: "4194304 bytes of holes are filled" };
		const { differences } = await fsx.compareTrees(a, b);
		expect(differences as unknown[]).toEqual(tellsHoles(directory) ? [filled] : []);
		expect((await fsx.compareTrees(b, a)).differences).toEqual([]);
	},
);

forms("a byte inside what is a hole on the other side", async ({ fsx, path }) => {
	const [a, b] = await twins(path, (root) => fs.writeFileSync(join(root, "sparse"), ""));
	for (const root of [a, b]) fs.truncateSync(join(root, "sparse"), 32 * 1024 * 1024);
	await poke(join(b, "sparse"), 20_000_000);
	const { differences } = await fsx.compareTrees(a, b, { ignore: ["mtime", "holes"] });
	expect(differences).toEqual([
		{ path: "sparse", what: "content", detail: "differs from byte 20000000 on" },
	]);
});

forms("hard links: the same structure, whichever way it is lost", async ({ fsx, path }) => {
	const [a, b] = await twins(path, (root) => {
		fs.writeFileSync(join(root, "one"), "same");
		fs.linkSync(join(root, "one"), join(root, "two"));
		fs.linkSync(join(root, "one"), join(root, "three"));
	});
	expect(await fsx.compareTrees(a, b)).toMatchObject({ equal: true, files: 3, bytes: 4 });
	fs.rmSync(join(b, "two"));
	fs.writeFileSync(join(b, "two"), "same");
	const ignore = ["mtime"] as const;
	expect((await fsx.compareTrees(a, b, { ignore })).differences).toEqual([
		{
			path: "two",
			what: "hardlinks",
			detail: "one file with one in the first, not in the second",
		},
	]);
	expect((await fsx.compareTrees(b, a, { ignore })).differences).toEqual([
		{
			path: "two",
			what: "hardlinks",
			detail: "one file with one in the second, not in the first",
		},
	]);
});

withSymlinks()(
	"symbolic links are compared by target, and never followed",
	async ({ fsx, path }) => {
		const ignore = ["mtime"] as const;
		const [a, b] = await twins(path, () => {});
		for (const root of [a, b]) fs.symlinkSync("loop", join(root, "loop"));
		expect((await fsx.compareTrees(a, b, { ignore })).equal).toBe(true);
		fs.rmSync(join(b, "loop"));
		fs.symlinkSync("other", join(b, "loop"));
		expect((await fsx.compareTrees(a, b, { ignore })).differences).toEqual([
			{ path: "loop", what: "target", detail: "loop became other" },
		]);
		fs.symlinkSync(a, path("to-a"));
		expect((await fsx.compareTrees(path("to-a"), a)).equal).toBe(true);
	},
);

onLinux("fifos")("a fifo is not opened", async ({ fsx, path }) => {
	const [a, b] = await twins(path, (root) => {
		const made = Bun.spawnSync(["mkfifo", join(root, "pipe")]);
		expect(made.exitCode).toBe(0);
	});
	expect(await fsx.compareTrees(a, b)).toMatchObject({ equal: true, others: 1 });
});

forms("two files can be compared", async ({ fsx, path }) => {
	fs.writeFileSync(path("one"), "1");
	fs.writeFileSync(path("other"), "2");
	expect(
		(await fsx.compareTrees(path("one"), path("other"), { ignore: ["mtime"] })).differences,
	).toEqual([{ path: ".", what: "content", detail: "differs from byte 0 on" }]);
});

rootForms("owners", async ({ fsx, path }) => {
	const [a, b] = await twins(path, (root) => fs.writeFileSync(join(root, "x"), ""));
	fs.chownSync(join(b, "x"), 12, 34);
	expect((await fsx.compareTrees(a, b)).differences).toEqual([
		{ path: "x", what: "owner", detail: "0:0 became 12:34" },
	]);
	expect((await fsx.compareTrees(a, b, { ignore: ["owner"] })).equal).toBe(true);
});

onLinux("/proc")(
	"a deep tree and a broad one leave nothing open",
	async ({ fsx, path }) => {
		const [a, b] = await twins(path, (root) => {
			fs.mkdirSync(join(root, "d/".repeat(200)), { recursive: true });
			for (let i = 0; i < 3000; i++) fs.writeFileSync(join(root, `f${i}`), "");
		});
		const open = () => fs.readdirSync("/proc/self/fd").length;
		await fsx.compareTrees(a, b, { ignore: ["content"] });
		const before = open();
		const report = await fsx.compareTrees(a, b);
		expect(report).toMatchObject({ equal: true, files: 3000, directories: 201 });
		expect(open()).toBe(before);
	},
	IN_MEMORY,
);

forms("what is wrong with the arguments, or with the roots", async ({ fsx, path }) => {
	const [a] = await twins(path, () => {});
	expect(await failureOf(fsx.compareTrees(a, path("none")))).toMatchObject({ code: "ENOENT" });
	const unknown = await failureOf(fsx.compareTrees(a, a, { ignored: [] } as never));
	expect(unknown).toMatchObject({ code: "ERR_INVALID_ARG_VALUE" });
	expect(unknown.message).toContain('"ignored"');
	const kind = await failureOf(fsx.compareTrees(a, a, { ignore: ["colour"] } as never));
	expect(kind.message).toContain("ignore");
	expect(await failureOf(fsx.compareTrees(1 as never, a))).toMatchObject({
		code: "ERR_INVALID_ARG_TYPE",
	});
});

forms("progress is told, and a signal that has fired ends it", async ({ fsx, path }) => {
	const [a, b] = await twins(path, (root) => fs.writeFileSync(join(root, "x"), "12345"));
	const told: CompareProgress[] = [];
	await fsx.compareTrees(a, b, { onProgress: (progress) => void told.push(progress) });
	expect(told.at(-1)).toEqual({ files: 2, bytes: 5, current: "." });
	const error = await failureOf(fsx.compareTrees(a, b, { signal: AbortSignal.abort("why") }));
	expect(error).toBeInstanceOf(AbortError);
});

onLinux("fallocate")("a signal that fires on the way ends it", async ({ path }) => {
	// Allocated and never written: no holes, so that all of it is read.
	for (const name of ["a", "b"]) {
		const { exitCode } = Bun.spawnSync(["fallocate", "-l", "1G", path(name)]);
		expect(exitCode).toBe(0);
	}
	const interruption = new AbortController();
	const { signal } = interruption;
	const told: number[] = [];
	const onProgress = ({ bytes }: CompareProgress) => {
		told.push(bytes);
		interruption.abort();
	};
	const error = await failureOf(compareTrees(path("a"), path("b"), { onProgress, signal }));
	expect(error).toBeInstanceOf(AbortError);
	expect(told.at(-1)).toBeLessThan(2 ** 30);
});

test("without workers for whole operations it is the same", async () => {
	await stopEngine();
	configureEngine({ offload: false });
	const here = join(import.meta.dir, "../src/engine");
	const report = await compareTrees(here, here);
	expect(report).toMatchObject({ equal: true, directories: 1 });
	await stopEngine();
	configureEngine({});
});

onLinux("its calls")(
	"a close that fails leaves nothing open, and is no difference",
	async ({ fsx, path }) => {
		const [a, b] = await twins(path, (root) => {
			fs.mkdirSync(join(root, "sub"));
			fs.writeFileSync(join(root, "sub/file"), "content");
		});
		let closes = Number.POSITIVE_INFINITY;
		for (let failing = 0; failing < closes; failing++) {
			closes = 0;
			await using _ = await interpose((name, _call, make) => {
				const result = make();
				return name === "close" && closes++ === failing ? errno("EIO") : result;
			});
			const report = await fsx.compareTrees(a, b);
			expect([failing, report.equal, openIn(path("."))]).toEqual([failing, true, 0]);
		}
		expect(closes).toBe(6);
	},
);
