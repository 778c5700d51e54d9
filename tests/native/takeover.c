// SPDX-License-Identifier: MIT
/*
 * Calls that the caller tries and a worker takes over when they block. Exits
 * with 77 where the process may not use perf events.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "syslet.h"

static struct async_head_user head;
static struct syslet_uatom *ring[2], atom;
static unsigned long args[4];
static long result;

static struct syslet_uatom *run(long nr, unsigned long a, unsigned long b,
				unsigned long c, unsigned long d)
{
	const unsigned long given[] = { a, b, c, d };

	memset(&head, 0, sizeof(head));
	memset(ring, 0, sizeof(ring));
	head.completion_ring = ring;
	head.ring_size_bytes = sizeof(ring);
	memset(&atom, 0, sizeof(atom));
	atom.nr = (unsigned long)nr;
	atom.ret_ptr = &result;
	result = -999;
	for (int i = 0; i < 4; i++) {
		args[i] = given[i];
		atom.arg_ptr[i] = &args[i];
	}
	return sys_async_exec(&atom, &head);
}

static void ends(const char *what, long wanted)
{
	CHECK(!sys_async_wait(1, 0, &head), "%s: wait", what);
	CHECK(ring[0] == &atom, "%s: entry %p", what, (void *)ring[0]);
	CHECK(result == wanted, "%s: result %ld", what, result);
}

/* Where nothing blocks it is cached, unless the caller is preempted just then. */
static void is_cached(const char *what, long nr, unsigned long a,
		      unsigned long b, unsigned long c, long wanted)
{
	for (int i = 0; i < 100; i++) {
		struct syslet_uatom *got = run(nr, a, b, c, 0);

		if (got) {
			CHECK(got == &atom, "%s: exec gave %p", what,
			      (void *)got);
			CHECK(result == wanted, "%s: result %ld", what, result);
			return;
		}
		ends(what, wanted);
	}
	CHECK(0, "%s: never cached", what);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void check_sleep(void)
{
	long duration[2] = { 0, 30000000 };
	const double start = now_ms();

	CHECK(!run(SYS_nanosleep, (unsigned long)duration, 0, 0, 0), "sleep");
	CHECK(now_ms() - start < 30, "exec slept for %g ms", now_ms() - start);
	ends("sleep", 0);
	CHECK(now_ms() - start >= 30, "slept for %g ms", now_ms() - start);
}

static void check_lock(void)
{
	char name[] = "takeover-XXXXXX";
	const int ours = mkstemp(name), theirs = open(name, O_RDWR);

	CHECK(ours >= 0 && theirs >= 0, "%s", name);
	unlink(name);
	is_cached("free lock", SYS_flock, (unsigned long)ours, LOCK_EX, 0, 0);
	CHECK(!flock(ours, LOCK_UN) && !flock(theirs, LOCK_EX), "flock");
	CHECK(!run(SYS_flock, (unsigned long)ours, LOCK_EX, 0, 0), "taken");
	CHECK(result == -999, "the lock was not waited for");
	CHECK(!flock(theirs, LOCK_UN), "flock");
	ends("taken lock", 0);
	close(ours);
	close(theirs);
}

static void check_child(void)
{
	int status = 0, hold[2];
	char byte;
	pid_t child;

	CHECK(!pipe(hold), "pipe");
	child = fork();
	if (!child) {
		close(hold[1]);
		_exit(read(hold[0], &byte, 1) == 0 ? 7 : 1);
	}
	close(hold[0]);
	CHECK(!run(SYS_wait4, (unsigned long)child, (unsigned long)&status, 0,
		   0), "wait4");
	close(hold[1]);
	ends("wait4", child);
	CHECK(WEXITSTATUS(status) == 7, "status %d", status);
}

static void check_futex(void)
{
	static unsigned int word;

	CHECK(!run(SYS_futex, (unsigned long)&word, FUTEX_WAIT_PRIVATE, 0, 0),
	      "futex");
	CHECK(result == -999, "the futex was not waited for");
	while (syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, 0) != 1)
		sched_yield();
	ends("futex", 0);
	is_cached("futex of another value", SYS_futex, (unsigned long)&word,
		  FUTEX_WAIT_PRIVATE, 5, -11);
}

/* A program that holds the signal back: a worker makes the call from the start. */
static void check_held_signal(void)
{
	long duration[2] = { 0, 0 };
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	CHECK(!run(SYS_nanosleep, (unsigned long)duration, 0, 0, 0), "held");
	ends("held", 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void *elsewhere(void *argument)
{
	check_sleep();
	check_lock();
	return argument;
}

static int descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

int main(void)
{
	struct syslet_statistics statistics;
	const int before = descriptors();

	CHECK(!syslet_start(NULL), "start");
	syslet_statistics(&statistics, sizeof(statistics));
	if (!(statistics.means & SYSLET_MEANS_PERF)) {
		fprintf(stderr, "no perf events here\n");
		return 77;
	}
	for (int turn = 0; turn < 3; turn++) {
		pthread_t thread;

		check_sleep();
		check_lock();
		check_child();
		check_futex();
		check_held_signal();
		CHECK(!pthread_create(&thread, NULL, elsewhere, NULL), "thread");
		pthread_join(thread, NULL);
		CHECK(!syslet_shutdown(), "shutdown");
		CHECK(descriptors() == before, "descriptors leaked");
		CHECK(!syslet_start(NULL), "start again");
	}
	CHECK(!syslet_shutdown(), "shutdown");
	printf("ok\n");
	return 0;
}
