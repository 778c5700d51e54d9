// SPDX-License-Identifier: MIT
/*
 * From the end of a call to whoever waits for it: a syslet whose last atom
 * reads the clock ends on another processor, and its waiter reads the clock
 * again. Beside a thread that reads the clock, stores a word and wakes its
 * futex. The waiter spins on the slot (the word), or sleeps in sys_async_wait
 * (the futex). In nanoseconds, without what the two looks at the clock cost.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>

#include "bench.h"

#define TIMES 100
#define WORKERS 4
#define DELAY_NS 100000L

static struct timespec delay = { .tv_nsec = DELAY_NS };
static struct timespec posted;
static struct syslet_uatom atoms[2];
static unsigned long arguments[2][2];
static struct syslet_uatom *slots[1];
static struct async_head_user head;

static void run_on(unsigned int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static uint64_t since_posted(void)
{
	return now_ns() - ((uint64_t)posted.tv_sec * 1000000000U +
			   (uint64_t)posted.tv_nsec);
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static double median(uint64_t *times)
{
	qsort(times, TIMES, sizeof(*times), compare);
	return (double)times[TIMES / 2];
}

/* What two looks at the clock cost where nothing lies between. */
static double looks(void)
{
	uint64_t times[TIMES];

	for (int i = 0; i < TIMES; i++) {
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &posted);
		times[i] = since_posted();
	}
	return median(times);
}

static double by_syslet(int spins)
{
	uint64_t times[TIMES];

	for (int i = 0; i < TIMES; i++) {
		struct syslet_uatom **slot = slots;

		REQUIRE(!sys_async_exec(atoms, &head));
		if (spins)
			while (!__atomic_load_n(slot, __ATOMIC_ACQUIRE))
				continue;
		else
			REQUIRE(!sys_async_wait(1, 0, &head));
		times[i] = since_posted();
		REQUIRE(*slot == &atoms[1]);
		*slot = NULL;
	}
	return median(times);
}

static unsigned int word, turn, sleeps;

static void wait_for(unsigned int *futex, unsigned int value)
{
	unsigned int now;

	while ((now = __atomic_load_n(futex, __ATOMIC_SEQ_CST)) != value)
		syscall(SYS_futex, futex, FUTEX_WAIT_PRIVATE, now, NULL);
}

static void set(unsigned int *futex, unsigned int value, int wakes)
{
	__atomic_store_n(futex, value, __ATOMIC_SEQ_CST);
	if (wakes)
		syscall(SYS_futex, futex, FUTEX_WAKE_PRIVATE, 1);
}

static void *hand_over(void *argument)
{
	(void)argument;
	run_on(1);
	for (unsigned int i = 1;; i++) {
		wait_for(&turn, i);
		if (sleeps == 2)
			return NULL;
		nanosleep(&delay, NULL);
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &posted);
		set(&word, i, sleeps == 1);
	}
}

static double by_futex(int spins)
{
	static unsigned int count;
	uint64_t times[TIMES];

	sleeps = !spins;
	for (int i = 0; i < TIMES; i++) {
		set(&turn, ++count, 1);
		if (spins)
			while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) !=
			       count)
				continue;
		else
			wait_for(&word, count);
		times[i] = since_posted();
	}
	return median(times);
}

/*
 * Workers where the engine's threads are to be. More than one: it may be asked
 * for the next while the last is not idle yet, and one that it started then
 * would be on the waiter's processor.
 */
static void start_workers(void)
{
	struct syslet_uatom *started[WORKERS];
	struct async_head_user all;

	make_head(&all, started, WORKERS);
	run_on(1);
	for (int i = 0; i < WORKERS; i++)
		REQUIRE(!sys_async_exec(atoms, &all));
	REQUIRE(!sys_async_wait(WORKERS, 0, &all));
}

int main(int argc, char **argv)
{
	const int rounds = argc > 1 ? atoi(argv[1]) : 10;
	pthread_t thread;

	make_head(&head, slots, 1);
	arguments[0][0] = (unsigned long)&delay;
	arguments[1][0] = CLOCK_MONOTONIC;
	arguments[1][1] = (unsigned long)&posted;
	atoms[0].flags = SYSLET_ASYNC;
	atoms[0].nr = SYS_nanosleep;
	atoms[0].next = &atoms[1];
	atoms[0].arg_ptr[0] = &arguments[0][0];
	atoms[1].nr = SYS_clock_gettime;
	atoms[1].arg_ptr[0] = &arguments[1][0];
	atoms[1].arg_ptr[1] = &arguments[1][1];
	start_workers();
	REQUIRE(!pthread_create(&thread, NULL, hand_over, NULL));
	run_on(0);
	for (int i = 0; i < rounds; i++) {
		const double cost = looks();

		say("futex-spin", by_futex(1) - cost);
		say("syslet-spin", by_syslet(1) - cost);
		say("futex-sleep", by_futex(0) - cost);
		say("syslet-sleep", by_syslet(0) - cost);
	}
	sleeps = 2;
	set(&turn, turn + 1, 1);
	pthread_join(thread, NULL);
	return 0;
}
