// SPDX-License-Identifier: MIT
/*
 * libc's syscall(), with the historical syslet calls in it.
 *
 * Every other number goes to the kernel. The engine starts with the first call
 * of ours that a process makes, a forked child's being another process.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <unistd.h>

#include "atomic.h"
#include "engine.h"
#include "settings.h"
#include "syscall.h"

#define GREATEST_ERRNO 4095UL

/* Until the constructor has run, nothing is ours. */
static struct settings settings = {
	.numbers = { NO_NUMBER, NO_NUMBER, NO_NUMBER, NO_NUMBER },
};

__attribute__((constructor)) static void set_up(void)
{
	settings_read(&settings);
	if (settings.broken)
		return;
	for (int i = 0; i < OWN_CALLS; i++)
		if (settings.numbers[i] != NO_NUMBER)
			syslet_name_call((word)settings.numbers[i],
					 i == OWN_UMEM_ADD ? CALL_UMEM_ADD
							   : CALL_REFUSED);
}

static bool is_error(long result)
{
	return (word)result > ~GREATEST_ERRNO;
}

/* With our options, which the engine does not know where it starts itself. */
static int start_if_needed(void)
{
	struct syslet_options options = {
		.size = sizeof(options),
		.return_final = settings.return_final,
	};
	int error;

	if (LIKELY(load_acquire(&syslet_engine.started)))
		return 0;
	error = syslet_start(&options);
	return error == -EBUSY ? 0 : error; /* another thread was first */
}

/*
 * The program offers a thread to run syslets. The engine has its own: this one
 * is kept, as it was by the kernel, since programs call again at once.
 */
static long keep_thread(word event)
{
	if (event) /* what a thread of the program's own has completed */
		return -ENOSYS;
	return poll(NULL, 0, -1) ? -errno : 0;
}

static long run_own(int call, const word *args, long *last_result)
{
	struct async_head_user *head;
	long error;

	if (settings.broken)
		return -ENOSYS;
	if (call == OWN_THREAD)
		return keep_thread(args[0]);
	error = start_if_needed();
	if (error)
		return error;
	switch (call) {
	case OWN_EXEC:
		head = (struct async_head_user *)args[1];
		return (long)syslet_exec((struct syslet_uatom *)args[0], head,
					 last_result);
	case OWN_WAIT:
		head = (struct async_head_user *)args[2];
		return sys_async_wait(args[0], args[1], head);
	default:
		return umem_add((unsigned long *)args[0], args[1]);
	}
}

/* Six words are read whatever was passed, as libc's does. */
__attribute__((visibility("default"), no_sanitize("address"))) long
syscall(long number, ...)
{
	const int errno_before = errno;
	long result, last_result = 0;
	word args[ARGUMENTS];
	int call = 0;
	va_list list;

	va_start(list, number);
	for (int i = 0; i < ARGUMENTS; i++)
		args[i] = va_arg(list, word);
	va_end(list);
	while (call < OWN_CALLS && settings.numbers[call] != number)
		call++;
	if (call < OWN_CALLS) {
		result = run_own(call, args, &last_result);
		errno = errno_before;
		if (is_error(last_result))
			errno = (int)-last_result;
	} else {
		result = raw_syscall((word)number, args[0], args[1], args[2],
				     args[3], args[4], args[5]);
	}
	if (!is_error(result))
		return result;
	errno = (int)-result;
	return -1;
}
