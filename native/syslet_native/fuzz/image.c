// SPDX-License-Identifier: MIT
/* What lies in the arena when a stream starts: stream.image. */
#include <string.h>

#include "decode.h"
#include "syslet.h"

static void put_word(unsigned char *image, size_t offset, word value)
{
	memcpy(image + offset, &value, sizeof(value));
}

static void put_head(unsigned char *image, const struct arena *arena,
		     unsigned int head, word slots)
{
	const word ring = arena->base + stream_rings[head];
	const struct async_head_user fresh = {
		.completion_ring = (struct syslet_uatom **)ring,
		.ring_size_bytes = slots * sizeof(word),
	};

	memcpy(image + stream_heads[head], &fresh, sizeof(fresh));
}

/* As far as it lies in the arena. */
static void put_atom(unsigned char *image, const struct arena *arena,
		     unsigned int place, const struct drawn *drawn)
{
	const size_t start = stream_places[place].at;
	const size_t room = STREAM_ARENA_BYTES - start;
	struct syslet_uatom atom;

	memset(&atom, 0, sizeof(atom));
	atom.flags = drawn->flags;
	if (drawn->at_large)
		atom.flags |= STREAM_FLAGS_AT_LARGE;
	atom.nr = arena->nrs[drawn->call];
	atom.ret_ptr = (long *)place_address(arena, drawn->ret);
	atom.next = (struct syslet_uatom *)place_address(arena, drawn->next);
	for (unsigned int i = 0; i < drawn->count; i++)
		atom.arg_ptr[i] =
			(word *)place_address(arena, drawn->args[i]);
	atom.private_data = (void *)stream_numbers[drawn->private_number];
	memcpy(image + start, &atom, room < sizeof(atom) ? room : sizeof(atom));
}

void stream_image(const struct stream *stream, const struct arena *arena,
		  unsigned char *image)
{
	size_t offset = 0;

	memset(image, 0, STREAM_ARENA_BYTES);
	for (unsigned int i = 0; i < STREAM_HEADS; i++)
		put_head(image, arena, i, stream->slots[i]);
	put_word(image, STREAM_BAD, ~0UL);
	for (unsigned int i = 0; i < STREAM_NUMBER_WORDS; i++) {
		put_word(image, offset, stream_numbers[stream->numbers[i]]);
		offset += sizeof(word);
	}
	for (unsigned int i = 0; i < STREAM_POINTER_WORDS; i++) {
		put_word(image, offset,
			 place_address(arena, stream->pointers[i]));
		offset += sizeof(word);
	}
	for (unsigned int i = 0; i < STREAM_ENDS; i++) {
		put_word(image, offset, arena->fds[i]);
		offset += sizeof(word);
	}
	for (unsigned int i = 0; i < STREAM_CODE_PLACES; i++)
		if (stream->atoms[i].is_there)
			put_atom(image, arena, STREAM_CODE_FIRST + i,
				 &stream->atoms[i]);
}
