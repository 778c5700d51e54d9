/* SPDX-License-Identifier: MIT */
/* The system call instruction, inlined; results raw, -errno included. */
#ifndef SYSLET_SYSCALL_H
#define SYSLET_SYSCALL_H

#if defined(__x86_64__)

static inline __attribute__((always_inline)) long
raw_syscall(unsigned long nr, unsigned long a, unsigned long b,
	    unsigned long c, unsigned long d, unsigned long e, unsigned long f)
{
	register unsigned long r10 __asm__("r10") = d;
	register unsigned long r8 __asm__("r8") = e;
	register unsigned long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

#elif defined(__i386__)

/* The sixth argument goes in ebp, which the compiler does not give away. */
static inline long raw_syscall(unsigned long nr, unsigned long a,
			       unsigned long b, unsigned long c,
			       unsigned long d, unsigned long e,
			       unsigned long f)
{
	unsigned long in[3] = { nr, a, f };
	long result;

	__asm__ volatile("pushl %%ebp\n\t"
			 "pushl %%ebx\n\t"
			 "movl 8(%%eax), %%ebp\n\t"
			 "movl 4(%%eax), %%ebx\n\t"
			 "movl (%%eax), %%eax\n\t"
			 "int $0x80\n\t"
			 "popl %%ebx\n\t"
			 "popl %%ebp"
			 : "=a"(result)
			 : "0"(in), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory");
	return result;
}

#elif defined(__aarch64__)

static inline __attribute__((always_inline)) long
raw_syscall(unsigned long nr, unsigned long a, unsigned long b,
	    unsigned long c, unsigned long d, unsigned long e, unsigned long f)
{
	register unsigned long x8 __asm__("x8") = nr;
	register unsigned long x0 __asm__("x0") = a;
	register unsigned long x1 __asm__("x1") = b;
	register unsigned long x2 __asm__("x2") = c;
	register unsigned long x3 __asm__("x3") = d;
	register unsigned long x4 __asm__("x4") = e;
	register unsigned long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return (long)x0;
}

#else
#error "no system call instruction for this machine"
#endif

/* A call with the six words of args. */
static inline __attribute__((always_inline)) long
raw_call(unsigned long nr, const unsigned long *args)
{
	return raw_syscall(nr, args[0], args[1], args[2], args[3], args[4],
			   args[5]);
}

#define RAW(nr, ...) RAW_(nr, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define RAW_(nr, a, b, c, d, e, f, ...)                                      \
	raw_syscall((unsigned long)(nr), (unsigned long)(a),                 \
		    (unsigned long)(b), (unsigned long)(c),                  \
		    (unsigned long)(d), (unsigned long)(e), (unsigned long)(f))

#endif /* SYSLET_SYSCALL_H */
