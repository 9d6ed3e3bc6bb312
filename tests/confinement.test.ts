/** Confined directories: nothing reached through one is outside of it, whoever moves what. */
import { expect, spyOn, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { type Location, openDir, openDirSync, statSync } from "../src/index.ts";
import { system } from "../src/sys/index.ts";
import { nr } from "../src/sys/linux/calls.ts";
import { Errno } from "../src/sys/linux/errno.ts";
import { confines } from "./confined.ts";
import {
	bothForms,
	type Forms,
	failureOf,
	forms,
	IN_MEMORY,
	MAKES_SYMLINKS,
	onLinux,
	testElsewhere,
} from "./forms.ts";

const COPIED = join(IN_MEMORY, "fsx-copied");

const discard = async (closable: Promise<{ close(): Promise<void> }>) => (await closable).close();

/** Every function of reading and writing that takes a location, and whether it follows links. */
const functions: [string, follows: boolean, (fsx: Forms, at: Location) => Promise<unknown>][] = [
	["open", true, (fsx, at) => discard(fsx.open(at))],
	["open for writing", true, (fsx, at) => discard(fsx.open(at, "r+"))],
	["open, making it", true, (fsx, at) => discard(fsx.open(at, "a"))],
	["open, only making it", false, (fsx, at) => discard(fsx.open(at, "wx"))],
	["openDir", true, (fsx, at) => discard(fsx.openDir(at))],
	["readFile", true, (fsx, at) => fsx.readFile(at)],
	["writeFile", true, (fsx, at) => fsx.writeFile(at, "written")],
	["mkdir with all above", false, (fsx, at) => fsx.mkdir(at, { recursive: true })],
	["copyFile from", true, (fsx, at) => fsx.copyFile(at, COPIED, { atomic: false })],
	["copyFile to", true, (fsx, at) => fsx.copyFile(import.meta.path, at)],
	[
		"copyFile to, in place",
		true,
		(fsx, at) => fsx.copyFile(import.meta.path, at, { atomic: false }),
	],
	["writeFile, atomic", true, (fsx, at) => fsx.writeFile(at, "written", { atomic: true })],
];

for (const [name, follows, act] of functions) {
	forms(
		`${name} is confined`,
		(given) => confines(given, follows, (at) => act(given.fsx, at)),
		IN_MEMORY,
	);
}
test("nothing is left of these", () => fs.rmSync(COPIED, { force: true }));

const ways = ["..", "../outside", "/", "/etc", "sub/../../outside"];
if (MAKES_SYMLINKS) ways.push("out", "out/outside");
else console.log("left out of trees: symbolic links, which cannot be made here");

forms("trees do not leave it", async ({ fsx, path }) => {
	fs.mkdirSync(path("world/sub"), { recursive: true });
	fs.mkdirSync(path("outside"));
	fs.writeFileSync(path("outside/secret"), "");
	const far = join("..", "..", "outside");
	if (MAKES_SYMLINKS) {
		fs.symlinkSync(join("..", "outside"), path("world/out"), "dir");
		fs.symlinkSync("sub", path("world/in"), "dir");
		fs.symlinkSync(far, path("world/sub/far"), "dir");
	}
	using dir = await fsx.openDir(path("world"), { beneath: true });
	for (const way of ways) {
		for (const name of [way, new TextEncoder().encode(way)]) {
			for (const use of [
				() => fsx.copyTree(dir.at(name), path("copy")),
				() => fsx.copyTree(path("outside"), dir.at(name)),
			]) {
				const { code } = await failureOf(use());
				expect([way, code]).toEqual([way, "EXDEV"]);
			}
		}
	}
	expect(fs.readdirSync(path("outside"))).toEqual(["secret"]);
	expect(fs.existsSync(path("copy"))).toBe(false);
	if (!MAKES_SYMLINKS) return;
	// Links inside the tree are copied as they are, and those inside it may be followed to it.
	await fsx.copyTree(dir.at("in/../sub"), dir.at("in2"));
	expect(fs.readlinkSync(path("world/in2/far"))).toBe(far);
	await fsx.copyTree(path("outside"), dir.at("in/made"));
	expect(fs.readdirSync(path("world/sub/made"))).toEqual(["secret"]);
});

onLinux("/proc")("magic links of /proc lead nowhere", async ({ fsx }) => {
	using proc = await fsx.openDir("/proc/self", { beneath: true });
	expect((await fsx.readFile(proc.at("stat"), "utf8")).length).toBeGreaterThan(10);
	for (const name of ["root", "root/etc/hostname", "cwd/package.json", "exe", "fd/0", "cwd/."]) {
		for (const use of [
			() => fsx.stat(proc.at(name)),
			() => fsx.readFile(proc.at(name)),
			() => discard(fsx.open(proc.at(name))),
			() => fsx.copyFile(proc.at(name), "/dev/null"),
		]) {
			const { code } = await failureOf(use());
			expect([name, ["EXDEV", "ELOOP"].includes(code ?? "")]).toEqual([name, true]);
		}
	}
});

onLinux("openat2", testElsewhere)(
	"a walk that renames disturb is begun again, but not for ever",
	() => {
		const { direct } = system.kernel;
		let disturbed = 500;
		const kernel = spyOn(system.kernel, "direct").mockImplementation((call) =>
			call.fn === nr.openat2 && disturbed-- > 0 ? -Errno.EAGAIN : direct(call),
		);
		try {
			using dir = openDirSync("/usr", { beneath: true });
			expect(statSync(dir.at("bin/..")).kind).toBe("directory");
			disturbed = Number.POSITIVE_INFINITY;
			expect(() => statSync(dir.at("bin/.."))).toThrow("EAGAIN");
		} finally {
			kernel.mockRestore();
		}
	},
);

/** Swaps two names, a directory and a link that leads out, as fast as it can. */
const swapper = `
	const { dlopen } = require("bun:ffi");
	const { renameat2 } = dlopen("libc.so.6", {
		renameat2: { args: ["i32", "cstring", "i32", "cstring", "u32"], returns: "i32" },
	}).symbols;
	const [a, b] = process.argv.slice(-2).map((name) => Buffer.from(name + "\\0"));
	process.stdout.write("ready");
	for (;;) renameat2(-100, a, -100, b, 2);
`;

for (const form of ["async", "sync"] as const) {
	onLinux("renaming two names at once", testElsewhere)(
		`a directory and a link swapped all the time: no escape, ${form}`,
		async () => {
			const fsx = bothForms[form];
			const root = fs.mkdtempSync("/dev/shm/fsx-race-");
			fs.mkdirSync(join(root, "world/door"), { recursive: true });
			fs.mkdirSync(join(root, "outside"));
			for (const place of ["world/door", "outside"]) {
				fs.writeFileSync(join(root, place, "file"), place === "outside" ? "secret" : "inside");
			}
			fs.symlinkSync("../outside", join(root, "world/link"));
			const names = [join(root, "world/door"), join(root, "world/link")];
			const child = Bun.spawn([process.execPath, "-e", swapper, ...names], { stdout: "pipe" });
			await child.stdout.getReader().read();
			const outside = fs.statSync(join(root, "outside/file"), { bigint: true });
			const counts = new Map<string, number>();
			const dir = await openDir(join(root, "world"), { beneath: true });
			try {
				const acts = [
					async () => expect((await fsx.stat(dir.at("door/file"))).ino).not.toBe(outside.ino),
					async () => expect(await fsx.readFile(dir.at("door/file"), "utf8")).toBe("inside"),
					() => fsx.writeFile(dir.at("door/made"), "x"),
					() => fsx.unlink(dir.at("door/made")),
					() => fsx.mkdir(dir.at("door/made")),
					() => fsx.rmdir(dir.at("door/made")),
					() => fsx.chmod(dir.at("door/file"), 0o600),
					() => fsx.rename(dir.at("door/made"), dir.at("door/other")),
				];
				for (let round = 0; round < 10_000; round += 50) {
					await Promise.all(
						Array.from({ length: 50 }, async (_, i) => {
							const act = acts[(round + i) % acts.length];
							const outcome = await act?.().then(
								() => "inside",
								(error) => error.code ?? Promise.reject(error),
							);
							counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
						}),
					);
				}
			} finally {
				child.kill("SIGKILL");
				await child.exited;
				dir.closeSync();
			}
			expect(fs.readdirSync(join(root, "outside"))).toEqual(["file"]);
			expect(fs.statSync(join(root, "outside/file"), { bigint: true }).ctimeNs).toBe(
				outside.ctimeNs,
			);
			// Both ways were met, so the race did take place.
			expect(counts.get("inside")).toBeGreaterThan(100);
			expect(counts.get("EXDEV")).toBeGreaterThan(100);
			const known = ["inside", "EXDEV", "ENOENT", "EEXIST", "EISDIR", "ENOTDIR", "EAGAIN"];
			expect([...counts.keys()].filter((code) => !known.includes(code))).toEqual([]);
			fs.rmSync(root, { recursive: true });
		},
		20_000,
	);
}
