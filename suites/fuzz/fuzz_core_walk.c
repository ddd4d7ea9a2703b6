/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzzes the page walker (libFuzzer): any tables, any control registers. It writes nothing
 * but accessed and dirty flags, and those only where it finds a page; what it finds agrees
 * with the address it was asked for; what it finds once, it finds again.
 */
#include "fuzz_core.h"

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size);

#define ACCESSES (X86_ACCESS_WRITE | X86_ACCESS_FETCH | X86_ACCESS_USER | X86_ACCESS_IMPLICIT | \
		  X86_ACCESS_PEEK)

static u8 ram[FUZZ_RAM];
static unsigned int changes, reads;

static enum x86_result read_memory(void *opaque, u64 gpa, void *data, unsigned int size)
{
	(void)opaque;
	MUST((size == 4 || size == 8) && !(gpa & (size - 1)));
	reads++;
	if (gpa & FUZZ_HOLE)
		return X86_IO;
	memcpy(data, ram + (gpa & (FUZZ_RAM - 1)), size);
	return X86_OK;
}

static enum x86_result write_memory(void *opaque, u64 gpa, const void *data, unsigned int size)
{
	(void)opaque;
	(void)gpa;
	(void)data;
	(void)size;
	abort();
}

static enum x86_result compare_memory(void *opaque, u64 gpa, const void *old, const void *new,
				      unsigned int size, bool *done)
{
	u64 before = 0, after = 0;

	(void)opaque;
	MUST((size == 4 || size == 8) && !(gpa & (size - 1)));
	memcpy(&before, old, size);
	memcpy(&after, new, size);
	MUST(before != after && !((before ^ after) & ~(u64)FUZZ_FLAGS) && !(before & ~after));
	if (gpa & FUZZ_HOLE)
		return X86_IO;
	*done = !memcmp(ram + (gpa & (FUZZ_RAM - 1)), old, size);
	if (*done)
		memcpy(ram + (gpa & (FUZZ_RAM - 1)), new, size);
	changes++;
	return X86_OK;
}

static const struct x86_ops ops = {
	.read = read_memory, .write = write_memory, .exchange = compare_memory,
};

static void check_translation(const struct x86_env *env, const struct x86_state *s, u64 linear,
			      unsigned int access)
{
	struct x86_translation t, again;
	struct x86_fault fault = { 0 };
	enum x86_result result;

	changes = reads = 0;
	result = x86_walk(env, s, linear, access, &t, &fault);
	MUST(reads <= 4 + 5);	/* by the usual way, and by the long one */
	MUST(result == X86_OK || result == X86_FAULT || result == X86_RETRY);
	MUST(!changes || (result != X86_FAULT && !(access & X86_ACCESS_PEEK)));
	if (result == X86_FAULT) {
		MUST(fault.vector == X86_PF && fault.has_error && !(fault.error & ~0x3fu));
		MUST(!(fault.error & X86_PF_RSVD) || fault.error & X86_PF_P);
		MUST(!(fault.error & X86_PF_U) == !(access & X86_ACCESS_USER));
		return;
	}
	if (result != X86_OK)
		return;
	MUST(t.page >= 4096 && !(t.page & (t.page - 1)));
	MUST(!((t.gpa ^ linear) & 4095));
	MUST(s->cr0 & CR0_PG || t.gpa == (u32)linear);
	MUST(!(access & X86_ACCESS_USER) || t.user);
	/* A table that maps itself may have changed under the walk: only flags, not the page. */
	if (!(access & X86_ACCESS_PEEK) || changes)
		return;
	MUST(x86_walk(env, s, linear, access, &again, &fault) == X86_OK && again.gpa == t.gpa);
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size)
{
	struct fuzz_input in = { bytes, size };
	u8 features = fuzz_take(&in, 1);
	struct x86_env env = {
		.ops = &ops, .physical_bits = 36 + (features & 15), .gib_pages = features & 16,
	};
	struct x86_fault fault;
	struct x86_state s;
	u64 pdpte[4];

	fuzz_state(&in, &s);
	memset(ram, 0, sizeof(ram));
	memcpy(ram, in.bytes, in.size < FUZZ_RAM ? in.size : FUZZ_RAM);
	for (unsigned int i = 0; i < 8 && in.size; i++) {
		u64 linear = fuzz_take(&in, 6);

		if (x86_long(&s))
			linear = (u64)((s64)(linear << 16) >> 16);
		check_translation(&env, &s, linear, fuzz_take(&in, 1) & ACCESSES);
	}
	changes = 0;
	x86_load_pdptes(&env, &s, s.cr3, pdpte, &fault);
	MUST(!changes);
	return 0;
}
