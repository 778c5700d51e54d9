/* SPDX-License-Identifier: MIT */
/* A stream's steps on the engine. */
#ifndef PLAY_H
#define PLAY_H

#include "decode.h"

/* Play it in the arena, whose numbers are set; ends where a rule is broken. */
void play(const struct stream *stream, struct arena *arena);

#endif /* PLAY_H */
