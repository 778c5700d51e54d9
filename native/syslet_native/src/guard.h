/* SPDX-License-Identifier: MIT */
/*
 * Touching the program's memory, which may not be there.
 *
 * A function that does so lies in a section of its own (USER_TEXT) and sets a
 * recovery point; a fault whose instruction lies in that section goes back
 * there, and every other fault is left to whoever handled it before.
 */
#ifndef SYSLET_GUARD_H
#define SYSLET_GUARD_H

#include <setjmp.h>

#include "engine.h"

#if defined(__has_feature)
#define SYSLET_SANITIZED (__has_feature(address_sanitizer) || \
			  __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SYSLET_SANITIZED 1
#else
#define SYSLET_SANITIZED 0
#endif

/*
 * libc's _setjmp scrambles what it keeps, which costs as much as the rest of a
 * short syslet. The compilers' own is of no use here: they take it that only a
 * call comes back, and leave the way out where there is none.
 */
#if defined(__x86_64__) && defined(__LP64__) && !defined(__CET__) && \
	!SYSLET_SANITIZED
#define OWN_WAY_BACK 1
typedef word way_back[8];
int syslet_way_back_set(word *way) __attribute__((returns_twice));
void syslet_way_back_take(word *way) __attribute__((noreturn));
#define way_back_set(way)  syslet_way_back_set(way)
#define way_back_take(way) syslet_way_back_take(way)
#else
#define OWN_WAY_BACK 0
typedef jmp_buf way_back;
#define way_back_set(way)  _setjmp(way)
#define way_back_take(way) _longjmp(way, 1)
#endif

#define USER_TEXT                                                            \
	__attribute__((section("syslet_user"), noinline,                     \
		       no_sanitize("address", "thread", "undefined")))

/* What is inlined there, under the same rules. */
#define USER_INLINE                                                          \
	static inline                                                        \
		__attribute__((always_inline,                                \
			       no_sanitize("address", "thread", "undefined")))

/*
 * What a program's words name, memory and calls. A build that is to run any
 * program at all keeps that within bounds here: fuzz/confine.h.
 */
#ifdef SYSLET_CONFINED
#include "confine.h"
#else
#define confined(address)		(address)
#define note_fetched(s)			((void)0)
#define confine_call(s, nr, args)	((void)0)
#endif

struct recovery {
	way_back point;
	struct recovery *outer;
};

extern __thread struct recovery *volatile syslet_recovery
	__attribute__((tls_model("initial-exec")));

/*
 * 0 at first; 1 when a fault comes back. The signal mask is not saved. What is
 * used after a fault is volatile, in memory, or never changed from here on.
 */
#define RECOVERY_SET(r)                                                      \
	((r)->outer = syslet_recovery, syslet_recovery = (r),                \
	 way_back_set((r)->point))

USER_INLINE void recovery_clear(struct recovery *r)
{
	syslet_recovery = r->outer;
}

/* Relaxed: the program orders its own words. */
USER_INLINE word user_load(const word address)
{
	return *(const volatile user_word *)confined(address);
}

USER_INLINE void user_store(word address, word value)
{
	*(volatile user_word *)confined(address) = value;
}

/* A slot: pairs with the program's store of NULL, and with user_fill_slot. */
USER_INLINE word user_load_slot(word address)
{
	word value = *(const volatile user_word *)confined(address);

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return value;
}

/* The last touch: whoever loads the slot sees all that the syslet wrote. */
USER_INLINE void user_fill_slot(word address, word atom)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	*(volatile user_word *)confined(address) = atom;
}

#endif /* SYSLET_GUARD_H */
