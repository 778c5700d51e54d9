// SPDX-License-Identifier: MIT
/* Which system calls may block, and how; and their numbers by name. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "engine.h"

/*
 * Calls that cannot block on anything but the processor and the page cache.
 * What stands in no list may block, and goes to a worker.
 */
unsigned char syslet_classes[SYSLET_CLASSES] = {
	[SYS_getpid] = CALL_INLINE,
	[SYS_gettid] = CALL_INLINE,
	[SYS_getppid] = CALL_INLINE,
	[SYS_getuid] = CALL_INLINE,
	[SYS_geteuid] = CALL_INLINE,
	[SYS_getgid] = CALL_INLINE,
	[SYS_getegid] = CALL_INLINE,
	[SYS_getpgid] = CALL_INLINE,
	[SYS_getsid] = CALL_INLINE,
	[SYS_getpriority] = CALL_INLINE,
	[SYS_getrusage] = CALL_INLINE,
	[SYS_times] = CALL_INLINE,
	[SYS_sysinfo] = CALL_INLINE,
	[SYS_uname] = CALL_INLINE,
	[SYS_umask] = CALL_INLINE,
	[SYS_getcpu] = CALL_INLINE,
	[SYS_getrandom] = CALL_WORKER, /* blocks before the pool is ready */
	[SYS_gettimeofday] = CALL_INLINE,
	[SYS_clock_gettime] = CALL_INLINE,
	[SYS_clock_getres] = CALL_INLINE,
	[SYS_sched_yield] = CALL_INLINE,
	[SYS_sched_getaffinity] = CALL_INLINE,
	[SYS_lseek] = CALL_INLINE,
#ifdef SYS__llseek
	[SYS__llseek] = CALL_INLINE,
#endif
	[SYS_dup] = CALL_INLINE,
	[SYS_dup3] = CALL_INLINE,
	[SYS_close] = CALL_INLINE,
	[SYS_pipe2] = CALL_INLINE,
	[SYS_eventfd2] = CALL_INLINE,
	[SYS_memfd_create] = CALL_INLINE,
	[SYS_timerfd_create] = CALL_INLINE,
	[SYS_timerfd_settime] = CALL_INLINE,
	[SYS_timerfd_gettime] = CALL_INLINE,
	[SYS_epoll_create1] = CALL_INLINE,
	[SYS_epoll_ctl] = CALL_INLINE,
	[SYS_kill] = CALL_INLINE,
	[SYS_tgkill] = CALL_INLINE,
	[SYS_tkill] = CALL_INLINE,
	[SYS_rt_sigprocmask] = CALL_INLINE,
	[SYS_rt_sigpending] = CALL_INLINE,
	[SYS_brk] = CALL_INLINE,
	[SYS_munmap] = CALL_INLINE,
	[SYS_mprotect] = CALL_INLINE,
#ifdef SYS_mmap
	[SYS_mmap] = CALL_INLINE,
#endif
#ifdef SYS_socket
	[SYS_socket] = CALL_INLINE,
	[SYS_socketpair] = CALL_INLINE,
	[SYS_bind] = CALL_INLINE,
	[SYS_listen] = CALL_INLINE,
	[SYS_shutdown] = CALL_INLINE,
	[SYS_getsockname] = CALL_INLINE,
	[SYS_getpeername] = CALL_INLINE,
	[SYS_setsockopt] = CALL_INLINE,
	[SYS_getsockopt] = CALL_INLINE,
	[SYS_recvfrom] = CALL_RECV,
	[SYS_sendto] = CALL_SEND,
	[SYS_recvmsg] = CALL_RECVMSG,
	[SYS_sendmsg] = CALL_SENDMSG,
	[SYS_accept4] = CALL_ACCEPT,
#endif
	[SYS_read] = CALL_READ,
	[SYS_write] = CALL_WRITE,
	[SYS_pread64] = CALL_PREAD,
	[SYS_pwrite64] = CALL_PWRITE,
	[SYS_readv] = CALL_READV,
#ifdef SYS_poll
	[SYS_poll] = CALL_POLL,
#endif
#ifdef SYS_epoll_wait
	[SYS_epoll_wait] = CALL_EPOLL,
#endif
	[SYS_epoll_pwait] = CALL_EPOLL,
#ifdef SYS_fcntl
	[SYS_fcntl] = CALL_FCNTL,
#endif
#ifdef SYS_futex
	[SYS_futex] = CALL_FUTEX,
#endif
	/* Interrupted, they have done nothing, or say what is left. */
	[SYS_nanosleep] = CALL_SLEEPS,
	[SYS_flock] = CALL_RESTARTS,
	[SYS_wait4] = CALL_RESTARTS,
	[SYS_waitid] = CALL_RESTARTS,
	[SYS_openat] = CALL_RESTARTS,
#ifdef SYS_open
	[SYS_open] = CALL_RESTARTS,
#endif
	/* They would copy, leave or end the thread that runs the engine. */
	[SYS_exit] = CALL_REFUSED,
	[SYS_rt_sigreturn] = CALL_REFUSED,
	[SYS_clone] = CALL_REFUSED,
#ifdef SYS_clone3
	[SYS_clone3] = CALL_REFUSED,
#endif
#ifdef SYS_fork
	[SYS_fork] = CALL_REFUSED,
	[SYS_vfork] = CALL_REFUSED,
#endif
#ifdef SYS_sigreturn
	[SYS_sigreturn] = CALL_REFUSED,
#endif
};

/* Numbers that syslet_name_call() was given and the table does not reach. */
#define NAMED_CALLS 4

static struct {
	word nr;
	enum call_class class;
} named_calls[NAMED_CALLS];
static unsigned int named_count;

/*
 * Atoms may name a call of ours by this number too, whatever it means to the
 * kernel. Before the engine starts. 0, or -ENOSPC.
 */
int syslet_name_call(word nr, enum call_class class)
{
	if (nr < SYSLET_CLASSES) {
		syslet_classes[nr] = (unsigned char)class;
		return 0;
	}
	if (named_count == NAMED_CALLS)
		return -ENOSPC;
	named_calls[named_count].nr = nr;
	named_calls[named_count++].class = class;
	return 0;
}

enum call_class syslet_class_past_table(word nr)
{
	if (nr == SYSLET_NR_ASYNC_EXEC || nr == SYSLET_NR_ASYNC_WAIT)
		return CALL_REFUSED;
	for (unsigned int i = 0; i < named_count; i++)
		if (named_calls[i].nr == nr)
			return named_calls[i].class;
	return CALL_INLINE; /* unknown to us and to the kernel: -ENOSYS */
}

#define NAMED(name) { #name, SYS_##name }

static const struct {
	const char *name;
	long nr;
} numbers[] = {
	{ "umem_add", SYSLET_NR_UMEM_ADD },
	{ "async_exec", SYSLET_NR_ASYNC_EXEC },
	{ "async_wait", SYSLET_NR_ASYNC_WAIT },
	NAMED(read),
	NAMED(write),
	NAMED(pread64),
	NAMED(pwrite64),
	NAMED(readv),
	NAMED(writev),
	NAMED(close),
	NAMED(lseek),
	NAMED(dup),
	NAMED(dup3),
	NAMED(splice),
	NAMED(pipe2),
	NAMED(fcntl),
	NAMED(flock),
	NAMED(fsync),
	NAMED(fdatasync),
	NAMED(ftruncate),
	NAMED(openat),
#ifdef SYS_open
	NAMED(open),
#endif
#ifdef SYS_poll
	NAMED(poll),
#endif
	NAMED(ppoll),
	NAMED(epoll_pwait),
	NAMED(nanosleep),
	NAMED(clock_nanosleep),
	NAMED(getpid),
	NAMED(getppid),
	NAMED(gettid),
	NAMED(getuid),
	NAMED(memfd_create),
	NAMED(eventfd2),
	NAMED(sched_yield),
	NAMED(futex),
	NAMED(wait4),
	NAMED(kill),
#ifdef SYS_socket
	NAMED(socketpair),
	NAMED(recvfrom),
	NAMED(sendto),
	NAMED(recvmsg),
	NAMED(sendmsg),
	NAMED(accept4),
#endif
};

long syslet_number(const char *name)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strcmp(numbers[i].name, name))
			return numbers[i].nr;
	return -ENOENT;
}
