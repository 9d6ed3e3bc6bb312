import { expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import * as library from "../src/index.ts";
import {
	type Capabilities,
	capabilities,
	capabilitiesSync,
	configureEngine,
	openDirSync,
	stopEngine,
} from "../src/index.ts";
import { O } from "../src/sys/linux/layouts.ts";
import { errno } from "./fault-scenarios.ts";
import { runScript } from "./fixtures/run.ts";
import { failureOf, forms, onLinux, onWindows, skipped, testElsewhere } from "./forms.ts";
import { interpose } from "./interposed.ts";
import { type FilesystemName, mount } from "./mounts.ts";
import { rootForms } from "./root.ts";
import { openIn, output } from "./witnesses.ts";

const LINUX = process.platform === "linux";
const ROOT = process.getuid?.() === 0;

function find({ operations }: Capabilities, name: string, of = "filesystem") {
	const found = operations.find((one) => one.name === name && one.of === of);
	if (found === undefined) throw new Error(`nothing is said about ${name}`);
	return found;
}

/** What a filesystem can do, as `name: supported`. */
function verdicts({ operations }: Capabilities): Record<string, boolean | undefined> {
	const own = operations.filter(({ of }) => of === "filesystem");
	return Object.fromEntries(own.map(({ name, supported }) => [name, supported]));
}

/** That it is said where the filesystem is mounted. */
function expectMounted(found: Capabilities): void {
	const mounts = fs.readFileSync("/proc/self/mounts", "utf8").split("\n");
	const { mountPoint, type } = found.filesystem;
	expect(
		mounts.some((line) => line.split(" ")[1] === mountPoint && line.split(" ")[2] === type),
	).toBe(true);
}

forms("the machine, the engine and the filesystem are described", async ({ fsx, directory }) => {
	const found = await fsx.capabilities(directory);
	expect(found.runtime).toBe(`Bun ${Bun.version}`);
	expect(found.architecture).toBe(process.arch);
	expect(found.engine.kernel.by).toBe(LINUX ? "shim" : "ntdll");
	expect(found.engine.lanes).toContain("worker");
	if (LINUX) expectMounted(found);
	expect(directory.startsWith(found.filesystem.mountPoint ?? "nowhere")).toBe(true);
	const by = LINUX ? "statx" : "NtQueryInformationFile";
	expect(find(found, "stat", "system")).toMatchObject({ supported: true, by });
	for (const { name, supported, note } of found.operations) {
		// Whatever cannot be done has its reason.
		if (supported !== true) expect([name, note]).not.toEqual([name, undefined]);
	}
});

forms("nothing is left behind, and the file asked about is not touched", async ({ fsx, path }) => {
	fs.writeFileSync(path("file"), "content");
	const before = fs.statSync(path("file"), { bigint: true });
	const found = await fsx.capabilities(path("file"));
	expect(fs.readdirSync(path("."))).toEqual(["file"]);
	const after = fs.statSync(path("file"), { bigint: true });
	expect([after.mtimeNs, after.ctimeNs, after.atimeNs]).toEqual([
		before.mtimeNs,
		before.ctimeNs,
		before.atimeNs,
	]);
	expect(verdicts(found)).toEqual(verdicts(await fsx.capabilities(path("."))));
});

test("what is said about the system is said about what the library has", () => {
	const own = capabilitiesSync().operations.filter(({ of }) => of === "system");
	const exported: Record<string, unknown> = { ...library };
	for (const { name } of own) {
		const [owner = "", method] = (name.split(" ")[0] ?? "").split(".");
		const found = exported[owner] as { prototype: Record<string, unknown> };
		const part = method === undefined ? found : found?.prototype[method];
		expect([name, typeof part]).toEqual([name, "function"]);
	}
});

forms("what is not there", async ({ fsx, path }) => {
	expect(await failureOf(fsx.capabilities(path("none")))).toMatchObject({ code: "ENOENT" });
});

onLinux("proc")("where nothing can be made it is said that nothing was probed", async ({ fsx }) => {
	const found = await fsx.capabilities("/proc/self");
	expect(found.filesystem.type).toBe("proc");
	expect(find(found, "holes").supported).toBeUndefined();
	expect(find(found, "holes").note).toStartWith("not probed: E");
});

onLinux("io_uring", test)("the ring: by which opcode, and why there is none", async () => {
	await stopEngine();
	configureEngine({});
	const withRing = await capabilities();
	expect(withRing.engine.ring).toEqual({ supported: true, by: "shim" });
	expect(withRing.engine.lanes).toEqual(["immediate", "ring", "worker"]);
	expect(find(withRing, "stat", "system").opcode).toBe("STATX");
	expect(find(withRing, "Dir.entries", "system").opcode).toBeUndefined();

	await stopEngine();
	configureEngine({ ring: "none", kernel: "libc" });
	const without = capabilitiesSync();
	expect(without.engine.kernel.by).toBe("libc");
	expect(without.engine.ring).toEqual({ supported: false, note: "turned off by configureEngine" });
	expect(without.engine.lanes).toEqual(["immediate", "worker"]);
	expect(find(without, "stat", "system").opcode).toBeUndefined();
	await stopEngine();
	configureEngine({});
});

/** A case about a filesystem of its own, of this type. */
function onMount(
	title: string,
	name: FilesystemName,
	type: string,
	body: (found: Capabilities, point: string) => void,
): void {
	if (!LINUX || !ROOT) {
		skipped(title, "it needs Linux and root");
		return;
	}
	testElsewhere(title, async () => {
		using mounted = mount(name);
		const point = mounted.root;
		const before = fs.readdirSync(point);
		const found = await capabilities(point);
		expect(found.filesystem).toMatchObject({ type, mountPoint: point });
		expect(verdicts(capabilitiesSync(point))).toEqual(verdicts(found));
		expect(fs.readdirSync(point)).toEqual(before);
		body(found, point);
		await stopEngine();
	});
}

onMount("btrfs shares blocks", "btrfs", "btrfs", (found) => {
	expect(find(found, "reflinks")).toMatchObject({ supported: true, by: "FICLONE" });
	expect(find(found, "collapsing of ranges").supported).toBe(false);
	expect(find(found, "xattrs user.*").supported).toBe(true);
});

onMount("fuse: no files without a name, but with one", "bindfs", "fuse", (found) => {
	const can = verdicts(found);
	expect(can["files without a name"]).toBe(false);
	expect(can.reflinks).toBe(false);
	expect(can["xattrs user.*"]).toBe(true);
	expect(can["rename whiteout"]).toBe(false);
});

onMount("tmpfs has no reflinks", "tmpfs", "tmpfs", (found) => {
	expect(find(found, "reflinks").supported).toBe(false);
	expect(find(found, "holes").supported).toBe(true);
	expect(find(found, "rename exchange").supported).toBe(true);
});

onMount("a filesystem that is mounted read-only", "readOnly", "tmpfs", (found) => {
	for (const [name, supported] of Object.entries(verdicts(found))) {
		if (name === "birth time") continue;
		expect([name, supported]).toEqual([name, undefined]);
		expect(find(found, name).note).toStartWith("not probed: EROFS");
	}
});

onMount("a filesystem that is full", "onePage", "tmpfs", (_found, point) => {
	fs.writeFileSync(join(point, "all"), Buffer.alloc(4096));
	const full = capabilitiesSync(point);
	expect(find(full, "holes").supported).toBeUndefined();
	expect(find(full, "holes").note).toContain("ENOSPC");
	expect(fs.readdirSync(point)).toEqual(["all"]);
});

onWindows("a completion port", test)("the port: which calls end there", async () => {
	await stopEngine();
	configureEngine({});
	const found = await capabilities();
	expect(found.engine.ring).toEqual({ supported: true, by: "iocp" });
	expect(find(found, "File.readAt", "system")).toMatchObject({
		by: "NtReadFile",
		opcode: "overlapped",
	});
	expect(find(found, "stat", "system").opcode).toBeUndefined();
	expect(find(found, "mkfifo", "system")).toMatchObject({ supported: false });
	await stopEngine();
	configureEngine({ lanes: ["worker"] });
	const without = capabilitiesSync();
	expect(without.engine.lanes).toEqual(["worker"]);
	expect(find(without, "File.readAt", "system").opcode).toBeUndefined();
	await stopEngine();
	configureEngine({});
});

onMount("an ext4 with larger units than those that are tried", "clusters", "ext4", (found) => {
	expect(find(found, "punching of holes").supported).toBe(true);
	for (const name of ["collapsing of ranges", "insertion of ranges"]) {
		const { supported, note } = find(found, name);
		expect([name, supported]).toEqual([name, undefined]);
		expect(note).toStartWith("not probed: EINVAL: invalid argument (the filesystem allocates more");
	}
});

rootForms("a file that is mounted is not what its directory is", async ({ fsx, path }) => {
	using mounted = mount("tmpfs");
	const elsewhere = join(mounted.root, "file");
	for (const file of [elsewhere, path("file")]) fs.writeFileSync(file, "");
	output("mount", "--bind", elsewhere, path("file"));
	try {
		using dir = openDirSync(path("."));
		using confined = openDirSync(path("."), { beneath: true });
		for (const location of [path("file"), dir.at("file"), confined.at("file")]) {
			const error = await failureOf(fsx.capabilities(location));
			expect(error).toMatchObject({ code: "ENOTDIR" });
			expect(error.message).toContain("another filesystem");
		}
		expect((await fsx.capabilities(elsewhere)).filesystem.type).toBe("tmpfs");
	} finally {
		output("umount", path("file"));
	}
});

onLinux("its calls")(
	"whatever call fails, no more is left than could not be removed",
	async (given) => {
		const { fsx, directory } = given;
		// A name in the directory of the probe, and that itself; all, if it cannot be listed.
		const mayLeave: Record<string, number> = {
			...{ unlinkat: 2, openat: 8, getdents64: 8 },
			// The locked file, which the next one removes.
			...{ flock: 1, statx: 1 },
		};
		// The second way is taken where files cannot be made without a name.
		for (const nameless of [true, false]) {
			for (let [step, failed] = [0, "none yet"]; failed !== ""; step++) {
				let calls = 0;
				failed = "";
				{
					await using _ = await interpose((name, call, make) => {
						if (calls++ === step) {
							failed = name;
							if (name !== "close") return errno("EIO");
						}
						const lacks = name === "openat" && (call.c & O.O_TMPFILE) === O.O_TMPFILE && !nameless;
						return lacks ? errno("ENOTSUP") : make();
					});
					await fsx.capabilities(directory).catch(() => {});
				}
				expect([step, failed, openIn(directory)]).toEqual([step, failed, 0]);
				const left = fs.readdirSync(directory, { recursive: true }).length;
				expect([step, failed, left <= (mayLeave[failed] ?? 0)]).toEqual([step, failed, true]);
				if (left > 0) await fsx.capabilities(directory);
				expect([step, failed, fs.readdirSync(directory)]).toEqual([step, failed, []]);
			}
		}
	},
);

onLinux("its calls", test)(
	"what a killed process has left is cleared away by the next",
	async () => {
		const directory = fs.mkdtempSync("/dev/shm/fsx-test-");
		const left = () => fs.readdirSync(directory, { recursive: true }).length;
		const script = `
		import { capabilitiesSync } from "library";
		import { interpose } from "${join(import.meta.dir, "interposed.ts")}";
		const [directory, last, nameless] = process.argv.slice(-3);
		let calls = 0;
		await interpose((name, call, make) => {
			if (calls++ === Number(last)) process.kill(process.pid, "SIGKILL");
			const lacks = name === "openat" && (call.c & ${O.O_TMPFILE}) === ${O.O_TMPFILE};
			return lacks && nameless === "false" ? ${errno("ENOTSUP")} : make();
		});
		capabilitiesSync(directory);
		console.log("done");`;
		try {
			for (const nameless of [true, false]) {
				let found = 0;
				for (let step = 0; ; step += 3) {
					const said = await runScript(script, directory, String(step), String(nameless)).catch(
						() => "",
					);
					if (left() > 0) found++;
					capabilitiesSync(directory);
					expect([step, left()]).toEqual([step, 0]);
					if (said.includes("done")) break;
				}
				expect(found).toBeGreaterThan(5);
			}
		} finally {
			fs.rmSync(directory, { recursive: true });
		}
	},
	60_000,
);

onLinux("its calls")(
	"the list of mounts is read as other files are",
	async ({ fsx, directory }) => {
		let reads = 0;
		await using _ = await interpose((name, _call, make) => {
			if (name === "read") reads++;
			return make();
		});
		expect((await fsx.capabilities(directory)).filesystem.mountPoint).toBeDefined();
		// By a call of its own, past the lanes, it would hold up the event loop.
		expect(reads).toBeGreaterThan(0);
	},
);
