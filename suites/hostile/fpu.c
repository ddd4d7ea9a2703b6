// SPDX-License-Identifier: GPL-2.0-only
/*
 * The task's FPU and the guest's: neither may see the other's, whichever is in the registers.
 * On SVM the module leaves the task's there until a guest in long mode wants its own.
 */
#include <cpuid.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../kmod/ring.h"
#include "machine.h"

#define TABLES_AT 0x8000u
#define CR0_OF_GUEST 0x80000011u	/* PG, ET, PE: neither TS nor MP */
#define EFER_OF_GUEST 0x500u		/* LMA, LME */
#define CR4_OF_GUEST 0x220u		/* OSFXSR, PAE */
#define CR4_OSXSAVE (1u << 18)
#define GUEST_BYTE 0xa5
#define GUEST_FCW 0x027f
#define GUEST_MXCSR 0x9f80u
#define SVM_EXIT_NM 0x47

#define GUEST(name, body)							\
	extern const uint8_t name##_fpu_code[], name##_fpu_end[];		\
	__asm__(".pushsection .rodata\n" #name "_fpu_code:\n" body		\
		#name "_fpu_end:\n.popsection\n");				\
	static const struct guest name = { name##_fpu_code, name##_fpu_end }

/* One way each to want the FPU, or to see that it is not there. */
GUEST(fxsave, "fxsave 0x2000\n hlt\n");
GUEST(movups, "movups %xmm3, 0x2000\n hlt\n");
GUEST(fnstcw, "fnstcw 0x2000\n hlt\n");
GUEST(stmxcsr, "stmxcsr 0x2000\n hlt\n");
GUEST(fwait_only, "fwait\n hlt\n");
GUEST(mov_cr0, "mov %cr0, %rax\n mov %rax, 0x2000\n hlt\n");
GUEST(smsw, "smsw 0x2000\n hlt\n");
/* 0, 1, 2 ... to port 0x44, counted in XMM0 by the 1 in XMM1, for a while each. */
GUEST(counted, "1: movd %xmm0, %eax\n out %eax, $0x44\n paddd %xmm1, %xmm0\n mov $65536, %ecx\n"
	       "2: loop 2b\n jmp 1b\n");

/* ---- the task's registers --------------------------------------------------------------- */

/* The image of FXSAVE (SDM 1 10.5.1). */
struct image {
	uint16_t fcw, fsw;
	uint8_t ftw, reserved1;
	uint16_t fop;
	uint64_t fip, fdp;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t st[8][16], xmm[16][16], reserved2[96];
} __attribute__((aligned(16)));

/* A #MF waits for the next x87 instruction of the task, or FWAIT. */
static void fill(struct image *image, uint8_t byte)
{
	*image = (struct image){ .fcw = 0x037b, .fsw = 0x8084, .ftw = 0xff, .mxcsr = 0x1f80 };
	for (unsigned int i = 0; i < 8; i++)
		memset(image->st[i], byte, 10);
	memset(image->xmm, byte, sizeof(image->xmm));
}

static bool same(const struct image *a, const struct image *b)
{
	return a->fcw == b->fcw && a->fsw == b->fsw && a->ftw == b->ftw &&
	       a->mxcsr == b->mxcsr && !memcmp(a->st, b->st, sizeof(a->st)) &&
	       !memcmp(a->xmm, b->xmm, sizeof(a->xmm));
}

/* A system call with those registers; what they are afterwards. */
static long call_with(const struct image *before, struct image *after, long number, long a, long b)
{
	long result = number;

	__asm__ volatile("fxrstor %[before]\n syscall\n fxsave %[after]\n fninit\n"
			 : "+a"(result), [after] "=m"(*after)
			 : "D"(a), "S"(b), "d"(0l), [before] "m"(*before)
			 : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
			   "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
			   "xmm14", "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)",
			   "st(6)", "st(7)");
	return result;
}

/* ---- the guest's ------------------------------------------------------------------------ */

static bool svm(void)
{
	unsigned int eax, ebx, ecx, edx;

	return __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && ecx & 4;
}

/* 64-bit mode; nobody handles an exception. */
static void set_control(struct machine *machine, uint64_t cr4)
{
	uint64_t *tables = (uint64_t *)(machine->memory + TABLES_AT);
	struct kvm_sregs sregs;

	tables[0] = TABLES_AT + PAGE + 7;
	tables[512] = TABLES_AT + 2 * PAGE + 7;
	tables[1024] = 0x87;			/* 2 MiB, one to one */
	check(!ioctl(machine->vcpu[0], KVM_GET_SREGS, &sregs), "KVM_GET_SREGS: %m");
	sregs.cs.selector = 8;
	sregs.cs.l = sregs.cs.g = 1;
	sregs.cs.limit = 0xffffffff;
	sregs.cr0 = CR0_OF_GUEST;
	sregs.cr3 = TABLES_AT;
	sregs.cr4 = cr4;
	sregs.efer = EFER_OF_GUEST;
	sregs.idt.limit = 0;
	check(!ioctl(machine->vcpu[0], KVM_SET_SREGS, &sregs), "KVM_SET_SREGS: %m");
}

/* By KVM_SET_XSAVE: XSTATE_BV says that they are not as after INIT (SDM 1 13.4.2). */
static void set_image(struct machine *machine, const struct image *image)
{
	struct kvm_xsave xsave = { .region = { [128] = 3 } };

	memcpy(xsave.region, image, sizeof(*image));
	check(!ioctl(machine->vcpu[0], KVM_SET_XSAVE, &xsave), "KVM_SET_XSAVE: %m");
}

static void set_registers(struct machine *machine)
{
	struct image image;

	fill(&image, GUEST_BYTE);
	image.fcw = GUEST_FCW;
	image.fsw = 0;
	image.mxcsr = GUEST_MXCSR;
	set_image(machine, &image);
}

/* ---- what each way has stored ----------------------------------------------------------- */

static bool good_image(const uint8_t *data)
{
	const struct image *image = (const struct image *)data;
	struct image wanted;

	fill(&wanted, GUEST_BYTE);
	return image->fcw == GUEST_FCW && !image->fsw && image->mxcsr == GUEST_MXCSR &&
	       !memcmp(image->st, wanted.st, sizeof(wanted.st)) &&
	       !memcmp(image->xmm, wanted.xmm, 8 * sizeof(wanted.xmm[0]));
}

static bool good_xmm(const uint8_t *data)
{
	for (unsigned int i = 0; i < 16; i++) {
		if (data[i] != GUEST_BYTE)
			return false;
	}
	return true;
}

static bool good_fcw(const uint8_t *data)
{
	return *(const uint16_t *)data == GUEST_FCW;
}

static bool good_mxcsr(const uint8_t *data)
{
	return *(const uint32_t *)data == GUEST_MXCSR;
}

static bool good_cr0(const uint8_t *data)
{
	return *(const uint16_t *)data == (uint16_t)CR0_OF_GUEST;
}

static const struct {
	const char *name;
	const struct guest *guest;
	bool (*good)(const uint8_t *data);	/* NULL: it stores nothing */
} ways[] = {
	{ "FXSAVE", &fxsave, good_image }, { "MOVUPS", &movups, good_xmm },
	{ "FNSTCW", &fnstcw, good_fcw }, { "STMXCSR", &stmxcsr, good_mxcsr },
	{ "FWAIT", &fwait_only, NULL }, { "MOV from CR0", &mov_cr0, good_cr0 },
	{ "SMSW", &smsw, good_cr0 },
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static void one_way(unsigned int way, uint64_t cr4)
{
	struct image before, after = { 0 };
	struct machine machine;
	long result;

	machine_make(&machine, ways[way].guest);
	set_control(&machine, cr4);
	set_registers(&machine);
	fill(&before, 0x5a);
	result = call_with(&before, &after, SYS_ioctl, machine.vcpu[0], KVM_RUN);
	check(!result, "%s: KVM_RUN: %s", ways[way].name, strerror(-(int)result));
	check(machine.run[0]->exit_reason == KVM_EXIT_HLT, "%s: expected HLT, got exit %u",
	      ways[way].name, machine.run[0]->exit_reason);
	check(same(&before, &after), "%s: the task's registers have changed", ways[way].name);
	check(!ways[way].good || ways[way].good(machine.memory + DATA_AT),
	      "%s: the guest has not seen its own", ways[way].name);
	machine_end(&machine);
}

/* The task's registers and the guest's, with CR4.OSXSAVE (nothing is put off) and without. */
static void apart(void)
{
	long long before = counter("exit_fpu");

	for (unsigned int way = 0; way < WAYS; way++) {
		one_way(way, CR4_OF_GUEST);
		if (is_assay())
			one_way(way, CR4_OF_GUEST | CR4_OSXSAVE);
	}
	check(before < 0 || !svm() || counter("exit_fpu") - before == WAYS,
	      "exits for the FPU: expected %zu, got %lld", WAYS, counter("exit_fpu") - before);
}

/* ---- among others ------------------------------------------------------------------------ */

/* A thread that uses the FPU all the time, beside a guest that does. */
struct user {
	pthread_t thread;
	uint8_t byte;
	_Atomic int tid;
	_Atomic bool stop, wrong;
};

static void *use(void *opaque)
{
	struct user *user = opaque;
	struct image before, after = { 0 };

	fill(&before, user->byte);
	user->tid = (int)syscall(SYS_gettid);
	while (!user->stop) {
		call_with(&before, &after, SYS_sched_yield, 0, 0);
		if (!same(&before, &after))
			user->wrong = true;
	}
	return NULL;
}

/* Numbers that are in XMM0 alone, while others have the processor in between, or another. */
static void shared(void)
{
	struct user users[2] = { { .byte = 0x11 }, { .byte = 0x22 } };
	struct image image = { .fcw = 0x37f, .mxcsr = 0x1f80, .xmm = { [1] = { 1 } } };
	struct machine machine;
	uint32_t next = 0;

	machine_make(&machine, &counted);
	set_control(&machine, CR4_OF_GUEST);
	set_image(&machine, &image);
	for (unsigned int i = 0; i < 2; i++) {
		check(!pthread_create(&users[i].thread, NULL, use, &users[i]), "a thread: %m");
		while (!users[i].tid)
			usleep(100);
		check(pin(users[i].tid, i % cpus()), "a processor: %m");
	}
	while (next < 300) {
		check(pin(0, next / 10 % cpus()), "a processor: %m");
		machine_numbers(&machine, 0, &next, next + 10);
	}
	for (unsigned int i = 0; i < 2; i++) {
		users[i].stop = true;
		pthread_join(users[i].thread, NULL);
		check(!users[i].wrong, "thread %u: its registers have changed", i);
	}
	machine_end(&machine);
}

/* Who reads the ring sees no exit that the module has made for itself. */
static void unseen(void)
{
	const struct assay_exit_ring *ring;
	struct machine machine;
	int page;

	machine_make(&machine, &movups);
	page = ioctl(machine.kvm, KVM_CHECK_EXTENSION, ASSAY_CAP_EXIT_RING);
	if (page <= 0 || !svm())
		skip("nothing is put off here");
	ring = (const struct assay_exit_ring *)((char *)machine.run[0] + (size_t)page * PAGE);
	check(!ring->head, "exits before the first");
	set_control(&machine, CR4_OF_GUEST);
	set_registers(&machine);
	check(machine_run(&machine, 0) == KVM_EXIT_HLT, "no HLT");
	check(ring->head, "no exit was recorded");
	for (uint64_t i = 0; i < ring->head; i++)
		check(ring->entries[i].code != SVM_EXIT_NM, "exit %llu is #NM",
		      (unsigned long long)i);
	machine_end(&machine);
}

const struct test fpu_tests[] = {
	{ "fpu/apart", apart }, { "fpu/shared", shared }, { "fpu/unseen", unseen },
	{ NULL, NULL },
};
