/* SPDX-License-Identifier: MIT */
/* A stream as a value, as syslet_conformance/fuzz/stream.py has it. */
#ifndef DECODE_H
#define DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include "stream_tables.h"

typedef unsigned long word;

/* An atom: numbers of places, but `call` and `private_number`. */
struct drawn {
	bool is_there;
	bool at_large;
	unsigned char flags, call, ret, next, count, private_number;
	unsigned char args[STREAM_ARGUMENTS];
};

struct step {
	unsigned char kind, a, b, c;
};

struct stream {
	unsigned char slots[STREAM_HEADS];
	unsigned char numbers[STREAM_NUMBER_WORDS];
	unsigned char pointers[STREAM_POINTER_WORDS];
	struct drawn atoms[STREAM_CODE_PLACES];	/* by place: the last one's */
	unsigned int step_count;
	struct step steps[STREAM_STEPS];
};

/* Where the arena is, and what its words hold that no table knows. */
struct arena {
	word base;
	word nrs[STREAM_CALLS];
	word fds[STREAM_ENDS];
};

void stream_of_bytes(struct stream *stream, const unsigned char *data,
		     size_t size);
void stream_image(const struct stream *stream, const struct arena *arena,
		  unsigned char *image);
bool stream_uses_pipes(const struct stream *stream);
unsigned int stream_closing(const struct stream *stream, struct step *steps);

static inline word place_address(const struct arena *arena, unsigned int place)
{
	return stream_places[place].at +
	       (stream_places[place].is_relative ? arena->base : 0);
}

#endif /* DECODE_H */
