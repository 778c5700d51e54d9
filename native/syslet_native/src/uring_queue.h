/* SPDX-License-Identifier: MIT */
/* An io_uring that one thread uses. */
#ifndef SYSLET_URING_QUEUE_H
#define SYSLET_URING_QUEUE_H

#include <linux/io_uring.h>
#include <stdbool.h>
#include <stddef.h>

struct uring_queue {
	int fd;				/* -1: not open */
	unsigned int unsubmitted;	/* requests that the kernel has not */
	void *rings;
	size_t rings_size;
	struct io_uring_sqe *sqes;
	size_t sqes_size;
	unsigned int *sq_tail, *sq_mask, *sq_array, sq_entries;
	unsigned int *cq_head, *cq_tail, *cq_mask;
	struct io_uring_cqe *cqes;
};

/* 0 or -errno; to be closed in either case. */
int syslet_queue_open(struct uring_queue *q);
void syslet_queue_close(struct uring_queue *q);

/* One more request; where there is no place, those before go to the kernel. */
void syslet_queue_push(struct uring_queue *q, const struct io_uring_sqe *sqe);

/* Give the kernel what was pushed, and sleep until `wanted` are done. */
void syslet_queue_enter(struct uring_queue *q, unsigned int wanted);

/* The next that is done, if any. */
bool syslet_queue_take(struct uring_queue *q, struct io_uring_cqe *cqe);

/* Whether the kernel gives the process one. */
bool syslet_queue_is_there(void);

#endif /* SYSLET_URING_QUEUE_H */
