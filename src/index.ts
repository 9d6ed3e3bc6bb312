export { type Advice, type AdviseOptions, advise, adviseSync } from "./advise.ts";
export {
	collapseRange,
	collapseRangeSync,
	insertRange,
	insertRangeSync,
	type KeepSizeOptions,
	preallocate,
	preallocateSync,
	punchHole,
	punchHoleSync,
	unshareRange,
	unshareRangeSync,
	zeroRange,
	zeroRangeSync,
} from "./allocate.ts";
export {
	type Capabilities,
	type Capability,
	capabilities,
	capabilitiesSync,
	type EngineCapabilities,
} from "./capabilities.ts";
export {
	type CompareOptions,
	type CompareProgress,
	type CompareReport,
	compareTrees,
	compareTreesSync,
	type Difference,
	type DifferenceKind,
} from "./compare.ts";
export {
	type CopyFileOptions,
	type CopyOptions,
	type CopyProgress,
	type CopyReport,
	copyFile,
	copyFileSync,
	type Preserve,
} from "./copy.ts";
export {
	cloneRange,
	cloneRangeSync,
	copyRange,
	copyRangeSync,
	type OpenFile,
} from "./copy-range.ts";
export {
	type MknodOptions,
	major,
	makeDevice,
	minor,
	mkfifo,
	mkfifoSync,
	mknod,
	mknodSync,
} from "./device.ts";
export {
	Dir,
	DirEntry,
	type EntriesOptions,
	type OpenDirOptions,
	openDir,
	openDirSync,
} from "./directory.ts";
export type { Encoding } from "./encoding.ts";
export { configureEngine, stopEngine } from "./engine/engine.ts";
export type { EngineOptions } from "./engine/settings.ts";
export { AbortError, FsError, type FsErrorDetails } from "./errors.ts";
export {
	type Extent,
	type ExtentsOptions,
	extents,
	extentsSync,
	type MappedExtent,
} from "./extents.ts";
export { alignedBuffer, File, type OpenFlags, type OpenOptions, open, openSync } from "./file.ts";
export {
	type FileFlags,
	type FlagChanges,
	getFlags,
	getFlagsSync,
	setFlags,
	setFlagsSync,
} from "./flags.ts";
export { type LinkOptions, link, linkSync } from "./hardlink.ts";
export { At, Handle, type Location, type Target } from "./location.ts";
export {
	Lock,
	type LockMode,
	type LockOptions,
	type LockRange,
	type LockWaitOptions,
	lock,
	lockSync,
	type TryLockOptions,
	tryLock,
	tryLockSync,
} from "./lock.ts";
export {
	type AccessOptions,
	access,
	accessSync,
	chmod,
	chmodSync,
	type FileAttributes,
	type FileKind,
	type FollowOptions,
	Metadata,
	type StatOptions,
	stat,
	statSync,
	type Time,
	type Times,
	utimes,
	utimesSync,
} from "./metadata.ts";
export {
	disableMetrics,
	enableMetrics,
	type LaneName,
	type Measured,
	type Metrics,
	metrics,
	type OperationEvent,
} from "./metrics.ts";
export { type MkdirOptions, mkdir, mkdirSync, mkdtemp, mkdtempSync } from "./mkdir.ts";
export { chown, chownSync, copyOwner, copyOwnerSync, type Owner } from "./ownership.ts";
export { type ReadFileOptions, readFile, readFileSync } from "./read-file.ts";
export { remove, removeSync, rmdir, rmdirSync, unlink, unlinkSync } from "./remove.ts";
export { type RenameOptions, rename, renameSync } from "./rename.ts";
export { statMany, statManySync } from "./stat-many.ts";
export { type FilesystemStatus, statfs, statfsSync } from "./statfs.ts";
export {
	type ReadlinkOptions,
	readlink,
	readlinkSync,
	type SymlinkOptions,
	symlink,
	symlinkSync,
} from "./symlink.ts";
export {
	type CopyTreeOptions,
	type CopyTreeReport,
	copyTree,
	copyTreeSync,
	type TreeEntry,
	type TreeProgress,
} from "./tree.ts";
export { truncate, truncateSync } from "./truncate.ts";
export {
	type Change,
	type ChangeKind,
	SyncWatcher,
	Watcher,
	type WatchOptions,
	type WatchSyncOptions,
	watch,
	watchSync,
} from "./watch.ts";
export { type WriteFileOptions, writeFile, writeFileSync } from "./write-file.ts";
export {
	type GetXattrOptions,
	getXattr,
	getXattrSync,
	type ListXattrsOptions,
	listXattrs,
	listXattrsSync,
	removeXattr,
	removeXattrSync,
	type SetXattrOptions,
	setXattr,
	setXattrSync,
} from "./xattr.ts";
export { type CopyXattrsOptions, copyXattrs, copyXattrsSync } from "./xattr-copy.ts";
