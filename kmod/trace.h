/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, for people: events/assay/ in tracefs. One for each thing that a vCPU does
 * on its way: entry, injection, exit, memory fault, emulation, leaving to user space; and
 * one for memory that Linux takes back. One that is off costs a jump that is not taken.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM assay

#if !defined(ASSAY_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define ASSAY_TRACE_H

#include <linux/tracepoint.h>

/* Read again it is another file to sparse, which knows #pragma once by path. */
#ifndef TRACE_HEADER_MULTI_READ
#include "stats.h"
#endif

#define ASSAY_TRACE_ENUM(reason, text) TRACE_DEFINE_ENUM(reason);
#define ASSAY_TRACE_NAME(reason, text) { reason, text },
#define ASSAY_TRACE_LAST(reason, text) { reason, text }
ASSAY_EXIT_REASONS(ASSAY_TRACE_ENUM, ASSAY_TRACE_ENUM)

/* Statements as arguments of a macro are not for clang-format. */
/* clang-format off */

/* windows: X86_WINDOW_* that the processor is asked to tell of. */
TRACE_EVENT(assay_entry,
	TP_PROTO(const struct assay_vcpu *vcpu, unsigned int windows),
	TP_ARGS(vcpu, windows),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, windows)
		__field(u64, rip)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->windows = windows;
		__entry->rip = vcpu->state.rip;
	),
	TP_printk("vcpu %u rip %#llx windows %u", __entry->vcpu, __entry->rip, __entry->windows)
);

TRACE_EVENT(assay_inject,
	TP_PROTO(const struct assay_vcpu *vcpu, const struct x86_event *event),
	TP_ARGS(vcpu, event),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, error)
		__field(u8, vector)
		__field(u8, kind)
		__field(bool, has_error)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->error = event->error;
		__entry->vector = event->vector;
		__entry->kind = event->kind;
		__entry->has_error = event->has_error;
	),
	TP_printk("vcpu %u vector %u type %u error %#x%s", __entry->vcpu, __entry->vector,
		  __entry->kind, __entry->error, __entry->has_error ? "" : " (none)")
);

/* code and infos are the hardware's: VMX or SVM by isa, as in kvm:kvm_exit. */
TRACE_EVENT(assay_exit,
	TP_PROTO(const struct assay_vcpu *vcpu, const struct assay_exit *exit, u32 isa),
	TP_ARGS(vcpu, exit, isa),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, isa)
		__field(u32, reason)
		__field(u32, interrupted)
		__field(u64, code)
		__field(u64, rip)
		__field(u64, info1)
		__field(u64, info2)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->isa = isa;
		__entry->reason = exit->reason;
		__entry->interrupted = exit->hw_interrupted;
		__entry->code = exit->code;
		__entry->rip = vcpu->state.rip;
		__entry->info1 = exit->info1;
		__entry->info2 = exit->info2;
	),
	TP_printk("vcpu %u %s code %#llx rip %#llx info1 %#llx info2 %#llx interrupted %#x",
		  __entry->vcpu,
		  __print_symbolic(__entry->reason,
				   ASSAY_EXIT_REASONS(ASSAY_TRACE_NAME, ASSAY_TRACE_LAST)),
		  __entry->code, __entry->rip, __entry->info1, __entry->info2,
		  __entry->interrupted)
);

/* result: 0 mapped or to be tried again, 1 no RAM, else -errno. */
TRACE_EVENT(assay_memory_fault,
	TP_PROTO(u64 gpa, bool write, int result),
	TP_ARGS(gpa, write, result),
	TP_STRUCT__entry(
		__field(u64, gpa)
		__field(int, result)
		__field(bool, write)
	),
	TP_fast_assign(
		__entry->gpa = gpa;
		__entry->result = result;
		__entry->write = write;
	),
	TP_printk("gpa %#llx %s result %d", __entry->gpa, __entry->write ? "write" : "read",
		  __entry->result)
);

/* result: enum x86_result of core/exec.h. */
TRACE_EVENT(assay_emulate,
	TP_PROTO(const struct assay_vcpu *vcpu, u32 result),
	TP_ARGS(vcpu, result),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, result)
		__field(u32, op)
		__field(u32, length)
		__field(u64, rip)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->result = result;
		__entry->op = vcpu->exec.insn.op;
		__entry->length = vcpu->exec.insn.length;
		__entry->rip = vcpu->state.rip;
	),
	TP_printk("vcpu %u op %u length %u result %u, rip now %#llx", __entry->vcpu, __entry->op,
		  __entry->length, __entry->result, __entry->rip)
);

/* reason: KVM_EXIT_*, if result is 0; result: of KVM_RUN. */
TRACE_EVENT(assay_leave,
	TP_PROTO(const struct assay_vcpu *vcpu, u32 reason, int result),
	TP_ARGS(vcpu, reason, result),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, reason)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->reason = reason;
		__entry->result = result;
	),
	TP_printk("vcpu %u KVM exit %u result %d", __entry->vcpu, __entry->reason,
		  __entry->result)
);

/* User addresses; pages: how many of them a guest had mapped. */
TRACE_EVENT(assay_invalidate,
	TP_PROTO(unsigned long start, unsigned long end, u64 pages),
	TP_ARGS(start, end, pages),
	TP_STRUCT__entry(
		__field(unsigned long, start)
		__field(unsigned long, end)
		__field(u64, pages)
	),
	TP_fast_assign(
		__entry->start = start;
		__entry->end = end;
		__entry->pages = pages;
	),
	TP_printk("%#lx to %#lx, %llu pages mapped", __entry->start, __entry->end,
		  __entry->pages)
);

/* clang-format on */

#endif

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
