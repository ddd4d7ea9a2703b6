// SPDX-License-Identifier: GPL-2.0-only
/*
 * Executing one instruction on the host. A signal handler is entered by INT3 and puts the
 * registers wanted into its frame; the return from it is the jump to the instruction.
 * The next INT3, or the fault, raises the next signal, whose frame has the results.
 */
/* Names of the registers in a signal frame. */
#define _GNU_SOURCE
#include "native.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

/* Layout of an FPU frame of the kernel: what follows the 512 bytes of FXSAVE. */
#define FRAME_SOFTWARE 464	/* bytes that are the kernel's own */
#define FRAME_MAGIC 0x46505853u
#define FRAME_XFEATURES (FRAME_SOFTWARE + 8)
#define FRAME_XSTATE_BV 512
#define FRAME_YMM 576
#define XSTATE_YMM 4u

static const u8 greg_of[X86_GPRS] = {
	REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
	REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

static struct native *current;
static unsigned int current_bits;
static volatile sig_atomic_t entering;
static sigjmp_buf back;

/* Features whose state is in the frame; 0: it has only what FXSAVE stores. */
static u64 frame_features(const u8 *frame)
{
	u64 features = 0;
	u32 magic;

	memcpy(&magic, frame + FRAME_SOFTWARE, sizeof(magic));
	if (magic == FRAME_MAGIC)
		memcpy(&features, frame + FRAME_XFEATURES, sizeof(features));
	return features;
}

static void put_fpu(u8 *frame, const struct native *n)
{
	u64 features = frame ? frame_features(frame) : 0;
	u64 valid;

	if (!frame)
		return;
	memcpy(frame, n->fpu, FRAME_SOFTWARE);
	if (!features)
		return;
	memcpy(&valid, frame + FRAME_XSTATE_BV, sizeof(valid));
	valid |= 3;
	if (features & XSTATE_YMM) {
		valid |= XSTATE_YMM;
		memcpy(frame + FRAME_YMM, n->ymm, sizeof(n->ymm));
	}
	memcpy(frame + FRAME_XSTATE_BV, &valid, sizeof(valid));
}

/* A component that the frame says is not valid is in its initial state: zeros. */
static void get_fpu(const u8 *frame, struct native *n)
{
	u64 valid = 0;

	n->has_ymm = frame && frame_features(frame) & XSTATE_YMM;
	if (!frame)
		return;
	memcpy(n->fpu, frame, FRAME_SOFTWARE);
	if (!n->has_ymm)
		return;
	memcpy(&valid, frame + FRAME_XSTATE_BV, sizeof(valid));
	if (valid & XSTATE_YMM)
		memcpy(n->ymm, frame + FRAME_YMM, sizeof(n->ymm));
	else
		memset(n->ymm, 0, sizeof(n->ymm));
}

static void enter(ucontext_t *context)
{
	greg_t *gregs = context->uc_mcontext.gregs;
	greg_t cs = current_bits == 64 ? NATIVE_CS64 : NATIVE_CS32;

	for (unsigned int i = 0; i < X86_GPRS; i++)
		gregs[greg_of[i]] = current->gpr[i];
	gregs[REG_RIP] = NATIVE_CODE;
	gregs[REG_EFL] = current->rflags;
	gregs[REG_CSGSFS] = (gregs[REG_CSGSFS] & ~0xffffll) | cs;
	put_fpu((u8 *)context->uc_mcontext.fpregs, current);
}

static void leave(int number, const ucontext_t *context)
{
	const greg_t *gregs = context->uc_mcontext.gregs;

	for (unsigned int i = 0; i < X86_GPRS; i++)
		current->gpr[i] = gregs[greg_of[i]];
	/* INT3 is reported after itself. */
	current->rip = gregs[REG_RIP] - (number == SIGTRAP);
	current->rflags = gregs[REG_EFL];
	current->signal = number;
	get_fpu((const u8 *)context->uc_mcontext.fpregs, current);
}

static void handler(int number, siginfo_t *info, void *context)
{
	(void)info;
	if (!current)
		abort();	/* a fault of the test's own */
	if (entering) {
		entering = false;
		enter(context);
		return;
	}
	leave(number, context);
	siglongjmp(back, 1);
}

void native_run(struct native *n, unsigned int bits)
{
	memcpy((void *)NATIVE_DATA, n->data, NATIVE_DATA_SIZE);
	current = n;
	current_bits = bits;
	entering = true;
	if (!sigsetjmp(back, 1))
		__asm__ volatile("int3" ::: "memory");
	current = NULL;
	memcpy(n->data, (void *)NATIVE_DATA, NATIVE_DATA_SIZE);
}

static bool map(u64 address, size_t size, int rights)
{
	void *at = mmap((void *)address, size, rights,
			MAP_FIXED_NOREPLACE | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == (void *)address;
}

u8 *native_code(void)
{
	memset((void *)NATIVE_CODE_PAGE, 0xcc, 4096);
	return (u8 *)NATIVE_CODE;
}

const char *native_begin(void)
{
	static const int signals[] = { SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS };
	static const size_t stack_size = 256 * 1024;
	struct sigaction action = { .sa_sigaction = handler,
				    .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	stack_t stack = { .ss_size = stack_size };

	if (!map(NATIVE_DATA, NATIVE_DATA_SIZE, PROT_READ | PROT_WRITE) ||
	    !map(NATIVE_CODE_PAGE, 4096, PROT_READ | PROT_WRITE | PROT_EXEC))
		return "memory that is written and executed cannot be mapped";
	stack.ss_sp = mmap(NULL, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL))
		return "there is no stack for signal handlers";
	for (unsigned int i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
	/* 32-bit code uses them; 64-bit code does not look at them. */
	__asm__ volatile("mov %0, %%ds; mov %0, %%es" ::"r"(NATIVE_DS));
	return NULL;
}
