// SPDX-License-Identifier: MIT
/* An io_uring: set up, given requests, and asked what is done. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "atomic.h"
#include "engine.h"
#include "syscall.h"
#include "uring_queue.h"

#define SQ_ENTRIES 256
#define CQ_ENTRIES 8192

#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER (1U << 12)
#endif
#ifndef IORING_SETUP_DEFER_TASKRUN
#define IORING_SETUP_DEFER_TASKRUN (1U << 13)
#endif

void syslet_queue_enter(struct uring_queue *q, unsigned int wanted)
{
	const long given = RAW(SYS_io_uring_enter, q->fd, q->unsubmitted,
			       wanted, IORING_ENTER_GETEVENTS, 0, 0);

	if (given > 0)
		q->unsubmitted -= (unsigned int)given;
}

void syslet_queue_push(struct uring_queue *q, const struct io_uring_sqe *sqe)
{
	unsigned int tail, place;

	while (q->unsubmitted == q->sq_entries)
		syslet_queue_enter(q, 0);
	tail = *q->sq_tail;
	place = tail & *q->sq_mask;
	q->sq_array[place] = place;
	q->sqes[place] = *sqe;
	store_release(q->sq_tail, tail + 1);
	q->unsubmitted++;
}

bool syslet_queue_take(struct uring_queue *q, struct io_uring_cqe *cqe)
{
	const unsigned int head = *q->cq_head;

	if (head == load_acquire(q->cq_tail))
		return false;
	*cqe = q->cqes[head & *q->cq_mask];
	store_release(q->cq_head, head + 1);
	return true;
}

static unsigned int *at(char *base, unsigned int offset)
{
	return (unsigned int *)(void *)(base + offset);
}

int syslet_queue_open(struct uring_queue *q)
{
	struct io_uring_params p;
	size_t sq, cq;
	char *base;

	for (unsigned int i = 0; q->fd < 0 && i < 2; i++) {
		memset(&p, 0, sizeof(p));
		p.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
		if (!i) /* Linux 6.1 */
			p.flags |= IORING_SETUP_SINGLE_ISSUER |
				   IORING_SETUP_DEFER_TASKRUN;
		p.cq_entries = CQ_ENTRIES;
		q->fd = (int)RAW(SYS_io_uring_setup, SQ_ENTRIES, &p);
	}
	if (q->fd < 0)
		return q->fd;
	q->fd = syslet_move_up(q->fd);
	if (!(p.features & IORING_FEAT_SINGLE_MMAP) ||
	    !(p.features & IORING_FEAT_NODROP) ||
	    !(p.features & IORING_FEAT_RW_CUR_POS) ||
	    !(p.features & IORING_FEAT_FAST_POLL))
		return -ENOSYS;
	sq = p.sq_off.array + p.sq_entries * sizeof(unsigned int);
	cq = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	q->rings_size = sq > cq ? sq : cq;
	q->sqes_size = p.sq_entries * sizeof(struct io_uring_sqe);
	base = mmap(NULL, q->rings_size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, q->fd, IORING_OFF_SQ_RING);
	if (base == MAP_FAILED)
		return -errno;
	q->rings = base;
	q->sqes = mmap(NULL, q->sqes_size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, q->fd, IORING_OFF_SQES);
	if (q->sqes == MAP_FAILED) {
		q->sqes = NULL;
		return -errno;
	}
	q->sq_entries = p.sq_entries;
	q->sq_tail = at(base, p.sq_off.tail);
	q->sq_mask = at(base, p.sq_off.ring_mask);
	q->sq_array = at(base, p.sq_off.array);
	q->cq_head = at(base, p.cq_off.head);
	q->cq_tail = at(base, p.cq_off.tail);
	q->cq_mask = at(base, p.cq_off.ring_mask);
	q->cqes = (struct io_uring_cqe *)(void *)(base + p.cq_off.cqes);
	return 0;
}

void syslet_queue_close(struct uring_queue *q)
{
	if (q->sqes)
		munmap(q->sqes, q->sqes_size);
	if (q->rings)
		munmap(q->rings, q->rings_size);
	if (q->fd >= 0)
		close(q->fd);
	*q = (struct uring_queue){ .fd = -1 };
}

bool syslet_queue_is_there(void)
{
	struct io_uring_params p;
	long fd;

	memset(&p, 0, sizeof(p));
	fd = RAW(SYS_io_uring_setup, 1, &p);
	if (fd < 0)
		return false;
	RAW(SYS_close, fd);
	return true;
}
