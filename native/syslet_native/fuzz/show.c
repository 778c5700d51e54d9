// SPDX-License-Identifier: MIT
/*
 * Decodes streams, for a test to compare: show BASE NR... FD... < streams.
 *
 * Each is 4 bytes of size and so many bytes, both ways: out comes the arena's
 * image, and 4 bytes of each step, those among them that are taken at the end.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

#define MOST_STEPS (STREAM_STEPS + STREAM_PIPES)

static void show(const struct stream *stream, const struct arena *arena)
{
	static unsigned char shown[STREAM_ARENA_BYTES +
				   STREAM_STEP_BYTES * MOST_STEPS];
	struct step steps[MOST_STEPS];
	unsigned int count = stream->step_count;
	uint32_t size;

	memcpy(steps, stream->steps, sizeof(stream->steps));
	count += stream_closing(stream, steps + count);
	stream_image(stream, arena, shown);
	memcpy(shown + STREAM_ARENA_BYTES, steps, count * sizeof(*steps));
	size = (uint32_t)(STREAM_ARENA_BYTES + count * sizeof(*steps));
	fwrite(&size, sizeof(size), 1, stdout);
	fwrite(shown, 1, size, stdout);
}

int main(int argc, char **argv)
{
	static unsigned char data[1 << 16];
	struct arena arena;
	struct stream stream;
	uint32_t size;

	if (argc != 2 + STREAM_CALLS + STREAM_ENDS)
		return 2;
	arena.base = strtoul(argv[1], NULL, 0);
	for (unsigned int i = 0; i < STREAM_CALLS; i++)
		arena.nrs[i] = strtoul(argv[2 + i], NULL, 0);
	for (unsigned int i = 0; i < STREAM_ENDS; i++)
		arena.fds[i] = strtoul(argv[2 + STREAM_CALLS + i], NULL, 0);
	while (fread(&size, sizeof(size), 1, stdin) == 1) {
		if (size > sizeof(data) || fread(data, 1, size, stdin) != size)
			return 1;
		stream_of_bytes(&stream, data, size);
		show(&stream, &arena);
	}
	return fflush(stdout) ? 1 : 0;
}
