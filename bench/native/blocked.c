// SPDX-License-Identifier: MIT
/*
 * 10,000 reads of one byte that all block, on 100 pipes: made, then finished.
 * One way a process, named by the first argument: engine, uring or threads. In
 * milliseconds, and the KiB of memory that each took while blocked.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <sys/wait.h>

#include "bench.h"

#ifdef WITH_LIBURING
#include <liburing.h>
#endif

#define PIPES 100
#define EACH 100
#define READS (PIPES * EACH)
#define STACK_BYTES 65536

static int pipes[PIPES][2];
static char bytes[READS];
static long results[READS];

/* What the process has in memory: its own pages, and the kernel's for it. */
static double memory_kib(void)
{
	double kib = 0, slab = 0;
	char line[256];
	FILE *file;

	file = fopen("/proc/self/status", "r");
	REQUIRE(file);
	while (fgets(line, sizeof(line), file)) {
		double value;

		if (sscanf(line, "VmRSS: %lf", &value) == 1 ||
		    sscanf(line, "VmPTE: %lf", &value) == 1)
			kib += value;
	}
	fclose(file);
	file = fopen("/proc/meminfo", "r");
	REQUIRE(file);
	while (fgets(line, sizeof(line), file)) {
		double value;

		if (sscanf(line, "Slab: %lf", &value) == 1 ||
		    sscanf(line, "KernelStack: %lf", &value) == 1)
			slab += value;
	}
	fclose(file);
	return kib + slab;
}

static void fill(void)
{
	static const char full[EACH];

	for (int i = 0; i < PIPES; i++)
		REQUIRE(write(pipes[i][1], full, EACH) == EACH);
}

static void report(uint64_t started, uint64_t made, uint64_t written,
		   uint64_t ended, double kib)
{
	say("create-ms", (double)(made - started) / 1e6);
	say("finish-ms", (double)(ended - written) / 1e6);
	say("memory-kib", kib / READS);
	for (int i = 0; i < READS; i++)
		REQUIRE(results[i] == 1);
}

static void on_engine(void)
{
	struct syslet_uatom *atoms = calloc(READS, sizeof(*atoms));
	struct syslet_uatom **slots = calloc(READS, sizeof(*slots));
	unsigned long(*arguments)[3] = calloc(READS, sizeof(*arguments));
	uint64_t started, made, written;
	struct async_head_user head;
	struct syslet_statistics statistics;
	double kib;

	REQUIRE(atoms && slots && arguments);
	make_head(&head, slots, READS);
	for (int i = 0; i < READS; i++) {
		unsigned long *a = arguments[i];

		a[0] = (unsigned long)pipes[i % PIPES][0];
		a[1] = (unsigned long)&bytes[i];
		a[2] = 1;
		atoms[i].nr = SYS_read;
		atoms[i].ret_ptr = &results[i];
		for (int k = 0; k < 3; k++)
			atoms[i].arg_ptr[k] = &a[k];
	}
	kib = memory_kib();
	started = now_ns();
	for (int i = 0; i < READS; i++)
		REQUIRE(!sys_async_exec(&atoms[i], &head));
	made = now_ns();
	usleep(300000);
	kib = memory_kib() - kib;
	syslet_statistics(&statistics, sizeof(statistics));
	REQUIRE(statistics.pending == READS);
	written = now_ns();
	fill();
	REQUIRE(!sys_async_wait(READS, 0, &head));
	report(started, made, written, now_ns(), kib);
	free(atoms);
	free(slots);
	free(arguments);
}

#ifdef WITH_LIBURING
static void on_uring(void)
{
	uint64_t started, made, written;
	struct io_uring_params params;
	struct io_uring ring;
	double kib = memory_kib();

	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_CQSIZE;
	params.cq_entries = 16384;
	started = now_ns();
	REQUIRE(!io_uring_queue_init_params(256, &ring, &params));
	for (int i = 0; i < READS; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

		io_uring_prep_read(sqe, pipes[i % PIPES][0], &bytes[i], 1, 0);
		sqe->user_data = (unsigned long long)i;
		io_uring_submit(&ring);
	}
	made = now_ns();
	usleep(300000);
	kib = memory_kib() - kib;
	written = now_ns();
	fill();
	for (int i = 0; i < READS; i++) {
		struct io_uring_cqe *cqe;

		REQUIRE(!io_uring_wait_cqe(&ring, &cqe));
		results[cqe->user_data] = cqe->res;
		io_uring_cqe_seen(&ring, cqe);
	}
	report(started, made, written, now_ns(), kib);
}
#endif

static unsigned int ended;

static void *read_one(void *argument)
{
	const long i = (long)argument;

	results[i] = read(pipes[i % PIPES][0], &bytes[i], 1);
	if (__atomic_add_fetch(&ended, 1, __ATOMIC_SEQ_CST) == READS)
		syscall(SYS_futex, &ended, FUTEX_WAKE_PRIVATE, 1);
	return NULL;
}

static void on_threads(void)
{
	uint64_t started, made, written;
	pthread_attr_t attributes;
	double kib = memory_kib();

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	started = now_ns();
	for (long i = 0; i < READS; i++) {
		pthread_t thread;

		REQUIRE(!pthread_create(&thread, &attributes, read_one,
					(void *)i));
	}
	made = now_ns();
	usleep(300000);
	kib = memory_kib() - kib;
	written = now_ns();
	fill();
	for (;;) {
		const unsigned int seen =
			__atomic_load_n(&ended, __ATOMIC_SEQ_CST);

		if (seen == READS)
			break;
		syscall(SYS_futex, &ended, FUTEX_WAIT_PRIVATE, seen, NULL);
	}
	report(started, made, written, now_ns(), kib);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "engine";

	for (int i = 0; i < PIPES; i++)
		REQUIRE(!pipe(pipes[i]));
	memset(results, 0xff, sizeof(results)); /* in memory before it counts */
	memset(bytes, 0xff, sizeof(bytes));
	if (!strcmp(way, "engine"))
		on_engine();
	else if (!strcmp(way, "threads"))
		on_threads();
#ifdef WITH_LIBURING
	else if (!strcmp(way, "uring"))
		on_uring();
#endif
	else
		return 2;
	return 0;
}
