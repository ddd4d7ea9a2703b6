// SPDX-License-Identifier: GPL-2.0-only
/* The guest: making it, its tables, its programs. */
#include "guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- where things are in the low memory --------------------------------------------------- */

#define PML4 0x1000
#define PDPT 0x2000
#define DIRECTORY 0x3000	/* 1 GiB in pages of 2 MiB, one to one */
#define IDT 0x4000
#define GDT 0x5000
#define CODE 0x8000		/* programs, 100h bytes each */
#define HANDLER 0x9000
#define STACK 0xf000

#define SELECTOR_CODE 8
#define SELECTOR_DATA 16

static const struct {
	u8 length, bytes[23];
} programs[PROGRAMS] = {
	[PROGRAM_OUT] = { 4, { 0xe6, 0x10, 0xeb, 0xfc } },
	[PROGRAM_IN] = { 4, { 0xe4, 0x10, 0xeb, 0xfc } },
	[PROGRAM_STORE] = { 4, { 0x89, 0x03, 0xeb, 0xfc } },
	[PROGRAM_LOAD] = { 4, { 0x8b, 0x03, 0xeb, 0xfc } },
	[PROGRAM_HLT] = { 3, { 0xf4, 0xeb, 0xfd } },
	/* again: xor eax, eax; cpuid; dec esi; jnz again; out 10h, al */
	[PROGRAM_CPUID] = { 10, { 0x31, 0xc0, 0x0f, 0xa2, 0xff, 0xce, 0x75, 0xf8, 0xe6, 0x10 } },
	/* again: mov [rdi], al; add rdi, 1000h; dec esi; jnz again; out 10h, al */
	[PROGRAM_DIRTY] = { 15, { 0x88, 0x07, 0x48, 0x81, 0xc7, 0x00, 0x10, 0x00, 0x00, 0xff, 0xce,
				  0x75, 0xf3, 0xe6, 0x10 } },
	[PROGRAM_INTERRUPT] = { 4, { 0xe6, 0x10, 0xeb, 0xfc } },
};

static const u8 iretq[] = { 0x48, 0xcf };

int must(int result, const char *what)
{
	if (result < 0) {
		fprintf(stderr, "bench-kmod: %s: %s\n", what, strerror(errno));
		exit(1);
	}
	return result;
}

/* ---- making it ------------------------------------------------------------------------------ */

static void add_slot(struct guest *guest, u32 slot, u64 gpa, u8 *memory, u64 size, u32 flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .flags = flags, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (u64)memory,
	};

	must(ioctl(guest->vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
}

static u8 *memory_of(size_t size)
{
	u8 *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	must(memory == MAP_FAILED ? -1 : 0, "mmap");
	return memory;
}

void guest_make(struct guest *guest, int node)
{
	static u8 *low;

	/* The memory is the program's own, and no cost of a VM. */
	if (!low)
		low = memory_of(LOW_SIZE);
	*guest = (struct guest){ .node = node, .low = low };
	guest->vm = must(ioctl(node, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	add_slot(guest, 0, 0, low, LOW_SIZE, 0);
	guest->vcpu = must(ioctl(guest->vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	guest->run_size = must(ioctl(node, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	guest->run = mmap(NULL, guest->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, guest->vcpu,
			  0);
	must(guest->run == MAP_FAILED ? -1 : 0, "mmap of kvm_run");
	guest->run->immediate_exit = 0;
}

void guest_end(struct guest *guest)
{
	munmap(guest->run, guest->run_size);
	close(guest->vcpu);
	close(guest->vm);
}

static void write_low(struct guest *guest, u64 address, u64 value)
{
	memcpy(guest->low + address, &value, sizeof(value));
}

static void write_tables(struct guest *guest)
{
	unsigned int i;

	write_low(guest, PML4, PDPT | 3);
	write_low(guest, PDPT, DIRECTORY | 3);
	for (i = 0; i < 512; i++)
		write_low(guest, DIRECTORY + 8 * i, (u64)i << 21 | 0x83);
	write_low(guest, GDT + SELECTOR_CODE, 0x00af9b000000ffffull);
	write_low(guest, GDT + SELECTOR_DATA, 0x00cf93000000ffffull);
	/* An interrupt gate of 64-bit code, DPL 0 (SDM 3 6.14.1). */
	write_low(guest, IDT + 16 * VECTOR,
		  HANDLER | SELECTOR_CODE << 16 | 0x8eull << 40);
	memcpy(guest->low + HANDLER, iretq, sizeof(iretq));
	for (i = 0; i < PROGRAMS; i++)
		memcpy(guest->low + CODE + 0x100 * i, programs[i].bytes, programs[i].length);
}

static void set_sregs(struct guest *guest)
{
	struct kvm_segment code = {
		.selector = SELECTOR_CODE, .limit = 0xffffffff, .type = 11, .present = 1, .s = 1,
		.l = 1, .g = 1,
	};
	struct kvm_segment data = {
		.selector = SELECTOR_DATA, .limit = 0xffffffff, .type = 3, .present = 1, .s = 1,
		.db = 1, .g = 1,
	};
	struct kvm_sregs sregs;

	must(ioctl(guest->vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.gdt.base = GDT;
	sregs.gdt.limit = SELECTOR_DATA + 7;
	sregs.idt.base = IDT;
	sregs.idt.limit = 0xfff;
	sregs.cr3 = PML4;
	sregs.cr4 = 1 << 5;				/* PAE */
	sregs.cr0 = 1u << 31 | 1 << 4 | 1;		/* PG, ET, PE */
	sregs.efer = 1 << 10 | 1 << 8;			/* LMA, LME */
	must(ioctl(guest->vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
}

/* What the hypervisor offers, as any user does: the guest is in 64-bit mode, and looks at it. */
static void set_cpuid(struct guest *guest)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + 256 * sizeof(cpuid->entries[0]));

	must(cpuid ? 0 : -1, "calloc");
	cpuid->nent = 256;
	must(ioctl(guest->node, KVM_GET_SUPPORTED_CPUID, cpuid), "KVM_GET_SUPPORTED_CPUID");
	must(ioctl(guest->vcpu, KVM_SET_CPUID2, cpuid), "KVM_SET_CPUID2");
	free(cpuid);
}

void guest_prepare(struct guest *guest)
{
	guest->logged = memory_of(LOGGED_PAGES * PAGE);
	add_slot(guest, 1, LOGGED, guest->logged, LOGGED_PAGES * PAGE, KVM_MEM_LOG_DIRTY_PAGES);
	write_tables(guest);
	set_cpuid(guest);
	set_sregs(guest);
}

/* ---- running it ------------------------------------------------------------------------------ */

/* What user space was asked for counts as done, and nothing else happens (KVM API 5). */
static void finish_exit(struct guest *guest)
{
	guest->run->immediate_exit = 1;
	if (ioctl(guest->vcpu, KVM_RUN, 0) != -1 || errno != EINTR)
		must(-1, "KVM_RUN with immediate_exit");
	guest->run->immediate_exit = 0;
}

void guest_start(struct guest *guest, enum program program, u64 count)
{
	struct kvm_regs regs = {
		.rip = CODE + 0x100 * program, .rsp = STACK, .rbx = MMIO, .rdi = LOGGED,
		.rsi = count, .rflags = program == PROGRAM_INTERRUPT ? 0x202 : 2,
	};

	finish_exit(guest);
	must(ioctl(guest->vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

void guest_run(struct guest *guest, u32 exit_reason)
{
	must(ioctl(guest->vcpu, KVM_RUN, 0), "KVM_RUN");
	if (guest->run->exit_reason == exit_reason)
		return;
	fprintf(stderr, "bench-kmod: KVM_RUN came back with exit reason %u instead of %u\n",
		guest->run->exit_reason, exit_reason);
	exit(1);
}

void guest_clean_log(struct guest *guest)
{
	u64 bits[(LOGGED_PAGES + 63) / 64];
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = bits };

	must(ioctl(guest->vm, KVM_GET_DIRTY_LOG, &log), "KVM_GET_DIRTY_LOG");
}

void guest_interrupt(struct guest *guest)
{
	struct kvm_interrupt interrupt = { .irq = VECTOR };

	must(ioctl(guest->vcpu, KVM_INTERRUPT, &interrupt), "KVM_INTERRUPT");
}
