/* SPDX-License-Identifier: MIT */
/* The two pipes, and the target's end of what blocks. */
#ifndef PIPES_H
#define PIPES_H

#include <stdbool.h>
#include <stddef.h>

/* Four new ends; their numbers. Ends the process where there are none. */
void pipes_open(unsigned long *fds);

/* Whether the number is that of an end that is open. */
bool pipes_have(unsigned long fd);

/* Close an end, or all; those that are closed are left alone. */
void pipes_close(unsigned int end);
void pipes_close_all(void);

/* Write so many bytes, or read them, as far as that needs no waiting. */
void pipes_feed(unsigned int pipe, int byte, size_t count);
void pipes_drain(unsigned int pipe, size_t count);

#endif /* PIPES_H */
