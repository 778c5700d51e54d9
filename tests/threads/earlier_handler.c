// SPDX-License-Identifier: MIT
/*
 * A fault that is none of the engine's goes to the handler that the program
 * had installed before, and one of an atom does not.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>

#include "syslet.h"

static sigjmp_buf out;
static volatile sig_atomic_t came;

static void on_fault(int number)
{
	(void)number;
	came++;
	siglongjmp(out, 1);
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_fault };
	volatile char *nothing = mmap(NULL, 1, PROT_NONE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const long returned = -EFAULT;

	sigaction(SIGSEGV, &action, NULL);
	if ((long)sys_async_exec((struct syslet_uatom *)nothing, NULL) !=
	    returned)
		return fprintf(stderr, "exec of a bad atom succeeded\n"), 1;
	if (came)
		return fprintf(stderr, "the atom's fault was passed on\n"), 1;
	for (int i = 0; i < 3; i++)
		if (!sigsetjmp(out, 1))
			*nothing = 1;
	if (came != 3)
		return fprintf(stderr, "%d of 3 faults came\n", came), 1;
	if ((long)sys_async_exec((struct syslet_uatom *)nothing, NULL) !=
	    returned)
		return fprintf(stderr, "a later exec succeeded\n"), 1;
	return 0;
}
