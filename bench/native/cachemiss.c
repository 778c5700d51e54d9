// SPDX-License-Identifier: MIT
/*
 * A read of an empty pipe: sys_async_exec until it returns NULL, beside an
 * io_uring submission and a look for its completion. Once with one read at a
 * time, so that every thread that serves it sleeps before; once with 64 in a
 * row. Then the pipes are written to, outside the clock. Beside that the four
 * calls that the engine makes of it, with nothing between them. In nanoseconds.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/uio.h>

#include "bench.h"

#ifdef WITH_LIBURING
#include <liburing.h>
#endif

#define PIPES 64
#define ALONE 64

static int pipes[PIPES][2];
static char bytes[PIPES];
static struct syslet_uatom atoms[PIPES];
static unsigned long arguments[PIPES][3];
static struct syslet_uatom *slots[2 * PIPES];
static struct async_head_user head;
static unsigned long user_ring_idx;

static void fill(int count)
{
	for (int i = 0; i < count; i++)
		REQUIRE(write(pipes[i][1], "x", 1) == 1);
}

static double executed(int count)
{
	const uint64_t started = now_ns();
	uint64_t ended;

	for (int i = 0; i < count; i++)
		REQUIRE(!sys_async_exec(&atoms[i], &head));
	ended = now_ns();
	fill(count);
	REQUIRE(!sys_async_wait((unsigned long)count, user_ring_idx, &head));
	for (int i = 0; i < count; i++) {
		slots[user_ring_idx] = NULL;
		user_ring_idx = (user_ring_idx + 1) % (2 * PIPES);
	}
	return (double)(ended - started);
}

static aio_context_t context;
static struct iocb polls[PIPES];
static int copies[PIPES];

static void block_on(int i)
{
	struct iovec vector = { &bytes[i], 1 };
	struct iocb *list[1] = { &polls[i] };

	REQUIRE(RAW(SYS_preadv2, pipes[i][0], &vector, 1, -1L, 0, RWF_NOWAIT) < 0);
	REQUIRE(!(RAW(SYS_fcntl, pipes[i][0], F_GETFL) & O_NONBLOCK));
	copies[i] = (int)RAW(SYS_fcntl, pipes[i][0], F_DUPFD_CLOEXEC, 512);
	polls[i].aio_lio_opcode = IOCB_CMD_POLL;
	polls[i].aio_fildes = (unsigned int)copies[i];
	polls[i].aio_buf = POLLIN;
	REQUIRE(RAW(SYS_io_submit, context, 1, list) == 1);
}

/* The calls alone; what is asked for comes, and is read, outside the clock. */
static double called(int count)
{
	const uint64_t started = now_ns();
	struct io_event events[PIPES];
	uint64_t ended;

	for (int i = 0; i < count; i++)
		block_on(i);
	ended = now_ns();
	fill(count);
	REQUIRE(RAW(SYS_io_getevents, context, count, count, events, 0) == count);
	for (int i = 0; i < count; i++) {
		REQUIRE(read(copies[i], &bytes[i], 1) == 1);
		close(copies[i]);
	}
	return (double)(ended - started);
}

#ifdef WITH_LIBURING
static struct io_uring ring;

static double submitted(int count)
{
	const uint64_t started = now_ns();
	struct io_uring_cqe *cqe;
	uint64_t ended;

	for (int i = 0; i < count; i++) {
		io_uring_prep_read(io_uring_get_sqe(&ring), pipes[i][0],
				   &bytes[i], 1, 0);
		io_uring_submit(&ring);
		REQUIRE(io_uring_peek_cqe(&ring, &cqe));
	}
	ended = now_ns();
	fill(count);
	for (int i = 0; i < count; i++) {
		REQUIRE(!io_uring_wait_cqe(&ring, &cqe));
		REQUIRE(cqe->res == 1);
		io_uring_cqe_seen(&ring, cqe);
	}
	return (double)(ended - started);
}
#endif

/* One at a time, with a pause in which everybody goes to sleep. */
static double alone(double (*work)(int))
{
	static const struct timespec pause = { .tv_nsec = 50000 };
	double sum = 0;

	for (int i = 0; i < ALONE; i++) {
		nanosleep(&pause, NULL);
		sum += work(1);
	}
	return sum / ALONE;
}

int main(int argc, char **argv)
{
	const int rounds = argc > 1 ? atoi(argv[1]) : 20;

	make_head(&head, slots, 2 * PIPES);
	for (int i = 0; i < PIPES; i++) {
		unsigned long *a = arguments[i];

		REQUIRE(!pipe(pipes[i]));
		a[0] = (unsigned long)pipes[i][0];
		a[1] = (unsigned long)&bytes[i];
		a[2] = 1;
		atoms[i].nr = SYS_read;
		for (int k = 0; k < 3; k++)
			atoms[i].arg_ptr[k] = &a[k];
	}
	executed(1); /* the engine has its threads */
	REQUIRE(!RAW(SYS_io_setup, PIPES, &context));
#ifdef WITH_LIBURING
	REQUIRE(!io_uring_queue_init(2 * PIPES, &ring, 0));
#endif
	for (int i = 0; i < rounds; i++) {
#ifdef WITH_LIBURING
		say("uring-alone", alone(submitted));
#endif
		say("calls-alone", alone(called));
		say("exec-alone", alone(executed));
#ifdef WITH_LIBURING
		say("uring-in-a-row", submitted(PIPES) / PIPES);
#endif
		say("calls-in-a-row", called(PIPES) / PIPES);
		say("exec-in-a-row", executed(PIPES) / PIPES);
	}
	return 0;
}
