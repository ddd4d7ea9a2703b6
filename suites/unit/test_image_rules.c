/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What records of an image may say: for every rule one image that breaks it and
 * the message it gets. A rule's good side is tested beside it, so that no rule can
 * pass by refusing everything.
 */
#include "try_image.h"

/* ---- fields --------------------------------------------------------------- */

static void test_fields(void)
{
	BAD_STAGE(L64, "given: field 9999 is unknown", REC_GIVEN, 0, N(9999, 1));
	BAD_STAGE(L64, "given: field 140 is unknown", REC_GIVEN, 0, N(140, 1));
	BAD_STAGE(L64, "given: rax is given twice", REC_GIVEN, 0, N(F_rax, 1), N(F_rax, 1));
	BAD_STAGE(L64, "given: port means nothing here", REC_GIVEN, 0, N(F_port, 1));
	BAD_STAGE(L64, "given: undefined means nothing here", REC_GIVEN, 0, N(F_undefined, 1));
	BAD_STAGE(L64, "given: undefined_type means nothing here", REC_GIVEN, 0,
		  N(F_undefined_type, 1));
	STEP(L64, "undefined_type", REC_EXPECT, STEP_HLT, N(F_undefined_type, 1));
	BAD_STEP(L64, "expect hlt: undefined_type=0x2 has bits outside 0x1", REC_EXPECT, STEP_HLT,
		 N(F_undefined_type, 2));
	BAD_STAGE(L64, "given: mp_state means nothing here", REC_GIVEN, 0, N(F_mp_state, 1));
	BAD_STAGE(L64, "given: it says nothing", REC_GIVEN, 0);
	BAD_STAGE(L64, "given: rax is one number", REC_GIVEN, 0, D(F_rax, "12345678", 8));
	BAD_STAGE(L64, "given: xmm0 has 0 bytes, it must have 16", REC_GIVEN, 0, N(F_xmm0, 1));
	BAD_STAGE(L64, "given: xmm0 has 8 bytes, it must have 16", REC_GIVEN, 0,
		  D(F_xmm0, "12345678", 8));
	BAD_STAGE(L64, "given: st7 has 16 bytes, it must have 10", REC_GIVEN, 0,
		  D(F_st7, "1234567812345678", 16));
	BAD_STAGE(L64, "given: ymm15 has 16 bytes, it must have 32", REC_GIVEN, 0,
		  D(F_ymm15, "1234567812345678", 16));
	BAD_STAGE(L64, "ref: text has 0 bytes, it must have 1 to 1024", REC_REF, 0, N(F_text, 0));
	BAD_STAGE(L64, "ref: text has characters other than printable", REC_REF, 0,
		  T(F_text, "SDM\n"));
	BAD_STAGE(L64, "ref: text has characters other than printable", REC_REF, 0,
		  T(F_text, "SDM\0"));
	BAD_STAGE(L64, "ref: text is missing", REC_REF, 0);
	BAD_STAGE(L64, "given: cs=0x10000 has bits outside 0xffff", REC_GIVEN, 0, N(F_cs, 0x10000));
	BAD_STAGE(L64, "given: ss_ar=0x20000 has bits outside 0x1f0ff", REC_GIVEN, 0,
		  N(F_ss_ar, 0x20000));
	BAD_STAGE(L64, "given: ldtr_limit=0x100000000 has bits", REC_GIVEN, 0,
		  N(F_ldtr_limit, 1ull << 32));
	BAD_STAGE(L64, "given: idt_limit=0x10000 has bits outside 0xffff", REC_GIVEN, 0,
		  N(F_idt_limit, 0x10000));
	BAD_STEP(L64, "expect shutdown: rax means nothing here", REC_EXPECT, STEP_SHUTDOWN,
		 N(F_rax, 1));
	BAD_STEP(L64, "expect hlt: ev_shadow means nothing here", REC_EXPECT, STEP_HLT,
		 N(F_ev_shadow, 1));
	BAD_STEP(L64, "expect hlt: port means nothing here", REC_EXPECT, STEP_HLT, N(F_port, 1));
	BAD_STAGE(L64, "given: ldtr_ar=0x20000 has bits outside 0x1f0ff", REC_GIVEN, 0,
		  N(F_ldtr_ar, 0x20000));
	BAD_STEP(L64, "action set: undefined means nothing here", REC_ACTION, ACT_SET,
		 N(F_undefined, 1));
	BAD_STEP(L64, "action sync_set: mp_state means nothing here", REC_ACTION, ACT_SYNC_SET,
		 N(F_mp_state, 1));
	BAD_STEP(L64, "action set_msr: index is missing", REC_ACTION, ACT_SET_MSR, N(F_value, 1));
	BAD_STEP(L64, "action call: errno or result is missing", REC_ACTION, ACT_CALL,
		 T(F_text, "KVM_RUN"));
	BAD_STEP(L64, "action call: errno and result exclude each other", REC_ACTION, ACT_CALL,
		 T(F_text, "KVM_RUN"), N(F_errno, 1), N(F_result, 1));
	BAD_STEP(L64, "action nmi: vector means nothing here", REC_ACTION, ACT_NMI, N(F_vector, 2));
}

/* One good record of every step and action, and of every kind that sets the stage. */
static void test_good_records(void)
{
	STEP(L64, "checkpoint", REC_EXPECT, STEP_CHECKPOINT, N(F_rax, 1), N(F_set, 1),
	     N(F_undefined, 0x10), N(F_undefined_reg, 2));
	STEP(L64, "io_in", REC_EXPECT, STEP_IO_IN, N(F_port, 0x10), N(F_size, 2),
	     N(F_data, 0xffff));
	STEP(L64, "io_out", REC_EXPECT, STEP_IO_OUT, N(F_port, 0x10), N(F_size, 4), N(F_count, 3),
	     D(F_bytes, "123456789012", 12));
	STEP(L64, "mmio_read", REC_EXPECT, STEP_MMIO_READ, N(F_address, MMIO), N(F_size, 8),
	     N(F_data, ~0ull));
	STEP(L64, "mmio_write", REC_EXPECT, STEP_MMIO_WRITE, N(F_address, MMIO), N(F_size, 3),
	     D(F_bytes, "123", 3));
	STEP(L64, "exception", REC_EXPECT, STEP_EXCEPTION, N(F_vector, 14), N(F_error, 2),
	     N(F_cr2, 5), N(F_software, 0), N(F_resume, TEXT), N(F_frame_rflags, 2));
	STEP(L64, "shutdown", REC_EXPECT, STEP_SHUTDOWN);
	STEP(L64, "intr", REC_EXPECT, STEP_INTR);
	STEP(L64, "irq_window", REC_EXPECT, STEP_IRQ_WINDOW);
	STEP(L64, "debug", REC_EXPECT, STEP_DEBUG, N(F_debug_vector, 1), N(F_debug_pc, 1),
	     N(F_debug_dr6, 1), N(F_debug_dr7, 1));
	STEP(L64, "hypercall", REC_EXPECT, STEP_HYPERCALL, N(F_nr, 12), N(F_arg0, 1), N(F_arg3, 1));
	STEP(L64, "rdmsr", REC_EXPECT, STEP_RDMSR, N(F_index, 0x10), N(F_errno, 1));
	STEP(L64, "wrmsr", REC_EXPECT, STEP_WRMSR, N(F_index, 0x10), N(F_data, 1), N(F_errno, 1));
	STEP(L64, "fail_entry", REC_EXPECT, STEP_FAIL_ENTRY);
	BAD_STEP(L64, "under irqchip user HLT exits", REC_EXPECT, STEP_HALTED);
	begin_image(L64, "t");
	begin_case("one");
	REC(REC_IRQCHIP, 0, N(F_value, IRQCHIP_SPLIT | IRQCHIP_KERNEL));
	REC(REC_EXPECT, STEP_HALTED);
	image_free(take("halted, where HLT stays in the kernel"));
	begin_image(L64, "t");
	begin_case("one");
	REC(REC_IRQCHIP, 0, N(F_value, IRQCHIP_USER | IRQCHIP_KERNEL));
	REC(REC_EXPECT, STEP_HLT);
	refuse("HLT exits under irqchip user only");
	STEP(L64, "ioapic_eoi", REC_EXPECT, STEP_IOAPIC_EOI, N(F_vector, 0x40));
	STEP(L64, "tpr", REC_EXPECT, STEP_TPR, N(F_cr8, 1));
	STEP(L64, "set", REC_ACTION, ACT_SET, N(F_rax, 1), N(F_mp_state, 3),
	     N(F_ev_exception, ~0ull), N(F_errno, 22));
	STEP(L64, "check", REC_ACTION, ACT_CHECK, N(F_ev_shadow, 1), N(F_undefined, 1));
	STEP(L64, "set_msr", REC_ACTION, ACT_SET_MSR, N(F_index, 1), N(F_value, 1),
	     N(F_refused, 1));
	STEP(L64, "check_msr", REC_ACTION, ACT_CHECK_MSR, N(F_index, 1), N(F_value, 1));
	STEP(L64, "set_lapic", REC_ACTION, ACT_SET_LAPIC, N(F_offset, 0x80), N(F_value, 1));
	STEP(L64, "check_lapic", REC_ACTION, ACT_CHECK_LAPIC, N(F_offset, 0x3f0), N(F_value, 1),
	     N(F_mask, 1));
	STEP(L64, "write", REC_ACTION, ACT_WRITE, N(F_address, 0), D(F_bytes, "x", 1));
	STEP(L64, "interrupt", REC_ACTION, ACT_INTERRUPT, N(F_vector, 256), N(F_errno, 22));
	STEP(L64, "irq_line", REC_ACTION, ACT_IRQ_LINE, N(F_gsi, 1), N(F_level, 1));
	STEP(L64, "msi", REC_ACTION, ACT_MSI, N(F_address, 0xfee00000), N(F_data, 1),
	     N(F_result, 1));
	STEP(L64, "nmi", REC_ACTION, ACT_NMI);
	STEP(L64, "request_window", REC_ACTION, ACT_REQUEST_WINDOW, N(F_value, 1));
	STEP(L64, "immediate_exit", REC_ACTION, ACT_IMMEDIATE_EXIT);
	STEP(L64, "kick", REC_ACTION, ACT_KICK);
	STEP(L64, "memslot, deleted", REC_ACTION, ACT_MEMSLOT, N(F_id, 1), N(F_size, 0));
	STEP(L64, "memslot", REC_ACTION, ACT_MEMSLOT, N(F_id, 1), N(F_size, 1), N(F_gpa, 1),
	     N(F_hva, 0), N(F_slot_flags, 1), N(F_errno, 22));
	STEP(L64, "dirty_log", REC_ACTION, ACT_DIRTY_LOG, N(F_id, 1), D(F_pages, "x", 1));
	STEP(L64, "clear_dirty", REC_ACTION, ACT_CLEAR_DIRTY, N(F_id, 1), N(F_first, 0),
	     N(F_count, 1), D(F_pages, "x", 1));
	STEP(L64, "guest_debug", REC_ACTION, ACT_GUEST_DEBUG, N(F_control, 1), N(F_dr0, 1),
	     N(F_dr7, 1));
	STEP(L64, "translate", REC_ACTION, ACT_TRANSLATE, N(F_address, 1), N(F_valid, 1),
	     N(F_gpa, 1));
	STEP(L64, "ioeventfd", REC_ACTION, ACT_IOEVENTFD, N(F_id, 1), N(F_address, 1),
	     N(F_size, 8), N(F_flags, 1), N(F_data, 1));
	STEP(L64, "eventfd_is", REC_ACTION, ACT_EVENTFD_IS, N(F_id, 1), N(F_count, 0));
	STEP(L64, "irqfd", REC_ACTION, ACT_IRQFD, N(F_id, 1), N(F_gsi, 1));
	STEP(L64, "signal_irqfd", REC_ACTION, ACT_SIGNAL_IRQFD, N(F_id, 1));
	STEP(L64, "coalesce", REC_ACTION, ACT_COALESCE, N(F_address, 1), N(F_size, 4), N(F_pio, 1));
	STEP(L64, "uncoalesce", REC_ACTION, ACT_UNCOALESCE, N(F_address, 1), N(F_size, 4));
	STEP(L64, "coalesced_is", REC_ACTION, ACT_COALESCED_IS, N(F_address, 1), N(F_size, 4),
	     N(F_data, 1));
	STEP(L64, "poke", REC_ACTION, ACT_POKE, T(F_text, "XSAVE"), N(F_offset, 0), N(F_size, 2),
	     N(F_data, 0xffff));
	STEP(L64, "peek", REC_ACTION, ACT_PEEK, T(F_text, "XSAVE"), N(F_offset, 0), N(F_size, 8),
	     N(F_data, ~0ull), N(F_mask, 0xff));
	STEP(L64, "peek, refused", REC_ACTION, ACT_PEEK, T(F_text, "LAPIC"), N(F_offset, 0),
	     N(F_size, 4), N(F_errno, 22));
	STEP(L64, "check_msr, refused", REC_ACTION, ACT_CHECK_MSR, N(F_index, 1), N(F_refused, 1));
	STEP(L64, "coalesced_is, empty", REC_ACTION, ACT_COALESCED_IS, N(F_count, 0));
	STEP(L64, "enable_cap", REC_ACTION, ACT_ENABLE_CAP, N(F_cap, 1), N(F_arg0, 1));
	STEP(L64, "sync", REC_ACTION, ACT_SYNC);
	STEP(L64, "call", REC_ACTION, ACT_CALL, T(F_text, "KVM_RUN"), N(F_arg0, 1), N(F_errno, 1));
	STEP(L64, "entry", REC_ACTION, ACT_ENTRY, N(F_va, 0), N(F_level, 4), N(F_clear, 1));
	STEP(L64, "kick, later", REC_ACTION, ACT_KICK, N(F_value, 100));
	STEP(L64, "route", REC_ACTION, ACT_ROUTE, N(F_gsi, 1), N(F_address, 1), N(F_data, 1));
	STEP(L64, "msr_filter", REC_ACTION, ACT_MSR_FILTER, N(F_index, 1), N(F_count, 2));
	STEP(L64, "sync_set", REC_ACTION, ACT_SYNC_SET, N(F_rax, 1), N(F_ev_nmi_masked, 1));
	STAGE(L64, "need", REC_NEED, 0, T(F_text, "fpu"));
	STAGE(L64, "irqchip", REC_IRQCHIP, 0, N(F_value, 7));
	STAGE(L64, "rings", REC_RING, 0, N(F_value, 3));
	STAGE(L64, "given", REC_GIVEN, 0, N(F_rflags, 2), N(F_dr7, 0x400));
	STAGE(L64, "pdpte", REC_ENTRY, 3, N(F_va, 0xffff800000000000), N(F_pa, 0x1000),
	      N(F_pkey, 15), N(F_set, 1ull << 63));
	STAGE(L64, "descriptor", REC_DESCRIPTOR, 0, N(F_selector, SEL_FREE), N(F_limit, 0xffffffff),
	      N(F_ar, 0xc093));
	STAGE(L64, "gate", REC_GATE, 0, N(F_vector, 255), N(F_offset, ~0ull), N(F_ist, 7));
	STAGE(L64, "memory", REC_MEMORY, 0, N(F_address, PAGES_END - 1), D(F_bytes, "x", 1));
	STAGE(L64, "operand", REC_OPERAND, 0, N(F_address, OPERAND + 4095), D(F_bytes, "x", 1));
	STAGE(L64, "emulate", REC_EMULATE, 0);
	STAGE(L64, "cpuid_leaf", REC_CPUID, 0, N(F_leaf, 7), N(F_set_eax, 1), N(F_clear_eax, 2));
	STAGE(L64, "msr", REC_MSR, 0, N(F_index, 0x10), N(F_value, ~0ull));
	STAGE(L64, "memslot", REC_MEMSLOT, 0, N(F_id, 9), N(F_gpa, 0x100000), N(F_size, 0x1000),
	      N(F_hva, 0x20000));
	STEP(L64, "expect_hw", REC_HW, 0, T(F_text, "npf|ept_violation"));
	STEP(L64, "pml4e_is", REC_ENTRY_IS, 4, N(F_va, 0), N(F_raw, 0));
	STEP(L64, "undefined_memory", REC_ANY, 0, N(F_address, 0), N(F_length, MMIO));
}

/* ---- sense ---------------------------------------------------------------- */

static void test_modes(void)
{
	BAD_STAGE(MODE_REAL16, "rings: real mode has no CPL 3", REC_RING, 0, N(F_value, 3));
	BAD_STAGE(MODE_VM86, "rings: virtual-8086 mode is always at CPL 3", REC_RING, 0,
		  N(F_value, 1));
	STAGE(MODE_VM86, "vm86 at CPL 3", REC_RING, 0, N(F_value, 2));
	BAD_STAGE(L64, "rings: 0 is not a mask", REC_RING, 0, N(F_value, 0));
	BAD_STAGE(L64, "rings: 0x4 is not a mask", REC_RING, 0, N(F_value, 4));
	BAD_STAGE(L64, "irqchip: 0x8 is not a mask", REC_IRQCHIP, 0, N(F_value, 8));
	BAD_STAGE(L64, "irqchip: 0 is not a mask", REC_IRQCHIP, 0, N(F_value, 0));
	BAD_STAGE(L64, "uses: 0x10 is not a mask", REC_USES, 0, N(F_value, 16));
	BAD_STAGE(MODE_PROT32, "pte: there is no paging in prot32", REC_ENTRY, 1, N(F_va, 0),
		  N(F_set, 1));
	BAD_STAGE(MODE_VM86, "pte: there is no paging in vm86", REC_ENTRY, 1, N(F_va, 0),
		  N(F_set, 1));
	STAGE(MODE_PAGED32, "pde in paged32", REC_ENTRY, 2, N(F_va, 0xffffffff), N(F_set, 1));
	BAD_STAGE(MODE_PAGED32, "pdpte: paged32 has page-table levels 1 to 2, not 3", REC_ENTRY, 3,
		  N(F_va, 0), N(F_set, 1));
	BAD_STAGE(MODE_PAE32, "pml4e: pae32 has page-table levels 1 to 3", REC_ENTRY, 4, N(F_va, 0),
		  N(F_set, 1));
	BAD_STAGE(L64, "pml5e: long64 has page-table levels 1 to 4", REC_ENTRY, 5, N(F_va, 0),
		  N(F_set, 1));
	STAGE(MODE_LONG64_5L, "pml5e", REC_ENTRY, 5, N(F_va, 1ull << 55), N(F_set, 1));
	BAD_STAGE(MODE_LONG64_5L, "is not an address paging of long64_5l maps", REC_ENTRY, 5,
		  N(F_va, 1ull << 56), N(F_set, 1));
	BAD_STAGE(L64, "va 0x800000000000 is not an address", REC_ENTRY, 1, N(F_va, 1ull << 47),
		  N(F_set, 1));
	BAD_STAGE(MODE_PAE32, "va 0x100000000 is not an address", REC_ENTRY, 1, N(F_va, 1ull << 32),
		  N(F_set, 1));
	BAD_STAGE(MODE_PAGED32, "an entry of 32-bit paging has 32 bits", REC_ENTRY, 1, N(F_va, 0),
		  N(F_set, 1ull << 63));
	BAD_STAGE(MODE_PAE32, "pte: there are no protection keys in pae32", REC_ENTRY, 1,
		  N(F_va, 0), N(F_pkey, 1));
	BAD_STAGE(L64, "pte: bits 0x2 are both in set and clear", REC_ENTRY, 1, N(F_va, 0),
		  N(F_set, 3), N(F_clear, 2));
	BAD_STAGE(L64, "pte: raw is the whole entry", REC_ENTRY, 1, N(F_va, 0), N(F_raw, 3),
		  N(F_clear, 2));
	BAD_STAGE(L64, "pte: it says nothing", REC_ENTRY, 1, N(F_va, 0));
	BAD_STEP(MODE_PAE32, "action entry: pae32 has page-table levels 1 to 3, not 4", REC_ACTION,
		 ACT_ENTRY, N(F_va, 0), N(F_level, 4), N(F_set, 1));
	BAD_STEP(L64, "action entry: long64 has page-table levels 1 to 4, not 0", REC_ACTION,
		 ACT_ENTRY, N(F_va, 0), N(F_level, 0), N(F_set, 1));
}

static void test_stage_values(void)
{
	BAD_STAGE(L64, "need: there is no feature \"nonsense\"", REC_NEED, 0,
		  T(F_text, "nonsense"));
	BAD_STAGE(L64, "descriptor: selector 0x200 is beyond the table's 64", REC_DESCRIPTOR, 0,
		  N(F_selector, 0x200), N(F_raw, 0));
	BAD_STAGE(L64, "descriptor: selector 0x84 is beyond the table's 16", REC_DESCRIPTOR, 0,
		  N(F_selector, 0x84), N(F_raw, 0));
	BAD_STAGE(L64, "descriptor: raw is the whole descriptor", REC_DESCRIPTOR, 0,
		  N(F_selector, 8), N(F_raw, 0), N(F_base, 1));
	BAD_STAGE(L64, "descriptor: limit 0x100000 needs the G bit", REC_DESCRIPTOR, 0,
		  N(F_selector, 8), N(F_limit, 0x100000), N(F_ar, 0x93));
	BAD_STAGE(L64, "descriptor: limit 0x1ff0 does not end in fffh", REC_DESCRIPTOR, 0,
		  N(F_selector, 8), N(F_limit, 0x1ff0), N(F_ar, 0x8093));
	BAD_STAGE(L64, "descriptor: ar=0xf00 has bits outside 0xf0ff", REC_DESCRIPTOR, 0,
		  N(F_selector, 8), N(F_ar, 0xf00));
	BAD_STAGE(L64, "gate: there is no vector 256", REC_GATE, 0, N(F_vector, 256), N(F_raw, 0));
	BAD_STAGE(L64, "gate: raw is the whole gate", REC_GATE, 0, N(F_vector, 1), N(F_raw, 0),
		  N(F_offset, 0));
	BAD_STAGE(MODE_REAL16, "gate: an IVT entry has no access rights", REC_GATE, 0,
		  N(F_vector, 1), N(F_ar, 0));
	BAD_STAGE(MODE_REAL16, "gate: offset 0x10000 has more than 16 bits", REC_GATE, 0,
		  N(F_vector, 1), N(F_offset, 0x10000));
	BAD_STAGE(MODE_PAE32, "gate: offset 0x100000000 has more than 32 bits", REC_GATE, 0,
		  N(F_vector, 1), N(F_offset, 1ull << 32));
	BAD_STAGE(MODE_PROT32, "gate: only gates of long mode have an IST", REC_GATE, 0,
		  N(F_vector, 1), N(F_ist, 1));
	BAD_STAGE(L64, "operand: it is not inside the operand page", REC_OPERAND, 0,
		  N(F_address, OPERAND + 4095), D(F_bytes, "xx", 2));
	BAD_STAGE(L64, "operand: it is not inside the operand page", REC_OPERAND, 0,
		  N(F_address, OPERAND - 1), D(F_bytes, "x", 1));
	BAD_STAGE(L64, "cpuid_leaf: bits are both in set_edx and clear_edx", REC_CPUID, 0,
		  N(F_leaf, 7), N(F_set_edx, 3), N(F_clear_edx, 2));
	BAD_STAGE(L64, "memslot: gpa, size and hva must be whole pages", REC_MEMSLOT, 0,
		  N(F_id, 9), N(F_gpa, 0x100000), N(F_size, 0), N(F_hva, 0x20000));
	BAD_STAGE(L64, "memslot: gpa, size and hva must be whole pages", REC_MEMSLOT, 0,
		  N(F_id, 9), N(F_gpa, 0x100800), N(F_size, 0x1000), N(F_hva, 0x20000));
	BAD_STEP(L64, "expect_hw: not a name", REC_HW, 0, T(F_text, "npf, ept"));
	BAD_STEP(L64, "expect_hw: \"ept\" is no exit reason of the processor: it is one that Intel "
		 "or AMD name (docs/writing-cases.md), or of both io hypercall rdmsr",
		 REC_HW, 0, T(F_text, "npf|ept"));
	BAD_STEP(L64, "expect_hw: \"\" is no exit reason", REC_HW, 0, T(F_text, "npf|"));
	BAD_STEP(L64, "expect_hw: \"svm.ept_violation\" is no exit reason", REC_HW, 0,
		 T(F_text, "svm.ept_violation"));
	begin_image(L64, "t");
	begin_case("one");
	REC(REC_EXPECT, STEP_CHECKPOINT);
	REC(REC_HW, 0, T(F_text, "io|mmio"));
	refuse("expect_hw: mmio before a checkpoint or an exception cannot be told from the "
	       "faults that fill memory in");
}

static void test_emulate(void)
{
	begin_image(L64, "t");
	begin_case("one");
	built_text[16 - EMULATE_GAP] = 0xcc;
	REC(REC_EMULATE, 0);
	END();
	refuse("emulate: the 5 bytes before 0x8010 are not NOPs");
	begin_image(L64, "t");
	begin_case("one");
	built_addr = TEXT + EMULATE_GAP - 1;
	REC(REC_EMULATE, 0);
	built_addr = TEXT + 16;
	END();
	refuse("emulate: the 5 bytes before 0x8004 are not NOPs");
}

static void test_state(void)
{
	BAD_STAGE(L64, "given: set and clear: RFLAGS has bits 0x3fffff, not 0x400000", REC_GIVEN, 0,
		  N(F_set, 0x400000));
	BAD_STAGE(L64, "given: rflags is the whole register", REC_GIVEN, 0, N(F_rflags, 2),
		  N(F_set, 1));
	BAD_STEP(L64, "expect hlt: status says all of", REC_EXPECT, STEP_HLT, N(F_status, 1),
		 N(F_clear, 4));
	STEP(L64, "status beside IF", REC_EXPECT, STEP_HLT, N(F_status, 1), N(F_clear, 0x200));
	BAD_STEP(L64, "expect hlt: status=0x2 has bits outside 0x8d5", REC_EXPECT, STEP_HLT,
		 N(F_status, 2));
	BAD_STEP(L64, "expect hlt: bits 0x1 are both in set and clear", REC_EXPECT, STEP_HLT,
		 N(F_set, 1), N(F_clear, 1));
	BAD_STEP(L64, "expect hlt: bits 0x10 are undefined, and said", REC_EXPECT, STEP_HLT,
		 N(F_status, 0x11), N(F_undefined, 0x10));
	BAD_STEP(L64, "expect hlt: rbx is in undefined_reg, and said", REC_EXPECT, STEP_HLT,
		 N(F_undefined_reg, 2), N(F_rbx, 0));
	BAD_STEP(L64, "action set: ev_exception=0x100 is neither", REC_ACTION, ACT_SET,
		 N(F_ev_exception, 0x100));
	BAD_STEP(L64, "action check: ev_interrupt=0x100 is neither", REC_ACTION, ACT_CHECK,
		 N(F_ev_interrupt, 0x100));
	BAD_STAGE(L64, "given: fcw is not judged without `uses fpu`", REC_GIVEN, 0, N(F_fcw, 1));
	BAD_STEP(L64, "expect hlt: mxcsr is not judged without `uses sse`", REC_EXPECT, STEP_HLT,
		 N(F_mxcsr, 1));
	begin_image(L64, "t");
	begin_case("one");
	REC(REC_USES, 0, N(F_value, USES_SSE));
	REC(REC_EXPECT, STEP_HLT, N(F_fcw, 1), D(F_xmm0, "1234567812345678", 16));
	image_free(take("xmm0 and fcw with `uses sse`"));
	REC(REC_EXPECT, STEP_HLT, D(F_ymm0, "12345678123456781234567812345678", 32));
	refuse("expect hlt: ymm0 is not judged without `uses avx`");
}

static void test_steps(void)
{
	BAD_STEP(L64, "io_out: size=3: ports are 1, 2 or 4 bytes wide", REC_EXPECT, STEP_IO_OUT,
		 N(F_port, 1), N(F_size, 3), N(F_data, 1));
	BAD_STEP(L64, "io_out: port=0x10000 has bits outside", REC_EXPECT, STEP_IO_OUT,
		 N(F_port, 0x10000), N(F_size, 1), N(F_data, 1));
	BAD_STEP(L64, "io_in: data or bytes is missing", REC_EXPECT, STEP_IO_IN, N(F_port, 1),
		 N(F_size, 1));
	BAD_STEP(L64, "io_in: data and bytes exclude each other", REC_EXPECT, STEP_IO_IN,
		 N(F_port, 1), N(F_size, 1), N(F_data, 1), D(F_bytes, "x", 1));
	BAD_STEP(L64, "io_in: count=0 is not 1 to 4096", REC_EXPECT, STEP_IO_IN, N(F_port, 1),
		 N(F_size, 1), N(F_count, 0), N(F_data, 1));
	BAD_STEP(L64, "io_out: data=0x100 is wider than the 1 bytes", REC_EXPECT, STEP_IO_OUT,
		 N(F_port, 1), N(F_size, 1), N(F_data, 0x100));
	BAD_STEP(L64, "io_out: bytes has 3 bytes, but 4 are transferred", REC_EXPECT, STEP_IO_OUT,
		 N(F_port, 1), N(F_size, 2), N(F_count, 2), D(F_bytes, "123", 3));
	BAD_STEP(L64, "io_out: 12 bytes are transferred: say them as bytes=", REC_EXPECT,
		 STEP_IO_OUT, N(F_port, 1), N(F_size, 4), N(F_count, 3), N(F_data, 1));
	BAD_STEP(L64, "mmio_write: size=0 is not 1 to 4096", REC_EXPECT, STEP_MMIO_WRITE,
		 N(F_address, MMIO), N(F_size, 0), N(F_data, 0));
	BAD_STEP(L64, "mmio_read: size=4097 is not 1 to 4096", REC_EXPECT, STEP_MMIO_READ,
		 N(F_address, MMIO), N(F_size, 4097), D(F_bytes, "x", 1));
	BAD_STEP(L64, "mmio_read: 16 bytes are transferred: say", REC_EXPECT, STEP_MMIO_READ,
		 N(F_address, MMIO), N(F_size, 16), N(F_data, 1));
	BAD_STEP(L64, "exception: there is no vector 256", REC_EXPECT, STEP_EXCEPTION,
		 N(F_vector, 256));
	BAD_STEP(L64, "exception: resume and iret exclude each other", REC_EXPECT, STEP_EXCEPTION,
		 N(F_vector, 3), N(F_iret, 1), N(F_resume, TEXT));
	BAD_STEP(L64, "ioapic_eoi: there is no vector 256", REC_EXPECT, STEP_IOAPIC_EOI,
		 N(F_vector, 256));
}

static void test_actions(void)
{
	BAD_STEP(L64, "set_lapic: there is no local APIC register at offset 0x400", REC_ACTION,
		 ACT_SET_LAPIC, N(F_offset, 0x400), N(F_value, 1));
	BAD_STEP(L64, "check_lapic: there is no local APIC register at offset 0x84", REC_ACTION,
		 ACT_CHECK_LAPIC, N(F_offset, 0x84), N(F_value, 1));
	BAD_STEP(L64, "set_lapic: value=4294967296 is more than", REC_ACTION, ACT_SET_LAPIC,
		 N(F_offset, 0x80), N(F_value, 1ull << 32));
	BAD_STEP(L64, "interrupt: there is no vector 256", REC_ACTION, ACT_INTERRUPT,
		 N(F_vector, 256));
	BAD_STEP(L64, "interrupt: errno=0 is no failure", REC_ACTION, ACT_INTERRUPT,
		 N(F_vector, 25), N(F_errno, 0));
	BAD_STEP(L64, "irq_line: level=2 is more than 1", REC_ACTION, ACT_IRQ_LINE, N(F_gsi, 1),
		 N(F_level, 2));
	BAD_STEP(L64, "request_window: value=2 is more than 1", REC_ACTION, ACT_REQUEST_WINDOW,
		 N(F_value, 2));
	BAD_STEP(L64, "kick: value=60001 is more than 60000", REC_ACTION, ACT_KICK,
		 N(F_value, 60001));
	BAD_STEP(L64, "memslot: gpa or hva is missing", REC_ACTION, ACT_MEMSLOT, N(F_id, 1),
		 N(F_size, 0x1000), N(F_gpa, 0));
	BAD_STEP(L64, "translate: valid=1 needs gpa", REC_ACTION, ACT_TRANSLATE, N(F_address, 0),
		 N(F_valid, 1));
	BAD_STEP(L64, "translate: valid=1 needs gpa, valid=0 has none", REC_ACTION, ACT_TRANSLATE,
		 N(F_address, 0), N(F_valid, 0), N(F_gpa, 0));
	BAD_STEP(L64, "ioeventfd: id=8 is more than 7", REC_ACTION, ACT_IOEVENTFD, N(F_id, 8),
		 N(F_address, 1), N(F_size, 1));
	BAD_STEP(L64, "eventfd_is: id=8 is more than 7", REC_ACTION, ACT_EVENTFD_IS, N(F_id, 8),
		 N(F_count, 0));
	BAD_STEP(L64, "irqfd: id=8 is more than 7", REC_ACTION, ACT_IRQFD, N(F_id, 8),
		 N(F_gsi, 1));
	BAD_STEP(L64, "signal_irqfd: id=8 is more than 7", REC_ACTION, ACT_SIGNAL_IRQFD,
		 N(F_id, 8));
	BAD_STEP(L64, "ioeventfd: size=3 is not", REC_ACTION, ACT_IOEVENTFD, N(F_id, 0),
		 N(F_address, 0), N(F_size, 3));
	BAD_STEP(L64, "coalesced_is: count=0 stands alone", REC_ACTION, ACT_COALESCED_IS,
		 N(F_count, 1));
	BAD_STEP(L64, "coalesced_is: address or size is missing", REC_ACTION, ACT_COALESCED_IS,
		 N(F_data, 1));
	BAD_STEP(L64, "poke: size=9 is not 1 to 8", REC_ACTION, ACT_POKE, T(F_text, "XSAVE"),
		 N(F_offset, 0), N(F_size, 9), N(F_data, 0));
	BAD_STEP(L64, "poke: data=0x100 is wider", REC_ACTION, ACT_POKE, T(F_text, "XSAVE"),
		 N(F_offset, 0), N(F_size, 1), N(F_data, 0x100));
	BAD_STEP(L64, "peek: data or errno is missing", REC_ACTION, ACT_PEEK, T(F_text, "XSAVE"),
		 N(F_offset, 0), N(F_size, 1));
	BAD_STEP(L64, "check_msr: value and refused exclude each other", REC_ACTION, ACT_CHECK_MSR,
		 N(F_index, 1), N(F_value, 1), N(F_refused, 1));
	BAD_STEP(L64, "coalesced_is: size is not 1 to 8", REC_ACTION, ACT_COALESCED_IS,
		 N(F_data, 1), N(F_address, 0), N(F_size, 9));
	BAD_STEP(L64, "msr_filter: count=0 is not 1 to 12288", REC_ACTION, ACT_MSR_FILTER,
		 N(F_index, 1), N(F_count, 0));
	BAD_STEP(L64, "msr_filter: count=2 is not 1 to 12288, or leaves", REC_ACTION,
		 ACT_MSR_FILTER, N(F_index, 0xffffffff), N(F_count, 2));
}

static void test_memory(void)
{
	BAD_STEP(L64, "writes: 0xdfff to 0xe000 is not all guest memory", REC_WRITES, 0,
		 N(F_address, MMIO - 1), D(F_bytes, "xx", 2));
	BAD_STEP(L64, "writes: 0x1ffff to 0x20000 is not all guest memory", REC_WRITES, 0,
		 N(F_address, STAGE_RAM - 1), D(F_bytes, "xx", 2));
	BAD_STEP(L64, "undefined_memory: its length is zero", REC_ANY, 0, N(F_address, 0),
		 N(F_length, 0));
	BAD_STEP(L64, "writes: its length is zero, or reaches beyond", REC_WRITES, 0,
		 N(F_address, ~0ull), D(F_bytes, "xx", 2));
	BAD_STEP(L64, "action write: 0xe000 to 0xe000 is not", REC_ACTION, ACT_WRITE,
		 N(F_address, MMIO), D(F_bytes, "x", 1));
	BAD_STAGE(L64, "memory: 0xffff to 0xffff is not", REC_MEMORY, 0, N(F_address, MMIO_END - 1),
		  D(F_bytes, "x", 1));
	begin_image(L64, "t");
	begin_case("one");
	REC(REC_MEMORY, 0, N(F_address, 0x100fff), D(F_bytes, "xx", 2));
	REC(REC_MEMSLOT, 0, N(F_id, 9), N(F_gpa, 0x100000), N(F_size, 0x1000), N(F_hva, 0));
	END();
	REC(REC_ACTION, ACT_MEMSLOT, N(F_id, 8), N(F_gpa, 0x101000), N(F_size, 0x1000),
	    N(F_hva, 0));
	image_free(take("memory across two memslots, named before them"));
	REC(REC_ACTION, ACT_WRITE, N(F_address, 0x102000), D(F_bytes, "x", 1));
	refuse("action write: 0x102000 to 0x102000 is not");
	begin_image(L64, "t");
	begin_case("one");
	END();
	for (unsigned int i = 0; i < 65; i++)
		REC(REC_ACTION, ACT_MEMSLOT, N(F_id, 1), N(F_size, 0));
	refuse("line 68: action memslot: a case has at most 64 memslots");
}

static void test_once(void)
{
	begin_image(L64, "t");
	begin_case("one");
	REC(REC_RING, 0, N(F_value, 1));
	REC(REC_RING, 0, N(F_value, 2));
	END();
	refuse("line 4: rings: the case has one in line 3 already");
	begin_image(L64, "t");
	begin_case("one");
	REC(REC_IRQCHIP, 0, N(F_value, 1));
	REC(REC_IRQCHIP, 0, N(F_value, 1));
	END();
	refuse("irqchip: the case has one in line 3 already");
	begin_image(L64, "t");
	begin_case("one-two");
	END();
	refuse("case: the name \"one-two\" has characters other than");
}

/* The last value that is still good, for rules whose first bad one is tested above. */
static void test_limits(void)
{
	static const u8 page[4096];

	begin_image(L64, "t");
	begin_case("AZaz09_");
	END();
	image_free(take("a name of all characters there are"));
	STAGE(L64, "every bit of RFLAGS", REC_GIVEN, 0, N(F_set, 0x3fffff));
	STEP(L64, "vector 255 injected", REC_ACTION, ACT_SET, N(F_ev_exception, 0xff));
	STAGE(L64, "byte limit 0fffffh", REC_DESCRIPTOR, 0, N(F_selector, 0x1f8),
	      N(F_limit, 0xfffff), N(F_ar, 0x93));
	STAGE(L64, "raw gate", REC_GATE, 0, N(F_vector, 255), N(F_raw, 0));
	STEP(L64, "4096 bytes of I/O", REC_EXPECT, STEP_IO_OUT, N(F_port, 0xffff), N(F_size, 1),
	     N(F_count, 4096), D(F_bytes, page, 4096));
	STEP(L64, "4096 bytes of MMIO", REC_EXPECT, STEP_MMIO_READ, N(F_address, MMIO),
	     N(F_size, 4096), D(F_bytes, page, 4096));
	STEP(L64, "8 bytes of I/O as a number", REC_EXPECT, STEP_IO_OUT, N(F_port, 1), N(F_size, 4),
	     N(F_count, 2), N(F_data, ~0ull));
	STEP(L64, "the last event", REC_ACTION, ACT_SYNC_SET, N(F_ev_triple_fault, 1));
	STEP(L64, "the last of other state", REC_ACTION, ACT_SET, N(F_tsc_khz, 0xffffffff));
	STAGE(L64, "space and tilde", REC_REF, 0, T(F_text, " ~"));
	STEP(L64, "exception 255", REC_EXPECT, STEP_EXCEPTION, N(F_vector, 255));
	STEP(L64, "coalesced 8 bytes", REC_ACTION, ACT_COALESCED_IS, N(F_address, 1), N(F_size, 8),
	     N(F_data, ~0ull));
	STEP(L64, "a whole filter", REC_ACTION, ACT_MSR_FILTER, N(F_index, 0), N(F_count, 0x3000));
	STEP(L64, "the last MSR", REC_ACTION, ACT_MSR_FILTER, N(F_index, 0xffffffff));
	STEP(L64, "all memory below MMIO", REC_ANY, 0, N(F_address, 0), N(F_length, MMIO));
	STEP(L64, "all memory above MMIO", REC_ANY, 0, N(F_address, MMIO_END),
	     N(F_length, STAGE_RAM - MMIO_END));
	STEP(L64, "ioeventfd of a wrong size, to be refused", REC_ACTION, ACT_IOEVENTFD, N(F_id, 1),
	     N(F_address, 1), N(F_size, 3), N(F_errno, 22));
	for (u64 size = 1; size <= 8; size *= 2)
		STEP(L64, "ioeventfd of any size", REC_ACTION, ACT_IOEVENTFD, N(F_id, 1),
		     N(F_address, 1), N(F_size, size));
	STEP(L64, "ioeventfd of size 0", REC_ACTION, ACT_IOEVENTFD, N(F_id, 1), N(F_address, 1),
	     N(F_size, 0));
	begin_image(L64, "t");
	built_addr = TEXT + EMULATE_GAP;
	begin_case("one");
	REC(REC_EMULATE, 0);
	for (unsigned int i = 0; i < 65; i++)
		REC(REC_ACTION, ACT_NMI);
	END();
	image_free(take("emulate at the start, and 65 actions"));
}

/* Rules that name several fields, once for each. */
static void test_each(void)
{
	static const u16 entry_fields[] = { F_set, F_clear, F_pa, F_pkey };
	static const struct { u16 id; u32 bytes; const char *uses; } judged[] = {
		{ F_fcw, 0, "fpu" }, { F_fdp, 0, "fpu" },
		{ F_st0, 10, "fpu" }, { F_st7, 10, "fpu" },
		{ F_mxcsr, 0, "sse" }, { F_xmm0, 16, "sse" }, { F_xmm15, 16, "sse" },
		{ F_ymm0, 32, "avx" }, { F_ymm15, 32, "avx" },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(entry_fields); i++)
		BAD_STAGE(L64, "pte: raw is the whole entry", REC_ENTRY, 1, N(F_va, 0),
			  N(F_raw, 1), N(entry_fields[i], 0));
	for (u16 i = 0; i < 16; i++)
		BAD_STEP(L64, "is in undefined_reg, and said to be known", REC_EXPECT, STEP_HLT,
			 N(F_undefined_reg, 1ull << i), N(F_rax + i, 0));
	for (unsigned int i = 0; i < ARRAY_SIZE(judged); i++) {
		char *why = xasprintf("given: %s is not judged without `uses %s`",
				      field_name(judged[i].id), judged[i].uses);

		BAD_STAGE(L64, why, REC_GIVEN, 0,
			  D(judged[i].id, "12345678123456781234567812345678", judged[i].bytes));
		free(why);
	}
}

int main(void)
{
	test_fields();
	test_good_records();
	test_modes();
	test_stage_values();
	test_emulate();
	test_state();
	test_steps();
	test_actions();
	test_memory();
	test_once();
	test_limits();
	test_each();
	sb_free(&built);
	return tap_done();
}
