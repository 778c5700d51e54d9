// SPDX-License-Identifier: MIT
/*
 * Many submitters, small rings, forced overflow: not one completion is lost
 * or comes twice.
 *
 *	stress THREADS SYSLETS SEED [WITHOUT]
 *
 * Each thread has a ring of its own, of 1, 2, 3 or 64 slots, and more syslets
 * in flight than it holds. An entry must name a syslet in flight; what stays
 * in flight when nothing is pending must be as many as losses were reported.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"
#include "syslet.h"

#define OBJECTS 96	/* in flight at most */
#define ROUND 512	/* submissions between two moments of rest */

struct object {
	struct syslet_uatom atoms[2];
	unsigned long fd, buffer_at, size, counter, counter_at, inc, seconds[2],
		seconds_at;
	char buffer;
	bool flying, fed;
	int pipe[2];
};

struct submitter {
	pthread_t thread;
	unsigned int seed;
	unsigned long syslets, slots;
	struct async_head_user head;
	struct syslet_uatom *ring[64];
	struct object objects[OBJECTS];
	unsigned long consumed, lost, reported, cached, submitted;
};

static void prepare(struct object *o, unsigned int kind)
{
	struct syslet_uatom *first = &o->atoms[0], *last = &o->atoms[1];

	memset(o->atoms, 0, sizeof(o->atoms));
	o->fd = (unsigned long)o->pipe[0];
	o->buffer_at = (unsigned long)&o->buffer;
	o->size = 1;
	o->counter = 0;
	o->counter_at = (unsigned long)&o->counter;
	o->inc = 1;
	o->seconds[0] = 0;
	o->seconds[1] = 1000;
	o->seconds_at = (unsigned long)o->seconds;
	o->fed = true;
	first->next = last;
	last->nr = SYSLET_NR_UMEM_ADD;
	last->arg_ptr[0] = &o->counter_at;
	last->arg_ptr[1] = &o->inc;
	switch (kind % 5) {
	case 0: /* cached */
		first->nr = SYS_getpid;
		break;
	case 1:
		first->nr = SYS_getpid;
		first->flags = SYSLET_ASYNC;
		break;
	case 2:
	case 3: /* blocks until fed */
		first->nr = SYS_read;
		first->arg_ptr[0] = &o->fd;
		first->arg_ptr[1] = &o->buffer_at;
		first->arg_ptr[2] = &o->size;
		o->fed = false;
		break;
	default:
		first->nr = SYS_nanosleep;
		first->arg_ptr[0] = &o->seconds_at;
		break;
	}
}

static void consume(struct submitter *s)
{
	for (;;) {
		struct syslet_uatom **slot = &s->ring[s->head.user_ring_idx];
		struct syslet_uatom *entry =
			__atomic_load_n(slot, __ATOMIC_ACQUIRE);
		struct object *o = NULL;

		if (!entry)
			return;
		for (int i = 0; i < OBJECTS; i++)
			if (entry == &s->objects[i].atoms[1])
				o = &s->objects[i];
		CHECK(o, "entry %p names no final atom", (void *)entry);
		CHECK(o->flying, "object %ld came twice", (long)(o - s->objects));
		CHECK(o->counter == 1, "counter is %lu", o->counter);
		o->flying = false;
		__atomic_store_n(slot, NULL, __ATOMIC_RELEASE);
		s->head.user_ring_idx = (s->head.user_ring_idx + 1) % s->slots;
		s->consumed++;
	}
}

static void feed_all(struct submitter *s)
{
	for (int i = 0; i < OBJECTS; i++) {
		struct object *o = &s->objects[i];

		if (o->flying && !o->fed) {
			CHECK(write(o->pipe[1], "x", 1) == 1, "write failed");
			o->fed = true;
		}
	}
}

/* Nothing is pending, and the books are right. */
static void rest(struct submitter *s)
{
	unsigned long flying = 0;
	long error;

	feed_all(s);
	do {
		error = sys_async_wait(1UL << 30, s->head.user_ring_idx,
				       &s->head);
		CHECK(!error || error == -EFAULT, "wait gave %ld", error);
		s->reported += error != 0;
	} while (error);
	consume(s);
	for (int i = 0; i < OBJECTS; i++) {
		flying += s->objects[i].flying;
		s->objects[i].flying = false;
	}
	s->lost += flying;
	CHECK(s->lost == s->reported, "%lu lost, %lu reported", s->lost,
	      s->reported);
}

static void submit(struct submitter *s, struct object *o)
{
	const unsigned int kind = drawn(&s->seed);

	prepare(o, kind);
	for (;;) {
		struct syslet_uatom *got;

		o->flying = true;
		got = sys_async_exec(&o->atoms[0], &s->head);
		if (got == (void *)(long)-EFAULT) {
			s->reported++;
			CHECK(!o->counter, "a reporting exec ran its syslet");
			continue;
		}
		if (got) {
			CHECK(got == &o->atoms[0], "exec gave %p", (void *)got);
			CHECK(o->counter == 1, "counter is %lu", o->counter);
			o->flying = false;
			s->cached++;
		}
		break;
	}
	s->submitted++;
}

static void *run(void *argument)
{
	struct submitter *s = argument;

	for (int i = 0; i < OBJECTS; i++)
		CHECK(!pipe(s->objects[i].pipe), "pipe failed");
	while (s->submitted < s->syslets) {
		for (int n = 0; n < ROUND && s->submitted < s->syslets; n++) {
			struct object *o =
				&s->objects[drawn(&s->seed) % OBJECTS];

			if (!o->flying)
				submit(s, o);
			if (drawn(&s->seed) % 8 == 0)
				feed_all(s);
			/* Seldom enough for small rings to overflow. */
			if (drawn(&s->seed) % 4 == 0)
				consume(s);
		}
		rest(s);
	}
	for (int i = 0; i < OBJECTS; i++) {
		close(s->objects[i].pipe[0]);
		close(s->objects[i].pipe[1]);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static const unsigned long slots[] = { 1, 2, 3, 64 };
	struct syslet_options options = { .size = sizeof(options) };
	struct syslet_statistics statistics;
	unsigned long consumed = 0, lost = 0, cached = 0;
	struct submitter *submitters;
	int threads;

	CHECK(argc >= 4, "usage: stress THREADS SYSLETS SEED [WITHOUT]");
	threads = atoi(argv[1]);
	options.without = argc > 4 ? (unsigned int)atoi(argv[4]) : 0;
	CHECK(!syslet_start(&options), "syslet_start failed");
	submitters = calloc((size_t)threads, sizeof(*submitters));
	for (int i = 0; i < threads; i++) {
		struct submitter *s = &submitters[i];

		s->seed = (unsigned int)atoi(argv[3]) * 2654435761U +
			  (unsigned int)i + 1;
		s->syslets = strtoul(argv[2], NULL, 10);
		s->slots = slots[i % 4];
		s->head.completion_ring = s->ring;
		s->head.ring_size_bytes = s->slots * sizeof(s->ring[0]);
		CHECK(!pthread_create(&s->thread, NULL, run, s), "no thread");
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(submitters[i].thread, NULL);
		consumed += submitters[i].consumed;
		lost += submitters[i].lost;
		cached += submitters[i].cached;
	}
	syslet_statistics(&statistics, sizeof(statistics));
	CHECK(statistics.pending == 0, "%u pending", statistics.pending);
	CHECK(statistics.overflows == lost, "overflows");
	CHECK(statistics.cachemisses == consumed + lost, "cachemisses");
	CHECK(!syslet_shutdown(), "shutdown failed");
	printf("cached %lu consumed %lu lost %lu\n", cached, consumed, lost);
	free(submitters);
	return 0;
}
