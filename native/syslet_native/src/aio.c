// SPDX-License-Identifier: MIT
/*
 * Blocked reads and writes of pipes and sockets: the caller asks the kernel
 * for word when the descriptor is ready, and wakes nobody. A thread waits for
 * such words, makes the attempt again, and goes on with the chain.
 *
 * What it asks with is Linux AIO's poll. A request is of no thread, so that the
 * caller may end, and there may be many for one descriptor. Until its call has
 * been made a syslet has a copy of the descriptor: a call that blocks holds the
 * open file, and the program may close the descriptor meanwhile.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "atomic.h"
#include "engine.h"
#include "syscall.h"

#define REQUESTS 256	/* and copies at most; the rest goes other ways */
#define SHARE 16	/* of the descriptors, the part that copies may be */
#define NUMBERS 512	/* that they may have */
#define BATCH 64
#define LAP_NS 1000000	/* between two looks of a thread that closes */

enum state { UNTRIED = 0, RUNNING, FAILED };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum state state;	/* atomic */
static uint32_t copies;		/* atomic: in use, or nearly */
static uint32_t most;		/* of them */
static pthread_t service;
static int always_ready = -1;

/* The copies by number, which a child is to close; atomic. */
static bool is_copy[NUMBERS];

/*
 * Of the process: to end one takes the kernel tens of milliseconds, so an
 * engine leaves it, with nothing in it, to the next.
 */
static aio_context_t context;

/* How the kernel's ring of words starts, which lies where context says. */
struct aio_ring {
	uint32_t id, nr, head, tail, magic, compat, incompat, header_bytes;
};

/* A child has no context, so it is to have no ring. */
static void keep_from_children(void)
{
	const struct aio_ring *ring = (const struct aio_ring *)context;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t size =
		ring->header_bytes + ring->nr * sizeof(struct io_event);

	madvise((void *)context, (size + page - 1) / page * page,
		MADV_DONTFORK);
}

/* 0 or -errno. */
static int ask(poll_request *poll, word fd, short events, const void *whom)
{
	struct iocb *list[1] = { poll };
	long given;

	memset(poll, 0, sizeof(*poll));
	poll->aio_lio_opcode = IOCB_CMD_POLL;
	poll->aio_fildes = (uint32_t)fd;
	poll->aio_buf = (unsigned short)events;
	store_release(&poll->aio_data, (uintptr_t)whom);
	given = RAW(SYS_io_submit, context, 1, list);
	return given == 1 ? 0 : (int)given;
}

/* Of those that the kernel does not know, it says so. */
static void cancel(struct syslet *s)
{
	struct io_event unused;

	RAW(SYS_io_cancel, context, &s->poll, &unused);
}

static void *serve(void *argument)
{
	const long lap[2] = { 0, LAP_NS };
	bool closing = false;

	(void)argument;
	while (!closing || load_full(&copies)) {
		struct io_event events[BATCH];
		const long count = RAW(SYS_io_getevents, context, 1, BATCH,
				       events, closing ? lap : NULL);

		for (long i = 0; i < count; i++) {
			struct syslet *s =
				(struct syslet *)(uintptr_t)events[i].data;

			if (!s)
				closing = true;
			else if (load_acquire(&s->poll.aio_data))
				syslet_try_again(s);
		}
		if (closing)
			syslet_heads_each_pending(cancel);
	}
	return NULL;
}

/* With the lock held. */
static enum state set_up(void)
{
	struct rlimit limit = { .rlim_cur = 0 };

	getrlimit(RLIMIT_NOFILE, &limit);
	most = REQUESTS;
	if (limit.rlim_cur / SHARE < most)
		most = (uint32_t)(limit.rlim_cur / SHARE);
	if (!context) {
		if (RAW(SYS_io_setup, REQUESTS, &context) < 0)
			return FAILED;
		keep_from_children();
	}
	always_ready = eventfd(1, EFD_CLOEXEC);
	if (always_ready < 0)
		return FAILED;
	always_ready = syslet_move_up(always_ready);
	if (!syslet_spawn(serve, NULL, &service))
		return RUNNING;
	close(always_ready);
	always_ready = -1;
	return FAILED;
}

static bool is_running(void)
{
	enum state now = load_acquire(&state);

	if (UNLIKELY(now == UNTRIED)) {
		pthread_mutex_lock(&lock);
		if (state == UNTRIED &&
		    !load_acquire(&syslet_engine.closing))
			store_release(&state, set_up());
		now = state;
		pthread_mutex_unlock(&lock);
	}
	return now == RUNNING;
}

/* From here on its call is made with a copy: 0 or -errno. */
static int copy_descriptor(struct syslet *s)
{
	int copy = -EMFILE;

	if (LIKELY(add_full(&copies, 1) < most) &&
	    !load_full(&syslet_engine.closing))
		copy = (int)RAW(SYS_fcntl, s->args[0], F_DUPFD_CLOEXEC,
				OWN_DESCRIPTORS);
	if (UNLIKELY(copy >= OWN_DESCRIPTORS + NUMBERS)) {
		RAW(SYS_close, copy);
		copy = -EMFILE;
	}
	if (UNLIKELY(copy < 0)) {
		add_full(&copies, -1U);
		return copy;
	}
	store_relaxed(&is_copy[copy - OWN_DESCRIPTORS], true);
	s->copy = copy;
	s->args[0] = (word)copy;
	return 0;
}

/* For one that has a copy: its call has been made, or is not to be. */
void syslet_aio_release(struct syslet *s)
{
	const int copy = s->copy;

	s->copy = -1;
	store_relaxed(&is_copy[copy - OWN_DESCRIPTORS], false);
	RAW(SYS_close, copy);
	add_full(&copies, -1U);
}

/*
 * 0, or -errno where no copy or no request is to be had; then it is still the
 * caller's, and may have a copy.
 */
int syslet_aio_submit(struct syslet *s)
{
	int error = 0;

	if (!syslet_may_use(SYSLET_MEANS_AIO) || !is_running())
		return -ENOSYS;
	if (s->copy < 0)
		error = copy_descriptor(s);
	return error ? error : ask(&s->poll, s->args[0], s->ready_events, s);
}

/* When nothing else runs: requests are cancelled, their syslets ended, and the thread gone. */
void syslet_aio_stop(void)
{
	poll_request poll;
	enum state was;

	pthread_mutex_lock(&lock); /* nobody sets it up from now on */
	was = state;
	pthread_mutex_unlock(&lock);
	if (was == RUNNING) {
		/* Where there are as many as may be, to cancel makes room. */
		while (ask(&poll, (word)always_ready, POLLIN, NULL))
			syslet_heads_each_pending(cancel);
		pthread_join(service, NULL);
		close(always_ready);
	}
	always_ready = -1;
	store_release(&state, UNTRIED);
}

/* The parent's thread is not here, nor its context. */
void syslet_aio_forked(void)
{
	pthread_mutex_init(&lock, NULL);
	if (always_ready >= 0)
		close(always_ready);
	always_ready = -1;
	for (int i = 0; i < NUMBERS; i++) {
		if (load_relaxed(&is_copy[i]))
			close(OWN_DESCRIPTORS + i);
		store_relaxed(&is_copy[i], false);
	}
	context = 0;
	copies = 0;
	state = UNTRIED;
}

/* Whether there is a context, or would be one. */
bool syslet_aio_works(void)
{
	const enum state now = load_acquire(&state);

	return now == UNTRIED ? RAW(SYS_io_submit, 0, 0, 0) == -EINVAL
			      : now == RUNNING;
}
