/**
 * The names of filesystem types by the number that statfs gives for them. Where types share a number
 * all are listed, the likeliest first.
 */
type Type = readonly [magic: number, ...names: [string, ...string[]]];

/** By the names of the numbers in linux/magic.h. */
export const kernelTypes = {
	AAFS_MAGIC: [0x5a3c69f0, "apparmorfs"],
	ADFS_SUPER_MAGIC: [0xadf5, "adfs"],
	AFFS_SUPER_MAGIC: [0xadff, "affs"],
	AFS_FS_MAGIC: [0x6b414653, "afs"],
	AFS_SUPER_MAGIC: [0x5346414f, "afs"],
	ANON_INODE_FS_MAGIC: [0x09041934, "anon_inodefs"],
	AUTOFS_SUPER_MAGIC: [0x0187, "autofs"],
	BCACHEFS_SUPER_MAGIC: [0xca451a4e, "bcachefs"],
	BDEVFS_MAGIC: [0x62646576, "bdev"],
	BINDERFS_SUPER_MAGIC: [0x6c6f6f70, "binder"],
	BINFMTFS_MAGIC: [0x42494e4d, "binfmt_misc"],
	BPF_FS_MAGIC: [0xcafe4a11, "bpf"],
	BTRFS_SUPER_MAGIC: [0x9123683e, "btrfs"],
	CEPH_SUPER_MAGIC: [0x00c36400, "ceph"],
	CGROUP2_SUPER_MAGIC: [0x63677270, "cgroup2"],
	CGROUP_SUPER_MAGIC: [0x27e0eb, "cgroup"],
	CIFS_SUPER_MAGIC: [0xff534d42, "cifs", "smb3"],
	CODA_SUPER_MAGIC: [0x73757245, "coda"],
	CRAMFS_MAGIC: [0x28cd3d45, "cramfs"],
	DEBUGFS_MAGIC: [0x64626720, "debugfs"],
	DEVPTS_SUPER_MAGIC: [0x1cd1, "devpts"],
	ECRYPTFS_SUPER_MAGIC: [0xf15f, "ecryptfs"],
	EFIVARFS_MAGIC: [0xde5e81e4, "efivarfs"],
	EFS_SUPER_MAGIC: [0x414a53, "efs"],
	EROFS_SUPER_MAGIC_V1: [0xe0f5e1e2, "erofs"],
	EXFAT_SUPER_MAGIC: [0x2011bab0, "exfat"],
	EXT4_SUPER_MAGIC: [0xef53, "ext4", "ext3", "ext2"],
	F2FS_SUPER_MAGIC: [0xf2f52010, "f2fs"],
	FUSE_SUPER_MAGIC: [0x65735546, "fuse", "fuseblk", "virtiofs"],
	HOSTFS_SUPER_MAGIC: [0x00c0ffee, "hostfs"],
	HPFS_SUPER_MAGIC: [0xf995e849, "hpfs"],
	HUGETLBFS_MAGIC: [0x958458f6, "hugetlbfs"],
	ISOFS_SUPER_MAGIC: [0x9660, "iso9660"],
	JFFS2_SUPER_MAGIC: [0x72b6, "jffs2"],
	MINIX2_SUPER_MAGIC: [0x2468, "minix"],
	MINIX2_SUPER_MAGIC2: [0x2478, "minix"],
	MINIX3_SUPER_MAGIC: [0x4d5a, "minix"],
	MINIX_SUPER_MAGIC: [0x137f, "minix"],
	MINIX_SUPER_MAGIC2: [0x138f, "minix"],
	MSDOS_SUPER_MAGIC: [0x4d44, "vfat", "msdos"],
	NFS_SUPER_MAGIC: [0x6969, "nfs", "nfs4"],
	NILFS_SUPER_MAGIC: [0x3434, "nilfs2"],
	NSFS_MAGIC: [0x6e736673, "nsfs"],
	OCFS2_SUPER_MAGIC: [0x7461636f, "ocfs2"],
	OVERLAYFS_SUPER_MAGIC: [0x794c7630, "overlay"],
	PID_FS_MAGIC: [0x50494446, "pidfs"],
	PIPEFS_MAGIC: [0x50495045, "pipefs"],
	PROC_SUPER_MAGIC: [0x9fa0, "proc"],
	PSTOREFS_MAGIC: [0x6165676c, "pstore"],
	QNX4_SUPER_MAGIC: [0x002f, "qnx4"],
	QNX6_SUPER_MAGIC: [0x68191122, "qnx6"],
	RAMFS_MAGIC: [0x858458f6, "ramfs", "rootfs", "devtmpfs"],
	RDTGROUP_SUPER_MAGIC: [0x7655821, "resctrl"],
	REISERFS_SUPER_MAGIC: [0x52654973, "reiserfs"],
	SECRETMEM_MAGIC: [0x5345434d, "secretmem"],
	SECURITYFS_MAGIC: [0x73636673, "securityfs"],
	SELINUX_MAGIC: [0xf97cff8c, "selinuxfs"],
	SMACK_MAGIC: [0x43415d53, "smackfs"],
	SMB2_SUPER_MAGIC: [0xfe534d42, "cifs", "smb3"],
	SOCKFS_MAGIC: [0x534f434b, "sockfs"],
	SQUASHFS_MAGIC: [0x73717368, "squashfs"],
	SYSFS_MAGIC: [0x62656572, "sysfs"],
	TMPFS_MAGIC: [0x01021994, "tmpfs", "devtmpfs", "rootfs"],
	TRACEFS_MAGIC: [0x74726163, "tracefs"],
	UDF_SUPER_MAGIC: [0x15013346, "udf"],
	V9FS_MAGIC: [0x01021997, "9p"],
	XENFS_SUPER_MAGIC: [0xabba1974, "xenfs"],
	XFS_SUPER_MAGIC: [0x58465342, "xfs"],
	ZONEFS_MAGIC: [0x5a4f4653, "zonefs"],
} as const satisfies Record<string, Type>;

/** Numbers that only the sources of the filesystem itself have: of those with files of this machine. */
export const localTypes = {
	hfsplus: [0x482b, "hfsplus"],
	jfs: [0x3153464a, "jfs"],
	ntfs3: [0x7366746e, "ntfs3"],
	zfs: [0x2fc12fc1, "zfs"],
} as const satisfies Record<string, Type>;

/** And of all others. */
const otherTypes: readonly Type[] = [
	[0x61756673, "aufs"],
	[0x62656570, "configfs"],
	[0x65735543, "fusectl"],
	[0x01161970, "gfs2"],
	[0x47504653, "gpfs"],
	[0x4244, "hfs"],
	[0x0bd00bd0, "lustre"],
	[0x19800202, "mqueue"],
	[0x5346544e, "ntfs"],
	[0x20030528, "pvfs2"],
	[0x7275, "romfs"],
	[0x67596969, "rpc_pipefs"],
	[0x24051905, "ubifs"],
	[0x00011954, "ufs"],
	[0xa501fcf5, "vxfs"],
];

/** The names of the types that have a number. */
export const namesByMagic: ReadonlyMap<number, readonly string[]> = new Map(
	[...Object.values<Type>(kernelTypes), ...Object.values<Type>(localTypes), ...otherTypes].map(
		([magic, ...names]) => [magic, names],
	),
);
