// SPDX-License-Identifier: MIT
/*
 * Workers: threads for what may block and has no better means, and for what is
 * to go on beside its caller. There is an idle one for each syslet that waits
 * for one, so nothing waits behind a call that blocks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "atomic.h"
#include "engine.h"

#define IDLE_S 5	/* after which a worker ends */

struct worker {
	pthread_t thread;
	struct worker *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static pthread_cond_t gone = PTHREAD_COND_INITIALIZER;
static struct syslet *first, **end = &first;
static uint32_t queued, idle, workers;
static struct worker *ended;	/* to be joined */

static struct syslet *take(void)
{
	struct syslet *s = first;

	first = s->queue_next;
	if (!first)
		end = &first;
	queued--;
	return s;
}

static void join_ended(void)
{
	while (ended) {
		struct worker *w = ended;

		ended = w->next;
		pthread_join(w->thread, NULL);
		free(w);
	}
}

static void *work_on(void *argument)
{
	struct worker *self = argument;

	pthread_mutex_lock(&lock);
	for (;;) {
		struct timespec until;
		struct syslet *s;
		int error = 0;

		idle++;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += IDLE_S;
		while (!first && error != ETIMEDOUT &&
		       !load_acquire(&syslet_engine.closing))
			error = pthread_cond_timedwait(&work, &lock, &until);
		idle--;
		if (!first)
			break;
		s = take();
		pthread_mutex_unlock(&lock);
		s->on_worker = true;
		syslet_continue(s);
		pthread_mutex_lock(&lock);
	}
	workers--;
	self->next = ended;
	ended = self;
	pthread_cond_signal(&gone);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static int start_worker(void)
{
	struct worker *w = malloc(sizeof(*w));
	int error;

	if (!w)
		return -ENOMEM;
	workers++;
	error = syslet_spawn(work_on, w, &w->thread);
	if (error) {
		workers--;
		free(w);
	} else {
		add_relaxed(&syslet_engine.workers_started, 1);
	}
	return error;
}

/* 0, or -errno where no thread can take it; then it is not queued. */
int syslet_pool_submit(struct syslet *s)
{
	int error = 0;

	pthread_mutex_lock(&lock);
	join_ended();
	if (load_acquire(&syslet_engine.closing))
		error = -EINTR;
	else if (queued >= idle)
		error = start_worker();
	if (!error) {
		s->queue_next = NULL;
		*end = s;
		end = &s->queue_next;
		queued++;
		pthread_cond_signal(&work);
	}
	pthread_mutex_unlock(&lock);
	return error;
}

/* The same, for an atom whose call was attempted and would block. */
int syslet_pool_submit_call(struct syslet *s)
{
	int error;

	s->call_pending = true;
	error = syslet_pool_submit(s);
	if (error)
		s->call_pending = false;
	return error;
}

/* Every worker is gone when this returns; what they ran was ended. */
void syslet_pool_stop(void)
{
	pthread_mutex_lock(&lock);
	pthread_cond_broadcast(&work);
	while (workers) {
		struct timespec until;

		pthread_mutex_unlock(&lock);
		syslet_interrupt_blocked();
		pthread_mutex_lock(&lock);
		if (!workers)
			break;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 1000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&gone, &lock, &until);
	}
	join_ended();
	pthread_mutex_unlock(&lock);
}

void syslet_pool_forked(void)
{
	pthread_mutex_init(&lock, NULL);
	pthread_cond_init(&work, NULL);
	pthread_cond_init(&gone, NULL);
	first = NULL;
	end = &first;
	queued = idle = workers = 0;
	ended = NULL;
}

uint32_t syslet_pool_workers(void)
{
	uint32_t count;

	pthread_mutex_lock(&lock);
	count = workers;
	pthread_mutex_unlock(&lock);
	return count;
}
