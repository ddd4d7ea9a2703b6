/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzzes decoder and executor (libFuzzer): any bytes executed in any state, on any memory.
 * Nothing is undefined; the state changes only with X86_OK; memory is written only when the
 * instruction is sure, but for accessed and dirty flags; it ends.
 */
#include "exec.h"
#include "fuzz_core.h"

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size);

/* User space answers all reads there can be, and takes all writes, of 16 bytes in two. */
#define MXCSR 24		/* in an image as FXSAVE lays it out */
#define MXCSR_FLAGS 0x3f
#define ASKED_MAX (EXEC_READS + 2 * EXEC_WRITES)
/* A table that is its own parent changes under the walk: flags of few entries, set once. */
#define FLAGS_MAX 64

static u8 ram[FUZZ_RAM];
static struct x86_exec x;
static struct x86_state state;
static struct fuzz_input later;		/* what decides the machine's answers */
static u8 fpu[512], ymm[256];

static u8 *place(u64 gpa, unsigned int size)
{
	MUST(size && size <= 16 && (gpa & 4095) + size <= 4096);
	return gpa & FUZZ_HOLE ? NULL : ram + (gpa & (FUZZ_RAM - 1));
}

/* Now and then memory is not ready. */
static enum x86_result mood(void)
{
	switch (fuzz_take(&later, 1)) {
	case 0xfd:
		return X86_RETRY;
	case 0xfe:
		return X86_SIGNAL;
	default:
		return X86_OK;
	}
}

static enum x86_result read_memory(void *opaque, u64 gpa, void *data, unsigned int size)
{
	const u8 *from = place(gpa, size);

	(void)opaque;
	if (!from)
		return X86_IO;
	memcpy(data, from, size);
	return mood();
}

static enum x86_result write_memory(void *opaque, u64 gpa, const void *data, unsigned int size)
{
	u8 *to = place(gpa, size);
	enum x86_result result = mood();

	(void)opaque;
	MUST(x.committing);
	if (!to)
		return X86_IO;
	if (result == X86_OK)
		memcpy(to, data, size);
	return result;
}

static enum x86_result compare_memory(void *opaque, u64 gpa, const void *old, const void *new,
				      unsigned int size, bool *done)
{
	u8 *to = place(gpa, size);
	u64 before = 0, after = 0;

	(void)opaque;
	if (!x.committing) {
		MUST(size == 4 || size == 8);
		memcpy(&before, old, size);
		memcpy(&after, new, size);
		MUST(!((before ^ after) & ~(u64)FUZZ_FLAGS) && !(before & ~after));
	}
	if (!to)
		return X86_IO;
	*done = mood() == X86_OK && !memcmp(to, old, size);
	if (*done)
		memcpy(to, new, size);
	return X86_OK;
}

static enum x86_result read_msr(void *opaque, u32 index, u64 *value)
{
	(void)opaque;
	*value = index;
	return index & 1 ? X86_FAULT : X86_OK;
}

static enum x86_result write_msr(void *opaque, u32 index, u64 value)
{
	(void)opaque;
	(void)value;
	return index & 1 ? X86_FAULT : X86_OK;
}

static void cpuid(void *opaque, u32 leaf, u32 subleaf, u32 regs[4])
{
	(void)opaque;
	regs[0] = leaf;
	regs[1] = subleaf;
	regs[2] = regs[3] = 0;
}

static u64 tsc(void *opaque)
{
	(void)opaque;
	return 0;
}

static void flush(void *opaque, u64 linear, bool all)
{
	(void)opaque;
	(void)linear;
	(void)all;
}

static const struct x86_ops ops = {
	.read = read_memory, .write = write_memory, .exchange = compare_memory,
	.rdmsr = read_msr, .wrmsr = write_msr, .cpuid = cpuid, .tsc = tsc, .flush = flush,
};

static void check_io(void)
{
	MUST(x86_exec_waits(&x));
	MUST(x.io.size >= 1 && x.io.size <= 8 && x.io.count == 1);
	MUST(!x.io.port || (x.io.size <= 4 && x.io.address <= 0xffff));
	if (!x.io.write)
		memset(x.io.data, (int)fuzz_take(&later, 1), sizeof(x.io.data));
}

/* Executes until it is done, or gives up; what is not X86_OK leaves the state alone. */
static void execute(void)
{
	struct x86_state before = state;
	unsigned int asked = 0;
	size_t in_the_way = 0, most = later.size;
	u8 fpu_before[512];
	u8 what = fuzz_take(&later, 1);
	const u32 error = what;

	memcpy(fpu_before, fpu, sizeof(fpu));
	/* Now and then it is a task switch by a gate. */
	if (what < 0xf0)
		x86_exec_begin(&x);
	else
		x86_exec_begin_task(&x, (what & 15) << 3, state.rip, what & 1 ? &error : NULL,
				    what & 2);
	for (;;) {
		enum x86_result result = x86_execute(&x);

		MUST(x.insn.length <= X86_INSN_MAX);
		if (result == X86_OK) {
			MUST(!x86_exec_waits(&x) && state.rflags & X86_FLAG_ONE);
			return;
		}
		if (result == X86_FAULT && x.late) {
			MUST(!x86_exec_waits(&x) && state.cr0 & CR0_TS);
			return;
		}
		/* An exception of SSE that is not masked is flagged (SDM 1 11.5.3). */
		if (result == X86_FAULT)
			fpu_before[MXCSR] |= fpu[MXCSR] & MXCSR_FLAGS;
		MUST(!memcmp(&state, &before, sizeof(state)));
		MUST(!memcmp(fpu, fpu_before, sizeof(fpu)));
		if (result == X86_IO && x86_exec_waits(&x)) {
			MUST(++asked <= ASKED_MAX);
			check_io();
		} else if (result == X86_RETRY || result == X86_SIGNAL) {
			/* Each of these has taken a byte of the input, or set a flag. */
			MUST(++in_the_way <= most + FLAGS_MAX);
		} else {
			return;
		}
	}
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size)
{
	struct fuzz_input in = { bytes, size };
	u8 features = fuzz_take(&in, 1);
	struct x86_env env = {
		.ops = &ops, .physical_bits = 36 + (features & 15), .gib_pages = features & 16,
		.amd = features & 32, .cr4_allowed = 0x1ffffff,
	};
	size_t used;

	memset(&state, 0, sizeof(state));
	fuzz_state(&in, &state);
	memset(ram, 0, sizeof(ram));
	used = in.size < FUZZ_RAM ? in.size : FUZZ_RAM;
	/* Where RIP is, in real mode at least, and on from there. */
	for (size_t i = 0; i < used; i++)
		ram[(state.seg[X86_CS].base + state.rip + i) & (FUZZ_RAM - 1)] = in.bytes[i];
	later = in;
	memset(&x, 0, sizeof(x));
	/* Numbers, tags and exceptions of the x87 as the input has them. */
	for (size_t i = 0; i < sizeof(fpu); i++)
		fpu[i] = i < in.size ? in.bytes[in.size - 1 - i] : 0;
	memset(ymm, 0, sizeof(ymm));
	x.env = &env;
	x.state = &state;
	x.fpu_image = features & 64 ? NULL : fpu;
	x.ymm_image = features & 128 ? NULL : ymm;
	for (unsigned int i = 0; i < 4; i++)
		execute();
	return 0;
}
