/**
 * Fresh filesystems in files, mounted while the tests of one file run. They need root and loop
 * devices; where either lacks, the cases are skipped and say why.
 */
import { afterAll } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { forms, skipped } from "./forms.ts";

/** How each is made, and of what size: the smallest that its maker accepts. */
const makers = {
	ext4: { megabytes: 192, make: ["mkfs.ext4", "-q", "-F", "-b", "4096"] },
	xfs: { megabytes: 320, make: ["mkfs.xfs", "-q", "-f", "-m", "reflink=1"] },
	btrfs: { megabytes: 256, make: ["mkfs.btrfs", "-q", "-f"] },
	/** An ext4 that a few megabytes fill. */
	tiny: { megabytes: 6, make: ["mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^has_journal"] },
} as const;

export type FilesystemName = keyof typeof makers;

/** A mounted filesystem, or the reason why there is none. */
export interface Filesystem {
	/** Declares a case whose directory is on this filesystem. */
	readonly forms: (title: string, body: Parameters<typeof forms>[1]) => void;
	readonly root: string;
}

function command(...words: string[]): void {
	const { success, stderr } = Bun.spawnSync(words);
	if (!success) throw new Error(`${words.join(" ")}: ${stderr}`);
}

/** In memory where there is such a place: the images are sparse, and gone after the tests. */
const imageFolder = fs.existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** Makes and mounts a filesystem until the tests of the calling file have ended. */
export function filesystem(name: FilesystemName): Filesystem {
	const { megabytes, make } = makers[name];
	const folder = fs.mkdtempSync(join(imageFolder, `fsx-${name}-`));
	const root = join(folder, "mounted");
	const image = join(folder, "image");
	let mounted = false;
	afterAll(() => {
		// A case that failed may have left a file open: it must not keep the mount.
		if (mounted && !Bun.spawnSync(["umount", root]).success) command("umount", "-l", root);
		fs.rmSync(folder, { recursive: true, force: true });
	});
	try {
		if (process.getuid?.() !== 0) throw new Error("mounting needs root");
		fs.mkdirSync(root);
		fs.writeFileSync(image, "");
		fs.truncateSync(image, megabytes * 1024 * 1024);
		command(...make, image);
		command("mount", "-o", "loop", image, root);
		mounted = true;
	} catch (error) {
		const reason = `no ${name}: ${error instanceof Error ? error.message : error}`;
		return { root, forms: (title) => skipped(title, reason) };
	}
	return { root, forms: (title, body) => forms(`${title} on ${name}`, body, root) };
}
