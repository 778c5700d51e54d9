// SPDX-License-Identifier: MIT
/* The harness's end of a pipe, which never blocks the host. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "host.h"

static bool is_ready(int fd, short events)
{
	struct pollfd entry = { .fd = fd, .events = events };

	return poll(&entry, 1, 0) > 0;
}

/* Fewer than count where the pipe is full: what poll calls writable takes
 * PIPE_BUF at once. */
long pipe_feed(int fd, const unsigned char *data, size_t count)
{
	size_t taken = 0;

	while (taken < count && is_ready(fd, POLLOUT)) {
		const size_t left = count - taken;
		const ssize_t part = write(fd, data + taken,
					   left < PIPE_BUF ? left : PIPE_BUF);

		if (part < 0)
			return -errno;
		taken += (size_t)part;
	}
	return (long)taken;
}

/* What is there, count at most. */
long pipe_drain(int fd, unsigned char *data, size_t count)
{
	size_t taken = 0;

	while (taken < count && is_ready(fd, POLLIN)) {
		const ssize_t part = read(fd, data + taken, count - taken);

		if (part < 0)
			return -errno;
		if (!part)
			break;
		taken += (size_t)part;
	}
	return (long)taken;
}
