// SPDX-License-Identifier: MIT
/*
 * The ring as it lies in the program's memory, which may not be there: the
 * descriptor is read anew each time, and a slot that is taken is never
 * overwritten. With the lock of heads.c held.
 */
#include <errno.h>
#include <stddef.h>

#include "engine.h"
#include "guard.h"

#define HEAD(head, field) \
	user_load((head) + offsetof(struct async_head_user, field))

struct ring {
	word base, slots, kernel_ring_idx;
};

/* 0, or -EINVAL where the descriptor cannot be right. Faults. */
USER_INLINE int read_head(word head, struct ring *ring)
{
	const word size = HEAD(head, ring_size_bytes);

	ring->base = HEAD(head, completion_ring);
	ring->kernel_ring_idx = HEAD(head, kernel_ring_idx);
	ring->slots = size / sizeof(word);
	if (!ring->base || !size || size % sizeof(word) ||
	    ring->kernel_ring_idx >= ring->slots ||
	    ring->base + (size - 1) < ring->base)
		return -EINVAL;
	return 0;
}

/* 0, or why the head cannot take an event. */
USER_TEXT int syslet_ring_check(word head)
{
	struct recovery here;
	struct ring ring;
	int error;

	if (RECOVERY_SET(&here)) {
		recovery_clear(&here);
		return -EFAULT;
	}
	error = read_head(head, &ring);
	if (!error) {
		user_load(ring.base);
		user_load(ring.base + (ring.slots - 1) * sizeof(word));
	}
	recovery_clear(&here);
	return error;
}

/* Fill the next slot: 0, -EFAULT where it is taken or not there, -EINVAL. */
USER_TEXT int syslet_ring_post(word head, word entry)
{
	const word index_at =
		head + offsetof(struct async_head_user, kernel_ring_idx);
	struct recovery here;
	struct ring ring;
	volatile word restore = 0;
	volatile bool moved = false;
	word slot;
	int error;

	if (RECOVERY_SET(&here)) {
		recovery_clear(&here);
		if (moved) /* a slot that cannot be filled moves no index */
			syslet_copy((void *)index_at, (void *)&restore,
				    sizeof(restore));
		return -EFAULT;
	}
	error = read_head(head, &ring);
	if (!error) {
		slot = ring.base + ring.kernel_ring_idx * sizeof(word);
		if (user_load_slot(slot)) {
			error = -EFAULT;
		} else {
			word next = ring.kernel_ring_idx + 1;

			restore = ring.kernel_ring_idx;
			user_store(index_at, next == ring.slots ? 0 : next);
			moved = true;
			user_fill_slot(slot, entry);
		}
	}
	recovery_clear(&here);
	return error;
}

/*
 * How many events are missing before `wanted` can be read from index on, or
 * -errno. Each fills one slot, so it takes as many as there are free slots;
 * one at least where the ring has fewer slots than are wanted.
 */
USER_TEXT long syslet_ring_missing(word head, word index, word wanted)
{
	struct recovery here;
	struct ring ring;
	word free_slots = 0;
	int error;

	if (RECOVERY_SET(&here)) {
		recovery_clear(&here);
		return -EFAULT;
	}
	error = read_head(head, &ring);
	if (!error && index >= ring.slots)
		error = -EINVAL;
	if (!error) {
		user_load(ring.base + (ring.slots - 1) * sizeof(word));
		for (word i = 0; i < wanted && i < ring.slots; i++) {
			word at = index + i;

			if (at >= ring.slots)
				at -= ring.slots;
			if (!user_load_slot(ring.base + at * sizeof(word)))
				free_slots++;
		}
		if (!free_slots && wanted > ring.slots)
			free_slots = 1;
	}
	recovery_clear(&here);
	return error ? error : (long)free_slots;
}
