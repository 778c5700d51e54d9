// SPDX-License-Identifier: MIT
/*
 * The engine's life: created and destroyed a thousand times with blocked
 * syslets in it, forked, beside a program's own fault handler, with ten
 * thousand syslets blocked at once.
 *
 *	life CYCLES BLOCKED
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "syslet.h"

/* ThreadSanitizer takes a handler that is jumped out of as not left; neither
 * it nor AddressSanitizer outlasts a fork of several threads. */
#if defined(__SANITIZE_THREAD__)
#define OUTLASTS_FAULTS 0
#define OUTLASTS_FORK 0
#elif defined(__SANITIZE_ADDRESS__)
#define OUTLASTS_FAULTS 1
#define OUTLASTS_FORK 0
#else
#define OUTLASTS_FAULTS 1
#define OUTLASTS_FORK 1
#endif

static struct async_head_user head;
static struct syslet_uatom *ring[4];

static void fresh_ring(void)
{
	memset(&head, 0, sizeof(head));
	memset(ring, 0, sizeof(ring));
	head.completion_ring = ring;
	head.ring_size_bytes = sizeof(ring);
}

static int entries_of(const char *folder)
{
	DIR *directory = opendir(folder);
	int count = 0;

	CHECK(directory, "opendir %s", folder);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

/* A thread that was joined may be in the folder a moment longer. */
static int comes_down_to(const char *folder, int wanted)
{
	for (int looks = 0; looks < 100000; looks++) {
		if (entries_of(folder) <= wanted)
			return 1;
		sched_yield();
	}
	return 0;
}

static void check_cycles(int cycles)
{
	static unsigned long fd, buffer_at, one = 1, hour[2] = { 3600, 0 },
							    hour_at;
	static char buffer;
	static struct syslet_uatom read_atom, sleep_atom;
	int ends[2], fds = 0, threads = 0;

	CHECK(!pipe(ends), "pipe");
	fd = (unsigned long)ends[0];
	buffer_at = (unsigned long)&buffer;
	hour_at = (unsigned long)hour;
	read_atom.nr = SYS_read;
	read_atom.arg_ptr[0] = &fd;
	read_atom.arg_ptr[1] = &buffer_at;
	read_atom.arg_ptr[2] = &one;
	sleep_atom.nr = SYS_nanosleep;
	sleep_atom.arg_ptr[0] = &hour_at;
	for (int i = 0; i < cycles; i++) {
		if (i < 2) { /* libraries set themselves up in the first */
			fds = entries_of("/proc/self/fd");
			threads = entries_of("/proc/self/task");
		}
		fresh_ring();
		CHECK(!syslet_start(NULL), "start");
		CHECK(syslet_start(NULL) == -EBUSY, "started twice");
		CHECK(!sys_async_exec(&read_atom, &head), "read");
		CHECK(!sys_async_exec(&sleep_atom, &head), "sleep");
		CHECK(!syslet_shutdown(), "shutdown");
		CHECK(!ring[0], "an entry on shutdown");
	}
	CHECK(syslet_shutdown() == -ESRCH, "shut down twice");
	CHECK(comes_down_to("/proc/self/fd", fds), "descriptors leaked");
	CHECK(comes_down_to("/proc/self/task", threads), "threads leaked");
	CHECK(write(ends[1], "x", 1) == 1, "write");
	CHECK(read(ends[0], &buffer, 1) == 1, "a dropped read took the byte");
	close(ends[0]);
	close(ends[1]);
}

static int gate;		/* a futex: 0 as long as it is shut */

static void open_gate(void)
{
	__atomic_store_n(&gate, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &gate, FUTEX_WAKE, INT_MAX);
}

static void check_fork(void)
{
	static unsigned long at, wait = FUTEX_WAIT, shut, for_ever;
	struct syslet_uatom atom = {
		.nr = SYS_futex,
		.arg_ptr = { &at, &wait, &shut, &for_ever },
	};
	int status;
	pid_t child;

	at = (unsigned long)&gate;
	fresh_ring();
	CHECK(!sys_async_exec(&atom, &head), "it waits at the gate");
	child = fork();
	if (!child) {
		struct syslet_statistics now;

		syslet_statistics(&now, sizeof(now));
		fresh_ring();
		if (now.pending || now.workers || sys_async_exec(&atom, &head))
			_exit(1);
		open_gate();
		if (sys_async_wait(1, 0, &head) || ring[0] != &atom)
			_exit(1);
		_exit(syslet_shutdown() ? 2 : 0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0,
	      "the child's engine: status %#x", (unsigned int)status);
	CHECK(!ring[0], "the parent's still waits");
	open_gate();
	CHECK(!sys_async_wait(1, 0, &head) && ring[0] == &atom, "the parent's");
	CHECK(!syslet_shutdown(), "shutdown");
}

static sigjmp_buf came_back;
static volatile int own_faults;

static void on_own_fault(int signal)
{
	(void)signal;
	own_faults++;
	siglongjmp(came_back, 1);
}

static void check_own_fault(volatile char *nowhere)
{
	if (!sigsetjmp(came_back, 1))
		*nowhere = 1;
}

static void check_faults(void)
{
	struct sigaction own = { .sa_handler = on_own_fault }, now;
	char *nowhere = mmap(NULL, 4096, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(!sigaction(SIGSEGV, &own, NULL), "sigaction");
	CHECK(!syslet_start(NULL), "start");
	fresh_ring();
	CHECK(sys_async_exec((void *)nowhere, &head) == (void *)(long)-EFAULT,
	      "an atom that is not there");
	CHECK(umem_add((void *)nowhere, 1) == -EFAULT, "a word that is not");
	CHECK(own_faults == 0, "the engine's faults reached the program");
	check_own_fault(nowhere);
	CHECK(own_faults == 1, "the program's fault was swallowed");
	CHECK(!syslet_shutdown(), "shutdown");
	check_own_fault(nowhere);
	CHECK(own_faults == 2, "the handler is not back");
	CHECK(!sigaction(SIGSEGV, NULL, &now) &&
	      now.sa_handler == on_own_fault, "another handler is back");
	signal(SIGSEGV, SIG_DFL);
	munmap(nowhere, 4096);
}

struct reader {
	struct syslet_uatom atom;
	unsigned long fd, buffer_at;
	char buffer;
	int write_end, seen;
};

/* Readers share pipes where there are not descriptors enough for one each. */
static void check_blocked(unsigned long count)
{
	static unsigned long one = 1;
	struct reader *readers = calloc(count, sizeof(*readers));
	struct syslet_uatom **slots[2];
	struct async_head_user heads[2];
	unsigned long total = 0, pipes;
	struct rlimit limit;

	CHECK(!getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	CHECK(!setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	pipes = (limit.rlim_max - 512) / 2; /* some are the engine's */
	for (int i = 0; i < 2; i++) {
		slots[i] = calloc(count, sizeof(*slots[i]));
		memset(&heads[i], 0, sizeof(heads[i]));
		heads[i].completion_ring = slots[i];
		heads[i].ring_size_bytes = count / 2 * sizeof(*slots[i]);
	}
	for (unsigned long i = 0; i < count; i++) {
		struct reader *r = &readers[i];
		int ends[2];

		if (i < pipes) {
			CHECK(!pipe(ends), "pipe %lu", i);
			r->fd = (unsigned long)ends[0];
			r->write_end = ends[1];
		} else {
			r->fd = readers[i % pipes].fd;
			r->write_end = readers[i % pipes].write_end;
		}
		r->buffer_at = (unsigned long)&r->buffer;
		r->atom.nr = SYS_read;
		r->atom.arg_ptr[0] = &r->fd;
		r->atom.arg_ptr[1] = &r->buffer_at;
		r->atom.arg_ptr[2] = &one;
		CHECK(!sys_async_exec(&r->atom, &heads[i % 2]), "exec %lu", i);
	}
	for (unsigned long i = 0; i < count; i++)
		CHECK(write(readers[i].write_end, "x", 1) == 1, "write");
	for (unsigned long h = 0; h < 2; h++) {
		CHECK(!sys_async_wait(count / 2, 0, &heads[h]), "wait");
		for (unsigned long i = 0; i < count / 2; i++) {
			struct reader *r = (struct reader *)slots[h][i];

			CHECK(r, "slot %lu is empty", i);
			CHECK((unsigned long)(r - readers) % 2 == h, "ring");
			CHECK(!r->seen && r->buffer == 'x', "twice, or empty");
			r->seen = 1;
			total++;
		}
	}
	CHECK(total == count, "%lu of %lu came", total, count);
	CHECK(!syslet_shutdown(), "shutdown");
	for (unsigned long i = 0; i < count && i < pipes; i++) {
		close((int)readers[i].fd);
		close(readers[i].write_end);
	}
	free(slots[0]);
	free(slots[1]);
	free(readers);
}

static void check_options(void)
{
	struct syslet_options options = { .size = sizeof(options) };

	options.without = 0x80;
	CHECK(syslet_start(&options) == -EINVAL, "unknown means");
	options.without = 0;
	options.return_final = 2;
	CHECK(syslet_start(&options) == -EINVAL, "return_final 2");
	options.return_final = 0;
	options.size = 1;
	CHECK(syslet_start(&options) == -EINVAL, "size 1");
	options.size = sizeof(options);
	options.cancel_signal = 1000;
	CHECK(syslet_start(&options) == -EINVAL, "signal 1000");
}

int main(int argc, char **argv)
{
	CHECK(argc == 3, "usage: life CYCLES BLOCKED");
	check_options();
	if (OUTLASTS_FAULTS)
		check_faults();
	if (OUTLASTS_FORK)
		check_fork();
	check_cycles(atoi(argv[1]));
	check_blocked(strtoul(argv[2], NULL, 10));
	printf("ok\n");
	return 0;
}
