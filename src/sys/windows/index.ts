import { assembled } from "../parts.ts";
import type { System } from "../system.ts";
import { descriptors } from "./descriptors.ts";
import { directory } from "./directory.ts";
import { errnoOf } from "./errno.ts";
import { file } from "./file.ts";
import { kernel } from "./kernel.ts";
import { metadata } from "./metadata.ts";
import { bytesOf, unfit, unitsOf } from "./wtf8.ts";

export const system: System = assembled(
	{
		name: "Windows",
		kernel,
		names: { decode: unitsOf, encode: bytesOf, unfit },
		errnoOf,
		descriptors,
		file,
		directory,
		metadata,
	},
	{
		ownership: () => (require("./ownership.ts") as typeof import("./ownership.ts")).ownership,
		xattr: () => (require("./xattr.ts") as typeof import("./xattr.ts")).xattr,
		symlink: () => (require("./symlink.ts") as typeof import("./symlink.ts")).symlink,
		hardlink: () => (require("./hardlink.ts") as typeof import("./hardlink.ts")).hardlink,
		rename: () => (require("./rename.ts") as typeof import("./rename.ts")).rename,
		device: () => (require("./device.ts") as typeof import("./device.ts")).device,
		copy: () => (require("./copy.ts") as typeof import("./copy.ts")).copy,
		allocate: () => (require("./allocate.ts") as typeof import("./allocate.ts")).allocate,
		advise: () => (require("./advise.ts") as typeof import("./advise.ts")).advise,
		extents: () => (require("./extents.ts") as typeof import("./extents.ts")).extents,
		statfs: () => (require("./statfs.ts") as typeof import("./statfs.ts")).statfs,
		flags: () => (require("./flags.ts") as typeof import("./flags.ts")).flags,
		lock: () => (require("./lock.ts") as typeof import("./lock.ts")).lock,
		watch: () => (require("./watch.ts") as typeof import("./watch.ts")).watch,
		capabilities: () =>
			(require("./capabilities.ts") as typeof import("./capabilities.ts")).capabilities,
	},
);
