/** Copies of what others change or take meanwhile, and those that fail or are aborted in a bad moment. */
import { expect } from "bun:test";
import fs from "node:fs";
import { SEEK_DATA } from "../src/sys/linux/layouts.ts";
import { errno } from "./fault-scenarios.ts";
import { failureOf, onLinux } from "./forms.ts";
import { interpose } from "./interposed.ts";
import { openIn, pattern } from "./witnesses.ts";

const onCalls = onLinux("its calls");

onCalls("a directory whose copy fails is closed once", async ({ fsx, path, directory }) => {
	fs.mkdirSync(path("from/sub"), { recursive: true });
	for (const when of [1, 2]) {
		const closes: number[] = [];
		let listed = 0;
		{
			await using _ = await interpose((name, _call, make) => {
				if (name === "flistxattr" && ++listed === when) return errno("EIO");
				const result = make();
				if (name === "close") closes.push(result);
				return result;
			});
			expect(await failureOf(fsx.copyTree(path("from"), path("to")))).toMatchObject({
				code: "EIO",
			});
		}
		expect([when, closes.filter((result) => result < 0)]).toEqual([when, []]);
		expect(openIn(directory)).toBe(0);
		fs.rmSync(path("to"), { recursive: true });
	}
});

onCalls("what is appended meanwhile is copied or not, and is no hole", async ({ fsx, path }) => {
	const before = pattern(300_000);
	const after = Buffer.concat([before, Buffer.alloc(5000, "x")]);
	for (const tail of [0, 400_000]) {
		fs.writeFileSync(path("from"), before);
		fs.truncateSync(path("from"), before.length + tail);
		let appended = false;
		await using _ = await interpose((name, call, make) => {
			const result = make();
			if (name === "lseek" && call.c === SEEK_DATA && result === errno("ENXIO") && !appended) {
				appended = true;
				fs.appendFileSync(path("from"), after.subarray(before.length));
			}
			return result;
		});
		await fsx.copyFile(path("from"), path("to"), { reflink: "never" });
		expect(appended).toBe(true);
		const copied = fs.readFileSync(path("to"));
		const source = fs.readFileSync(path("from"));
		expect([source.length - 5000, source.length]).toContain(copied.length);
		expect(copied.equals(source.subarray(0, copied.length))).toBe(true);
	}
});

onCalls("what takes the name before it is written over stays whole", async ({ fsx, path }) => {
	const thieves: [code: string, take: () => void][] = [
		["ELOOP", () => fs.symlinkSync("other", path("to"))],
		["EINVAL", () => fs.linkSync(path("from"), path("to"))],
	];
	for (const [code, take] of thieves) {
		for (const name of ["from", "other", "to"]) fs.writeFileSync(path(name), `the ${name}`);
		let looks = 0;
		await using _ = await interpose((name, _call, make) => {
			const result = make();
			// The first is at the source, the second at what has the name.
			if (name === "statx" && ++looks === 2) {
				fs.rmSync(path("to"));
				take();
			}
			return result;
		});
		const copy = fsx.copyFile(path("from"), path("to"), { atomic: false });
		expect(await failureOf(copy)).toMatchObject({ code });
		for (const name of ["from", "other"]) {
			expect(fs.readFileSync(path(name), "utf8")).toBe(`the ${name}`);
		}
		fs.rmSync(path("to"));
	}
});

onCalls("an abort after the copy has taken its place comes too late", async ({ fsx, path }) => {
	fs.writeFileSync(path("from"), "new");
	for (const options of [{ sync: true }, { sync: true, overwrite: false }]) {
		if (options.overwrite === undefined) fs.writeFileSync(path("to"), "old");
		const controller = new AbortController();
		const { signal } = controller;
		await using _ = await interpose((name, _call, make) => {
			const result = make();
			if (name === "renameat2" || (name === "linkat" && fs.existsSync(path("to")))) {
				if (fs.readFileSync(path("to"), "utf8") === "new") controller.abort();
			}
			return result;
		});
		await fsx.copyFile(path("from"), path("to"), { ...options, signal });
		expect(signal.aborted).toBe(true);
		expect(fs.readFileSync(path("to"), "utf8")).toBe("new");
		fs.rmSync(path("to"));
	}
});
