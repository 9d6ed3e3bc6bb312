/**
 * The contract: what each operating system provides, one interface per capability, in a file of its
 * name under `contract/`. Everything there is an operation made of that system's own calls; a
 * failure is thrown as an `FsError`.
 *
 * What a system or a filesystem cannot do throws `ENOTSUP`, which says what is lacking and where.
 */
import type { Kernel } from "../engine/call.ts";
import type { AdviseSystem } from "./contract/advise.ts";
import type { AllocateSystem } from "./contract/allocate.ts";
import type { CapabilitySystem } from "./contract/capabilities.ts";
import type { CopySystem } from "./contract/copy.ts";
import type { DescriptorSystem } from "./contract/descriptors.ts";
import type { DeviceSystem } from "./contract/device.ts";
import type { DirectorySystem } from "./contract/directory.ts";
import type { ExtentsSystem } from "./contract/extents.ts";
import type { FileSystem } from "./contract/file.ts";
import type { FlagsSystem } from "./contract/flags.ts";
import type { HardlinkSystem } from "./contract/hardlink.ts";
import type { LockSystem } from "./contract/lock.ts";
import type { MetadataSystem } from "./contract/metadata.ts";
import type { NameSystem } from "./contract/names.ts";
import type { OwnershipSystem } from "./contract/ownership.ts";
import type { RenameSystem } from "./contract/rename.ts";
import type { StatfsSystem } from "./contract/statfs.ts";
import type { SymlinkSystem } from "./contract/symlink.ts";
import type { WatchSystem } from "./contract/watch.ts";
import type { XattrSystem } from "./contract/xattr.ts";

export type * from "./contract/advise.ts";
export type * from "./contract/allocate.ts";
export type * from "./contract/capabilities.ts";
export type * from "./contract/copy.ts";
export type * from "./contract/descriptors.ts";
export type * from "./contract/device.ts";
export type * from "./contract/directory.ts";
export type * from "./contract/extents.ts";
export type * from "./contract/file.ts";
export type * from "./contract/flags.ts";
export type * from "./contract/hardlink.ts";
export type * from "./contract/lock.ts";
export type * from "./contract/metadata.ts";
export type * from "./contract/names.ts";
export type * from "./contract/ownership.ts";
export type * from "./contract/rename.ts";
export type * from "./contract/statfs.ts";
export type * from "./contract/symlink.ts";
export type * from "./contract/watch.ts";
export type * from "./contract/xattr.ts";

/** The system's number of an open file or directory. */
export type Handle = number;

/** A name and where it is looked up. Plain data: it can be sent to another thread. */
export interface Place {
	/** The directory that a relative path starts from; the process's own when undefined. */
	readonly directory: Handle | undefined;
	readonly path: string | Uint8Array;
	/** Whether the path must not leave `directory`, whatever links it meets: `EXDEV` if it would. */
	readonly beneath: boolean;
}

/** What an operation is about: something with a name, or something open. */
export type Subject = Place | Handle;

export interface System {
	readonly name: string;
	readonly kernel: Kernel;
	readonly names: NameSystem;
	/** Node's number for an error, negative, where that is not the one of the C library. */
	readonly errnoOf?: (code: string) => number | undefined;
	/** Undefined where the handles are the descriptors. */
	readonly descriptors: DescriptorSystem | undefined;
	readonly file: FileSystem;
	readonly directory: DirectorySystem;
	readonly metadata: MetadataSystem;
	readonly ownership: OwnershipSystem;
	readonly xattr: XattrSystem;
	readonly symlink: SymlinkSystem;
	readonly hardlink: HardlinkSystem;
	readonly rename: RenameSystem;
	readonly device: DeviceSystem;
	readonly copy: CopySystem;
	readonly allocate: AllocateSystem;
	readonly advise: AdviseSystem;
	readonly extents: ExtentsSystem;
	readonly statfs: StatfsSystem;
	readonly flags: FlagsSystem;
	readonly lock: LockSystem;
	readonly watch: WatchSystem;
	readonly capabilities: CapabilitySystem;
}
