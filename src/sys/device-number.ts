/**
 * Device numbers as `stat` gives them: 64 bits that glibc mixes of a major and a minor number, of
 * 32 bits each. Of a major below 2^12 and a minor below 2^20, all that the kernel itself knows, the
 * lower half is what mknod takes.
 */

/** The number of a device that has these two. */
export function deviceNumber(major: number, minor: number): bigint {
	const high = BigInt(major);
	const low = BigInt(minor);
	return (
		(low & 0xffn) | ((high & 0xfffn) << 8n) | ((low & ~0xffn) << 12n) | ((high & ~0xfffn) << 32n)
	);
}

/** The major number in one that `deviceNumber` made. */
export function majorOf(device: bigint): number {
	return Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n));
}

/** The minor number in one that `deviceNumber` made. */
export function minorOf(device: bigint): number {
	return Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n));
}
