/* SPDX-License-Identifier: MIT */
/*
 * Bounds for what streams name: the engine's sources, built with
 * SYSLET_CONFINED, touch a program's memory and make its calls through here.
 *
 * There is nothing but the arena: whatever lies elsewhere is not mapped. Of
 * calls there are those of stream_calls, and of descriptors the ends of the
 * two pipes; other numbers are those of no call and of no descriptor. And
 * there is an end: with the atom after CONFINE_ATOMS the arena is gone too, so
 * that chains end as they do where a program unmaps what they lie in.
 */
#ifndef CONFINE_H
#define CONFINE_H

#include <stdbool.h>

#define CONFINE_ATOMS 2000

struct syslet;

/* What was seen of the stream: any of it may be noted late, none is missed. */
struct seen {
	bool gone;		/* it had too many atoms */
	bool faulted;		/* an access that the arena does not hold */
	bool no_complete;	/* an atom had the flag */
};

/* Where the arena lies, which a page follows that is not mapped. */
void confine_to(unsigned long base, const unsigned long *nrs);

/* Nothing has been seen, written or run. */
void confine_begin(void);

/* The arena is there again, for the engine to deliver what it still has. */
void confine_return(void);

struct seen confine_seen(void);

/* The stream itself, or a step, may have changed count bytes there. */
void confine_note_write(unsigned long address, unsigned long count);

/* By offset. */
bool confine_was_written(unsigned long offset);
bool confine_was_fetched(unsigned long offset);

/* For guard.h and run.c: the address, or one that faults. */
unsigned long confined(unsigned long address);

/* The atom s->last has been fetched, if not what its arguments point to. */
void note_fetched(const struct syslet *s);

/* It has arguments, too: its call is made harmless. */
void confine_call(const struct syslet *s, unsigned long *nr,
		  unsigned long *args);

#endif /* CONFINE_H */
