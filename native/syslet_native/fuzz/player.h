/* SPDX-License-Identifier: MIT */
/* A stream that is being played. */
#ifndef PLAYER_H
#define PLAYER_H

#include "callers.h"
#include "rules.h"
#include "syslet.h"

#define MOST_STEPS (STREAM_STEPS + STREAM_PIPES)

/* A call that takes longer, and that nothing holds up, does not return. */
#define HANG_MS 10000

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

/* play.c */
void player_returned(struct player *p, const struct late *late);
void player_start(struct player *p, unsigned int head, struct call call,
		  long timeout_ms);
void player_consume(struct player *p, unsigned int head, unsigned int most);

/* finish.c */
void player_gather(struct player *p, long timeout_ms);
void player_finish(struct player *p);

static inline word *word_at(const struct player *p, size_t offset)
{
	return (word *)(p->arena->base + offset);
}

static inline word *user_index(const struct player *p, unsigned int head)
{
	return word_at(p, stream_heads[head] +
				  offsetof(struct async_head_user,
					   user_ring_idx));
}

/* One that is not there is behind the arena. */
static inline word head_address(const struct player *p, unsigned int head)
{
	return p->arena->base + (head < STREAM_HEADS ? stream_heads[head] :
							STREAM_ARENA_BYTES);
}

static inline struct call wait_for(const struct player *p, unsigned int head,
				   word min_events, word index)
{
	return (struct call){
		.is_wait = true,
		.min_events = min_events,
		.index = index,
		.head = head_address(p, head),
	};
}

#endif /* PLAYER_H */
