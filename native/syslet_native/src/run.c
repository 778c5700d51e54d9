// SPDX-License-Identifier: MIT
/*
 * A chain, atom by atom: fetch, arguments, call, store, stop, successor.
 *
 * The same function runs it in the caller and, once asynchronous, wherever it
 * goes on. What it needs after a fault lies in the syslet and not in registers.
 */
#include <errno.h>
#include <limits.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "atomic.h"
#include "guard.h"
#include "syscall.h"

#define STOP_FLAGS                                                           \
	(SYSLET_STOP_ON_NONZERO | SYSLET_STOP_ON_ZERO |                      \
	 SYSLET_STOP_ON_NEGATIVE | SYSLET_STOP_ON_NON_POSITIVE)

/* A stop flag that holds for the result. */
USER_INLINE bool stops(word flags, long result)
{
	if (LIKELY(!(flags & STOP_FLAGS)))
		return false;
	return ((flags & SYSLET_STOP_ON_NONZERO) && result != 0) ||
	       ((flags & SYSLET_STOP_ON_ZERO) && result == 0) ||
	       ((flags & SYSLET_STOP_ON_NEGATIVE) && result < 0) ||
	       ((flags & SYSLET_STOP_ON_NON_POSITIVE) && result <= 0);
}

#define FIELD(atom, field) \
	user_load((atom) + offsetof(struct syslet_uatom, field))

#define POINTER(i) (pointers[i] = FIELD(atom, arg_ptr[i]))
#define ARGUMENT(i) (args[i] = user_load(pointers[i]))

/*
 * Nothing past the first NULL arg_ptr is touched. Written out, since a loop
 * that ends early costs a misprediction an atom: the kernel has made the
 * processor forget which way it went.
 */
USER_INLINE void fetch(struct syslet *s, word atom, word flags, word *args)
{
	word pointers[ARGUMENTS] = { 0 };

	s->flags = flags;
	s->ret_ptr = FIELD(atom, ret_ptr);
	s->next = FIELD(atom, next);
	(void)(POINTER(0) && POINTER(1) && POINTER(2) && POINTER(3) &&
	       POINTER(4) && POINTER(5));
	settle_memory();
	s->last = atom;
	s->last_flags = flags;
	settle_memory();
	note_fetched(s);
	args[0] = args[1] = args[2] = args[3] = args[4] = args[5] = 0;
	if (!pointers[0])
		return;
	ARGUMENT(0);
	if (!pointers[1])
		return;
	ARGUMENT(1);
	if (!pointers[2])
		return;
	ARGUMENT(2);
	if (!pointers[3])
		return;
	ARGUMENT(3);
	if (!pointers[4])
		return;
	ARGUMENT(4);
	if (pointers[5])
		ARGUMENT(5);
}

/* For whoever makes the call; indices are constant, so args is registers. */
USER_INLINE void keep_arguments(struct syslet *s, const word *args)
{
	s->args[0] = args[0];
	s->args[1] = args[1];
	s->args[2] = args[2];
	s->args[3] = args[3];
	s->args[4] = args[4];
	s->args[5] = args[5];
}

/*
 * Reads are attempted here, as syslet_attempt() would: what the page cache has
 * comes so fast that a return more would show.
 */
USER_INLINE bool is_read_here(const struct syslet *s)
{
	return sizeof(word) == 8 && /* the offset is one argument */
	       (s->class == CALL_PREAD || s->class == CALL_READ) &&
	       s->args[2] <= MOST_BYTES &&
	       (s->class == CALL_READ || (long)s->args[3] >= 0) &&
	       syslet_may_use(SYSLET_MEANS_NOWAIT);
}

USER_INLINE bool attempt(struct syslet *s)
{
	struct iovec vector;
	long moved;

	if (!is_read_here(s))
		return syslet_attempt(s, &s->result);
	vector.iov_base = (void *)s->args[1];
	vector.iov_len = s->args[2];
	moved = RAW(SYS_preadv2, s->args[0], &vector, 1,
		    s->class == CALL_PREAD ? s->args[3] : ~0UL, 0, RWF_NOWAIT);
	s->result = moved;
	return LIKELY(moved == (long)s->args[2]) ||
	       syslet_read_attempted(s, moved, &s->result);
}

/*
 * From where s stands to the end, or to where its thread cannot go on. Inlined
 * in those who set the recovery point: a call more is a return more, and the
 * kernel has made the processor forget where returns go.
 */
USER_INLINE enum run_end run_chain(struct syslet *s, bool faulted,
				   bool asynchronous)
{
	word args[ARGUMENTS], atom;
	long result;

	if (faulted) {
		const enum phase phase = s->phase;

		s->phase = PHASE_FETCH;
		result = -EFAULT;
		if (phase == PHASE_CALL)
			goto called;
		if (phase == PHASE_STORE)
			goto stored;
		return RUN_FAULTED;
	}
	if (s->resumed) {
		s->resumed = false;
		result = s->result;
		goto called;
	}
	for (atom = s->atom;; s->atom = atom) {
		word flags, nr;

		if (UNLIKELY(!s->atoms_left--))
			return RUN_TURN_OVER;
		flags = FIELD(atom, flags);
		if (UNLIKELY((flags & SYSLET_ASYNC) && !s->asynchronous))
			return RUN_GOES_ASYNC;
		nr = FIELD(atom, nr);
		fetch(s, atom, flags, args);
		confine_call(s, &nr, args);
		s->nr = nr;
		s->class = syslet_class_of(nr);
		if (LIKELY(s->class == CALL_INLINE)) {
			if (asynchronous && !s->next)
				syslet_heads_expect(s);
			result = raw_syscall(nr, args[0], args[1], args[2],
					     args[3], args[4], args[5]);
		} else if (s->class == CALL_UMEM_ADD) {
			s->phase = PHASE_CALL;
			result = (long)(user_load(args[0]) + args[1]);
			user_store(args[0], (word)result);
			s->phase = PHASE_FETCH;
		} else if (s->class == CALL_REFUSED) {
			result = -EINVAL;
		} else {
			keep_arguments(s, args);
			s->done = 0;
			s->has_rest = false;
			s->ready_events = 0;
			if (!attempt(s)) {
				const bool held = s->on_worker &&
						  syslet_is_made_by_workers(
							s->class);
				const bool sync = (flags & SYSLET_SYNC) &&
						  !s->asynchronous;

				if (!held && !sync)
					return RUN_BLOCKED;
				if (!syslet_call_blocking(s, &s->result))
					return RUN_INTERRUPTED;
			}
			result = s->result;
		}
called:
		if (LIKELY(s->ret_ptr)) {
			s->phase = PHASE_STORE;
			user_store(s->ret_ptr, (word)result);
			s->phase = PHASE_FETCH;
		}
stored:
		if (stops(s->flags, result)) {
			if (!(s->flags & SYSLET_SKIP_TO_NEXT_ON_STOP))
				break;
			atom = s->atom + sizeof(struct syslet_uatom);
		} else {
			atom = s->next;
			if (UNLIKELY(!atom))
				break;
		}
	}
	s->result = result;
	return RUN_ENDED;
}

/* An asynchronous syslet, in whichever thread has it. */
USER_TEXT enum run_end syslet_run(struct syslet *syslet)
{
	struct syslet *volatile s = syslet;
	struct recovery here;
	enum run_end end;
	const bool faulted = RECOVERY_SET(&here);

	end = run_chain(s, faulted, true);
	recovery_clear(&here);
	return end;
}

/*
 * sys_async_exec. Where all of it ran in the caller, *last_result is what its
 * last atom gave, unless last_result is NULL.
 */
USER_TEXT struct syslet_uatom *syslet_exec(struct syslet_uatom *atom,
					   struct async_head_user *head,
					   long *last_result)
{
	struct syslet_uatom *volatile first = atom;
	long *volatile store_last = last_result;
	struct recovery here;
	enum run_end why;
	struct syslet s;
	bool faulted;

	if (UNLIKELY(!load_acquire(&syslet_engine.started) ||
		     load_relaxed(&syslet_engine.unreported))) {
		const long error = syslet_admit((word)head);

		if (error)
			return (struct syslet_uatom *)error;
	}
	s.atom = (word)atom;
	s.head = (word)head;
	s.last = 0;
	s.last_flags = 0;
	s.done = 0;
	s.atoms_left = ULONG_MAX;
	s.phase = PHASE_FETCH;
	s.asynchronous = false;
	s.resumed = false;
	s.call_pending = false;
	s.on_worker = false;
	s.class = CALL_INLINE;
	faulted = RECOVERY_SET(&here);
	why = run_chain(&s, faulted, false);
	recovery_clear(&here);
	if (UNLIKELY(why != RUN_ENDED))
		return syslet_leave_caller(&s, why);
	if (store_last)
		*store_last = s.result;
	if (UNLIKELY(syslet_engine.options.return_final))
		return (struct syslet_uatom *)s.atom;
	return first;
}
