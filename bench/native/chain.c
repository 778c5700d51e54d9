// SPDX-License-Identifier: MIT
/*
 * Calls that never block: a chain of 64 getpid atoms and syslets of one atom,
 * beside a loop of the inlined instruction and one of libc's syscall(). Then
 * what an atom costs in chains of 1 to 1,000,000. In nanoseconds an atom.
 */
#include "bench.h"

#ifdef WITH_LIBURING
#include <liburing.h>
#endif

#define CHAIN 64
#define REPEATS 200
#define LONGEST 1000000

static struct syslet_uatom chain[CHAIN];
static long results[CHAIN];
static struct syslet_uatom *slots[8];
static struct async_head_user head;

static double inlined(void)
{
	const uint64_t started = now_ns();

	for (int i = 0; i < REPEATS; i++)
		for (int k = 0; k < CHAIN; k++)
			*(volatile long *)&results[k] = RAW(SYS_getpid, 0);
	return (double)(now_ns() - started) / (REPEATS * CHAIN);
}

static double libc(void)
{
	const uint64_t started = now_ns();

	for (int i = 0; i < REPEATS; i++)
		for (int k = 0; k < CHAIN; k++)
			*(volatile long *)&results[k] = syscall(SYS_getpid);
	return (double)(now_ns() - started) / (REPEATS * CHAIN);
}

static double chained(void)
{
	const uint64_t started = now_ns();

	for (int i = 0; i < REPEATS; i++)
		REQUIRE(sys_async_exec(chain, &head) == chain);
	return (double)(now_ns() - started) / (REPEATS * CHAIN);
}

static double one_by_one(void)
{
	const uint64_t started = now_ns();

	for (int i = 0; i < REPEATS; i++)
		for (int k = 0; k < CHAIN; k++)
			REQUIRE(sys_async_exec(&chain[k], &head) == &chain[k]);
	return (double)(now_ns() - started) / (REPEATS * CHAIN);
}

#ifdef WITH_LIBURING
static struct io_uring ring;

static double linked_nops(unsigned int batch)
{
	const uint64_t started = now_ns();

	for (unsigned int i = 0; i < REPEATS * CHAIN / batch; i++) {
		struct io_uring_cqe *cqe;

		for (unsigned int k = 0; k < batch; k++) {
			struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

			io_uring_prep_nop(sqe);
			if (k + 1 < batch)
				sqe->flags |= IOSQE_IO_LINK;
		}
		io_uring_submit_and_wait(&ring, batch);
		for (unsigned int k = 0; k < batch; k++) {
			REQUIRE(!io_uring_peek_cqe(&ring, &cqe));
			io_uring_cqe_seen(&ring, cqe);
		}
	}
	return (double)(now_ns() - started) / (REPEATS * CHAIN);
}
#endif

/* The least of a few runs, for what is compared across lengths. */
static double of_length(struct syslet_uatom *atoms, size_t length)
{
	const size_t repeats = length < 20000 ? 40000 / length : 1;
	double least = 1e9;

	link_atoms(atoms, length);
	for (int k = 0; k < (length < LONGEST ? 15 : 5); k++) {
		const uint64_t started = now_ns();
		double cost;

		for (size_t i = 0; i < repeats; i++)
			REQUIRE(sys_async_exec(atoms, &head) == atoms);
		cost = (double)(now_ns() - started) /
		       (double)(repeats * length);
		if (cost < least)
			least = cost;
	}
	return least;
}

int main(int argc, char **argv)
{
	const int rounds = argc > 1 ? atoi(argv[1]) : 20;
	struct syslet_uatom *many;

	make_head(&head, slots, 8);
	for (size_t i = 0; i < CHAIN; i++) {
		chain[i].nr = SYS_getpid;
		chain[i].ret_ptr = &results[i];
	}
#ifdef WITH_LIBURING
	REQUIRE(!io_uring_queue_init(CHAIN, &ring, 0));
#endif
	for (int i = 0; i < rounds; i++) {
		say("inlined", inlined());
		link_atoms(chain, CHAIN);
		say("chain", chained());
		say("libc", libc());
		for (size_t k = 0; k < CHAIN; k++)
			chain[k].next = NULL;
		say("one", one_by_one());
#ifdef WITH_LIBURING
		say("uring-nops", linked_nops(CHAIN));
		say("uring-nop", linked_nops(1));
#endif
	}
	many = calloc(LONGEST, sizeof(*many));
	REQUIRE(many);
	for (size_t i = 0; i < LONGEST; i++) {
		many[i].nr = SYS_getpid;
		many[i].ret_ptr = results;
	}
	for (size_t length = 1; length <= LONGEST; length *= 10) {
		char name[32];

		snprintf(name, sizeof(name), "length-%zu", length);
		say(name, of_length(many, length));
	}
	free(many);
	return 0;
}
