import { expect, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyXattrsSync, getXattr, getXattrSync, listXattrs, setXattrSync } from "../src/index.ts";
import { plant, seen } from "./attr.ts";
import { confines, IN_MEMORY } from "./confined.ts";
import { linksHaveXattrs } from "./facts.ts";
import { filesystem } from "./filesystems.ts";
import {
	failureOf,
	forms,
	type Given,
	HERE_AND_IN_MEMORY,
	lacksUnderWine,
	ON_WINDOWS,
	onLinux,
	onWindows,
	testElsewhere,
} from "./forms.ts";
import { rootForms } from "./root.ts";

const ext4 = filesystem("ext4");
const bytes = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

const ENODATA = ON_WINDOWS ? -4024 : -61;
const EEXIST = ON_WINDOWS ? -4075 : -17;
const listed = lacksUnderWine("the list of streams");

/** A file, reached in each of the ways that a target can be given. */
async function targets({ fsx, directory, path }: Given) {
	fs.writeFileSync(path("file"), "");
	const dir = await fsx.openDir(directory);
	const confined = await fsx.openDir(directory, { beneath: true });
	// What node:fs has opened is known by another number on Windows.
	const fd = ON_WINDOWS ? await fsx.open(path("file")) : fs.openSync(path("file"), "r");
	return {
		all: {
			path: path("file"),
			bytes: new TextEncoder().encode(path("file")),
			url: Bun.pathToFileURL(path("file")),
			at: dir.at("file"),
			atBytes: dir.at(bytes("file")),
			confined: confined.at("file"),
			descriptor: fd,
		},
		[Symbol.dispose]() {
			dir.closeSync();
			confined.closeSync();
			if (typeof fd === "number") fs.closeSync(fd);
			else fd.closeSync();
		},
	};
}

for (const [where, root] of HERE_AND_IN_MEMORY) {
	forms(
		`xattrs by path, name and descriptor ${where}`,
		async (given) => {
			using given_ = await targets(given);
			const { fsx, path } = given;
			for (const [way, target] of Object.entries(given_.all)) {
				await fsx.setXattr(target, "user.key", `value ${way}`);
				expect(seen(path("file"), "user.key")).toBe(`value ${way}`);
				plant(path("file"), "user.other", `other ${way}`);
				const text = await fsx.getXattr(target, "user.other", { encoding: "utf8" });
				expect(text).toBe(`other ${way}`);
				expect(await fsx.getXattr(target, "user.other")).toEqual(bytes(`other ${way}`));
				await fsx.removeXattr(target, "user.key");
				await fsx.removeXattr(target, bytes("user.other"));
				expect((await failureOf(fsx.getXattr(target, "user.other"))).code).toBe("ENODATA");
				const error = await failureOf(fsx.getXattr(target, "user.key"));
				expect(error).toMatchObject({ code: "ENODATA", errno: ENODATA });
				expect(await failureOf(fsx.removeXattr(target, "user.key"))).toMatchObject({
					code: "ENODATA",
				});
			}
		},
		root,
	);
}

listed("xattrs are listed, by path, name and descriptor", async (given) => {
	using given_ = await targets(given);
	const { fsx, path } = given;
	for (const target of Object.values(given_.all)) {
		expect(await fsx.listXattrs(target)).toEqual([]);
		await fsx.setXattr(target, "user.key", "");
		plant(path("file"), "user.other", "value");
		expect((await fsx.listXattrs(target)).sort()).toEqual(["user.key", "user.other"]);
		await fsx.removeXattr(target, "user.key");
		expect(await fsx.listXattrs(target)).toEqual(["user.other"]);
		await fsx.removeXattr(target, "user.other");
	}
});

forms("a file that is emptied when it is opened keeps its xattrs", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "content");
	plant(path("file"), "user.kept", "value");
	// With a mode that counts for new files alone.
	const file = await fsx.open(path("file"), "w", { mode: 0o444 });
	file.appendSync("new");
	file.closeSync();
	await fsx.writeFile(path("file"), "more", { atomic: false });
	expect(fs.readFileSync(path("file"), "utf8")).toBe("more");
	expect(seen(path("file"), "user.kept")).toBe("value");
});

onWindows("named streams")("what is no attribute's name is refused", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "content");
	for (const name of [":", "user.a:b", "a/b", "a\\b", "::$DATA"]) {
		for (const act of [
			() => fsx.setXattr(path("file"), name, "value"),
			() => fsx.getXattr(path("file"), name),
			() => fsx.removeXattr(path("file"), name),
		]) {
			expect(await failureOf(act())).toMatchObject({ code: "EINVAL", path: path("file") });
		}
	}
	expect(fs.readFileSync(path("file"), "utf8")).toBe("content");
	const long = "n".repeat(256);
	expect((await failureOf(fsx.setXattr(path("file"), long, ""))).code).toBe("ERANGE");
	expect((await failureOf(fsx.getXattr(path("no"), "user.a"))).code).toBe("ENOENT");
	expect((await failureOf(fsx.setXattr(path("no"), "user.a", ""))).code).toBe("ENOENT");
	expect(fs.existsSync(path("no"))).toBe(false);
});

onWindows("named streams")("values are of any size up to 64 MiB", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "content");
	for (const size of [0, 1, 65536, 65537, 3 << 20, 10, 0]) {
		const value = new Uint8Array(size).fill(size % 251);
		await fsx.setXattr(path("file"), "Zone.Identifier", value);
		expect(await fsx.getXattr(path("file"), "Zone.Identifier")).toEqual(value);
		expect(fs.statSync(`${path("file")}:Zone.Identifier`).size).toBe(size);
	}
	const error = await failureOf(
		fsx.setXattr(path("file"), "user.large", new Uint8Array((64 << 20) + 1)),
	);
	expect(error).toMatchObject({ code: "E2BIG", path: path("file") });
	expect((await failureOf(fsx.getXattr(path("file"), "user.large"))).code).toBe("ENODATA");
	expect(fs.readFileSync(path("file"), "utf8")).toBe("content");
});

listed("xattrs of a directory, by its handle too", async ({ fsx, directory }) => {
	using dir = await fsx.openDir(directory);
	await fsx.setXattr(dir, "user.of", "directory");
	expect(seen(directory, "user.of")).toBe("directory");
	expect(await fsx.listXattrs(directory)).toEqual(["user.of"]);
	await fsx.removeXattr(dir.at("."), "user.of");
	expect(await fsx.listXattrs(dir)).toEqual([]);
});

onLinux("names that are any bytes")("names that are not UTF-8", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	const name = Uint8Array.of(...bytes("user."), 0xff, 0xfe, 0xc3, 0x28);
	await fsx.setXattr(path("file"), name, "odd");
	await fsx.setXattr(path("file"), "user.ümlaut", "even");
	const names = await fsx.listXattrs(path("file"), { encoding: "buffer" });
	expect(names.map((each) => Buffer.from(each).toString("hex")).sort()).toEqual(
		[name, Buffer.from("user.ümlaut")].map((each) => Buffer.from(each).toString("hex")).sort(),
	);
	expect(await fsx.getXattr(path("file"), name, { encoding: "utf8" })).toBe("odd");
	expect(seen(path("file"), "user.ümlaut")).toBe("even");
	const { stdout } = Bun.spawnSync(["getfattr", "--absolute-names", path("file")]);
	expect(stdout.includes(name)).toBe(true);

	fs.writeFileSync(path("copy"), "");
	expect(await fsx.copyXattrs(path("file"), path("copy"))).toBe(2);
	expect(await fsx.getXattr(path("copy"), name, { encoding: "utf8" })).toBe("odd");
	await fsx.removeXattr(path("file"), name);
	expect(await fsx.listXattrs(path("file"))).toEqual(["user.ümlaut"]);
});

forms("create and replace", async ({ fsx, path }) => {
	const file = path("file");
	fs.writeFileSync(file, "");
	const missing = await failureOf(fsx.setXattr(file, "user.a", "0", { replace: true }));
	expect(missing).toMatchObject({ code: "ENODATA", syscall: "setxattr", path: file });
	expect((await failureOf(fsx.getXattr(file, "user.a"))).code).toBe("ENODATA");
	await fsx.setXattr(file, "user.a", "1", { create: true });
	const there = await failureOf(fsx.setXattr(file, "user.a", "2", { create: true }));
	expect(there).toMatchObject({ code: "EEXIST", errno: EEXIST });
	expect(seen(file, "user.a")).toBe("1");
	await fsx.setXattr(file, "user.a", "3", { replace: true, create: false });
	expect(seen(file, "user.a")).toBe("3");
	const both = await failureOf(fsx.setXattr(file, "user.a", "4", { replace: true, create: true }));
	expect(both).toMatchObject({ code: "ERR_INVALID_ARG_VALUE" });
	expect(seen(file, "user.a")).toBe("3");
});

rootForms("a symbolic link has attributes of its own", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "");
	fs.symlinkSync("file", path("link"));
	if (!linksHaveXattrs(directory)) {
		// A server that follows links does so whoever asks it.
		await fsx.setXattr(path("link"), "trusted.a", "link", { follow: false });
		expect(seen(path("file"), "trusted.a")).toBe("link");
		return;
	}
	fs.symlinkSync("nothing", path("dangling"));
	await fsx.setXattr(path("link"), "trusted.a", "file");
	await fsx.setXattr(path("link"), "trusted.a", "link", { follow: false });
	expect(seen(path("file"), "trusted.a")).toBe("file");
	expect(seen(path("link"), "trusted.a")).toBe("link");
	await fsx.setXattr(path("dangling"), "trusted.b", "x", { follow: false });
	expect(await fsx.listXattrs(path("dangling"), { follow: false })).toEqual(["trusted.b"]);
	const options = { follow: false, encoding: "utf8" } as const;
	expect(await fsx.getXattr(path("link"), "trusted.a", options)).toBe("link");
	expect(await fsx.getXattr(path("link"), "trusted.a", { encoding: "utf8" })).toBe("file");
	expect(await fsx.copyXattrs(path("dangling"), path("link"), { follow: false })).toBe(1);
	expect(seen(path("link"), "trusted.b")).toBe("x");
	await fsx.removeXattr(path("link"), "trusted.a", { follow: false });
	expect(await fsx.listXattrs(path("file"))).toEqual(["trusted.a"]);
	const user = await failureOf(fsx.setXattr(path("link"), "user.a", "", { follow: false }));
	expect(user).toMatchObject({ code: "EPERM", syscall: "lsetxattr", path: path("link") });
	const dangling = await failureOf(fsx.getXattr(path("dangling"), "trusted.b"));
	expect(dangling).toMatchObject({ code: "ENOENT", syscall: "getxattr", path: path("dangling") });
});

onLinux("the size of its values")(
	"values of all sizes: none to 64 KiB",
	async ({ fsx, path }) => {
		fs.writeFileSync(path("file"), "");
		for (const size of [0, 1, 1023, 1024, 1025, 4096, 65535, 65536]) {
			const value = new Uint8Array(size).map((_, index) => index * 7);
			await fsx.setXattr(path("file"), "user.v", value);
			expect(await fsx.getXattr(path("file"), "user.v")).toEqual(value);
		}
		for (const size of [65537, 1 << 20]) {
			const error = await failureOf(fsx.setXattr(path("file"), "user.v", new Uint8Array(size)));
			expect(error).toMatchObject({ code: "E2BIG", errno: -7 });
		}
		expect((await fsx.getXattr(path("file"), "user.v")).length).toBe(65536);
		await fsx.setXattr(path("file"), "user.v", "");
		expect(seen(path("file"), "user.v")).toBe("");
	},
	"/dev/shm",
);

ext4.forms("values up to its block, and past it", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	const value = new Uint8Array(3500).fill(0x61);
	await fsx.setXattr(path("file"), "user.v", value);
	expect(seen(path("file"), "user.v")).toBe("a".repeat(3500));
	expect(await fsx.getXattr(path("file"), "user.v")).toEqual(value);
	const error = await failureOf(fsx.setXattr(path("file"), "user.w", new Uint8Array(60000)));
	expect(error.code).toBe("ENOSPC");
	expect(await fsx.listXattrs(path("file"))).toEqual(["user.v"]);
});

onLinux("the length of its lists")(
	"a list longer than the first buffer, and than Linux lists",
	async ({ fsx, path }) => {
		fs.writeFileSync(path("file"), "");
		const names = Array.from({ length: 200 }, (_, index) => `user.${"n".repeat(200)}${index}`);
		for (const name of names) setXattrSync(path("file"), name, "");
		expect((await fsx.listXattrs(path("file"))).sort()).toEqual(names.sort());
		for (let index = 0; index < 150; index++) {
			setXattrSync(path("file"), `user.${"m".repeat(240)}${index}`, "");
		}
		expect(await failureOf(fsx.listXattrs(path("file")))).toMatchObject({ code: "E2BIG" });
	},
	"/dev/shm",
);

forms("the value is taken as it is when it is given", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	const value = bytes("before");
	const setting = fsx.setXattr(path("file"), "user.v", value);
	value.fill(0x78);
	await setting;
	expect(seen(path("file"), "user.v")).toBe("before");
	const inside = bytes("xxinsidexx").subarray(2, 8);
	await fsx.setXattr(path("file"), "user.v", inside);
	expect(seen(path("file"), "user.v")).toBe("inside");
	await fsx.setXattr(path("file"), "user.v", "\ufeffmärk");
	expect(await fsx.getXattr(path("file"), "user.v", { encoding: "utf8" })).toBe("\ufeffmärk");
});

testElsewhere("a value that changes its size meanwhile is read whole", async () => {
	const directory = fs.mkdtempSync(join(IN_MEMORY, "fsx-test-"));
	const file = join(directory, "file");
	fs.writeFileSync(file, "");
	// Sizes on both sides of the first buffer, and of every later one.
	const sizes = [10, 1100, 2000, 2200, 9000, 60000, 65536];
	const control = new Int32Array(new SharedArrayBuffer(8));
	setXattrSync(file, "user.v", new Uint8Array(10).fill(10 % 251));
	const worker = new Worker(new URL("./xattr-writer.ts", import.meta.url).href);
	try {
		worker.postMessage({ file, sizes, control });
		while (Atomics.load(control, 1) === 0) await Bun.sleep(1);
		let different = 0;
		let last = -1;
		const check = (value: Uint8Array) => {
			expect(sizes).toContain(value.length);
			expect(value.every((byte) => byte === value.length % 251)).toBe(true);
			if (value.length !== last) different++;
			last = value.length;
		};
		const until = performance.now() + 300;
		while (performance.now() < until) check(getXattrSync(file, "user.v"));
		for (let round = 0; round < 20; round++) {
			const reads = Array.from({ length: 8 }, () => getXattr(file, "user.v"));
			for (const value of await Promise.all(reads)) check(value);
		}
		expect(different).toBeGreaterThan(10);
	} finally {
		Atomics.store(control, 0, 1);
		for (let tries = 0; tries < 1000 && Atomics.load(control, 1) !== 2; tries++) await Bun.sleep(1);
		worker.terminate();
		fs.rmSync(directory, { recursive: true });
	}
});

forms("what is refused before any call", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	const file = path("file");
	const code = async (promise: Promise<unknown>) => (await failureOf(promise)).code;
	for (const name of ["", new Uint8Array(0), "user.\0", Uint8Array.of(117, 0)]) {
		expect(await code(fsx.getXattr(file, name))).toBe("ERR_INVALID_ARG_VALUE");
		expect(await code(fsx.setXattr(file, name, ""))).toBe("ERR_INVALID_ARG_VALUE");
		expect(await code(fsx.removeXattr(file, name))).toBe("ERR_INVALID_ARG_VALUE");
	}
	for (const wrong of [undefined, null, 1, {}] as never[]) {
		expect(await code(fsx.getXattr(file, wrong))).toBe("ERR_INVALID_ARG_TYPE");
		expect(await code(fsx.setXattr(file, "user.a", wrong))).toBe("ERR_INVALID_ARG_TYPE");
		expect(await code(fsx.listXattrs(wrong === 1 ? (undefined as never) : wrong))).toBe(
			"ERR_INVALID_ARG_TYPE",
		);
	}
	const latin = { encoding: "latin1" } as never;
	expect(await code(fsx.getXattr(file, "user.a", latin))).toBe("ERR_INVALID_ARG_VALUE");
	expect(await code(fsx.listXattrs(file, { nofollow: true } as never))).toBe(
		"ERR_INVALID_ARG_VALUE",
	);
	expect(await code(fsx.copyXattrs(file, file, { filter: "user." } as never))).toMatch(/^ERR_/);
	for (const fd of [-1, 1.5, Number.NaN]) {
		expect(await code(fsx.getXattr(fd, "user.a"))).toBe("ERR_OUT_OF_RANGE");
	}
	for (const name of ["user.a", "user.b"]) {
		expect((await failureOf(fsx.getXattr(file, name))).code).toBe("ENODATA");
	}
});

onLinux("its errors")("what the system refuses", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	const long = `user.${"n".repeat(251)}`;
	for (const act of [
		() => fsx.getXattr(path("file"), long),
		() => fsx.setXattr(path("file"), long, ""),
		() => fsx.removeXattr(path("file"), long),
	]) {
		expect(await failureOf(act())).toMatchObject({ code: "ERANGE", path: path("file") });
	}
	await fsx.setXattr(path("file"), long.slice(0, -1), "longest");
	expect(seen(path("file"), long.slice(0, -1))).toBe("longest");
	const kind = await failureOf(fsx.setXattr(path("file"), "no-namespace", ""));
	expect(kind).toMatchObject({ code: "ENOTSUP", errno: -95, syscall: "setxattr" });
	expect(kind.message).toContain("user.");
	const proc = await failureOf(fsx.setXattr("/proc/self/status", "user.a", ""));
	expect(proc.code).toBe("ENOTSUP");
	expect(await failureOf(fsx.getXattr(path("nothing"), "user.a"))).toMatchObject({
		code: "ENOENT",
		errno: -2,
		syscall: "getxattr",
		message: `ENOENT: no such file or directory, getxattr '${path("nothing")}'`,
	});
	expect(await failureOf(fsx.listXattrs(1_000_000))).toMatchObject({
		code: "EBADF",
		syscall: "flistxattr",
		path: undefined,
	});
});

for (const follow of [true, false]) {
	rootForms(
		`xattrs confined, follow: ${follow}`,
		async (given) => {
			const { fsx } = given;
			await confines(given, follow, async (location) => {
				await fsx.setXattr(location, "trusted.a", "1", { follow });
				expect(await fsx.listXattrs(location, { follow })).toEqual(["trusted.a"]);
				expect(await fsx.getXattr(location, "trusted.a", { follow })).toEqual(bytes("1"));
				await fsx.removeXattr(location, "trusted.a", { follow });
			});
			await confines({ ...given, path: (name) => given.path(`read-${name}`) }, follow, (location) =>
				fsx.listXattrs(location, { follow }),
			);
		},
		IN_MEMORY,
	);
}

lacksUnderWine("the list of streams", test)("the types say what comes back", async () => {
	const directory = fs.mkdtempSync(join(tmpdir(), "fsx-test-"));
	try {
		setXattrSync(directory, "user.a", "1");
		const text: string = await getXattr(directory, "user.a", { encoding: "utf8" });
		const raw: Uint8Array = getXattrSync(directory, "user.a");
		const names: string[] = await listXattrs(directory);
		expect([text, raw, names, copyXattrsSync(directory, directory)]).toEqual([
			"1",
			bytes("1"),
			["user.a"],
			1,
		]);
	} finally {
		fs.rmSync(directory, { recursive: true });
	}
});
