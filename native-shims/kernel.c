/*
 * The bare kernel entry, and an io_uring set-up that leaves nothing behind when it fails.
 *
 * Why not libc: errno is lost between two FFI calls, so every function here returns -errno as the
 * kernel does; and without libc (no headers, -nostdlib) one file per architecture loads under
 * glibc and musl alike. The numbers below are kernel ABI and do not change.
 */

#if defined(__x86_64__) && defined(__LP64__)
enum { NR_close = 3, NR_mmap = 9, NR_munmap = 11 };
#elif defined(__aarch64__) && defined(__LP64__) && !defined(__AARCH64EB__)
enum { NR_close = 57, NR_munmap = 215, NR_mmap = 222 };
#else
#error "kernel.c knows x86-64 and little-endian aarch64 only"
#endif

enum { NR_io_uring_setup = 425 }; /* the same on every architecture */

enum { E_INVAL = 22, E_NOSYS = 38, MAX_ERRNO = 4095 };
enum { PROT_READ_WRITE = 1 | 2, MAP_SHARED_POPULATE = 0x1 | 0x8000 };
enum { OFF_SQ_RING = 0, OFF_SQES = 0x10000000 };
enum { SETUP_SQE128 = 1u << 10, SETUP_CQE32 = 1u << 11, SETUP_NO_MMAP = 1u << 14 };
enum { FEAT_SINGLE_MMAP = 1u << 0 };

typedef unsigned int u32;
typedef unsigned long u64;

struct io_uring_params {
	u32 sq_entries, cq_entries, flags, sq_thread_cpu, sq_thread_idle, features, wq_fd, resv[3];
	struct {
		u32 head, tail, ring_mask, ring_entries, flags, dropped, array, resv1;
		u64 user_addr;
	} sq_off;
	struct {
		u32 head, tail, ring_mask, ring_entries, overflow, cqes, flags, resv1;
		u64 user_addr;
	} cq_off;
};
_Static_assert(sizeof(struct io_uring_params) == 120, "io_uring_params is 120 bytes");

/* 8-byte fields only: TypeScript reads it as five 64-bit integers. */
struct fsx_ring {
	long fd;
	u64 ring, ring_size;
	u64 sqes, sqes_size;
};
_Static_assert(sizeof(struct fsx_ring) == 40, "fsx_ring is 40 bytes");

#define EXPORT __attribute__((visibility("default")))

static inline long kernel(long nr, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
	long result;
	register long r10 __asm__("r10") = d; /* not rcx: the instruction itself overwrites it */
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	__asm__ volatile("syscall"
		: "=a"(result)
		: "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		: "rcx", "r11", "cc", "memory");
	return result;
#else
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;
	__asm__ volatile("svc #0"
		: "+r"(x0)
		: "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
		: "cc", "memory");
	return x0;
#endif
}

/* Not for calls that return twice or on another stack (vfork, clone, rt_sigreturn). */
EXPORT long fsx_syscall(long nr, long a, long b, long c, long d, long e, long f) {
	return kernel(nr, a, b, c, d, e, f);
}

static int failed(long result) {
	return (u64)result >= (u64)-MAX_ERRNO;
}

static long map(long fd, u64 size, long offset) {
	return kernel(NR_mmap, 0, (long)size, PROT_READ_WRITE, MAP_SHARED_POPULATE, fd, offset);
}

/*
 * The caller fills flags (and cq_entries), the kernel the rest. Nothing here asks for
 * close-on-exec: the kernel opens every ring with O_CLOEXEC by itself.
 */
EXPORT long fsx_ring_setup(u32 entries, struct io_uring_params *params, struct fsx_ring *out) {
	/* After a failure a stray fsx_ring_close(out) must find nothing to close. */
	out->fd = -1;
	out->ring = out->ring_size = out->sqes = out->sqes_size = 0;

	/* NO_MMAP rings have no mapping, and may come back as an index that is not an fd. */
	if (params->flags & SETUP_NO_MMAP) return -E_INVAL;

	long fd = kernel(NR_io_uring_setup, entries, (long)params, 0, 0, 0, 0);
	if (failed(fd)) return fd;

	/* Before 5.4 the two rings were two mappings; such a kernel has too few operations anyway. */
	if (!(params->features & FEAT_SINGLE_MMAP)) {
		kernel(NR_close, fd, 0, 0, 0, 0, 0);
		return -E_NOSYS;
	}

	/* One mapping holds both rings: the array of the SQ or the CQEs end it. */
	u64 cqe_size = params->flags & SETUP_CQE32 ? 32 : 16;
	u64 sqe_size = params->flags & SETUP_SQE128 ? 128 : 64;
	u64 sq_size = params->sq_off.array + params->sq_entries * (u64)sizeof(u32);
	u64 cq_size = params->cq_off.cqes + params->cq_entries * cqe_size;
	u64 ring_size = sq_size > cq_size ? sq_size : cq_size;
	u64 sqes_size = params->sq_entries * sqe_size;

	long ring = map(fd, ring_size, OFF_SQ_RING);
	if (failed(ring)) {
		kernel(NR_close, fd, 0, 0, 0, 0, 0);
		return ring;
	}
	long sqes = map(fd, sqes_size, OFF_SQES);
	if (failed(sqes)) {
		kernel(NR_munmap, ring, (long)ring_size, 0, 0, 0, 0);
		kernel(NR_close, fd, 0, 0, 0, 0, 0);
		return sqes;
	}

	out->fd = fd;
	out->ring = (u64)ring;
	out->ring_size = ring_size;
	out->sqes = (u64)sqes;
	out->sqes_size = sqes_size;
	return 0;
}

/*
 * Does not wait for what is in flight: the kernel winds a closed ring up in the background, so
 * the caller reaps every completion before it gives up the memory. A second call does nothing.
 */
EXPORT long fsx_ring_close(struct fsx_ring *ring) {
	if (ring->ring == 0) return 0; /* never set up, or closed: fd might be anyone's by now */
	kernel(NR_munmap, (long)ring->sqes, (long)ring->sqes_size, 0, 0, 0, 0);
	kernel(NR_munmap, (long)ring->ring, (long)ring->ring_size, 0, 0, 0, 0);
	long result = kernel(NR_close, ring->fd, 0, 0, 0, 0, 0);
	ring->fd = -1;
	ring->ring = ring->ring_size = ring->sqes = ring->sqes_size = 0;
	return result;
}
