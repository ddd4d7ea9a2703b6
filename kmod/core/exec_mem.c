// SPDX-License-Identifier: GPL-2.0-only
/*
 * What executed instructions do to memory and ports: checks of segmentation and paging,
 * the log of answered reads, writes that are kept back until the instruction is sure.
 */
#include "exec.h"

#define PAGE 4096u

/* ---- faults ----------------------------------------------------------------------- */

static bool has_error_code(enum x86_vector vector)
{
	switch (vector) {
	case X86_DF:
	case X86_TS:
	case X86_NP:
	case X86_SS_FAULT:
	case X86_GP:
	case X86_PF:
	case X86_AC:
	case X86_CP:
		return true;
	default:
		return false;
	}
}

enum x86_result exec_fault_code(struct x86_exec *x, enum x86_vector vector, u32 error)
{
	x->fault = (struct x86_fault){
		.vector = vector, .has_error = has_error_code(vector), .error = error,
	};
	return X86_FAULT;
}

enum x86_result exec_fault(struct x86_exec *x, enum x86_vector vector)
{
	return exec_fault_code(x, vector, 0);
}

enum x86_result exec_ud(struct x86_exec *x)
{
	return exec_fault(x, X86_UD);
}

enum x86_result exec_gp0(struct x86_exec *x)
{
	return exec_fault(x, X86_GP);
}

/* ---- segmentation (SDM 3 5.3, 5.4, 3.4.5) --------------------------------------------- */

static enum x86_result segment_fault(struct x86_exec *x, enum x86_seg_name segment)
{
	return exec_fault(x, segment == X86_SS ? X86_SS_FAULT : X86_GP);
}

/* Canonical: all bits above those that are translated are equal (SDM 1 3.3.7.1). */
static bool canonical(const struct x86_state *s, u64 linear)
{
	unsigned int unused = s->cr4 & CR4_LA57 ? 7 : 16;

	return (u64)((s64)(linear << unused) >> unused) == linear;
}

static enum x86_result linear64(struct x86_exec *x, enum x86_seg_name segment, u64 offset,
				unsigned int size, u64 *linear)
{
	u64 base = segment >= X86_FS ? x->s.seg[segment].base : 0;

	*linear = base + offset;
	if (!canonical(&x->s, *linear) || !canonical(&x->s, *linear + size - 1))
		return segment_fault(x, segment);
	return X86_OK;
}

/* Whether the type of a segment forbids the access; in protected mode only. */
static bool type_forbids(const struct x86_seg *seg, unsigned int access)
{
	bool code = seg->ar & X86_AR_CODE;

	if (access & X86_ACCESS_FETCH)
		return false;
	if (access & (EXEC_WRITE | EXEC_RMW))
		return code || !(seg->ar & X86_AR_RW);
	return code && !(seg->ar & X86_AR_RW);
}

/* Whether bytes offset to offset + size - 1 are outside of the segment. */
static bool limit_forbids(const struct x86_seg *seg, u64 offset, unsigned int size)
{
	u64 last = offset + size - 1;
	bool down = (seg->ar & (X86_AR_S | X86_AR_CODE | X86_AR_EC)) == (X86_AR_S | X86_AR_EC);

	if (down)
		return offset <= seg->limit || last > (seg->ar & X86_AR_DB ? 0xffffffff : 0xffff);
	return last > seg->limit;
}

enum x86_result exec_linear(struct x86_exec *x, enum x86_seg_name segment, u64 offset,
			    unsigned int size, unsigned int access, u64 *linear)
{
	const struct x86_seg *seg = &x->s.seg[segment];

	if (x86_code64(&x->s))
		return linear64(x, segment, offset, size, linear);
	*linear = (u32)(seg->base + offset);
	if (x86_protected(&x->s) && !x86_vm86(&x->s)) {
		if (seg->ar & X86_AR_UNUSABLE || type_forbids(seg, access))
			return segment_fault(x, segment);
	}
	if (limit_forbids(seg, offset, size))
		return segment_fault(x, segment);
	return X86_OK;
}

/* ---- paging ----------------------------------------------------------------------------- */

/* Part of an access: within one page, and of at most 8 bytes, or 16 if it is locked. */
struct piece {
	u64 gpa;
	unsigned int size;
};

#define PIECES 4		/* 16 bytes over a page boundary */

static unsigned int walk_access(const struct x86_exec *x, unsigned int access)
{
	unsigned int how = access & (X86_ACCESS_WRITE | X86_ACCESS_FETCH | X86_ACCESS_IMPLICIT);

	if (access & EXEC_RMW)
		how |= X86_ACCESS_WRITE;
	if (x86_cpl(&x->s) == 3 && !(access & EXEC_SYSTEM))
		how |= X86_ACCESS_USER;
	return how;
}

/* Translates all of an access; *count pieces in the order of their addresses. */
static enum x86_result translate(struct x86_exec *x, u64 linear, unsigned int size,
				 unsigned int access, struct piece pieces[PIECES],
				 unsigned int *count)
{
	struct x86_translation t;
	enum x86_result result;

	*count = 0;
	while (size) {
		unsigned int rest = PAGE - (linear & (PAGE - 1));
		unsigned int part = size < rest ? size : rest;

		result = x86_walk(x->env, &x->s, linear, walk_access(x, access), &t, &x->fault);
		if (result != X86_OK)
			return result;
		linear += part;
		size -= part;
		while (part) {
			unsigned int most = access & EXEC_LOCKED ? 16 : 8;
			unsigned int some = part < most ? part : most;

			pieces[(*count)++] = (struct piece){ t.gpa, some };
			t.gpa += some;
			part -= some;
		}
	}
	return X86_OK;
}

/* SDM 3 6.15, #AC: at CPL 3 with CR0.AM and RFLAGS.AC, for what has an alignment. */
static bool misaligned(const struct x86_exec *x, u64 linear, unsigned int size, unsigned int access)
{
	if (access & EXEC_SYSTEM || !(x->s.cr0 & CR0_AM) || !(x->s.rflags & X86_FLAG_AC))
		return false;
	return x86_cpl(&x->s) == 3 && size <= 8 && !(size & (size - 1)) && linear & (size - 1);
}

/* ---- reads ------------------------------------------------------------------------------- */

/* A read of the machine: from the log, or by asking user space. */
static enum x86_result read_machine(struct x86_exec *x, u64 address, void *data, unsigned int size,
				    bool port)
{
	struct exec_read *read = &x->reads[x->asked];

	if (x->asked == EXEC_READS)
		return X86_UNIMPLEMENTED;
	if (x->asked < x->answered && read->address == address && read->size == size &&
	    read->port == port) {
		memcpy(data, read->data, size);
		x->asked++;
		return X86_OK;
	}
	/* What was answered before, for an instruction that has since changed, is void. */
	x->answered = x->asked;
	*read = (struct exec_read){ .address = address, .size = size, .port = port };
	x->io = (struct x86_io){ .address = address, .size = size, .port = port, .count = 1 };
	x->waiting = true;
	return X86_IO;
}

/* What this instruction has written already, and memory does not have yet. */
static void overlay(const struct x86_exec *x, u64 gpa, u8 *data, unsigned int size)
{
	for (unsigned int i = 0; i < x->kept; i++) {
		const struct exec_write *write = &x->writes[i];

		for (unsigned int b = 0; b < write->size && !write->port; b++) {
			if (write->address + b >= gpa && write->address + b < gpa + size)
				data[write->address + b - gpa] = write->data[b];
		}
	}
}

static bool crosses_page(u64 linear, unsigned int size)
{
	return (linear & (PAGE - 1)) + size > PAGE;
}

enum x86_result exec_read_linear(struct x86_exec *x, u64 linear, void *data, unsigned int size,
				 unsigned int access)
{
	struct piece pieces[PIECES];
	unsigned int count;
	enum x86_result result;
	u8 *to = data;

	result = translate(x, linear, size, access & ~EXEC_LOCKED, pieces, &count);
	if (result != X86_OK)
		return result;
	if (misaligned(x, linear, size, access))
		return exec_fault(x, X86_AC);
	if (access & EXEC_LOCKED && crosses_page(linear, size) && x->env->ops->exclusive &&
	    !x->exclusive) {
		result = x->env->ops->exclusive(x->env->opaque, true);
		if (result != X86_OK)
			return result;
		x->exclusive = true;
	}
	for (unsigned int i = 0; i < count; i++) {
		result = x->env->ops->read(x->env->opaque, pieces[i].gpa, to, pieces[i].size);
		if (result == X86_IO)
			result = read_machine(x, pieces[i].gpa, to, pieces[i].size, false);
		if (result != X86_OK)
			return result;
		overlay(x, pieces[i].gpa, to, pieces[i].size);
		to += pieces[i].size;
	}
	if (access & EXEC_LOCKED)
		memcpy(x->locked_old, data, size);
	return X86_OK;
}

enum x86_result exec_read(struct x86_exec *x, enum x86_seg_name segment, u64 offset, void *data,
			  unsigned int size, unsigned int access)
{
	u64 linear;
	enum x86_result result = exec_linear(x, segment, offset, size, access, &linear);

	if (result == X86_OK)
		result = exec_read_linear(x, linear, data, size, access);
	if (result == X86_OK)
		exec_watch(x, linear, size, WATCH_READ);
	return result;
}

enum x86_result exec_probe_write(struct x86_exec *x, enum x86_seg_name segment, u64 offset,
				 unsigned int size)
{
	struct piece pieces[PIECES];
	unsigned int count;
	u64 linear;
	enum x86_result result = exec_linear(x, segment, offset, size, EXEC_WRITE, &linear);

	return result == X86_OK ? translate(x, linear, size, EXEC_WRITE, pieces, &count) : result;
}

/* ---- writes ------------------------------------------------------------------------------- */

static enum x86_result keep(struct x86_exec *x, u64 address, const void *data, unsigned int size,
			    bool port)
{
	struct exec_write *write = &x->writes[x->kept];

	if (x->kept == EXEC_WRITES)
		return X86_UNIMPLEMENTED;
	*write = (struct exec_write){ .address = address, .size = size, .port = port };
	memcpy(write->data, data, size);
	x->kept++;
	return X86_OK;
}

enum x86_result exec_write_linear(struct x86_exec *x, u64 linear, const void *data,
				  unsigned int size, unsigned int access)
{
	struct piece pieces[PIECES];
	unsigned int count, at = 0;
	enum x86_result result;

	result = translate(x, linear, size, access | EXEC_WRITE, pieces, &count);
	if (result != X86_OK)
		return result;
	if (misaligned(x, linear, size, access))
		return exec_fault(x, X86_AC);
	for (unsigned int i = 0; i < count; i++) {
		result = keep(x, pieces[i].gpa, (const u8 *)data + at, pieces[i].size, false);
		if (result != X86_OK)
			return result;
		/* Over a page boundary nothing is atomic: there are two places to compare. */
		if (access & EXEC_LOCKED && count == 1) {
			struct exec_write *write = &x->writes[x->kept - 1];

			write->locked = true;
			memcpy(write->old, x->locked_old, pieces[i].size);
		}
		at += pieces[i].size;
	}
	return X86_OK;
}

enum x86_result exec_write(struct x86_exec *x, enum x86_seg_name segment, u64 offset,
			   const void *data, unsigned int size, unsigned int access)
{
	u64 linear;
	enum x86_result result;

	result = exec_linear(x, segment, offset, size, access | EXEC_WRITE, &linear);
	if (result == X86_OK)
		result = exec_write_linear(x, linear, data, size, access);
	if (result == X86_OK)
		exec_watch(x, linear, size, WATCH_WRITE);
	return result;
}

/* ---- breakpoints (SDM 3 17.2.4, 17.2.5; APM 2 13.1.1.4) ----------------------------- */

/* Bytes that LEN of a breakpoint means. */
static unsigned int watched_size(u64 dr7, unsigned int number)
{
	static const u8 sizes[4] = { 1, 2, 8, 4 };

	return sizes[dr7 >> (18 + 4 * number) & 3];
}

void exec_watch(struct x86_exec *x, u64 address, unsigned int size, unsigned int how)
{
	const u64 *dr = x->breakpoints ? x->breakpoints : x->s.dr;
	u64 dr7 = x->breakpoints ? x->breakpoints[4] : x->s.dr7;

	if (!(dr7 & X86_DR7_ENABLES) || (how == WATCH_PORT && !(x->s.cr4 & CR4_DE)))
		return;
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int wants = dr7 >> (16 + 4 * i) & 3, bytes = watched_size(dr7, i);
		u64 first = dr[i] & ~(u64)(bytes - 1);

		/* A breakpoint on reads is one on writes, too; one on instructions is not here. */
		if (!(dr7 >> (2 * i) & 3) || !wants || (how == WATCH_PORT) != (wants == WATCH_PORT))
			continue;
		if (how == WATCH_READ && wants == WATCH_WRITE)
			continue;
		if (address < first + bytes && first < address + size)
			x->trap |= 1ull << i;
	}
}

u64 x86_exec_breakpoints(struct x86_exec *x)
{
	const struct x86_state *s = x->state;
	const u64 *dr = x->breakpoints ? x->breakpoints : s->dr;
	u64 dr7 = x->breakpoints ? x->breakpoints[4] : s->dr7, linear, met = 0;

	/* After MOV SS there is none of them (SDM 3 6.8.3). */
	if (!(dr7 & X86_DR7_ENABLES) || s->rflags & X86_FLAG_RF || s->shadow & X86_SHADOW_MOVSS)
		return 0;
	x->s = *s;
	if (exec_linear(x, X86_CS, s->rip, 1, X86_ACCESS_FETCH, &linear) != X86_OK)
		return 0;
	for (unsigned int i = 0; i < 4; i++) {
		if (dr7 >> (2 * i) & 3 && !(dr7 >> (16 + 4 * i) & 3) && dr[i] == linear)
			met |= 1ull << i;
	}
	return met;
}

/* ---- ports --------------------------------------------------------------------------------- */

enum x86_result exec_in(struct x86_exec *x, u16 port, void *data, unsigned int size)
{
	exec_watch(x, port, size, WATCH_PORT);
	return read_machine(x, port, data, size, true);
}

enum x86_result exec_out(struct x86_exec *x, u16 port, const void *data, unsigned int size)
{
	exec_watch(x, port, size, WATCH_PORT);
	return keep(x, port, data, size, true);
}

/* The bitmap of a 32- or 64-bit TSS; a port beyond its end is denied (SDM 1 19.5.2). */
static enum x86_result check_bitmap(struct x86_exec *x, u16 port, unsigned int size)
{
	const struct x86_seg *tr = &x->s.seg[X86_TR];
	enum x86_result result;
	u16 map, bits;
	u32 at;

	if (tr->ar & X86_AR_UNUSABLE || (tr->ar & 0xd) != 9 || tr->limit < 0x67)
		return exec_gp0(x);
	result = exec_read_linear(x, tr->base + 0x66, &map, 2, EXEC_SYSTEM);
	if (result != X86_OK)
		return result;
	at = map + port / 8;
	if (at + 1 > tr->limit)
		return exec_gp0(x);
	result = exec_read_linear(x, tr->base + at, &bits, 2, EXEC_SYSTEM);
	if (result != X86_OK)
		return result;
	if (bits >> (port & 7) & ((1u << size) - 1))
		return exec_gp0(x);
	return X86_OK;
}

enum x86_result exec_check_port(struct x86_exec *x, u16 port, unsigned int size)
{
	unsigned int iopl = (x->s.rflags & X86_FLAG_IOPL) >> X86_FLAG_IOPL_SHIFT;

	if (!x86_protected(&x->s) || (!x86_vm86(&x->s) && x86_cpl(&x->s) <= iopl))
		return X86_OK;
	return check_bitmap(x, port, size);
}
