import type { System } from "../system.ts";
import { unwritten } from "../unwritten.ts";
import { directory } from "./directory.ts";
import { file } from "./file.ts";
import { kernel } from "./kernel.ts";
import { metadata } from "./metadata.ts";

const missing = unwritten("Windows");

/** The parts that not every program uses are loaded when they are first used. */
export const system: System = {
	name: "windows",
	kernel,
	file,
	directory,
	metadata,
	ownership: missing.ownership,
	xattr: missing.xattr,
	symlink: missing.symlink,
	hardlink: missing.hardlink,
	rename: missing.rename,
	device: missing.device,
	copy: missing.copy,
	allocate: missing.allocate,
	advise: missing.advise,
	extents: missing.extents,
	statfs: missing.statfs,
	flags: missing.flags,
	lock: missing.lock,
	watch: missing.watch,
	capabilities: missing.capabilities,
};
