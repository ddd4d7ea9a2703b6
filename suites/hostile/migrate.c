// SPDX-License-Identifier: GPL-2.0-only
/* Two vCPUs that are sent from processor to processor while they run: they must not notice. */
#include <stdio.h>
#include <unistd.h>

#include "machine.h"

extern const uint8_t clocked_code[], clocked_end[];

/*
 * Compares the TSC with what it was, in EDI:ESI, and every other register with what it was
 * given; counts, each vCPU in a word of its own, by BP; writes the count to a port now and then.
 * What is wrong ends in UD2, and with IDTR's limit of 0 in a shutdown.
 */
__asm__(
	".pushsection .rodata\n"
	".code16\n"
	"clocked_code:\n"
	"	lidt 0x2010\n"
	"1:	rdtsc\n"
	"	cmp %edi, %edx\n"
	"	jb 9f\n"
	"	ja 2f\n"
	"	cmp %esi, %eax\n"
	"	jb 9f\n"
	"2:	mov %eax, %esi\n"
	"	mov %edx, %edi\n"
	"	cmp $0x12345678, %ebx\n"
	"	jne 9f\n"
	"	cmp $0x9abcdef0, %ecx\n"
	"	jne 9f\n"
	"	incl (%bp)\n"
	"	testw $0xff, (%bp)\n"
	"	jnz 1b\n"
	"	mov (%bp), %eax\n"
	"	out %eax, $0x44\n"
	"	jmp 1b\n"
	"9:	ud2\n"
	"clocked_end:\n"
	".code64\n"
	".popsection\n");

static const struct guest clocked = { clocked_code, clocked_end };

struct traveller {
	struct runner runner;
	uint32_t last;		/* that came to the port */
	unsigned int trips;
};

static void set_up(struct machine *machine, unsigned int vcpu)
{
	struct kvm_regs regs = { .rip = CODE_AT, .rflags = 2, .rbx = 0x12345678,
				 .rcx = 0x9abcdef0, .rbp = DATA_AT + 0x100 + 4 * vcpu };

	check(!ioctl(machine->vcpu[vcpu], KVM_SET_REGS, &regs), "KVM_SET_REGS: %m");
}

static uint32_t count_of(const struct machine *machine, unsigned int vcpu)
{
	return *(volatile uint32_t *)(machine->memory + DATA_AT + 0x100 + 4 * vcpu);
}

/* What the guest had in its registers when it found something wrong. */
static void show_registers(struct machine *machine, unsigned int vcpu)
{
	struct kvm_regs regs = { 0 };

	ioctl(machine->vcpu[vcpu], KVM_GET_REGS, &regs);
	printf("# vCPU %u: RIP %#llx, TSC %#llx:%#llx after %#llx:%#llx, EBX %#llx, ECX %#llx\n",
	       vcpu, regs.rip, regs.rdx, regs.rax, regs.rdi, regs.rsi, regs.rbx, regs.rcx);
}

static void still_right(struct machine *machine, struct runner *runner)
{
	if (machine->run[runner->vcpu]->exit_reason == KVM_EXIT_SHUTDOWN)
		show_registers(machine, runner->vcpu);
	check(runner->last == KVM_EXIT_IO || runner->last == -EINTR || !runner->exits,
	      "vCPU %u: expected only exits for the port, got %d", runner->vcpu, runner->last);
	check(machine->run[runner->vcpu]->exit_reason != KVM_EXIT_SHUTDOWN,
	      "vCPU %u saw what cannot be: a TSC that goes back, or another's register",
	      runner->vcpu);
}

static void travel(const struct guest *guest)
{
	struct runner runners[2];
	struct machine machine;
	unsigned int trips = 0;
	uint64_t end;

	if (cpus() < 2)
		skip("there is one processor");
	machine_make(&machine, guest);
	for (unsigned int i = 0; i < 2; i++) {
		set_up(&machine, i);
		runner_start(&runners[i], &machine, i);
	}
	end = now() + seconds * 1000000ull;
	while (now() < end || trips < 100) {
		/* Each on its own, both on one, exchanged. */
		check(pin(runners[0].tid, trips & 1) && pin(runners[1].tid, trips >> 1 & 1),
		      "a processor: %m");
		trips++;
		usleep(trips % 7 * 300);
		still_right(&machine, &runners[0]);
		still_right(&machine, &runners[1]);
	}
	check(runner_stop(&runners[0]) && runner_stop(&runners[1]), "a vCPU stays");
	for (unsigned int i = 0; i < 2; i++) {
		still_right(&machine, &runners[i]);
		if (guest == &clocked)
			check(count_of(&machine, i) > 1000, "vCPU %u has counted to %u", i,
			      count_of(&machine, i));
	}
	machine_end(&machine);
}

static void clock_and_registers(void)
{
	travel(&clocked);
}

/* The vCPU's thread is sent away while it works on numbers that must not be lost. */
static void numbers(void)
{
	struct machine machine;
	uint32_t next = 0;

	if (cpus() < 2)
		skip("there is one processor");
	machine_make(&machine, &echo);
	for (unsigned int i = 0; i < 300; i++) {
		check(pin(0, i & 1), "a processor: %m");
		machine_numbers(&machine, 0, &next, next + 1 + i % 5);
	}
	machine_end(&machine);
}

const struct test migrate_tests[] = {
	{ "migrate/clock_and_registers", clock_and_registers }, { "migrate/numbers", numbers },
	{ NULL, NULL },
};
