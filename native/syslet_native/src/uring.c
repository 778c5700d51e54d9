// SPDX-License-Identifier: MIT
/*
 * Blocked atoms as io_uring requests: no thread is held by one. The service
 * thread submits them and goes on with a chain when its request is done.
 *
 * It alone submits: the kernel finishes a request in the thread that gave it,
 * and a program's thread may end, or would find its own calls interrupted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "atomic.h"
#include "engine.h"
#include "syscall.h"
#include "uring_queue.h"

enum state { UNTRIED = 0, STARTING, RUNNING, FAILED };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t settled = PTHREAD_COND_INITIALIZER;
static enum state state;
static pthread_t service;
static struct syslet *incoming, **incoming_end = &incoming;
static bool asleep;		/* the service thread wants to be woken */
static uint32_t wakers;		/* atomic: threads about to write to wake_fd */

/* What completions are told apart by; other user_data is a syslet. */
#define A_WAKE		0U
#define THE_CANCELLING	1U

/* The service thread's own. */
static struct uring_queue queue = { .fd = -1 };
static int wake_fd = -1;
static uint64_t wake_count;
static uint32_t inflight;	/* syslets' requests in the kernel */

static const unsigned char opcodes[] = {
	[CALL_READ] = IORING_OP_READ,
	[CALL_WRITE] = IORING_OP_WRITE,
	[CALL_PREAD] = IORING_OP_READ,
	[CALL_PWRITE] = IORING_OP_WRITE,
	[CALL_READV] = IORING_OP_READV,
	[CALL_RECV] = IORING_OP_RECV,
	[CALL_SEND] = IORING_OP_SEND,
	[CALL_RECVMSG] = IORING_OP_RECVMSG,
	[CALL_SENDMSG] = IORING_OP_SENDMSG,
	[CALL_ACCEPT] = IORING_OP_ACCEPT,
};

bool syslet_uring_can(const struct syslet *s)
{
	if (!syslet_may_use(SYSLET_MEANS_URING))
		return false;
	switch (s->class) {
	case CALL_RECV:
	case CALL_SEND: /* addresses are not among what it takes */
		return !s->args[4] && !(s->args[3] & NOT_POLLED);
	case CALL_PREAD:
	case CALL_PWRITE:
	case CALL_READ:
	case CALL_WRITE:
	case CALL_READV:
	case CALL_ACCEPT:
		return true;
	case CALL_RECVMSG:
		return !(s->args[2] & NOT_POLLED);
	case CALL_SENDMSG: /* a request for one ends with a part of it */
		return !syslet_is_stream(s->args[0]);
	default:
		return false;
	}
}

static void prepare(struct io_uring_sqe *sqe, const struct syslet *s)
{
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = opcodes[s->class];
	sqe->fd = (int)s->args[0];
	sqe->addr = s->args[1] + s->done;
	sqe->user_data = (uintptr_t)s;
	switch (s->class) {
	case CALL_READ:
	case CALL_WRITE:
	case CALL_PREAD:
	case CALL_PWRITE:
		sqe->len = (uint32_t)((s->args[2] < MOST_BYTES ? s->args[2]
							       : MOST_BYTES) -
				      s->done);
		sqe->off = ~0ULL;
		if (s->class == CALL_PREAD || s->class == CALL_PWRITE) {
			sqe->off = s->args[3];
#if __SIZEOF_LONG__ == 4
			sqe->off |= (unsigned long long)s->args[4] << 32;
#endif
			sqe->off += s->done;
		}
		break;
	case CALL_READV:
		sqe->len = (uint32_t)s->args[2];
		sqe->off = ~0ULL;
		break;
	case CALL_RECV:
	case CALL_SEND:
		sqe->len = (uint32_t)(s->args[2] - s->done);
		sqe->msg_flags = (uint32_t)s->args[3];
		break;
	case CALL_RECVMSG:
	case CALL_SENDMSG:
		sqe->len = 1;
		sqe->msg_flags = (uint32_t)s->args[2];
		break;
	default: /* CALL_ACCEPT */
		sqe->addr2 = s->args[2];
		sqe->accept_flags = (uint32_t)s->args[3];
		break;
	}
}

/* What a request came to: the result of its atom, or another try. */
static void on_completion(struct syslet *s, int got)
{
	const bool moves = s->class == CALL_WRITE || s->class == CALL_PWRITE ||
			   s->class == CALL_SEND ||
			   ((s->class == CALL_READ || s->class == CALL_PREAD) &&
			    got > 0 && s->done + (word)got < s->args[2] &&
			    syslet_is_regular(s->args[0]));
	const bool again = got == -ECANCELED || got == -EINTR;

	if (load_acquire(&syslet_engine.closing)) {
		syslet_continue(s);
		return;
	}
	if (again && !syslet_uring_submit(s))
		return;
	if (again || got == -EOPNOTSUPP ||
	    (got == -EAGAIN && !syslet_is_nonblocking(s->args[0]))) {
		if (!syslet_pool_submit_call(s))
			return;
	}
	s->result = got;
	if (got > 0 && moves) {
		s->done += (word)got;
		s->result = (long)s->done;
		if (s->done < s->args[2] &&
		    !syslet_is_nonblocking(s->args[0]) &&
		    !syslet_attempt(s, &s->result)) {
			if (!syslet_uring_submit(s) ||
			    !syslet_pool_submit_call(s))
				return;
			s->result = (long)s->done;
		}
	} else if (s->done) {
		s->result = (long)s->done + (got > 0 ? got : 0);
	}
	s->resumed = true;
	syslet_continue(s);
}

/* Somebody writes to the eventfd when there is something incoming. */
static void listen_for_wakes(void)
{
	struct io_uring_sqe sqe;

	memset(&sqe, 0, sizeof(sqe));
	sqe.opcode = IORING_OP_READ;
	sqe.fd = wake_fd;
	sqe.addr = (uintptr_t)&wake_count;
	sqe.len = sizeof(wake_count);
	sqe.user_data = A_WAKE;
	syslet_queue_push(&queue, &sqe);
}

static void cancel_all(void)
{
	struct io_uring_sqe sqe;

	memset(&sqe, 0, sizeof(sqe));
	sqe.opcode = IORING_OP_ASYNC_CANCEL;
	sqe.cancel_flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
	sqe.user_data = THE_CANCELLING;
	syslet_queue_push(&queue, &sqe);
}

/* What has come in since, or NULL, with the wish to be woken. */
static struct syslet *take_incoming(bool may_sleep)
{
	struct syslet *first;

	pthread_mutex_lock(&lock);
	first = incoming;
	incoming = NULL;
	incoming_end = &incoming;
	asleep = may_sleep && !first;
	pthread_mutex_unlock(&lock);
	return first;
}

static void take_completions(void)
{
	struct io_uring_cqe cqe;

	while (syslet_queue_take(&queue, &cqe)) {
		if (cqe.user_data == A_WAKE) {
			if (!load_acquire(&syslet_engine.closing))
				listen_for_wakes();
		} else if (cqe.user_data != THE_CANCELLING) {
			inflight--;
			on_completion((struct syslet *)(uintptr_t)cqe.user_data,
				      cqe.res);
		}
	}
}

static void serve_requests(void)
{
	bool cancelled = false;

	listen_for_wakes();
	for (;;) {
		/* First: once it is seen, nothing comes in after the last. */
		const bool closing = load_acquire(&syslet_engine.closing);
		struct syslet *s = take_incoming(!queue.unsubmitted);
		const bool none = !s;

		while (s) {
			struct syslet *next = s->queue_next;

			if (closing) {
				syslet_continue(s);
			} else {
				struct io_uring_sqe sqe;

				prepare(&sqe, s);
				syslet_queue_push(&queue, &sqe);
				inflight++;
			}
			s = next;
		}
		if (closing && !cancelled) {
			cancelled = true;
			cancel_all();
		}
		if (closing && !inflight && none)
			break;
		syslet_queue_enter(&queue, none && !queue.unsubmitted ? 1 : 0);
		take_completions();
	}
}

static int set_up(void)
{
	const int error = syslet_queue_open(&queue);

	if (error)
		return error;
	wake_fd = eventfd(0, EFD_CLOEXEC);
	if (wake_fd < 0)
		return -errno;
	wake_fd = syslet_move_up(wake_fd);
	return 0;
}

static void tear_down(void)
{
	/* A late waker would write to somebody else's descriptor. */
	while (load_full(&wakers))
		RAW(SYS_sched_yield, 0);
	syslet_queue_close(&queue);
	inflight = 0;
	pthread_mutex_lock(&lock);
	if (wake_fd >= 0)
		close(wake_fd);
	wake_fd = -1;
	pthread_mutex_unlock(&lock);
}

static void wake_service(void)
{
	static const uint64_t one = 1;

	RAW(SYS_write, wake_fd, &one, sizeof(one));
}

static void *serve(void *argument)
{
	const bool works = !set_up();

	(void)argument;
	pthread_mutex_lock(&lock);
	state = works ? RUNNING : FAILED;
	pthread_cond_broadcast(&settled);
	pthread_mutex_unlock(&lock);
	if (works)
		serve_requests();
	tear_down();
	return NULL;
}

/* With the lock held: whether there is a ring; the first to ask makes it. */
static bool is_running(void)
{
	if (state == UNTRIED) {
		state = STARTING;
		if (syslet_spawn(serve, NULL, &service))
			state = UNTRIED;
	}
	while (state == STARTING)
		pthread_cond_wait(&settled, &lock);
	return state == RUNNING;
}

/* 0, or -errno where there is no ring; then the syslet is still the caller's. */
int syslet_uring_submit(struct syslet *s)
{
	int error = 0;
	bool wake = false;

	pthread_mutex_lock(&lock);
	if (load_acquire(&syslet_engine.closing)) {
		error = -EINTR;
	} else if (!is_running()) {
		error = -ENOSYS;
	} else {
		add_relaxed(&syslet_engine.uring_requests, 1);
		s->queue_next = NULL;
		*incoming_end = s;
		incoming_end = &s->queue_next;
		wake = asleep;
		asleep = false;
		if (wake)
			add_full(&wakers, 1);
	}
	pthread_mutex_unlock(&lock);
	if (wake) {
		wake_service();
		add_full(&wakers, -1U);
	}
	return error;
}

/* Requests are cancelled, their syslets ended, the thread and the ring gone. */
void syslet_uring_stop(void)
{
	bool started;

	pthread_mutex_lock(&lock);
	started = state != UNTRIED;
	while (state == STARTING)
		pthread_cond_wait(&settled, &lock);
	if (state == RUNNING && wake_fd >= 0)
		wake_service();
	pthread_mutex_unlock(&lock);
	if (started)
		pthread_join(service, NULL);
	state = UNTRIED;
	asleep = false;
}

/* The parent's thread is not here; its ring is closed. */
void syslet_uring_forked(void)
{
	pthread_mutex_init(&lock, NULL);
	pthread_cond_init(&settled, NULL);
	wakers = 0;
	tear_down();
	state = UNTRIED;
	incoming = NULL;
	incoming_end = &incoming;
	asleep = false;
}

/* Whether there is a ring, or would be one. */
bool syslet_uring_works(void)
{
	enum state now;

	pthread_mutex_lock(&lock);
	now = state;
	pthread_mutex_unlock(&lock);
	return now == UNTRIED ? syslet_queue_is_there() : now != FAILED;
}
