// SPDX-License-Identifier: MIT
/*
 * Calls that may block, tried so that they do not.
 *
 * RWF_NOWAIT where the descriptor has it, MSG_DONTWAIT on sockets, otherwise a
 * look with poll. A descriptor that is O_NONBLOCK is taken at its word: its
 * -EAGAIN is the result.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine.h"
#include "syscall.h"

/* What the kernel notes of what open() opened; libc gives it as 0 on 64 bits. */
#if defined(__aarch64__)
#define KERNEL_O_LARGEFILE 0400000
#else
#define KERNEL_O_LARGEFILE 0100000
#endif

/* A pipe that poll calls writable takes this much without blocking. */
#define ATOMIC_BYTES 4096UL

bool syslet_is_nonblocking(word fd)
{
	const long flags = RAW(SYS_fcntl, fd, F_GETFL);

	return flags < 0 || (flags & O_NONBLOCK);
}

/*
 * After an attempt that found nothing to be had: whether its call would block.
 * What was not opened by a path is a pipe or a socket, and tells when another
 * attempt is of use. (Where it is a file all the same, another attempt fails.)
 */
static bool would_block(struct syslet *s, short events)
{
	const long flags = RAW(SYS_fcntl, s->args[0], F_GETFL);

	if (flags < 0 || (flags & O_NONBLOCK))
		return false;
	if (!(flags & KERNEL_O_LARGEFILE))
		s->ready_events = events;
	return true;
}

bool syslet_is_regular(word fd)
{
	struct statx status; /* fstat of 32 bits knows no large file */

	return !statx((int)fd, "", AT_EMPTY_PATH, STATX_TYPE, &status) &&
	       (S_ISREG(status.stx_mode) || S_ISBLK(status.stx_mode));
}

/* Where a message may go in part. */
bool syslet_is_stream(word fd)
{
	int type = SOCK_STREAM;
	socklen_t size = sizeof(type);

	return getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &size) ||
	       type == SOCK_STREAM;
}

static bool is_ready(word fd, short events)
{
	struct pollfd entry = { .fd = (int)fd, .events = events };

	return poll(&entry, 1, 0) != 0;
}

static long plain(const struct syslet *s)
{
	return raw_call(s->nr, s->args);
}

static long long position(const struct syslet *s)
{
#if __SIZEOF_LONG__ == 8
	return (long long)s->args[3];
#else
	return (long long)(s->args[3] | (unsigned long long)s->args[4] << 32);
#endif
}

/* Of all its attempts together. */
static word bytes_wanted(const struct syslet *s)
{
	return s->args[2] < MOST_BYTES ? s->args[2] : MOST_BYTES;
}

/* One read or write of what is left, without waiting. -1 as offset: where the
 * file stands. */
static long nowait(const struct syslet *s, bool writes, bool positioned)
{
	const word count = bytes_wanted(s);
	const long nr = writes ? SYS_pwritev2 : SYS_preadv2;
	struct iovec vector = {
		.iov_base = (void *)(s->args[1] + s->done),
		.iov_len = count - s->done,
	};
	unsigned long long at = ~0ULL;

	if (positioned)
		at = (unsigned long long)position(s) + s->done;
#if __SIZEOF_LONG__ == 8
	return RAW(nr, s->args[0], &vector, 1, at, 0, RWF_NOWAIT);
#else
	return RAW(nr, s->args[0], &vector, 1, (unsigned long)at,
		   (unsigned long)(at >> 32), RWF_NOWAIT);
#endif
}

/* The descriptor knows no RWF_NOWAIT: look first. */
static bool look_and_move(struct syslet *s, bool writes, long *result)
{
	const word fd = s->args[0];

	if (!is_ready(fd, writes ? POLLOUT : POLLIN) && !syslet_is_nonblocking(fd))
		return false;
	if (writes && s->args[2] > ATOMIC_BYTES && !syslet_is_regular(fd) &&
	    !syslet_is_nonblocking(fd))
		return false;
	*result = plain(s);
	return true;
}

/* What a first attempt came to, and those that it takes after it. */
static bool go_on_moving(struct syslet *s, bool writes, bool positioned,
			 long moved, long *result)
{
	const word count = bytes_wanted(s);

	for (;; moved = nowait(s, writes, positioned)) {
		if (moved == -EOPNOTSUPP || moved == -ENOSYS) {
			if (!s->done)
				return look_and_move(s, writes, result);
			*result = (long)s->done;
			return true;
		}
		if (moved == -EAGAIN) {
			if (would_block(s, writes ? POLLOUT : POLLIN))
				return false;
			*result = s->done ? (long)s->done : moved;
			return true;
		}
		if (moved < 0) {
			*result = s->done ? (long)s->done : moved;
			return true;
		}
		s->done += (word)moved;
		/* Only a write, or a file's read, goes on after a part. */
		if (s->done == count || !moved ||
		    !(writes || syslet_is_regular(s->args[0]))) {
			*result = (long)s->done;
			return true;
		}
	}
}

/* read, write, pread64, pwrite64 */
static bool move_bytes(struct syslet *s, bool writes, bool positioned,
		       long *result)
{
	if ((long)s->args[2] < 0 || (positioned && position(s) < 0)) {
		*result = plain(s); /* refused at once */
		return true;
	}
	if (!syslet_may_use(SYSLET_MEANS_NOWAIT))
		return look_and_move(s, writes, result);
	return go_on_moving(s, writes, positioned,
			    nowait(s, writes, positioned), result);
}

/* The same for a read whose first attempt was made in run.c. */
bool syslet_read_attempted(struct syslet *s, long moved, long *result)
{
	return go_on_moving(s, false, s->class == CALL_PREAD, moved, result);
}

/* What poll is to say before another attempt at a socket's call. */
static short awaited(const struct syslet *s, word flags)
{
	if (flags & NOT_POLLED)
		return 0;
	return s->class == CALL_SEND || s->class == CALL_SENDMSG ? POLLOUT
								 : POLLIN;
}

/* A socket's call whose flags are argument `flags`. */
static bool dont_wait(struct syslet *s, unsigned int flags, long *result)
{
	word args[ARGUMENTS];

	if (s->args[flags] & MSG_WAITALL)
		return false;
	memcpy(args, s->args, sizeof(args));
	args[flags] |= MSG_DONTWAIT;
	for (;;) {
		long moved;

		if (s->class == CALL_SEND) {
			args[1] = s->args[1] + s->done;
			args[2] = s->args[2] - s->done;
		}
		moved = raw_call(s->nr, args);
		if (moved == -EAGAIN && !(s->args[flags] & MSG_DONTWAIT) &&
		    would_block(s, awaited(s, s->args[flags])))
			return false;
		if (moved < 0) {
			*result = s->done ? (long)s->done : moved;
			return true;
		}
		s->done += (word)moved;
		if (s->class != CALL_SEND || s->done >= s->args[2] || !moved) {
			*result = (long)s->done;
			return true;
		}
	}
}

/* poll and epoll_wait: with no timeout first. */
static bool without_timeout(struct syslet *s, unsigned int timeout,
			    long *result)
{
	word args[ARGUMENTS];

	memcpy(args, s->args, sizeof(args));
	args[timeout] = 0;
	*result = raw_call(s->nr, args);
	return *result != 0 || (int)s->args[timeout] == 0;
}

static bool is_waiting_lock(word command)
{
	return command == F_SETLKW || command == F_OFD_SETLKW ||
	       command == F_SETLKW64;
}

static bool is_futex_wake(int command)
{
	return command == FUTEX_WAKE || command == FUTEX_WAKE_BITSET ||
	       command == FUTEX_WAKE_OP || command == FUTEX_REQUEUE ||
	       command == FUTEX_CMP_REQUEUE;
}

/* Made again, a wait with a timeout would last longer. */
static bool is_untimed_wait(const struct syslet *s)
{
	return ((int)s->args[1] & FUTEX_CMD_MASK) == FUTEX_WAIT && !s->args[3];
}

bool syslet_attempt(struct syslet *s, long *result)
{
	switch (s->class) {
	case CALL_SLEEPS:
	case CALL_RESTARTS:
		return syslet_takeover(s, result);
	case CALL_READ:
		return move_bytes(s, false, false, result);
	case CALL_WRITE:
		return move_bytes(s, true, false, result);
	case CALL_PREAD:
		return move_bytes(s, false, true, result);
	case CALL_PWRITE:
		return move_bytes(s, true, true, result);
	case CALL_READV:
		return look_and_move(s, false, result);
	case CALL_RECV:
	case CALL_SEND:
		return dont_wait(s, 3, result);
	case CALL_RECVMSG:
		return dont_wait(s, 2, result);
	case CALL_SENDMSG: /* a part of one is not gone on from */
		if (syslet_is_stream(s->args[0]) &&
		    !(s->args[2] & MSG_DONTWAIT) &&
		    !syslet_is_nonblocking(s->args[0]))
			return false;
		return dont_wait(s, 2, result);
	case CALL_ACCEPT:
		if (!is_ready(s->args[0], POLLIN) &&
		    !syslet_is_nonblocking(s->args[0]))
			return false;
		*result = plain(s);
		return true;
	case CALL_POLL:
		return without_timeout(s, 2, result);
	case CALL_EPOLL:
		return without_timeout(s, 3, result);
	case CALL_FCNTL:
		if (is_waiting_lock(s->args[1]))
			return syslet_takeover(s, result);
		*result = plain(s);
		return true;
	case CALL_FUTEX:
		if (!is_futex_wake((int)s->args[1] & FUTEX_CMD_MASK))
			return is_untimed_wait(s) && syslet_takeover(s, result);
		*result = plain(s);
		return true;
	default:
		return false;
	}
}
