// SPDX-License-Identifier: GPL-2.0-only
/*
 * System instructions: segment, control and debug registers, descriptor tables, MSRs,
 * CPUID and time (SDM 2, each instruction; SDM 3 chapter 2).
 */
#include "exec_parts.h"
#include "seg.h"

static bool segmented(const struct x86_exec *x)
{
	return !x86_protected(&x->s) || x86_vm86(&x->s);
}

/* UMIP: these are the supervisor's alone (SDM 3 2.5). */
static bool umip_forbids(const struct x86_exec *x)
{
	return x->s.cr4 & CR4_UMIP && x86_cpl(&x->s) > 0;
}

/* ---- segment registers ---------------------------------------------------------- */

/* A selector goes to memory as 2 bytes, to a register zero-extended. */
static enum x86_result put_selector(struct x86_exec *x, u16 selector)
{
	unsigned int size = x->insn.memory ? 2 : x->insn.operand_size;

	return exec_put(x, AT_RM, size, 0, selector);
}

enum x86_result exec_store_segment(struct x86_exec *x)
{
	return put_selector(x, x->s.seg[x->insn.modrm >> 3 & 7].selector);
}

/* After a load of SS nothing comes before the next instruction has ended (SDM 3 6.8.3). */
static enum x86_result load_segment(struct x86_exec *x, enum x86_seg_name name, u16 selector)
{
	enum x86_result result = seg_load(x, name, selector);

	if (result == X86_OK && name == X86_SS) {
		x->shadow = X86_SHADOW_MOVSS;
		x->no_trap = true;
	}
	return result;
}

enum x86_result exec_load_segment(struct x86_exec *x)
{
	enum x86_result result;
	u64 selector;

	result = exec_get(x, AT_RM, 2, 0, &selector);
	return result == X86_OK ? load_segment(x, x->insn.modrm >> 3 & 7, selector) : result;
}

enum x86_result exec_push_segment(struct x86_exec *x)
{
	unsigned int size = x->insn.size;
	u64 selector = x->s.seg[x->insn.number].selector;
	unsigned int width = exec_stack_size(x);
	enum x86_result result;
	u64 rsp;

	if (size != 4 || x->env->amd)
		return exec_push(x, selector, size);
	/* Of four bytes Intel's write only the lower two (SDM 2 PUSH), AMD's all (APM 3 PUSH). */
	rsp = (x->s.gpr[X86_RSP] - 4) & exec_mask(width);
	result = exec_write(x, X86_SS, rsp, &selector, 2, 0);
	if (result == X86_OK)
		exec_merge_reg(x, X86_RSP, width, rsp);
	return result;
}

enum x86_result exec_pop_segment(struct x86_exec *x)
{
	unsigned int width = exec_stack_size(x);
	u64 rsp = x->s.gpr[X86_RSP] & exec_mask(width), selector = 0;
	enum x86_result result;

	result = exec_read(x, X86_SS, rsp, &selector, 2, 0);
	if (result != X86_OK)
		return result;
	exec_merge_reg(x, X86_RSP, width, rsp + x->insn.size);
	return load_segment(x, x->insn.number, selector);
}

/* LDS, LES, LSS, LFS, LGS: offset first, then selector; the segment is loaded first. */
enum x86_result exec_load_pointer(struct x86_exec *x)
{
	static const u8 names[] = {
		[OP_LDS - OP_LDS] = X86_DS, [OP_LES - OP_LDS] = X86_ES, [OP_LSS - OP_LDS] = X86_SS,
		[OP_LFS - OP_LDS] = X86_FS, [OP_LGS - OP_LDS] = X86_GS,
	};
	unsigned int size = x->insn.operand_size;
	enum x86_result result;
	u8 pointer[10];
	u16 selector;
	u64 offset = 0;

	result = exec_read(x, x->insn.segment, exec_offset(x), pointer, size + 2, 0);
	if (result != X86_OK)
		return result;
	memcpy(&offset, pointer, size);
	memcpy(&selector, pointer + size, 2);
	result = seg_load(x, names[x->insn.op - OP_LDS], selector);
	if (result == X86_OK)
		exec_set_reg(x, x->insn.reg, size, offset);
	return result;
}

/* ---- descriptor tables ---------------------------------------------------------- */

enum x86_result exec_store_table(struct x86_exec *x)
{
	const struct x86_table *table = x->insn.op == OP_SGDT ? &x->s.gdtr : &x->s.idtr;
	unsigned int size = x86_code64(&x->s) ? 8 : 4;
	u8 image[10];

	if (umip_forbids(x))
		return exec_gp0(x);
	memcpy(image, &table->limit, 2);
	memcpy(image + 2, &table->base, size);
	return exec_write(x, x->insn.segment, exec_offset(x), image, 2 + size, 0);
}

/*
 * Upper bits that bases, and addresses to invalidate, have not: by the width that the processor
 * has, not that of the paging in use (Intel 335252).
 */
static unsigned int unused_bits(const struct x86_exec *x)
{
	return x->env->cr4_allowed & CR4_LA57 ? 7 : 16;
}

enum x86_result exec_load_table(struct x86_exec *x)
{
	struct x86_table *table = x->insn.op == OP_LGDT ? &x->s.gdtr : &x->s.idtr;
	bool code64 = x86_code64(&x->s);
	unsigned int size = code64 ? 8 : 4;
	unsigned int unused = unused_bits(x);
	enum x86_result result;
	u8 image[10];
	u64 base = 0;

	if (x86_cpl(&x->s))
		return exec_gp0(x);
	result = exec_read(x, x->insn.segment, exec_offset(x), image, 2 + size, 0);
	if (result != X86_OK)
		return result;
	memcpy(&base, image + 2, size);
	if (code64 && (u64)((s64)(base << unused) >> unused) != base)
		return exec_gp0(x);
	memcpy(&table->limit, image, 2);
	/* With 16-bit operands the base has 24 bits (SDM 2 LGDT). */
	table->base = !code64 && x->insn.operand_size == 2 ? base & 0xffffff : base;
	return X86_OK;
}

enum x86_result exec_store_selector(struct x86_exec *x)
{
	if (segmented(x))
		return exec_ud(x);
	if (umip_forbids(x))
		return exec_gp0(x);
	return put_selector(x, x->s.seg[x->insn.op == OP_SLDT ? X86_LDTR : X86_TR].selector);
}

enum x86_result exec_load_selector(struct x86_exec *x)
{
	enum x86_result result;
	u64 selector;

	if (segmented(x))
		return exec_ud(x);
	if (x86_cpl(&x->s))
		return exec_gp0(x);
	result = exec_get(x, AT_RM, 2, 0, &selector);
	if (result != X86_OK)
		return result;
	return x->insn.op == OP_LLDT ? seg_load_ldtr(x, selector) : seg_load_tr(x, selector);
}

/* ---- LAR, LSL, VERR, VERW: questions about descriptors -------------------------- */

static bool visible(const struct x86_exec *x, const struct descriptor *d, u16 selector)
{
	unsigned int dpl = descriptor_dpl(d);

	if (descriptor_is_code(d) && descriptor_type(d) & X86_AR_EC)
		return true;
	return x86_cpl(&x->s) <= dpl && SELECTOR_RPL(selector) <= dpl;
}

/* Whether LAR or LSL say something of a system descriptor (SDM 2 tables 3-53, 3-56). */
static bool system_answers(const struct x86_exec *x, const struct descriptor *d)
{
	unsigned int type = descriptor_type(d);
	bool gate = type == SYSTEM_CALL_GATE || type == SYSTEM_CALL_GATE16 ||
		    type == SYSTEM_TASK_GATE;

	if (gate && x->insn.op == OP_LSL)
		return false;
	if (x86_long(&x->s))
		return type == SYSTEM_LDT || type == SYSTEM_TSS || type == SYSTEM_TSS_BUSY ||
		       type == SYSTEM_CALL_GATE;
	return gate || type == SYSTEM_LDT || type == SYSTEM_TSS || type == SYSTEM_TSS_BUSY ||
	       type == SYSTEM_TSS16 || type == SYSTEM_TSS16_BUSY;
}

static bool verified(const struct x86_exec *x, const struct descriptor *d)
{
	unsigned int type = descriptor_type(d);

	if (!descriptor_is_segment(d))
		return false;
	if (x->insn.op == OP_VERW)
		return !(type & X86_AR_CODE) && type & X86_AR_RW;
	return !(type & X86_AR_CODE) || type & X86_AR_RW;
}

static bool answers(const struct x86_exec *x, const struct descriptor *d, u16 selector)
{
	if (!visible(x, d, selector))
		return false;
	if (x->insn.op == OP_VERR || x->insn.op == OP_VERW)
		return verified(x, d);
	return descriptor_is_segment(d) || system_answers(x, d);
}

enum x86_result exec_query(struct x86_exec *x)
{
	bool verify = x->insn.op == OP_VERR || x->insn.op == OP_VERW;
	struct descriptor d = { 0 };
	enum x86_result result;
	u64 selector;
	bool ok;

	if (segmented(x))
		return exec_ud(x);
	result = exec_get(x, AT_RM, 2, 0, &selector);
	if (result != X86_OK)
		return result;
	ok = !SELECTOR_NULL(selector);
	if (ok) {
		result = seg_read_descriptor(x, selector, X86_GP, &d);
		if (result == X86_FAULT && x->fault.vector == X86_GP)
			ok = false;	/* beyond the table: an answer, no fault */
		else if (result != X86_OK)
			return result;
	}
	ok = ok && answers(x, &d, selector);
	exec_flag(x, X86_FLAG_ZF, ok);
	if (!ok || verify)
		return X86_OK;
	if (x->insn.op == OP_LSL)
		return exec_put(x, AT_REG, x->insn.size, 0, seg_of_descriptor(&d, 0).limit);
	return exec_put(x, AT_REG, x->insn.size, 0, d.low >> 32 & 0xf0ff00);
}

/* ---- control registers ---------------------------------------------------------- */

enum x86_result exec_smsw(struct x86_exec *x)
{
	if (umip_forbids(x))
		return exec_gp0(x);
	return exec_put(x, AT_RM, x->insn.memory ? 2 : x->insn.operand_size, 0, x->s.cr0);
}

enum x86_result exec_lmsw(struct x86_exec *x)
{
	enum x86_result result;
	u64 value, cr0;

	if (x86_cpl(&x->s))
		return exec_gp0(x);
	result = exec_get(x, AT_RM, 2, 0, &value);
	if (result != X86_OK)
		return result;
	/* PE, MP, EM, TS; PE cannot be cleared (SDM 2 LMSW). */
	cr0 = (x->s.cr0 & ~0xeull) | (value & 0xf);
	return x86_set_cr0(x, cr0);
}

enum x86_result exec_clts(struct x86_exec *x)
{
	if (x86_cpl(&x->s))
		return exec_gp0(x);
	x->s.cr0 &= ~CR0_TS;
	return X86_OK;
}

/* LOCK MOV CR0 as CR8: AltMovCr8 (APM 3 appendix D, CPUID 0x80000001 ECX). */
static bool has_alternative_cr8(struct x86_exec *x)
{
	u32 regs[4] = { 0 };

	x->env->ops->cpuid(x->env->opaque, 0x80000001, 0, regs);
	return regs[2] & 1u << 4;
}

enum x86_result exec_control_register(struct x86_exec *x)
{
	unsigned int size = x->insn.operand_size, number = x->insn.reg;
	u64 value;

	if (x->insn.lock && !has_alternative_cr8(x))
		return exec_ud(x);
	if (x86_cpl(&x->s))
		return exec_gp0(x);
	if (x->insn.op == OP_MOV_CR) {
		value = number == 0 ? x->s.cr0 : number == 2 ? x->s.cr2 :
			number == 3 ? x->s.cr3 : number == 4 ? x->s.cr4 : x->s.cr8;
		exec_set_reg(x, x->insn.rm, size, value);
		return X86_OK;
	}
	value = exec_get_reg(x, x->insn.rm, size);
	switch (number) {
	case 0:
		return x86_set_cr0(x, value);
	case 2:
		x->s.cr2 = value;
		return X86_OK;
	case 3:
		return x86_set_cr3(x, value);
	case 4:
		return x86_set_cr4(x, value);
	default:
		if (value & ~0xfull)
			return exec_gp0(x);
		x->s.cr8 = value;
		return X86_OK;
	}
}

/* ---- debug registers (SDM 3 17.2) ----------------------------------------------- */

enum x86_result exec_debug_register(struct x86_exec *x)
{
	unsigned int size = x->insn.operand_size, number = x->insn.reg;
	u64 value;

	/* DR4 and DR5 are DR6 and DR7, unless debugging extensions make them #UD. */
	if ((number == 4 || number == 5) && x->s.cr4 & CR4_DE)
		return exec_ud(x);
	if (x86_cpl(&x->s))
		return exec_gp0(x);
	if (number == 4 || number == 5)
		number += 2;
	if (x->s.dr7 & X86_DR7_GD) {
		exec_fault(x, X86_DB);
		x->fault.dr6 = X86_DR6_BD;
		return X86_FAULT;
	}
	if (x->insn.op == OP_MOV_DR) {
		value = number == 6 ? x->s.dr6 : number == 7 ? x->s.dr7 : x->s.dr[number & 3];
		exec_set_reg(x, x->insn.rm, size, value);
		return X86_OK;
	}
	value = exec_get_reg(x, x->insn.rm, size);
	if (number >= 6 && value >> 32)
		return exec_gp0(x);
	if (number == 6)
		x->s.dr6 = (value & 0xe00f) | X86_DR6_FIXED;
	else if (number == 7)
		x->s.dr7 = (value & 0xffff2bff) | X86_DR7_FIXED;
	else
		x->s.dr[number & 3] = value;
	return X86_OK;
}

/* ---- MSRs, CPUID, time ---------------------------------------------------------- */

static void set_pair(struct x86_exec *x, u64 value)
{
	exec_set_reg(x, X86_RAX, 4, value);
	exec_set_reg(x, X86_RDX, 4, value >> 32);
}

enum x86_result exec_msr(struct x86_exec *x)
{
	u32 index = x->s.gpr[X86_RCX];
	enum x86_result result;
	u64 value;

	if (x86_cpl(&x->s))
		return exec_gp0(x);
	if (x->insn.op == OP_WRMSR) {
		value = (u32)x->s.gpr[X86_RAX] | x->s.gpr[X86_RDX] << 32;
		result = x->env->ops->wrmsr(x->env->opaque, index, value);
	} else {
		result = x->env->ops->rdmsr(x->env->opaque, index, &value);
		if (result == X86_OK)
			set_pair(x, value);
	}
	return result == X86_FAULT ? exec_gp0(x) : result;
}

enum x86_result exec_cpuid(struct x86_exec *x)
{
	static const u8 order[4] = { X86_RAX, X86_RBX, X86_RCX, X86_RDX };
	u32 regs[4];

	x->env->ops->cpuid(x->env->opaque, x->s.gpr[X86_RAX], x->s.gpr[X86_RCX], regs);
	for (unsigned int i = 0; i < 4; i++)
		exec_set_reg(x, order[i], 4, regs[i]);
	return X86_OK;
}

enum x86_result exec_rdtsc(struct x86_exec *x)
{
	if (x->s.cr4 & CR4_TSD && x86_cpl(&x->s))
		return exec_gp0(x);
	set_pair(x, x->env->ops->tsc(x->env->opaque));
	if (x->insn.op == OP_RDTSCP)
		exec_set_reg(x, X86_RCX, 4, x->s.msr.tsc_aux);
	return X86_OK;
}

enum x86_result exec_rdpid(struct x86_exec *x)
{
	exec_set_reg(x, x->insn.rm, x86_code64(&x->s) ? 8 : 4, x->s.msr.tsc_aux);
	return X86_OK;
}

/* No guest of core/ has a counter: whichever is asked for does not exist (SDM 2 RDPMC). */
enum x86_result exec_rdpmc(struct x86_exec *x)
{
	return exec_gp0(x);
}

/*
 * MONITOR reads a byte, for its faults. MWAIT ends at once, as it may for any reason
 * (SDM 2 MWAIT); RCX has hints, of which bit 0 alone is known to it.
 */
enum x86_result exec_monitor(struct x86_exec *x)
{
	bool monitor = x->insn.op == OP_MONITOR;
	u32 hints = x->s.gpr[X86_RCX], regs[4] = { 0 };
	u64 offset = x->s.gpr[X86_RAX] & exec_mask(x->insn.address_size);
	u8 byte;

	x->env->ops->cpuid(x->env->opaque, 1, 0, regs);
	if (!(regs[2] & 1u << 3) || x86_cpl(&x->s))
		return exec_ud(x);
	if (hints > (monitor ? 0 : 1))
		return exec_gp0(x);
	return monitor ? exec_read(x, x->insn.segment, offset, &byte, 1, 0) : X86_OK;
}

/* VMX and SVM for guests: neither CR4.VMXE nor EFER.SVME is ever set here. */
enum x86_result exec_virtualization(struct x86_exec *x)
{
	return exec_ud(x);
}

/* ---- caches and translations ---------------------------------------------------- */

/* INVD, WBINVD: for the supervisor, and nothing to do. */
enum x86_result exec_cache(struct x86_exec *x)
{
	return x86_cpl(&x->s) ? exec_gp0(x) : X86_OK;
}

enum x86_result exec_invlpg(struct x86_exec *x)
{
	u64 linear = exec_offset(x);

	if (x86_cpl(&x->s))
		return exec_gp0(x);
	/* No limit, no rights, no canonical form are checked (SDM 2 INVLPG). */
	if (!x86_code64(&x->s) || x->insn.segment >= X86_FS)
		linear += x->s.seg[x->insn.segment].base;
	x->env->ops->flush(x->env->opaque, linear, false);
	return X86_OK;
}

/* Four types: of an address, of a PCID, of all with and without global (SDM 2 INVPCID). */
enum x86_result exec_invpcid(struct x86_exec *x)
{
	u64 type = exec_get_reg(x, x->insn.reg, x86_code64(&x->s) ? 8 : 4), descriptor[2];
	unsigned int unused = unused_bits(x);
	enum x86_result result;

	if (x86_cpl(&x->s) || x86_vm86(&x->s))
		return exec_gp0(x);
	result = exec_read(x, x->insn.segment, exec_offset(x), descriptor, 16, 0);
	if (result != X86_OK)
		return result;
	if (type > 3 || descriptor[0] >> 12)
		return exec_gp0(x);
	if (type < 2 && descriptor[0] && !(x->s.cr4 & CR4_PCIDE))
		return exec_gp0(x);
	if (type == 0 && (u64)((s64)(descriptor[1] << unused) >> unused) != descriptor[1])
		return exec_gp0(x);
	/* More than was asked for may always go. */
	x->env->ops->flush(x->env->opaque, 0, true);
	return X86_OK;
}

/* ---- FS and GS bases (SDM 2 SWAPGS, RDFSBASE) ----------------------------------- */

enum x86_result exec_swapgs(struct x86_exec *x)
{
	u64 base = x->s.seg[X86_GS].base;

	if (!x86_code64(&x->s))
		return exec_ud(x);
	if (x86_cpl(&x->s))
		return exec_gp0(x);
	x->s.seg[X86_GS].base = x->s.msr.kernel_gs_base;
	x->s.msr.kernel_gs_base = base;
	return X86_OK;
}

enum x86_result exec_segment_base(struct x86_exec *x)
{
	bool write = x->insn.op == OP_WRFSBASE || x->insn.op == OP_WRGSBASE;
	bool fs = x->insn.op == OP_RDFSBASE || x->insn.op == OP_WRFSBASE;
	struct x86_seg *seg = &x->s.seg[fs ? X86_FS : X86_GS];
	unsigned int size = x->insn.operand_size;
	unsigned int unused = unused_bits(x);
	u64 value;

	if (!x86_code64(&x->s) || !(x->s.cr4 & CR4_FSGSBASE))
		return exec_ud(x);
	if (!write) {
		exec_set_reg(x, x->insn.rm, size, seg->base);
		return X86_OK;
	}
	value = exec_get_reg(x, x->insn.rm, size);
	if ((u64)((s64)(value << unused) >> unused) != value)
		return exec_gp0(x);
	seg->base = value;
	return X86_OK;
}

/* ---- SMAP, extended control registers ------------------------------------------- */

enum x86_result exec_alignment_flag(struct x86_exec *x)
{
	if (x86_cpl(&x->s) || x86_vm86(&x->s))
		return exec_ud(x);
	exec_flag(x, X86_FLAG_AC, x->insn.op == OP_STAC);
	return X86_OK;
}

enum x86_result exec_xgetbv(struct x86_exec *x)
{
	if (!(x->s.cr4 & CR4_OSXSAVE))
		return exec_ud(x);
	if ((u32)x->s.gpr[X86_RCX])
		return exec_gp0(x);
	set_pair(x, x->s.xcr0);
	return X86_OK;
}

/* What XCR0 may hold is in CPUID; x87 is always on, AVX only with SSE (SDM 1 13.3). */
static bool xcr0_valid(struct x86_exec *x, u64 value)
{
	u32 regs[4] = { 0 };

	x->env->ops->cpuid(x->env->opaque, 0xd, 0, regs);
	if (!(value & 1) || value & ~(regs[0] | (u64)regs[3] << 32))
		return false;
	return (value & 6) != 4;
}

enum x86_result exec_xsetbv(struct x86_exec *x)
{
	u64 value = (u32)x->s.gpr[X86_RAX] | x->s.gpr[X86_RDX] << 32;

	if (!(x->s.cr4 & CR4_OSXSAVE))
		return exec_ud(x);
	if (x86_cpl(&x->s) || (u32)x->s.gpr[X86_RCX] || !xcr0_valid(x, value))
		return exec_gp0(x);
	x->s.xcr0 = value;
	return X86_OK;
}

enum x86_result exec_pkru(struct x86_exec *x)
{
	if (!(x->s.cr4 & CR4_PKE))
		return exec_ud(x);
	if ((u32)x->s.gpr[X86_RCX])
		return exec_gp0(x);
	if (x->insn.op == OP_RDPKRU) {
		set_pair(x, x->s.pkru);
		return X86_OK;
	}
	if ((u32)x->s.gpr[X86_RDX])
		return exec_gp0(x);
	x->s.pkru = x->s.gpr[X86_RAX];
	return X86_OK;
}
