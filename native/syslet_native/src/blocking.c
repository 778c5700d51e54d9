// SPDX-License-Identifier: MIT
/*
 * Calls that hold their thread: SYNC atoms in the caller, and what the workers
 * run. Each thread is on a list while it is in one, so that shutdown can end
 * the call with a signal.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "atomic.h"
#include "engine.h"
#include "syscall.h"

struct blocked_thread {
	pthread_t thread;
	struct blocked_thread *next, **link;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct blocked_thread *blocked;
static struct sigaction before;

static void on_cancel(int signal)
{
	(void)signal;
}

int syslet_blocking_start(void)
{
	const int signal = syslet_engine.cancel_signal;
	struct sigaction ours, now;

	pthread_mutex_init(&lock, NULL);
	blocked = NULL;
	memset(&ours, 0, sizeof(ours));
	ours.sa_handler = on_cancel; /* without SA_RESTART: -EINTR */
	sigemptyset(&ours.sa_mask);
	if (sigaction(signal, &ours, &now))
		return -errno;
	if (now.sa_handler != on_cancel) /* it is, in a forked child */
		before = now;
	return 0;
}

void syslet_blocking_stop(void)
{
	sigaction(syslet_engine.cancel_signal, &before, NULL);
}

/*
 * Whether there were any. The signal may come before the call blocks, so
 * shutdown asks again until there are none; it is queued each time, so that a
 * thread which is asked without pause only handles signals and never leaves.
 */
bool syslet_interrupt_blocked(void)
{
	bool any;

	pthread_mutex_lock(&lock);
	for (struct blocked_thread *t = blocked; t; t = t->next)
		pthread_kill(t->thread, syslet_engine.cancel_signal);
	any = blocked != NULL;
	pthread_mutex_unlock(&lock);
	return any;
}

static void enter(struct blocked_thread *t)
{
	t->thread = pthread_self();
	pthread_mutex_lock(&lock);
	t->next = blocked;
	t->link = &blocked;
	if (blocked)
		blocked->link = &t->next;
	blocked = t;
	pthread_mutex_unlock(&lock);
}

static void leave(struct blocked_thread *t)
{
	pthread_mutex_lock(&lock);
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	pthread_mutex_unlock(&lock);
}

/* A write that an attempt moved in part goes on where it stopped. */
static long call_rest(const struct syslet *s)
{
	word args[ARGUMENTS];

	memcpy(args, s->args, sizeof(args));
	if (s->has_rest)
		args[0] = (word)s->rest;
	if (s->done) {
		args[1] += s->done;
		args[2] -= s->done;
		if (s->class == CALL_PREAD || s->class == CALL_PWRITE) {
#if __SIZEOF_LONG__ == 8
			args[3] += s->done;
#else
			args[4] += __builtin_add_overflow(args[3], s->done,
							  &args[3]);
#endif
		}
	}
	return raw_call(s->nr, args);
}

/* False: shutdown ended it. */
bool syslet_call_blocking(struct syslet *s, long *result)
{
	struct blocked_thread self;
	long got;

	enter(&self);
	if (load_acquire(&syslet_engine.closing)) {
		leave(&self);
		return false;
	}
	got = call_rest(s);
	leave(&self);
	if (got == -EINTR && load_acquire(&syslet_engine.closing))
		return false;
	if (s->done)
		got = (long)s->done + (got > 0 ? got : 0);
	*result = got;
	return true;
}
