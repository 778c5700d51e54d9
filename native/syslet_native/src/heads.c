// SPDX-License-Identifier: MIT
/*
 * Heads: what is pending on each, and who waits for it.
 *
 * One lock guards the table and every slot that the engine fills. A slot is
 * filled last of all: from then on nothing of that syslet is touched.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "atomic.h"
#include "engine.h"
#include "syscall.h"

#define BUCKETS 256
#define SPINS 200
#define MOST_SPARES 64

struct head_state {
	word head;
	struct head_state *next;
	uint32_t pending;
	uint32_t errors;	/* overflows to be reported, one a call */
	uint32_t waiters;
	word needed;		/* events before a waiter can have enough */
	uint32_t changes;	/* the waiters' futex */
};

static struct head_state *buckets[BUCKETS];

/* What each syslet that goes asynchronous needs: on one cache line. */
static struct {
	pthread_mutex_t lock;
	struct head_state *unused;	/* never given back before shutdown */
	struct syslet *pending;
	struct syslet *spares;		/* of syslets that have ended */
} heads __attribute__((aligned(CACHE_LINE))) = { .lock = PTHREAD_MUTEX_INITIALIZER };

static uint32_t waiting;		/* threads in syslet_heads_wait */

static struct head_state **bucket_of(word head)
{
	return &buckets[(head >> 5) % BUCKETS];
}

static struct head_state *find(word head)
{
	struct head_state *state = *bucket_of(head);

	while (state && state->head != head)
		state = state->next;
	return state;
}

static void forget_if_idle(struct head_state *state)
{
	struct head_state **link = bucket_of(state->head);

	if (state->pending || state->errors || state->waiters)
		return;
	while (*link != state)
		link = &(*link)->next;
	*link = state->next;
	state->next = heads.unused;
	heads.unused = state;
}

static void futex_wait(uint32_t *futex, uint32_t value)
{
	RAW(SYS_futex, futex, FUTEX_WAIT_PRIVATE, value, 0);
}

/* The waiters look again. */
static void wake(struct head_state *state)
{
	if (!state->waiters)
		return;
	state->needed = ULONG_MAX;
	add_full(&state->changes, 1);
	RAW(SYS_futex, &state->changes, FUTEX_WAKE_PRIVATE, INT_MAX);
}

/* What is known of the head from now on, or NULL. */
static struct head_state *remember(word head)
{
	struct head_state *state = heads.unused;

	if (state)
		heads.unused = state->next;
	else
		state = calloc(1, sizeof(*state));
	if (!state)
		return NULL;
	state->head = head;
	state->next = *bucket_of(head);
	*bucket_of(head) = state;
	return state;
}

/*
 * A spare is taken where there is one: memory that another thread has freed
 * costs malloc() more than the rest of this.
 */
static struct syslet *take_spare(void)
{
	struct syslet *spare = heads.spares;

	if (!spare)
		return malloc(sizeof(*spare));
	heads.spares = spare->queue_next;
	return spare;
}

static void link_pending(struct syslet *s)
{
	s->pending_next = heads.pending;
	s->pending_link = &heads.pending;
	if (heads.pending)
		heads.pending->pending_link = &s->pending_next;
	heads.pending = s;
}

static void unlink_pending(struct syslet *s)
{
	*s->pending_link = s->pending_next;
	if (s->pending_next)
		s->pending_next->pending_link = s->pending_link;
}

/*
 * A syslet that is to go on without its caller: a copy of it, pending on its
 * head. 0, or -errno where the head cannot take an event.
 */
int syslet_heads_pend(const struct syslet *s, struct syslet **pending)
{
	struct head_state *state = NULL;
	int error = -EINTR;

	pthread_mutex_lock(&heads.lock);
	if (!load_acquire(&syslet_engine.closing))
		error = syslet_ring_check(s->head);
	if (!error) {
		state = find(s->head);
		if (!state)
			state = remember(s->head);
		*pending = state ? take_spare() : NULL;
		if (!*pending)
			error = -ENOMEM;
	}
	if (!error) {
		state->pending++;
		store_relaxed(&syslet_engine.pending,
			      syslet_engine.pending + 1);
		**pending = *s;
		(*pending)->asynchronous = true;
		(*pending)->state = state;
		(*pending)->copy = -1;
		link_pending(*pending);
	} else if (state) {
		forget_if_idle(state);
	}
	pthread_mutex_unlock(&heads.lock);
	return error;
}

/* The rest of what is done where a syslet ends, with the lock held. */
static void unpend(struct syslet *s, bool wakes)
{
	struct head_state *state = s->state;
	const bool spare = syslet_engine.pending <= MOST_SPARES;

	unlink_pending(s);
	state->pending--;
	store_relaxed(&syslet_engine.pending, syslet_engine.pending - 1);
	if (!state->pending || wakes)
		wake(state);
	forget_if_idle(state);
	if (spare) {
		s->queue_next = heads.spares;
		heads.spares = s;
	}
	pthread_mutex_unlock(&heads.lock);
	if (!spare)
		free(s);
}

/* It may be about to end: what that needs is fetched meanwhile. */
void syslet_heads_expect(const struct syslet *s)
{
	expect_write(&heads);
	expect_write(s->head);
	expect_write(s->state);
}

/* It ends without an event. */
void syslet_heads_unpend(struct syslet *s)
{
	pthread_mutex_lock(&heads.lock);
	unpend(s, false);
}

/* It ends with an event, or with none where entry is 0. */
void syslet_heads_complete(struct syslet *s, word entry)
{
	struct head_state *state = s->state;

	pthread_mutex_lock(&heads.lock);
	if (entry && syslet_ring_post(s->head, entry)) {
		state->errors++;
		add_relaxed(&syslet_engine.unreported, 1);
		add_relaxed(&syslet_engine.overflows, 1);
	}
	/* Whoever spins on the slot has it; what is counted can wait. */
	add_relaxed(&syslet_engine.completions, 1);
	unpend(s, state->errors || (entry && !--state->needed));
}

/* None of them ends meanwhile. */
void syslet_heads_each_pending(void (*visit)(struct syslet *s))
{
	pthread_mutex_lock(&heads.lock);
	for (struct syslet *s = heads.pending; s; s = s->pending_next)
		visit(s);
	pthread_mutex_unlock(&heads.lock);
}

static int take_error(struct head_state *state)
{
	if (!state || !state->errors)
		return 0;
	state->errors--;
	add_relaxed(&syslet_engine.unreported, -1U);
	return -EFAULT;
}

int syslet_heads_take_error(word head)
{
	struct head_state *state;
	int error;

	pthread_mutex_lock(&heads.lock);
	state = find(head);
	error = take_error(state);
	if (error)
		forget_if_idle(state);
	pthread_mutex_unlock(&heads.lock);
	return error;
}

/* Until the count of changes moves: a short spin, then sleep. */
static void outwait(uint32_t *changes, uint32_t seen)
{
	for (int i = 0; i < SPINS; i++) {
		if (load_acquire(changes) != seen)
			return;
#if defined(__x86_64__) || defined(__i386__)
		__builtin_ia32_pause();
#endif
	}
	while (load_full(changes) == seen)
		futex_wait(changes, seen);
}

long syslet_heads_wait(word min_events, word user_ring_idx, word head)
{
	struct head_state *state;
	long result;

	pthread_mutex_lock(&heads.lock);
	waiting++;
	state = find(head);
	for (;;) {
		uint32_t seen;

		if (load_acquire(&syslet_engine.closing)) {
			result = -EINTR;
			break;
		}
		result = take_error(state);
		if (result)
			break;
		result = syslet_ring_missing(head, user_ring_idx, min_events);
		if (result <= 0)
			break;
		if (!state || !state->pending) {
			result = 0;
			break;
		}
		if ((word)result < state->needed || !state->waiters)
			state->needed = (word)result;
		seen = state->changes;
		state->waiters++;
		pthread_mutex_unlock(&heads.lock);
		outwait(&state->changes, seen);
		pthread_mutex_lock(&heads.lock);
		state->waiters--;
	}
	if (state)
		forget_if_idle(state);
	waiting--;
	pthread_mutex_unlock(&heads.lock);
	return result;
}

/* Waits have returned and nothing is known of any head when this returns. */
void syslet_heads_stop(void)
{
	struct head_state *state;

	pthread_mutex_lock(&heads.lock);
	while (waiting) {
		for (int i = 0; i < BUCKETS; i++)
			for (state = buckets[i]; state; state = state->next)
				wake(state);
		pthread_mutex_unlock(&heads.lock);
		RAW(SYS_sched_yield, 0);
		pthread_mutex_lock(&heads.lock);
	}
	for (int i = 0; i < BUCKETS; i++) {
		while ((state = buckets[i])) {
			buckets[i] = state->next;
			state->next = heads.unused;
			heads.unused = state;
		}
	}
	while ((state = heads.unused)) {
		heads.unused = state->next;
		free(state);
	}
	while (heads.spares)
		free(take_spare());
	syslet_engine.pending = 0;
	pthread_mutex_unlock(&heads.lock);
}

/* The child knows of no head; what the parent's threads held is left alone. */
void syslet_heads_forked(void)
{
	pthread_mutex_init(&heads.lock, NULL);
	for (int i = 0; i < BUCKETS; i++)
		buckets[i] = NULL;
	heads.unused = NULL;
	heads.spares = NULL;
	heads.pending = NULL;
	waiting = 0;
}
