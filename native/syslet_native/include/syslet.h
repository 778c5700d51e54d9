/* SPDX-License-Identifier: MIT */
/*
 * Syslets in user space: the two calls of the design, the structures that
 * they work on, and what an engine in a process needs beside them.
 *
 * One engine a process. It starts itself with the first sys_async_exec;
 * syslet_start() does so with options. Every function but syslet_start() and
 * syslet_shutdown() may be called from any thread at any time.
 */
#ifndef SYSLET_H
#define SYSLET_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a library exports, however the rest of it is built. */
#pragma GCC visibility push(default)

#define SYSLET_ASYNC			0x01
#define SYSLET_SYNC			0x02
#define SYSLET_NO_COMPLETE		0x04
#define SYSLET_STOP_ON_NONZERO		0x08
#define SYSLET_STOP_ON_ZERO		0x10
#define SYSLET_STOP_ON_NEGATIVE		0x20
#define SYSLET_STOP_ON_NON_POSITIVE	0x40
#define SYSLET_SKIP_TO_NEXT_ON_STOP	0x80

/* One atom: 44 bytes on 32-bit, 88 on 64-bit. */
struct syslet_uatom {
	unsigned long flags;
	unsigned long nr;
	long *ret_ptr;
	struct syslet_uatom *next;
	unsigned long *arg_ptr[6];
	void *private_data;
};

/* The descriptor of a completion ring: 32 or 64 bytes. */
struct async_head_user {
	unsigned long kernel_ring_idx;
	unsigned long user_ring_idx;
	struct syslet_uatom **completion_ring;
	unsigned long ring_size_bytes;
	unsigned long head_stack;
	unsigned long head_eip;
	unsigned long new_thread_stack;
	unsigned long new_thread_eip;
};

/* What a library that offers these calls exports, and must be equal. */
#define SYSLET_ABI_VERSION	1
extern const unsigned int syslet_abi_version;

/*
 * The engine's own calls, as atoms name them. Those of the design but
 * umem_add give -EINVAL to an atom: a syslet does not submit or wait.
 */
#define SYSLET_NR_ASYNC_EXEC	0x53590000UL
#define SYSLET_NR_ASYNC_WAIT	0x53590001UL
#define SYSLET_NR_UMEM_ADD	0x53590002UL

/*
 * Run the chain that starts at atom. Returns atom where all of it ran in the
 * caller ("cached"), NULL where it goes on in parallel ("cachemiss"), or a
 * negative errno as a pointer.
 */
struct syslet_uatom *sys_async_exec(struct syslet_uatom *atom,
				    struct async_head_user *head);

/*
 * Wait until min_events entries can be read from user_ring_idx on, or nothing
 * of that head is pending. Returns 0 or a negative errno; -EFAULT once for
 * each event that found its slot taken.
 */
long sys_async_wait(unsigned long min_events, unsigned long user_ring_idx,
		    struct async_head_user *head);

/* Add inc to the word: its new value, or -EFAULT. */
long umem_add(unsigned long *word, unsigned long inc);

/* Means to notice and outlast a call that blocks: bits of options.without. */
#define SYSLET_MEANS_NOWAIT	0x1U	/* attempts that do not block */
#define SYSLET_MEANS_URING	0x2U	/* blocked atoms as io_uring requests */
#define SYSLET_MEANS_PERF	0x4U	/* calls taken over when they block */
#define SYSLET_MEANS_AIO	0x8U	/* word that a pipe or socket is ready */
#define SYSLET_MEANS_ALL	0xfU

struct syslet_options {
	unsigned int size;		/* sizeof(struct syslet_options) */
	unsigned int without;		/* SYSLET_MEANS_* not to use */
	unsigned int return_final;	/* cached: the final atom, not the first */
	int cancel_signal;		/* ends blocked calls on shutdown; 0: ours */
};

/*
 * Start the engine. NULL: the defaults. 0; -EINVAL for an option that is
 * unknown or out of range; -EBUSY where it runs already.
 */
int syslet_start(const struct syslet_options *options);

/*
 * End it: blocked syslets are dropped, waits return -EINTR, and threads,
 * rings and descriptors are gone when it returns. 0, or -ESRCH where none ran.
 */
int syslet_shutdown(void);

struct syslet_statistics {
	uint64_t cachemisses;		/* syslets that left their caller */
	uint64_t completions;		/* of those, ended */
	uint64_t overflows;		/* events that found their slot taken */
	uint64_t uring_requests;
	uint64_t workers_started;
	uint32_t pending;		/* syslets that have not ended */
	uint32_t workers;		/* worker threads now */
	uint32_t means;			/* SYSLET_MEANS_* that it uses */
	uint32_t reserved;
};

/* Fill in size bytes at most; returns how many the engine knows. */
size_t syslet_statistics(struct syslet_statistics *statistics, size_t size);

/* The number that an atom's nr takes for a call by name, or -ENOENT. */
long syslet_number(const char *name);

/*
 * Who the engine is, as its hello in the engine protocol: "NAME VERSION
 * key=value...", parted by one space each, lacks= and build= among the keys.
 * Cut at size bytes, the final NUL included; returns the whole text's length.
 */
size_t syslet_describe(char *text, size_t size);

/*
 * Copy memory that may not be there: 0 or -EFAULT. For hosts that look at a
 * program's memory on behalf of somebody else.
 */
int syslet_copy(void *to, const void *from, size_t size);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* SYSLET_H */
