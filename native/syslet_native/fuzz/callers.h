/* SPDX-License-Identifier: MIT */
/* Threads that make the calls which may block, so that the target does not. */
#ifndef CALLERS_H
#define CALLERS_H

#include <stdbool.h>

/* One that is to be made, and its result once it has returned. */
struct call {
	bool is_wait;
	unsigned long atom, head, min_events, index;
	unsigned long result;
};

/* Make it in this thread. */
void call_make(struct call *call);

/* Have it made by another; the caller's number. */
unsigned int callers_start(struct call *call);

/* Whether it has returned within so many ms; then the caller is free. */
bool callers_return(unsigned int caller, long timeout_ms);

#endif /* CALLERS_H */
