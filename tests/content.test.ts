/** Reading and writing whole files. */
import { expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open, readFile, writeFile } from "../src/index.ts";
import { filesystem } from "./filesystems.ts";
import {
	BELOW_A_FILE,
	failureOf,
	forms,
	IN_MEMORY,
	lacksUnderWine,
	MAKES_SYMLINKS,
	ON_WINDOWS,
	onLinux,
	STOOD_IN,
	UNDER_WINE,
	withSymlinks,
} from "./forms.ts";
import { failsAsNode } from "./node-errors.ts";
import { rootForms } from "./root.ts";

const sizes = [0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 262145, 5 * 1024 * 1024];

/** Bytes in which every stretch is different from every other. */
function pattern(length: number): Buffer {
	const bytes = Buffer.alloc(length);
	for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 17 + (i >> 16) * 7) & 255;
	return bytes;
}

forms("readFile of files of every size", async ({ fsx, path }) => {
	for (const size of sizes) {
		const bytes = pattern(size);
		fs.writeFileSync(path("file"), bytes);
		const read = await fsx.readFile(path("file"));
		expect([size, read.length, Buffer.compare(read, bytes)]).toEqual([size, size, 0]);
		// Its own memory, all of it: the buffer can be handed on.
		expect([size, read.buffer.byteLength]).toEqual([size, size]);
	}
});

onLinux("dd(1)")("readFile of a file whose content is not in memory", async ({ fsx, path }) => {
	const bytes = pattern(3_000_000);
	fs.writeFileSync(path("file"), bytes);
	const name = `if=${path("file")}`;
	execFileSync("dd", [name, "iflag=nocache", "count=0"], { stdio: "ignore" });
	expect(Buffer.compare(await fsx.readFile(path("file")), bytes)).toBe(0);
});

onLinux("/proc and fifos")(
	"readFile of files that do not tell their size",
	async ({ fsx, path }) => {
		const names = [
			"/proc/self/maps",
			"/proc/version",
			"/proc/sys/fs/pipe-max-size",
			"/proc/kallsyms",
		];
		for (const name of [...names, "/sys/kernel/mm/transparent_hugepage/enabled", "/dev/null"]) {
			if (name === "/proc/self/maps") {
				expect(await fsx.readFile(name, "utf8")).toContain("[stack]");
				continue;
			}
			expect([name, await fsx.readFile(name, "utf8")]).toEqual([
				name,
				fs.readFileSync(name, "utf8"),
			]);
		}
		execFileSync("mkfifo", [path("fifo")]);
		// The shell opens the fifo: Bun would open it before it starts the shell, and wait meanwhile.
		const writes = `{ printf 'one'; sleep 0.05; printf 'two'; } > "$0"`;
		const writer = Bun.spawn(["sh", "-c", writes, path("fifo")]);
		expect(await fsx.readFile(path("fifo"), "utf8")).toBe("onetwo");
		await writer.exited;
	},
);

test("readFile of a growing file gives a beginning of it, whole", async () => {
	const folder = fs.mkdtempSync(join(IN_MEMORY, "fsx-grow-"));
	const name = join(folder, "file");
	fs.writeFileSync(name, "");
	const script = `
		const fs = require("node:fs");
		const fd = fs.openSync(process.argv.at(-1), "r+");
		for (let i = 0; i < 20000; i++) fs.writeSync(fd, "0123456789\\n");`;
	const child = Bun.spawn([process.execPath, "-e", script, name]);
	try {
		let last = 0;
		while (child.exitCode === null) {
			const text = await readFile(name, "utf8");
			expect(text.length).toBeGreaterThanOrEqual(last);
			expect("0123456789\n".repeat(Math.ceil(text.length / 11)).startsWith(text)).toBe(true);
			last = text.length;
		}
		expect((await readFile(name)).length).toBe(220_000);
	} finally {
		await child.exited;
		fs.rmSync(folder, { recursive: true });
	}
});

forms("text and bytes", async ({ fsx, path }) => {
	const text = "\uFEFFgrüße, 世界 🎉\n";
	await fsx.writeFile(path("file"), text);
	expect(fs.readFileSync(path("file"), "utf8")).toBe(text);
	expect(await fsx.readFile(path("file"), "utf8")).toBe(text);
	expect(await fsx.readFile(path("file"), { encoding: "utf8" })).toBe(text);
	expect(await fsx.readFile(path("file"), { encoding: "buffer" })).toEqual(
		new TextEncoder().encode(text),
	);
	await fsx.writeFile(path("file"), Uint8Array.of(0x61, 0xff, 0x62));
	expect(await fsx.readFile(path("file"), "utf8")).toBe("a\uFFFDb");
	await fsx.writeFile(path("file"), new Uint16Array([0x6261]).subarray(0));
	expect(fs.readFileSync(path("file"), "utf8")).toBe("ab");
	await fsx.writeFile(path("file"), Buffer.from("xxabcxx").subarray(2, 5));
	expect(fs.readFileSync(path("file"), "utf8")).toBe("abc");
});

forms("readFile fails as in Node", async ({ fsx, path, directory }) => {
	await failsAsNode(fsx.readFile(path("no")), () => fs.readFileSync(path("no")));
	expect(await failureOf(fsx.readFile(directory))).toMatchObject({
		code: "EISDIR",
		syscall: "read",
	});
	if (!MAKES_SYMLINKS) return;
	fs.symlinkSync("loop", path("loop"), "file");
	expect(await failureOf(fsx.readFile(path("loop")))).toMatchObject({ code: "ELOOP" });
});

for (const atomic of [false, true]) {
	forms(`writeFile, atomic ${atomic}`, async ({ fsx, path, directory }) => {
		for (const size of sizes) {
			const bytes = pattern(size);
			await fsx.writeFile(path("file"), bytes, { atomic, sync: size === 1 });
			expect([size, Buffer.compare(fs.readFileSync(path("file")), bytes)]).toEqual([size, 0]);
		}
		await fsx.writeFile(path("file"), "shorter", { atomic });
		expect(fs.readFileSync(path("file"), "utf8")).toBe("shorter");
		expect(fs.readdirSync(directory)).toEqual(["file"]);
	});

	withSymlinks()(`writeFile and symbolic links, atomic ${atomic}`, async ({ fsx, path }) => {
		fs.mkdirSync(path("sub"));
		fs.writeFileSync(path("sub/file"), "old");
		fs.symlinkSync(join("sub", "link"), path("chain"), "file");
		fs.symlinkSync("file", path("sub/link"), "file");
		fs.symlinkSync(path("sub/absolute"), path("dangling"), "file");
		fs.symlinkSync("loop", path("loop"), "file");
		await fsx.writeFile(path("chain"), "new", { atomic });
		expect(fs.readFileSync(path("sub/file"), "utf8")).toBe("new");
		await fsx.writeFile(path("dangling"), "made", { atomic });
		expect(fs.readFileSync(path("sub/absolute"), "utf8")).toBe("made");
		expect(fs.readlinkSync(path("chain"))).toBe(join("sub", "link"));
		const loop = fsx.writeFile(path("loop"), "x", { atomic });
		expect(await failureOf(loop)).toMatchObject({ code: "ELOOP" });
		expect(fs.readlinkSync(path("loop"))).toBe("loop");
		expect(fs.readdirSync(path("sub")).sort()).toEqual(["absolute", "file", "link"]);
	});

	forms(`writeFile in bad places, atomic ${atomic}`, async ({ fsx, path, directory }) => {
		fs.mkdirSync(path("dir"));
		fs.writeFileSync(path("file"), "old");
		for (const [name, code] of [
			["dir", "EISDIR"],
			["dir/", "EISDIR"],
			["dir/..", "EISDIR"],
			["file/", atomic ? "ENOTDIR" : "EISDIR"],
			["file/below", atomic ? "ENOTDIR" : BELOW_A_FILE],
			["no/below", "ENOENT"],
			["", "ENOENT"],
			// Of a drive Wine says that it is a link.
			...(UNDER_WINE && !STOOD_IN ? [] : [["/", "EISDIR"] as const]),
		] as const) {
			const location = /^\/?$/.test(name) ? name : path(name).concat(name.endsWith("/") ? "/" : "");
			const exact = name.includes("..") ? `${directory}/${name}` : location;
			const error = await failureOf(fsx.writeFile(exact, "new", { atomic }));
			expect([name, error.code]).toEqual([name, code]);
		}
		const slash = await failureOf(fsx.writeFile(`${path("new")}/`, "x", { atomic }));
		expect(["EISDIR", "ENOENT"]).toContain(slash.code ?? "");
		expect(fs.readdirSync(directory).sort()).toEqual(["dir", "file"]);
		expect(fs.readFileSync(path("file"), "utf8")).toBe("old");
	});

	rootForms(`writeFile keeps mode and owner, atomic ${atomic}`, async ({ fsx, path }) => {
		fs.writeFileSync(path("file"), "old");
		for (const mode of [0o640, 0o4711, 0o444]) {
			fs.chownSync(path("file"), 1234, 5678);
			fs.chmodSync(path("file"), mode);
			const before = fs.statSync(path("file")).ino;
			await fsx.writeFile(path("file"), "new", { atomic, mode: 0o600 });
			const { uid, gid, ino, ...after } = fs.statSync(path("file"));
			// A write in place takes set-user-id away, unless it is root's.
			expect([uid, gid, after.mode & 0o777]).toEqual([1234, 5678, mode & 0o777]);
			// It was given to the old content, so an atomic write never keeps it.
			if (atomic) expect(after.mode & 0o7777).toBe(mode & 0o777);
			expect(ino === before).toBe(!atomic);
		}
	});

	const tiny = filesystem("tiny");
	tiny.forms(
		`writeFile when there is no room, atomic ${atomic}`,
		async ({ fsx, path, directory }) => {
			fs.writeFileSync(path("file"), "old");
			const before = fs.statfsSync(directory).bfree;
			const error = await failureOf(fsx.writeFile(path("file"), pattern(16 << 20), { atomic }));
			expect(error).toMatchObject({ code: "ENOSPC" });
			expect(fs.readdirSync(directory)).toEqual(["file"]);
			if (!atomic) return;
			expect(fs.readFileSync(path("file"), "utf8")).toBe("old");
			expect(fs.statfsSync(directory).bfree).toBe(before);
		},
	);
}

onLinux("devices and fifos")(
	"an atomic write replaces no device and no fifo",
	async ({ fsx, path, directory }) => {
		execFileSync("mkfifo", [path("fifo")]);
		fs.symlinkSync("/dev/null", path("null"));
		for (const name of ["fifo", "null"]) {
			const error = await failureOf(fsx.writeFile(path(name), "x", { atomic: true }));
			expect(error).toMatchObject({ code: "EINVAL", path: path(name) });
		}
		expect(fs.statSync("/dev/null").isCharacterDevice()).toBe(true);
		expect(fs.statSync(path("fifo")).isFIFO()).toBe(true);
		expect(fs.readdirSync(directory).sort()).toEqual(["fifo", "null"]);
	},
);

forms("mode of a file that writeFile makes", async ({ fsx, path }) => {
	const umask = process.umask();
	const seen = (mode: number) => (ON_WINDOWS ? 0o666 : mode & ~umask);
	for (const atomic of [false, true]) {
		for (const mode of [undefined, 0o600, 0o755]) {
			const name = path(`${atomic}-${mode}`);
			await fsx.writeFile(name, "", mode === undefined ? { atomic } : { atomic, mode });
			expect(fs.statSync(name).mode & 0o7777).toBe(seen(mode ?? 0o666));
		}
	}
});

forms("by name in a directory, bytes and URL", async ({ fsx, path, directory }) => {
	using dir = await fsx.openDir(directory, { beneath: true });
	// Where names are bytes those need be no text.
	const [inside, beside] = ON_WINDOWS
		? [Buffer.from("ä"), Buffer.from("ö")]
		: [Uint8Array.of(0xff), Uint8Array.of(0xff, 0xfe)];
	const odd = Buffer.concat([Buffer.from(`${directory}/`), beside]);
	for (const atomic of [false, true]) {
		for (const location of [dir.at("a"), dir.at(inside), odd, Bun.pathToFileURL(path("u"))]) {
			await fsx.writeFile(location, `content ${atomic}`, { atomic, sync: true });
			expect(await fsx.readFile(location, "utf8")).toBe(`content ${atomic}`);
		}
	}
	expect(fs.readdirSync(directory, { encoding: "buffer" }).length).toBe(4);
	expect(fs.readFileSync(odd, "utf8")).toBe("content true");
});

lacksUnderWine("renaming over a file that is open")(
	"an atomic write is never seen half done",
	async ({ fsx, path, form }) => {
		const [one, two] = [Buffer.alloc(100_000, "1"), Buffer.alloc(50_000, "2")];
		fs.writeFileSync(path("file"), one);
		const script = `
		const fs = require("node:fs");
		const seen = new Set();
		const start = Date.now();
		// A busy machine may take a while to show both.
		while (Date.now() < start + (seen.size < 2 ? 10_000 : 300)) {
			const text = fs.readFileSync(${JSON.stringify(path("file"))}, "latin1");
			seen.add(text.length + ":" + [...new Set(text)].join(""));
		}
		console.log([...seen].sort().join(" "));`;
		const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
		for (let i = 0; child.exitCode === null; i++) {
			await fsx.writeFile(path("file"), i % 2 === 0 ? two : one, { atomic: true });
			if (form === "sync") await Bun.sleep(0);
		}
		expect((await child.stdout.text()).trim()).toBe("100000:1 50000:2");
	},
);

forms("an abort before anything is done", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "old");
	const signal = AbortSignal.abort("reason");
	const uses = [
		() => fsx.readFile(path("file"), { signal }),
		() => fsx.writeFile(path("file"), "new", { signal }),
		() => fsx.writeFile(path("other"), "new", { signal, atomic: true }),
	];
	for (const use of uses) {
		const error = await failureOf(use());
		expect(error).toMatchObject({ name: "AbortError", code: "ABORT_ERR", cause: "reason" });
	}
	expect(fs.readdirSync(directory)).toEqual(["file"]);
	expect(fs.readFileSync(path("file"), "utf8")).toBe("old");
});

onLinux("/dev/zero", test)(
	"an abort of a read that has no end, and of an atomic write",
	async () => {
		const reading = new AbortController();
		const endless = readFile("/dev/zero", { signal: reading.signal });
		await Bun.sleep(5);
		reading.abort();
		expect(await failureOf(endless)).toMatchObject({ name: "AbortError" });

		const folder = fs.mkdtempSync(join(tmpdir(), "fsx-abort-"));
		try {
			fs.writeFileSync(`${folder}/file`, "old");
			const bytes = Buffer.alloc(64 << 20, "n");
			const outcomes = new Set<string>();
			for (const turns of [0, 1, 2, 3, 5, 8]) {
				const writing = new AbortController();
				const { signal } = writing;
				const write = writeFile(`${folder}/file`, bytes, { atomic: true, signal });
				for (let i = 0; i < turns; i++) await new Promise(setImmediate);
				writing.abort();
				outcomes.add(
					await write.then(
						() => "done",
						(error) => error.name,
					),
				);
				expect(fs.readdirSync(folder)).toEqual(["file"]);
			}
			expect(outcomes).toContain("AbortError");
		} finally {
			fs.rmSync(folder, { recursive: true });
		}
	},
);

onLinux("fifos", test)("writeFile and append to a fifo", async () => {
	const folder = fs.mkdtempSync(join(tmpdir(), "fsx-fifo-"));
	try {
		execFileSync("mkfifo", [`${folder}/fifo`]);
		const read = () => new Response(Bun.spawn(["cat", `${folder}/fifo`]).stdout).text();
		const written = read();
		await writeFile(`${folder}/fifo`, "written");
		// A second writer that came before the end was read would write to the same reader.
		expect(await written).toBe("written");
		const appended = read();
		await using file = await open(`${folder}/fifo`, "a");
		await file.append("appended");
		await file.close();
		expect(await appended).toBe("appended");
	} finally {
		fs.rmSync(folder, { recursive: true });
	}
});
