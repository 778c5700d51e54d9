// SPDX-License-Identifier: MIT
/*
 * A call that blocks comes to what the plain call would: each kind of call
 * that the engine attempts, waits for in io_uring or hands to a worker, in
 * parts, and past four gigabytes.
 *
 *	calls WITHOUT
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"
#include "syslet.h"

#define BIG 300000

static struct async_head_user head;
static struct syslet_uatom *ring[4], atom;
static unsigned long args[6];
static long ret;
static char big[BIG], data[64];

#define WORD(x) ((unsigned long)(x))
#if __SIZEOF_LONG__ == 4
#define OFFSET(x) WORD(x), WORD((unsigned long long)(x) >> 32)
#else
#define OFFSET(x) WORD(x)
#endif

/* START(nr, arguments...): whether it runs asynchronously. */
#define START(nr, ...)                                                       \
	start(nr, sizeof((unsigned long[]){ __VA_ARGS__ }) / sizeof(long),   \
	      (unsigned long[]){ __VA_ARGS__ })

static int start(unsigned long nr, size_t count, const unsigned long *values)
{
	const struct syslet_uatom *returned;

	memset(&head, 0, sizeof(head));
	memset(ring, 0, sizeof(ring));
	memset(&atom, 0, sizeof(atom));
	head.completion_ring = ring;
	head.ring_size_bytes = sizeof(ring);
	atom.nr = nr;
	atom.ret_ptr = &ret;
	for (size_t i = 0; i < count; i++) {
		args[i] = values[i];
		atom.arg_ptr[i] = &args[i];
	}
	returned = sys_async_exec(&atom, &head);
	CHECK(!returned || returned == &atom, "nr %lu: %p", nr,
	      (const void *)returned);
	return !returned;
}

static long finish(void)
{
	const long waited = sys_async_wait(1, 0, &head);

	CHECK(!waited, "wait: %ld", waited);
	CHECK(ring[0] == &atom, "no event of nr %lu", atom.nr);
	return ret;
}

#define CHECK_GIVES(got, wanted)                                             \
	do {                                                                 \
		const long got_ = (got), wanted_ = (long)(wanted);           \
		CHECK(got_ == wanted_, "got %ld, wanted %ld", got_, wanted_);\
	} while (0)

#define CHECK_BLOCKS(...) CHECK(START(__VA_ARGS__), "it does not block")

static void put(int fd, const char *text)
{
	CHECK_GIVES(write(fd, text, strlen(text)), strlen(text));
}

/* Take count bytes out, a few at a time. */
static void take(int fd, size_t count)
{
	char part[7000];

	while (count) {
		const size_t most =
			count < sizeof(part) ? count : sizeof(part);
		const ssize_t got = read(fd, part, most);

		CHECK(got > 0, "read: %zd, %zu bytes to come", got, count);
		count -= (size_t)got;
	}
}

static int descriptor_of_large_file(void)
{
	char name[] = "syslet-calls-XXXXXX";
	int fd = mkostemp(name, O_LARGEFILE);

	CHECK(fd >= 0, "mkostemp: errno %d", errno);
	unlink(name);
	CHECK(!ftruncate64(fd, 6LL << 30), "errno %d", errno);
	return fd;
}

/* What is in the page cache is there at once, and the rest must come too. */
static void check_large_files(void)
{
	const long long at = (5LL << 30) + 12345;
	const int fd = descriptor_of_large_file();

	if (START(SYS_pwrite64, WORD(fd), WORD("distant"), 7, OFFSET(at)))
		finish();
	CHECK_GIVES(ret, 7);
	CHECK_GIVES(pread64(fd, data, 7, at), 7);
	CHECK(!memcmp(data, "distant", 7), "written elsewhere");
	CHECK_GIVES(pwrite64(fd, big, BIG, at), BIG);
	for (int positioned = 0; positioned < 2; positioned++) {
		fsync(fd);
		posix_fadvise64(fd, 0, 0, POSIX_FADV_DONTNEED);
		CHECK_GIVES(pread64(fd, data, 1, at), 1);
		lseek64(fd, at, SEEK_SET);
		if (positioned ? START(SYS_pread64, WORD(fd), WORD(big), BIG,
				       OFFSET(at))
			       : START(SYS_read, WORD(fd), WORD(big), BIG))
			finish();
		CHECK_GIVES(ret, BIG);
		CHECK(lseek64(fd, 0, SEEK_CUR) == at + (positioned ? 0 : BIG),
		      "the position is elsewhere");
	}
	CHECK(!START(SYS_pread64, WORD(fd), WORD(data), 1, OFFSET(-5LL)),
	      "refused at once");
	CHECK_GIVES(ret, -EINVAL);
	close(fd);
}

static void check_pipes(void)
{
	struct iovec parts[2] = { { data, 3 }, { data + 10, 30 } };
	int ends[2];

	CHECK(!pipe(ends), "pipe");
	CHECK_BLOCKS(SYS_read, WORD(ends[0]), WORD(data), 5);
	put(ends[1], "abcdefg");
	CHECK_GIVES(finish(), 5);
	take(ends[0], 2);
	memset(data, 0, sizeof(data));
	CHECK_BLOCKS(SYS_readv, WORD(ends[0]), WORD(parts), 2);
	put(ends[1], "abcdefg");
	CHECK_GIVES(finish(), 7);
	CHECK(!memcmp(data, "abc\0", 4) && !memcmp(data + 10, "defg", 5),
	      "parts: %s, %s", data, data + 10);
	CHECK_BLOCKS(SYS_write, WORD(ends[1]), WORD(big), 200000);
	take(ends[0], 200000);
	CHECK_GIVES(finish(), 200000);
	close(ends[0]);
	close(ends[1]);
}

static void check_receiving(int near, int far)
{
	struct iovec parts[2] = { { data, 3 }, { data + 10, 30 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	struct sockaddr_un from;
	socklen_t size = sizeof(from);

	CHECK_BLOCKS(SYS_recvfrom, WORD(near), WORD(data), 5, 0, 0, 0);
	put(far, "hello");
	CHECK_GIVES(finish(), 5);
	CHECK_BLOCKS(SYS_recvfrom, WORD(near), WORD(data), 5, MSG_WAITALL, 0,
		     0);
	put(far, "he");
	put(far, "llo");
	CHECK_GIVES(finish(), 5);
	CHECK_BLOCKS(SYS_recvfrom, WORD(near), WORD(data), 5, 0, WORD(&from),
		     WORD(&size));
	put(far, "hello");
	CHECK_GIVES(finish(), 5);
	memset(data, 0, sizeof(data));
	CHECK_BLOCKS(SYS_recvmsg, WORD(near), WORD(&message), 0);
	put(far, "abcdefg");
	CHECK_GIVES(finish(), 7);
	CHECK(!memcmp(data, "abc\0", 4) && !memcmp(data + 10, "defg", 5),
	      "parts: %s, %s", data, data + 10);
}

static void check_sending(int near, int far)
{
	struct iovec all = { big, BIG };
	struct msghdr message = { .msg_iov = &all, .msg_iovlen = 1 };

	CHECK_BLOCKS(SYS_sendto, WORD(near), WORD(big), BIG, 0, 0, 0);
	take(far, BIG);
	CHECK_GIVES(finish(), BIG);
	CHECK_BLOCKS(SYS_sendmsg, WORD(near), WORD(&message), 0);
	take(far, BIG);
	CHECK_GIVES(finish(), BIG);
}

static void check_accepting(void)
{
	struct sockaddr_un here = { .sun_family = AF_UNIX }, from;
	const int listening = socket(AF_UNIX, SOCK_STREAM, 0);
	const int coming = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t size = sizeof(here);

	CHECK(!bind(listening, (void *)&here, sizeof(here.sun_family)) &&
		      !getsockname(listening, (void *)&here, &size) &&
		      !listen(listening, 1),
	      "errno %d", errno);
	CHECK_BLOCKS(SYS_accept4, WORD(listening), WORD(&from), WORD(&size),
		     SOCK_CLOEXEC);
	CHECK(!connect(coming, (void *)&here, sizeof(here.sun_family) + 6),
	      "errno %d", errno);
	CHECK(finish() > 2, "accept4: %ld", ret);
	CHECK_GIVES(fcntl((int)ret, F_GETFD), FD_CLOEXEC);
	close((int)ret);
	close(coming);
	close(listening);
}

static void check_polling(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	const int epoll = epoll_create1(0);
	struct pollfd entry;
	int ends[2];

	CHECK(!pipe(ends), "pipe");
	entry = (struct pollfd){ ends[0], POLLIN, 0 };
	CHECK_BLOCKS(SYS_poll, WORD(&entry), 1, 5);
	CHECK_GIVES(finish(), 0);
	CHECK_BLOCKS(SYS_poll, WORD(&entry), 1, -1UL);
	put(ends[1], "a");
	CHECK_GIVES(finish(), 1);
	take(ends[0], 1);
	CHECK(!epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event), "epoll_ctl");
	CHECK_BLOCKS(SYS_epoll_pwait, WORD(epoll), WORD(&event), 1, -1UL, 0, 8);
	put(ends[1], "a");
	CHECK_GIVES(finish(), 1);
	close(epoll);
	close(ends[0]);
	close(ends[1]);
}

int main(int count, char **words)
{
	struct syslet_options options = { .size = sizeof(options) };
	int ends[2];

	if (count > 1)
		options.without = (unsigned int)strtoul(words[1], NULL, 10);
	CHECK(!syslet_start(&options), "start");
	check_large_files();
	check_pipes();
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	check_receiving(ends[0], ends[1]);
	check_sending(ends[0], ends[1]);
	check_accepting();
	check_polling();
	CHECK(!syslet_shutdown(), "shutdown");
	return 0;
}
