/** The ground of the attack: a tree to be confined to, and around it canaries that nobody may touch. */
import { dlopen } from "bun:ffi";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "../../src/engine/once.ts";
import { statfsSync } from "../../src/index.ts";
import { mount } from "../mounts.ts";

/** What only files outside have, in their content, names and attributes. */
export const SECRET = "canary";
const INSIDE = "inside, and not very long";
/** Sizes of files with holes, inside and outside. */
const INSIDE_SIZE = 64 * 1024;
const OUTSIDE_SIZE = 1024 * 1024;

const libc = once(
	() =>
		dlopen("libc.so.6", {
			inotify_init1: { args: ["i32"], returns: "i32" },
			inotify_add_watch: { args: ["i32", "cstring", "u32"], returns: "i32" },
		}).symbols,
);
const IN_NONBLOCK = 0o4000;
const IN_ALL_EVENTS = 0xfff;
const BUFFER = 64 * 1024;

export interface Arena extends Disposable {
	/** Above all; what the attacker is told. */
	readonly root: string;
	/** What is to be confined to. */
	readonly world: string;
	/** A name in the directory `a/b`, wherever that has been moved to. */
	readonly inside: (name: string) => string;
	/** A directory outside, on another filesystem if there can be one. */
	readonly foreign: string;
	/** The number of that filesystem, as statfs gives it. */
	readonly foreignId: bigint | undefined;
	/** Device and inode of each thing outside. */
	readonly outside: ReadonlySet<string>;
	/** What has become of what is outside since it was asked last; nothing, if all is well. */
	changes(): string[];
}

export const identity = ({ dev, ino }: { dev: bigint; ino: bigint }) => `${dev}:${ino}`;

/** Fills a directory with what the attacked functions are tried on; `text` says which side it is. */
function furnish(directory: string, text: string, mode: number, size: number): void {
	const at = (name: string) => join(directory, name);
	fs.mkdirSync(at("dir"), { recursive: true });
	for (const name of ["x", "gone", "dir/file", `dir/${text.slice(0, 6)}`]) {
		fs.writeFileSync(at(name), text);
		fs.chmodSync(at(name), mode);
		Bun.spawnSync(["setfattr", "-n", "user.side", "-v", text, at(name)]);
	}
	fs.mkdirSync(at("hollow"));
	fs.writeFileSync(at("holes"), text);
	fs.truncateSync(at("holes"), size);
	fs.symlinkSync(text, at("link"));
}

export function makeArena(): Arena {
	const asRoot = process.getuid?.() === 0;
	const mounted = asRoot ? mount("tmpfs") : undefined;
	const root = fs.mkdtempSync(
		join(fs.existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "fsx-arena-"),
	);
	const at = (path: string) => join(root, path);
	furnish(at("world/a/b"), INSIDE, 0o755, INSIDE_SIZE);
	for (const folder of ["spare", "moved"]) fs.mkdirSync(at(folder));
	fs.mkdirSync(at("world/a/b/c"));
	const canaries: string[] = [];
	// Wherever a link in the place of `a`, `b` or a name in it leads, there is something to be found.
	const foreign = mounted?.root ?? at("foreign");
	const places = [foreign, join(foreign, "b"), ...["outside", "outside/b", "b", "."].map(at)];
	for (const place of places) {
		furnish(place, SECRET, 0o600, OUTSIDE_SIZE);
		for (const name of [
			"x",
			"gone",
			"dir",
			"dir/file",
			`dir/${SECRET}`,
			"hollow",
			"holes",
			"link",
		]) {
			canaries.push(join(place, name));
		}
		if (place !== root) canaries.push(place);
	}
	for (const path of canaries) {
		if (asRoot) fs.lchownSync(path, 4242, 4243);
		if (!fs.lstatSync(path).isSymbolicLink()) fs.utimesSync(path, 1000, 2000);
	}
	const held = fs.openSync(at("world/a/b"), fs.constants.O_DIRECTORY);
	const events = libc().inotify_init1(IN_NONBLOCK);
	for (const path of canaries) {
		if (fs.lstatSync(path).isSymbolicLink()) continue;
		if (libc().inotify_add_watch(events, Buffer.from(`${path}\0`), IN_ALL_EVENTS) < 0) {
			throw new Error(`no watch for ${path}`);
		}
	}
	const look = () =>
		canaries.map((path) => {
			const { ino, mode, uid, gid, size, nlink, mtimeNs, ctimeNs } = fs.lstatSync(path, {
				bigint: true,
			});
			return [path, ino, mode, uid, gid, size, nlink, mtimeNs, ctimeNs].join();
		});
	const before = look();
	return {
		root,
		world: at("world"),
		foreign,
		foreignId: mounted && statfsSync(foreign).id,
		inside: (name) => `/proc/self/fd/${held}/${name}`,
		outside: new Set(
			[root, ...canaries].map((path) => identity(fs.lstatSync(path, { bigint: true }))),
		),
		changes() {
			const changes = [
				...seenBy(events),
				...look().filter((line, index) => line !== before[index]),
				...newNames(root, places, canaries),
			];
			// Looking has been seen as well.
			seenBy(events);
			return changes;
		},
		[Symbol.dispose]() {
			fs.closeSync(events);
			fs.closeSync(held);
			fs.rmSync(root, { recursive: true, force: true });
			mounted?.[Symbol.dispose]();
		},
	};
}

/** Whether anything outside was opened, read, written, changed, made or removed. */
function seenBy(events: number): string[] {
	const buffer = Buffer.alloc(BUFFER);
	try {
		const length = fs.readSync(events, buffer, 0, BUFFER, null);
		return [`${length} bytes of events, the first 0x${buffer.readUInt32LE(4).toString(16)}`];
	} catch (error) {
		if ((error as { code?: string }).code !== "EAGAIN") throw error;
		return [];
	}
}

function newNames(root: string, places: readonly string[], canaries: readonly string[]): string[] {
	const known = new Set([
		...canaries,
		...["world", "spare", "moved"].map((name) => join(root, name)),
	]);
	return places
		.flatMap((place) => [place, join(place, "dir"), join(place, "hollow")])
		.flatMap((folder) => fs.readdirSync(folder).map((name) => join(folder, name)))
		.filter((path) => !known.has(path));
}
