// SPDX-License-Identifier: MIT
/*
 * Reads and writes of pipes and sockets that block and are made again when
 * the descriptor is ready. Exits with 77 where the process has no Linux AIO.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "syslet.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define OUTLASTS_FORK 0
#else
#define OUTLASTS_FORK 1
#endif

#define MANY 700	/* more than are asked for at once, and than one turn */
#define WORD(x) ((unsigned long)(x))

static struct async_head_user head;
static struct syslet_uatom *ring[MANY];

/* An atom that transfers: its call, and what it gave. */
struct transfer {
	struct syslet_uatom atom;
	unsigned long args[6];
	long result;
	char byte;
};

static void fresh_ring(void)
{
	memset(&head, 0, sizeof(head));
	memset(ring, 0, sizeof(ring));
	head.completion_ring = ring;
	head.ring_size_bytes = sizeof(ring);
}

static struct syslet_uatom *start(struct transfer *t, long nr, int fd,
				  const void *bytes, size_t count,
				  unsigned long flags)
{
	memset(t, 0, sizeof(*t));
	t->args[0] = WORD(fd);
	t->args[1] = WORD(bytes);
	t->args[2] = count;
	t->args[3] = flags;
	t->atom.nr = WORD(nr);
	t->atom.ret_ptr = &t->result;
	for (int i = 0; i < 6; i++)
		t->atom.arg_ptr[i] = &t->args[i];
	return sys_async_exec(&t->atom, &head);
}

static void start_read(struct transfer *t, int fd)
{
	CHECK(!start(t, SYS_read, fd, &t->byte, 1, 0), "the read is cached");
}

static void wait_for(unsigned long count)
{
	CHECK(!sys_async_wait(count, 0, &head), "wait for %lu", count);
}

static void put(int fd, const char *text)
{
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text),
	      "write: errno %d", errno);
}

static int has_no_reader(int fd)
{
	return write(fd, "x", 1) == -1 && errno == EPIPE;
}

static struct syslet_statistics statistics(void)
{
	struct syslet_statistics now;

	syslet_statistics(&now, sizeof(now));
	return now;
}

static int descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	CHECK(directory, "opendir");
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static void check_the_caller_alone_asks(void)
{
	struct transfer t;
	int ends[2];

	CHECK(!pipe(ends), "pipe");
	fresh_ring();
	start_read(&t, ends[0]);
	CHECK(!statistics().uring_requests, "an io_uring request");
	CHECK(!statistics().workers_started, "a worker");
	put(ends[1], "a");
	wait_for(1);
	CHECK(ring[0] == &t.atom && t.result == 1 && t.byte == 'a', "%ld, %c",
	      t.result, t.byte);
	CHECK(!statistics().uring_requests && !statistics().workers_started,
	      "the attempt was not made again");
	close(ends[0]);
	close(ends[1]);
}

/* Both are told of one byte. */
static void check_two_readers_of_one_pipe(void)
{
	struct transfer t[2];
	int ends[2];

	CHECK(!pipe(ends), "pipe");
	fresh_ring();
	start_read(&t[0], ends[0]);
	start_read(&t[1], ends[0]);
	put(ends[1], "a");
	wait_for(1);
	CHECK(ring[0] && !ring[1], "one byte, two events");
	CHECK(t[0].byte + t[1].byte == 'a', "%d, %d", t[0].byte, t[1].byte);
	put(ends[1], "b");
	wait_for(2);
	CHECK(ring[1] && ring[1] != ring[0], "one came twice");
	CHECK(t[0].byte + t[1].byte == 'a' + 'b', "%d, %d", t[0].byte,
	      t[1].byte);
	close(ends[0]);
	close(ends[1]);
}

/* What is blocked reads the file that its descriptor stood for. */
static void check_close_and_reuse(void)
{
	struct transfer t[2];
	int old[2], new[2];

	CHECK(!pipe(old) && !pipe(new), "pipe");
	fresh_ring();
	start_read(&t[0], old[0]);
	CHECK(dup2(new[0], old[0]) == old[0], "dup2");
	close(new[0]);
	start_read(&t[1], old[0]);
	put(old[1], "a");
	wait_for(1);
	CHECK(ring[0] == &t[0].atom && t[0].byte == 'a', "%c", t[0].byte);
	CHECK(has_no_reader(old[1]), "the closed pipe is held");
	close(old[0]);
	put(new[1], "b");
	wait_for(2);
	CHECK(ring[1] == &t[1].atom && t[1].byte == 'b', "%c", t[1].byte);
	CHECK(has_no_reader(new[1]), "the closed pipe is held");
	close(old[1]);
	close(new[1]);
}

static void check_end_of_file(void)
{
	struct transfer t;
	int ends[2];

	CHECK(!pipe(ends), "pipe");
	fresh_ring();
	start_read(&t, ends[0]);
	close(ends[1]);
	wait_for(1);
	CHECK(t.result == 0, "%ld", t.result);
	close(ends[0]);
}

static void check_both_ways_of_a_socket(void)
{
	static char big[300000];
	struct transfer sent, received;
	const int before = descriptors();
	size_t left = sizeof(big);
	int ends[2];

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	fresh_ring();
	CHECK(!start(&sent, SYS_sendto, ends[0], big, sizeof(big), 0),
	      "it takes all");
	CHECK(!start(&received, SYS_recvfrom, ends[0], &received.byte, 1, 0),
	      "it has something");
	put(ends[1], "a");
	wait_for(1);
	CHECK(ring[0] == &received.atom && received.byte == 'a', "the read");
	while (left) {
		char part[7000];
		const ssize_t got = read(ends[1], part, sizeof(part));

		CHECK(got > 0, "read: %zd", got);
		left -= (size_t)got;
	}
	wait_for(2);
	CHECK(ring[1] == &sent.atom && sent.result == sizeof(big), "%ld",
	      sent.result);
	CHECK(!statistics().workers_started, "a worker");
	close(ends[0]);
	close(ends[1]);
	CHECK(descriptors() == before, "a part leaves its copy");
}

/* Refused at once where the plain call would be, whatever poll says. */
static void check_what_does_not_wait(void)
{
	struct msghdr message = { 0 };
	struct transfer t;
	int ends[2];

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	fresh_ring();
	CHECK(start(&t, SYS_read, ends[1], &t.byte, 1, 0) == &t.atom,
	      "O_NONBLOCK waits");
	CHECK(t.result == -EAGAIN, "%ld", t.result);
	close(ends[0]);
	close(ends[1]);
	ends[0] = socket(AF_INET, SOCK_DGRAM, 0);
	if (ends[0] < 0)
		return;
	memset(&t, 0, sizeof(t));
	if (!start(&t, SYS_recvmsg, ends[0], &message, MSG_ERRQUEUE, 0))
		wait_for(1);
	CHECK(t.result == -EAGAIN, "the queue of errors: %ld", t.result);
	close(ends[0]);
}

static void *start_from_a_thread(void *argument)
{
	struct transfer *t = argument;

	start_read(t, (int)t->args[5]);
	return NULL;
}

static void check_the_caller_may_end(void)
{
	struct transfer t = { 0 };
	pthread_t thread;
	int ends[2];

	CHECK(!pipe(ends), "pipe");
	fresh_ring();
	t.args[5] = WORD(ends[0]);
	CHECK(!pthread_create(&thread, NULL, start_from_a_thread, &t),
	      "thread");
	pthread_join(thread, NULL);
	put(ends[1], "a");
	wait_for(1);
	CHECK(ring[0] == &t.atom && t.byte == 'a', "%c", t.byte);
	close(ends[0]);
	close(ends[1]);
}

/* More than the engine asks for at once, each on a pipe of its own. */
static void check_many(void)
{
	static struct transfer t[MANY];
	static int ends[MANY][2];
	static int seen[MANY];

	fresh_ring();
	for (int i = 0; i < MANY; i++) {
		CHECK(!pipe(ends[i]), "pipe %d", i);
		start_read(&t[i], ends[i][0]);
	}
	for (int i = 0; i < MANY; i++)
		put(ends[i][1], "a");
	wait_for(MANY);
	for (int i = 0; i < MANY; i++) {
		const struct transfer *of = (struct transfer *)ring[i];

		CHECK(of && of->byte == 'a', "entry %d", i);
		CHECK(!seen[of - t]++, "it came twice");
	}
	for (int i = 0; i < MANY; i++) {
		close(ends[i][0]);
		close(ends[i][1]);
	}
}

static void check_shutdown(void)
{
	static struct transfer t[MANY];
	int ends[2], before;
	char byte;

	CHECK(!pipe(ends), "pipe");
	before = descriptors();
	for (int lives = 0; lives < 3; lives++) {
		CHECK(!syslet_start(NULL), "start");
		fresh_ring();
		for (int i = 0; i < MANY; i++)
			start_read(&t[i], ends[0]);
		CHECK(!syslet_shutdown(), "shutdown");
		CHECK(!ring[0], "an entry on shutdown");
		CHECK(descriptors() == before, "descriptors are left");
	}
	put(ends[1], "a");
	CHECK(read(ends[0], &byte, 1) == 1, "a dropped read took the byte");
	close(ends[0]);
	CHECK(has_no_reader(ends[1]), "a dropped read holds the pipe");
	close(ends[1]);
}

/* In the child: it holds nothing of the parent's, and has its own. */
static int in_child(const int *held, int said, int told)
{
	struct transfer t;
	int ends[2];
	char byte;

	close(held[0]);
	close(held[1]);
	if (write(said, "x", 1) != 1 || read(told, &byte, 1) != 1 || pipe(ends))
		return 1;
	fresh_ring();
	start_read(&t, ends[0]);
	put(ends[1], "a");
	wait_for(1);
	return ring[0] != &t.atom || t.byte != 'a' || syslet_shutdown();
}

static void check_fork(void)
{
	int ends[2], says[2], tells[2], status;
	struct transfer t;
	pid_t child;
	char byte;

	CHECK(!pipe(ends) && !pipe(says) && !pipe(tells), "pipe");
	CHECK(!syslet_start(NULL), "start");
	fresh_ring();
	start_read(&t, ends[0]);
	child = fork();
	if (!child)
		_exit(in_child(ends, says[1], tells[0]));
	CHECK(read(says[0], &byte, 1) == 1, "the child");
	put(ends[1], "a");
	wait_for(1);
	CHECK(ring[0] == &t.atom && t.byte == 'a', "%c", t.byte);
	close(ends[0]);
	CHECK(has_no_reader(ends[1]), "the child holds the pipe");
	put(tells[1], "x");
	CHECK(waitpid(child, &status, 0) == child && !status,
	      "the child's engine: status %#x", (unsigned int)status);
	CHECK(!syslet_shutdown(), "shutdown");
	close(ends[1]);
	for (int i = 0; i < 2; i++) {
		close(says[i]);
		close(tells[i]);
	}
}

/* Where no copy can be had it goes another way. */
static void check_without_descriptors(void)
{
	struct rlimit limit, low;
	struct transfer t;
	int ends[2];

	CHECK(!pipe(ends), "pipe");
	CHECK(!getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
	low = limit;
	low.rlim_cur = 512;
	CHECK(!setrlimit(RLIMIT_NOFILE, &low), "setrlimit");
	CHECK(!syslet_start(NULL), "start");
	fresh_ring();
	start_read(&t, ends[0]);
	put(ends[1], "a");
	wait_for(1);
	CHECK(ring[0] == &t.atom && t.byte == 'a', "%c", t.byte);
	CHECK(!syslet_shutdown(), "shutdown");
	CHECK(!setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	struct rlimit limit;

	signal(SIGPIPE, SIG_IGN);
	CHECK(!getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	CHECK(!setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	CHECK(!syslet_start(NULL), "start");
	if (!(statistics().means & SYSLET_MEANS_AIO)) {
		fprintf(stderr, "the process has no Linux AIO\n");
		return 77;
	}
	check_the_caller_alone_asks();
	check_two_readers_of_one_pipe();
	check_close_and_reuse();
	check_end_of_file();
	check_both_ways_of_a_socket();
	check_the_caller_may_end();
	check_what_does_not_wait();
	check_many();
	CHECK(!syslet_shutdown(), "shutdown");
	check_shutdown();
	check_without_descriptors();
	if (OUTLASTS_FORK)
		check_fork();
	return 0;
}
