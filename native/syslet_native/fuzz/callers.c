// SPDX-License-Identifier: MIT
/* A thread for each call that is under way, kept for later ones. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "callers.h"
#include "stream_tables.h"
#include "syslet.h"

#define CALLERS (STREAM_STEPS + STREAM_HEADS + 1)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct caller {
	pthread_cond_t ordered, returned;
	struct call *call;	/* NULL: none to be made */
	bool is_there, is_taken;
} callers[CALLERS];

/* The next call's, so that two that follow each other have two threads. */
static unsigned int turn;

void call_make(struct call *call)
{
	struct async_head_user *head = (struct async_head_user *)call->head;
	struct syslet_uatom *atom = (struct syslet_uatom *)call->atom;

	if (call->is_wait)
		call->result = (unsigned long)sys_async_wait(
			call->min_events, call->index, head);
	else
		call->result = (unsigned long)sys_async_exec(atom, head);
}

static void *serve(void *argument)
{
	struct caller *self = argument;

	pthread_mutex_lock(&lock);
	for (;;) {
		while (!self->call)
			pthread_cond_wait(&self->ordered, &lock);
		pthread_mutex_unlock(&lock);
		call_make(self->call);
		pthread_mutex_lock(&lock);
		self->call = NULL;
		pthread_cond_signal(&self->returned);
	}
	return NULL;
}

static void start(struct caller *caller)
{
	pthread_condattr_t attributes;
	pthread_t thread;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&caller->ordered, NULL);
	pthread_cond_init(&caller->returned, &attributes);
	pthread_condattr_destroy(&attributes);
	if (pthread_create(&thread, NULL, serve, caller)) {
		fputs("no thread for a caller\n", stderr);
		exit(1);
	}
	pthread_detach(thread);
	caller->is_there = true;
}

unsigned int callers_start(struct call *call)
{
	unsigned int number;

	do
		turn = (turn + 1) % CALLERS;
	while (callers[turn].is_taken);
	number = turn;
	callers[number].is_taken = true;
	if (!callers[number].is_there)
		start(&callers[number]);
	pthread_mutex_lock(&lock);
	callers[number].call = call;
	pthread_cond_signal(&callers[number].ordered);
	pthread_mutex_unlock(&lock);
	return number;
}

bool callers_return(unsigned int number, long timeout_ms)
{
	struct caller *caller = &callers[number];
	struct timespec until;
	int error = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&lock);
	while (caller->call && !error)
		error = pthread_cond_timedwait(&caller->returned, &lock, &until);
	if (!caller->call)
		caller->is_taken = false;
	pthread_mutex_unlock(&lock);
	return !caller->is_taken;
}
