// SPDX-License-Identifier: GPL-2.0-only
/* The VM of the tests, threads that run it, pages that are missing. */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "machine.h"

/* ---- guests -------------------------------------------------------------------------------- */

#define GUEST(name, body)						\
	extern const uint8_t name##_code[], name##_end[];		\
	__asm__(".pushsection .rodata\n.code16\n" #name "_code:\n" body	\
		#name "_end:\n.code64\n.popsection\n");			\
	const struct guest name = { name##_code, name##_end }

#define FORCED ".byte 0x0f, 0x0b, 0x6b, 0x76, 0x6d\n"

GUEST(counting, "1: incl 0x2000\n jmp 1b\n");
GUEST(exiting, "1: xor %eax, %eax\n cpuid\n incl 0x2000\n jmp 1b\n");
GUEST(porting, "1: out %al, $0x11\n in $0x12, %al\n incl 0x2000\n jmp 1b\n");
GUEST(storing, " mov $0x5000, %ax\n mov %ax, %fs\n"
	       "1: mov %al, %fs:0x10\n mov %fs:0x20, %al\n incl 0x2000\n jmp 1b\n");
GUEST(interpreted, " mov $0x2000, %ax\n mov %ax, %fs\n"
		   "1: " FORCED " mov %ax, %fs:0\n incl 0x2000\n jmp 1b\n");
GUEST(locking, " mov $0x1800, %ax\n mov %ax, %fs\n"
	       "1: " FORCED " lock incl %fs:0x7ffe\n lock incl 0x2000\n jmp 1b\n");
GUEST(once, " mov $0x2000, %ax\n mov %ax, %fs\n " FORCED " mov %ax, %fs:0\n hlt\n");
GUEST(touching, " mov $0x2000, %ax\n mov %ax, %fs\n"
		"1: incw %fs:0\n incl 0x2000\n jmp 1b\n");
GUEST(walking, " mov $0x2000, %ax\n mov %ax, %fs\n1: xor %bx, %bx\n"
	       "2: incw %fs:(%bx)\n add $4096, %bx\n jnc 2b\n out %al, $0x11\n jmp 1b\n");
GUEST(halting, "1: hlt\n jmp 1b\n");
GUEST(echo, " lidt 0x2010\n mov $0x5000, %ax\n mov %ax, %fs\n xor %ebx, %ebx\n"
	    "1: mov %fs:0, %eax\n cmp %eax, %ebx\n jne 2f\n mov %eax, %fs:4\n"
	    " inc %ebx\n jmp 1b\n2: ud2\n");
GUEST(sequence, " xor %eax, %eax\n1: out %eax, $0x44\n inc %eax\n jmp 1b\n");

/* ---- the machine ------------------------------------------------------------------------ */

/* Whatever this processor has, and every component of XCR0 besides. */
static void set_cpuid(struct machine *machine, int vcpu)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid;

	cpuid.head.nent = 256;
	check(!ioctl(machine->kvm, KVM_GET_SUPPORTED_CPUID, &cpuid), "CPUID: %m");
	for (unsigned int i = 0; i < cpuid.head.nent; i++) {
		if (cpuid.head.entries[i].function == 0xd && !cpuid.head.entries[i].index)
			cpuid.head.entries[i].eax = cpuid.head.entries[i].edx = 0xffffffff;
	}
	/* Not every hypervisor takes more than it has. */
	if (is_assay())
		check(!ioctl(vcpu, KVM_SET_CPUID2, &cpuid), "KVM_SET_CPUID2: %m");
}

void machine_reset(struct machine *machine, unsigned int vcpu)
{
	struct kvm_regs regs = { .rip = CODE_AT, .rflags = 2 };
	struct kvm_vcpu_events events = { 0 };
	struct kvm_sregs sregs;
	struct kvm_segment data = { .limit = 0xffff, .type = 3, .present = 1, .s = 1 };

	check(!ioctl(machine->vcpu[vcpu], KVM_GET_SREGS, &sregs), "KVM_GET_SREGS: %m");
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cs = data;
	sregs.cs.type = 11;
	sregs.gdt.base = sregs.idt.base = 0;
	sregs.gdt.limit = sregs.idt.limit = 0xffff;
	sregs.tr.type = 11;
	sregs.tr.present = 1;
	sregs.tr.s = sregs.tr.unusable = 0;
	sregs.tr.base = sregs.tr.selector = 0;
	sregs.tr.limit = 0xffff;
	sregs.tr.g = 0;
	sregs.ldt.unusable = 1;
	sregs.cr0 = 0x10;
	sregs.cr2 = sregs.cr3 = sregs.cr8 = sregs.efer = 0;
	sregs.cr4 = is_assay() ? 1u << 18 : 0;		/* OSXSAVE */
	memset(sregs.interrupt_bitmap, 0, sizeof(sregs.interrupt_bitmap));
	check(!ioctl(machine->vcpu[vcpu], KVM_SET_SREGS, &sregs), "KVM_SET_SREGS: %m");
	check(!ioctl(machine->vcpu[vcpu], KVM_SET_REGS, &regs), "KVM_SET_REGS: %m");
	events.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
	check(!ioctl(machine->vcpu[vcpu], KVM_SET_VCPU_EVENTS, &events), "events: %m");
	machine->run[vcpu]->cr8 = 0;
}

void machine_make_vcpu(struct machine *machine, unsigned int i)
{
	machine->vcpu[i] = ioctl(machine->vm, KVM_CREATE_VCPU, i);
	check(machine->vcpu[i] >= 0, "KVM_CREATE_VCPU: %m");
	machine->run[i] = mmap(NULL, machine->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			       machine->vcpu[i], 0);
	check(machine->run[i] != MAP_FAILED, "kvm_run: %m");
	set_cpuid(machine, machine->vcpu[i]);
	machine_reset(machine, i);
}

void machine_make_vm(struct machine *machine, const struct guest *guest)
{
	struct kvm_userspace_memory_region slot = { .memory_size = MEMORY };

	*machine = (struct machine){ .vcpu = { -1, -1 } };
	machine->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	check(machine->memory != MAP_FAILED, "memory: %m");
	memcpy(machine->memory + CODE_AT, guest->code, (size_t)(guest->end - guest->code));
	machine->kvm = open(node, O_RDWR | O_CLOEXEC);
	check(machine->kvm >= 0, "%s: %m", node);
	machine->run_bytes = (size_t)ioctl(machine->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	/* A signal may call it off. */
	do {
		machine->vm = ioctl(machine->kvm, KVM_CREATE_VM, 0);
	} while (machine->vm < 0 && errno == EINTR);
	check(machine->vm >= 0, "KVM_CREATE_VM: %m");
	slot.userspace_addr = (uintptr_t)machine->memory;
	check(!ioctl(machine->vm, KVM_SET_USER_MEMORY_REGION, &slot), "slot: %m");
	/* What VMX without unrestricted guests needs; nobody else minds. */
	ioctl(machine->vm, KVM_SET_TSS_ADDR, 0xfffbd000);
}

void machine_make(struct machine *machine, const struct guest *guest)
{
	machine_make_vm(machine, guest);
	machine_make_vcpu(machine, 0);
	machine_make_vcpu(machine, 1);
}

void machine_end(struct machine *machine)
{
	for (unsigned int i = 0; i < 2; i++) {
		if (machine->vcpu[i] < 0)
			continue;
		munmap(machine->run[i], machine->run_bytes);
		close(machine->vcpu[i]);
	}
	close(machine->vm);
	close(machine->kvm);
	munmap(machine->memory, MEMORY);
}

int machine_run(struct machine *machine, unsigned int vcpu)
{
	return ioctl(machine->vcpu[vcpu], KVM_RUN, 0) ? -errno :
							(int)machine->run[vcpu]->exit_reason;
}

void machine_complete(struct machine *machine, unsigned int vcpu)
{
	int reason;

	do {
		machine->run[vcpu]->immediate_exit = 1;
		reason = machine_run(machine, vcpu);
	} while (reason >= 0);
	machine->run[vcpu]->immediate_exit = 0;
}

static void one_number(struct kvm_run *run, uint32_t *next)
{
	const void *data = run->mmio.data;
	uint32_t number;

	if (run->exit_reason == KVM_EXIT_MMIO && !run->mmio.is_write) {
		check(run->mmio.phys_addr == NOTHING_AT && run->mmio.len == 4, "a read of %#llx",
		      run->mmio.phys_addr);
		memcpy(run->mmio.data, next, 4);
		return;
	}
	if (run->exit_reason == KVM_EXIT_IO)
		data = (const char *)run + run->io.data_offset;
	else
		check(run->exit_reason == KVM_EXIT_MMIO, "exit %u after number %u",
		      run->exit_reason, *next);
	memcpy(&number, data, 4);
	check(number == *next, "the number: expected %u, got %u", *next, number);
	++*next;
}

void machine_numbers(struct machine *machine, unsigned int vcpu, uint32_t *next, uint32_t end)
{
	while (*next < end) {
		int reason = machine_run(machine, vcpu);

		if (reason == -EINTR)
			continue;
		check(reason >= 0, "KVM_RUN: %s", strerror(-reason));
		one_number(machine->run[vcpu], next);
	}
}

uint32_t machine_count(const struct machine *machine)
{
	return *(volatile uint32_t *)(machine->memory + DATA_AT);
}

/* ---- threads ---------------------------------------------------------------------------- */

static void called(int signal)
{
	(void)signal;
}

static void *run_on(void *opaque)
{
	struct runner *runner = opaque;
	int last;

	runner->tid = (int)syscall(SYS_gettid);
	while (!runner->stop) {
		last = machine_run(runner->machine, runner->vcpu);
		runner->last = last;
		if (last == -EINTR)
			runner->interrupted++;
		else
			runner->exits++;
	}
	return NULL;
}

void runner_start(struct runner *runner, struct machine *machine, unsigned int vcpu)
{
	struct sigaction action = { .sa_handler = called };

	sigaction(SIGUSR1, &action, NULL);
	*runner = (struct runner){ .machine = machine, .vcpu = vcpu };
	check(!pthread_create(&runner->thread, NULL, run_on, runner), "a thread: %m");
	while (!runner->tid)
		usleep(100);
}

bool runner_stop(struct runner *runner)
{
	struct timespec soon = { .tv_nsec = 1000000 };

	runner->stop = true;
	for (unsigned int i = 0; i < 5000; i++) {
		if (!pthread_tryjoin_np(runner->thread, NULL))
			return true;
		pthread_kill(runner->thread, SIGUSR1);
		nanosleep(&soon, NULL);
	}
	return false;
}

void expect_counts(const struct machine *machine, uint32_t more)
{
	uint32_t before = machine_count(machine);
	uint64_t end = now() + 30000000;

	while (machine_count(machine) - before < more) {
		check(now() < end, "expected %u counts of the guest in 30 s, got %u", more,
		      machine_count(machine) - before);
		usleep(500);
	}
}

bool forced_emulation(void)
{
	struct machine machine;
	bool works;

	machine_make(&machine, &once);
	/* Without it the prefix is #UD, whose handler is at 0:0. */
	machine.memory[0] = 0xf4;
	check(machine_run(&machine, 0) == KVM_EXIT_HLT, "no HLT");
	works = machine.memory[FAR_AT + 1];
	machine_end(&machine);
	return works;
}

/* ---- pages that are missing ---------------------------------------------------------------- */

int watch_pages(uint8_t *memory, size_t bytes)
{
	struct uffdio_register range = {
		.range = { (uintptr_t)memory, bytes }, .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		skip("no userfaultfd for faults of the kernel: %s", strerror(errno));
	check(!madvise(memory, bytes, MADV_DONTNEED), "MADV_DONTNEED: %m");
	check(!ioctl(fd, UFFDIO_REGISTER, &range), "UFFDIO_REGISTER: %m");
	return fd;
}

uint8_t *wanted_page(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	struct uffd_msg message;

	check(poll(&poller, 1, 30000) == 1, "nobody waits for a page");
	check(read(fd, &message, sizeof(message)) == sizeof(message), "userfaultfd: %m");
	return (uint8_t *)(uintptr_t)(message.arg.pagefault.address & ~(PAGE - 1));
}

void bring_page(int fd, uint8_t *page)
{
	struct uffdio_zeropage zero = { .range = { (uintptr_t)page, PAGE } };

	check(!ioctl(fd, UFFDIO_ZEROPAGE, &zero), "UFFDIO_ZEROPAGE: %m");
}
