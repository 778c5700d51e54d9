// SPDX-License-Identifier: MIT
/* The rules; each names those streams of which it holds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "confine.h"
#include "rules.h"
#include "syslet.h"

_Noreturn void rule_broken(const char *what)
{
	fprintf(stderr, "rule broken: %s\n", what);
	abort();
}

static bool is_error(word result)
{
	return result > ~0UL - STREAM_ERRORS;
}

void rules_of_exec(struct outcome *outcome, unsigned int head, word atom,
		   word result)
{
	if (head >= STREAM_HEADS && (!result || is_error(result)))
		return; /* where it is told is nowhere */
	if (!result)
		outcome->went[head]++;
	else if (is_error(result))
		outcome->errors[head]++;
	else if (result != atom)
		rule_broken("exec gave neither NULL, its atom nor an error");
}

void rules_of_wait(struct outcome *outcome, unsigned int head, word result)
{
	if (is_error(result))
		outcome->errors[head]++;
	else if (result)
		rule_broken("wait gave neither 0 nor an error");
}

static bool was_written(size_t start, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (confine_was_written(start + i))
			return true;
	return false;
}

/* Whether the stream, not the engine, wrote into a head or its ring. */
static bool wrote_into(unsigned int head)
{
	return was_written(stream_heads[head],
			   sizeof(struct async_head_user)) ||
	       was_written(stream_rings[head], STREAM_SLOTS * sizeof(word));
}

void rules_of_entry(struct outcome *outcome, unsigned int head,
		    const struct arena *arena, word entry)
{
	outcome->entries[head]++;
	if (!wrote_into(head) && !confine_was_fetched(entry - arena->base))
		rule_broken("an entry is not the address of an atom that was fetched");
}

/*
 * A syslet that went asynchronous completes once, with an entry or an error;
 * with none of them where it says so, or its first atom is not there.
 */
static void each_completes_once(const struct outcome *outcome,
				unsigned int head)
{
	const struct seen seen = confine_seen();
	const unsigned int went = outcome->went[head];
	const unsigned int entries = outcome->entries[head];

	if (entries > went)
		rule_broken("more entries than syslets went asynchronous");
	if (!seen.faulted && !seen.no_complete &&
	    entries + outcome->errors[head] != went)
		rule_broken(entries + outcome->errors[head] > went
				    ? "a completion too many"
				    : "a completion too few");
}

/* As many steps on as there were entries. */
static void the_index_follows(const struct outcome *outcome, unsigned int head,
			      const struct stream *stream,
			      const struct arena *arena)
{
	struct async_head_user now;
	const word slots = stream->slots[head];

	memcpy(&now, (const void *)(arena->base + stream_heads[head]),
	       sizeof(now));
	if (now.kernel_ring_idx >= slots)
		rule_broken("the kernel's index is out of range");
	if (now.kernel_ring_idx != outcome->entries[head] % slots)
		rule_broken("the kernel's index is not that of the entries");
}

/* The slots of a ring, and the two indexes of its head. */
static bool is_of_engine(const struct stream *stream, size_t offset)
{
	for (unsigned int i = 0; i < STREAM_HEADS; i++)
		if (offset - stream_rings[i] <
			    stream->slots[i] * sizeof(word) ||
		    offset - stream_heads[i] <
			    offsetof(struct async_head_user, completion_ring))
			return true;
	return false;
}

static void nothing_else_changed(const struct stream *stream,
				 const struct arena *arena)
{
	static unsigned char before[STREAM_ARENA_BYTES];
	const unsigned char *now = (const unsigned char *)arena->base;

	stream_image(stream, arena, before);
	for (size_t i = 0; i < sizeof(before); i++)
		if (now[i] != before[i] && !confine_was_written(i) &&
		    !is_of_engine(stream, i))
			rule_broken("memory changed that nothing names");
}

void rules_at_end(const struct outcome *outcome, const struct stream *stream,
		  const struct arena *arena)
{
	nothing_else_changed(stream, arena);
	if (confine_seen().gone)
		return;
	for (unsigned int i = 0; i < STREAM_HEADS; i++)
		if (!wrote_into(i)) {
			each_completes_once(outcome, i);
			the_index_follows(outcome, i, stream, arena);
		}
}
