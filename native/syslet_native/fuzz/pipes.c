// SPDX-License-Identifier: MIT
/*
 * An end stays one that blocks, since atoms use it. Whoever feeds or drains
 * opens the pipe once more, without waiting, and only for that.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "atomic.h"
#include "pipes.h"
#include "stream_tables.h"

/* -1: closed. The engine's threads look while the target closes; relaxed. */
static int ends[STREAM_ENDS] = { -1, -1, -1, -1 };

void pipes_open(unsigned long *fds)
{
	for (unsigned int i = 0; i < STREAM_ENDS; i += 2) {
		int pair[2];

		if (pipe2(pair, O_CLOEXEC)) {
			perror("pipe");
			exit(1);
		}
		for (unsigned int j = 0; j < 2; j++) {
			fds[i + j] = (unsigned long)pair[j];
			store_relaxed(&ends[i + j], pair[j]);
		}
	}
}

bool pipes_have(unsigned long fd)
{
	for (unsigned int i = 0; i < STREAM_ENDS; i++) {
		const int end = load_relaxed(&ends[i]);

		if (end >= 0 && fd == (unsigned long)end)
			return true;
	}
	return false;
}

void pipes_close(unsigned int end)
{
	const int fd = load_relaxed(&ends[end]);

	store_relaxed(&ends[end], -1);
	if (fd >= 0)
		close(fd);
}

void pipes_close_all(void)
{
	for (unsigned int i = 0; i < STREAM_ENDS; i++)
		pipes_close(i);
}

/* Another descriptor of the same pipe, or -1. */
static int again(unsigned int end, int flags)
{
	char path[32];

	if (ends[2 * (end / 2)] < 0 || ends[2 * (end / 2) + 1] < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[end]);
	return open(path, flags | O_NONBLOCK | O_CLOEXEC);
}

void pipes_feed(unsigned int pipe, int byte, size_t count)
{
	static char bytes[STREAM_FILL_BYTES];
	const int fd = again(2 * pipe + 1, O_WRONLY);
	ssize_t wrote = 0;

	if (fd < 0)
		return;
	memset(bytes, byte, count);
	for (size_t done = 0; done < count && wrote >= 0; done += (size_t)wrote)
		wrote = write(fd, bytes, count - done);
	close(fd);
}

void pipes_drain(unsigned int pipe, size_t count)
{
	static char bytes[STREAM_DRAIN_BYTES];
	const int fd = again(2 * pipe, O_RDONLY);
	ssize_t got = 1;

	if (fd < 0)
		return;
	for (size_t done = 0; done < count && got > 0; done += (size_t)got)
		got = read(fd, bytes, count - done);
	close(fd);
}
