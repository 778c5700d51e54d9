// SPDX-License-Identifier: MIT
/* What a stream may touch and call, and what it has. */
#include <string.h>

#include "atomic.h"
#include "confine.h"
#include "decode.h"
#include "engine.h"
#include "pipes.h"

enum call { UMEM_ADD, GETPID, READ, WRITE, LSEEK };

static word base;
static const word *numbers;	/* of stream_calls */

/* Written by whichever thread runs an atom, read when none does; relaxed. */
static struct seen seen;
static unsigned char written[STREAM_ARENA_BYTES];
static unsigned char fetched[STREAM_ARENA_BYTES];
static unsigned int atoms;

void confine_to(word arena, const word *nrs)
{
	base = arena;
	numbers = nrs;
}

void confine_begin(void)
{
	memset(&seen, 0, sizeof(seen));
	memset(written, 0, sizeof(written));
	memset(fetched, 0, sizeof(fetched));
	store_relaxed(&atoms, 0);
}

void confine_return(void)
{
	store_relaxed(&atoms, 0);
}

struct seen confine_seen(void)
{
	return seen;
}

static bool is_there(void)
{
	return load_relaxed(&atoms) <= CONFINE_ATOMS;
}

word confined(word address)
{
	const word offset = address - base;

	if (offset > STREAM_ARENA_BYTES - sizeof(word) || !is_there())
		store_relaxed(&seen.faulted, true);
	if (offset < STREAM_ARENA_BYTES && is_there())
		return address; /* of what is cut off, the page behind faults */
	return base + STREAM_ARENA_BYTES;
}

void confine_note_write(word address, word count)
{
	word offset = address - base;

	for (; count && offset < STREAM_ARENA_BYTES; count--, offset++)
		store_relaxed(&written[offset], 1);
}

bool confine_was_written(word offset)
{
	return load_relaxed(&written[offset]);
}

bool confine_was_fetched(word offset)
{
	return offset < STREAM_ARENA_BYTES && load_relaxed(&fetched[offset]);
}

/* Which of stream_calls; none is `unknown`, which any number may be. */
static unsigned int call_of(word nr)
{
	for (unsigned int call = 0; call < STREAM_CALLS; call++)
		if (numbers[call] == nr)
			return call;
	return STREAM_CALLS;
}

static void confine_transfer(word *args)
{
	if (!pipes_have(args[0]))
		args[0] = ~0UL;
	if (args[1] - base >= STREAM_ARENA_BYTES)
		args[1] = base + STREAM_ARENA_BYTES;
}

void note_fetched(const struct syslet *s)
{
	if (s->last - base < STREAM_ARENA_BYTES)
		store_relaxed(&fetched[s->last - base], 1);
	if (s->last_flags & SYSLET_NO_COMPLETE)
		store_relaxed(&seen.no_complete, true);
	if (add_full(&atoms, 1) >= CONFINE_ATOMS)
		store_relaxed(&seen.gone, true);
}

void confine_call(const struct syslet *s, word *nr, word *args)
{
	const unsigned int call = call_of(*nr);

	confine_note_write(s->ret_ptr, sizeof(word));
	if (call == STREAM_CALLS || load_relaxed(&seen.gone)) {
		*nr = STREAM_UNKNOWN_NR;
	} else if (call == UMEM_ADD) {
		confine_note_write(args[0], sizeof(word));
	} else if (call == READ || call == WRITE) {
		confine_transfer(args);
		if (call == READ)
			confine_note_write(args[1], args[2]);
	} else if (call == LSEEK && !pipes_have(args[0])) {
		args[0] = ~0UL;
	}
}
