// SPDX-License-Identifier: MIT
/* The steps of a stream, as play.play takes them. */
#include <string.h>

#include "atomic.h"
#include "confine.h"
#include "pipes.h"
#include "play.h"
#include "player.h"

#define SOON_MS 1	/* a call that takes longer waits for a later step */

void player_returned(struct player *p, const struct late *late)
{
	if (late->call.is_wait)
		rules_of_wait(&p->outcome, late->head, late->call.result);
	else
		rules_of_exec(&p->outcome, late->head, late->call.atom,
			      late->call.result);
}

void player_start(struct player *p, unsigned int head, struct call call,
		  long timeout_ms)
{
	struct late *late = &p->late[p->late_count];

	late->call = call;
	late->head = head;
	late->caller = callers_start(&late->call);
	late->has_returned = callers_return(late->caller, timeout_ms);
	if (late->has_returned)
		player_returned(p, late);
	else
		p->late_count++;
}

static void make(struct player *p, unsigned int head, struct call call)
{
	struct late now = { .call = call, .head = head };

	if (p->uses_pipes || call.is_wait) {
		player_start(p, head, call, p->uses_pipes ? SOON_MS : HANG_MS);
		return;
	}
	call_make(&now.call);
	player_returned(p, &now);
}

static void exec(struct player *p, const struct step *step)
{
	make(p, step->b,
	     (struct call){
		     .atom = place_address(p->arena, step->a),
		     .head = head_address(p, step->b),
	     });
}

/* As a program does; none where the index is not one of the ring. */
void player_consume(struct player *p, unsigned int head, unsigned int most)
{
	const word slots = p->stream->slots[head];
	word *const index_at = user_index(p, head);
	word index = load_relaxed(index_at);

	for (unsigned int taken = 0; index < slots && (!most || taken < most);
	     taken++) {
		word *const slot = word_at(p, stream_rings[head]) + index;
		const word entry = load_acquire(slot);

		if (!entry)
			break;
		store_release(slot, 0);
		index = (index + 1) % slots;
		store_relaxed(index_at, index);
		rules_of_entry(&p->outcome, head, p->arena, entry);
	}
}

/* As far as it lies in the arena. */
static void store(const struct player *p, unsigned int place, size_t more,
		  const void *data, size_t count)
{
	const size_t offset = stream_places[place].at + more;

	if (!stream_places[place].is_relative ||
	    offset + count > STREAM_ARENA_BYTES)
		return;
	confine_note_write(p->arena->base + offset, count);
	memcpy((char *)p->arena->base + offset, data, count);
}

/* The index that a step passes to wait, or that the program has come to. */
static word index_of(const struct player *p, const struct step *step)
{
	return step->c ? (step->c - 1U) % p->stream->slots[step->b]
		       : load_relaxed(user_index(p, step->b));
}

static void take(struct player *p, const struct step *step, unsigned int number)
{
	switch ((enum step_kind)step->kind) {
	case STEP_EXEC:
		exec(p, step);
		break;
	case STEP_WAIT:
		make(p, step->b,
		     wait_for(p, step->b, stream_waits[step->a],
			      index_of(p, step)));
		break;
	case STEP_CONSUME:
		player_consume(p, step->b, step->a);
		break;
	case STEP_FEED:
		pipes_feed(step->a, (int)number + 1, step->b + 1U);
		break;
	case STEP_DRAIN:
		pipes_drain(step->a, step->b + 1U);
		break;
	case STEP_CLOSE:
		pipes_close(step->a);
		break;
	case STEP_STORE:
		store(p, step->a, 0, &stream_numbers[step->b], sizeof(word));
		break;
	case STEP_POKE:
		store(p, step->a, step->b, &step->c, 1);
		break;
	case STEP_FILL:
		pipes_feed(step->a, 0, STREAM_FILL_BYTES);
		break;
	case STEP_EMPTY:
		pipes_drain(step->a, STREAM_DRAIN_BYTES);
		break;
	}
}

void play(const struct stream *stream, struct arena *arena)
{
	struct player p = { .stream = stream, .arena = arena };
	struct step closing[STREAM_PIPES];
	const unsigned int closes = stream_closing(stream, closing);

	p.uses_pipes = stream_uses_pipes(stream);
	memset(arena->fds, 0xff, sizeof(arena->fds));
	if (p.uses_pipes)
		pipes_open(arena->fds);
	confine_begin();
	stream_image(stream, arena, (unsigned char *)arena->base);
	for (unsigned int i = 0; i < stream->step_count; i++) {
		take(&p, &stream->steps[i], i);
		player_gather(&p, 0);
	}
	for (unsigned int i = 0; i < closes; i++)
		take(&p, &closing[i], 0);
	player_finish(&p);
}
