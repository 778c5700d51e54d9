// SPDX-License-Identifier: MIT
/*
 * A chain of 32 reads of 4 KiB that the page cache holds, beside a loop of
 * pread(). Beside that the inlined calls alone: pread64, which may wait for the
 * disk, and preadv2 with RWF_NOWAIT, which does not. In nanoseconds a read.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/uio.h>

#include "bench.h"

#ifdef WITH_LIBURING
#include <liburing.h>
#endif

#define READS 32
#define BYTES 4096
#define REPEATS 200

static char buffers[READS][BYTES] __attribute__((aligned(BYTES)));
static struct syslet_uatom chain[READS];
static unsigned long arguments[READS][4];
static long results[READS];
static struct syslet_uatom *slots[8];
static struct async_head_user head;
static int file;

static double looped(void)
{
	const uint64_t started = now_ns();

	for (int i = 0; i < REPEATS; i++)
		for (int k = 0; k < READS; k++)
			REQUIRE(pread(file, buffers[k], BYTES, k * BYTES) ==
				BYTES);
	return (double)(now_ns() - started) / (REPEATS * READS);
}

static double inlined(void)
{
	const uint64_t started = now_ns();

	for (int i = 0; i < REPEATS; i++)
		for (int k = 0; k < READS; k++)
			REQUIRE(RAW(SYS_pread64, file, buffers[k], BYTES,
				    k * BYTES) == BYTES);
	return (double)(now_ns() - started) / (REPEATS * READS);
}

static double without_waiting(void)
{
	const uint64_t started = now_ns();

	for (int i = 0; i < REPEATS; i++)
		for (int k = 0; k < READS; k++) {
			struct iovec vector = { buffers[k], BYTES };

			REQUIRE(RAW(SYS_preadv2, file, &vector, 1, k * BYTES, 0,
				    RWF_NOWAIT) == BYTES);
		}
	return (double)(now_ns() - started) / (REPEATS * READS);
}

static double chained(void)
{
	const uint64_t started = now_ns();

	for (int i = 0; i < REPEATS; i++) {
		REQUIRE(sys_async_exec(chain, &head) == chain);
		for (int k = 0; k < READS; k++)
			REQUIRE(results[k] == BYTES);
	}
	return (double)(now_ns() - started) / (REPEATS * READS);
}

#ifdef WITH_LIBURING
static struct io_uring ring;

static double submitted(void)
{
	const uint64_t started = now_ns();

	for (int i = 0; i < REPEATS; i++) {
		struct io_uring_cqe *cqe;

		for (unsigned int k = 0; k < READS; k++)
			io_uring_prep_read(io_uring_get_sqe(&ring), file,
					   buffers[k], BYTES, k * BYTES);
		io_uring_submit_and_wait(&ring, READS);
		for (unsigned int k = 0; k < READS; k++) {
			REQUIRE(!io_uring_peek_cqe(&ring, &cqe));
			REQUIRE(cqe->res == BYTES);
			io_uring_cqe_seen(&ring, cqe);
		}
	}
	return (double)(now_ns() - started) / (REPEATS * READS);
}
#endif

int main(int argc, char **argv)
{
	const int rounds = argc > 1 ? atoi(argv[1]) : 20;
	char name[] = "bench-reads-XXXXXX";

	make_head(&head, slots, 8);
	file = mkstemp(name);
	REQUIRE(file >= 0);
	unlink(name);
	for (int k = 0; k < READS; k++) {
		unsigned long *a = arguments[k];

		REQUIRE(write(file, buffers[k], BYTES) == BYTES);
		a[0] = (unsigned long)file;
		a[1] = (unsigned long)buffers[k];
		a[2] = BYTES;
		a[3] = (unsigned long)k * BYTES;
		chain[k].nr = SYS_pread64;
		chain[k].ret_ptr = &results[k];
		chain[k].flags = SYSLET_STOP_ON_NEGATIVE;
		for (int i = 0; i < 4; i++)
			chain[k].arg_ptr[i] = &a[i];
	}
	link_atoms(chain, READS);
#ifdef WITH_LIBURING
	REQUIRE(!io_uring_queue_init(READS, &ring, 0));
#endif
	for (int i = 0; i < rounds; i++) {
		say("pread", looped());
		say("inlined", inlined());
		say("nowait", without_waiting());
		say("chain", chained());
#ifdef WITH_LIBURING
		say("uring", submitted());
#endif
	}
	return 0;
}
