// SPDX-License-Identifier: MIT
/*
 * One thread reads requests, and serves those that cannot block. Before one
 * that can, it lets another thread read, and makes the call itself: so an
 * answer that comes at once costs no switch.
 */
#include <pthread.h>

#include "host.h"

#define IDLE 4			/* threads kept that have nothing to do */
#define STACK_BYTES ((size_t)256 * 1024)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static bool somebody_reads = true;	/* main starts with it */
static unsigned int idle;

static int start_thread(void)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int error;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	error = pthread_create(&thread, &attributes, read_requests, NULL);
	pthread_attr_destroy(&attributes);
	return -error;
}

/* Let another thread read; where there is none to be had, it is still us. */
int stop_reading(void)
{
	int error = 0;

	pthread_mutex_lock(&lock);
	if (!idle)
		error = start_thread();
	if (!error) {
		somebody_reads = false;
		pthread_cond_signal(&turn);
	}
	pthread_mutex_unlock(&lock);
	return error;
}

bool wait_to_read(bool may_end)
{
	bool reads = false;

	pthread_mutex_lock(&lock);
	if (idle < IDLE || !may_end) {
		idle++;
		while (somebody_reads)
			pthread_cond_wait(&turn, &lock);
		somebody_reads = reads = true;
		idle--;
	}
	pthread_mutex_unlock(&lock);
	return reads;
}
