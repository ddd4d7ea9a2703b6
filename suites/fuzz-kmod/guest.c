// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests, one after the other in a VM that is kept, each with memory and registers made
 * anew. A signal comes every few milliseconds: a guest that does not exit is ended by two.
 * Whatever a guest does, KVM_RUN must say one of the things that the KVM API documents.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "fuzz.h"

#define RUNS_MAX 24		/* entries by KVM_RUN of one guest */
#define GUESTS_PER_VM 256
#define TICK 2000		/* microseconds */

unsigned int *guest_ends;

static struct {
	int kvm, vm, vcpu;
	struct kvm_run *run;
	size_t run_size;
	uint8_t *ram, *rom;
	unsigned int guests;
	struct kvm_fpu fpu;
	struct kvm_xcrs xcrs;
} m = { .vm = -1 };

/* ---- the machine ------------------------------------------------------------------------ */

static void must(int result, const char *what)
{
	if (result < 0)
		trouble("%s: %s", what, strerror(errno));
}

static void add_slot(unsigned int number, uint64_t gpa, uint64_t size, void *memory, uint32_t flags)
{
	struct kvm_userspace_memory_region slot = {
		.slot = number, .flags = flags, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (uintptr_t)memory,
	};

	must(ioctl(m.vm, KVM_SET_USER_MEMORY_REGION, &slot), "KVM_SET_USER_MEMORY_REGION");
}

static void set_cpuid(void)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid;

	cpuid.head.nent = 256;
	must(ioctl(m.kvm, KVM_GET_SUPPORTED_CPUID, &cpuid), "KVM_GET_SUPPORTED_CPUID");
	must(ioctl(m.vcpu, KVM_SET_CPUID2, &cpuid), "KVM_SET_CPUID2");
}

static void *map(size_t size, int file, int flags)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, file, 0);

	if (memory == MAP_FAILED)
		trouble("mmap: %s", strerror(errno));
	return memory;
}

/* User space hears of MSRs and of hypercalls in every other VM, where there is that. */
static void enable(void)
{
	struct kvm_enable_cap msrs = { .cap = KVM_CAP_X86_USER_SPACE_MSR, .args = { 3 } };
	struct kvm_enable_cap calls = { .cap = KVM_CAP_EXIT_HYPERCALL, .args = { 1u << 12 } };
	static unsigned int made;

	if (made++ & 1) {
		ioctl(m.vm, KVM_ENABLE_CAP, &msrs);
		ioctl(m.vm, KVM_ENABLE_CAP, &calls);
	}
}

/* Not while a VM is made, for a signal ends that. */
static void set_tick(long every)
{
	struct itimerval tick = { .it_interval.tv_usec = every, .it_value.tv_usec = every };

	setitimer(ITIMER_REAL, &tick, NULL);
}

static void begin(void)
{
	set_tick(0);
	m.kvm = open(node, O_RDWR | O_CLOEXEC);
	must(m.kvm, node);
	m.vm = ioctl(m.kvm, KVM_CREATE_VM, 0);
	must(m.vm, "KVM_CREATE_VM");
	m.ram = map(RAM_BYTES, -1, MAP_PRIVATE | MAP_ANONYMOUS);
	m.rom = map(ROM_BYTES, -1, MAP_PRIVATE | MAP_ANONYMOUS);
	add_slot(0, 0, RAM_BYTES, m.ram, 0);
	add_slot(1, ROM_AT, ROM_BYTES, m.rom, KVM_MEM_READONLY);
	memset(m.rom, 0x90, ROM_BYTES);
	enable();
	m.vcpu = ioctl(m.vm, KVM_CREATE_VCPU, 0);
	must(m.vcpu, "KVM_CREATE_VCPU");
	m.run_size = (size_t)ioctl(m.kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	m.run = map(m.run_size, m.vcpu, MAP_SHARED);
	set_cpuid();
	must(ioctl(m.vcpu, KVM_GET_FPU, &m.fpu), "KVM_GET_FPU");
	must(ioctl(m.vcpu, KVM_GET_XCRS, &m.xcrs), "KVM_GET_XCRS");
	set_tick(TICK);
}

void guest_end(void)
{
	if (m.vm < 0)
		return;
	munmap(m.run, m.run_size);
	close(m.vcpu);
	close(m.vm);
	close(m.kvm);
	munmap(m.ram, RAM_BYTES);
	munmap(m.rom, ROM_BYTES);
	m.vm = -1;
	m.guests = 0;
}

/* ---- one guest's beginning -------------------------------------------------------------- */

struct guest {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	const struct sequence *sequence;
	uint32_t code;		/* where the next instruction goes */
};

/* struct kvm_regs in the order of the processor. */
static uint64_t *gpr(struct kvm_regs *regs, uint64_t number)
{
	static const uint8_t order[16] = { 0, 2, 3, 1, 6, 7, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15 };

	return (uint64_t *)(void *)regs + order[number & 15];
}

static void flip(struct kvm_sregs *sregs, uint64_t word, uint64_t mask)
{
	if (word < sizeof(*sregs) / 8)
		((uint64_t *)(void *)sregs)[word] ^= mask;
	/* Over a TSS that is not an available one QEMU ends itself. */
	if (tcg)
		sregs->tr = (struct kvm_segment){ .selector = sregs->tr.selector,
			.base = sregs->tr.base, .limit = sregs->tr.limit,
			.type = 9, .present = 1 };
}

static void prepare(struct guest *guest, const struct op *op)
{
	switch (op->kind) {
	case DO_MODE:
		image_sregs(&guest->sregs, op->arg[1] % MODES, op->arg[2] & 3, op->arg[3] & 3);
		guest->regs.rip = CODE_AT;
		guest->regs.rsp = STACK_TOP;
		guest->regs.rflags = op->arg[1] % MODES == MODE_VM86 ? 0x23002 : 2;
		break;
	case DO_GPR:
		*gpr(&guest->regs, op->arg[0]) = op->arg[1];
		break;
	case DO_FLAGS:
		guest->regs.rflags ^= op->arg[0];
		break;
	case DO_FLIP:
		flip(&guest->sregs, op->arg[0], op->arg[1]);
		break;
	case DO_INSN:
		memcpy(m.ram + guest->code, op->code, op->length);
		guest->code += op->length;
		break;
	}
}

/* 0, or what KVM_SET_SREGS says to it. */
static int enter_state(struct guest *guest)
{
	struct kvm_vcpu_events events = { .flags = 0 };
	struct kvm_debugregs debug = { .dr6 = 0xffff0ff0, .dr7 = 0x400 };
	struct kvm_mp_state runnable = { .mp_state = KVM_MP_STATE_RUNNABLE };

	must(ioctl(m.vcpu, KVM_SET_VCPU_EVENTS, &events), "KVM_SET_VCPU_EVENTS");
	must(ioctl(m.vcpu, KVM_SET_DEBUGREGS, &debug), "KVM_SET_DEBUGREGS");
	must(ioctl(m.vcpu, KVM_SET_MP_STATE, &runnable), "KVM_SET_MP_STATE");
	must(ioctl(m.vcpu, KVM_SET_FPU, &m.fpu), "KVM_SET_FPU");
	must(ioctl(m.vcpu, KVM_SET_XCRS, &m.xcrs), "KVM_SET_XCRS");
	m.run->cr8 = guest->sregs.cr8;
	if (ioctl(m.vcpu, KVM_SET_SREGS, &guest->sregs))
		return errno;
	return ioctl(m.vcpu, KVM_SET_REGS, &guest->regs) ? errno : 0;
}

/* ---- its run ------------------------------------------------------------------------------ */

static void inject(const struct sequence *sequence, unsigned int run)
{
	for (unsigned int i = 0; i < sequence->count; i++) {
		const struct op *op = &sequence->ops[i];
		struct kvm_interrupt irq = { .irq = (uint32_t)op->arg[2] & 0xff };

		if (op->kind != DO_INJECT || op->arg[0] != run)
			continue;
		if (op->arg[1] & 1)
			ioctl(m.vcpu, KVM_INTERRUPT, &irq);
		else if (op->arg[1])
			ioctl(m.vcpu, KVM_NMI);
		else
			m.run->request_interrupt_window = 1;
	}
}

bool exit_known(uint32_t reason)
{
	switch (reason) {
	case KVM_EXIT_IO:
	case KVM_EXIT_MMIO:
	case KVM_EXIT_HLT:
	case KVM_EXIT_SHUTDOWN:
	case KVM_EXIT_FAIL_ENTRY:
	case KVM_EXIT_INTERNAL_ERROR:
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
	case KVM_EXIT_DEBUG:
	case KVM_EXIT_SET_TPR:
	case KVM_EXIT_HYPERCALL:
	case KVM_EXIT_X86_RDMSR:
	case KVM_EXIT_X86_WRMSR:
	case KVM_EXIT_SYSTEM_EVENT:
	case KVM_EXIT_X86_BUS_LOCK:
		return true;
	default:
		return false;
	}
}

static bool goes_on(uint32_t reason)
{
	switch (reason) {
	case KVM_EXIT_IO:
		memset((uint8_t *)m.run + m.run->io.data_offset, 0x5b, 8);
		return true;
	case KVM_EXIT_MMIO:
		memset(m.run->mmio.data, 0x5b, 8);
		return true;
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		m.run->request_interrupt_window = 0;
		return true;
	case KVM_EXIT_HYPERCALL:
	case KVM_EXIT_X86_RDMSR:
	case KVM_EXIT_X86_WRMSR:
	case KVM_EXIT_SET_TPR:
		return true;
	default:
		return false;
	}
}

/* What the guest was doing ends, so that the next one begins without it. */
static void complete(void)
{
	for (unsigned int i = 0; i < 64 && goes_on(m.run->exit_reason); i++) {
		m.run->immediate_exit = 1;
		if (ioctl(m.vcpu, KVM_RUN, 0) && errno == EINTR)
			break;
	}
	m.run->immediate_exit = 0;
	m.run->request_interrupt_window = 0;
}

/* EFAULT is what KVM says to an access of memory that the task does not have (KVM API 5). */
static bool documented(int error)
{
	return error == EINTR || error == EAGAIN || error == EFAULT || error == EINVAL;
}

void count_end(unsigned int end)
{
	__atomic_fetch_add(&guest_ends[end % GUEST_ENDS], 1, __ATOMIC_RELAXED);
}

static void run(const struct sequence *sequence)
{
	unsigned int interrupted = 0;

	for (unsigned int i = 0; i < RUNS_MAX; i++) {
		uint32_t reason;

		inject(sequence, i);
		if (ioctl(m.vcpu, KVM_RUN, 0)) {
			if (!documented(errno))
				broken("KVM_RUN: %s", strerror(errno));
			if (errno == EINTR && ++interrupted < 2)
				continue;
			count_end(errno == EINTR ? END_TIME : END_NO_MEMORY);
			break;
		}
		reason = m.run->exit_reason;
		if (!exit_known(reason))
			broken("KVM_RUN ended with exit reason %u, which no guest here can cause",
			       reason);
		count_end(reason);
		if (!goes_on(reason))
			break;
	}
	complete();
}

void guest_perform(const struct sequence *sequence)
{
	struct guest guest = { .sequence = sequence, .code = CODE_AT };
	int error;

	if (m.vm < 0)
		begin();
	memcpy(m.ram, image, IMAGE_BYTES);
	for (unsigned int i = 0; i < sequence->count; i++)
		prepare(&guest, &sequence->ops[i]);
	if (tcg)
		insn_spare_qemu(m.ram + CODE_AT, guest.code - CODE_AT);
	/* What follows the code ends the guest. */
	memset(m.ram + guest.code, 0xf4, 16);
	error = enter_state(&guest);
	if (error && error != EINVAL)
		broken("KVM_SET_SREGS: %s", strerror(error));
	if (!error)
		run(sequence);
	else
		count_end(END_REFUSED);
	if (++m.guests == GUESTS_PER_VM)
		guest_end();
}
