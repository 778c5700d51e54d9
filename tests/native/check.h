/* SPDX-License-Identifier: MIT */
/* What the C tests share: a check that says where, and small numbers. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(holds, ...)                                                    \
	do {                                                                 \
		if (!(holds)) {                                              \
			fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__,   \
				#holds);                                     \
			fprintf(stderr, __VA_ARGS__);                        \
			fprintf(stderr, "\n");                               \
			abort();                                             \
		}                                                            \
	} while (0)

/* xorshift: the same seed gives the same numbers. */
static inline unsigned int drawn(unsigned int *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

#endif /* CHECK_H */
