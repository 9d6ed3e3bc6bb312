import type { Region } from "../../engine/memory.ts";
import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import { FOLLOWED } from "../metadata.ts";
import type { StatfsSystem, Subject } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { checked } from "./failure.ts";
import { namesByMagic } from "./filesystem-types.ts";
import { AT_FDCWD, statfs as layout, O, ST_RDONLY } from "./layouts.ts";
import { metadata } from "./metadata.ts";
import { MOUNT_LIST, type Mount, mountIn } from "./mounts.ts";
import { byPath, openat } from "./path.ts";

export const statfs: StatfsSystem = {
	*statfs(scope, subject) {
		const status = yield* ask(scope, subject);
		return {
			type: yield* typeOf(scope, subject, status.u32(layout.type)),
			blockSize: status.u64(layout.fragmentSize) || status.u64(layout.blockSize),
			blocks: status.bigU64(layout.blocks),
			freeBlocks: status.bigU64(layout.freeBlocks),
			availableBlocks: status.bigU64(layout.availableBlocks),
			files: status.bigU64(layout.files),
			freeFiles: status.bigU64(layout.freeFiles),
			nameLength: status.u64(layout.nameLength),
			id: status.bigU64(layout.id),
			readOnly: (status.u64(layout.flags) & ST_RDONLY) !== 0,
		};
	},
};

function* ask(scope: Scope, subject: Subject): Operation<Region> {
	const status = scope.memory.reserveZeroed(layout.size);
	const { address } = status;
	if (typeof subject === "number") {
		checked(yield sys(nr.fstatfs, subject, address), "fstatfs");
		return status;
	}
	const result = yield* byPath(scope, subject, "follow", "statfs", (path) =>
		sys(nr.statfs, path, address),
	);
	checked(result, "statfs", { path: subject.path });
	return status;
}

/**
 * The name of a filesystem's type. The list of mounts is read only where the number leaves it open,
 * and believed only if it names one of the types that have the number: a path may lead elsewhere by
 * now.
 */
function* typeOf(scope: Scope, subject: Subject, magic: number): Operation<string> {
	const names = namesByMagic.get(magic);
	const name = names?.[0] ?? `0x${magic.toString(16)}`;
	if (names?.length === 1) return name;
	const { mountId } = yield* metadata.stat(scope, subject, FOLLOWED);
	const mount = mountId === undefined ? undefined : yield* mountOf(scope, mountId);
	// Of a filesystem in user space the name goes on with that of its program: fuse.sshfs.
	const [family = ""] = mount?.type.split(".") ?? [];
	const fits = names === undefined || names.includes(family);
	return mount !== undefined && fits ? mount.type : name;
}

/** Bytes of the list of mounts that are asked for at once. */
const LIST_SIZE = 64 * 1024;

/**
 * The mount with this number. Where there are thousands of mounts, the kernel takes long to tell of
 * them all: in promise forms that is done elsewhere, piece by piece.
 */
export function* mountOf(scope: Scope, id: bigint): Operation<Mount | undefined> {
	const handle = yield* openat(scope, AT_FDCWD, MOUNT_LIST, O.O_CLOEXEC, 0, 0);
	if (handle < 0) return undefined;
	try {
		const buffer = scope.memory.reserve(LIST_SIZE);
		let text = "\n";
		for (;;) {
			const length = yield sys(nr.read, handle, buffer.address, buffer.size);
			if (length <= 0) break;
			text += Buffer.from(buffer.bytes(0, length)).toString("latin1");
		}
		const start = text.indexOf(`\n${id} `) + 1;
		return start === 0 ? undefined : mountIn(text.slice(start, text.indexOf("\n", start)));
	} finally {
		yield sys(nr.close, handle);
	}
}
