// SPDX-License-Identifier: MIT
/* The handler that brings a fault on the program's memory back to the engine. */
#define _GNU_SOURCE
#include "guard.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

__thread struct recovery *volatile syslet_recovery;

/*
 * Made by the linker: the bounds of the section syslet_user. Hidden, or two
 * engines in one process would share those of the first.
 */
extern const char __start_syslet_user[] __attribute__((visibility("hidden")));
extern const char __stop_syslet_user[] __attribute__((visibility("hidden")));

#if OWN_WAY_BACK
/* What a callee keeps, the stack as the caller has it, and where it goes on. */
__asm__(".pushsection .text\n"
	".hidden syslet_way_back_set\n"
	".globl syslet_way_back_set\n"
	".type syslet_way_back_set, @function\n"
	"syslet_way_back_set:\n"
	"	movq (%rsp), %rdx\n"
	"	leaq 8(%rsp), %rcx\n"
	"	movq %rbx, (%rdi)\n"
	"	movq %rbp, 8(%rdi)\n"
	"	movq %r12, 16(%rdi)\n"
	"	movq %r13, 24(%rdi)\n"
	"	movq %r14, 32(%rdi)\n"
	"	movq %r15, 40(%rdi)\n"
	"	movq %rcx, 48(%rdi)\n"
	"	movq %rdx, 56(%rdi)\n"
	"	xorl %eax, %eax\n"
	"	ret\n"
	".size syslet_way_back_set, . - syslet_way_back_set\n"
	".hidden syslet_way_back_take\n"
	".globl syslet_way_back_take\n"
	".type syslet_way_back_take, @function\n"
	"syslet_way_back_take:\n"
	"	movq (%rdi), %rbx\n"
	"	movq 8(%rdi), %rbp\n"
	"	movq 16(%rdi), %r12\n"
	"	movq 24(%rdi), %r13\n"
	"	movq 32(%rdi), %r14\n"
	"	movq 40(%rdi), %r15\n"
	"	movq 48(%rdi), %rsp\n"
	"	movl $1, %eax\n"
	"	jmp *56(%rdi)\n"
	".size syslet_way_back_take, . - syslet_way_back_take\n"
	".popsection\n");
#endif

static const int FAULTS[] = { SIGSEGV, SIGBUS };
static struct sigaction before[2];

static word instruction_of(const ucontext_t *context)
{
#if defined(__x86_64__)
	return (word)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__i386__)
	return (word)context->uc_mcontext.gregs[REG_EIP];
#elif defined(__aarch64__)
	return (word)context->uc_mcontext.pc;
#endif
}

static bool is_ours(const ucontext_t *context)
{
	const word instruction = instruction_of(context);

	return instruction >= (word)__start_syslet_user &&
	       instruction < (word)__stop_syslet_user;
}

/* Not ours: what would have happened without us. */
static void pass_on(int signal, siginfo_t *info, void *context)
{
	const struct sigaction *old = &before[signal == SIGBUS];

	if (old->sa_flags & SA_SIGINFO) {
		old->sa_sigaction(signal, info, context);
	} else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN) {
		old->sa_handler(signal);
	} else {
		/* The instruction is run again, and ends the process. */
		sigaction(signal, old, NULL);
		if (info->si_code <= 0)
			raise(signal);
	}
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	if (syslet_recovery && info->si_code > 0 && is_ours(context))
		way_back_take(syslet_recovery->point);
	pass_on(signal, info, context);
}

int syslet_guard_start(void)
{
	struct sigaction ours;

	memset(&ours, 0, sizeof(ours));
	ours.sa_sigaction = on_fault;
	/* NODEFER: the mask is as it was, so going back need not restore it. */
	ours.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
	sigemptyset(&ours.sa_mask);
	for (int i = 0; i < 2; i++) {
		struct sigaction now;

		if (sigaction(FAULTS[i], NULL, &now) < 0)
			return -errno;
		if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_fault)
			continue;
		before[i] = now;
		if (sigaction(FAULTS[i], &ours, NULL) < 0)
			return -errno;
	}
	return 0;
}

/* Where somebody has put theirs over ours, ours stays beneath it. */
void syslet_guard_stop(void)
{
	for (int i = 0; i < 2; i++) {
		struct sigaction now;

		if (!sigaction(FAULTS[i], NULL, &now) &&
		    (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_fault)
			sigaction(FAULTS[i], &before[i], NULL);
	}
}

USER_TEXT long umem_add(unsigned long *address, unsigned long inc)
{
	struct recovery here;
	word value;

	if (RECOVERY_SET(&here)) {
		recovery_clear(&here);
		return -EFAULT;
	}
	value = user_load((word)address) + inc;
	user_store((word)address, value);
	recovery_clear(&here);
	return (long)value;
}

USER_TEXT int syslet_copy(void *to, const void *from, size_t size)
{
	struct recovery here;

	if (RECOVERY_SET(&here)) {
		recovery_clear(&here);
		return -EFAULT;
	}
	for (size_t i = 0; i < size; i++)
		((volatile char *)to)[i] = ((const volatile char *)from)[i];
	recovery_clear(&here);
	return 0;
}
