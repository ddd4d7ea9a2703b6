// SPDX-License-Identifier: GPL-2.0-only
/* The tiny guest: making it, its programs, running them. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

/* ---- programs --------------------------------------------------------------------------- */

#define PORT_DONE 0x11
#define PORT_WRONG 0x12

/*
 * access_load, access_store: RDI address, RAX value. access_twice: the same, with one more
 * written when what RDX points to is no longer RAX. walk: RDI first address, RSI pages,
 * RDX where to tell the number of passes, R8 passes, R10 what a pass adds (1 or 0), R11 what
 * is added to RBX for what must be there, R12 how long to rest after a page. In a pass: RBX
 * page, RCX pages left, RAX expected, R9 found. Numbers of ports are written out, as the
 * assembler does not see macros.
 */
extern const u8 access_load[], access_store[], access_twice[], walk_program[], programs_end[];

__asm__(
	".pushsection .rodata\n"
	"access_load:\n"
	"	mov (%rdi), %rax\n"
	"	out %al, $0x11\n"
	"access_store:\n"
	"	mov %rax, (%rdi)\n"
	"	out %al, $0x11\n"
	"access_twice:\n"
	"	mov %rax, (%rdi)\n"
	"	mov %rax, (%rdx)\n"
	"1:	pause\n"
	"	cmp %rax, (%rdx)\n"
	"	je 1b\n"
	"	inc %rax\n"
	"	mov %rax, (%rdi)\n"
	"	out %al, $0x11\n"
	"walk_program:\n"
	"	mov %rdi, %rbx\n"
	"	mov %rsi, %rcx\n"
	"1:	lea (%rbx,%r11), %rax\n"
	"	mov (%rbx), %r9\n"
	"	cmp %rax, %r9\n"
	"	jne 9f\n"
	"	mov 4088(%rbx), %r9\n"
	"	cmp %rax, %r9\n"
	"	jne 9f\n"
	"	test %r10, %r10\n"
	"	jz 2f\n"
	"	inc %rax\n"
	"	mov %rax, (%rbx)\n"
	"	mov %rax, 4088(%rbx)\n"
	"2:	mov %r12, %r13\n"
	"3:	dec %r13\n"
	"	jg 3b\n"
	"	add $4096, %rbx\n"
	"	dec %rcx\n"
	"	jnz 1b\n"
	"	inc %r8\n"
	"	add %r10, %r11\n"
	"	mov %r8, (%rdx)\n"
	"	jmp walk_program\n"
	"9:	out %al, $0x12\n"
	"	jmp 9b\n"
	"programs_end:\n"
	".popsection\n");

#define PML4_AT 0x1000u
#define PDPT_AT 0x2000u
#define PD_AT 0x3000u		/* four */
#define PROGRAMS_AT 0x8000u
#define PASSES_AT 0x9000u	/* how many passes have ended */
#define TURN_AT 0x9008u		/* of access_twice */

#define PTE_TABLE 0x7u		/* P, W, U */
#define PTE_PAGE 0xe7u		/* and A, D, PS */

static u64 program(const u8 *code)
{
	return PROGRAMS_AT + (u64)(code - access_load);
}

/* ---- making it -------------------------------------------------------------------------- */

u8 *memory_new(size_t bytes)
{
	u8 *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(memory != MAP_FAILED, "mmap of %zu bytes: %s", bytes, strerror(errno));
	return memory;
}

static void fill_low(u8 *low)
{
	u64 *pml4 = (u64 *)(low + PML4_AT), *pdpt = (u64 *)(low + PDPT_AT);
	u64 *pd = (u64 *)(low + PD_AT);

	pml4[0] = PDPT_AT | PTE_TABLE;
	for (u64 i = 0; i < 4; i++)
		pdpt[i] = (PD_AT + i * PAGE) | PTE_TABLE;
	for (u64 i = 0; i < 4 * 512; i++)
		pd[i] = (i * 2 * MIB) | PTE_PAGE;
	memcpy(low + PROGRAMS_AT, access_load, (size_t)(programs_end - access_load));
}

static struct kvm_segment flat(uint16_t selector, u8 type, bool code)
{
	return (struct kvm_segment){
		.limit = 0xffffffff, .selector = selector, .type = type, .present = 1, .s = 1,
		.g = 1, .l = code, .db = !code,
	};
}

/* 64-bit mode, privilege level 0 (SDM 3 10.8.5). */
static void set_mode(const struct guest *guest)
{
	struct kvm_sregs sregs;

	must(ioctl(guest->vcpu, KVM_GET_SREGS, &sregs));
	sregs.cs = flat(8, 11, true);
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = flat(16, 3, false);
	sregs.cr3 = PML4_AT;
	sregs.cr4 = 0x20;		/* PAE */
	sregs.cr0 = 0x80010031;		/* PG WP NE ET PE */
	sregs.efer = 0x500;		/* LMA LME */
	must(ioctl(guest->vcpu, KVM_SET_SREGS, &sregs));
}

/* What the processor supports, or else some hypervisors refuse 64-bit mode. */
static void set_cpuid(const struct guest *guest)
{
	struct kvm_cpuid2 *cpuid;

	cpuid = calloc(1, sizeof(*cpuid) + 256 * sizeof(cpuid->entries[0]));
	check(cpuid, "no memory for CPUID");
	cpuid->nent = 256;
	must(ioctl(guest->kvm, KVM_GET_SUPPORTED_CPUID, cpuid));
	must(ioctl(guest->vcpu, KVM_SET_CPUID2, cpuid));
	free(cpuid);
}

static void add_vcpu(struct guest *guest, unsigned long id)
{
	int size;

	must(guest->vcpu = ioctl(guest->vm, KVM_CREATE_VCPU, id));
	must(size = ioctl(guest->kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	guest->run_size = (size_t)size;
	guest->run = mmap(NULL, guest->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			  guest->vcpu, 0);
	check(guest->run != MAP_FAILED, "mmap of kvm_run: %s", strerror(errno));
	guest->pending = false;
	set_cpuid(guest);
	set_mode(guest);
}

void guest_create(struct guest *guest)
{
	must(guest->kvm = open(node, O_RDWR | O_CLOEXEC));
	must(guest->vm = ioctl(guest->kvm, KVM_CREATE_VM, 0));
	guest->low = memory_new(LOW_SIZE);
	fill_low(guest->low);
	slot_add(guest, 0, 0, guest->low, LOW_SIZE);
	/* Real mode on old Intel processors; 64-bit mode needs none of it. */
	ioctl(guest->vm, KVM_SET_TSS_ADDR, 0xfffbd000);
	add_vcpu(guest, 0);
}

void guest_second(const struct guest *guest, struct guest *second)
{
	*second = *guest;
	add_vcpu(second, 1);
}

void guest_destroy(struct guest *guest)
{
	munmap(guest->run, guest->run_size);
	close(guest->vcpu);
	close(guest->vm);
	close(guest->kvm);
	munmap(guest->low, LOW_SIZE);
}

int vm_ioctl(const struct guest *guest, unsigned long request, const void *argument)
{
	return ioctl(guest->vm, request, argument) ? errno : 0;
}

int slot_set(const struct guest *guest, u32 id, u64 gpa, const void *memory, u64 size, u32 flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = id, .flags = flags, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (u64)memory,
	};

	return vm_ioctl(guest, KVM_SET_USER_MEMORY_REGION, &region);
}

void slot_add(const struct guest *guest, u32 id, u64 gpa, const void *memory, u64 size)
{
	check_equal(slot_set(guest, id, gpa, memory, size, 0), 0, "errno of a new slot");
}

/* ---- single accesses -------------------------------------------------------------------- */

/* An exit's instruction ends with the next KVM_RUN (KVM API 5): here, and nothing after it. */
static void complete(struct guest *guest)
{
	if (!guest->pending)
		return;
	guest->run->immediate_exit = 1;
	check(ioctl(guest->vcpu, KVM_RUN, 0) < 0 && errno == EINTR,
	      "KVM_RUN with immediate_exit did not say EINTR");
	guest->run->immediate_exit = 0;
	guest->pending = false;
}

/* KVM_RUN: 0 or errno. */
static int enter(struct guest *guest)
{
	if (ioctl(guest->vcpu, KVM_RUN, 0) < 0)
		return errno;
	guest->pending = true;
	return 0;
}

static bool exit_at(const struct guest *guest, u32 port)
{
	return guest->run->exit_reason == KVM_EXIT_IO && guest->run->io.port == port;
}

int guest_continue(struct guest *guest, u64 *value)
{
	struct kvm_regs regs;
	int error = enter(guest);

	if (error)
		return -error;
	if (!exit_at(guest, PORT_DONE))
		return (int)guest->run->exit_reason;
	must(ioctl(guest->vcpu, KVM_GET_REGS, &regs));
	*value = regs.rax;
	return 0;
}

static int access_once(struct guest *guest, const u8 *code, u64 gpa, u64 *value)
{
	struct kvm_regs regs = { .rip = program(code), .rdi = gpa, .rdx = TURN_AT,
				 .rax = *value, .rflags = 2 };

	complete(guest);
	must(ioctl(guest->vcpu, KVM_SET_REGS, &regs));
	return guest_continue(guest, value);
}

int guest_load(struct guest *guest, u64 gpa, u64 *value)
{
	*value = 0;
	return access_once(guest, access_load, gpa, value);
}

int guest_store(struct guest *guest, u64 gpa, u64 value)
{
	return access_once(guest, access_store, gpa, &value);
}

u64 guest_store_program(void)
{
	return program(access_store);
}

_Atomic u64 *guest_turn(const struct guest *guest)
{
	return (_Atomic u64 *)(guest->low + TURN_AT);
}

int guest_store_twice(struct guest *guest, u64 gpa, u64 value)
{
	return access_once(guest, access_twice, gpa, &value);
}

void check_load(struct guest *guest, u64 gpa, u64 expected, const char *what)
{
	u64 value;

	check_equal(guest_load(guest, gpa, &value), 0, what);
	check_equal(value, expected, what);
}

/* ---- the walk --------------------------------------------------------------------------- */

void walk_fill(u8 *memory, u64 gpa, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += PAGE) {
		*(u64 *)(memory + at) = gpa + at;
		*(u64 *)(memory + at + PAGE - 8) = gpa + at;
	}
}

static _Atomic u64 *passes(const struct walk *walk)
{
	return (_Atomic u64 *)(walk->guest->low + PASSES_AT);
}

void walk_begin(struct walk *walk)
{
	struct kvm_regs regs = {
		.rip = program(walk_program), .rflags = 2, .rdi = walk->gpa,
		.rsi = walk->bytes / PAGE, .rdx = PASSES_AT, .r10 = !walk->reads_only,
		.r12 = walk->pause,
	};

	complete(walk->guest);
	atomic_store(passes(walk), 0);
	must(ioctl(walk->guest->vcpu, KVM_SET_REGS, &regs));
}

static void woken(int signal)
{
	(void)signal;
}

static void *walk_thread(void *argument)
{
	struct walk *walk = argument;

	atomic_store(&walk->tid, (pid_t)syscall(SYS_gettid));
	do
		walk->result = enter(walk->guest);
	while (walk->result == EINTR && !atomic_load(&walk->stop));
	atomic_store(&walk->ended, true);
	return NULL;
}

void walk_resume(struct walk *walk)
{
	struct sigaction action = { .sa_handler = woken };

	sigaction(SIGUSR1, &action, NULL);
	walk->guest->run->immediate_exit = 0;
	atomic_store(&walk->stop, false);
	atomic_store(&walk->ended, false);
	check(!pthread_create(&walk->thread, NULL, walk_thread, walk), "no thread for the vCPU");
}

void walk_start(struct walk *walk)
{
	walk_begin(walk);
	walk_resume(walk);
}

/* Says what stopped a guest that should go on. */
static void stopped(struct walk *walk)
{
	struct walk_fault fault;

	if (walk->result)
		fail(__FILE__, __LINE__, "KVM_RUN: %s", strerror(walk->result));
	if (walk_fault(walk, &fault))
		fail(__FILE__, __LINE__, "at %#llx the guest read %#llx and not %#llx (pass %llu)",
		     (unsigned long long)fault.gpa, (unsigned long long)fault.found,
		     (unsigned long long)fault.expected, (unsigned long long)*passes(walk));
	fail(__FILE__, __LINE__, "the guest stopped with exit reason %u",
	     walk->guest->run->exit_reason);
}

void walk_passes(struct walk *walk, unsigned int count)
{
	u64 until = atomic_load(passes(walk)) + count + 1;

	for (int i = 0; i < 60000; i++) {
		if (atomic_load(&walk->ended))
			stopped(walk);
		if (atomic_load(passes(walk)) >= until)
			return;
		usleep(1000);
	}
	fail(__FILE__, __LINE__, "the guest made no progress for 60 s: pass %llu, and not %llu",
	     (unsigned long long)*passes(walk), (unsigned long long)until);
}

void walk_new(struct guest *guest, struct walk *walk, size_t bytes, unsigned int count)
{
	u8 *memory = memory_new(bytes);

	guest_create(guest);
	walk_fill(memory, RAM, bytes);
	slot_add(guest, 1, RAM, memory, bytes);
	*walk = (struct walk){ .guest = guest, .memory = memory, .gpa = RAM, .bytes = bytes };
	walk_start(walk);
	walk_passes(walk, count);
}

static void join(struct walk *walk)
{
	check(!pthread_join(walk->thread, NULL), "the vCPU's thread cannot be joined");
	walk->guest->run->immediate_exit = 0;
}

int walk_end(struct walk *walk)
{
	for (int i = 0; i < 20000 && !atomic_load(&walk->ended); i++)
		usleep(1000);
	check(atomic_load(&walk->ended), "the guest goes on, and should have stopped");
	join(walk);
	return walk->result;
}

bool walk_fault(struct walk *walk, struct walk_fault *fault)
{
	struct kvm_regs regs;

	if (walk->result || !exit_at(walk->guest, PORT_WRONG))
		return false;
	must(ioctl(walk->guest->vcpu, KVM_GET_REGS, &regs));
	*fault = (struct walk_fault){ .gpa = regs.rbx, .expected = regs.rax, .found = regs.r9 };
	return true;
}

void walk_halt(struct walk *walk)
{
	atomic_store(&walk->stop, true);
	walk->guest->run->immediate_exit = 1;
	while (!atomic_load(&walk->ended)) {
		pthread_kill(walk->thread, SIGUSR1);
		usleep(1000);
	}
	join(walk);
	if (walk->result != EINTR)
		stopped(walk);
}

void walk_stop(struct walk *walk)
{
	walk_halt(walk);
	walk_compare(walk);
}

void walk_compare(struct walk *walk)
{
	struct kvm_regs regs;

	must(ioctl(walk->guest->vcpu, KVM_GET_REGS, &regs));
	for (size_t at = 0; at < walk->bytes; at += PAGE) {
		u64 gpa = walk->gpa + at, least = gpa + regs.r11, most = least;
		u64 first = *(u64 *)(walk->memory + at);
		u64 last = *(u64 *)(walk->memory + at + PAGE - 8);

		/* Between passes (RCX 0) R11 may have risen; a page under work has either. */
		if (regs.rcx && gpa < regs.rbx)
			least += regs.r10;
		if (!regs.rcx || gpa <= regs.rbx)
			most += regs.r10;
		check(first >= least && first <= most && last >= least && last <= most,
		      "page %#llx holds %#llx and %#llx here, and the guest has written %#llx",
		      (unsigned long long)gpa, (unsigned long long)first, (unsigned long long)last,
		      (unsigned long long)least);
	}
}
