// SPDX-License-Identifier: MIT
/*
 * readers COUNT: as many reads of one pipe are pending at once, and each
 * completes once. Then a read is pending, its byte comes, and at once the
 * next read is submitted: its exec must return, though the byte is taken
 * under it, or it would do so never, since the next byte comes after it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "syslet.h"

#define TURNS	20000
#define LIMIT_S	60	/* an exec that does not return is ended by SIGALRM */

static int ends[2];

static void fail(const char *why)
{
	fprintf(stderr, "%s\n", why);
	exit(1);
}

/* What the atoms of one thread point to. */
struct read {
	unsigned long fd, size;
	char byte;
	void *into;
};

static void set(struct syslet_uatom *atom, struct read *read, long *got)
{
	read->fd = (unsigned long)ends[0];
	read->size = 1;
	read->into = &read->byte;
	*atom = (struct syslet_uatom){
		.nr = SYS_read,
		.ret_ptr = got,
		.arg_ptr = { &read->fd, (unsigned long *)&read->into,
			     &read->size },
	};
	*got = -1;
}

static void feed(size_t count)
{
	while (count--)
		if (write(ends[1], "x", 1) != 1)
			fail("the pipe is not fed");
}

static void many_at_once(size_t count)
{
	struct syslet_uatom *atoms = calloc(count, sizeof(*atoms));
	struct syslet_uatom **ring = calloc(count, sizeof(*ring));
	long *got = calloc(count, sizeof(*got));
	struct async_head_user head = {
		.completion_ring = ring,
		.ring_size_bytes = count * sizeof(*ring),
	};
	struct read read;

	if (!atoms || !ring || !got)
		fail("no memory");
	for (size_t i = 0; i < count; i++) {
		set(&atoms[i], &read, &got[i]);
		if (sys_async_exec(&atoms[i], &head))
			fail("a read of an empty pipe is not pending");
	}
	feed(count);
	if (sys_async_wait(count, 0, &head))
		fail("wait");
	for (size_t i = 0; i < count; i++) {
		if (!ring[i])
			fail("an entry is missing");
		if (got[ring[i] - atoms] != 1)
			fail("an entry came twice, or before its result");
		got[ring[i] - atoms] = -1;
	}
	free(atoms);
	free(ring);
	free(got);
}

static void one_after_the_other(void)
{
	struct syslet_uatom *ring[1] = { NULL };
	struct async_head_user head = {
		.completion_ring = ring,
		.ring_size_bytes = sizeof(ring),
	};
	struct syslet_uatom atoms[2], *next = &atoms[1];
	struct read reads[2];
	long got[2];

	set(&atoms[0], &reads[0], &got[0]);
	if (sys_async_exec(&atoms[0], &head))
		fail("a read of an empty pipe is not pending");
	for (int i = 0; i < TURNS; i++) {
		set(next, &reads[next - atoms], &got[next - atoms]);
		feed(1);
		next = sys_async_exec(next, &head);
		if (!next) {
			if (sys_async_wait(1, 0, &head))
				fail("wait for one of two");
			next = ring[0];
			__atomic_store_n(ring, NULL, __ATOMIC_RELEASE);
		}
		if (got[next - atoms] != 1)
			fail("a read ended without its byte");
	}
	feed(1);
	if (sys_async_wait(1, 0, &head) || !ring[0])
		fail("the last read has not ended");
}

int main(int count, char **words)
{
	if (count != 2 || pipe(ends))
		fail("usage: readers COUNT");
	alarm(LIMIT_S);
	many_at_once(strtoul(words[1], NULL, 0));
	one_after_the_other();
	return 0;
}
