/* SPDX-License-Identifier: MIT */
/* Words that threads share are touched through these alone. */
#ifndef SYSLET_ATOMIC_H
#define SYSLET_ATOMIC_H

/* A count, or a flag that orders nothing else. */
#define load_relaxed(p)		__atomic_load_n(p, __ATOMIC_RELAXED)
#define store_relaxed(p, v)	__atomic_store_n(p, v, __ATOMIC_RELAXED)
#define add_relaxed(p, n)	((void)__atomic_fetch_add(p, n, __ATOMIC_RELAXED))

/* Pairs with store_release of the same word. */
#define load_acquire(p)		__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)

/* A word that a sleeper's futex looks at: changed before waiters are read. */
#define add_full(p, n)		__atomic_fetch_add(p, n, __ATOMIC_SEQ_CST)
#define load_full(p)		__atomic_load_n(p, __ATOMIC_SEQ_CST)

/* Its cache line is soon to be written; where it lies does not matter. */
#if defined(__x86_64__)
#define expect_write(p)                                                      \
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)(p)))
#else
#define expect_write(p)		__builtin_prefetch((const void *)(p), 1)
#endif

/* Pairs with a fault: what stands before it is in memory when one comes. */
#define settle_memory()		__atomic_signal_fence(__ATOMIC_SEQ_CST)

#endif /* SYSLET_ATOMIC_H */
