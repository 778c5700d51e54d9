// SPDX-License-Identifier: MIT
/*
 * A program for the historical syslet calls: it knows its C library's
 * syscall(), their numbers, and the layout, and nothing of any engine.
 *
 *	preload_program PART [NR_EXEC]
 *
 * Each part says on standard output what it saw. Exit status 3: there are no
 * such calls.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#if __SIZEOF_LONG__ == 8
#define NR_EXEC 280
#else
#define NR_EXEC 325
#endif

#define ASYNC		0x01UL
#define STOP_ON_ZERO	0x10UL
#define STOP_ON_NEGATIVE 0x20UL

struct atom {
	unsigned long flags, nr;
	long *ret_ptr;
	struct atom *next;
	void *arg_ptr[6];
	void *private;
};

struct head {
	unsigned long kernel_ring_idx, user_ring_idx;
	struct atom **completion_ring;
	unsigned long ring_size_bytes;
	unsigned long head_stack, head_eip, new_thread_stack, new_thread_eip;
};

#define SLOTS 16
#define ROUNDS 100	/* bytes that each parallel read takes, one by one */

static long nr_exec = NR_EXEC;
static struct atom *completion_ring[SLOTS];
static struct head head = {
	.completion_ring = completion_ring,
	.ring_size_bytes = sizeof(completion_ring),
};

static struct atom *async_exec(struct atom *atom)
{
	return (struct atom *)syscall(nr_exec, atom, &head);
}

static long async_wait(unsigned long min_events)
{
	return syscall(nr_exec + 1, min_events, head.user_ring_idx, &head);
}

static long umem_add(unsigned long *word, unsigned long inc)
{
	return syscall(nr_exec + 2, word, inc);
}

static long async_thread(void *event)
{
	return syscall(nr_exec + 3, event, &head);
}

static void set_atom(struct atom *atom, long nr, void *arg0, void *arg1,
		     void *arg2, long *ret_ptr, unsigned long flags,
		     struct atom *next)
{
	memset(atom, 0, sizeof(*atom));
	atom->flags = flags;
	atom->nr = (unsigned long)nr;
	atom->ret_ptr = ret_ptr;
	atom->next = next;
	atom->arg_ptr[0] = arg0;
	atom->arg_ptr[1] = arg1;
	atom->arg_ptr[2] = arg2;
}

/* The next entry of the ring, which it clears; NULL where there is none. */
static struct atom *take_event(void)
{
	struct atom **slot = &completion_ring[head.user_ring_idx];
	struct atom *atom = __atomic_load_n(slot, __ATOMIC_ACQUIRE);

	if (atom) {
		*slot = NULL;
		head.user_ring_idx = (head.user_ring_idx + 1) % SLOTS;
	}
	return atom;
}

/* The program of the design document. */
static void hello(void)
{
	static const char text[] = "Hello Syslet World!\n";
	unsigned long fd = STDOUT_FILENO, text_at = (unsigned long)text;
	unsigned long size = sizeof(text) - 1;
	struct atom atom, *done;

	set_atom(&atom, SYS_write, &fd, &text_at, &size, NULL, ASYNC, NULL);
	done = async_exec(&atom);
	if (done == (struct atom *)-1) {
		printf("async_exec: %s\n", strerror(errno));
		exit(3);
	}
	if (!done) {
		CHECK(!async_wait(1), "errno %d", errno);
		CHECK(take_event() == &atom, "not in the ring");
		printf("completed an async syslet atom!\n");
	} else {
		CHECK(done == &atom, "%p", (void *)done);
		printf("completed a cached syslet atom!\n");
	}
}

/* As many loops in parallel as the ring takes: read a byte, count it. */
static void reads(void)
{
	static struct reader {
		struct atom read, count;
		unsigned long fd, byte_at, left_at, one, minus_one, left;
		char byte;
		int ends[2];
	} readers[SLOTS];
	unsigned long events = 0;

	for (int i = 0; i < SLOTS; i++) {
		struct reader *r = &readers[i];

		CHECK(!pipe(r->ends), "pipe");
		r->fd = (unsigned long)r->ends[0];
		r->byte_at = (unsigned long)&r->byte;
		r->one = 1;
		r->minus_one = -1UL;
		r->left = ROUNDS;
		set_atom(&r->read, SYS_read, &r->fd, &r->byte_at, &r->one, NULL,
			 STOP_ON_NEGATIVE, &r->count);
		r->left_at = (unsigned long)&r->left;
		set_atom(&r->count, nr_exec + 2, &r->left_at,
			 &r->minus_one, NULL, NULL, STOP_ON_ZERO, &r->read);
		CHECK(!async_exec(&r->read), "did not block");
	}
	for (int i = 0; i < SLOTS; i++) {
		char bytes[ROUNDS];

		memset(bytes, 'a' + i, sizeof(bytes));
		CHECK(write(readers[i].ends[1], bytes, sizeof(bytes)) ==
		      ROUNDS, "write");
	}
	CHECK(!async_wait(SLOTS), "errno %d", errno);
	for (struct atom *atom; (atom = take_event()); events++)
		CHECK(atom->nr == (unsigned long)nr_exec + 2, "not the last");
	for (int i = 0; i < SLOTS; i++) {
		CHECK(!readers[i].left, "%lu left", readers[i].left);
		CHECK(readers[i].byte == 'a' + i, "%c", readers[i].byte);
		close(readers[i].ends[0]);
		close(readers[i].ends[1]);
	}
	printf("%lu events, %d bytes each\n", events, ROUNDS);
}

static const char *which(const struct atom *done, const struct atom *first,
			 const struct atom *final)
{
	return done == first ? "first" : done == final ? "final" : "neither";
}

/* What exec returns of a chain that runs cached. */
static void cached(void)
{
	struct atom first, final;

	set_atom(&final, SYS_getpid, NULL, NULL, NULL, NULL, 0, NULL);
	set_atom(&first, SYS_getpid, NULL, NULL, NULL, NULL, 0, &final);
	printf("cached: the %s atom\n", which(async_exec(&first), &first,
					      &final));
}

static void errors(void)
{
	unsigned long bad_fd = -1UL, address = 8, one = 1, word = 40;
	struct atom atom;
	long result;

	set_atom(&atom, SYS_close, &bad_fd, NULL, NULL, &result, 0, NULL);
	errno = 0;
	CHECK(async_exec(&atom) == &atom, "not cached");
	printf("close: %ld, errno %s\n", result, strerror(errno));

	set_atom(&atom, SYS_getpid, NULL, NULL, NULL, &result, 0, NULL);
	errno = ENOTTY;
	CHECK(async_exec(&atom) == &atom, "not cached");
	printf("getpid: %s, errno %s\n", result == getpid() ? "right" : "wrong",
	       strerror(errno));

	printf("exec of no atom: %ld, ", (long)async_exec(NULL));
	printf("errno %s\n", strerror(errno));
	printf("umem_add: %ld\n", umem_add(&word, 2));
	printf("umem_add of no word: %ld, ",
	       umem_add((unsigned long *)address, one));
	printf("errno %s\n", strerror(errno));
	printf("wait for none: %ld\n", async_wait(0));
}

/* An atom cannot submit, wait, or give a thread. */
static void reentry(void)
{
	static const struct { const char *name; long nr; } calls[] = {
		{ "async_exec", 0 }, { "async_wait", 1 }, { "async_thread", 3 },
	};
	struct atom atom;

	for (unsigned int i = 0; i < 3; i++) {
		long result = 0;

		set_atom(&atom, nr_exec + calls[i].nr, NULL, NULL, NULL,
			 &result, 0, NULL);
		CHECK(async_exec(&atom) == &atom, "not cached");
		printf("%s in an atom: %s\n", calls[i].name,
		       result < 0 ? "refused" : "done");
	}
}

/* Both processes use the calls, after a fork that came before or after. */
static void fork_and_run(const char *when)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	CHECK(child >= 0, "fork");
	if (child) {
		CHECK(waitpid(child, &status, 0) == child && !status,
		      "status %#x", (unsigned int)status);
	}
	printf("%s, %s:\n", when, child ? "parent" : "child");
	reads();
	cached();
	if (!child) {
		fflush(stdout);
		_exit(0);
	}
}

static void forks(void)
{
	static unsigned long fd, byte_at, one = 1;
	static struct atom blocked;
	static char byte;
	int ends[2];

	fork_and_run("fork before the first exec");
	CHECK(!pipe(ends), "pipe");
	fd = (unsigned long)ends[0];
	byte_at = (unsigned long)&byte;
	set_atom(&blocked, SYS_read, &fd, &byte_at, &one, NULL, 0, NULL);
	CHECK(!async_exec(&blocked), "did not block");
	fork_and_run("fork while a syslet is blocked");
	CHECK(write(ends[1], "b", 1) == 1, "write");
	CHECK(!async_wait(1), "errno %d", errno);
	printf("the blocked one: %s\n",
	       take_event() == &blocked && byte == 'b' ? "right" : "wrong");
}

static int given;	/* how often async_thread has returned */
static int thread_errno;

static void *give_thread(void *unused)
{
	(void)unused;
	while (async_thread(NULL) < 0 && errno == EINTR) {
		thread_errno = errno;
		if (__atomic_add_fetch(&given, 1, __ATOMIC_SEQ_CST))
			break;
	}
	return NULL;
}

static void on_signal(int signal)
{
	(void)signal;
}

/* A thread of the program's own is kept, until a signal. */
static void thread(void)
{
	const struct sigaction action = { .sa_handler = on_signal };
	pthread_t id;

	CHECK(!sigaction(SIGUSR1, &action, NULL), "sigaction");
	CHECK(!pthread_create(&id, NULL, give_thread, NULL), "thread");
	reads();
	printf("async_thread returned %d times\n",
	       __atomic_load_n(&given, __ATOMIC_SEQ_CST));
	while (!__atomic_load_n(&given, __ATOMIC_SEQ_CST)) {
		pthread_kill(id, SIGUSR1);
		usleep(1000);
	}
	pthread_join(id, NULL);
	printf("a signal: %s\n", strerror(thread_errno));
	printf("an event: %ld, ", async_thread(&head));
	printf("errno %s\n", strerror(errno));
}

#define RACERS 8

static pthread_barrier_t start;

static void *race(void *unused)
{
	struct atom first, final;

	(void)unused;
	set_atom(&final, SYS_getpid, NULL, NULL, NULL, NULL, 0, NULL);
	set_atom(&first, SYS_getpid, NULL, NULL, NULL, NULL, 0, &final);
	pthread_barrier_wait(&start);
	return (void *)which(async_exec(&first), &first, &final);
}

/* The first exec of a process, from many threads at once. */
static void races(void)
{
	pthread_t ids[RACERS];
	void *said[RACERS];

	pthread_barrier_init(&start, NULL, RACERS);
	for (int i = 0; i < RACERS; i++)
		CHECK(!pthread_create(&ids[i], NULL, race, NULL), "thread");
	for (int i = 0; i < RACERS; i++)
		pthread_join(ids[i], &said[i]);
	for (int i = 0; i < RACERS; i++)
		CHECK(said[i] == said[0], "%s", (const char *)said[i]);
	printf("all: the %s atom\n", (const char *)said[0]);
}

/* What is none of the calls is the kernel's. */
static void others(void)
{
	unsigned long word = 40;
	long result;

	errno = 0;
	printf("getpid: %s\n", syscall(SYS_getpid) == getpid() ? "right"
							       : "wrong");
	result = syscall(SYS_close, -1);
	printf("close: %ld, errno %s\n", result, strerror(errno));
	result = syscall(0x7ffffff0);
	printf("unknown: %ld, errno %s\n", result, strerror(errno));
	result = syscall(nr_exec + 2, &word, 2);
	printf("umem_add: %s\n", result == 42 ? "ours" : "not ours");
}

static const struct { const char *name; void (*run)(void); } parts[] = {
	{ "hello", hello }, { "reads", reads }, { "cached", cached },
	{ "errors", errors }, { "reentry", reentry }, { "forks", forks },
	{ "thread", thread }, { "races", races }, { "others", others },
};

int main(int argc, char **argv)
{
	alarm(60);
	if (argc > 2)
		nr_exec = atol(argv[2]);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (argc > 1 && !strcmp(argv[1], parts[i].name)) {
			parts[i].run();
			return 0;
		}
	}
	fprintf(stderr, "usage: preload_program PART [NR_EXEC]\n");
	return 2;
}
