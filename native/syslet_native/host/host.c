// SPDX-License-Identifier: MIT
/*
 * The engine host: the engine protocol on stdin and stdout, for the harness to
 * drive an engine that is a shared library, in a process of its own. The
 * library is loaded at hello, so that what is wrong with it can be answered.
 *
 * The protocol is moved to descriptors of its own, so that a syslet that reads
 * 0 finds nothing and one that writes 1 is heard on stderr.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

#define SHOWN_BYTES	200	/* of a line that is wrong */
#define WHY_BYTES	256
#define PRIVATE_FD	500	/* and up: programs count from below */

/* Of the thread whose turn it is to read. */
static int in = -1;
static char buffer[LINE_BYTES];
static size_t start, filled;	/* what is there and was not served */
static unsigned long line_number;	/* of the line that was read last */
static char shown[SHOWN_BYTES + 1];	/* its start */

const char *library_path;

/* A copy of the descriptor out of the way, or the lowest one that is free. */
int out_of_the_way(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, PRIVATE_FD);

	if (copy < 0)
		copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return copy;
}

static int set_up(void)
{
	const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const int out = out_of_the_way(1);

	in = out_of_the_way(0);
	if (nothing < 0 || out < 0 || in < 0 || dup2(nothing, 0) < 0 ||
	    dup2(2, 1) < 0)
		return -errno;
	close(nothing);
	answer_to(out);
	signal(SIGPIPE, SIG_IGN);
	return prepare_copies();
}

static void show(const char *line)
{
	line_number++;
	shown[0] = '\0';
	strncat(shown, line, SHOWN_BYTES);
}

void answer_malformed(uint64_t tag, const char *format, ...)
{
	char why[WHY_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, sizeof(why), format, arguments);
	va_end(arguments);
	answer(tag, "error line %lu: %s: %s", line_number, why, shown);
}

/* Split at the spaces; false, answered, where it is not a request. */
static bool split(char *line, struct request *request)
{
	char *rest = line;
	const char *tag = strsep(&rest, " ");

	memset(request, 0, sizeof(*request));
	if (!read_number(tag, UINT64_MAX, &request->tag)) {
		answer_malformed(0, "a line starts with a tag, a number");
		return false;
	}
	request->verb = strsep(&rest, " ");
	if (!request->verb || !*request->verb) {
		answer_malformed(request->tag, "a request follows the tag");
		return false;
	}
	while (rest) {
		const char *word = strsep(&rest, " ");

		if (!*word)
			continue;
		if (request->count < MOST_WORDS)
			request->words[request->count] = word;
		request->count++;
	}
	return true;
}

/* A line that does not fit: its tag is told so, and the rest is passed over. */
static void on_long_line(void)
{
	uint64_t tag = 0;
	char *rest = buffer;

	buffer[sizeof(buffer) - 1] = '\0';
	show(buffer);
	if (!read_number(strsep(&rest, " "), UINT64_MAX, &tag))
		tag = 0;
	answer_malformed(tag, "a line has %d bytes at most", LINE_BYTES);
}

/* More of what the harness says. At its end so is the process, with what is
 * blocked and no goodbye. */
static void read_more(void)
{
	ssize_t part;

	memmove(buffer, buffer + start, filled - start);
	filled -= start;
	start = 0;
	do {
		part = read(in, buffer + filled, sizeof(buffer) - filled);
	} while (part < 0 && errno == EINTR);
	if (part <= 0)
		_exit(0);
	filled += (size_t)part;
}

/* The next line. One that is too long is answered and passed over. */
static char *next_line(void)
{
	bool passing_over = false;

	for (;;) {
		char *line = buffer + start;
		char *end = memchr(line, '\n', filled - start);

		if (end) {
			*end = '\0';
			start = (size_t)(end + 1 - buffer);
			if (!passing_over) {
				show(line);
				return line;
			}
			passing_over = false;
			continue;
		}
		if (filled - start == sizeof(buffer)) {
			if (!passing_over)
				on_long_line();
			passing_over = true;
			start = filled;
		}
		read_more();
	}
}

/* Every thread that is not in a call; NULL as argument: not the main one. */
void *read_requests(void *argument)
{
	bool reads = argument != NULL;
	struct request request;

	for (;;) {
		if (!reads && !wait_to_read(!argument))
			return NULL;
		reads = true;
		if (split(next_line(), &request))
			reads = serve(&request);
	}
}

int main(int count, char **words)
{
	int error;

	if (count != 2) {
		fprintf(stderr, "usage: %s LIBRARY\n", words[0]);
		return 2;
	}
	library_path = words[1];
	error = set_up();
	if (error) {
		fprintf(stderr, "syslet host: %s\n", strerror(-error));
		return 2;
	}
	read_requests(buffer);
	return 0;
}
