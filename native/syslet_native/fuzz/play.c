// SPDX-License-Identifier: MIT
/*
 * The steps, as play.play takes them, and the end: whatever waits is let go,
 * nothing is pending, every entry is taken, and the engine forgets the heads.
 */
#include <string.h>
#include <time.h>

#include "atomic.h"
#include "callers.h"
#include "confine.h"
#include "pipes.h"
#include "play.h"
#include "rules.h"
#include "syslet.h"

#define SOON_MS 1	/* a call that takes longer waits for a later step */
#define PATIENT_MS 20	/* after which all ends of the pipes are closed */
#define HANG_MS 10000

#define MOST_STEPS (STREAM_STEPS + STREAM_PIPES)
#define MOST_WAITS 10000
#define ALL_EVENTS 99

/* A call that has not returned by its own step, or was not to. */
struct late {
	struct call call;
	unsigned int caller;
	unsigned int head;
	bool has_returned;
};

struct player {
	const struct stream *stream;
	const struct arena *arena;
	struct outcome outcome;
	struct late late[MOST_STEPS + STREAM_HEADS];
	unsigned int late_count;
	bool uses_pipes;
};

static word *word_at(const struct player *p, size_t offset)
{
	return (word *)(p->arena->base + offset);
}

static word *user_index(const struct player *p, unsigned int head)
{
	return word_at(p, stream_heads[head] +
				  offsetof(struct async_head_user,
					   user_ring_idx));
}

static word head_address(const struct player *p, unsigned int head)
{
	return p->arena->base + stream_heads[head];
}

static void returned(struct player *p, const struct late *late)
{
	if (late->call.is_wait)
		rules_of_wait(&p->outcome, late->head, late->call.result);
	else
		rules_of_exec(&p->outcome, late->head, late->call.atom,
			      late->call.result);
}

static void start(struct player *p, unsigned int head, struct call call,
		  long timeout_ms)
{
	struct late *late = &p->late[p->late_count];

	late->call = call;
	late->head = head;
	late->caller = callers_start(&late->call);
	late->has_returned = callers_return(late->caller, timeout_ms);
	if (late->has_returned)
		returned(p, late);
	else
		p->late_count++;
}

static void make(struct player *p, unsigned int head, struct call call)
{
	struct late now = { .call = call, .head = head };

	if (p->uses_pipes) {
		start(p, head, call, SOON_MS);
		return;
	}
	call_make(&now.call);
	returned(p, &now);
}

static void exec(struct player *p, const struct step *step)
{
	make(p, step->b,
	     (struct call){
		     .atom = place_address(p->arena, step->a),
		     .head = head_address(p, step->b),
	     });
}

static struct call wait_for(const struct player *p, unsigned int head,
			    word min_events, word index)
{
	return (struct call){
		.is_wait = true,
		.min_events = min_events,
		.index = index,
		.head = head_address(p, head),
	};
}

/* As a program does; none where the index is not one of the ring. */
static void consume(struct player *p, unsigned int head, unsigned int most)
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

static void take(struct player *p, const struct step *step, unsigned int number)
{
	switch ((enum step_kind)step->kind) {
	case STEP_EXEC:
		exec(p, step);
		break;
	case STEP_WAIT:
		make(p, step->b,
		     wait_for(p, step->b, stream_waits[step->a],
			      load_relaxed(user_index(p, step->b))));
		break;
	case STEP_CONSUME:
		consume(p, step->b, step->a);
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

static void gather(struct player *p, long timeout_ms)
{
	for (unsigned int i = 0; i < p->late_count; i++) {
		struct late *late = &p->late[i];

		if (late->has_returned)
			continue;
		late->has_returned = callers_return(late->caller, timeout_ms);
		if (late->has_returned)
			returned(p, late);
		else
			timeout_ms = 0;
	}
}

static bool is_pending(void)
{
	struct syslet_statistics now;

	syslet_statistics(&now, sizeof(now));
	return now.pending;
}

static void outwait_pending(long timeout_ms)
{
	static const struct timespec lap = { .tv_nsec = 1000000 };

	while (is_pending() && timeout_ms-- > 0)
		nanosleep(&lap, NULL);
}

/* Every call has returned, a wait for all events among them, of each head. */
static void let_all_go(struct player *p)
{
	for (unsigned int i = 0; i < STREAM_HEADS; i++)
		start(p, i, wait_for(p, i, ALL_EVENTS, 0), 0);
	gather(p, PATIENT_MS);
	outwait_pending(PATIENT_MS);
	pipes_close_all();
	gather(p, HANG_MS);
	for (unsigned int i = 0; i < p->late_count; i++)
		if (!p->late[i].has_returned)
			rule_broken(p->late[i].call.is_wait
					    ? "wait does not return"
					    : "exec does not return");
	outwait_pending(HANG_MS);
	if (is_pending())
		rule_broken("a syslet is pending for ever");
}

/* What is left: errors, which come one a call, then the entries. */
static void take_the_rest(struct player *p, unsigned int head)
{
	for (unsigned int i = 0; i < STREAM_REPORTS; i++) {
		const unsigned int before = p->outcome.errors[head];
		struct late late = {
			.call = wait_for(p, head, ALL_EVENTS, 0),
			.head = head,
		};

		call_make(&late.call);
		returned(p, &late);
		if (p->outcome.errors[head] == before)
			break;
	}
	consume(p, head, 0);
}

/* So that no error of this stream is told to the next. */
static void forget(struct player *p, unsigned int head)
{
	const struct async_head_user fresh = {
		.completion_ring = (struct syslet_uatom **)word_at(
			p, stream_rings[head]),
		.ring_size_bytes = sizeof(word),
	};
	struct call call = wait_for(p, head, ALL_EVENTS, 0);

	memcpy((void *)head_address(p, head), &fresh, sizeof(fresh));
	for (unsigned int i = 0; i < MOST_WAITS; i++) {
		call_make(&call);
		if (!call.result)
			return;
	}
	rule_broken("a head's errors have no end");
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
		gather(&p, 0);
	}
	for (unsigned int i = 0; i < closes; i++)
		take(&p, &closing[i], 0);
	let_all_go(&p);
	confine_return();
	for (unsigned int i = 0; i < STREAM_HEADS; i++)
		take_the_rest(&p, i);
	rules_at_end(&p.outcome, stream, arena);
	for (unsigned int i = 0; i < STREAM_HEADS; i++)
		forget(&p, i);
}
