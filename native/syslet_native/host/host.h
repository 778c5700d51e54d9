/* SPDX-License-Identifier: MIT */
/* What the engine host's files know of each other. */
#ifndef SYSLET_HOST_H
#define SYSLET_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "syslet.h"

#define PROTOCOL_VERSION	1
#define LINE_BYTES		65536	/* the newline included */
#define DATA_BYTES		28672	/* of one peek, poke, feed or drain */
#define MOST_WORDS		4

/* A request, split at its spaces; the words lie in the line that was read. */
struct request {
	uint64_t tag;
	const char *verb;
	const char *words[MOST_WORDS];
	unsigned int count;	/* more than there is room for is wrong */
};

/* words.c: false, or -1, where the text is none */
bool read_number(const char *text, uint64_t most, uint64_t *number);
long read_bytes(const char *text, unsigned char *data, size_t most);
void write_bytes(char *text, const unsigned char *data, size_t count);

/* answer.c: whole lines, from any thread */
void answer_to(int fd);
void answer(uint64_t tag, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void answer_bytes(uint64_t tag, const unsigned char *data, size_t count);
void answer_errno(uint64_t tag, const char *what, long error);

/* library.c: what the engine offers; NULL is what it may leave out and does */
extern struct engine {
	struct syslet_uatom *(*exec)(struct syslet_uatom *atom,
				     struct async_head_user *head);
	long (*wait)(unsigned long min_events, unsigned long user_ring_idx,
		     struct async_head_user *head);
	long (*number)(const char *name);
	size_t (*describe)(char *text, size_t size);
	int (*start)(const struct syslet_options *options);
	int (*shutdown)(void);
} engine;
bool load_engine(const char *path, char *why, size_t size);

/* hello.c */
void say_hello(uint64_t tag, unsigned long version, const char *abi);
bool engine_runs(void);

/* copy.c: 0 or -errno; DATA_BYTES at most, by the thread that reads */
int prepare_copies(void);
int copy_memory(void *to, const void *from, size_t count);

/* memory.c: 0 or -errno */
int memory_map(size_t size, uintptr_t *address);
int memory_unmap(uintptr_t address);

/* pipes.c: bytes moved or -errno */
long pipe_feed(int fd, const unsigned char *data, size_t count);
long pipe_drain(int fd, unsigned char *data, size_t count);

/* turns.c: who reads requests; 0 or -errno, false where the thread is to end */
int stop_reading(void);
bool wait_to_read(bool may_end);

/* verbs.c: whether the thread still reads requests */
bool serve(const struct request *request);

/* host.c: a copy of the descriptor, or -1; and where the library lies */
int out_of_the_way(int fd);
extern const char *library_path;
/* error, with the number and the start of the line that was read last */
void answer_malformed(uint64_t tag, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void *read_requests(void *argument);

#endif /* SYSLET_HOST_H */
