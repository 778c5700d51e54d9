/* SPDX-License-Identifier: MIT */
/* What the engine's files know of each other. */
#ifndef SYSLET_ENGINE_H
#define SYSLET_ENGINE_H

#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "syslet.h"
#include "layout_facts.h"

#define LIKELY(x)	__builtin_expect(!!(x), 1)
#define UNLIKELY(x)	__builtin_expect(!!(x), 0)

typedef unsigned long word;

/* A word of the program's, wherever it lies. */
typedef word __attribute__((aligned(1), may_alias)) user_word;

#define CACHE_LINE 64

#define ARGUMENTS 6

/* What the kernel moves at most in one call; longer counts are cut to it. */
#define MOST_BYTES 0x7ffff000UL

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008
#endif

/* Of a socket's call: that poll has a word for it does not say it can be made. */
#define NOT_POLLED (MSG_OOB | MSG_ERRQUEUE)

/*
 * What is read and written at once, both halves of it where words have 32 bits:
 * i386 would align it to 4.
 */
typedef uint64_t __attribute__((aligned(8))) counter;
typedef struct iocb __attribute__((aligned(8))) poll_request;

/* How a call may block, and what is done about it. */
enum call_class {
	CALL_WORKER = 0,	/* may block: on a worker */
	CALL_SLEEPS,		/* the same, tried in the caller: takeover.c */
	CALL_RESTARTS,		/* the last that a worker makes itself */
	CALL_INLINE,		/* cannot block */
	CALL_READ,		/* attempts: see attempt.c */
	CALL_WRITE,
	CALL_PREAD,
	CALL_PWRITE,
	CALL_READV,
	CALL_RECV,
	CALL_SEND,
	CALL_RECVMSG,
	CALL_SENDMSG,
	CALL_ACCEPT,
	CALL_POLL,
	CALL_EPOLL,
	CALL_FCNTL,
	CALL_FUTEX,
	CALL_UMEM_ADD,		/* our own */
	CALL_REFUSED,		/* would end or copy the thread under us */
};

/* What a fault interrupts. */
enum phase { PHASE_FETCH = 0, PHASE_CALL, PHASE_STORE };

enum run_end {
	RUN_ENDED,
	RUN_FAULTED,
	RUN_GOES_ASYNC,		/* before this atom is tried */
	RUN_BLOCKED,		/* its call would block: dispatch it */
	RUN_TURN_OVER,
	RUN_INTERRUPTED,	/* a SYNC call that shutdown ended */
};

struct head_state;

/* One syslet under way: on the caller's stack, on the heap once asynchronous. */
struct syslet {
	word atom;		/* the atom it is at */
	word head;
	word flags;		/* of that atom, as fetched */
	word nr;
	word ret_ptr;
	word next;
	word args[ARGUMENTS];
	word last;		/* the last atom fetched whole, 0 if none */
	word last_flags;
	long result;		/* of a call made elsewhere, if resumed; the last */
	word done;		/* bytes that a split call has moved */
	unsigned long atoms_left;
	short ready_events;	/* of poll, after which an attempt is of use */
	volatile enum phase phase;
	enum call_class class;
	bool asynchronous;
	bool resumed;		/* result holds what its call gave */
	bool call_pending;	/* a worker is to make the call of args */
	bool on_worker;
	bool has_rest;		/* a sleep was taken over: rest is left of it */
	long rest[2];
	struct head_state *state;
	struct syslet *queue_next;
	struct syslet *pending_next, **pending_link;
	int copy;		/* of its descriptor, or -1: aio.c */
	poll_request poll;	/* names it to the kernel */
};

/* engine.c */
struct engine {
	struct syslet_options options;
	int cancel_signal;
	bool started;
	bool closing;		/* atomic */
	counter cachemisses;	/* atomic, as all below */
	counter completions;
	counter overflows;
	counter uring_requests;
	counter workers_started;
	uint32_t pending;
	uint32_t unreported;	/* overflows that no call has returned yet */
};
extern struct engine syslet_engine;

/* Numbers of the engine's own descriptors, away from the program's. */
#define OWN_DESCRIPTORS 512

/* Whether the options leave it a means (SYSLET_MEANS_*). */
static inline bool syslet_may_use(unsigned int means)
{
	return !(syslet_engine.options.without & means);
}

int syslet_move_up(int fd);
int syslet_spawn(void *(*run)(void *), void *argument, pthread_t *thread);
int syslet_admit(word head);
struct syslet_uatom *syslet_leave_caller(const struct syslet *s,
					 enum run_end why);
void syslet_continue(struct syslet *syslet);
void syslet_try_again(struct syslet *syslet);

/* calls.c */
#define SYSLET_CLASSES 512
extern unsigned char syslet_classes[SYSLET_CLASSES];
int syslet_name_call(word nr, enum call_class class);
enum call_class syslet_class_past_table(word nr);

static inline bool syslet_is_made_by_workers(enum call_class class)
{
	return class <= CALL_RESTARTS;
}

static inline enum call_class syslet_class_of(word nr)
{
	if (LIKELY(nr < SYSLET_CLASSES))
		return (enum call_class)syslet_classes[nr];
	if (nr == SYSLET_NR_UMEM_ADD)
		return CALL_UMEM_ADD;
	return syslet_class_past_table(nr);
}

/* run.c */
enum run_end syslet_run(struct syslet *syslet);
struct syslet_uatom *syslet_exec(struct syslet_uatom *atom,
				 struct async_head_user *head,
				 long *last_result);

/* attempt.c: false where the call would block, and s->done is how far it came */
bool syslet_attempt(struct syslet *s, long *result);
bool syslet_read_attempted(struct syslet *s, long moved, long *result);
bool syslet_is_nonblocking(word fd);
bool syslet_is_regular(word fd);
bool syslet_is_stream(word fd);

/* takeover.c */
bool syslet_takeover(struct syslet *s, long *result);
bool syslet_takeover_works(void);
void syslet_takeover_stop(void);
void syslet_takeover_forked(void);

/* blocking.c: a call that may block, ended by shutdown */
bool syslet_call_blocking(struct syslet *s, long *result);
bool syslet_interrupt_blocked(void);
int syslet_blocking_start(void);
void syslet_blocking_stop(void);

/* aio.c */
int syslet_aio_submit(struct syslet *s);
void syslet_aio_release(struct syslet *s);
void syslet_aio_stop(void);
void syslet_aio_forked(void);
bool syslet_aio_works(void);

/* uring.c */
bool syslet_uring_can(const struct syslet *s);
int syslet_uring_submit(struct syslet *s);
void syslet_uring_stop(void);
void syslet_uring_forked(void);
bool syslet_uring_works(void);

/* pool.c */
int syslet_pool_submit(struct syslet *s);
int syslet_pool_submit_call(struct syslet *s);
void syslet_pool_stop(void);
void syslet_pool_forked(void);
uint32_t syslet_pool_workers(void);

/* ring.c: 0, or a number of events, or -errno */
int syslet_ring_check(word head);
int syslet_ring_post(word head, word entry);
long syslet_ring_missing(word head, word index, word wanted);

/* heads.c */
int syslet_heads_pend(const struct syslet *s, struct syslet **pending);
void syslet_heads_expect(const struct syslet *s);
void syslet_heads_unpend(struct syslet *s);
void syslet_heads_complete(struct syslet *s, word entry);
void syslet_heads_each_pending(void (*visit)(struct syslet *s));
int syslet_heads_take_error(word head);
long syslet_heads_wait(word min_events, word user_ring_idx, word head);
void syslet_heads_stop(void);
void syslet_heads_forked(void);

/* guard.c */
int syslet_guard_start(void);
void syslet_guard_stop(void);

#endif /* SYSLET_ENGINE_H */
