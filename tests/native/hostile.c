// SPDX-License-Identifier: MIT
/*
 * Streams of random bytes and of near-valid atoms: no crash, no hang, nothing
 * written outside of what they may name.
 *
 *	hostile STREAMS SEED
 *
 * Numbers are of harmless calls or of none; pointers are NULL, into the arena,
 * about its ends, or where nothing is mapped. Chains go forward or end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"
#include "syslet.h"

#define PAGE 4096
#define ATOMS 16

static char *arena;		/* one page, a hole on either side */
static unsigned char *before, *after;	/* pages that nothing names */
static int ends[2];

static unsigned long number(unsigned int *state)
{
	static const unsigned long numbers[] = {
		SYS_getpid,	    SYS_lseek,		  SYS_read,
		SYS_write,	    SYSLET_NR_UMEM_ADD,	  SYSLET_NR_ASYNC_EXEC,
		SYSLET_NR_ASYNC_WAIT, 0x71000000,	  0x7fffffff,
	};

	return numbers[drawn(state) % (sizeof(numbers) / sizeof(*numbers))];
}

static unsigned long pointer(unsigned int *state)
{
	const unsigned long base = (unsigned long)arena;

	switch (drawn(state) % 8) {
	case 0:
		return 0;
	case 1:
		return drawn(state) % PAGE; /* the first page */
	case 2:
		return ~0UL - drawn(state) % 64;
	case 3:
		return base + PAGE - drawn(state) % 96; /* straddles the end */
	case 4:
		return base - drawn(state) % 96;
	default:
		return base + (drawn(state) % PAGE & ~7UL);
	}
}

/*
 * Words that calls are given, in the third quarter: small, so that no
 * descriptor is by chance ours. All else is 0: run as an atom, a read of 0.
 */
static void fill(unsigned int *state)
{
	unsigned long *words = (unsigned long *)(void *)arena;

	memset(arena, 0, PAGE);
	for (unsigned int i = PAGE / 2 / sizeof(*words);
	     i < PAGE / 2 / sizeof(*words) + 128; i++) {
		switch (drawn(state) % 4) {
		case 0:
			words[i] = (unsigned long)ends[drawn(state) % 2];
			break;
		case 1:
			words[i] = pointer(state);
			break;
		default:
			words[i] = drawn(state) % 128 + 1000;
			break;
		}
	}
}

static void make_atoms(unsigned int *state)
{
	for (unsigned int i = 0; i < ATOMS; i++) {
		char *at = arena + i * sizeof(struct syslet_uatom);
		struct syslet_uatom atom;

		memset(&atom, 0, sizeof(atom));
		atom.nr = number(state);
		atom.flags = drawn(state) & 0xff & ~(unsigned)SYSLET_ASYNC;
		/* A call that blocks would hold a SYNC chain for good. */
		if (atom.nr == SYS_read || atom.nr == SYS_write)
			atom.flags &= ~(unsigned long)SYSLET_SYNC;
		if (drawn(state) % 2)
			atom.ret_ptr = (long *)(arena + PAGE / 2 +
						(drawn(state) % 512 & ~7U));
		if (drawn(state) % 4 && i + 1 < ATOMS)
			atom.next = (void *)(at + sizeof(atom) *
						  (1 + drawn(state) %
							       (ATOMS - i)));
		else if (drawn(state) % 8 == 0)
			atom.next = (void *)(~0UL - drawn(state) % 64);
		for (unsigned int a = 0; a < drawn(state) % 7; a++)
			atom.arg_ptr[a] = (void *)pointer(state);
		/* umem_add and read write where they are told: not to atoms. */
		if (atom.nr == SYSLET_NR_UMEM_ADD || atom.nr == SYS_read) {
			memset(atom.arg_ptr, 0, sizeof(atom.arg_ptr));
			for (unsigned int a = 0; a < 3; a++)
				atom.arg_ptr[a] =
					(void *)(arena + PAGE * 3 / 4 +
						 (drawn(state) % 512 & ~7U));
		}
		memcpy(at, &atom, sizeof(atom));
	}
	/* What those are told: into the third quarter, or nowhere. */
	for (unsigned int i = 0; i < 64; i++) {
		unsigned long *word =
			(unsigned long *)(void *)(arena + PAGE * 3 / 4) + i;

		*word = drawn(state) % 2
				? (unsigned long)arena + PAGE / 2 +
					  (drawn(state) % 512 & ~7U)
				: 1000 + drawn(state) % 8;
	}
}

/* A result may be 1, and 1 the descriptor of a write: theirs lead nowhere. */
static void move_streams(void)
{
	const int out = fcntl(1, F_DUPFD, 1 << 12);
	const int err = fcntl(2, F_DUPFD, 1 << 12);
	const int nowhere = open("/dev/null", O_RDWR);

	CHECK(out >= 0 && err >= 0 && nowhere >= 0, "streams");
	for (int fd = 0; fd < 3; fd++)
		dup2(nowhere, fd);
	stdout = fdopen(out, "w");
	stderr = fdopen(err, "w");
}

int main(int argc, char **argv)
{
	static struct async_head_user head;
	static struct syslet_uatom *ring[4];
	unsigned long streams, async = 0, errors = 0, cached = 0;
	unsigned int state;
	char *area;

	CHECK(argc == 3, "usage: hostile STREAMS SEED");
	move_streams();
	streams = strtoul(argv[1], NULL, 10);
	state = (unsigned int)atoi(argv[2]) * 2654435761U + 1;
	area = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(area != MAP_FAILED, "mmap");
	before = (unsigned char *)area;
	arena = area + 2 * PAGE;
	after = (unsigned char *)area + 4 * PAGE;
	memset(before, 0xa5, PAGE);
	memset(after, 0xa5, PAGE);
	mprotect(area + PAGE, PAGE, PROT_NONE);
	mprotect(area + 3 * PAGE, PAGE, PROT_NONE);
	for (unsigned long i = 0; i < streams; i++) {
		struct syslet_uatom *got, *first = (void *)arena;
		long waited;

		if (i % 64 == 0) {
			/* Pipes that nobody else writes to: reads end. */
			if (i) {
				close(ends[0]);
				close(ends[1]);
			}
			CHECK(!pipe2(ends, O_NONBLOCK), "pipe");
		}
		fill(&state);
		make_atoms(&state);
		if (i % 3 == 0) {
			const unsigned long at = pointer(&state);

			/* Not into the arena's words: they name any call. */
			if (at < (unsigned long)arena ||
			    at >= (unsigned long)arena + PAGE - 96)
				first = (void *)at;
		}
		memset(&head, 0, sizeof(head));
		memset(ring, 0, sizeof(ring));
		head.completion_ring = ring;
		head.ring_size_bytes = sizeof(ring);
		got = sys_async_exec(first, &head);
		errors += (long)got < 0 && (long)got >= -4095;
		cached += got == first && got;
		async += !got;
		if (!got) {
			waited = sys_async_wait(1, 0, &head);
			CHECK(waited <= 0, "wait gave %ld", waited);
		}
	}
	for (unsigned int i = 0; i < PAGE; i++)
		CHECK(before[i] == 0xa5 && after[i] == 0xa5, "byte %u", i);
	CHECK(!syslet_shutdown(), "shutdown");
	printf("cached %lu async %lu errors %lu\n", cached, async, errors);
	return 0;
}
