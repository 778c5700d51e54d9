/* SPDX-License-Identifier: MIT */
/* What the environment asks of the preload library. */
#ifndef SYSLET_PRELOAD_SETTINGS_H
#define SYSLET_PRELOAD_SETTINGS_H

#include <limits.h>
#include <stdbool.h>

/* The calls of the historical interface, in the order of their numbers. */
enum own_call { OWN_EXEC, OWN_WAIT, OWN_UMEM_ADD, OWN_THREAD, OWN_CALLS };

/* Where the first of them was: also on today's kernels, as another call. */
#if defined(__x86_64__)
#define HISTORICAL_EXEC 280L	/* utimensat */
#elif defined(__i386__)
#define HISTORICAL_EXEC 325L	/* timerfd_settime */
#else
#define HISTORICAL_EXEC ((long)SYSLET_NR_ASYNC_EXEC) /* there were none */
#endif

#define NO_NUMBER	LONG_MIN
#define GREATEST_NUMBER	(INT_MAX - OWN_CALLS + 1L)

struct settings {
	long numbers[OWN_CALLS];	/* NO_NUMBER: not ours */
	bool broken;			/* a variable is bad: -ENOSYS */
	bool return_final;
};

/* Read the environment; what is wrong in it is said on standard error. */
void settings_read(struct settings *settings);

#endif /* SYSLET_PRELOAD_SETTINGS_H */
