// SPDX-License-Identifier: MIT
/* The two calls, and the engine's life. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "atomic.h"
#include "engine.h"
#include "syscall.h"

/* How many atoms of a chain the service thread runs before a worker takes it. */
#define TURN_ATOMS 256

#define STACK_BYTES ((size_t)64 * 1024)

const unsigned int syslet_abi_version = SYSLET_ABI_VERSION;
struct engine syslet_engine;

static pthread_mutex_t life = PTHREAD_MUTEX_INITIALIZER;

static void on_fork_in_child(void)
{
	pthread_mutex_init(&life, NULL);
	syslet_heads_forked();
	syslet_pool_forked();
	syslet_aio_forked();
	syslet_uring_forked();
	syslet_takeover_forked();
	memset(&syslet_engine, 0, sizeof(syslet_engine));
}

/* With `life` held. */
static int start(const struct syslet_options *options)
{
	static const struct syslet_options defaults = {
		.size = sizeof(defaults),
	};
	static bool told_of_fork;
	int error;

	if (!options)
		options = &defaults;
	if (options->size != sizeof(*options) ||
	    (options->without & ~SYSLET_MEANS_ALL) ||
	    options->return_final > 1 || options->cancel_signal < 0 ||
	    options->cancel_signal > SIGRTMAX)
		return -EINVAL;
	syslet_engine.options = *options;
	syslet_engine.cancel_signal = options->cancel_signal
					      ? options->cancel_signal
					      : SIGRTMAX - 3;
	error = syslet_guard_start();
	if (error)
		return error;
	error = syslet_blocking_start();
	if (error) {
		syslet_guard_stop();
		return error;
	}
	if (!told_of_fork) {
		told_of_fork = true;
		pthread_atfork(NULL, NULL, on_fork_in_child);
	}
	store_release(&syslet_engine.closing, false);
	store_release(&syslet_engine.started, true);
	return 0;
}

int syslet_start(const struct syslet_options *options)
{
	int error = -EBUSY;

	pthread_mutex_lock(&life);
	if (!syslet_engine.started)
		error = start(options);
	pthread_mutex_unlock(&life);
	return error;
}

static int start_if_needed(void)
{
	int error = 0;

	if (!load_acquire(&syslet_engine.started))
		error = syslet_start(NULL);
	return error == -EBUSY ? 0 : error; /* another thread was first */
}

int syslet_shutdown(void)
{
	static const struct timespec turn = { .tv_nsec = 1000000 };
	int error = -ESRCH;

	pthread_mutex_lock(&life);
	if (syslet_engine.started) {
		store_release(&syslet_engine.closing, true);
		syslet_uring_stop();
		syslet_pool_stop();
		syslet_aio_stop();
		while (syslet_interrupt_blocked())
			RAW(SYS_nanosleep, &turn, NULL);
		syslet_heads_stop();
		syslet_takeover_stop();
		syslet_blocking_stop();
		syslet_guard_stop();
		memset(&syslet_engine, 0, sizeof(syslet_engine));
		error = 0;
	}
	pthread_mutex_unlock(&life);
	return error;
}

/* Out of the way of the numbers that a program's own descriptors get. */
int syslet_move_up(int fd)
{
	const int up = fcntl(fd, F_DUPFD_CLOEXEC, OWN_DESCRIPTORS);

	if (up < 0)
		return fd;
	close(fd);
	return up;
}

/* A thread of the engine's: a small stack, and none of the program's signals. */
int syslet_spawn(void *(*run)(void *), void *argument, pthread_t *thread)
{
	const size_t least = (size_t)PTHREAD_STACK_MIN;
	const size_t stack = STACK_BYTES > least ? STACK_BYTES : least;
	pthread_attr_t attributes;
	sigset_t all, old;
	int error;

	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGSYS);
	sigdelset(&all, syslet_engine.cancel_signal);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, stack);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(thread, &attributes, run, argument);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attributes);
	return -error;
}

/* Where a syslet goes that its thread does not run any further. */
static int dispatch(struct syslet *s, enum run_end why)
{
	if (why != RUN_BLOCKED)
		return syslet_pool_submit(s);
	if (s->ready_events && !syslet_aio_submit(s))
		return 0;
	if (syslet_uring_can(s) && !syslet_uring_submit(s))
		return 0;
	return syslet_pool_submit_call(s);
}

static void end(struct syslet *s)
{
	const bool silent = !s->last || (s->last_flags & SYSLET_NO_COMPLETE);

	if (UNLIKELY(s->copy >= 0))
		syslet_aio_release(s);
	syslet_heads_complete(s, silent ? 0 : s->last);
}

static void drop(struct syslet *s)
{
	if (UNLIKELY(s->copy >= 0))
		syslet_aio_release(s);
	syslet_heads_unpend(s);
}

static void pass_to_another(struct syslet *s, enum run_end why)
{
	if (!dispatch(s, why))
		return;
	if (load_acquire(&syslet_engine.closing))
		drop(s);
	else
		end(s); /* no thread to be had: it ends here */
}

/* Go on with an asynchronous syslet in this thread, as far as it goes. */
void syslet_continue(struct syslet *s)
{
	enum run_end why;

	if (load_acquire(&syslet_engine.closing)) {
		drop(s);
		return;
	}
	if (s->call_pending) {
		s->call_pending = false;
		if (!syslet_call_blocking(s, &s->result)) {
			drop(s);
			return;
		}
		s->resumed = true;
	}
	if (UNLIKELY(s->copy >= 0))
		syslet_aio_release(s);
	s->atoms_left = s->on_worker ? ULONG_MAX : TURN_ATOMS;
	why = syslet_run(s);
	switch (why) {
	case RUN_ENDED:
	case RUN_FAULTED:
		end(s);
		break;
	case RUN_INTERRUPTED:
		drop(s);
		break;
	default:
		s->on_worker = false;
		pass_to_another(s, why);
		break;
	}
}

/* Its descriptor is ready; somebody else may have been faster. */
void syslet_try_again(struct syslet *s)
{
	const word done = s->done;

	if (load_acquire(&syslet_engine.closing)) {
		drop(s);
		return;
	}
	if (syslet_attempt(s, &s->result)) {
		s->resumed = true;
		syslet_continue(s);
		return;
	}
	if (s->done == done) /* or ready is not enough for it */
		s->ready_events = 0;
	pass_to_another(s, RUN_BLOCKED);
}

static int go_async(const struct syslet *s, enum run_end why)
{
	struct syslet *pending;
	int error = syslet_heads_pend(s, &pending);

	if (error)
		return error;
	add_relaxed(&syslet_engine.cachemisses, 1);
	error = dispatch(pending, why);
	if (error)
		drop(pending);
	return error;
}

static struct syslet_uatom *error_pointer(int error)
{
	return (struct syslet_uatom *)(long)error;
}

/* Before a syslet runs: 0, or the error that its caller is to have. */
int syslet_admit(word head)
{
	int error = start_if_needed();

	if (!error && load_relaxed(&syslet_engine.unreported))
		error = syslet_heads_take_error(head);
	return error;
}

/* What exec returns where the chain did not end in its caller. */
struct syslet_uatom *syslet_leave_caller(const struct syslet *s,
					 enum run_end why)
{
	if (why == RUN_FAULTED)
		return error_pointer(-EFAULT);
	if (why == RUN_INTERRUPTED)
		return error_pointer(-EINTR);
	return error_pointer(go_async(s, why));
}

struct syslet_uatom *sys_async_exec(struct syslet_uatom *atom,
				    struct async_head_user *head)
{
	return syslet_exec(atom, head, NULL);
}

long sys_async_wait(unsigned long min_events, unsigned long user_ring_idx,
		    struct async_head_user *head)
{
	const int error = start_if_needed();

	if (error)
		return error;
	return syslet_heads_wait(min_events, user_ring_idx, (word)head);
}

size_t syslet_statistics(struct syslet_statistics *statistics, size_t size)
{
	struct syslet_statistics now;

	memset(&now, 0, sizeof(now));
	now.cachemisses = load_relaxed(&syslet_engine.cachemisses);
	now.completions = load_relaxed(&syslet_engine.completions);
	now.overflows = load_relaxed(&syslet_engine.overflows);
	now.uring_requests = load_relaxed(&syslet_engine.uring_requests);
	now.workers_started = load_relaxed(&syslet_engine.workers_started);
	now.pending = load_relaxed(&syslet_engine.pending);
	now.workers = syslet_pool_workers();
	if (syslet_may_use(SYSLET_MEANS_NOWAIT))
		now.means |= SYSLET_MEANS_NOWAIT;
	if (syslet_may_use(SYSLET_MEANS_URING) && syslet_uring_works())
		now.means |= SYSLET_MEANS_URING;
	if (syslet_may_use(SYSLET_MEANS_AIO) && syslet_aio_works())
		now.means |= SYSLET_MEANS_AIO;
	if (syslet_may_use(SYSLET_MEANS_PERF) && syslet_takeover_works())
		now.means |= SYSLET_MEANS_PERF;
	memcpy(statistics, &now, size < sizeof(now) ? size : sizeof(now));
	return sizeof(now);
}
