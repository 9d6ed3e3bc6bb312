/**
 * Where hostile calls are made: a small tree for them to work on, another beside it that none of
 * them may touch, and all sorts of things that are open.
 */
import { dlopen } from "bun:ffi";
import fs from "node:fs";
import { join } from "node:path";

const libc = () =>
	dlopen("libc.so.6", {
		pipe2: { args: ["buffer", "i32"], returns: "i32" },
		socketpair: { args: ["i32", "i32", "i32", "buffer"], returns: "i32" },
		eventfd: { args: ["u32", "i32"], returns: "i32" },
		epoll_create1: { args: ["i32"], returns: "i32" },
		memfd_create: { args: ["buffer", "u32"], returns: "i32" },
	}).symbols;
let symbols: ReturnType<typeof libc> | undefined;

const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const O_PATH = 0o10000000;
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const LONG_AGO = 978_307_200;

/** Things that are open but no files, and files that are open in ways that allow little. */
export const oddDescriptors = [
	"pipe",
	"pipe for writing",
	"socket",
	"eventfd",
	"epoll",
	"memfd",
	"directory",
	"path",
	"read-only",
	"write-only",
	"read-write",
] as const;
export type OddDescriptor = (typeof oddDescriptors)[number];

export class World implements AsyncDisposable {
	/** Where the calls are made: also the working directory of the process. */
	readonly arena: string;
	private readonly outside: string;
	private readonly untouched: string;
	private pristine = "";
	/** What to undo after a call. */
	private readonly undo: (() => unknown)[] = [];

	/** `base`, an empty directory. */
	constructor(readonly base: string) {
		this.arena = join(base, "arena");
		this.outside = join(base, "outside");
		fs.mkdirSync(this.outside);
		fs.writeFileSync(join(this.outside, "secret"), "nobody's business", { mode: 0o640 });
		fs.mkdirSync(join(this.outside, "folder"));
		fs.symlinkSync("secret", join(this.outside, "link"));
		this.untouched = snapshot(this.outside);
		this.build();
	}

	path(name: string): string {
		return join(this.arena, name);
	}

	/** The tree as it is now; two that are equal say that nothing has changed in it. */
	look(): string {
		return snapshot(this.arena);
	}

	/** Throws if something has changed that is not the calls' business. */
	checkOutside(): void {
		const names = fs.readdirSync(this.base).sort().join();
		if (names !== "arena,outside") throw new Error(`beside the arena there is now ${names}`);
		if (snapshot(this.outside) !== this.untouched) throw new Error("the tree outside has changed");
	}

	/** Has something done after the call. */
	later(undo: () => unknown): void {
		this.undo.push(undo);
	}

	/** Closes what was opened for a call, and makes the tree anew if it has changed. */
	async reset(): Promise<void> {
		for (const undo of this.undo.splice(0).reverse()) await undo();
		if (this.look() !== this.pristine) this.build();
	}

	/** Descriptors of files in or under the base that nobody is to have open between calls. */
	leftOpen(): string[] {
		return fs.readdirSync("/proc/self/fd").flatMap((fd) => {
			try {
				const name = fs.readlinkSync(`/proc/self/fd/${fd}`);
				return name.startsWith(`${this.base}/`) || name.includes("inotify")
					? [`${fd}: ${name}`]
					: [];
			} catch {
				return [];
			}
		});
	}

	descriptor(kind: OddDescriptor): number {
		const fd = this.openOdd(kind);
		this.later(() => fs.closeSync(fd));
		return fd;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.reset();
		process.chdir("/");
		remove(this.base);
	}

	private openOdd(kind: OddDescriptor): number {
		symbols ??= libc();
		const two = new Int32Array(new ArrayBuffer(8));
		const oneOf = (which: 0 | 1) => {
			fs.closeSync(two[1 - which] as number);
			return two[which] as number;
		};
		switch (kind) {
			case "pipe":
				symbols.pipe2(two, O_CLOEXEC);
				return oneOf(0);
			case "pipe for writing":
				symbols.pipe2(two, O_CLOEXEC);
				return oneOf(1);
			case "socket":
				symbols.socketpair(AF_UNIX, SOCK_STREAM | O_CLOEXEC, 0, two);
				return oneOf(0);
			case "eventfd":
				return symbols.eventfd(0, O_CLOEXEC | O_NONBLOCK);
			case "epoll":
				return symbols.epoll_create1(O_CLOEXEC);
			case "memfd":
				return symbols.memfd_create(Buffer.from("memory\0"), 1);
			case "directory":
				return fs.openSync(this.path("folder"), "r");
			case "path":
				return fs.openSync(this.path("file"), O_PATH);
			case "read-only":
				return fs.openSync(this.path("file"), "r");
			case "write-only":
				return fs.openSync(this.path("file"), fs.constants.O_WRONLY);
			case "read-write":
				return fs.openSync(this.path("file"), "r+");
		}
	}

	private build(): void {
		remove(this.arena);
		fs.mkdirSync(this.path("folder/below"), { recursive: true });
		fs.writeFileSync(this.path("file"), Buffer.alloc(10_000, "0123456789"), { mode: 0o644 });
		fs.writeFileSync(this.path("empty"), "");
		fs.writeFileSync(this.path("folder/inner"), "inner");
		fs.writeFileSync(this.path("n".repeat(255)), "the longest name");
		fs.writeFileSync(Buffer.from(this.path("caf\xe9"), "latin1"), "not UTF-8");
		fs.symlinkSync("file", this.path("link"));
		fs.symlinkSync("nowhere", this.path("dangling"));
		fs.symlinkSync("loop", this.path("loop"));
		fs.symlinkSync("../outside", this.path("escape"));
		for (const name of ["file", "empty", "folder/inner", "folder/below", "folder"]) {
			fs.utimesSync(this.path(name), LONG_AGO, LONG_AGO);
		}
		fs.utimesSync(this.arena, LONG_AGO, LONG_AGO);
		process.chdir(this.arena);
		this.pristine = this.look();
	}
}

function spawn(...command: string[]): void {
	const { success, stderr } = Bun.spawnSync(command);
	if (!success) throw new Error(`${command.join(" ")}: ${stderr}`);
}

/** Removes what is there, also if a call has taken away what it takes to do so. */
export function remove(path: string): void {
	try {
		fs.rmSync(path, { recursive: true, force: true });
	} catch {
		// Whoever cannot set these flags has not set them.
		Bun.spawnSync(["chattr", "-R", "-i", "-a", path], { stdout: "ignore", stderr: "ignore" });
		spawn("chmod", "-R", "u+rwX", path);
		fs.rmSync(path, { recursive: true, force: true });
	}
}

/** All that there is, as text: what may not be looked at, too. */
function snapshot(root: string): string {
	const lines: string[] = [];
	const look = (path: Buffer) => {
		const { mode, uid, gid, size, nlink, mtimeNs, ctimeNs, rdev } = fs.lstatSync(path, {
			bigint: true,
		});
		lines.push(
			[path.toString("latin1"), mode, uid, gid, size, nlink, rdev, mtimeNs, ctimeNs].join(),
		);
		if ((Number(mode) & fs.constants.S_IFMT) !== fs.constants.S_IFDIR) return;
		for (const name of fs.readdirSync(path, { encoding: "buffer" })) {
			try {
				look(Buffer.concat([path, Buffer.from("/"), name]));
			} catch (error) {
				lines.push(`${path.toString("latin1")}/${name.toString("latin1")}: ${codeOf(error)}`);
			}
		}
	};
	try {
		look(Buffer.from(root));
	} catch (error) {
		lines.push(`${root}: ${codeOf(error)}`);
	}
	return lines.sort().join("\n");
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;
