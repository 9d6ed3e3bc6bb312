import { expect, test } from "bun:test";
import fs from "node:fs";
import { type FilesystemStatus, statfsSync } from "../src/index.ts";
import { namesByMagic } from "../src/sys/linux/filesystem-types.ts";
import { confines, IN_MEMORY } from "./confined.ts";
import { filesystem } from "./filesystems.ts";
import { failureOf, forms, ON_WINDOWS, onLinux, onWindows, withSymlinks } from "./forms.ts";
import { interpose } from "./interposed.ts";
import { failsAsNode } from "./node-errors.ts";
import { rootForms } from "./root.ts";
import { output } from "./witnesses.ts";

/** What stat(1) says, in our terms; its words for the type are its own. */
function seen(file: string): Omit<FilesystemStatus, "type" | "readOnly"> {
	const text = output("stat", "-f", "-c", "%S %b %f %a %c %d %l 0x%i", file);
	const [size, blocks, free, available, files, freeFiles, length, id] = text.split(" ").map(BigInt);
	if (id === undefined) throw new Error(text);
	return {
		blockSize: Number(size),
		blocks: blocks as bigint,
		freeBlocks: free as bigint,
		availableBlocks: available as bigint,
		files: files as bigint,
		freeFiles: freeFiles as bigint,
		nameLength: Number(length),
		// It shows the two halves of the number in the other order.
		id: ((id & 0xffffffffn) << 32n) | (id >> 32n),
	};
}

/** The type as df(1) sees it. */
function typeOf(file: string): string {
	return output("df", "--output=fstype", file).trim().split("\n").at(-1) ?? "";
}

/**
 * Holds what the library says against what the tools say. Filesystems free things in the background,
 * and others write: what counts is an answer before and after which the tools said the same.
 */
async function agrees(directory: string, ask: () => Promise<FilesystemStatus>): Promise<void> {
	for (let tries = 1; ; tries++) {
		const before = seen(directory);
		const { type, readOnly, ...counts } = await ask();
		if (tries < 100 && !Bun.deepEquals(seen(directory), before)) continue;
		expect(counts).toEqual(before);
		expect([type, readOnly]).toEqual([typeOf(directory), false]);
		return;
	}
}

onLinux("stat and df")("statfs agrees with stat -f and df, on any filesystem", async (given) => {
	const { fsx, directory } = given;
	await agrees(directory, () => fsx.statfs(directory));
});

for (const name of ["ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "overlay", "fuse"] as const) {
	filesystem(name).forms("statfs", async ({ fsx, path, directory }) => {
		fs.writeFileSync(path("file"), "content");
		fs.symlinkSync("file", path("link"));
		expect(typeOf(directory)).toBe(name === "fuse" ? "fuse.fuse-overlayfs" : name);
		using dir = await fsx.openDir(directory);
		using confined = await fsx.openDir(directory, { beneath: true });
		await using file = await fsx.open(path("file"), "r");
		const fd = fs.openSync(path("file"), "r");
		try {
			for (const target of [
				directory,
				path("file"),
				path("link"),
				Buffer.from(path("file")),
				Bun.pathToFileURL(path("file")),
				dir.at("link"),
				confined.at("link"),
				confined.at("."),
				dir,
				file,
				fd,
			]) {
				await agrees(directory, () => fsx.statfs(target));
			}
		} finally {
			fs.closeSync(fd);
		}
		const { bsize, blocks } = fs.statfsSync(directory, { bigint: true });
		const ours = await fsx.statfs(directory);
		expect([BigInt(ours.blockSize), ours.blocks]).toEqual([bsize, blocks]);
	});
}

/** As Node has it: its counts are of clusters too. */
onWindows("what Node says")("statfs agrees with Node", async ({ fsx, path, directory }) => {
	fs.writeFileSync(path("file"), "content");
	using dir = await fsx.openDir(directory);
	await using file = await fsx.open(path("file"));
	for (const target of [directory, path("file"), dir.at("file"), dir, file]) {
		const { bsize, blocks } = fs.statfsSync(directory, { bigint: true });
		const ours = await fsx.statfs(target);
		expect([BigInt(ours.blockSize), ours.blocks]).toEqual([bsize, blocks]);
		expect(ours.availableBlocks).toBeLessThanOrEqual(ours.freeBlocks);
		expect(ours).toMatchObject({ type: "NTFS", nameLength: 255, files: 0n, readOnly: false });
		const { dev } = await fsx.stat(target);
		expect(ours.id).toBe(dev);
	}
});

filesystem("ext4").forms("the list of mounts is read by calls of the operation", async (given) => {
	let reads = 0;
	await using _ = await interpose((name, _call, make) => {
		if (name === "read") reads++;
		return make();
	});
	expect((await given.fsx.statfs(given.directory)).type).toBe("ext4");
	expect(reads).toBeGreaterThan(1);
});

for (const [path, type] of [
	["/proc", "proc"],
	["/sys", "sysfs"],
	["/dev", "devtmpfs"],
	["/dev/pts", "devpts"],
] as const) {
	if (ON_WINDOWS || typeOf(path) !== type) continue;
	test(`${path} is ${type}`, () => {
		expect(statfsSync(path).type).toBe(type);
	});
}

onLinux("nsfs", test)("what is mounted nowhere has a type too", () => {
	const fd = fs.openSync("/proc/self/ns/mnt", "r");
	try {
		expect(statfsSync(fd).type).toBe("nsfs");
	} finally {
		fs.closeSync(fd);
	}
});

rootForms("a mount that is read-only, of a filesystem that is not", async ({ fsx, path }) => {
	fs.mkdirSync(path("there"));
	output("mount", "--bind", path("there"), path("there"));
	try {
		output("mount", "-o", "remount,bind,ro", path("there"));
		expect((await fsx.statfs(path("there"))).readOnly).toBe(true);
		expect((await fsx.statfs(path("."))).readOnly).toBe(false);
	} finally {
		output("umount", path("there"));
	}
});

onLinux("stat", test)(
	"the numbers of the table belong to one name each, and to the names of stat(1)",
	() => {
		const all = [...namesByMagic.values()].flat();
		expect(all.length).toBeGreaterThan(80);
		for (const [path, name] of [
			["/proc", "proc"],
			["/sys", "sysfs"],
			["/", undefined],
		] as const) {
			const magic = Number(output("stat", "-f", "-c", "0x%t", path));
			expect(namesByMagic.get(magic)).toContain(name ?? typeOf(path));
		}
	},
);

forms("statfs fails as in Node", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "");
	// Node on Windows asks about the volume that a name would be on, whether anything has it or not.
	if (!ON_WINDOWS) {
		await failsAsNode(fsx.statfs(path("nothing")), () => fs.statfsSync(path("nothing")));
		await failsAsNode(fsx.statfs(path("file/below")), () => fs.statfsSync(path("file/below")));
	}
	expect((await failureOf(fsx.statfs(path("nothing")))).code).toBe("ENOENT");
	expect(await failureOf(fsx.statfs(""))).toMatchObject({ code: "ENOENT", path: "" });
	const error = await failureOf(fsx.statfs(1_000_000));
	expect(error).toMatchObject({ code: "EBADF", syscall: ON_WINDOWS ? "statfs" : "fstatfs" });
	expect((await failureOf(fsx.statfs(undefined as never))).code).toBe("ERR_INVALID_ARG_TYPE");
	expect((await failureOf(fsx.statfs("a\0b"))).code).toBe("ERR_INVALID_ARG_VALUE");
});

withSymlinks()(
	"statfs confined",
	async (given) => {
		await confines(given, true, (location) => given.fsx.statfs(location));
	},
	IN_MEMORY,
);
