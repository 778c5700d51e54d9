// SPDX-License-Identifier: MIT
/* Any bytes to the stream that they are: stream.of_bytes. */
#include <string.h>

#include "decode.h"

static void decode_atom(struct stream *stream, const unsigned char *data)
{
	struct drawn *atom = &stream->atoms[data[0] % STREAM_CODE_PLACES];

	memset(atom, 0, sizeof(*atom));
	atom->is_there = true;
	atom->flags = data[1];
	atom->call = data[2] % STREAM_CALLS;
	atom->ret = data[3] % STREAM_PLACES;
	atom->next = data[4] % STREAM_PLACES;
	atom->count = data[5] % (STREAM_ARGUMENTS + 1);
	atom->private_number = data[6] % 128 % STREAM_NUMBERS;
	atom->at_large = data[6] >= 128;
	for (unsigned int i = 0; i < atom->count; i++)
		atom->args[i] = data[8 + i] % STREAM_PLACES;
}

static void decode_step(struct step *step, const unsigned char *data)
{
	const unsigned short *limits;

	step->kind = data[0] % STREAM_KINDS;
	limits = stream_limits[step->kind];
	step->a = (unsigned char)(data[1] % limits[0]);
	step->b = (unsigned char)(data[2] % limits[1]);
	step->c = (unsigned char)(data[3] % limits[2]);
}

void stream_of_bytes(struct stream *stream, const unsigned char *data,
		     size_t size)
{
	unsigned char whole[STREAM_MOST_BYTES] = { 0 };
	const unsigned char *at = whole + STREAM_HEADER_BYTES;
	unsigned int atom_count;

	memset(stream, 0, sizeof(*stream));
	if (size)
		memcpy(whole, data, size < sizeof(whole) ? size : sizeof(whole));
	for (unsigned int i = 0; i < STREAM_HEADS; i++)
		stream->slots[i] = (unsigned char)(whole[i] % STREAM_SLOTS + 1);
	atom_count = whole[2] % (STREAM_ATOMS + 1);
	stream->step_count = whole[3] % (STREAM_STEPS + 1);
	for (unsigned int i = 0; i < STREAM_NUMBER_WORDS; i++)
		stream->numbers[i] = whole[4 + i] % STREAM_NUMBERS;
	for (unsigned int i = 0; i < STREAM_POINTER_WORDS; i++)
		stream->pointers[i] =
			whole[4 + STREAM_NUMBER_WORDS + i] % STREAM_PLACES;
	for (unsigned int i = 0; i < atom_count; i++, at += STREAM_ATOM_BYTES)
		decode_atom(stream, at);
	for (unsigned int i = 0; i < stream->step_count;
	     i++, at += STREAM_STEP_BYTES)
		decode_step(&stream->steps[i], at);
}

static bool is_end(unsigned int place)
{
	return place >= STREAM_ENDS_FIRST &&
	       place < STREAM_ENDS_FIRST + STREAM_ENDS;
}

static bool is_of_pipes(const struct step *step)
{
	return step->kind == STEP_FEED || step->kind == STEP_DRAIN ||
	       step->kind == STEP_CLOSE || step->kind == STEP_FILL ||
	       step->kind == STEP_EMPTY;
}

/* Whether an argument or a step names a pipe. */
bool stream_uses_pipes(const struct stream *stream)
{
	for (unsigned int i = 0; i < STREAM_CODE_PLACES; i++)
		for (unsigned int j = 0; j < stream->atoms[i].count; j++)
			if (is_end(stream->atoms[i].args[j]))
				return true;
	for (unsigned int i = 0; i < stream->step_count; i++)
		if (is_of_pipes(&stream->steps[i]))
			return true;
	return false;
}

/*
 * The steps that let go whatever waits for a pipe, for a stream that uses
 * them: how many, one for each pipe at most.
 */
unsigned int stream_closing(const struct stream *stream, struct step *steps)
{
	bool full[STREAM_PIPES] = { false }, closed[STREAM_ENDS] = { false };
	unsigned int count = 0;

	if (!stream_uses_pipes(stream))
		return 0;
	for (unsigned int i = 0; i < stream->step_count; i++) {
		const struct step *step = &stream->steps[i];

		if (step->kind == STEP_FILL)
			full[step->a] = true;
		if (step->kind == STEP_CLOSE)
			closed[step->a] = true;
	}
	for (unsigned int pipe = 0; pipe < STREAM_PIPES; pipe++) {
		const unsigned char end = stream_closes[full[pipe]][pipe];

		if (!closed[end])
			steps[count++] = (struct step){ STEP_CLOSE, end, 0, 0 };
	}
	return count;
}
