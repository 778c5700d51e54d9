/* SPDX-License-Identifier: MIT */
/*
 * What the benchmarks share. Each prints lines "name value": one value a round,
 * peers in turn within a round, so that a ratio is of neighbours in time.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "syslet.h"
#include "syscall.h"

#define REQUIRE(fact)                                                        \
	do {                                                                 \
		if (!(fact)) {                                               \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__,     \
				__LINE__, #fact);                            \
			exit(1);                                             \
		}                                                            \
	} while (0)

static inline uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static inline void say(const char *name, double value)
{
	printf("%s %.3f\n", name, value);
}

/* A chain of atoms, one after another in memory, that all make one call. */
static inline void link_atoms(struct syslet_uatom *atoms, size_t count)
{
	for (size_t i = 0; i + 1 < count; i++)
		atoms[i].next = &atoms[i + 1];
	if (count)
		atoms[count - 1].next = NULL;
}

static inline void make_head(struct async_head_user *head,
			     struct syslet_uatom **ring, size_t slots)
{
	memset(head, 0, sizeof(*head));
	memset(ring, 0, slots * sizeof(*ring));
	head->completion_ring = ring;
	head->ring_size_bytes = slots * sizeof(*ring);
}

#endif /* BENCH_H */
