/** What errors say beyond their code: what it is about, and what to do. */
import { expect } from "bun:test";
import fs from "node:fs";
import { runScript } from "./fixtures/run.ts";
import { failureOf, forms, onLinux } from "./forms.ts";
import { rootForms } from "./root.ts";

onLinux("/proc, and xattrs of its names")(
	"a name that leads out of its directory",
	async ({ fsx, path, directory }) => {
		fs.mkdirSync(path("world"));
		fs.writeFileSync(path("file"), "content");
		fs.symlinkSync("/etc/passwd", path("world/link"));
		fs.symlinkSync("../file", path("world/relative"));
		await using dir = await fsx.openDir(path("world"), { beneath: true });
		const up = dir.at("../file");
		const attempts: [string, (fsx_: typeof fsx) => Promise<unknown>][] = [
			["../file", ({ stat }) => stat(up)],
			["../file", ({ readFile }) => readFile(up)],
			["../file", ({ chmod }) => chmod(up, 0o600, { follow: false })],
			["../file", ({ unlink }) => unlink(up)],
			["../file", ({ rename }) => rename(path("file"), up)],
			["../file", ({ getXattr }) => getXattr(up, "user.a")],
			["../file", ({ getFlags }) => getFlags(up)],
			["../file", ({ copyTree }) => copyTree(path("world"), dir.at("../file"))],
			["link", ({ copyFile }) => copyFile(dir.at("link"), path("new"))],
			["../file", ({ capabilities }) => capabilities(up)],
		];
		for (const [name, attempt] of attempts) {
			const error = await failureOf(attempt(fsx));
			expect(error).toMatchObject({ code: "EXDEV" });
			expect(error.message).toContain(`('${name}' leads out of the directory)`);
		}
		// What the link leads to is no business of those who were given the name alone.
		for (const name of ["link", "relative"]) {
			const copied = await failureOf(fsx.copyFile(path("file"), dir.at(name)));
			const written = await failureOf(fsx.writeFile(dir.at(name), "", { atomic: true }));
			for (const error of [copied, written]) {
				expect(error).toMatchObject({ code: "EXDEV", syscall: "open" });
				expect(error.message).toContain(`(the symbolic link '${name}' leads out of the directory)`);
				expect(error.message).not.toContain("passwd");
			}
		}
		// Two filesystems are another matter.
		const across = await failureOf(fsx.link(path("file"), `/proc/${process.pid}/x`));
		expect(across.message).not.toContain("leads out");
		expect(fs.readdirSync(directory).sort()).toEqual(["file", "world"]);
	},
);

forms("the encodings that there are", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "content");
	for (const encoding of ["utf-8", "latin1", ""]) {
		for (const options of [encoding, { encoding }]) {
			const error = await failureOf(fsx.readFile(path("file"), options as "utf8"));
			expect(error).toMatchObject({ name: "TypeError", code: "ERR_INVALID_ARG_VALUE" });
			expect(error.message).toContain('expected one of "buffer", "utf8"');
		}
	}
});

onLinux("its limits")("attributes that are too long", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	const name = `user.${"x".repeat(251)}`;
	for (const attempt of [
		() => fsx.setXattr(path("file"), name, ""),
		() => fsx.getXattr(path("file"), name),
		() => fsx.removeXattr(path("file"), name),
	]) {
		const error = await failureOf(attempt());
		expect(error).toMatchObject({ code: "ERANGE", path: path("file") });
		expect(error.message).toContain("names have at most 255 bytes");
	}
	const long = await failureOf(fsx.setXattr(path("file"), "user.a", new Uint8Array(65_537)));
	expect(long).toMatchObject({ code: "E2BIG" });
	expect(long.message).toContain("at most 65536 bytes");
});

onLinux("names that are bytes")(
	"half of a surrogate pair is no name",
	async ({ fsx, directory }) => {
		// The runtime's own `join` makes another name of it.
		const path = (name: string) => `${directory}/${name}`;
		for (const name of ["\ud800", "x\udfff", "\udc00\ud800"]) {
			for (const attempt of [
				() => fsx.writeFile(path(name), ""),
				() => fsx.stat(path(name)),
				() => fsx.copyFile(path("file"), path(name)),
				() => fsx.symlink(name, path("link")),
				() => fsx.setXattr(directory, `user.${name}`, ""),
			]) {
				const error = await failureOf(attempt());
				expect(error).toMatchObject({ name: "TypeError", code: "ERR_INVALID_ARG_VALUE" });
				expect(error.message).toContain("must not contain a lone surrogate");
			}
		}
		expect(fs.readdirSync(directory)).toEqual([]);
		await fsx.writeFile(path("\u{1f600}\ufffd"), "");
		expect(fs.readdirSync(directory)).toEqual(["\u{1f600}\ufffd"]);
	},
);

rootForms("a file in a directory that may not be written to", async ({ path, directory, form }) => {
	fs.chmodSync(directory, 0o755);
	fs.writeFileSync(path("from"), "content");
	fs.writeFileSync(path("to"), "old");
	fs.chownSync(path("to"), 65534, 65534);
	const script = `
		const fsx = await import("library");
		const [from, to, form] = process.argv.slice(-3);
		process.setgid(65534);
		process.setuid(65534);
		const called = (name) => fsx[form === "sync" ? name + "Sync" : name];
		for (const [name, ...args] of [
			["copyFile", from, to],
			["writeFile", to, "new", { atomic: true }],
			["copyFile", from, to + " new"],
			["copyFile", from, to, { atomic: false, preserve: "none" }],
		]) {
			try {
				await called(name)(...args);
				console.log("done");
			} catch (error) {
				console.log(error.message);
			}
		}`;
	const printed = await runScript(script, path("from"), path("to"), form);
	const [copied, written, made, inPlace] = printed.split("\n");
	const hint = "nothing can be made in its directory; atomic: false does without";
	expect(copied).toBe(
		`EACCES: permission denied (${hint}), open '${path("from")}' -> '${path("to")}'`,
	);
	expect(written).toBe(`EACCES: permission denied (${hint}), open '${path("to")}'`);
	// That would not help here.
	expect(made).toStartWith("EACCES: permission denied, open");
	expect(inPlace).toBe("done");
	expect(fs.readFileSync(path("to"), "utf8")).toBe("content");
});
