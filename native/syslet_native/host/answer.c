// SPDX-License-Identifier: MIT
/* Answers: one line each, whole, whichever thread gives it. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char line[LINE_BYTES + 1];
static int out = -1;

void answer_to(int fd)
{
	out = fd;
}

/* With the lock held. A harness that is gone wants no engine either. */
static void send_line(size_t length)
{
	size_t sent = 0;

	line[length++] = '\n';
	while (sent < length) {
		const ssize_t part = write(out, line + sent, length - sent);

		if (part < 0 && errno != EINTR)
			_exit(1);
		if (part > 0)
			sent += (size_t)part;
	}
}

void answer(uint64_t tag, const char *format, ...)
{
	va_list arguments;
	size_t length;
	int start;

	pthread_mutex_lock(&lock);
	start = sprintf(line, "%" PRIu64 " ", tag);
	va_start(arguments, format);
	vsnprintf(line + start, LINE_BYTES - (size_t)start, format, arguments);
	va_end(arguments);
	length = strlen(line);
	for (size_t i = 0; i < length; i++)
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
	send_line(length);
	pthread_mutex_unlock(&lock);
}

void answer_bytes(uint64_t tag, const unsigned char *data, size_t count)
{
	int start;

	pthread_mutex_lock(&lock);
	start = sprintf(line, "%" PRIu64 " ok ", tag);
	write_bytes(line + start, data, count);
	send_line(strlen(line));
	pthread_mutex_unlock(&lock);
}

void answer_errno(uint64_t tag, const char *what, long error)
{
	answer(tag, "error %s: %s", what, strerror((int)-error));
}
