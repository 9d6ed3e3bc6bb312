import type { Call } from "../../engine/call.ts";

/** The system calls that this system uses, with their numbers on x86-64 and on arm64. */
export const callNumbers = {
	read: [0, 63],
	write: [1, 64],
	close: [3, 57],
	lseek: [8, 62],
	mmap: [9, 222],
	ioctl: [16, 29],
	fcntl: [72, 25],
	flock: [73, 32],
	pread64: [17, 67],
	pwrite64: [18, 68],
	readv: [19, 65],
	ppoll: [271, 73],
	preadv2: [327, 286],
	pwritev2: [328, 287],
	fsync: [74, 82],
	fdatasync: [75, 83],
	ftruncate: [77, 46],
	fallocate: [285, 47],
	fadvise64: [221, 223],
	getdents64: [217, 61],
	openat: [257, 56],
	openat2: [437, 437],
	statx: [332, 291],
	faccessat: [269, 48],
	faccessat2: [439, 439],
	fchmod: [91, 52],
	fchmodat: [268, 53],
	fchmodat2: [452, 452],
	fchown: [93, 55],
	fchownat: [260, 54],
	utimensat: [280, 88],
	mkdirat: [258, 34],
	mknodat: [259, 33],
	unlinkat: [263, 35],
	renameat2: [316, 276],
	linkat: [265, 37],
	symlinkat: [266, 36],
	readlinkat: [267, 78],
	getxattr: [191, 8],
	lgetxattr: [192, 9],
	fgetxattr: [193, 10],
	setxattr: [188, 5],
	lsetxattr: [189, 6],
	fsetxattr: [190, 7],
	listxattr: [194, 11],
	llistxattr: [195, 12],
	flistxattr: [196, 13],
	removexattr: [197, 14],
	lremovexattr: [198, 15],
	fremovexattr: [199, 16],
	copy_file_range: [326, 285],
	statfs: [137, 43],
	fstatfs: [138, 44],
	inotify_init1: [294, 26],
	inotify_add_watch: [254, 27],
	inotify_rm_watch: [255, 28],
	socketpair: [53, 199],
	io_uring_setup: [425, 425],
	io_uring_enter: [426, 426],
	io_uring_register: [427, 427],
	gettid: [186, 178],
	munmap: [11, 215],
} as const satisfies Record<string, readonly [x64: number, arm64: number]>;

type Name = keyof typeof callNumbers;

const column = process.arch === "arm64" ? 1 : 0;

/** The numbers for this machine. */
export const nr = Object.fromEntries(
	Object.entries(callNumbers).map(([name, numbers]) => [name, numbers[column]]),
) as Readonly<Record<Name, number>>;

/** One system call, as data. */
export function sys(fn: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): Call {
	return { fn, a, b, c, d, e, f };
}
