// SPDX-License-Identifier: MIT
/* libFuzzer's target: any bytes are a stream, and it is played. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "confine.h"
#include "play.h"
#include "syslet.h"

/* A place that is free under the sanitizers: the same one in every run. */
#if __SIZEOF_LONG__ == 8
#define ARENA_AT 0x200000000000UL
#else
#define ARENA_AT 0x50000000UL
#endif

#define GUARD_BYTES 4096

static struct arena arena;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char *const base = mmap((void *)ARENA_AT,
				STREAM_ARENA_BYTES + GUARD_BYTES, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)argc;
	(void)argv;
	if (base == MAP_FAILED ||
	    mprotect(base, STREAM_ARENA_BYTES, PROT_READ | PROT_WRITE)) {
		perror("arena");
		exit(1);
	}
	signal(SIGPIPE, SIG_IGN);
	arena.base = (word)base;
	for (unsigned int i = 0; i < STREAM_CALLS; i++) {
		const long nr = syslet_number(stream_calls[i]);

		arena.nrs[i] = nr < 0 ? STREAM_UNKNOWN_NR : (word)nr;
	}
	confine_to(arena.base, arena.nrs);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream stream;

	stream_of_bytes(&stream, data, size);
	play(&stream, &arena);
	return 0;
}
