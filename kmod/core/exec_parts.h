/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the executor share with each other, and nobody else needs: the
 * executors, which exec_table.c puts in their places.
 */
#pragma once

#include "exec.h"

/* exec_alu.c */
x86_executor exec_arithmetic, exec_unary, exec_shift, exec_double_shift, exec_multiply,
	exec_multiply_short, exec_divide, exec_bit, exec_scan, exec_popcnt, exec_crc32, exec_bswap,
	exec_decimal, exec_cbw, exec_cwd, exec_flags_ah, exec_carry;

/* Flags of a - b; a + b with its flags. */
void exec_compare(struct x86_exec *x, u64 a, u64 b, unsigned int size);
u64 exec_add_flags(struct x86_exec *x, u64 a, u64 b, unsigned int size);

/* exec_move.c */
x86_executor exec_mov, exec_extend, exec_movbe, exec_lea, exec_xlat, exec_cmov, exec_setcc,
	exec_xchg, exec_xadd, exec_cmpxchg, exec_cmpxchg8b, exec_push_op, exec_pop_op, exec_pusha,
	exec_popa, exec_enter, exec_leave, exec_port;

/* Whether the condition in insn.number holds. */
bool exec_condition(const struct x86_exec *x);

/* exec_string.c */
x86_executor exec_string;

/* exec_branch.c */
x86_executor exec_jcc, exec_loop, exec_jump, exec_ret, exec_bound, exec_arpl, exec_nop,
	exec_clflush, exec_hlt, exec_undefined;

/* exec_virtual.c */
x86_executor exec_pushf, exec_popf, exec_interrupt_flag;

/* Virtual-8086 mode with IOPL below 3: IF is not the task's. */
bool exec_vm86_limited(const struct x86_exec *x);
/* #GP(0) unless such a task may have flags of that size on its stack: CR4.VME, and 2 bytes. */
enum x86_result exec_check_limited(struct x86_exec *x, unsigned int size);
/* FLAGS for such a task: VIF by the image of IF, or #GP(0). */
enum x86_result exec_load_limited(struct x86_exec *x, u16 flags);
/* Whether VIF and VIP are #GP(0) before any instruction (SDM 3 20.3.2, 20.4). */
bool exec_virtual_pending(const struct x86_state *s);
/*
 * INT n in virtual-8086 mode: #GP(0), or pushed with *own, and entry (IP, CS) is where to go on,
 * or without: it goes by the IDT.
 */
enum x86_result exec_int_vm86(struct x86_exec *x, u8 vector, bool *own, u16 entry[2]);

/* exec_far.c */
x86_executor exec_far, exec_ret_far, exec_iret, exec_int, exec_syscall, exec_sysret,
	exec_sysenter, exec_sysexit;

/* SS and rSP for a privilege level, from the TSS. */
enum x86_result exec_tss_stack(struct x86_exec *x, unsigned int cpl, u16 *ss, u64 *rsp);
/* Makes a code segment's descriptor, found right, the new CS with a privilege level. */
struct descriptor;
enum x86_result exec_enter_code(struct x86_exec *x, struct descriptor *d, u16 selector,
				unsigned int cpl, u64 rip);

/* RFLAGS as POPF and IRET load them: extra are bits only this instruction may change. */
void exec_load_flags(struct x86_exec *x, u64 flags, unsigned int size, u64 extra);

/* exec_task.c */
enum task_reason { TASK_JUMP, TASK_CALL, TASK_IRET, TASK_GATE };

/* To the task whose TSS the selector names. The caller has checked the right to do so. */
enum x86_result exec_task_switch(struct x86_exec *x, u16 selector, enum task_reason reason);
/* What x86_exec_begin_task() has asked for. */
enum x86_result exec_task_gate(struct x86_exec *x);

/* exec_event.c: what x86_exec_begin_event() has asked for. */
enum x86_result exec_event(struct x86_exec *x);

/* exec_system.c */
x86_executor exec_store_segment, exec_load_segment, exec_push_segment, exec_pop_segment,
	exec_load_pointer, exec_store_table, exec_load_table, exec_store_selector,
	exec_load_selector, exec_query, exec_smsw, exec_lmsw, exec_clts, exec_control_register,
	exec_debug_register, exec_msr, exec_cpuid, exec_rdtsc, exec_cache, exec_invlpg, exec_swapgs,
	exec_segment_base, exec_alignment_flag, exec_xgetbv, exec_xsetbv, exec_pkru, exec_rdpmc,
	exec_rdpid, exec_monitor, exec_invpcid, exec_virtualization;

/* exec_fpu.c */
x86_executor exec_sse_move, exec_vex, exec_fxsave, exec_fxrstor, exec_mxcsr, exec_wait, exec_emms;

/* exec_sse.c */
x86_executor exec_sse;

/* exec_x87.c */
x86_executor exec_x87;

/*
 * control.c: MOV to CR0, CR3 and CR4 with every check, and what follows: long mode on and
 * off, PDPTEs, translations flushed (SDM 3 2.5, 4.1, 9.8.5; SDM 2 MOV).
 */
enum x86_result x86_set_cr0(struct x86_exec *x, u64 value);
enum x86_result x86_set_cr3(struct x86_exec *x, u64 value);
enum x86_result x86_set_cr4(struct x86_exec *x, u64 value);
