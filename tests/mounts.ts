/**
 * Fresh filesystems of every kind that the tests need. Mounting takes root, and for those that are
 * made in images, loop devices.
 */
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MIB = 1024 * 1024;

/** Room for every case; an image takes up only what is written to it. */
const ROOMY = 4096 * MIB;

/** Everyone may write, as in /tmp, and as a tmpfs has it by itself. */
const FOR_ALL = 0o1777;

/** How each is mounted at a point, with a folder beside it for what that takes. */
const recipes = {
	ext4: (point) => mountImage(point, ROOMY, "mkfs.ext4", "-q", "-F"),
	ext3: (point) => mountImage(point, 64 * MIB, "mkfs.ext3", "-q", "-F"),
	ext2: (point) => mountImage(point, 64 * MIB, "mkfs.ext2", "-q", "-F"),
	xfs: (point) => mountImage(point, ROOMY, "mkfs.xfs", "-q", "-f", "-m", "reflink=1"),
	btrfs: (point) => mountImage(point, ROOMY, "mkfs.btrfs", "-q", "-f"),
	/** An ext4 that a few megabytes fill. */
	tiny: (point) =>
		mountImage(point, 6 * MIB, "mkfs.ext4", "-qF", "-b", "4096", "-m", "0", "-O", "^has_journal"),
	/** An ext4 that allocates a megabyte at once. */
	clusters: (point) =>
		mountImage(point, 256 * MIB, "mkfs.ext4", "-qF", "-O", "bigalloc", "-C", String(MIB)),
	tmpfs: (point) => command("mount", "-t", "tmpfs", "tmpfs", point),
	readOnly: (point) => command("mount", "-t", "tmpfs", "-o", "ro", "tmpfs", point),
	/** A tmpfs that 4 KiB or three files fill. */
	onePage: (point) => command("mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=4", "tmpfs", point),
	/** On an ext4, as containers have it. */
	overlay: (point, beside) => {
		recipes.ext4(beside);
		command("mount", "-t", "overlay", "-o", layersIn(beside), "overlay", point);
	},
	/** A server in user space, of layers in a tmpfs. */
	fuse: (point, beside) => {
		recipes.tmpfs(beside);
		command("fuse-overlayfs", "-o", layersIn(beside), point);
	},
	/** The same by bindfs, which knows less: it has no flags of renames and no inodes of its own. */
	bindfs: (point, beside) => {
		recipes.tmpfs(beside);
		command("bindfs", beside, point);
	},
} satisfies Record<string, (point: string, beside: string) => void>;

export type FilesystemName = keyof typeof recipes;

/** A filesystem that is mounted until it is disposed of. */
export interface Mount extends Disposable {
	readonly root: string;
}

/** In memory where there is such a place. */
const folders = fs.existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** Makes and mounts an empty filesystem; throws where it cannot. */
export function mount(name: FilesystemName): Mount {
	if (process.getuid?.() !== 0) throw new Error("mounting needs root");
	clearLeftovers();
	const folder = fs.mkdtempSync(join(folders, `fsx-mount-${process.pid}-${name}-`));
	const [root, beside] = [join(folder, "root"), join(folder, "beside")] as const;
	try {
		// Cases in which another user works go through here.
		fs.chmodSync(folder, 0o755);
		for (const point of [root, beside]) fs.mkdirSync(point);
		recipes[name](root, beside);
	} catch (error) {
		clear(folder);
		throw error;
	}
	return { root, [Symbol.dispose]: () => clear(folder) };
}

function mountImage(point: string, size: number, ...make: string[]): void {
	const image = `${point}.image`;
	fs.closeSync(fs.openSync(image, "w"));
	fs.truncateSync(image, size);
	command(...make, image);
	command("mount", "-o", "loop", image, point);
	// The loop device keeps it, so that it goes when the mount does, whoever ends that.
	fs.unlinkSync(image);
	fs.chmodSync(point, FOR_ALL);
}

/** Makes the layers of an overlay, and gives the options that name them. */
function layersIn(folder: string): string {
	const layers = ["lowerdir", "upperdir", "workdir"].map((layer) => [layer, join(folder, layer)]);
	for (const [, directory] of layers) fs.mkdirSync(directory as string);
	fs.chmodSync(join(folder, "upperdir"), FOR_ALL);
	return layers.map((layer) => layer.join("=")).join();
}

/** Unmounts all that is in a folder, and removes it. */
function clear(folder: string): void {
	const points = fs
		.readFileSync("/proc/self/mounts", "utf8")
		.split("\n")
		.map((line) => line.split(" ")[1] ?? "")
		.filter((point) => point.startsWith(`${folder}/`));
	for (const point of points.reverse()) {
		// A case that failed may have left a file open: it must not keep the mount.
		if (!Bun.spawnSync(["umount", point]).success) command("umount", "-l", point);
	}
	fs.rmSync(folder, { recursive: true, force: true });
}

let cleared = false;

/** Clears what processes left that were killed. */
function clearLeftovers(): void {
	if (cleared) return;
	cleared = true;
	for (const name of fs.readdirSync(folders)) {
		const [, pid] = /^fsx-mount-(\d+)-/.exec(name) ?? [];
		if (pid !== undefined && !fs.existsSync(`/proc/${pid}`)) clear(join(folders, name));
	}
}

function command(...words: string[]): void {
	const { success, stderr } = Bun.spawnSync(words);
	if (!success) throw new Error(`${words.join(" ")}: ${stderr.toString().trim()}`);
}
