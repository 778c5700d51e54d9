// SPDX-License-Identifier: MIT
/*
 * The harness's end of a pipe, which never blocks the host: nor where a syslet
 * moves what was there a moment before.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/uio.h>

#include "host.h"

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008
#endif

typedef ssize_t (*move)(int fd, const struct iovec *part, int count,
			off_t at, int flags);

/* Bytes moved, or -errno; -EAGAIN where it would block. A pipe that splice has
 * touched knows no RWF_NOWAIT: there, poll looks first. */
static long move_at_once(move how, int fd, void *data, size_t count, short event)
{
	const struct iovec part = { .iov_base = data, .iov_len = count };
	struct pollfd entry = { .fd = fd, .events = event };
	ssize_t moved = how(fd, &part, 1, -1, RWF_NOWAIT);

	if (moved < 0 && errno == EOPNOTSUPP) {
		if (poll(&entry, 1, 0) <= 0)
			return -EAGAIN;
		moved = how(fd, &part, 1, -1, 0);
	}
	return moved < 0 ? -errno : moved;
}

/* Fewer than count where the pipe is full: PIPE_BUF bytes go into it whole or
 * not at all. */
long pipe_feed(int fd, const unsigned char *data, size_t count)
{
	size_t taken = 0;

	while (taken < count) {
		const size_t left = count - taken;
		const long moved = move_at_once(
			pwritev2, fd, (void *)(data + taken),
			left < PIPE_BUF ? left : PIPE_BUF, POLLOUT);

		if (moved == -EAGAIN)
			break;
		if (moved < 0)
			return moved;
		taken += (size_t)moved;
	}
	return (long)taken;
}

/* What is there, count at most. */
long pipe_drain(int fd, unsigned char *data, size_t count)
{
	size_t taken = 0;

	while (taken < count) {
		const long moved = move_at_once(preadv2, fd, data + taken,
						count - taken, POLLIN);

		if (!moved || moved == -EAGAIN)
			break;
		if (moved < 0)
			return moved;
		taken += (size_t)moved;
	}
	return (long)taken;
}
