import { expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import {
	FsError,
	type Location,
	Metadata,
	mkdtempSync,
	openDirSync,
	statMany,
	statManySync,
	stopEngine,
} from "../src/index.ts";
import { confines } from "./confined.ts";
import { runScript } from "./fixtures/run.ts";
import {
	BELOW_A_FILE,
	failureOf,
	forms,
	IN_MEMORY,
	MAKES_SYMLINKS,
	notUnderWine,
	ON_WINDOWS,
	UNDER_WINE,
	withSymlinks,
} from "./forms.ts";
import { rootForms } from "./root.ts";

/** What node:fs says about a file, as far as both say it. */
function seen(file: string, follow = true) {
	const { ino, dev, mode, size, mtimeNs } = (follow ? fs.statSync : fs.lstatSync)(file, {
		bigint: true,
	});
	return { ino, dev, mode: Number(mode), size: Number(size), mtimeNs };
}

/** What was found, in the same words. */
function said(found: Metadata | FsError | undefined) {
	if (!(found instanceof Metadata)) throw found;
	const { ino, dev, mode, size, mtimeNs } = found;
	return { ino, dev, mode, size, mtimeNs };
}

forms(
	"thousands of files in several directories, in the order given",
	async ({ fsx, path }) => {
		const files = Array.from({ length: UNDER_WINE ? 300 : 3000 }, (_, index) => {
			const folder = path(`folder${index % 7}`);
			if (index < 7) fs.mkdirSync(folder);
			const file = join(folder, `file${index}`);
			fs.writeFileSync(file, "x".repeat(index % 50));
			return file;
		});
		// Once with runs of one directory, and once without.
		for (const locations of [files.toSorted(), files, files.toReversed()]) {
			const found = await fsx.statMany(locations);
			expect(found.length).toBe(locations.length);
			expect(found.map(said)).toEqual(locations.map((file) => seen(file)));
		}
	},
	IN_MEMORY,
);

forms("locations of every kind, files and failures side by side", async (given) => {
	const { fsx, path, directory } = given;
	fs.writeFileSync(path("file"), "content");
	fs.mkdirSync(path("folder"));
	// Where names are bytes those need be no text.
	const bytes = Buffer.from(`${directory}/caf\xe9`, ON_WINDOWS ? "utf8" : "latin1");
	fs.writeFileSync(bytes, "four");
	using dir = await fsx.openDir(directory);
	using confined = await fsx.openDir(directory, { beneath: true });
	const locations: [Location, string | { code: string; syscall?: string; path?: string }][] = [
		[path("file"), "file"],
		[Bun.pathToFileURL(path("file")), "file"],
		[Buffer.from(path("file")), "file"],
		[path("nothing"), { code: "ENOENT", syscall: "stat", path: path("nothing") }],
		[dir.at("nothing"), { code: "ENOENT", path: "nothing" }],
		[confined.at("folder"), "folder"],
		[confined.at("../outside"), { code: "EXDEV", path: "../outside" }],
		[path("folder/"), "folder"],
		[path("file/"), { code: "ENOTDIR" }],
		[path("file/below"), { code: BELOW_A_FILE, path: path("file/below") }],
		[path("n/".repeat(ON_WINDOWS ? 20_000 : 2048)), { code: "ENAMETOOLONG" }],
		["", { code: "ENOENT", path: "" }],
		[path("folder/.."), "."],
		[`${directory}//file`, "file"],
		["/", "/"],
	];
	if (MAKES_SYMLINKS) {
		fs.symlinkSync("file", path("link"), "file");
		fs.symlinkSync("loop", path("loop"), "file");
		locations.push([dir.at("link"), "file"], [confined.at("link"), "file"]);
		locations.push([path("loop"), { code: "ELOOP" }]);
	}
	const found = await fsx.statMany(locations.map(([location]) => location));
	for (const [index, [location, expected]] of locations.entries()) {
		const one = found[index];
		if (typeof expected === "string") {
			const file = expected === "/" ? "/" : path(expected);
			expect([location, said(one)]).toEqual([location, seen(file)]);
		} else {
			expect(one).toBeInstanceOf(FsError);
			expect(one).toMatchObject({ ...expected, operation: "statMany" });
		}
	}
	expect((await fsx.statMany([bytes, bytes])).map((one) => said(one).size)).toEqual([4, 4]);
});

forms("errors are those of stat", async ({ fsx, path }) => {
	for (const follow of [true, false]) {
		const [ours] = await fsx.statMany([path("nothing")], { follow });
		const theirs = await failureOf(fsx.stat(path("nothing"), { follow }));
		if (!(ours instanceof FsError)) throw new Error("there is no such file");
		expect<object>({ ...ours, operation: "stat" }).toEqual({ ...theirs });
		expect(ours.message).toBe(theirs.message);
	}
});

withSymlinks()("links themselves, many in one directory", async ({ fsx, path }) => {
	const links = Array.from({ length: 20 }, (_, index) => {
		fs.symlinkSync(index % 2 === 0 ? "." : "nothing", path(`link${index}`), "dir");
		return path(`link${index}`);
	});
	const themselves = await fsx.statMany(links, { follow: false, sync: "force" });
	expect(themselves.map(said)).toEqual(links.map((link) => seen(link, false)));
	const followed = await fsx.statMany(links, { follow: true, sync: "never" });
	for (const [index, one] of followed.entries()) {
		if (index % 2 === 0) expect(said(one)).toEqual(seen(path(".")));
		else expect(one).toMatchObject({ code: "ENOENT", path: links[index] });
	}
});

forms("many in a directory that is not there, or is none", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	for (const [folder, code] of [
		["nothing", "ENOENT"],
		["file", BELOW_A_FILE],
	] as const) {
		const files = Array.from({ length: 10 }, (_, index) => path(`${folder}/${index}`));
		const found = await fsx.statMany(files);
		expect(found.map((one) => (one instanceof FsError ? [one.code, one.path] : one))).toEqual(
			files.map((file) => [code, file]),
		);
	}
});

rootForms("many in a directory that may not be searched", async ({ path, form }) => {
	fs.chmodSync(path("."), 0o755);
	fs.mkdirSync(path("closed/open"), { recursive: true });
	for (let index = 0; index < 8; index++) {
		fs.writeFileSync(path(`closed/${index}`), "");
		fs.writeFileSync(path(`closed/open/${index}`), "");
	}
	fs.chmodSync(path("closed"), 0o744);
	const script = `
		import { statMany, statManySync } from "library";
		const [form, path] = process.argv.slice(-2);
		process.setgid(65534);
		process.setuid(65534);
		const files = Array.from({ length: 16 }, (_, i) => path + (i < 8 ? "/" : "/open/") + (i % 8));
		const found = form === "sync" ? statManySync(files) : await statMany(files);
		console.log(JSON.stringify(found.map(({ code, path }) => [code, path])));`;
	const expected = Array.from({ length: 16 }, (_, index) => [
		"EACCES",
		path(`closed/${index < 8 ? "" : "open/"}${index % 8}`),
	]);
	expect(JSON.parse(await runScript(script, form, path("closed")))).toEqual(expected);
});

forms("none at all", async ({ fsx }) => {
	expect(await fsx.statMany([])).toEqual([]);
});

forms("one bad argument, and no file is asked about", async ({ fsx, path }) => {
	const calls = async (given: unknown, options?: unknown) =>
		failureOf(fsx.statMany(given as Location[], options as never));
	for (const wrong of [undefined, null, 7, {}, []] as unknown[]) {
		const error = await calls([path("a"), wrong, path("b")]);
		expect(error).toMatchObject({ code: "ERR_INVALID_ARG_TYPE" });
		expect(error.message).toContain("locations[1]");
	}
	expect(await calls([path("a"), "b\0c"])).toMatchObject({ code: "ERR_INVALID_ARG_VALUE" });
	for (const wrong of [undefined, null, "path", new Set(["path"])]) {
		expect(await calls(wrong)).toMatchObject({ code: "ERR_INVALID_ARG_TYPE" });
	}
	const error = await calls([path("a")], { folow: true });
	expect(error).toMatchObject({ code: "ERR_INVALID_ARG_VALUE" });
	expect(error.message).toStartWith("statMany:");
	expect(await calls([path("a")], { sync: "yes" })).toMatchObject({
		code: "ERR_INVALID_ARG_VALUE",
	});
	using dir = await fsx.openDir(path("."));
	const location = dir.at("a");
	dir.closeSync();
	expect(await calls([path("a"), location])).toMatchObject({ code: "EBADF" });
});

forms(
	"names that many times leave a confined directory",
	async (given) => {
		for (const follow of [true, false]) {
			const path = (name: string) => given.path(`${follow}-${name}`);
			await confines({ ...given, path }, follow, async (location) => {
				const found = await given.fsx.statMany(Array(5).fill(location), { follow });
				const [first] = found;
				expect(found.map((one) => one instanceof FsError && one.code)).toEqual(
					Array(5).fill(first instanceof FsError && first.code),
				);
				if (first instanceof FsError) throw first;
			});
		}
	},
	IN_MEMORY,
);

test("a directory stays open until the last of its files has been asked about", async () => {
	const directory = mkdtempSync(join(IN_MEMORY, "fsx-test-"));
	try {
		for (let index = 0; index < 2000; index++) fs.writeFileSync(join(directory, `${index}`), "");
		const dir = openDirSync(directory);
		// So many that they are not all checked at once.
		const length = UNDER_WINE ? 10_000 : 200_000;
		const asking = statMany(Array.from({ length }, (_, at) => dir.at(`${at % 2000}`)));
		// Closing waits for those who use it; another file may have its number after.
		const closing = dir.close();
		expect((await asking).every((one) => one instanceof Metadata)).toBe(true);
		await closing;
	} finally {
		fs.rmSync(directory, { recursive: true });
	}
});

test("what was found outlives the workers, and others that are found", async () => {
	const directory = mkdtempSync(join(IN_MEMORY, "fsx-test-"));
	try {
		const files = Array.from({ length: 1500 }, (_, index) => join(directory, `${index}`));
		for (const [index, file] of files.entries()) fs.writeFileSync(file, "x".repeat(index % 9));
		const kept = await statMany(files);
		await stopEngine();
		for (let round = UNDER_WINE ? 18 : 0; round < 20; round++) await statMany(files.toReversed());
		Bun.gc(true);
		expect(kept.map((one) => said(one).size)).toEqual(files.map((_, index) => index % 9));
	} finally {
		fs.rmSync(directory, { recursive: true });
	}
});

test("the engine is stopped when all parts have ended, and not between two", async () => {
	const files = Array(5000).fill(IN_MEMORY);
	const asking = statMany(files);
	await stopEngine();
	expect((await asking).length).toBe(5000);
});

test("turned off, workers are not used, and the results are the same", async () => {
	const script = `
		import { configureEngine, statMany, stopEngine } from "library";
		const files = Array.from({ length: 600 }, (_, index) => index % 3 ? "/dev" : "/no/such/" + index);
		const plain = (one) => one.code ?? one.ino + " " + one.mode;
		const before = (await statMany(files)).map(plain);
		await stopEngine();
		configureEngine({ offload: false });
		const after = (await statMany(files)).map(plain);
		console.log(JSON.stringify([before.length, Bun.deepEquals(before, after), before[0]]));`;
	expect(JSON.parse(await runScript(script))).toEqual([600, true, "ENOENT"]);
});

test("the sync form gives errors that are its own", () => {
	const [error] = statManySync(["/no/such/file"]);
	if (!(error instanceof FsError)) throw new Error("there is no such file");
	expect(error.stack).toContain("FsError");
	expect(error.renamed("other").message).toContain("no such file or directory");
});

notUnderWine("calls of which a million take seconds", test)(
	"preparing ten times as many holds up the caller no longer",
	async () => {
		/** Milliseconds until the call has given its promise: the least of some, as others use the machine. */
		const begun = async (count: number) => {
			let least = Number.POSITIVE_INFINITY;
			for (let run = 0; run < 4; run++) {
				const locations = Array<string>(count).fill("/dev/null");
				const before = performance.now();
				const found = statMany(locations);
				least = Math.min(least, performance.now() - before);
				// What is done to the array after the call is of no effect.
				locations.length = 1;
				expect((await found).length).toBe(count);
			}
			return least;
		};
		const few = await begun(10_000);
		expect(await begun(100_000)).toBeLessThan(few * 4);
		await stopEngine();
	},
	20_000,
);
