import { type FsError, invalidArgument } from "../../errors.ts";
import { deviceNumber, majorOf, minorOf } from "../device-number.ts";
import type { FileKind } from "../metadata.ts";
import type { DeviceSystem, Place } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { Errno } from "./errno.ts";
import { checked, failure, unsupported } from "./failure.ts";
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFREG, S_IFSOCK } from "./layouts.ts";
import { at } from "./path.ts";

/** The type bits that mknodat takes. */
const typeBits: Partial<Record<FileKind, number>> = {
	fifo: S_IFIFO,
	"character-device": S_IFCHR,
	"block-device": S_IFBLK,
	file: S_IFREG,
	socket: S_IFSOCK,
};

/** The kernel says the same of a lacking privilege and of a filesystem that has no such files. */
function refused(kind: FileKind, { path }: Place): FsError {
	const what = kind.replace("-", " ");
	const detail = kind.endsWith("device")
		? `making a ${what} takes the privilege CAP_MKNOD and a filesystem that has such files`
		: `the filesystem has no such file as a ${what}, or the directory is immutable`;
	return failure(-Errno.EPERM, "mknod", { path, detail });
}

/** The numbers that the kernel has: 12 bits of major and 20 of minor. */
const KNOWN_BITS = 32n;

export const device: DeviceSystem = {
	makeDevice: deviceNumber,
	major: majorOf,
	minor: minorOf,

	*mknod(scope, place, kind, mode, number) {
		if (number >> KNOWN_BITS !== 0n) {
			throw invalidArgument(
				"ERR_OUT_OF_RANGE",
				"mknod: Linux has devices of major 0 to 4095 and minor 0 to 1048575. " +
					`Received ${majorOf(number)}:${minorOf(number)}`,
			);
		}
		const type = typeBits[kind];
		if (type === undefined) throw unsupported("mknod", `Linux makes no ${kind} so`, place);
		const result = yield* at(scope, place, "entry", "mknod", (dirfd, path) =>
			sys(nr.mknodat, dirfd, path, type | mode, Number(number)),
		);
		if (result === -Errno.EPERM) throw refused(kind, place);
		checked(result, "mknod", place);
	},
};
