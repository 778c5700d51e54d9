/* SPDX-License-Identifier: MIT */
/* Written by syslet_native.layout_facts from syslet_layouts. */
#ifndef SYSLET_LAYOUT_FACTS_H
#define SYSLET_LAYOUT_FACTS_H

#define SYSLET_FACT(fact) _Static_assert(fact, #fact)

SYSLET_FACT(SYSLET_ASYNC == 0x01);
SYSLET_FACT(SYSLET_SYNC == 0x02);
SYSLET_FACT(SYSLET_NO_COMPLETE == 0x04);
SYSLET_FACT(SYSLET_STOP_ON_NONZERO == 0x08);
SYSLET_FACT(SYSLET_STOP_ON_ZERO == 0x10);
SYSLET_FACT(SYSLET_STOP_ON_NEGATIVE == 0x20);
SYSLET_FACT(SYSLET_STOP_ON_NON_POSITIVE == 0x40);
SYSLET_FACT(SYSLET_SKIP_TO_NEXT_ON_STOP == 0x80);

#if __SIZEOF_LONG__ == 4
SYSLET_FACT(sizeof(struct syslet_uatom) == 44);
SYSLET_FACT(offsetof(struct syslet_uatom, flags) == 0);
SYSLET_FACT(offsetof(struct syslet_uatom, nr) == 4);
SYSLET_FACT(offsetof(struct syslet_uatom, ret_ptr) == 8);
SYSLET_FACT(offsetof(struct syslet_uatom, next) == 12);
SYSLET_FACT(offsetof(struct syslet_uatom, arg_ptr[0]) == 16);
SYSLET_FACT(offsetof(struct syslet_uatom, arg_ptr[1]) == 20);
SYSLET_FACT(offsetof(struct syslet_uatom, arg_ptr[2]) == 24);
SYSLET_FACT(offsetof(struct syslet_uatom, arg_ptr[3]) == 28);
SYSLET_FACT(offsetof(struct syslet_uatom, arg_ptr[4]) == 32);
SYSLET_FACT(offsetof(struct syslet_uatom, arg_ptr[5]) == 36);
SYSLET_FACT(offsetof(struct syslet_uatom, private_data) == 40);
SYSLET_FACT(sizeof(struct async_head_user) == 32);
SYSLET_FACT(offsetof(struct async_head_user, kernel_ring_idx) == 0);
SYSLET_FACT(offsetof(struct async_head_user, user_ring_idx) == 4);
SYSLET_FACT(offsetof(struct async_head_user, completion_ring) == 8);
SYSLET_FACT(offsetof(struct async_head_user, ring_size_bytes) == 12);
SYSLET_FACT(offsetof(struct async_head_user, head_stack) == 16);
SYSLET_FACT(offsetof(struct async_head_user, head_eip) == 20);
SYSLET_FACT(offsetof(struct async_head_user, new_thread_stack) == 24);
SYSLET_FACT(offsetof(struct async_head_user, new_thread_eip) == 28);
SYSLET_FACT(sizeof(*((struct async_head_user *)0)->completion_ring) == 4);
#endif

#if __SIZEOF_LONG__ == 8
SYSLET_FACT(sizeof(struct syslet_uatom) == 88);
SYSLET_FACT(offsetof(struct syslet_uatom, flags) == 0);
SYSLET_FACT(offsetof(struct syslet_uatom, nr) == 8);
SYSLET_FACT(offsetof(struct syslet_uatom, ret_ptr) == 16);
SYSLET_FACT(offsetof(struct syslet_uatom, next) == 24);
SYSLET_FACT(offsetof(struct syslet_uatom, arg_ptr[0]) == 32);
SYSLET_FACT(offsetof(struct syslet_uatom, arg_ptr[1]) == 40);
SYSLET_FACT(offsetof(struct syslet_uatom, arg_ptr[2]) == 48);
SYSLET_FACT(offsetof(struct syslet_uatom, arg_ptr[3]) == 56);
SYSLET_FACT(offsetof(struct syslet_uatom, arg_ptr[4]) == 64);
SYSLET_FACT(offsetof(struct syslet_uatom, arg_ptr[5]) == 72);
SYSLET_FACT(offsetof(struct syslet_uatom, private_data) == 80);
SYSLET_FACT(sizeof(struct async_head_user) == 64);
SYSLET_FACT(offsetof(struct async_head_user, kernel_ring_idx) == 0);
SYSLET_FACT(offsetof(struct async_head_user, user_ring_idx) == 8);
SYSLET_FACT(offsetof(struct async_head_user, completion_ring) == 16);
SYSLET_FACT(offsetof(struct async_head_user, ring_size_bytes) == 24);
SYSLET_FACT(offsetof(struct async_head_user, head_stack) == 32);
SYSLET_FACT(offsetof(struct async_head_user, head_eip) == 40);
SYSLET_FACT(offsetof(struct async_head_user, new_thread_stack) == 48);
SYSLET_FACT(offsetof(struct async_head_user, new_thread_eip) == 56);
SYSLET_FACT(sizeof(*((struct async_head_user *)0)->completion_ring) == 8);
#endif

#endif /* SYSLET_LAYOUT_FACTS_H */
