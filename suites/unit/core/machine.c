// SPDX-License-Identifier: GPL-2.0-only
/* A machine for tests of core/. */
#include "machine.h"

#include <stdlib.h>

const char *const machine_mode_names[MACHINE_MODES] = {
	"real16", "vm86", "prot16", "prot32", "compat32", "long64",
};

/* ---- memory and the rest of the machine -------------------------------------------------- */

static void log_write(struct machine *m, u64 address, const void *data, unsigned int size,
		      bool compared)
{
	struct machine_write *write = &m->writes[m->written];

	if (m->written == WRITES)
		return;
	*write = (struct machine_write){ .address = address, .size = size, .compared = compared };
	memcpy(&write->value, data, size < 8 ? size : 8);
	m->written++;
}

static enum x86_result answer_once(enum x86_result *answer)
{
	enum x86_result result = *answer;

	*answer = X86_OK;
	return result;
}

/* No access is of more than 16 bytes or crosses a page (ops.h). */
static void check_access(u64 gpa, unsigned int size)
{
	if (!size || size > 16 || (gpa & 4095) + size > 4096)
		abort();
}

static enum x86_result read_memory(void *opaque, u64 gpa, void *data, unsigned int size)
{
	struct machine *m = opaque;

	check_access(gpa, size);
	if (gpa >= RAM_SIZE || size > RAM_SIZE - gpa)
		return X86_IO;
	if (m->read_answer != X86_OK)
		return answer_once(&m->read_answer);
	memcpy(data, m->ram + gpa, size);
	return X86_OK;
}

static enum x86_result write_memory(void *opaque, u64 gpa, const void *data, unsigned int size)
{
	struct machine *m = opaque;

	check_access(gpa, size);
	if (gpa >= ROM_BASE || size > ROM_BASE - gpa)
		return X86_IO;
	if (m->write_answer != X86_OK && !m->write_answer_after--)
		return answer_once(&m->write_answer);
	memcpy(m->ram + gpa, data, size);
	log_write(m, gpa, data, size, false);
	return X86_OK;
}

static enum x86_result compare_memory(void *opaque, u64 gpa, const void *old, const void *new,
				      unsigned int size, bool *done)
{
	struct machine *m = opaque;

	if (gpa >= ROM_BASE || size > ROM_BASE - gpa)
		return X86_IO;
	if (m->write_answer != X86_OK && !m->write_answer_after--)
		return answer_once(&m->write_answer);
	if (m->race)
		m->race(m, gpa);
	*done = !memcmp(m->ram + gpa, old, size);
	if (!*done)
		return X86_OK;
	memcpy(m->ram + gpa, new, size);
	log_write(m, gpa, new, size, true);
	return X86_OK;
}

static enum x86_result read_msr(void *opaque, u32 index, u64 *value)
{
	struct machine *m = opaque;

	*value = m->msr;
	return index == 0x10 ? X86_OK : index == 0x11 ? X86_IO : X86_FAULT;
}

static enum x86_result write_msr(void *opaque, u32 index, u64 value)
{
	struct machine *m = opaque;

	if (index == 0x10)
		m->msr = value;
	return index == 0x10 ? X86_OK : index == 0x11 ? X86_IO : X86_FAULT;
}

static void cpuid(void *opaque, u32 leaf, u32 subleaf, u32 regs[4])
{
	const struct machine *m = opaque;

	memcpy(regs, m->cpuid, sizeof(m->cpuid));
	if (regs[0] || regs[1] || regs[2] || regs[3])
		return;
	regs[0] = leaf + 1;
	regs[1] = subleaf + 2;
	regs[2] = 3;
	regs[3] = 4;
}

static u64 tsc(void *opaque)
{
	(void)opaque;
	return 0x1122334455667788;
}

static void flush(void *opaque, u64 linear, bool all)
{
	struct machine *m = opaque;

	m->flushes++;
	m->flushed_all += all;
	m->flushed = linear;
}

static const struct x86_ops ops = {
	.read = read_memory, .write = write_memory, .exchange = compare_memory,
	.rdmsr = read_msr, .wrmsr = write_msr, .cpuid = cpuid, .tsc = tsc, .flush = flush,
};

void machine_put(struct machine *m, u64 address, u64 value, unsigned int size)
{
	memcpy(m->ram + address, &value, size);
}

u64 machine_get(const struct machine *m, u64 address, unsigned int size)
{
	u64 value = 0;

	memcpy(&value, m->ram + address, size);
	return value;
}

/* ---- the stage ------------------------------------------------------------------------------ */

static void put_high_half(struct machine *m, u16 selector, u64 base)
{
	machine_put(m, GDT + (selector & 0xfff8) + 8, base >> 32, 8);
}

/* SDM 3 figure 3-8. */
void machine_descriptor(struct machine *m, u16 selector, u64 base, u32 limit, u32 ar)
{
	u64 d = (limit & 0xffff) | (base & 0xffffff) << 16 | (u64)(ar & 0xf0ff) << 40 |
		(u64)(limit >> 16 & 15) << 48 | (base >> 24 & 0xff) << 56;

	machine_put(m, GDT + (selector & 0xfff8), d, 8);
}

/* SDM 3 figures 5-8 and 5-9. */
void machine_gate(struct machine *m, u16 selector, u16 target, u64 rip, u32 ar, unsigned int params)
{
	u64 d = (rip & 0xffff) | (u64)target << 16 | (u64)params << 32 | (u64)(ar & 0xff) << 40 |
		(rip >> 16 & 0xffff) << 48;

	machine_put(m, GDT + (selector & 0xfff8), d, 8);
	if (x86_long(&m->state))
		put_high_half(m, selector, rip);
}

static void build_tables(struct machine *m)
{
	static const struct {
		u16 selector;
		u32 ar;
	} segments[] = {
		{ SEL_CODE32, 0xc09b }, { SEL_DATA, 0xc093 }, { SEL_CODE64, 0xa09b },
		{ SEL_CODE16, 0x009b }, { SEL_DATA16, 0x0093 }, { SEL_CODE32_3, 0xc0fb },
		{ SEL_DATA_3, 0xc0f3 }, { SEL_CODE64_3, 0xa0fb }, { SEL_CODE32_1, 0xc0bb },
		{ SEL_DATA_1, 0xc0b3 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(segments); i++) {
		bool pages = segments[i].ar & X86_AR_G;

		machine_descriptor(m, segments[i].selector, 0, pages ? 0xfffff : 0xffff,
				   segments[i].ar);
	}
	machine_descriptor(m, SEL_TSS, TSS, 0x2fff, 0x8b);
	machine_descriptor(m, SEL_LDT, LDT, 0xff, 0x82);
	/* The stacks of the inner levels, in both layouts (SDM 3 figures 7-2 and 7-11). */
	if (x86_long(&m->state)) {
		machine_put(m, TSS + 4, STACK_CPL0, 8);
		machine_put(m, TSS + 12, STACK_CPL1, 8);
	} else {
		machine_put(m, TSS + 4, STACK_CPL0, 4);
		machine_put(m, TSS + 8, SEL_DATA, 2);
		machine_put(m, TSS + 12, STACK_CPL1, 4);
		machine_put(m, TSS + 16, SEL_DATA_1, 2);
	}
	machine_put(m, TSS + 0x66, IO_MAP, 2);
	/* The first 2 MiB are mapped as they are, with all flags set already. */
	machine_put(m, PAGE_TABLES, (PAGE_TABLES + 0x1000) | 0x67, 8);
	machine_put(m, PAGE_TABLES + 0x1000, (PAGE_TABLES + 0x2000) | 0x67, 8);
	machine_put(m, PAGE_TABLES + 0x2000, 0xe7, 8);
}

static void segments_of(struct machine *m, enum machine_mode mode, unsigned int cpl)
{
	struct x86_state *s = &m->state;
	struct x86_seg data = { .limit = 0xffff, .ar = 0x93 };
	struct x86_seg code = { .limit = 0xffff, .ar = 0x9b };
	u32 dpl = cpl << X86_AR_DPL_SHIFT;

	if (mode == VM86) {
		data.ar = code.ar = 0xf3;
	} else if (mode >= PROT16) {
		data.selector = mode == PROT16 ? SEL_DATA16 : cpl == 3 ? SEL_DATA_3 : SEL_DATA;
		code.selector = mode == PROT16 ? SEL_CODE16 :
				mode == LONG64 ? (cpl == 3 ? SEL_CODE64_3 : SEL_CODE64) :
				cpl == 3 ? SEL_CODE32_3 : SEL_CODE32;
		if (mode != PROT16) {
			data.limit = code.limit = 0xffffffff;
			data.ar = 0xc093;
			code.ar = mode == LONG64 ? 0xa09b : 0xc09b;
		}
		data.ar |= dpl;
		code.ar |= dpl;
	}
	for (unsigned int i = 0; i < X86_LDTR; i++)
		s->seg[i] = i == X86_CS ? code : data;
	s->seg[X86_TR] = (struct x86_seg){ TSS, 0x2fff, 0x8b, SEL_TSS };
	s->seg[X86_LDTR] = (struct x86_seg){ LDT, 0xff, 0x82, SEL_LDT };
}

void machine_reset(struct machine *m, enum machine_mode mode, unsigned int cpl)
{
	struct x86_state *s = &m->state;

	memset(m, 0, sizeof(*m));
	m->env = (struct x86_env){
		.ops = &ops, .opaque = m, .physical_bits = 40, .gib_pages = true,
		.cr4_allowed = ~0ull >> 32 & ~(1ull << 31),
	};
	*s = (struct x86_state){
		.rip = CODE, .rflags = X86_FLAG_ONE, .gdtr = { GDT, GDT_LIMIT },
		.idtr = { 0, 0x3ff }, .cr0 = CR0_ET, .dr6 = X86_DR6_FIXED, .dr7 = X86_DR7_FIXED,
	};
	s->gpr[X86_RSP] = STACK;
	if (mode != REAL16)
		s->cr0 |= CR0_PE | CR0_NE;
	if (mode == VM86)
		s->rflags |= X86_FLAG_VM;
	if (mode >= COMPAT32) {
		s->efer = X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE;
		s->cr0 |= CR0_PG;
		s->cr4 = CR4_PAE;
		s->cr3 = PAGE_TABLES;
	}
	segments_of(m, mode, cpl);
	build_tables(m);
	m->x.env = &m->env;
	m->x.state = &m->state;
	m->x.fpu_image = m->fpu;
	m->x.ymm_image = m->ymm;
}

/* ---- running -------------------------------------------------------------------- */

enum x86_result machine_run(struct machine *m, const void *bytes, unsigned int length)
{
	u64 base = x86_code64(&m->state) ? 0 : m->state.seg[X86_CS].base;

	memcpy(m->ram + base + m->state.rip, bytes, length);
	m->before = m->state;
	memcpy(m->ram_before, m->ram, sizeof(m->ram));
	m->written = m->flushes = m->flushed_all = 0;
	x86_exec_begin(&m->x);
	return x86_execute(&m->x);
}

enum x86_result machine_continue(struct machine *m)
{
	return x86_execute(&m->x);
}

bool machine_untouched(const struct machine *m)
{
	return !memcmp(&m->state, &m->before, sizeof(m->state)) &&
	       !memcmp(m->ram, m->ram_before, sizeof(m->ram));
}

bool machine_changed_only(const struct machine *m, u64 address, unsigned int size)
{
	return !memcmp(m->ram, m->ram_before, address) &&
	       !memcmp(m->ram + address + size, m->ram_before + address + size,
		       sizeof(m->ram) - address - size);
}
