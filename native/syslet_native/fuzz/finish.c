// SPDX-License-Identifier: MIT
/*
 * The end of a stream: whatever waits is let go, nothing is pending, every
 * entry is taken, the rules are looked at, and the engine forgets the heads.
 */
#include <string.h>
#include <time.h>

#include "confine.h"
#include "pipes.h"
#include "player.h"

#define PATIENT_MS 20	/* after which all ends of the pipes are closed */
#define MOST_WAITS 10000
#define ALL_EVENTS 99

void player_gather(struct player *p, long timeout_ms)
{
	for (unsigned int i = 0; i < p->late_count; i++) {
		struct late *late = &p->late[i];

		if (late->has_returned)
			continue;
		late->has_returned = callers_return(late->caller, timeout_ms);
		if (late->has_returned)
			player_returned(p, late);
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
		player_start(p, i, wait_for(p, i, ALL_EVENTS, 0), 0);
	player_gather(p, PATIENT_MS);
	outwait_pending(PATIENT_MS);
	pipes_close_all();
	player_gather(p, HANG_MS);
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
		player_returned(p, &late);
		if (p->outcome.errors[head] == before)
			break;
	}
	player_consume(p, head, 0);
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

void player_finish(struct player *p)
{
	let_all_go(p);
	confine_return();
	for (unsigned int i = 0; i < STREAM_HEADS; i++)
		take_the_rest(p, i);
	rules_at_end(&p->outcome, p->stream, p->arena);
	for (unsigned int i = 0; i < STREAM_HEADS; i++)
		forget(p, i);
}
