import type { FileKind } from "../metadata.ts";
import type { DeviceSystem } from "../system.ts";
import { nr, sys } from "./calls.ts";
import { checked } from "./failure.ts";
import { at } from "./path.ts";

/** The type bits that mknodat takes. */
const typeBits: Partial<Record<FileKind, number>> = {
	fifo: 0o010000,
	"character-device": 0o020000,
	"block-device": 0o060000,
	file: 0o100000,
	socket: 0o140000,
};

export const device: DeviceSystem = {
	mostMajor: 0xfff,
	mostMinor: 0xfffff,
	// 12 bits of major and 20 of minor, as the kernel and glibc mix them.
	makeDevice(major, minor) {
		const low = (minor & 0xff) | (major << 8);
		return BigInt((low | ((minor & ~0xff) << 12)) >>> 0);
	},
	major: (number) => Number((number >> 8n) & 0xfffn),
	minor: (number) => Number((number & 0xffn) | ((number >> 12n) & 0xfff00n)),

	*mknod(scope, place, kind, mode, number) {
		const bits = (typeBits[kind] ?? 0) | mode;
		// The kernel takes the lower half of the number that stat gives, in the same layout.
		const low = Number(number & 0xffffffffn);
		const result = yield* at(scope, place, "entry", "mknod", (dirfd, path) =>
			sys(nr.mknodat, dirfd, path, bits, low),
		);
		checked(result, "mknod", place);
	},
};
