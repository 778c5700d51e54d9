/* SPDX-License-Identifier: MIT */
/* What holds of the engine in whatever order its syslets run. */
#ifndef RULES_H
#define RULES_H

#include "decode.h"

/* What a stream came to, for each head. */
struct outcome {
	unsigned int went[STREAM_HEADS];	/* asynchronous: exec gave NULL */
	unsigned int entries[STREAM_HEADS];	/* that were taken */
	unsigned int errors[STREAM_HEADS];	/* that exec and wait gave */
};

/* Say which rule is broken, and end the process. */
_Noreturn void rule_broken(const char *what);

/* What one call gave is noted, or cannot be right. */
void rules_of_exec(struct outcome *outcome, unsigned int head, word atom,
		   word result);
void rules_of_wait(struct outcome *outcome, unsigned int head, word result);
void rules_of_entry(struct outcome *outcome, unsigned int head,
		    const struct arena *arena, word entry);

/* When nothing is pending and every entry was taken. */
void rules_at_end(const struct outcome *outcome, const struct stream *stream,
		  const struct arena *arena);

#endif /* RULES_H */
