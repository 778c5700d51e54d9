// SPDX-License-Identifier: MIT
/*
 * Calls that are tried in the caller and taken over when they really block.
 *
 * A perf event of the caller's own thread counts its context switches, and
 * sends it a signal at each: the call that switched away ends with -EINTR, and
 * a worker makes it again. Only for calls that may be made again (calls.c),
 * and only where the process may use such events.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "atomic.h"
#include "engine.h"
#include "syscall.h"

/* The event of one thread, on a list so that shutdown can close it. */
struct event {
	int fd;			/* -1: not to be had; 0: not tried */
	unsigned int life;	/* of which engine it is */
	struct event *next, **link;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct event *events;
static unsigned int life = 1;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static __thread struct event own;

static void forget(void *argument)
{
	struct event *event = argument;

	pthread_mutex_lock(&lock);
	if (event->life == life && event->fd > 0) {
		*event->link = event->next;
		if (event->next)
			event->next->link = event->link;
		close(event->fd);
	}
	event->fd = -1;
	pthread_mutex_unlock(&lock);
}

static void make_key(void)
{
	pthread_key_create(&key, forget);
}

static int open_event(void)
{
	struct f_owner_ex owner = { .type = F_OWNER_TID };
	struct perf_event_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.size = sizeof(attr);
	attr.type = PERF_TYPE_SOFTWARE;
	attr.config = PERF_COUNT_SW_CONTEXT_SWITCHES;
	attr.sample_period = 1;
	attr.disabled = 1;
	fd = (int)RAW(SYS_perf_event_open, &attr, 0, -1, -1,
		      PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -1;
	fd = syslet_move_up(fd);
	owner.pid = (pid_t)RAW(SYS_gettid, 0);
	if (fcntl(fd, F_SETSIG, syslet_engine.cancel_signal) < 0 ||
	    fcntl(fd, F_SETOWN_EX, &owner) < 0 ||
	    fcntl(fd, F_SETFL, O_ASYNC) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The descriptor of this thread's event, or -1. */
static int own_event(void)
{
	if (LIKELY(own.life == load_acquire(&life) && own.fd))
		return own.fd;
	pthread_once(&once, make_key);
	pthread_setspecific(key, &own);
	pthread_mutex_lock(&lock);
	own.life = life;
	own.fd = open_event();
	if (own.fd > 0) {
		own.next = events;
		own.link = &events;
		if (events)
			events->link = &own.next;
		events = &own;
	}
	pthread_mutex_unlock(&lock);
	return own.fd;
}

/* A program that holds the signal back would not be interrupted. */
static bool signal_comes(void)
{
	sigset_t held;

	return !pthread_sigmask(SIG_SETMASK, NULL, &held) &&
	       !sigismember(&held, syslet_engine.cancel_signal);
}

/* False: it blocked, or cannot be tried; nothing of it has been done. */
bool syslet_takeover(struct syslet *s, long *result)
{
	word args[ARGUMENTS];
	int event;
	long got;

	if (s->asynchronous || !syslet_may_use(SYSLET_MEANS_PERF))
		return false;
	event = own_event();
	if (event < 0 || !signal_comes())
		return false;
	memcpy(args, s->args, sizeof(args));
	if (s->class == CALL_SLEEPS)
		args[1] = (word)s->rest;
	RAW(SYS_ioctl, event, PERF_EVENT_IOC_ENABLE, 0);
	got = raw_call(s->nr, args);
	RAW(SYS_ioctl, event, PERF_EVENT_IOC_DISABLE, 0);
	if (got == -EINTR) {
		s->has_rest = s->class == CALL_SLEEPS;
		return false;
	}
	*result = got;
	return true;
}

/* Asked of an engine that runs: before, there is no signal to be sent. */
bool syslet_takeover_works(void)
{
	return load_acquire(&syslet_engine.started) && own_event() > 0;
}

/* The events of all threads are closed; what they had is of an earlier life. */
void syslet_takeover_stop(void)
{
	pthread_mutex_lock(&lock);
	for (; events; events = events->next)
		close(events->fd);
	store_release(&life, life + 1);
	pthread_mutex_unlock(&lock);
}

/* The parent's events count the parent's threads. */
void syslet_takeover_forked(void)
{
	pthread_mutex_init(&lock, NULL);
	for (; events; events = events->next)
		close(events->fd);
	store_release(&life, life + 1);
}
