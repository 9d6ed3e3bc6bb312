import { queue } from "./engine/engine.ts";
import { once } from "./engine/once.ts";
import type { Operation } from "./engine/operation.ts";
import { run, runSync } from "./engine/run.ts";
import type { Scope } from "./engine/scope.ts";
import { settings } from "./engine/settings.ts";
import { type Location, locate } from "./location.ts";
import type { Slot } from "./replace.ts";
import { system } from "./sys/index.ts";
import type { Capability, Handle } from "./sys/system.ts";

const temporaries = once(() => require("./temporary.ts") as typeof import("./temporary.ts"));

export type { Capability } from "./sys/system.ts";

/** How this JavaScript thread's calls reach the system. */
export interface EngineCapabilities {
	/** Who calls the kernel: `by` is `"shim"` or `"libc"`, `note` why not the other. */
	readonly kernel: { readonly by: string; readonly note?: string };
	/** The io_uring, on Windows the completion port: `by` says who set it up, `note` why there is none. */
	readonly ring: {
		readonly supported: boolean;
		readonly by?: string;
		readonly note?: string;
	};
	/** The lanes that promise forms use, in the order in which they are asked. */
	readonly lanes: readonly ("immediate" | "ring" | "worker")[];
}

/** What `capabilities` found out. */
export interface Capabilities {
	/** The name of the system: `"Linux"`. */
	readonly system: string;
	/** The release of its kernel. */
	readonly release: string;
	/** The architecture of the processor, as Node names it: `"x64"`, `"arm64"`. */
	readonly architecture: string;
	/** The runtime and its version: `"Bun 1.4.5"`. */
	readonly runtime: string;
	/** How this thread's calls reach the kernel. */
	readonly engine: EngineCapabilities;
	/** The filesystem of the location: its type, and where it is mounted. */
	readonly filesystem: {
		readonly type: string | undefined;
		readonly mountPoint: string | undefined;
	};
	/** What this system and this filesystem can do, by what, and why not. */
	readonly operations: readonly Capability[];
}

function capabilitiesOperation(scope: Scope, location: Location = ".") {
	return explore(scope, location);
}

function* explore(scope: Scope, location: Location): Operation<Capabilities> {
	const place = locate(scope, location);
	const opened = queue();
	const ring = typeof opened === "string" ? undefined : opened;
	const immediate = settings.immediate && (yield* system.capabilities.immediate(scope));
	const filesystem = yield* system.capabilities.filesystem(scope, place, (directory, make) =>
		temporaries().underTemporaryName(scope, probeIn(directory), make),
	);
	const machine = yield* system.capabilities.machine(scope, ring);
	const { type, mountPoint } = filesystem;
	return {
		system: system.name,
		release: (require("node:os") as typeof import("node:os")).release(),
		architecture: process.arch,
		runtime: `Bun ${Bun.version}`,
		engine: {
			kernel: system.capabilities.entry(),
			ring: typeof opened === "string" ? { supported: false, note: opened } : described(opened),
			lanes: [
				...(immediate ? (["immediate"] as const) : []),
				...(ring === undefined ? [] : (["ring"] as const)),
				"worker",
			],
		},
		filesystem: { type, mountPoint },
		operations: [...machine, ...filesystem.operations],
	};
}

/** What is tried out has no place; whoever tries things out next in the directory clears away by this. */
const probeIn = (directory: Handle): Slot => ({
	place: { directory, path: "probe", beneath: false },
	*release() {},
});

function described({ by }: { readonly by?: string }): EngineCapabilities["ring"] {
	return by === undefined ? { supported: true } : { supported: true, by };
}

/**
 * What this machine can do, and the filesystem of a location: each operation with the call or
 * opcode that does it, and the reason where it cannot be done.
 *
 * No file that is already there is written to. The filesystem is tried out on files without a name
 * in the directory, and for renames and links in a subdirectory `.fsx-….tmp` that is removed
 * again, which leaves nothing but a later modification time of the directory. Where nothing can be
 * made, `supported` is undefined and `note` says why: `"not probed: EROFS: …"`.
 *
 * @param location A directory, or a file in it; the working directory by default.
 * @returns The system, how the engine reaches it, the filesystem, and the list of operations.
 * @throws {FsError} `ENOENT` if there is no such file, `EACCES` if the directory cannot be opened.
 *
 * Linux: a call is there unless it answers ENOSYS or EPERM; opcodes by IORING_REGISTER_PROBE.
 *
 * Windows: a call is there if its library has it; `ring` is the completion port, and the opcode of what
 * ends there is `"overlapped"`. The filesystem is taken at its word: nothing is made anywhere.
 *
 * @example
 * ```ts
 * import { capabilities } from "bun-fs-extended";
 *
 * const { engine, filesystem, operations } = await capabilities(".");
 * const reflink = operations.find(({ name }) => name === "reflinks");
 * if (reflink === undefined) throw new Error("every filesystem is asked about reflinks");
 * console.log(filesystem.type, engine.lanes, reflink.supported, reflink.note);
 * ```
 *
 * @see {@link https://man7.org/linux/man-pages/man2/io_uring_register.2.html | io_uring_register(2)}
 */
export function capabilities(location?: Location): Promise<Capabilities> {
	return run(capabilitiesOperation, location);
}

/** The synchronous form of {@link capabilities}. */
export function capabilitiesSync(location?: Location): Capabilities {
	return runSync(capabilitiesOperation, location);
}
